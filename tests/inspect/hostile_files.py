"""Files that were made to hurt who looks at them: small, and costly in memory or time if believed.

    /usr/bin/python3 tests/inspect/hostile_files.py FOLDER      writes them, and says which codes are right
"""
import json
import pathlib
import struct
import sys
import zlib

from PIL import Image

from corpus import png_chunk, saved, scene

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GIANT = 50_000


def png_header(width, height, depth=8, colour=2, interlaced=0):
    return PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def deflated_zeros(size):
    """`size` zeros at a thousandth of their size: the same block over and over."""
    block = 1 << 20
    middle = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = zlib.compressobj(9, zlib.DEFLATED, -15)
    middle = middle.compress(bytes(block)) + middle.flush(zlib.Z_FULL_FLUSH)
    end = end.compress(bytes(size % block)) + end.flush()
    adler = (size % 65521) << 16 | 1
    return b"\x78\xda" + middle * (size // block) + end + struct.pack(">I", adler)


def small_png(*chunks):
    """A sound picture with these chunks before its pixels."""
    return (png_header(8, 8) + b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(bytes(8 * 25)))
            + png_chunk(b"IEND", b""))


def pngs():
    # 1 bit a pixel: its 312 MB of rows are 300 KB.
    yield "giant-bilevel.png", (png_header(GIANT, GIANT, 1, 0)
                                + png_chunk(b"IDAT", deflated_zeros(GIANT * (GIANT // 8 + 1)))
                                + png_chunk(b"IEND", b"")), {"too-large"}
    yield "giant-cut.png", (png_header(GIANT, GIANT) + png_chunk(b"IDAT", deflated_zeros(100_000_000))), {"too-large"}
    # Within the caps, as large as they allow: 16,000 x 16,000 of 64 bits, 2 GB of rows.
    yield "largest.png", (png_header(16_000, 16_000, 16, 6) + png_chunk(b"IDAT", deflated_zeros(16_000 * 128_001))
                          + png_chunk(b"IEND", b"")), {"ok"}
    yield "largest-interlaced.png", (png_header(16_000, 16_000, 8, 0, 1)
                                     + png_chunk(b"IDAT", deflated_zeros(100_000_000)) + png_chunk(b"IEND", b"")), {"corrupt"}
    bomb = deflated_zeros(1_000_000_000)
    yield "bomb-in-text.png", small_png(png_chunk(b"zTXt", b"Comment\0\0" + bomb)), {"ok", "corrupt", "too-large"}
    yield "bomb-in-itxt.png", small_png(png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb)), {"ok", "corrupt", "too-large"}
    yield "bomb-in-profile.png", small_png(png_chunk(b"iCCP", b"p\0\0" + bomb)), {"ok", "corrupt", "too-large"}
    yield "bomb-behind-the-rows.png", png_header(8, 8) + png_chunk(b"IDAT", bomb) + png_chunk(b"IEND", b""), {"ok"}
    # Of a length that is only claimed, and one whose bytes are there: see long_text_png.
    yield "claimed-text.png", (png_header(8, 8) + struct.pack(">I4s", 0x7FFFFFFF, b"tEXt") + b"Comment\0short"), {"truncated"}
    yield "negative-text.png", (png_header(8, 8) + struct.pack(">I4s", 0xFFFFFFFF, b"tEXt") + b"Comment\0short"), {"truncated", "corrupt"}
    yield "empty-chunks.png", small_png(png_chunk(b"tEXt", b"") * 1_000_000), {"ok"}
    yield "empty-data-chunks.png", (png_header(8, 8) + png_chunk(b"IDAT", b"") * 1_000_000
                                    + png_chunk(b"IDAT", zlib.compress(bytes(200))) + png_chunk(b"IEND", b"")), {"ok"}
    def control(number):
        return png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 16_000, 16_000, 0, 0, 1, 10, 0, 0))

    rows = deflated_zeros(16_000 * 2001)
    yield "animation-of-giants.png", (
        png_header(16_000, 16_000, 1, 0) + png_chunk(b"acTL", struct.pack(">II", 201, 0)) + control(0)
        + png_chunk(b"IDAT", rows)
        + b"".join(control(number) + png_chunk(b"fdAT", struct.pack(">I", number + 1) + rows)
                   for number in range(1, 401, 2))
        + png_chunk(b"IEND", b"")), {"too-large"}


def tiff_field(tag, kind, count, value):
    return struct.pack("<HHII", tag, kind, count, value)


def tiff_directory(fields, following):
    return struct.pack("<H", len(fields)) + b"".join(fields) + struct.pack("<I", following)


