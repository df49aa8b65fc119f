"""Encoders of JPEG. Each is a generator of files: (count, random) -> bytes, again and again; Missing where it is not here."""
import fractions
import io
import pathlib
import shutil
import struct
import subprocess

from PIL import ImageFile
from pictures import picture

# Pillow writes a file in one piece of so many bytes, which noise with tables of ones may need.
ImageFile.MAXBLOCK = 1 << 22
HERE = pathlib.Path(__file__).resolve().parent


# Of these, which start a program for each file, there are a tenth of the files.
SLOW = ("cjpeg", "jpegtran", "imagemagick")


class Missing(Exception):
    pass


def module(name):
    try:
        return __import__(name, fromlist=["_"])
    except Exception as error:
        raise Missing(f"Python has no {name}: {error}") from error


def program(name):
    found = shutil.which(name)
    if not found:
        raise Missing(f"there is no {name}")
    return found


def one_by_one(encode, *modules):
    """The generator of an encoder that is given a picture: encode(picture, random, *modules)."""
    def files(count, rng):
        loaded = [module(name) for name in modules]
        for _ in range(count):
            yield encode(picture(rng), rng, *loaded)
    return files


def ended(args, data=None, cwd=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, cwd=cwd).stdout


def pillow(image, rng):
    how = {"quality": rng.randint(1, 100), "subsampling": rng.choice(["4:4:4", "4:2:2", "4:2:0"]),
           "optimize": rng.random() < 0.3, "progressive": rng.random() < 0.3}
    if rng.random() < 0.3:
        how[rng.choice(["restart_marker_blocks", "restart_marker_rows"])] = rng.randint(1, 9)
    if image.mode == "RGB" and rng.random() < 0.15:
        image = image.convert("CMYK")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **how)
    return buffer.getvalue()


def own_tables(image, rng):
    """Quantization tables that no other encoder has, in 8 and 16 bits."""
    top = rng.choice([1, 3, 20, 255])
    tables = [[rng.randint(1, top) for _ in range(64)] for _ in range(rng.randint(1, 2))]
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", qtables=tables, subsampling=rng.randint(0, 2), progressive=rng.random() < 0.3)
    return buffer.getvalue()


def opencv(image, rng, cv2, numpy):
    pixels = numpy.asarray(image)
    how = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(0, 100), cv2.IMWRITE_JPEG_OPTIMIZE, rng.randint(0, 1),
           cv2.IMWRITE_JPEG_PROGRESSIVE, rng.randint(0, 1), cv2.IMWRITE_JPEG_RST_INTERVAL, rng.choice([0, 0, 1, 7, 60])]
    if hasattr(cv2, "IMWRITE_JPEG_SAMPLING_FACTOR"):
        how += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, rng.choice([0x411111, 0x221111, 0x211111, 0x121111, 0x111111])]
    return cv2.imencode(".jpg", pixels, how)[1].tobytes()


def turbo3(image, rng, imagecodecs, numpy):
    pixels = numpy.ascontiguousarray(numpy.asarray(image))
    how = {"subsampling": rng.choice(["444", "422", "420", "411", "440"])} if image.mode == "RGB" else {}
    return bytes(imagecodecs.jpeg8_encode(pixels, rng.randint(1, 100), optimize=rng.random() < 0.5, **how))


def simplejpeg(image, rng, codec, numpy):
    pixels = numpy.ascontiguousarray(numpy.asarray(image.convert("RGB")))
    return codec.encode_jpeg(pixels, quality=rng.randint(1, 100), colorspace="RGB", fastdct=rng.random() < 0.5,
                             colorsubsampling=rng.choice(["444", "422", "420", "440", "411", "Gray"]))


def jpegli(image, rng, codec):
    image = image.convert("RGB")
    return codec.encode(image.tobytes(), image.width, image.height, rng.randint(1, 100))


