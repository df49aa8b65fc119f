"""`millrace check` against what people write instead, interleaved, from a warm cache.

    /usr/bin/python3 tests/bench/check_pool.py [--count N] [--repeat N] [--workers N] [--folder FOLDER]
                                               [--python VENV/bin/python] [--only NAME,...]

A Python pool (Image.open and load), a bare OpenCV loop (cmake --build build/release --target
opencv_decode) and millrace, each with so many processes or threads, over the same generated pictures
of one megapixel: JPEG of quality 75, 85, 88, 90 and 92, noisy JPEG of quality 90, PNG. Prints medians of the wall
time, CPU time of all processes, and how often millrace goes into the others. --python: whose Pillow the pool uses,
which needs numpy, too.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image

BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", pathlib.Path(__file__).resolve().parents[2] / "build/release/bin"))
SIZE = (1152, 864)
DISTINCT = 24  # pictures; the others are copies
SETS = {"JPEG, quality 75": ("jpeg75", ".jpg", 0, {"quality": 75}),
        "JPEG, quality 85": ("jpeg85", ".jpg", 2, {"quality": 85}),
        "JPEG, quality 88": ("jpeg88", ".jpg", 2, {"quality": 88}),
        "JPEG, quality 90": ("jpeg90-smooth", ".jpg", 2, {"quality": 90}),
        "JPEG, quality 92": ("jpeg92", ".jpg", 2, {"quality": 92}),
        "JPEG, quality 90, noisy": ("jpeg90", ".jpg", 9, {"quality": 90}),
        "PNG": ("png", ".png", 2, {"compress_level": 6})}


def photo(seed, noise):
    """Textures with a photo's spectrum (amplitude by one over frequency), shapes with edges, noise."""
    random = numpy.random.default_rng(seed)
    width, height = SIZE
    frequency = numpy.hypot(numpy.fft.fftfreq(height)[:, None] * height, numpy.fft.rfftfreq(width)[None] * width)
    amplitude = 1 / numpy.maximum(frequency, 1) ** 1.2
    planes = []
    for channel in range(3):
        phase = numpy.exp(2j * numpy.pi * random.random(amplitude.shape))
        plane = numpy.fft.irfft2(amplitude * phase, (height, width))
        planes.append(128 + 45 * plane / plane.std())
    # Mostly grey: the channels of photos are alike.
    pixels = numpy.stack([0.75 * planes[0] + 0.25 * plane for plane in planes], -1)
    y, x = numpy.mgrid[:height, :width]
    for _ in range(12):
        inside = (x - random.integers(width)) ** 2 + (y - random.integers(height)) ** 2 < random.integers(20, 160) ** 2
        pixels[inside] = 0.5 * pixels[inside] + 0.5 * random.integers(0, 256, 3)
    pixels += random.normal(0, noise, pixels.shape) if noise else 0
    return Image.fromarray(pixels.clip(0, 255).astype("uint8"))


def make(folder, count, suffix, noise, how):
    folder.mkdir(parents=True)
    for number in range(count):
        name = folder / f"{number // 100:03}" / f"{number:05}{suffix}"
        name.parent.mkdir(exist_ok=True)
        if number < DISTINCT:
            photo(number, noise).save(name, **how)
        else:
            shutil.copyfile(folder / "000" / f"{number % DISTINCT:05}{suffix}", name)


def loads(path):
    try:
        with Image.open(path) as image:
            image.load()
        return True
    except Exception:
        return False


def run_pool(folder, workers):
    """As it is written by hand; its start counts, as that of the others does."""
    with multiprocessing.Pool(workers) as pool:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return sum(not good for good in pool.imap_unordered(loads, paths, chunksize=16))


def children_cpu_s():
    times = os.times()
    return times.children_user + times.children_system


def timed(command):
    before, begun = children_cpu_s(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    elapsed = time.monotonic() - begun
    if done.returncode != 0:
        raise SystemExit(f"{command} exited {done.returncode}: {done.stderr}")
    return elapsed, children_cpu_s() - before


def commands(folder, workers, state, python):
    found = {"pool": [python, __file__, "--pool", folder, "--workers", str(workers)],
             "millrace": [BIN / "millrace", "check", folder, "--recheck", "--state", state,
                          "--set", f"inspect.replicas={workers}", "--progress", "none"]}
    if (BIN / "opencv_decode").exists():
        found["opencv"] = [BIN / "opencv_decode", str(workers), folder]
    return found


def cpu_alone_s(folder):
    """CPU seconds a picture takes: inspect_tool, and Pillow, each in one thread."""
    paths = sorted((folder / "000").iterdir())[:DISTINCT]
    said = subprocess.run([BIN / "inspect_tool", "decode", "--repeat", "5", *paths], stdout=subprocess.PIPE, text=True, check=True)
    ours = statistics.median(json.loads(line)["cpu_s"] for line in said.stdout.splitlines())
    pillow = []
    for path in paths:
        times = []
        for _ in range(5):
            begun = time.process_time()
            loads(path)
            times.append(time.process_time() - begun)
        pillow.append(min(times))
    return ours, statistics.median(pillow)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1200, help="pictures of each kind")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, help="where the pictures are to stay")
    parser.add_argument("--python", default=sys.executable, help="of the pool")
    parser.add_argument("--only", help="sets, by their folder's name, with commas between")
    parser.add_argument("--pool", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pool:
        raise SystemExit(run_pool(arguments.pool, arguments.workers))
    version = subprocess.run([arguments.python, "-c", "import PIL; print(PIL.__version__)"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout.strip()
    print(f"Pillow {version}, {arguments.count} pictures of {SIZE[0]}x{SIZE[1]}, {arguments.workers} workers, "
          f"median of {arguments.repeat}\n")
    print("| pictures | KB each | | wall s | pictures/s | CPU s | millrace is |\n|---|---|---|---|---|---|---|")
    alone = []
    with tempfile.TemporaryDirectory() as temporary:
        for title, (name, suffix, noise, how) in SETS.items():
            if arguments.only and name not in arguments.only.split(","):
                continue
            folder = (arguments.folder or pathlib.Path(temporary)) / name
            if not folder.exists():
                make(folder, arguments.count, suffix, noise, how)
            kilobytes = statistics.mean(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024
            # The state's folder is as warm for the first one as for the others.
            asked = commands(folder, arguments.workers, pathlib.Path(temporary, "state"), arguments.python)
            taken = {who: [] for who in asked}
            for _ in range(arguments.repeat):
                for who, command in asked.items():
                    taken[who].append(timed(command))
            wall = {who: statistics.median(times[0] for times in taken[who]) for who in taken}
            cpu = {who: statistics.median(times[1] for times in taken[who]) for who in taken}
            for who in taken:
                ratio = "" if who == "millrace" else f"{wall[who] / wall['millrace']:.2f} x as fast, {cpu[who] / cpu['millrace']:.2f} x by CPU"
                print(f"| {title} | {kilobytes:.0f} | {who} | {wall[who]:.2f} | {arguments.count / wall[who]:.0f} | {cpu[who]:.2f} | {ratio} |",
                      flush=True)
            alone.append((title, *cpu_alone_s(folder)))
    print("\nOne thread, CPU ms a picture, files in memory or cache:\n")
    print("| pictures | millrace | Pillow | ratio |\n|---|---|---|---|")
    for title, ours, pillow in alone:
        print(f"| {title} | {1000 * ours:.2f} | {1000 * pillow:.2f} | {pillow / ours:.2f} |")


if __name__ == "__main__":
    main()
