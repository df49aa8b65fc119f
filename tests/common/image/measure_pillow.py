#!/usr/bin/env python3
"""The twin of measure.cc: the same steps in Pillow, the least CPU time of 15 rounds.

    measure_pillow.py --make FOLDER     12 and 0.75 megapixels, as JPEG, progressive JPEG and PNG
    measure_pillow.py FILE...           the times
"""
import io
import pathlib
import sys
import time

import PIL
from PIL import Image


def make(folder):
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "golden"))
    import make_goldens

    texture = make_goldens.noise(500, 375).resize((4000, 3000), Image.BICUBIC)
    image = Image.blend(make_goldens.scene(4000, 3000), texture, 0.15)
    image.save(folder / "12mp.jpg", quality=85)
    image.save(folder / "12mp-progressive.jpg", quality=85, progressive=True)
    image.save(folder / "12mp.png", compress_level=3)
    image.resize((1000, 750)).save(folder / "small.jpg", quality=85)


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


def main():
    if sys.argv[1:2] == ["--make"]:
        make(pathlib.Path(sys.argv[2]))
        return
    print("Pillow", PIL.__version__)
    for path in sys.argv[1:]:
        data = pathlib.Path(path).read_bytes()
        whole = decode(data)
        print(f"{path}: decode {least(lambda: decode(data)):.1f} ms, "
              f"resize {least(lambda: resize(whole)):.2f} ms, "
              f"decode and resize {least(lambda: resize(decode(data))):.1f} ms")


if __name__ == "__main__":
    main()
