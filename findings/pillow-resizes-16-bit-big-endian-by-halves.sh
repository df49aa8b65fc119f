#!/usr/bin/env bash
# Pillow resizes a 16-bit big-endian grey TIFF as if its samples were little-endian.
#
# Seen with Pillow 13.0.0, numpy 2.4.6, on x86-64.
#
# The same ramp of grey is stored twice, once big-endian and once little-endian. Opened, both give the
# same numbers (modes I;16B and I;16). Resized with any filter that blends, the big-endian one comes
# out wrong: the blend is of samples whose two bytes are swapped, so where the low byte wraps the
# result jumps across the range. No error, no warning; byte order is the only difference of the files.
#
# A pipeline that feeds a model from both kinds of scanner or microscope gets noise for one of them:
# convert to mode I or F before resizing.
#
# Output seen:
#   opened:  I;16B [0, 257, 514, 771]  I;16 [0, 257, 514, 771]
#   resized to a quarter, bilinear: I;16B [58881, 34309, 35337]  I;16 [486, 1414, 2442]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct
import sys

import numpy
import PIL
from PIL import Image

assert PIL.__version__ == "13.0.0", PIL.__version__
WIDTH, HEIGHT = 64, 4
ramp = numpy.tile(numpy.linspace(0, 65535, WIDTH * HEIGHT).astype("u2")[:WIDTH], (HEIGHT, 1))


def tiff(order):
    """One uncompressed strip, 16 bits a sample, black is zero; `order` is struct's, < or >."""
    samples = ramp.astype(order + "u2").tobytes()
    fields = [(256, 3, WIDTH), (257, 3, HEIGHT), (258, 3, 16), (259, 3, 1), (262, 3, 1),
              (273, 4, 8), (277, 3, 1), (278, 3, HEIGHT), (279, 4, len(samples))]
    directory = struct.pack(order + "H", len(fields))
    for tag, kind, value in fields:
        packed = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        directory += struct.pack(order + "HHI", tag, kind, 1) + packed
    head = (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, 8 + len(samples))
    return Image.open(io.BytesIO(head + samples + directory + bytes(4)))


big, little = tiff(">"), tiff("<")
first = [numpy.asarray(image)[0, :4].tolist() for image in (big, little)]
small = [numpy.asarray(image.resize((16, 4), Image.Resampling.BILINEAR)).astype(int) for image in (big, little)]
print(f"opened:  {big.mode} {first[0]}  {little.mode} {first[1]}")
print(f"resized to a quarter, bilinear: {big.mode} {small[0][0, :3].tolist()}  "
      f"{little.mode} {small[1][0, :3].tolist()}")
smooth = (numpy.diff(small[1][0]) > 0).all()
sys.exit(not (first[0] == first[1] and smooth and abs(small[0] - small[1]).max() > 10000))
PYTHON
