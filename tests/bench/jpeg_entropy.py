"""Our reader of JPEG entropy data against libjpeg's coefficient walk, one thread.

    cmake --build build/release --target jpeg_entropy
    /usr/bin/python3 tests/bench/jpeg_entropy.py [--pictures N] [--repeat N]

Pictures of one megapixel (check_pool.py's, a little noisy), quality 75, 85 and 95, 4:2:0 and 4:4:4, baseline
and progressive. Prints MB/s of entropy data, by the best of REPEAT turns, medians over the pictures.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

from check_pool import BIN, photo


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=15)
    arguments = parser.parse_args()
    pictures = [photo(seed, 2) for seed in range(arguments.pictures)]
    print("| picture | KB | ours, MB/s | libjpeg, MB/s: coefficients | at an eighth | ours is, of its faster one |\n"
          "|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for progressive in (False, True):
            for quality in (75, 85, 95):
                for name, subsampling in (("4:2:0", 2), ("4:4:4", 0)):
                    paths = []
                    for number, picture in enumerate(pictures):
                        paths.append(pathlib.Path(temporary, f"{number}.jpg"))
                        picture.save(paths[-1], quality=quality, subsampling=subsampling, progressive=progressive)
                    said = subprocess.run([BIN / "jpeg_entropy", str(arguments.repeat), *paths],
                                          stdout=subprocess.PIPE, text=True, check=True).stdout
                    rows = [json.loads(line) for line in said.splitlines()]
                    speed = {way: statistics.median(row["bytes"] / row[way + "_s"] / 1e6 for row in rows)
                             for way in ("ours", "coefficients", "eighth")}
                    theirs = max(speed["coefficients"], speed["eighth"])
                    print(f"| {'progressive' if progressive else 'baseline'}, quality {quality}, {name} | "
                          f"{statistics.mean(row['bytes'] for row in rows) / 1000:.0f} | {speed['ours']:.0f} | "
                          f"{speed['coefficients']:.0f} | {speed['eighth']:.0f} | {speed['ours'] / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
