"""Golden pictures: TIFF, in many layouts of which Pillow writes few."""
import struct
import zlib


def pack_bits(values, bits):
    """Numbers of `bits` each, high bits first, to whole bytes."""
    text = "".join(format(v, f"0{bits}b") for v in values)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


def reverse_bits(data):
    return bytes(int(format(b, "08b")[::-1], 2) for b in data)


def tiff(samples, bits, photometric, order="<", extra=(), planar=False, tile=None, rows=None,
         packed=False, fill=1, orientation=None, palette=None, big=False, pages=(), formats=None,
         extra_tags=()):
    """A TIFF of any layout; samples[y][x] is a tuple of a pixel's samples.

    `tile`: (width, height) of tiles, else strips of `rows` rows. `packed`: deflated.
    """
    height, width, count = len(samples), len(samples[0]), len(samples[0][0])

    def encode(values):
        if bits == 16:
            return struct.pack(f"{order}{len(values)}H", *values)
        return pack_bits(values, bits)

    def block(x0, y0, w, h, plane):
        data = b""
        for y in range(y0, y0 + h):
            line = []
            for x in range(x0, x0 + w):
                pixel = samples[min(y, height - 1)][min(x, width - 1)]
                line += [pixel[plane]] if planar else list(pixel)
            data += encode(line)
        if packed:
            data = zlib.compress(data, 9)
        return reverse_bits(data) if fill == 2 else data

    blocks = []
    rows = rows or height
    for plane in range(count if planar else 1):
        if tile:
            blocks += [block(x, y, *tile, plane) for y in range(0, height, tile[1])
                       for x in range(0, width, tile[0])]
        else:
            blocks += [block(0, y, width, min(rows, height - y), plane)
                       for y in range(0, height, rows)]
    number = "Q" if big else "I"
    offset = 16 if big else 8
    data, offsets = b"", []
    for one in blocks:
        offsets.append(offset + len(data))
        data += one + b"\0" * (len(one) % 2)
    long = 16 if big else 4
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * count),
            259: (3, [8 if packed else 1]), 262: (3, [photometric]), 266: (3, [fill]),
            277: (3, [count]), 284: (3, [2 if planar else 1])}
    sizes = [len(one) for one in blocks]
    if tile:
        tags.update({322: (3, [tile[0]]), 323: (3, [tile[1]]), 324: (long, offsets),
                     325: (4, sizes)})
    else:
        tags.update({273: (long, offsets), 278: (3, [rows]), 279: (4, sizes)})
    if extra:
        tags[338] = (3, list(extra))
    if orientation:
        tags[274] = (3, [orientation])
    if palette:
        tags[320] = (3, palette)
    if formats:
        tags[339] = (3, formats)
    tags.update(dict(extra_tags))
    letters = {3: "H", 4: "I", 16: "Q"}
    directory_at = offset + len(data)
    entry = 20 if big else 12
    spill_at = directory_at + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    entries, spill = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        body = struct.pack(f"{order}{len(values)}{letters[kind]}", *values)
        if len(body) > (8 if big else 4):
            entries += struct.pack(f"{order}HH{number}{number}", tag, kind, len(values),
                                   spill_at + len(spill))
            spill += body + b"\0" * (len(body) % 2)
        else:
            entries += struct.pack(f"{order}HH{number}", tag, kind, len(values))
            entries += body.ljust(8 if big else 4, b"\0")
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, directory_at)
    else:
        head = mark + struct.pack(f"{order}HI", 42, directory_at)
    return (head + data + struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)) + entries +
            struct.pack(f"{order}{number}", 0) + spill)


def tiff_of(image, **options):
    """Of an 8-bit picture of Pillow's."""
    width, height = image.size
    data = list(image.getdata())
    if not isinstance(data[0], tuple):
        data = [(v,) for v in data]
    return tiff([data[y * width:(y + 1) * width] for y in range(height)], **options)


