#!/usr/bin/env python3
"""The twin of measure.cc: the same steps in Pillow, the least CPU time of 15 rounds."""
import io
import sys
import time

import PIL
from PIL import Image


def least(body):
    best = 1e9
    for _ in range(15):
        start = time.process_time()
        body()
        best = min(best, time.process_time() - start)
    return best * 1e3


def decode(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def resize(image):
    return image.resize((512, 512), Image.BILINEAR).convert("RGB")


print("Pillow", PIL.__version__)
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = file.read()
    whole = decode(data)
    print(f"{path}: decode {least(lambda: decode(data)):.1f} ms, "
          f"resize {least(lambda: resize(whole)):.2f} ms, "
          f"decode and resize {least(lambda: resize(decode(data))):.1f} ms")
