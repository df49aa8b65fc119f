"""Damaged pictures of every format, the same ones at every run.

    /usr/bin/python3 tests/inspect/corpus.py FOLDER     writes them, and index.json

Each sound picture (a variant of a format) is cut at 20 places, has a byte flipped at seeded places
(240 a format, shared by its variants), a hole of zeros in its middle, its tail zeroed, its header
alone, another format's extension, and nothing at all.
"""
import dataclasses
import io
import json
import pathlib
import random
import struct
import sys
import zlib

from PIL import Image, ImageDraw, ImageFilter, features

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
from gif_files import gif  # noqa: E402
from tiff_files import tiff_of  # noqa: E402

CUTS = 20
FLIPS = 240  # a format
SIZE = (120, 88)


@dataclasses.dataclass
class Sample:
    name: str      # of the file
    format: str
    variant: str
    damage: str    # "sound", "cut", "flip", "hole", "tail", "header", "extension", "empty"
    place: int     # the byte where the damage begins
    original: str  # the name of the sound file


def scene(mode="RGB", size=SIZE, seed=1):
    """Smooth colour, edges and a little noise, so that a wrong bit shows."""
    rng = random.Random(seed)
    image = Image.merge("RGB", [Image.linear_gradient("L").resize(size).rotate(angle) for angle in (0, 90, 180)])
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        colour = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + rng.randrange(8, 40), y + rng.randrange(8, 30)), fill=colour)
    noise = Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1]))
    image = Image.blend(image, noise.filter(ImageFilter.GaussianBlur(1)), 0.2)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(size))
    return image.convert(mode) if image.mode != mode else image


def saved(image, suffix, **how):
    buffer = io.BytesIO()
    image.save(buffer, suffix, **how)
    return buffer.getvalue()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced_png(image):
    """Adam7, which Pillow does not write; filter 0 in every row."""
    width, height = image.size
    pixels, step = image.tobytes(), len(image.getbands())
    rows = []
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, height, dy):
            row = [pixels[(y * width + x) * step:(y * width + x + 1) * step] for x in range(x0, width, dx)]
            if row:
                rows.append(b"\0" + b"".join(row))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[step], 0, 0, 1)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"".join(rows)))
            + png_chunk(b"IEND", b""))


def split_png(data, piece):
    """The same PNG with its data in many IDAT chunks, and a text and a time behind them."""
    out, at, idat = data[:8], 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IDAT":
            idat += body
        elif kind != b"IEND":
            out += png_chunk(kind, body)
        at += 12 + length
    for begin in range(0, len(idat), piece):
        out += png_chunk(b"IDAT", idat[begin:begin + piece])
    return out + png_chunk(b"tEXt", b"Comment\0behind the pixels") + png_chunk(b"IEND", b"")


def rle8_bmp(image):
    """Run-length coded, in absolute and encoded runs; Pillow reads it (since 9.2) and does not write it."""
    image = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    width, height = image.size
    pixels, out = image.tobytes(), b""
    for y in reversed(range(height)):
        row, x = pixels[y * width:(y + 1) * width], 0
        while x < width:
            run = 1
            while x + run < width and run < 255 and row[x + run] == row[x]:
                run += 1
            out += bytes((run, row[x]))
            x += run
        out += b"\0\0"
    out += b"\0\1"
    palette = image.getpalette()[:48] + [0] * 48
    table = b"".join(bytes((palette[3 * i + 2], palette[3 * i + 1], palette[3 * i], 0)) for i in range(16))
    offset = 14 + 40 + len(table)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(out), 2835, 2835, 16, 16)
    return b"BM" + struct.pack("<IHHI", offset + len(out), 0, 0, offset) + info + table + out


def other_tiffs(image):
    """What Pillow does not write: tiles, planes, either byte order, 64-bit offsets, 16 bits."""
    grey, black, rgb = image.convert("L"), 1, 2
    yield "tiles", tiff_of(image, bits=8, photometric=rgb, tile=(32, 32))
    yield "deflated-tiles", tiff_of(image, bits=8, photometric=rgb, tile=(48, 32), packed=True)
    yield "planes", tiff_of(image, bits=8, photometric=rgb, planar=True, rows=20)
    yield "big-endian", tiff_of(image, bits=8, photometric=rgb, order=">", rows=16, packed=True)
    yield "big", tiff_of(grey, bits=8, photometric=black, rows=30, big=True)
    yield "16", tiff_of(grey.point(lambda v: v * 257, "I"), bits=16, photometric=black, rows=24, packed=True)