def tiff_fields(width=1, height=1, rows_at=8, rows_bytes=1, compression=1, more=()):
    fields = [tiff_field(256, 4, 1, width), tiff_field(257, 4, 1, height), tiff_field(258, 3, 1, 8),
              tiff_field(259, 3, 1, compression), tiff_field(262, 3, 1, 1), tiff_field(273, 4, 1, rows_at),
              tiff_field(277, 3, 1, 1), tiff_field(278, 4, 1, height), tiff_field(279, 4, 1, rows_bytes)]
    return sorted([*fields, *more], key=lambda field: struct.unpack("<H", field[:2]))


def tiffs():
    head = struct.pack("<2sHI", b"II", 42, 8)
    one = len(tiff_directory(tiff_fields(), 0))
    yield "directory-loop.tif", head + tiff_directory(tiff_fields(), 8), {"ok", "corrupt"}
    yield "directory-loop-of-two.tif", (head + tiff_directory(tiff_fields(), 8 + one)
                                        + tiff_directory(tiff_fields(), 8)), {"ok", "corrupt"}
    chain = b"".join(tiff_directory(tiff_fields(), 8 + one * (i + 1) if i < 99_999 else 0) for i in range(100_000))
    yield "many-pages.tif", head + chain, {"ok", "too-large"}
    sub = len(tiff_directory(tiff_fields(more=[tiff_field(330, 4, 1, 8)]), 0))
    yield "sub-directory-loop.tif", head + tiff_directory(tiff_fields(more=[tiff_field(330, 4, 1, 8)]), 0), {"ok", "corrupt"}
    yield "exif-loop.tif", (head + tiff_directory(tiff_fields(more=[tiff_field(34665, 4, 1, 8)]), 8 + sub)
                            + tiff_directory(tiff_fields(more=[tiff_field(34665, 4, 1, 8)]), 8)), {"ok", "corrupt"}
    # One directory of 65,535 fields, and directories that begin at each other's fields.
    yield "many-fields.tif", head + tiff_directory([tiff_field(40_000, 4, 1, 0)] * 65_500 + tiff_fields(), 0), {"ok", "corrupt", "unsupported-format"}
    overlapping = head + b"".join(struct.pack("<HI", 0, 8 + 6 * (i + 1)) for i in range(200_000))
    yield "empty-directories.tif", overlapping, {"corrupt", "not-an-image", "unsupported-format", "too-large"}
    yield "claimed-offsets.tif", head + tiff_directory(
        tiff_fields(60_000, 4000, more=())[:5] + [tiff_field(273, 4, 0x3FFFFFFF, 8), tiff_field(277, 3, 1, 1),
                                                  tiff_field(278, 4, 1, 1), tiff_field(279, 4, 0x3FFFFFFF, 8)], 0), {"corrupt", "truncated", "unsupported-format"}
    yield "giant.tif", head + tiff_directory(tiff_fields(0x7FFFFFFF, 0x7FFFFFFF), 0), {"too-large"}
    # A single deflated strip of 256 million pixels.
    for name, compression, data in (("deflate", 8, deflated_zeros(256_000_000)),
                                    ("packbits", 32773, b"\x81\0" * 2_000_000), ("lzw", 5, bytes(1000)), ("jpeg", 7, bytes(1000))):
        yield f"largest-{name}.tif", (head + tiff_directory(tiff_fields(16_000, 16_000, 8 + one, len(data), compression), 0)
                                      + data), None
    # 100,000 pages that all are the same strip of a million pixels.
    data = deflated_zeros(1_000_000)
    chain = b"".join(tiff_directory(tiff_fields(1000, 1000, 8 + one * 100_000, len(data), 8), 8 + one * (i + 1) if i < 99_999 else 0)
                     for i in range(100_000))
    yield "one-strip-many-pages.tif", head + chain + data, {"too-large"}


def gif(width, height, blocks, colours=2):
    bits = max(1, (colours - 1).bit_length())
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | bits - 1, 0, 0) + bytes(3 << bits) + blocks + b";")