def samples_of(width, height, count, bits):
    top = (1 << bits) - 1
    return [[tuple((x * 37 * (c + 1) + y * (11 + 5 * c) + (x * y) // 7) * max(1, top // 97) & top
                   for c in range(count)) for x in range(width)] for y in range(height)]


def ramps(bits):
    """A colour map: all reds, all greens, all blues."""
    count = 1 << bits
    return ([i * 40503 & 65535 for i in range(count)] + [i * 60013 & 65535 for i in range(count)] +
            [65535 - i * 257 & 65535 for i in range(count)])


WHITE, BLACK, RGB, PALETTE, CMYK = 0, 1, 2, 3, 5


def pictures(scene, save):
    """file name -> a function that makes its bytes."""
    made = {}

    def add(name, count, bits, photometric, size=(45, 37), **options):
        assert name not in made, name
        made[f"tiff-{name}.tif"] = lambda: tiff(samples_of(*size, count, bits), bits=bits,
                                                photometric=photometric, **options)

    for packed, how in ((False, ""), (True, "-deflate")):
        for bits in (1, 2, 4, 8):
            add(f"black-{bits}{how}", 1, bits, BLACK, packed=packed, rows=9)
            add(f"white-{bits}{how}", 1, bits, WHITE, packed=packed, rows=9)
            add(f"palette-{bits}{how}", 1, bits, PALETTE, packed=packed, palette=ramps(bits))
        add(f"black-12{how}", 1, 12, BLACK, packed=packed)
        for order, end in (("<", "little"), (">", "big")):
            add(f"rgb-16-{end}{how}", 3, 16, RGB, packed=packed, order=order, rows=10)
            add(f"rgba-16-{end}{how}", 4, 16, RGB, packed=packed, order=order, extra=(2,))
            add(f"associated-16-{end}{how}", 4, 16, RGB, packed=packed, order=order, extra=(1,))
            add(f"rgb-{end}{how}", 3, 8, RGB, packed=packed, order=order, rows=7)
        # Pillow decodes grey of 16 bits with the high byte first, and does not resize it.
        add(f"grey-16{how}", 1, 16, BLACK, packed=packed)
        add(f"white-16{how}", 1, 16, WHITE, packed=packed)
        add(f"cmyk{how}", 4, 8, CMYK, packed=packed)
        add(f"cmyk-16{how}", 4, 16, CMYK, packed=packed)
        add(f"cmyk-extra{how}", 5, 8, CMYK, packed=packed, extra=(0,))
        add(f"grey-alpha{how}", 2, 8, BLACK, packed=packed, extra=(2,))
        add(f"grey-extra{how}", 2, 8, BLACK, packed=packed, extra=(0,))
        add(f"rgba{how}", 4, 8, RGB, packed=packed, extra=(2,))
        add(f"rgba-untold{how}", 4, 8, RGB, packed=packed)
        add(f"associated{how}", 4, 8, RGB, packed=packed, extra=(1,))
        add(f"associated-extra{how}", 5, 8, RGB, packed=packed, extra=(1, 0))
        add(f"rgb-extra{how}", 4, 8, RGB, packed=packed, extra=(0,))
        add(f"rgba-extras{how}", 6, 8, RGB, packed=packed, extra=(2, 0, 0))
        add(f"planar{how}", 3, 8, RGB, packed=packed, planar=True, rows=11)
        add(f"planar-rgba{how}", 4, 8, RGB, packed=packed, planar=True, extra=(2,))
        add(f"planar-cmyk{how}", 4, 8, CMYK, packed=packed, planar=True)
        add(f"tiled{how}", 3, 8, RGB, packed=packed, tile=(16, 32))
        add(f"tiled-grey{how}", 1, 8, BLACK, packed=packed, tile=(32, 16))
        add(f"tiled-1{how}", 1, 1, BLACK, packed=packed, tile=(16, 16))
        add(f"tiled-planar{how}", 3, 8, RGB, packed=packed, tile=(32, 16), planar=True)
        add(f"tiled-large{how}", 3, 8, RGB, packed=packed, tile=(64, 48))
        add(f"big{how}", 3, 8, RGB, packed=packed, big=True)
        for orientation in range(2, 9):
            add(f"orientation-{orientation}{how}", 3, 8, RGB, (20, 13), packed=packed,
                orientation=orientation)
        add(f"reversed-1{how}", 1, 1, WHITE, packed=packed, fill=2)
        add(f"reversed-4{how}", 1, 4, BLACK, packed=packed, fill=2)
    add("reversed-8", 1, 8, BLACK, fill=2)
    add("planar-extra-deflate", 4, 8, RGB, packed=True, planar=True, extra=(0,))
    add("planar-16-deflate", 3, 16, RGB, packed=True, planar=True)
    add("planar-associated-deflate", 4, 8, RGB, packed=True, planar=True, extra=(1,))
    add("planar-untold-deflate", 4, 8, RGB, packed=True, planar=True)

    small = (90, 70)
    for how in ("tiff_lzw", "packbits", "jpeg", "tiff_adobe_deflate", "tiff_deflate"):
        short = how.replace("tiff_", "")
        made[f"tiff-scene-{short}.tif"] = lambda h=how: save(scene(*small), "TIFF", compression=h)
        made[f"tiff-grey-{short}.tif"] = lambda h=how: save(scene(*small).convert("L"), "TIFF",
                                                            compression=h)
    made["tiff-cmyk-jpeg.tif"] = lambda: save(scene(*small).convert("CMYK"), "TIFF",
                                              compression="jpeg")
    made["tiff-ycbcr-jpeg.tif"] = lambda: save(scene(*small).convert("YCbCr"), "TIFF",
                                               compression="jpeg", quality=70)
    made["tiff-ycbcr-lzw.tif"] = lambda: save(scene(*small).convert("YCbCr"), "TIFF",
                                              compression="tiff_lzw")
    made["tiff-lzw-predictor.tif"] = lambda: save(scene(*small), "TIFF", compression="tiff_lzw",
                                                  tiffinfo={317: 2})
    for how in ("group3", "group4", "tiff_ccitt", "packbits"):
        short = how.replace("tiff_", "")
        made[f"tiff-bilevel-{short}.tif"] = lambda h=how: save(scene(*small).convert("1"), "TIFF",
                                                               compression=h)
    made["tiff-palette-lzw.tif"] = lambda: save(scene(*small).quantize(200), "TIFF",
                                                compression="tiff_lzw")
    made["tiff-pages.tif"] = lambda: save(scene(*small), "TIFF", save_all=True,
                                          append_images=[scene(50, 40, 3), scene(30, 60, 4)])
    for share in (40, 75, 98):
        made[f"cut-{share}.tif"] = lambda s=share: cut_tail(save(scene(*small), "TIFF"), s)
    made["cut-50-tiled.tif"] = lambda: cut_tail(directory_first(), 50)
    return made


def cut_tail(data, share):
    return data[:len(data) * share // 100]


def directory_first():
    """Tiles, uncompressed, behind their directory, as most programs have it the other way round."""
    data = tiff(samples_of(45, 37, 1, 8), bits=8, photometric=BLACK, tile=(16, 16))
    at, = struct.unpack("<I", data[4:8])
    directory = data[at:]
    moved = bytearray(directory)
    count, = struct.unpack("<H", moved[:2])
    for i in range(count):
        field = 2 + 12 * i
        tag, kind, values, value = struct.unpack("<HHII", moved[field:field + 12])
        size = values * {3: 2, 4: 4}[kind]
        if size > 4:
            spill = value - at
            if tag == 324:
                offsets = struct.unpack(f"<{values}I", moved[spill:spill + size])
                moved[spill:spill + size] = struct.pack(
                    f"<{values}I", *(offset + len(directory) for offset in offsets))
            moved[field + 8:field + 12] = struct.pack("<I", value - at + 8)
    return data[:4] + struct.pack("<I", 8) + bytes(moved) + data[8:at]