def mozjpeg(image, rng, optimizer):
    return optimizer.optimize(pillow(image, rng))


def vips(image, rng, pyvips, numpy):
    made = pyvips.Image.new_from_array(numpy.asarray(image))
    return made.jpegsave_buffer(Q=rng.randint(1, 100), optimize_coding=rng.random() < 0.5, interlace=rng.random() < 0.3,
                                trellis_quant=rng.random() < 0.5, overshoot_deringing=rng.random() < 0.5,
                                optimize_scans=rng.random() < 0.5, quant_table=rng.randint(0, 8),
                                restart_interval=rng.choice([0, 0, 1, 5]), subsample_mode=rng.choice(["auto", "on", "off"]))


def mjpeg(image, rng, av):
    """ffmpeg's own encoder, whose Huffman tables and escape of coefficients are others than libjpeg's."""
    image = image.convert("RGB").resize((max(image.width, 16), max(image.height, 16)))
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height = image.size
    codec.pix_fmt = rng.choice(["yuvj420p", "yuvj422p", "yuvj444p"])
    codec.time_base = fractions.Fraction(1, 25)
    codec.options = {"qmin": "1", "qmax": "31", "huffman": rng.choice(["default", "optimal"])}
    codec.thread_count = 1  # with more it numbers restart markers wrongly, and libjpeg loses rows: not sound
    codec.qmin, codec.qmax = 1, rng.randint(1, 31)
    packets = codec.encode(av.VideoFrame.from_image(image)) + codec.encode(None)
    return bytes(packets[0])


def jpeglib(version, folder):
    """The libraries of the Independent JPEG Group, libjpeg-turbo and mozjpeg, of many years."""
    def files(count, rng):
        library, numpy = module("jpeglib"), module("numpy")
        path = str(folder / "jpeglib.jpg")
        with library.version(version):
            for _ in range(count):
                image = picture(rng)
                pixels = numpy.asarray(image)
                made = library.from_spatial(pixels if image.mode == "RGB" else pixels[..., None])
                if image.mode == "RGB":
                    made.samp_factor = rng.choice([((1, 1), (1, 1), (1, 1)), ((2, 2), (1, 1), (1, 1)), ((2, 1), (1, 1), (1, 1)),
                                                   ((1, 2), (1, 1), (1, 1)), ((4, 1), (1, 1), (1, 1)), ((4, 2), (1, 1), (1, 1))])
                flags = [("+" if rng.random() < 0.4 else "-") + flag for flag in ("OPTIMIZE_CODING", "PROGRESSIVE_MODE")]
                made.write_spatial(path, qt=rng.randint(1, 100), flags=flags)
                yield pathlib.Path(path).read_bytes()
    return files


def scans(rng):
    """A progressive script of cjpeg's that sends things in an odd order, and some of them never."""
    lines = ["0,1,2: 0-0, 0, 1;" if rng.random() < 0.5 else "0: 0-0, 0, 1; 2: 0-0, 0, 1; 1: 0-0, 0, 1;"]
    bands = []
    for component in range(3):
        cut, low = rng.randint(1, 62), rng.randint(0, 3)
        bands += [(component, 1, cut, low), (component, cut + 1, 63, low)]
    rng.shuffle(bands)
    lines += [f"{component}: {first}-{last}, 0, {low};" for component, first, last, low in bands]
    finer = [[f"{component}: {first}-{last}, {bit}, {bit - 1};" for bit in range(low, 0, -1)] for component, first, last, low in bands]
    rng.shuffle(finer)
    lines += [line for band in finer for line in band] + ["0,1,2: 0-0, 1, 0;"]
    if rng.random() < 0.2:
        lines = lines[:rng.randint(3, len(lines))]
    return "\n".join(lines)


