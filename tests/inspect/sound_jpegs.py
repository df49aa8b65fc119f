"""Sound JPEGs by as many encoders as there are here: none of them may be called anything but ok.

    /usr/bin/python3 tests/inspect/sound_jpegs.py [--count N] [--seed N] [--only ENCODER,...] [--keep FOLDER]
                                                  [--scenes N [--pictures FOLDER]]

--count: of each encoder. What is not installed is left out, by name. Debian: python3-pil libjpeg-turbo-progs
imagemagick ffmpeg php-cli php-gd default-jdk-headless golang-go; PyPI: Pillow opencv-python-headless imagecodecs
pyjpegli simplejpeg jpeglib mozjpeg-lossless-optimization av pyvips-binary pyvips. Prints a count by encoder; what was
called otherwise stays in FOLDER. Exit 1 where there is any.

Small pictures of six kinds (photos' spectrum, drawings, text, noise, gradients, black and white) in every mode, quality 1
to 100, every sampling; then, of a part of them, what cameras, phones and other programs make of a JPEG (alterations.py).

--scenes: pictures of 200 to 1152 pixels a side instead (scenes.py), each of which is encoded N times: the small ones are
too small to be searched for seams. They need numpy. --pictures: and parts of the pictures in FOLDER, whose folders are
the sources. A count by source is printed too.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "sound"))
import alterations  # noqa: E402
import encoders  # noqa: E402

OWN_PICTURES = ("gd", "java-imageio", "go")  # these encoders draw for themselves

BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", pathlib.Path(__file__).resolve().parents[2] / "build/release/bin"))
BATCH = 1000
ALTERED = 0.4  # the share of the files that are altered after they were encoded


def judged(paths):
    said = subprocess.run([BIN / "inspect_tool", "decode"], input="\n".join(map(str, paths)), stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="encoders, by name, with commas between")
    parser.add_argument("--scenes", type=int)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("sound-jpegs-called-broken"))
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else None
    counts, alarms, altered, by_source = (collections.Counter() for _ in range(4))
    made_of, share_altered = None, ALTERED
    if arguments.scenes:
        from scenes import Scenes
        made_of, share_altered = Scenes(arguments.scenes, arguments.pictures), 0.05
        encoders.picture = made_of.picture
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        for name, files in encoders.all_encoders(pathlib.Path(temporary)):
            if (only and name not in only) or (made_of and name in OWN_PICTURES):
                continue
            rng = random.Random(f"{arguments.seed} {name}")
            count = -(-arguments.count // 10) if name in encoders.SLOW else arguments.count
            try:
                made = files(count, rng)
                batch = []
                for number in range(count):
                    data, how = next(made), "as it was"
                    if rng.random() < share_altered:
                        how, data = alterations.altered(data, rng)
                    path = pathlib.Path(temporary, f"{number % BATCH}.jpg")
                    path.write_bytes(data)
                    batch.append((path, f"{how}, {made_of.kind}" if made_of else how))
                    altered[how] += 1
                    if len(batch) == BATCH or number + 1 == count:
                        for (path, how), verdict in zip(batch, judged([path for path, _ in batch])):
                            counts[name] += 1
                            if verdict["code"] == "ok":
                                continue
                            alarms[name] += 1
                            by_source[how.split(", ")[-1]] += 1
                            print(f"{name}, {how}: {verdict['code']}: {verdict['detail']}", flush=True)
                            arguments.keep.mkdir(parents=True, exist_ok=True)
                            (arguments.keep / f"{name}-{counts[name]}.jpg").write_bytes(path.read_bytes())
                        batch = []
            except encoders.Missing as missing:
                print(f"left out: {name}: {missing}", flush=True)
                continue
            print(f"{name}: {counts[name]} files, {alarms[name]} alarms", flush=True)
    print(f"\n{sum(counts.values())} sound files of {len(counts)} encoders in {time.monotonic() - began:.0f} s: "
          f"{sum(alarms.values())} alarms")
    if made_of:
        print("| source | pictures | files | alarms |\n|---|---|---|---|")
        for source, given in made_of.given.items():
            print(f"| {source} | {made_of.drawn[source]} | {given} | {by_source[source]} |")
    print("altered: " + ", ".join(f"{how} {number}" for how, number in sorted(altered.items())))
    return 1 if alarms or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
