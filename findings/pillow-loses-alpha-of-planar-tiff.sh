#!/usr/bin/env bash
# Pillow opens a planar grey + alpha TIFF that tifffile writes, and its alpha is all zero.
#
# Seen with Pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6.
#
# tifffile writes two 8-bit planes, grey and unassociated alpha, one strip each (PlanarConfiguration 2).
# Compressed with deflate, Pillow gives an image of mode LA whose grey plane is right and whose alpha is
# 0 everywhere, without a warning: pasted onto anything, the picture disappears. Without compression the
# same picture is refused instead ("unknown raw mode for given image mode").
#
# Output seen:
#   deflate: LA, grey equal True, alpha written 0..235, read 0..0
#   none: ValueError: unknown raw mode for given image mode
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy
import PIL
import tifffile
from PIL import Image

assert PIL.__version__ == "13.0.0", PIL.__version__
grey = numpy.tile(numpy.arange(64, dtype="u1") * 3, (48, 1))
alpha = numpy.tile(numpy.arange(48, dtype="u1")[:, None] * 5, (1, 64))


def stored(compression):
    file = io.BytesIO()
    tifffile.imwrite(file, numpy.stack([grey, alpha]), photometric="minisblack",
                     planarconfig="separate", extrasamples=["unassalpha"], compression=compression)
    return Image.open(io.BytesIO(file.getvalue()))


image = stored("zlib")
pixels = numpy.asarray(image)
equal = numpy.array_equal(pixels[..., 0], grey)
read = pixels[..., 1]
print(f"deflate: {image.mode}, grey equal {equal}, alpha written {alpha.min()}..{alpha.max()}, "
      f"read {read.min()}..{read.max()}")
try:
    stored(None).load()
    refused = "read"
except ValueError as error:
    refused = f"ValueError: {error}"
print(f"none: {refused}")
sys.exit(not (image.mode == "LA" and equal and read.max() == 0 and refused.startswith("ValueError")))
PYTHON
