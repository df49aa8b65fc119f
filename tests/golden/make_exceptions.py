#!/usr/bin/env python3
"""Makes tests/golden/exceptions: files of which millrace does not give Pillow's pixels, on purpose.

    VENV/bin/python tests/golden/make_exceptions.py      (Pillow 13.0.0; see make_goldens.py)

docs/pixels.md names them, and tests/common/image/pixel_exceptions_test.cc says what they give
instead. What Pillow makes of them is asserted here, so that a version of it that does better is
noticed.
"""
import io
import pathlib
import sys

import PIL
from PIL import Image

from make_goldens import WANTED, scene
from tiff_files import BLACK, samples_of, tiff

FOLDER = pathlib.Path(__file__).parent / "exceptions"
SMALL = (45, 37)


def of_mode(mode):
    grey = scene(*SMALL).convert("L")
    if mode == "LAB":
        return Image.merge("LAB", (grey, grey.rotate(90), grey.rotate(180)))
    return (scene(*SMALL) if mode == "YCbCr" else grey).convert(mode)


def saved(image):
    out = io.BytesIO()
    image.save(out, "TIFF")
    return out.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def main():
    if PIL.__version__ != WANTED:
        sys.exit(f"Pillow {PIL.__version__} is here, the reference is {WANTED}")
    FOLDER.mkdir(exist_ok=True)
    files = {
        "grey-16-big-endian.tif": tiff(samples_of(*SMALL, 1, 16), 16, BLACK, order=">"),
        "planar-grey-alpha.tif": tiff(samples_of(*SMALL, 2, 8), 8, BLACK, extra=(2,), planar=True),
        "planar-grey-alpha-deflate.tif": tiff(samples_of(*SMALL, 2, 8), 8, BLACK, extra=(2,),
                                              planar=True, packed=True),
    }
    for mode in ("F", "I", "LAB", "YCbCr"):
        files[f"mode-{mode}.tif"] = saved(of_mode(mode))
    for name, data in files.items():
        (FOLDER / name).write_bytes(data)

    big = opened(files["grey-16-big-endian.tif"])
    little = opened(tiff(samples_of(*SMALL, 1, 16), 16, BLACK))
    assert list(big.getdata()) == list(little.getdata())
    assert (big.resize((9, 9), Image.BILINEAR).convert("RGB").tobytes() !=
            little.resize((9, 9), Image.BILINEAR).convert("RGB").tobytes())
    assert opened(files["planar-grey-alpha-deflate.tif"]).getchannel("A").getextrema() == (0, 0)
    for mode in ("F", "I", "LAB", "YCbCr"):
        assert opened(files[f"mode-{mode}.tif"]).mode == mode


if __name__ == "__main__":
    main()
