"""How much silent damage is named: one flipped byte in the data of a JPEG of a megapixel.

    /usr/bin/python3 tests/inspect/silent_flips.py [--flips N] [--each N] [--seed N] [--progressive] [--pictures FOLDER]

Of the flips that libjpeg decodes without a warning (inspect_tool full) and that change over 1 % of the pixels: the share
that `check` names at all, by the source of the picture, by how many pixels are changed, and by what is said; of seams, by
how many of the usual steps between rows they are. --pictures: and parts of the pictures in FOLDER, whose folders are the
sources. Needs numpy.
"""
import argparse
import collections
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageFile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "sound"), str(HERE.parent / "bench")]
import check_pool  # noqa: E402
import pictures  # noqa: E402
import scenes  # noqa: E402

SIZE = (1152, 864)
WAYS = ((75, "4:2:0"), (90, "4:2:0"), (90, "4:4:4"))
SHARES = (0.01, 0.05, 0.2, 0.5, 1.01)
TIMES = (5, 10, 20, 50, 100)
ALL = "all"
Flip = collections.namedtuple("Flip", "source share named what times")


def sources(each, folder, seed):
    """(source, picture)"""
    for number in range(each):
        rng = random.Random(f"{seed} {number}")
        yield "photograph", check_pool.photo(rng.randrange(1 << 30), 2)
        yield "photograph, noisy", check_pool.photo(rng.randrange(1 << 30), 9)
        yield "photograph, grey", scenes.grey(rng, SIZE)
        yield "drawing, ten shapes", pictures.drawing(rng, SIZE)
        yield "gradient, along the sides", pictures.gradient(rng, SIZE)
        yield "screenshot, one font", pictures.text(rng, SIZE)
        for name in ("drawing", "comic", "gradient", "screenshot", "console", "scan", "noise", "collage", "tiles"):
            yield name, scenes.KINDS[name](rng, SIZE)
        for name, files in (scenes.files_in(folder) if folder else {}).items():
            yield f"{name} (files)", scenes.part_of(rng.choice(files), rng, SIZE)


def judged(level, paths):
    said = subprocess.run([check_pool.BIN / "inspect_tool", level], input="\n".join(map(str, paths)), stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return numpy.asarray(image).astype(numpy.int16)


def silent_flips(arguments):
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as temporary:
        for source, image in sources(arguments.each, arguments.pictures, arguments.seed):
            for quality, sampling in WAYS:
                buffer = io.BytesIO()
                image.save(buffer, "JPEG", quality=quality, subsampling=sampling, progressive=arguments.progressive)
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
                    share = (numpy.abs(pixels(path.read_bytes()) - right).max(-1) > 0).mean()
                    if share <= SHARES[0]:
                        continue
                    times = re.search(r"([\d.]+) times the usual step", verdict["detail"])
                    what = "its blocks are off" if times else verdict["detail"].split(", in MCU")[0]
                    yield Flip(source, share, verdict["code"] != "ok", f"{verdict['code']}: {what}", float(times[1]) if times else 0)


def percent(part, of):
    return f"{100 * part / of:.0f} %" if of else "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=40, help="in each file")
    parser.add_argument("--each", type=int, default=2, help="pictures of each source")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--progressive", action="store_true")
    parser.add_argument("--pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    ImageFile.MAXBLOCK = 1 << 24
    flips = list(silent_flips(arguments))
    print("| source | silent flips | named | by a seam | " + " | ".join(
        f"over {100 * low:.0f} % of the pixels changed" for low in SHARES[:-1]) + " |\n|" + "---|" * (3 + len(SHARES)))
    for source in [*dict.fromkeys(flip.source for flip in flips), ALL]:
        of = [flip for flip in flips if source in (flip.source, ALL)]
        curve = [[flip for flip in of if flip.share > low] for low in SHARES[:-1]]
        print(f"| {source} | {len(of)} | {percent(sum(flip.named for flip in of), len(of))} | "
              f"{percent(sum(flip.times > 0 for flip in of), len(of))} | " +
              " | ".join(f"{percent(sum(flip.named for flip in part), len(part))} of {len(part)}" for part in curve) + " |")
    print("\n| said of seams: times the usual step, at least | share of all silent flips |\n|---|---|")
    for times in TIMES:
        print(f"| {times} | {percent(sum(flip.times >= times for flip in flips), len(flips))} |")
    print()
    for what, number in collections.Counter(flip.what for flip in flips).most_common():
        print(f"{number:5} {what}")


if __name__ == "__main__":
    main()
