#!/usr/bin/env python3
"""Makes the AVIF pictures of tests/golden/avif, and beside each Pillow's pixels of it as PNG.

    VENV/bin/python tests/golden/make_avif.py      (Pillow 13.0.0; see make_goldens.py)

Pillow writes neither 10 nor 12 bits nor transformations, so the pictures are avifenc's, of Debian's
libavif-bin. One that exists is kept. The pixels are compared within 2 levels, since libavif's and
libyuv's rounding is their own; so they are kept, and not their hashes.

avif.json: {"pillow": version, "pictures": {file: {"mode", "orientation"}}}
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import PIL
from PIL import Image

from make_goldens import WANTED, alpha_of, scene

FOLDER = pathlib.Path(__file__).parent / "avif"
SIZE = (67, 49)


def pictures():
    """file name -> whether it has alpha, avifenc's options."""
    made = {}
    for alpha, name in ((False, "rgb"), (True, "rgba")):
        for sampling in ("420", "422", "444", "400"):
            for depth in (8, 10, 12):
                made[f"{name}-{sampling}-{depth}.avif"] = alpha, ["-y", sampling, "-d", str(depth)]
    made["limited-420.avif"] = False, ["-y", "420", "-r", "limited"]
    made["limited-422-10.avif"] = False, ["-y", "422", "-d", "10", "-r", "limited"]
    made["bt709-420.avif"] = False, ["-y", "420", "--cicp", "1/13/1"]
    made["xmp-420.avif"] = False, ["-y", "420", "--xmp", str(FOLDER / "turned.xmp")]
    made["identity-444.avif"] = False, ["-y", "444", "--cicp", "1/13/0"]
    made["premultiplied-420.avif"] = True, ["-y", "420", "-p"]
    for turn in range(4):
        for mirror in ("", "0", "1"):
            if turn or mirror:
                options = ["-y", "420", "--irot", str(turn)]
                made[f"turned-{turn}{mirror}.avif"] = (
                    False, options + (["--imir", mirror] if mirror else []))
    # Pillow gives the whole of it: cropping is the viewer's.
    for name, mirror in (("cropped", []), ("cropped-mirrored", ["--imir", "0"])):
        made[f"{name}-444.avif"] = (
            False, ["-y", "444", "--crop", "8,8,32,24", "--irot", "1", *mirror])
    return made


def encode(path, alpha, options):
    image = scene(*SIZE)
    if alpha:
        image.putalpha(alpha_of(*SIZE))
    with tempfile.NamedTemporaryFile(suffix=".png") as source:
        image.save(source, "PNG")
        source.flush()
        subprocess.run(["avifenc", "--min", "10", "--max", "20", "-s", "6", *options, source.name,
                        str(path)], check=True, stdout=subprocess.DEVNULL)


def main():
    if PIL.__version__ != WANTED:
        sys.exit(f"Pillow {PIL.__version__} is here, the reference is {WANTED}")
    FOLDER.mkdir(exist_ok=True)
    goldens = {}
    for name, (alpha, options) in sorted(pictures().items()):
        path = FOLDER / name
        if not path.exists():
            encode(path, alpha, options)
        with Image.open(path) as image:
            image.load()
            goldens[name] = {"mode": image.mode, "orientation": image.getexif().get(0x0112, 1)}
            pixels = image.copy()
            pixels.info.clear()
            pixels.save(path.with_suffix(".png"), "PNG", optimize=True)
    text = json.dumps({"pillow": PIL.__version__, "pictures": goldens}, indent=1)
    (FOLDER / "avif.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
