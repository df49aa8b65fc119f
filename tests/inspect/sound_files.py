"""Sound files of many kinds that a check could take for broken pictures, the same ones at every run.

    /usr/bin/python3 tests/inspect/sound_files.py FOLDER     writes them

Each kind is one of a family that shares signatures or names with pictures that are read: camera raws
inside TIFF, JPEGs that are coded otherwise, PNGs with damage beside their pixels, headers of rasters,
what tools lay beside photos. Nothing is copied from a camera: the files are built as the formats say.
"""
import gzip
import io
import itertools
import json
import pathlib
import random
import struct
import sys
import zipfile
import zlib

from PIL import Image

from corpus import png_chunk, saved, scene, sound_pictures

SIZE = (96, 64)
BYTE, ASCII, SHORT, LONG, UNDEFINED = 1, 2, 3, 4, 7
FORMATS = {BYTE: "B", SHORT: "H", LONG: "I"}


class Directory:
    """A TIFF directory: fields, data that fields point at, and directories below it."""

    def __init__(self, fields, data=None, below=()):
        self.fields, self.data, self.below = dict(fields), dict(data or {}), list(below)

    def all(self):
        return [self, *itertools.chain.from_iterable(child.all() for child in self.below)]

    def count(self):
        return len(self.fields) + len(self.data) + bool(self.below)


def encoded(kind, values, order):
    if kind in (ASCII, UNDEFINED):
        return bytes(values)
    return struct.pack(f"{order}{len(values)}{FORMATS[kind]}", *values)


def tiff(pages, order="<", mark=b""):
    """The pages one after the other; `mark` lies between the header and the first directory."""
    start = 8 + len(mark)
    places, at = {}, start
    for directory in itertools.chain.from_iterable(page.all() for page in pages):
        places[id(directory)] = at
        at += 2 + 12 * directory.count() + 4
    far = bytearray()

    def put(data):
        place = at + len(far)
        far.extend(data + bytes(len(data) % 2))
        return place

    out = bytearray()
    following = {id(page): places[id(after)] for page, after in zip(pages, pages[1:])}
    for directory in itertools.chain.from_iterable(page.all() for page in pages):
        entries = [(tag, kind, len(values), encoded(kind, values, order)) for tag, (kind, values) in directory.fields.items()]
        entries += [(tag, LONG, 1, struct.pack(order + "I", put(data))) for tag, data in directory.data.items()]
        if directory.below:
            offsets = [places[id(child)] for child in directory.below]
            entries.append((330, LONG, len(offsets), encoded(LONG, offsets, order)))
        out += struct.pack(order + "H", len(entries))
        for tag, kind, count, value in sorted(entries):
            value = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", put(value))
            out += struct.pack(order + "HHI", tag, kind, count) + value
        out += struct.pack(order + "I", following.get(id(directory), 0))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    return head + mark + bytes(out) + bytes(far)


def text(words):
    return ASCII, words.encode() + b"\0"


def preview(make="", size=(40, 28)):
    pixels = scene(size=size).tobytes()
    fields = {254: (LONG, [1]), 256: (LONG, [size[0]]), 257: (LONG, [size[1]]), 258: (SHORT, [8, 8, 8]), 259: (SHORT, [1]),
              262: (SHORT, [2]), 277: (SHORT, [3]), 278: (LONG, [size[1]]), 279: (LONG, [len(pixels)])}
    if make:
        fields[271] = text(make)
    return fields, {273: pixels}


def sensor(compression, data, photometric=32803, make=""):
    """A directory of a sensor's values."""
    fields = {254: (LONG, [0]), 256: (LONG, [SIZE[0]]), 257: (LONG, [SIZE[1]]), 258: (SHORT, [16]), 259: (SHORT, [compression]),
              262: (SHORT, [photometric]), 277: (SHORT, [1]), 278: (LONG, [SIZE[1]]), 279: (LONG, [len(data)])}
    if photometric == 32803:
        fields |= {33421: (SHORT, [2, 2]), 33422: (BYTE, [0, 1, 1, 2])}
    if make:
        fields[271] = text(make)
    return Directory(fields, {273: data})