def gifs():
    def frame(width, height, data):
        return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + data

    dot = frame(1, 1, b"\x02\x02\x44\x01\x00")
    yield "empty-frames.gif", gif(10, 10, dot + frame(0, 0, b"\x02\x00") * 1_000_000), {"ok"}
    yield "only-empty-frames.gif", gif(10, 10, frame(1, 1, b"\x02\x00") * 1_000_000), {"corrupt"}
    yield "many-dots.gif", gif(10, 10, dot * 1_000_000), {"ok"}
    yield "huge-screen.gif", gif(65_535, 65_535, dot * 1000), {"too-large"}
    yield "large-screen.gif", gif(16_000, 16_000, dot * 100_000), {"ok"}
    yield "huge-frame.gif", gif(1, 1, frame(65_535, 65_535, b"\x02\x00")), {"too-large"}
    yield "extensions.gif", gif(1, 1, b"!\xfe\x00" * 2_000_000 + dot), {"ok"}
    yield "no-blocks.gif", gif(1, 1, dot + bytes(20_000_000)), {"ok"}
    # Frames of 4 million pixels, a few KB each: 16 GB of pixels in all.
    picture = Image.new("P", (2000, 2000))
    picture.putpalette(bytes(768))
    whole = saved(picture, "GIF")
    at = whole.rindex(b",\0\0\0\0\xd0\x07\xd0\x07")
    yield "many-large-frames.gif", whole[:at] + whole[at:-1] * 4000 + b";", {"too-large"}