def other_gifs(image):
    """Colours of their own and a transparent one; a later frame over a part of the screen."""
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    width, height = image.size
    colours = bytes(palette.getpalette()[:192])
    whole = (0, 0, width, height, list(palette.getdata()), {"colors": colours, "transparent": 3})
    part = palette.crop((20, 10, 70, 60))
    yield "transparent", gif(width, height, [whole], colours)
    yield "parts", gif(width, height, [whole, (20, 10, 50, 50, list(part.getdata()), {"transparent": 7, "clear_every": 300})],
                       colours)


def plain_pnm(image):
    """Samples as text."""
    rows = [image.tobytes()[at:at + 3 * image.width] for at in range(0, 3 * image.width * image.height, 3 * image.width)]
    return f"P3\n{image.width} {image.height}\n255\n".encode() + b"\n".join(b" ".join(b"%d" % v for v in row) for row in rows) + b"\n"


def exif():
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "A camera"
    return tags.tobytes()


def frames(mode="RGB", count=3):
    return [scene(mode, (72, 56), seed) for seed in range(1, count + 1)]


def sound_pictures():
    """(format, variant, suffix, bytes)"""
    rgb, grey, rgba = scene(), scene("L"), scene("RGBA")
    palette = rgb.convert("P", palette=Image.Palette.ADAPTIVE)
    for variant, image, how in (
            ("420", rgb, {}), ("444", rgb, {"subsampling": 0}), ("422", rgb, {"subsampling": 1}), ("grey", grey, {}),
            ("cmyk", rgb.convert("CMYK"), {}), ("progressive-cmyk", rgb.convert("CMYK"), {"progressive": True}), ("progressive", rgb, {"progressive": True}),
            ("progressive-grey", grey, {"progressive": True}), ("optimized", rgb, {"optimize": True, "quality": 90}),
            ("exif", rgb, {"exif": exif()}), ("restart", rgb, {"restart_marker_rows": 1})):
        yield "jpeg", variant, ".jpg", saved(image, "JPEG", **how)
    for variant, image in (("rgb", rgb), ("grey", grey), ("bilevel", grey.convert("1")), ("palette", palette),
                           ("rgba", rgba), ("grey-alpha", scene("LA")), ("16", grey.convert("I").point(lambda v: v * 257).convert("I;16"))):
        yield "png", variant, ".png", saved(image, "PNG")
    yield "png", "transparent", ".png", saved(palette, "PNG", transparency=3)
    yield "png", "interlaced", ".png", interlaced_png(rgb)
    yield "png", "split", ".png", split_png(saved(rgb, "PNG"), 700)
    yield "png", "animated", ".png", saved(frames()[0], "PNG", save_all=True, append_images=frames()[1:])
    if features.check("webp"):
        yield "webp", "lossy", ".webp", saved(rgb, "WEBP")
        yield "webp", "lossless", ".webp", saved(rgb, "WEBP", lossless=True)
        yield "webp", "alpha", ".webp", saved(rgba, "WEBP")
        yield "webp", "exif", ".webp", saved(rgb, "WEBP", exif=exif())
        yield "webp", "animated-lossless", ".webp", saved(frames("RGBA")[0], "WEBP", save_all=True, lossless=True,
                                                          append_images=frames("RGBA")[1:])
        yield "webp", "animated", ".webp", saved(frames()[0], "WEBP", save_all=True, append_images=frames()[1:])
    yield "gif", "still", ".gif", saved(palette, "GIF", interlace=0)
    yield "gif", "interlaced", ".gif", saved(palette, "GIF", interlace=1)
    for variant, data in other_gifs(rgb):
        yield "gif", variant, ".gif", data
    yield "gif", "animated", ".gif", saved(frames()[0], "GIF", save_all=True, append_images=frames()[1:])
    for variant, image, how in (
            ("raw", rgb, {}), ("lzw", rgb, {"compression": "tiff_lzw"}), ("deflate", rgb, {"compression": "tiff_adobe_deflate"}),
            ("packbits", rgb, {"compression": "packbits"}), ("jpeg", rgb, {"compression": "jpeg"}),
            ("g4", grey.convert("1"), {"compression": "group4"}), ("palette", palette, {"compression": "tiff_lzw"}),
            ("rgba", rgba, {"compression": "tiff_adobe_deflate"}), ("cmyk", rgb.convert("CMYK"), {"compression": "tiff_lzw"})):
        yield "tiff", variant, ".tif", saved(image, "TIFF", **how)
    yield "tiff", "pages", ".tif", saved(frames()[0], "TIFF", save_all=True, append_images=frames()[1:], compression="tiff_lzw")
    for variant, data in other_tiffs(rgb):
        yield "tiff", variant, ".tif", data
    for variant, image in (("24", rgb), ("8", palette), ("grey", grey), ("1", grey.convert("1")), ("32", rgba)):
        yield "bmp", variant, ".bmp", saved(image, "BMP")
    yield "bmp", "rle8", ".bmp", rle8_bmp(rgb)
    if features.check("jpg_2000"):
        yield "jpeg2000", "lossless", ".jp2", saved(rgb, "JPEG2000")
        yield "jpeg2000", "lossy", ".jp2", saved(rgb, "JPEG2000", quality_mode="rates", quality_layers=[20], irreversible=True)
        yield "jpeg2000", "codestream", ".j2k", saved(grey, "JPEG2000", no_jp2=True)
    yield "pnm", "rgb", ".ppm", saved(rgb, "PPM")
    yield "pnm", "grey", ".pgm", saved(grey, "PPM")
    yield "pnm", "plain", ".ppm", plain_pnm(scene(size=(60, 44)))
    yield "pnm", "bilevel", ".pbm", saved(grey.convert("1"), "PPM")


