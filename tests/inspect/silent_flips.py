"""How much silent damage is named: one flipped byte in the data of a JPEG of a megapixel.

    /usr/bin/python3 tests/inspect/silent_flips.py [--flips N] [--seed N]

Of the flips that libjpeg decodes without a warning (inspect_tool full) and that change over 1 % of the pixels: the share
that `check` names at all, by the source of the picture, and by what. Needs numpy.
"""
import argparse
import collections
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageFile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "sound"), str(HERE.parent / "bench")]
import check_pool  # noqa: E402
import pictures  # noqa: E402

SIZE = (1152, 864)
QUALITIES = (75, 90)


def sources(seed):
    rng = random.Random(seed)
    yield "photograph", check_pool.photo(seed, 2)
    yield "photograph, noisy", check_pool.photo(seed + 1000, 9)
    for name in ("drawing", "text", "gradient", "noise"):
        yield {"text": "screenshot"}.get(name, name), getattr(pictures, name)(rng, SIZE)


def judged(level, paths):
    said = subprocess.run([check_pool.BIN / "inspect_tool", level], input="\n".join(map(str, paths)), stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return numpy.asarray(image).astype(numpy.int16)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=60, help="in each picture")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    rng = random.Random(arguments.seed)
    silent, named, by_what = collections.Counter(), collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        for source, image in sources(arguments.seed):
            for quality in QUALITIES:
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=quality)
                whole = buffer.getvalue()
                begin = whole.index(b"\xff\xda") + 14
                right = pixels(whole)
                files = []
                for number in range(arguments.flips):
                    at = rng.randrange(begin, len(whole) - 2)
                    wrong = whole[:at] + bytes((whole[at] ^ rng.randrange(1, 256),)) + whole[at + 1:]
                    files.append(pathlib.Path(temporary, f"{number}.jpg"))
                    files[-1].write_bytes(wrong)
                for path, full, verdict in zip(files, judged("full", files), judged("decode", files)):
                    if full["code"] != "ok":
                        continue
                    if (numpy.abs(pixels(path.read_bytes()) - right).max(-1) > 0).mean() <= 0.01:
                        continue
                    silent[source] += 1
                    if verdict["code"] != "ok":
                        named[source] += 1
                        by_what[f"{verdict['code']}: {verdict['detail'].split(', in MCU')[0]}"] += 1
    print("| source | silent flips | named |\n|---|---|---|")
    for source, number in silent.items():
        print(f"| {source} | {number} | {100 * named[source] / number:.0f} % |")
    print(f"| all | {sum(silent.values())} | {100 * sum(named.values()) / max(1, sum(silent.values())):.0f} % |\n")
    for what, number in by_what.most_common():
        print(f"{number:5} {what}")


if __name__ == "__main__":
    main()