def raw_photos():
    rng = random.Random("raw")
    noise = rng.randbytes(2 * SIZE[0] * SIZE[1])
    full, small = saved(scene(size=SIZE), "JPEG"), saved(scene(size=(40, 28)), "JPEG")
    version = {50706: (BYTE, [1, 4, 0, 0])}
    for order in "<>":
        name = "little" if order == "<" else "big"
        for variant, below in (("uncompressed", [sensor(1, noise)]), ("lossless", [sensor(7, noise[:5000])]),
                               ("linear", [sensor(1, noise, 34892)]), ("lossy", [sensor(34892, noise[:5000], 34892)])):
            fields, data = preview("ACME")
            yield f"dng-{variant}-{name}.dng", tiff([Directory(fields | version, data, below)], order)
        for maker, extension, compression in (("NIKON CORPORATION", "nef", 34713), ("NIKON", "nef", 1), ("SAMSUNG", "srw", 32770),
                                              ("Hasselblad", "3fr", 1), ("", "tif", 34713)):
            fields, data = preview(maker)
            jpeg = Directory({254: (LONG, [1]), 259: (SHORT, [6]), 514: (LONG, [len(full)])}, {513: full})
            yield (f"{maker.split()[0] if maker else 'unnamed'}-{compression}-{name}.{extension}",
                   tiff([Directory(fields, data, [jpeg, sensor(compression, noise)])], order))
    canon = [Directory({256: (SHORT, [SIZE[0]]), 257: (SHORT, [SIZE[1]]), 258: (SHORT, [8, 8, 8]), 259: (SHORT, [6]),
                        271: text("Canon"), 279: (LONG, [len(full)])}, {273: full}),
             Directory({514: (LONG, [len(small)])}, {513: small}),
             Directory({259: (SHORT, [6]), 279: (LONG, [5000]), 50752: (SHORT, [1, 64, 64])}, {273: noise[:5000]})]
    for name in ("canon.cr2", "canon-renamed.tif", "canon-renamed.jpg"):
        yield name, tiff(canon, mark=b"CR\2\0\0\0\0\0")
    sony = [Directory({254: (LONG, [1]), 259: (SHORT, [6]), 271: text("SONY"), 514: (LONG, [len(full)])}, {513: full},
                      [sensor(32767, noise)])]
    yield "sony.arw", tiff(sony)
    for maker in ("PENTAX", "RICOH IMAGING", ""):
        yield f"pentax{len(maker)}.pef", tiff([sensor(65535, noise[:5000], make=maker)])
    for name, head in (("olympus.orf", b"IIRO\x08\0\0\0"), ("panasonic.rw2", b"IIU\0\x18\0\0\0"), ("fujifilm.raf", b"FUJIFILMCCD-RAW 0201"),
                       ("sigma.x3f", b"FOVb\0\0\x02\0"), ("minolta.mrw", b"\0MRM\0\0\x10\0"), ("canon.crw", b"II\x1a\0\0\0HEAPCCDR\2\0\1\0"),
                       ("canon.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom")):
        for extension in ("", ".jpg"):
            yield name + extension, head + noise[:6000]


