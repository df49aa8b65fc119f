#!/usr/bin/env python3
"""Makes the pictures of tests/golden and the hashes of what Pillow makes of them.

    python3 -m venv VENV && VENV/bin/pip install 'Pillow==13.0.0'
    VENV/bin/python tests/golden/make_goldens.py

The hashes come from Pillow alone: they say what millrace must compute, not what it computes. A
picture that exists is kept (an encoder of another version would write other bytes); remove it to
have it made anew.

goldens.json: {"pillow": version, "pictures": {file: {
    "mode", "width", "height":  as Pillow opens it,
    "decoded":   SHA-256 of Image.open(f).convert("RGB").tobytes(),
    "resized":   SHA-256 of Image.open(f).resize((512, 512), BILINEAR).convert("RGB").tobytes(),
    "resized_W": the same at other sizes, where given (upscaling, one side kept),
    "truncated": whether Pillow takes the file only with LOAD_TRUNCATED_IMAGES,
    "orientation": what Image.getexif says, 1 where it says none that there is,
    "transposed": SHA-256 of ImageOps.exif_transpose(...).convert("RGB"), where it is not 1}}}
"""
import hashlib
import io
import json
import pathlib
import struct
import sys
import zlib

import PIL
from PIL import Image, ImageDraw, ImageFile, ImageOps

import bmp_runs
import gif_files
import orientation_files
import pnm_files
import tiff_files

WANTED = "13.0.0"
HERE = pathlib.Path(__file__).parent
PICTURES = HERE / "pictures"


# --- content -------------------------------------------------------------------------------------

def scene(width, height, seed=1):
    """Smooth colour, edges and a little texture: compresses well, yet every rounding shows."""
    image = Image.new("RGB", (width, height))
    red = Image.linear_gradient("L").resize((width, height), Image.BICUBIC)
    green = Image.radial_gradient("L").resize((width, height), Image.BICUBIC)
    blue = ImageOps.mirror(red).rotate(180)
    image = Image.merge("RGB", (red, green, blue))
    draw = ImageDraw.Draw(image)
    state = seed
    for _ in range(24):
        numbers = []
        for _ in range(7):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            numbers.append(state >> 8)
        x, y = numbers[0] % width, numbers[1] % height
        w, h = 1 + numbers[2] % max(1, width // 3), 1 + numbers[3] % max(1, height // 3)
        draw.ellipse((x, y, x + w, y + h), fill=tuple(n % 256 for n in numbers[4:7]))
    return image


def alpha_of(width, height):
    """Opaque, transparent and everything between."""
    ramp = Image.linear_gradient("L").rotate(90).resize((width, height), Image.BICUBIC)
    return ramp.point(lambda v: max(0, min(255, v * 2 - 128)))


def noise(width, height, seed=7):
    """Uncompressible: for small pictures only."""
    state, data = seed, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        data.append(state >> 16 & 255)
    return Image.frombytes("RGB", (width, height), bytes(data))


# --- writers of what Pillow does not write -------------------------------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))


def png(width, height, depth, color, samples, interlaced=False, extra=b"", idat=1 << 30):
    """A PNG of any kind; samples[y][x] is a tuple of a pixel's samples."""
    def rows(xs, ys):
        out = b""
        for y in ys:
            bits = "".join(format(s, f"0{depth}b") for x in xs for s in samples[y][x])
            bits += "0" * (-len(bits) % 8)
            line = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            if line:
                out += b"\0" + line
        return out

    if interlaced:
        raw = b"".join(rows(range(x0, width, dx), range(y0, height, dy))
                       for x0, y0, dx, dy in ADAM7)
    else:
        raw = rows(range(width), range(height))
    packed = zlib.compress(raw, 9)
    body = b"".join(chunk(b"IDAT", packed[i:i + idat]) for i in range(0, len(packed), idat))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + body + chunk(b"IEND", b""))


