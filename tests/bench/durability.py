#!/usr/bin/env python3
"""What `durability` costs: `millrace run demo` in each mode, turn by turn, over the same photos.

    MILLRACE_BIN_DIR=build/release/bin durability.py FOLDER COUNT [--size 48x40] [--rounds 5]

FOLDER is on the file system to be measured; what is written there is removed again. Of each mode
the median of elapsed_s, the images a second that this is, and the median of the rounds' ratios to
`none`. `--set` goes to `millrace run`.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from millrace_testing import BIN, jpeg  # noqa: E402

MODES = ("none", "group", "item")


def write_photos(folder, count, size):
    contents = [jpeg(seed, size) for seed in range(64)]
    for number in range(count):
        path = folder / f"{number // 100:03}/{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[number % 64])


def elapsed(photos, mode, sets):
    with tempfile.TemporaryDirectory(dir=photos.parent) as out:
        words = [f"--set=postprocess.options.durability={mode}", *(f"--set={one}" for one in sets)]
        run = subprocess.run([BIN / "millrace", "run", "demo", photos, out, "--json", *words],
                             check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(run.stdout)["elapsed_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--size", default="48x40")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    arguments = parser.parse_args()
    size = tuple(int(side) for side in arguments.size.split("x"))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as work:
        photos = pathlib.Path(work).resolve() / "photos"
        write_photos(photos, arguments.count, size)
        elapsed(photos, "none", arguments.sets)  # once for the page cache
        rounds = [{mode: elapsed(photos, mode, arguments.sets) for mode in MODES}
                  for _ in range(arguments.rounds)]
    for mode in MODES:
        median = statistics.median(one[mode] for one in rounds)
        ratio = statistics.median(one[mode] / one["none"] for one in rounds)
        spread = " ".join(f"{one[mode]:.2f}" for one in rounds)
        print(f"{mode:5} {median:7.2f} s {arguments.count / median:7.0f} images/s "
              f"{ratio:5.2f} of none   ({spread})")


if __name__ == "__main__":
    main()
