"""Makes photos and random BiSeNet weights to measure with.

    make_photos.py FOLDER COUNT [--size 1600x1200]      FOLDER/photos/*.jpg and FOLDER/weights.pth
"""
import argparse
import pathlib
import sys

import numpy
import torch
from PIL import Image, ImageFilter

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/stages/inference/model"))
from bisenet_reference import random_model  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--size", default="1600x1200")
    arguments = parser.parse_args()
    size = tuple(int(side) for side in arguments.size.split("x"))
    photos = arguments.folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    portrait = Image.open(ROOT / "examples/portrait.png").convert("RGB").resize(size)
    random = numpy.random.default_rng(1)
    for number in range(arguments.count):
        noise = random.integers(-12, 13, (size[1], size[0], 1))
        pixels = numpy.clip(numpy.asarray(portrait, dtype=int) + noise, 0, 255).astype("uint8")
        picture = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1))
        picture.save(photos / f"{number:05}.jpg", quality=90)
    torch.save(random_model(1).state_dict(), arguments.folder / "weights.pth")


if __name__ == "__main__":
    main()