def samples_of(width, height, count, depth):
    top = (1 << depth) - 1
    return [[tuple((x * 37 * (c + 1) + y * (11 + 5 * c) + (x * y) // 7) * max(1, top // 97) & top
                   for c in range(count)) for x in range(width)] for y in range(height)]


def bmp(bits, width, height, rows, palette=b"", compression=0, masks=b"", top_down=False,
        header=40):
    """`rows`: bytes of each row, top first, unpadded."""
    lines = [row + b"\0" * (-len(row) % 4) for row in rows]
    data = b"".join(lines if top_down else lines[::-1])
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIIIII", 40, width, -height if top_down else height, 1, bits,
                           compression, len(data), 2835, 2835, len(palette) // 4, 0)
    offset = 14 + len(info) + len(masks) + len(palette)
    return (struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + info + masks +
            palette + data)


# --- the list ------------------------------------------------------------------------------------

def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def save(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def jpeg(image, **options):
    return save(image, "JPEG", **{"quality": 60, **options})


def cut(data, share):
    return data[:int(len(data) * share)]


def pictures():
    """file name -> a function that makes its bytes."""
    made = {}

    def add(name, function, *arguments, **options):
        assert name not in made, name
        made[name] = lambda: function(*arguments, **options)

    # Sizes, as JPEG and as PNG: the passes' order and skipping, shrinking, enlarging, both at once.
    for w, h in ((1, 1), (1, 5000), (5000, 1), (2, 3), (64, 48), (512, 512), (511, 513), (301, 999),
                 (999, 301), (512, 300), (300, 512), (512, 1700), (1700, 512), (1080, 1920),
                 (1920, 1080), (513, 1537), (640, 2049), (1280, 2050)):
        add(f"size-{w}x{h}.jpg", lambda w=w, h=h: jpeg(scene(w, h), quality=40))
    for w, h in ((1, 1), (1, 5000), (3, 2), (64, 48), (511, 513), (301, 999), (1080, 1920),
                 (600, 2000)):
        add(f"size-{w}x{h}.png",
            lambda w=w, h=h: save(scene(w, h, 5).quantize(64).convert("RGB"), "PNG", optimize=True))
    add("noise-97x61.png", lambda: save(noise(97, 61), "PNG"))
    add("noise-200x150.jpg", lambda: jpeg(noise(200, 150), quality=80))

    # JPEG: samplings, progressive, restart markers, greys, four channels, EXIF.
    big = (403, 307)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        add(f"jpeg-{name}.jpg", lambda s=sampling: jpeg(scene(*big), subsampling=s))
        add(f"jpeg-{name}-progressive.jpg",
            lambda s=sampling: jpeg(scene(*big), subsampling=s, progressive=True))
    for name, h, v in (("440", 1, 2), ("411", 4, 1), ("410", 4, 2), ("441", 1, 4)):
        add(f"jpeg-{name}.jpg", jpeg_sampled, *big, h, v)
    add("jpeg-restart.jpg", lambda: jpeg(scene(*big), restart_marker_blocks=3))
    add("jpeg-restart-rows-progressive.jpg",
        lambda: jpeg(scene(*big), restart_marker_rows=1, progressive=True))
    add("jpeg-grey.jpg", lambda: jpeg(scene(*big).convert("L")))
    add("jpeg-grey-progressive.jpg", lambda: jpeg(scene(*big).convert("L"), progressive=True))
    add("jpeg-cmyk-adobe.jpg", lambda: jpeg(cmyk_of(scene(*big))))
    add("jpeg-cmyk-adobe-progressive.jpg", lambda: jpeg(cmyk_of(scene(*big)), progressive=True))
    add("jpeg-rgb-kept.jpg", lambda: jpeg(scene(*big), keep_rgb=True))
    add("jpeg-quality-1.jpg", lambda: jpeg(scene(*big), quality=1))
    add("jpeg-quality-100.jpg", lambda: jpeg(scene(160, 120), quality=100))
    add("jpeg-trailing-bytes.jpg", lambda: jpeg(scene(64, 48)) + b"trailing" * 9)
    for orientation in (2, 3, 5, 6, 8):
        add(f"exif-{orientation}.jpg",
            lambda o=orientation: jpeg(scene(120, 80), exif=exif(o)))
    add("exif-6.png", lambda: save(scene(60, 40), "PNG", exif=exif(6)))
    add("exif-8.webp", lambda: save(scene(60, 40), "WEBP", quality=50, exif=exif(8)))

    # PNG: every colour type and depth, flat and interlaced.
    w, h = 45, 37
    for color, name, count, depths in ((0, "grey", 1, (1, 2, 4, 8, 16)),
                                       (2, "rgb", 3, (8, 16)), (3, "palette", 1, (1, 2, 4, 8)),
                                       (4, "grey-alpha", 2, (8, 16)), (6, "rgba", 4, (8, 16))):
        for depth in depths:
            for interlaced in (False, True):
                add(f"png-{name}-{depth}{'-interlaced' if interlaced else ''}.png",
                    png_kind, w, h, depth, color, count, interlaced)
    add("png-rgba-scene.png", lambda: save(rgba(scene(301, 211)), "PNG"))
    add("png-rgba-512.png", lambda: save(rgba(scene(512, 512)), "PNG"))
    add("png-grey-alpha-scene.png", lambda: save(grey_alpha(scene(301, 211)), "PNG"))
    add("png-palette-trns.png",
        lambda: save(scene(301, 211).quantize(200), "PNG", transparency=bytes(range(200))))
    add("png-palette-trns-1.png", lambda: save(scene(301, 211).quantize(64), "PNG", transparency=3))
    add("png-palette-short.png", png_short_palette)
    add("png-grey-trns.png", lambda: save(scene(90, 70).convert("L"), "PNG", transparency=77))
    add("png-rgb-trns.png", lambda: save(scene(90, 70), "PNG", transparency=(1, 2, 3)))
    add("png-bilevel.png", lambda: save(scene(700, 600).convert("1"), "PNG"))
    add("png-grey-16-dark.png", png_dark_16)
    add("png-many-idat.png", lambda: png(w, h, 8, 2, samples_of(w, h, 3, 8), idat=50))

    # WebP.
    add("webp-lossy.webp", lambda: save(scene(*big), "WEBP", quality=50))
    add("webp-lossless.webp", lambda: save(scene(150, 110), "WEBP", lossless=True))
    add("webp-lossy-alpha.webp", lambda: save(rgba(scene(*big)), "WEBP", quality=50))
    add("webp-lossless-alpha.webp",
        lambda: save(rgba(scene(150, 110)), "WEBP", lossless=True, exact=True))
    add("webp-1x1.webp", lambda: save(scene(1, 1), "WEBP", quality=50))
    add("webp-odd.webp", lambda: save(scene(301, 999), "WEBP", quality=30))
    add("webp-animated.webp",
        lambda: save(scene(80, 60), "WEBP", quality=50, save_all=True,
                     append_images=[scene(80, 60, 9), scene(80, 60, 10)], duration=100))
    add("webp-animated-alpha.webp",
        lambda: save(rgba(scene(80, 60)), "WEBP", quality=50, save_all=True,
                     append_images=[rgba(scene(80, 60, 9))], duration=100))

    # BMP.
    add("bmp-24.bmp", lambda: save(scene(61, 47), "BMP"))
    add("bmp-24-narrow.bmp", lambda: save(scene(1, 30), "BMP"))
    add("bmp-24-top-down.bmp", lambda: bmp(24, 61, 47, rgb_rows(61, 47), top_down=True))
    add("bmp-24-core-header.bmp", lambda: bmp(24, 61, 47, rgb_rows(61, 47), header=12))
    add("bmp-8-palette.bmp", lambda: save(scene(61, 47).quantize(200), "BMP"))
    add("bmp-8-grey.bmp", lambda: save(scene(61, 47).convert("L"), "BMP"))
    add("bmp-1.bmp", lambda: save(scene(61, 47).convert("1"), "BMP"))
    add("bmp-4-palette.bmp", bmp_4)
    add("bmp-32.bmp", lambda: save(rgba(scene(61, 47)), "BMP"))
    add("bmp-16-555.bmp", bmp_16, 0, b"")
    add("bmp-16-565.bmp", bmp_16, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F))

    # Cut short. Baseline JPEG, PNG and BMP only: what Pillow makes of the others is not defined.
    for share in (0.4, 0.75, 0.98):
        name = f"{int(share * 100)}"
        add(f"cut-{name}.jpg", lambda s=share: cut(jpeg(scene(*big)), s))
        add(f"cut-{name}-grey.jpg", lambda s=share: cut(jpeg(scene(*big).convert("L")), s))
        add(f"cut-{name}.png", lambda s=share: cut(save(scene(301, 211), "PNG"), s))
        add(f"cut-{name}-rgba.png", lambda s=share: cut(save(rgba(scene(150, 110)), "PNG"), s))
        add(f"cut-{name}-interlaced.png",
            lambda s=share: cut(png(w, h, 8, 2, samples_of(w, h, 3, 8), True), s))
    add("cut-restart.jpg", lambda: cut(jpeg(scene(*big), restart_marker_blocks=3), 0.5))
    add("cut-444.jpg", lambda: cut(jpeg(scene(*big), subsampling=0), 0.5))
    add("cut-cmyk.jpg", lambda: cut(jpeg(cmyk_of(scene(*big))), 0.6))
    add("cut-palette.png", lambda: cut(save(scene(301, 211).quantize(200), "PNG"), 0.5))
    add("cut-grey-16.png", lambda: cut(png(w, h, 16, 0, samples_of(w, h, 1, 16)), 0.6))
    add("cut-many-idat.png", lambda: cut(png(w, h, 8, 2, samples_of(w, h, 3, 8), idat=50), 0.6))
    add("cut-50.bmp", lambda: cut(save(scene(61, 47), "BMP"), 0.5))
    add("bad-idat.png", lambda: spoil(save(scene(301, 211), "PNG"), 0.6))
    add("bad-checksum.png", bad_checksum)
    add("no-end.png", lambda: save(scene(90, 70), "PNG")[:-12])
    for more in (tiff_files.pictures, gif_files.pictures, bmp_runs.pictures,
                 pnm_files.pictures, orientation_files.pictures):
        for name, function in more(scene, save).items():
            add(name, function)
    return made


def cmyk_of(image):
    image = image.convert("CMYK")
    black = Image.linear_gradient("L").resize(image.size)
    return Image.merge("CMYK", image.split()[:3] + (black,))


def rgba(image):
    image = image.copy()
    image.putalpha(alpha_of(*image.size))
    return image


def grey_alpha(image):
    return Image.merge("LA", (image.convert("L"), alpha_of(*image.size)))


def rgb_rows(width, height):
    image = scene(width, height)
    r, g, b = image.split()
    data = Image.merge("RGB", (b, g, r)).tobytes()
    return [data[y * width * 3:(y + 1) * width * 3] for y in range(height)]


def bmp_4():
    image = scene(61, 47).quantize(16)
    colors = (image.getpalette() + [0] * 48)[:48]
    palette = b"".join(bytes((colors[i + 2], colors[i + 1], colors[i], 0)) for i in range(0, 48, 3))
    data = image.tobytes()
    rows = []
    for y in range(47):
        row = data[y * 61:(y + 1) * 61] + b"\0"
        rows.append(bytes(row[x] << 4 | row[x + 1] for x in range(0, 61, 2)))
    return bmp(4, 61, 47, rows, palette)


def bmp_16(compression, masks):
    rows = [b"".join(struct.pack("<H", (x * 1031 + y * 577 + x * y) & 0xFFFF) for x in range(61))
            for y in range(47)]
    return bmp(16, 61, 47, rows, compression=compression, masks=masks)


def png_kind(width, height, depth, color, count, interlaced):
    samples = samples_of(width, height, count, depth)
    extra = b""
    if color == 3:
        extra = chunk(b"PLTE", bytes((i * 89 + 13) & 255 for i in range(3 << depth)))
    return png(width, height, depth, color, samples, interlaced, extra)


def png_short_palette():
    """Indices beyond the palette's end."""
    samples = samples_of(45, 37, 1, 8)
    return png(45, 37, 8, 3, samples, extra=chunk(b"PLTE", bytes(range(30))))


def png_dark_16():
    """16-bit grey around 255, where Pillow clips."""
    samples = [[((x * 7 + y * 5) % 400,) for x in range(61)] for y in range(47)]
    return png(61, 47, 16, 0, samples)


def spoil(data, share):
    at = int(len(data) * share)
    return data[:at] + bytes(b ^ 0x5A for b in data[at:at + 40]) + data[at + 40:]


def bad_checksum():
    data = bytearray(save(scene(90, 70), "PNG"))
    data[-13] ^= 0xFF  # the last byte of IDAT's checksum
    return bytes(data)


def jpeg_sampled(width, height, h, v):
    """JPEG with h x v luma samples a chroma sample, encoded here: baseline, Annex K's tables.

    Pillow's encoder offers three samplings; decoders must take them all.
    """
    import math

    ycc = scene(width, height).convert("YCbCr").split()
    steps = ((h, v), (1, 1), (1, 1))
    mcus_x, mcus_y = -(-width // (8 * h)), -(-height // (8 * v))
    planes = []
    for plane, (ph, pv) in zip(ycc, steps):
        if (ph, pv) == (1, 1):
            plane = plane.resize((-(-width // h), -(-height // v)), Image.BOX)
        full = Image.new("L", (mcus_x * 8 * ph, mcus_y * 8 * pv))
        full.paste(plane.resize(full.size))
        full.paste(plane)
        planes.append(full.load())

    zigzag = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2
                                                               else i % 8)))
    table = [16 + 3 * (i // 8 + i % 8) for i in range(64)]
    cosines = [[math.cos((2 * x + 1) * u * math.pi / 16) for x in range(8)] for u in range(8)]
    # One simple code for everything: all symbols of 8 bits. DC: 0..11; AC: every run and size.
    dc_symbols = list(range(12))
    ac_symbols = [r << 4 | s for r in range(16) for s in range(1, 11)] + [0x00, 0xF0]
    dc_code = {s: (i, 4) for i, s in enumerate(dc_symbols)}
    ac_code = {s: (i, 8) for i, s in enumerate(ac_symbols)}
    bits = []

    def put(value, size):
        if size:
            bits.append(format(value, f"0{size}b"))

    def block(pixels, bx, by, last):
        rows = [[pixels[bx * 8 + x, by * 8 + y] - 128 for x in range(8)] for y in range(8)]
        half = [[sum(row[x] * cosines[u][x] for x in range(8)) for u in range(8)] for row in rows]
        out = [0] * 64
        for vv in range(8):
            for u in range(8):
                total = sum(half[y][u] * cosines[vv][y] for y in range(8))
                scale = (0.5 ** 0.5 if u == 0 else 1) * (0.5 ** 0.5 if vv == 0 else 1) / 4
                out[vv * 8 + u] = round(total * scale / table[vv * 8 + u])
        scan = [out[i] for i in zigzag]
        difference = scan[0] - last
        size = abs(difference).bit_length()
        put(*dc_code[size])
        put(difference if difference > 0 else difference + (1 << size) - 1, size)
        run = 0
        end = max((i for i in range(1, 64) if scan[i]), default=0)
        for value in scan[1:end + 1]:
            if value == 0:
                run += 1
                continue
            while run > 15:
                put(*ac_code[0xF0])
                run -= 16
            size = abs(value).bit_length()
            put(*ac_code[run << 4 | size])
            put(value if value > 0 else value + (1 << size) - 1, size)
            run = 0
        if end < 63:
            put(*ac_code[0x00])
        return scan[0]

    last = [0, 0, 0]
    for my in range(mcus_y):
        for mx in range(mcus_x):
            for c, (ph, pv) in enumerate(steps):
                for y in range(pv):
                    for x in range(ph):
                        last[c] = block(planes[c], mx * ph + x, my * pv + y, last[c])
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")

    def segment(marker, body):
        return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body

    def huffman(kind, length, symbols):
        counts = [0] * 16
        counts[length - 1] = len(symbols)
        return segment(0xC4, bytes([kind << 4]) + bytes(counts) + bytes(symbols))

    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(
        bytes((c + 1, ph << 4 | pv, 0)) for c, (ph, pv) in enumerate(steps))
    return (b"\xff\xd8" +
            segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") +
            segment(0xDB, b"\0" + bytes(table[i] for i in zigzag)) +
            segment(0xC0, frame) + huffman(0, 4, dc_symbols) + huffman(1, 8, ac_symbols) +
            segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0") + data + b"\xff\xd9")


# --- the hashes ----------------------------------------------------------------------------------

OTHER_SIZES = {"size-64x48.jpg": [(1, 1), (64, 7), (7, 48), (1000, 20)],
               "size-1080x1920.jpg": [(256, 256), (1080, 100), (2000, 300)],
               "size-600x2000.png": [(1, 1), (300, 300), (511, 513)],
               "png-rgba-scene.png": [(64, 300)], "png-grey-alpha-scene.png": [(64, 64)],
               "png-palette-8.png": [(7, 5)], "png-grey-16.png": [(30, 20), (3, 37)],
               "jpeg-grey.jpg": [(100, 31), (403, 31)], "jpeg-cmyk-adobe.jpg": [(100, 90)]}


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def describe(path):
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(path) as image:
            image.load()
        truncated = False
    except OSError:
        truncated = True
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    with Image.open(path) as image:
        image.load()
        orientation = image.getexif().get(0x0112, 1)
        entry = {"mode": image.mode, "width": image.width, "height": image.height,
                 "truncated": truncated, "orientation": orientation if orientation in range(1, 9) else 1,
                 "decoded": digest(image.convert("RGB"))}
        sizes = [(512, 512)] + OTHER_SIZES.get(path.name, [])
        for w, h in sizes:
            key = "resized" if (w, h) == (512, 512) else f"resized_{w}x{h}"
            entry[key] = digest(image.resize((w, h), Image.BILINEAR).convert("RGB"))
        if entry["orientation"] != 1:
            entry["transposed"] = digest(ImageOps.exif_transpose(image).convert("RGB"))
    return entry


def main():
    if PIL.__version__ != WANTED:
        sys.exit(f"Pillow {PIL.__version__} is here, the reference is {WANTED}: see this file's top")
    PICTURES.mkdir(exist_ok=True)
    made = pictures()
    for name, make in made.items():
        if not (PICTURES / name).exists():
            (PICTURES / name).write_bytes(make())
    for path in PICTURES.iterdir():
        if path.name not in made:
            sys.exit(f"{path} is in no list of this script: remove it, or add it")
    goldens = {"pillow": PIL.__version__,
               "pictures": {name: describe(PICTURES / name) for name in sorted(made)}}
    (HERE / "goldens.json").write_text(json.dumps(goldens, indent=1) + "\n")
    size = sum(path.stat().st_size for path in PICTURES.iterdir())
    print(f"{len(made)} pictures, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