def odd_tiffs():
    """Sound, and of kinds that are not read: values that some program has its own meaning for."""
    rng = random.Random("tiff")
    fields, data = preview()
    for tag, value in ((259, 34677), (259, 32809), (259, 50001), (259, 65000), (259, 40123), (262, 32844), (262, 51177), (262, 40123)):
        odd = dict(fields)
        odd[tag] = (SHORT, [value])
        yield f"odd-{tag}-{value}.tif", tiff([Directory(odd, data)])
    for bits, kind in ((64, 3), (24, 3), (16, 3), (32, 2), (11, 1)):
        grey = {256: (LONG, [20]), 257: (LONG, [10]), 258: (SHORT, [bits]), 262: (SHORT, [1]), 339: (SHORT, [kind]), 278: (LONG, [10]),
                279: (LONG, [(20 * bits + 7) // 8 * 10])}
        yield f"bits-{bits}-{kind}.tif", tiff([Directory(grey, {273: rng.randbytes((20 * bits + 7) // 8 * 10)})])
    layers = dict(fields)
    layers[37724] = (UNDEFINED, b"Adobe Photoshop Document Data Block\0" + bytes(200))
    yield "layers.tif", tiff([Directory(layers, data)])
    smaller, pixels = preview(size=(20, 14))
    yield "pyramid.tif", tiff([Directory(fields, data, [Directory(smaller, pixels)])])
    private = dict(fields)
    private[65000] = (ASCII, b"a maker's own words, which nobody else knows\0")
    yield "private.tif", tiff([Directory(private, data)])
    # A text that points far behind the file's end: a sloppy editor moved everything else.
    lost = bytearray(tiff([Directory(private, data)]))
    at = lost.find(struct.pack("<HH", 65000, 2))
    struct.pack_into("<I", lost, at + 8, 0x7FFFFF00)
    yield "private-lost.tif", bytes(lost)
    page = bytearray(tiff([Directory(fields, data)]))
    end = 8 + 2 + 12 * (len(fields) + 1)
    struct.pack_into("<I", page, end, 0x7B7B7B7B)  # no end of the list of pages, but something odd
    yield "no-end.tif", bytes(page)
    colours = bytes(20 * 12 * 3 // 2)  # 4:2:0: a sample of each colour for four pixels
    yield "subsampled.tif", tiff([Directory({256: (LONG, [20]), 257: (LONG, [12]), 258: (SHORT, [8, 8, 8]), 262: (SHORT, [6]),
                                             277: (SHORT, [3]), 278: (LONG, [12]), 279: (LONG, [len(colours)])}, {273: colours})])
    packed = zlib.compress(bytes(100))
    for compression, block in ((8, packed), (32773, b"\xf7\0" * 10), (1, bytes(100))):
        yield f"sparse-{compression}.tif", tiff([Directory({
            256: (LONG, [10]), 257: (LONG, [30]), 258: (SHORT, [8]), 259: (SHORT, [compression]), 262: (SHORT, [1]), 278: (LONG, [10]),
            273: (LONG, [0, 8, 0]), 279: (LONG, [0, len(block), 0])})], mark=block + bytes(len(block) % 2))
    for mode in ("F", "I", "LAB", "YCbCr"):
        image = scene("L") if mode in "FI" else scene()
        image = Image.merge("LAB", image.split()) if mode == "LAB" else image.convert(mode)
        yield f"mode-{mode}.tif", saved(image, "TIFF")


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def odd_jpegs():
    rng = random.Random("jpeg")
    jpeg = saved(scene(size=SIZE), "JPEG")
    frame = struct.pack(">BHHBBBB", 8, SIZE[1], SIZE[0], 1, 1, 0x11, 0)
    scan = segment(0xDA, bytes((1, 1, 0, 1, 0, 0))) + rng.randbytes(3000).replace(b"\xff", b"\xfe") + b"\xff\xd9"
    for name, marker in (("lossless", 0xC3), ("differential", 0xC5), ("jpeg-ls", 0xF7)):
        yield f"{name}.jpg", b"\xff\xd8" + segment(marker, frame) + scan
    box = b"JP\0\1\0\0\0\1" + struct.pack(">I", 40) + b"RESI" + rng.randbytes(32)
    yield "jpeg-xt.jpg", jpeg[:2] + segment(0xEB, box) + jpeg[2:]
    claim = b"JP\0\1\0\0\0\1" + struct.pack(">I", 40) + b"jumb" + rng.randbytes(32)
    yield "content-credentials.jpg", jpeg[:2] + segment(0xEB, claim) + jpeg[2:]
    video = struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + rng.randbytes(4000)
    yield "motion-photo.jpg", jpeg + video
    yield "samsung-motion.jpg", jpeg + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + video
    yield "appended.jpg", jpeg + rng.randbytes(500)
    yield "gain-map.jpg", jpeg + saved(scene("L", (24, 16)), "JPEG")


def odd_pngs():
    png = saved(scene(), "PNG")
    header, pixels = png[:33], png[33:]
    end = png[-12:]
    packed = zlib.compress(bytes(300))

    def wrong(kind, data):
        return png_chunk(kind, data)[:-4] + b"\x12\x34\x56\x78"

    for kind, data in ((b"iCCP", b"ICC\0\0" + packed), (b"tEXt", b"Title\0here"), (b"zTXt", b"Comment\0\0" + packed),
                       (b"iTXt", b"Title\0\0\0\0\0here"), (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)), (b"tIME", bytes(7)),
                       (b"eXIf", b"Exif\0\0"), (b"gAMA", struct.pack(">I", 45455)), (b"sRGB", b"\0"), (b"vpAg", bytes(9)), (b"prVt", b"own")):
        name = kind.decode()
        yield f"png-crc-{name}.png", header + wrong(kind, data) + pixels
        yield f"png-crc-{name}-behind.png", png[:-12] + wrong(kind, data) + end
        yield f"png-short-{name}.png", header + png_chunk(kind, data[:1]) + pixels
    yield "png-profile-unknown.png", header + png_chunk(b"iCCP", b"ICC\0\7" + packed) + pixels
    yield "png-cut-text.png", png[:-12] + png_chunk(b"tEXt", b"Title\0and so on")[:-9]
    yield "png-appended.png", png + b"<html>"
    yield "png-cgbi.png", png[:8] + png_chunk(b"CgBI", bytes(4)) + png[8:]
    hidden = bytearray(png_chunk(b"tEXt", b"Title\0here"))
    hidden[0] = 0x7F
    yield "png-text-length.png", header + bytes(hidden) + pixels


def odd_others():
    gif = saved(scene().convert("P"), "GIF")
    yield "gif-no-trailer.gif", gif[:-1]
    yield "gif-comments-alone.gif", b"GIF89a\1\0\1\0\0\0\0!\xfe\5hello\0;"
    yield "gif-control-at-its-end.gif", gif[:-1] + b"!\xf9\4\0\0\0\0\0"
    webp = saved(scene(), "WEBP")
    yield "webp-size.webp", webp[:4] + struct.pack("<I", len(webp) + 400) + webp[8:]
    yield "webp-cut-text.webp", webp[:4] + struct.pack("<I", len(webp) + 92) + webp[8:] + b"XMP \x5a\0\0\0<x:xmpmeta"
    bmp = bytearray(saved(scene(), "BMP"))
    struct.pack_into("<I", bmp, 34, 0)
    yield "bmp-no-size.bmp", bytes(bmp)
    struct.pack_into("<I", bmp, 2, 77)
    yield "bmp-wrong-size.bmp", bytes(bmp)
    struct.pack_into("<H", bmp, 28, 48)
    yield "bmp-48.bmp", bytes(bmp)
    os2 = struct.pack("<IIIHHIIiiII", 64, 96, 64, 1, 1, 3, 300, 0, 0, 2, 0).ljust(64, b"\0") + bytes((0, 0, 0, 255, 255, 255))
    yield "bmp-os2-huffman.bmp", b"BM" + struct.pack("<IHHI", 14 + len(os2) + 300, 0, 0, 14 + len(os2)) + os2 + bytes(300)
    sequence = struct.pack(">I", 24) + b"ftyphevc\0\0\0\0hevcmsf1" + struct.pack(">I", 16) + b"moov" + bytes(8)
    yield "sequence.heic", sequence
    yield "text-like-a-pnm.txt", b"P3 12 15 20 pages of notes, of which the last is missing\n"
    yield "text-like-a-bmp.txt", b"BMW builds motor cycles, and cars too, as is well known.\n"


def no_pictures():
    """Named like pictures, or like what a picture could be."""
    rng = random.Random("none")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.txt", "x")
    double = struct.pack(">II16sH", 0x00051607, 0x00020000, b"Mac OS X", 2) + struct.pack(">IIIIII", 9, 50, 3760, 2, 3810, 286)
    contents = {
        "web-page": b"<!DOCTYPE html><html><title>404</title></html>", "text": b"some text\n", "json": b'{"message": "none"}',
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "zip": archive.getvalue(),
        "gzip": gzip.compress(b"hello"), "pdf": b"%PDF-1.7\n1 0 obj\n", "zeros": bytes(5000), "noise": b"\1" + rng.randbytes(3000),
        "video": struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + bytes(500), "avi": b"RIFF\x10\x20\0\0AVI LIST" + bytes(500),
        "apple-double": double.ljust(4096, b"\0"), "drawing": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    }
    for name, content in contents.items():
        for extension in ("jpg", "png", "tif", "webp", "hdr", "dds", "ico", "pgm", "psd"):
            yield f"no-picture-{name}.{extension}", content
    yield "mac/IMG_1.jpg", saved(scene(), "JPEG")
    yield "mac/._IMG_1.jpg", contents["apple-double"]
    yield "__MACOSX/._IMG_1.jpg", contents["apple-double"]
    yield "envi.hdr", b"ENVI\nsamples = 64\nlines = 48\nbands = 3\nbyte order = 0\n"
    yield "esri.hdr", b"NROWS 48\nNCOLS 64\nNBANDS 1\n"
    yield "analyze.hdr", struct.pack("<i", 348).ljust(348, b"\0")
    for name in ("envi.img", "data.raw", "data.dat", "cube.bil"):
        yield name, rng.randbytes(4000)


def write_sound_files(folder):
    """Writes the files; gives back their names."""
    folder = pathlib.Path(folder)
    names = []
    known = ((f"{kind}-{variant}{suffix}", data) for kind, variant, suffix, data in sound_pictures())
    for name, data in itertools.chain(known, raw_photos(), odd_tiffs(), odd_jpegs(), odd_pngs(), odd_others(), no_pictures()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), name
        path.write_bytes(data)
        names.append(name)
    return names


if __name__ == "__main__":
    print(len(write_sound_files(sys.argv[1])), "files")
