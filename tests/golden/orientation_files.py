"""Golden pictures: the places where a file may say how it is to be turned."""
import struct
import zlib

ATTRIBUTE = b'<x:xmpmeta><rdf:Description tiff:Make="x" tiff:Orientation="%d"/></x:xmpmeta>'
ELEMENT = b"<x:xmpmeta><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>"
XAP = b"http://ns.adobe.com/xap/1.0/\0"


def exif(*tags, order="<"):
    """An EXIF block without its name; `tags`: (number, value) of 16 bits each."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    fields = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    return (head + struct.pack(order + "IH", 8, len(tags)) + fields + struct.pack(order + "I", 0))


def jpeg(data, *segments):
    """APP1 segments behind the start of a JPEG."""
    return data[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s
                               for s in segments) + data[2:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(data, *chunks, behind=False):
    """Chunks before the pixels of a PNG, or behind them."""
    at = data.index(b"IEND") - 4 if behind else data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def raw_profile(block, name=b"exif"):
    """As ImageMagick writes it."""
    digits = block.hex().encode()
    lines = b"\n".join(digits[i:i + 72] for i in range(0, len(digits), 72))
    return b"\n%s\n%8d\n%s\n" % (name, len(block), lines)


def text(key, value):
    return chunk(b"tEXt", key + b"\0" + value)


def packed_text(key, value):
    return chunk(b"zTXt", key + b"\0\0" + zlib.compress(value))


def unicode_text(key, value, packed=False):
    return chunk(b"iTXt", key + b"\0" + bytes((packed, 0)) + b"\0\0" +
                 (zlib.compress(value) if packed else value))


def pictures(scene, save):
    """file name -> a function that makes its bytes."""
    made = {}
    size = (40, 28)

    def add(name, kind, change, **options):
        made[name] = lambda: change(save(scene(*size), kind, **options))

    app1 = b"Exif\0\0"
    for name, segments in {
            "xmp-attribute-6": [XAP + ATTRIBUTE % 6],
            "xmp-element-8": [XAP + ELEMENT % 8],
            "xmp-last-3": [XAP + ATTRIBUTE % 6, XAP + ATTRIBUTE % 3],
            "exif-1-xmp-6": [app1 + exif((0x112, 1)), XAP + ATTRIBUTE % 6],
            "exif-9-xmp-6": [app1 + exif((0x112, 9)), XAP + ATTRIBUTE % 6],
            "exif-none-xmp-5": [XAP + ATTRIBUTE % 5, app1 + exif((0x100, 40))],
            "exif-big-endian-7": [app1 + exif((0x112, 7), order=">")],
            "exif-twice-named-4": [app1 + app1 + exif((0x112, 4))],
            "exif-in-two-2": [app1 + exif((0x112, 2))[:15], app1 + exif((0x112, 2))[15:]],
            "xmp-0": [XAP + ATTRIBUTE % 0]}.items():
        add(f"turn-{name}.jpg", "JPEG", lambda d, s=segments: jpeg(d, *s), quality=60)

    xmp = b"XML:com.adobe.xmp"
    raw = b"Raw profile type exif"
    block = raw_profile(app1 + exif((0x112, 6)))
    for name, chunks in {
            "raw-text-6": [text(raw, block)],
            "raw-packed-6": [packed_text(raw, block)],
            "raw-unicode-6": [unicode_text(raw, block, packed=True)],
            "xmp-3": [unicode_text(xmp, ATTRIBUTE % 3)],
            "xmp-packed-8": [unicode_text(xmp, ELEMENT % 8, packed=True)],
            "xmp-text-5": [text(xmp, ATTRIBUTE % 5)],
            "exif-before-raw-2": [text(raw, block), chunk(b"eXIf", exif((0x112, 2)))],
            "exif-none-xmp-7": [chunk(b"eXIf", exif((0x100, 40))), unicode_text(xmp, ELEMENT % 7)],
            "raw-1-xmp-7": [text(raw, raw_profile(exif((0x112, 1)))),
                            unicode_text(xmp, ELEMENT % 7)]}.items():
        add(f"turn-{name}.png", "PNG", lambda d, c=chunks: png(d, *c))
    add("turn-behind-exif-4.png", "PNG",
        lambda d: png(d, chunk(b"eXIf", exif((0x112, 4))), behind=True))
    add("turn-behind-raw-6.png", "PNG", lambda d: png(d, packed_text(raw, block), behind=True))

    same = lambda d: d  # noqa: E731
    add("turn-xmp-5.webp", "WEBP", same, quality=50, xmp=ATTRIBUTE % 5)
    add("turn-exif-1-xmp-5.webp", "WEBP", same, quality=50, xmp=ATTRIBUTE % 5,
        exif=exif((0x112, 1)))
    add("turn-exif-none-xmp-5.webp", "WEBP", same, quality=50, xmp=ELEMENT % 5,
        exif=exif((0x100, 40)))
    # A TIFF is turned when it is read.
    for how in (None, "tiff_adobe_deflate"):
        name = "" if how is None else "-deflate"
        add(f"turn-xmp-6{name}.tif", "TIFF", same, compression=how, tiffinfo={700: ATTRIBUTE % 6})
        add(f"turn-xmp-element-8{name}.tif", "TIFF", same, compression=how,
            tiffinfo={700: ELEMENT % 8})
        add(f"turn-field-1-xmp-6{name}.tif", "TIFF", same, compression=how,
            tiffinfo={700: ATTRIBUTE % 6, 274: 1})
        add(f"turn-field-3-xmp-6{name}.tif", "TIFF", same, compression=how,
            tiffinfo={700: ATTRIBUTE % 6, 274: 3})
    return made