def damages(data, flips, rng):
    """(damage, place, bytes)"""
    yield "sound", 0, data
    for index in range(1, CUTS + 1):
        # Evenly, and the last bytes, where so many formats keep what is not needed.
        place = len(data) * index // (CUTS - 3) if index < CUTS - 3 else len(data) - (CUTS - index + 1) * 3 + 2
        yield "cut", place, data[:place]
    for _ in range(flips):
        place = rng.randrange(len(data))
        yield "flip", place, data[:place] + bytes((data[place] ^ rng.randrange(1, 256),)) + data[place + 1:]
    middle, hole = len(data) // 2, max(16, len(data) // 20)
    yield "hole", middle, data[:middle] + bytes(hole) + data[middle + hole:]
    tail = len(data) * 3 // 4
    yield "tail", tail, data[:tail] + bytes(len(data) - tail)
    yield "header", 64, data[:64]
    yield "empty", 0, b""


def write_corpus(folder):
    """Writes the files; returns the Samples."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = list(sound_pictures())
    variants = {}
    for kind, *_ in pictures:
        variants[kind] = variants.get(kind, 0) + 1
    samples = []

    def add(name, data, *about):
        (folder / name).write_bytes(data)
        samples.append(Sample(name, *about))

    for kind, variant, suffix, data in pictures:
        rng = random.Random(f"{kind} {variant}")
        original = f"{kind}-{variant}{suffix}"
        for number, (damage, place, damaged) in enumerate(damages(data, -(-FLIPS // variants[kind]), rng)):
            name = original if damage == "sound" else f"{kind}-{variant}-{number:03}-{damage}-{place}{suffix}"
            add(name, damaged, kind, variant, damage, place, original)
        wrong = f"{kind}-{variant}-extension{'.png' if suffix != '.png' else '.jpg'}"
        add(wrong, data, kind, variant, "extension", 0, original)
    (folder / "index.json").write_text(json.dumps([dataclasses.asdict(sample) for sample in samples], indent=1))
    return samples


if __name__ == "__main__":
    print(len(write_corpus(sys.argv[1])), "files")