def cjpeg(folder):
    def files(count, rng):
        encoder, script = program("cjpeg"), folder / "scans.txt"
        for _ in range(count):
            image = picture(rng).convert("RGB")
            args = [encoder, "-quality", str(rng.randint(1, 100)), "-dct", rng.choice(["int", "fast", "float"])]
            args += ["-sample", rng.choice(["1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "2x1,1x2,1x1", "2x2,2x1,1x2", "4x1,1x1,2x1"])]
            args += ["-restart", str(rng.randint(1, 5)) + rng.choice(["", "B"])] if rng.random() < 0.3 else []
            if rng.random() < 0.6:
                script.write_text(scans(rng) if rng.random() < 0.7 else "0; 1; 2;")
                args += ["-scans", script]
            yield ended(args, b"P6 %d %d 255\n" % image.size + image.tobytes())
    return files


def jpegtran(image, rng):
    made = pillow(image, rng)
    ways = [["-progressive"], ["-optimize"], ["-restart", f"{rng.randint(1, 9)}B"], ["-rotate", "90"], ["-flip", "horizontal"], ["-transpose"]]
    if b"Adobe" not in made[:40]:  # CMYK
        ways.append(["-grayscale"])
    return ended([program("jpegtran"), "-copy", "all", *rng.choice(ways)], made)


def imagemagick(image, rng):
    return ended([program("convert"), "ppm:-", "-quality", str(rng.randint(1, 100)), "-interlace", rng.choice(["none", "JPEG"]),
                  "-sampling-factor", rng.choice(["1x1", "2x1", "2x2", "1x2", "4x1"]),
                  "-colorspace", rng.choice(["sRGB", "sRGB", "Gray", "CMYK"]), "jpeg:-"],
                 b"P6 %d %d 255\n" % image.size + image.convert("RGB").tobytes())


def streamed(start, per_run=5000):
    """An encoder that runs by itself: start(count, seed) is its command; each file comes behind its length."""
    def files(count, rng):
        for begin in range(0, count, per_run):
            out = io.BytesIO(ended(start(min(per_run, count - begin), rng.randrange(1 << 30))))
            while head := out.read(4):
                yield out.read(struct.unpack(">I", head)[0])
    return files


def go(folder):
    def start(count, seed):
        built = folder / "image_jpeg"
        if not built.exists():
            subprocess.run([program("go"), "build", "-o", built, HERE / "image_jpeg.go"], check=True,
                           env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "GOCACHE": str(folder / "go")})
        return [built, str(count), str(seed)]
    return start


def all_encoders(folder):
    """(name, generator)"""
    yield "pillow", one_by_one(pillow)
    yield "pillow-own-tables", one_by_one(own_tables)
    yield "opencv", one_by_one(opencv, "cv2", "numpy")
    yield "libjpeg-turbo-3", one_by_one(turbo3, "imagecodecs", "numpy")
    yield "simplejpeg", one_by_one(simplejpeg, "simplejpeg", "numpy")
    yield "jpegli", one_by_one(jpegli, "pyjpegli")
    yield "mozjpeg-lossless", one_by_one(mozjpeg, "mozjpeg_lossless_optimization")
    yield "vips-mozjpeg", one_by_one(vips, "pyvips", "numpy")
    yield "ffmpeg-mjpeg", one_by_one(mjpeg, "av")
    for version in ("6b", "7", "8d", "9", "9f", "turbo120", "turbo150", "turbo210", "mozjpeg101", "mozjpeg201", "mozjpeg300", "mozjpeg403"):
        yield f"jpeglib-{version}", jpeglib(version, folder)
    yield "gd", streamed(lambda count, seed: [program("php"), HERE / "gd.php", str(count), str(seed)])
    yield "java-imageio", streamed(lambda count, seed: [program("java"), "-Djava.awt.headless=true", HERE / "ImageIo.java", str(count), str(seed)])
    yield "go", streamed(go(folder))
    yield "cjpeg", cjpeg(folder)
    yield "jpegtran", one_by_one(jpegtran)
    yield "imagemagick", one_by_one(imagemagick)