def jpeg_segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def progressive_jpeg(width, height, scans):
    """A grey picture, all of whose data are zeros, and the same scan of it over and over."""
    tables = jpeg_segment(0xDB, b"\0" + bytes([1] * 64))
    # One code of one bit. DC: the same value again. AC: the next 16,384 blocks are empty, or a few
    # more by the 14 bits behind it.
    for kind, symbol in ((0x00, 0x00), (0x10, 0xE0)):
        tables += jpeg_segment(0xC4, bytes((kind, 1)) + bytes(15) + bytes((symbol,)))
    frame = jpeg_segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    blocks = -(-width // 8) * -(-height // 8)
    dc = jpeg_segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8))
    ac = jpeg_segment(0xDA, b"\1\1\0\1\x3f\0") + bytes(-(-(-(-blocks // 16384) * 15) // 8))
    return b"\xff\xd8" + tables + frame + dc + ac * scans + b"\xff\xd9"


def jpegs():
    yield "many-scans.jpg", progressive_jpeg(64, 64, 5000), {"too-large", "corrupt"}
    # Its last code ends more blocks than there are.
    yield "costly-scans.jpg", progressive_jpeg(14_000, 14_000, 490), {"suspicious", "too-large"}
    # Scans without data: the decoder goes over all their blocks, for ten bytes each.
    largest = progressive_jpeg(14_000, 14_000, 0)[:-2]
    yield "scans-of-nothing.jpg", largest + jpeg_segment(0xDA, b"\1\1\0\1\x3f\0") * 490 + b"\xff\xd9", {"corrupt", "truncated", "too-large"}
    header = saved(scene(), "JPEG")
    at = header.index(b"\xff\xc0") + 5
    giant = header[:at] + struct.pack(">HH", 65_500, 65_500) + header[at + 4:]
    yield "giant.jpg", giant, {"too-large"}
    yield "giant-header.jpg", giant[:giant.index(b"\xff\xda")], {"too-large", "truncated"}
    large = header[:at] + struct.pack(">HH", 16_000, 16_000) + header[at + 4:]
    yield "large-without-data.jpg", large, {"truncated", "corrupt"}
    yield "segments.jpg", header[:2] + jpeg_segment(0xFE, b"") * 2_000_000 + header[2:], {"ok"}
    yield "applications.jpg", header[:2] + jpeg_segment(0xE1, b"Exif\0\0" + b"MM\0*\0\0\0\x08" + bytes(65_000)) * 400 + header[2:], {"ok"}
    yield "fill-bytes.jpg", header[:2] + b"\xff" * 50_000_000 + header[2:], None
    # Tables before every one of 20,000 restarts of nothing.
    yield "tables.jpg", header[:2] + jpeg_segment(0xDB, b"\0" + bytes([1] * 64)) * 300_000 + header[2:], {"ok"}


def riff(chunks):
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def webp_chunk(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def webps():
    # Just within the cap of pixels and WebP's own of 16,383 a side.
    large = (15_990, 15_990)

    def three(value):
        return struct.pack("<I", value)[:3]

    def lossless(width, height):
        """Of one colour: a pixel takes no bit, so the same data do for every size."""
        data = bytearray(saved(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:])
        data[9:13] = struct.pack("<I", width - 1 | (height - 1) << 14 | struct.unpack("<I", data[9:13])[0] & 15 << 28)
        return bytes(data)

    def lossy(width, height):
        data = bytearray(saved(scene(), "WEBP")[12:])
        data[14:18] = struct.pack("<HH", width, height)
        return bytes(data)

    def animation(canvas, frame, size, count):
        head = webp_chunk(b"VP8X", struct.pack("<I", 2) + three(canvas[0] - 1) + three(canvas[1] - 1))
        body = bytes(6) + three(size[0] - 1) + three(size[1] - 1) + three(10) + b"\0" + frame
        return riff(head + webp_chunk(b"ANIM", bytes(6)) + webp_chunk(b"ANMF", body) * count)

    yield "huge-canvas.webp", animation((1 << 24, 255), lossless(1, 1), (1, 1), 10), {"too-large"}
    yield "large-canvas.webp", animation(large, lossless(1, 1), (1, 1), 100_000), {"ok", "too-large"}
    yield "largest-lossless.webp", riff(lossless(*large)), {"ok", "too-large"}
    yield "largest-lossy.webp", riff(lossy(*large)), {"truncated", "corrupt", "too-large"}
    yield "many-large-frames.webp", animation(large, lossless(*large), large, 40), {"too-large"}
    yield "claimed-size.webp", b"RIFF\xf0\xff\xff\xffWEBP" + lossless(1, 1), {"suspicious", "truncated"}


def bmps():
    def bmp(width, height, bits, compression=0, data=b""):
        return (struct.pack("<2sIHHI", b"BM", 54 + 1024 + len(data), 0, 0, 54 + 1024)
                + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 256, 0)
                + bytes(1024) + data)

    yield "giant.bmp", bmp(0x7FFFFFFF, 0x7FFFFFFF, 24), {"too-large"}
    yield "upside-down-giant.bmp", bmp(0x7FFFFFFF, -0x80000000, 24), {"too-large", "corrupt"}
    yield "negative.bmp", bmp(-5, 5, 24), {"corrupt", "too-large", "unsupported-format"}
    # Run lengths that jump to the last row at once, and ones that go nowhere for long.
    yield "jumps.bmp", bmp(16_000, 16_000, 8, 1, b"\0\x02\xff\xff" * 100 + b"\0\1"), None
    yield "runs-of-nothing.bmp", bmp(16_000, 16_000, 8, 1, b"\0\x02\0\0" * 5_000_000), None


def others():
    from PIL import features
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 0x7FFFFFFF, 6)
    yield "icon.ico", struct.pack("<HHH", 0, 1, 65_535) + entry * 65_535, {"unsupported-format", "not-an-image"}
    yield "giant.ppm", b"P6\n50000 50000\n255\n", {"too-large"}
    yield "digits.pgm", b"P2\n2 2\n255\n" + b"1" * 20_000_000, None
    yield "comments.pgm", b"P5\n" + b"# nothing\n" * 2_000_000 + b"2 2\n255\n0000", None
    yield "plain.pbm", b"P1\n16000 16000\n" + b"0" * 1000, {"truncated"}
    if features.check("jpg_2000"):
        sound = saved(scene(), "JPEG2000", no_jp2=True)
        at = sound.index(b"\xff\x51") + 4
        yield "giant.j2k", sound[:at + 2] + struct.pack(">II", 0x7FFFFFFF, 0x7FFFFFFF) + sound[at + 10:], {"too-large"}
        # Large, of one tile, and of tiles of a pixel each.
        yield "large.j2k", (sound[:at + 2] + struct.pack(">IIIIII", 16_000, 16_000, 0, 0, 16_000, 16_000)
                            + sound[at + 26:]), None
        yield "tiles.j2k", (sound[:at + 2] + struct.pack(">IIIIII", 16_000, 16_000, 0, 0, 1, 1)
                            + sound[at + 26:]), None


def long_text_png(path, length):
    """A sound PNG whose text is `length` bytes, a hole of the file system: no disk is taken."""
    head = png_header(8, 8) + struct.pack(">I4s", length, b"tEXt") + b"Comment\0"
    with open(path, "wb") as file:
        file.write(head)
        file.seek(len(head) + length - 8 + 4)
        file.write(png_chunk(b"IDAT", zlib.compress(bytes(8 * 25))) + png_chunk(b"IEND", b""))


def write_hostile(folder):
    """Writes the files; returns {name: the codes that are right, or None where any is}."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    right = {}
    for files in (pngs, tiffs, gifs, jpegs, webps, bmps, others):
        for name, data, codes in files():
            (folder / name).write_bytes(data)
            right[name] = codes
    long_text_png(folder / "long-text.png", 2_000_000_000)
    right["long-text.png"] = {"too-large"}
    long_text_png(folder / "long-text-within-the-cap.png", 250_000_000)
    right["long-text-within-the-cap.png"] = {"bad-crc", "too-large"}
    return right


if __name__ == "__main__":
    print(json.dumps({name: codes and sorted(codes) for name, codes in write_hostile(sys.argv[1]).items()}))
