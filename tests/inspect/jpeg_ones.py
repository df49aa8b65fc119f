"""Ones in a JPEG's data, of which no code consists (ITU-T T.81, C.2): how many files are named.

    /usr/bin/python3 tests/inspect/jpeg_ones.py [--files N]

Small pictures (sound/pictures.py) in three samplings, baseline and progressive, of any quality; 4 and 8 times FF 00 in
place of as many bytes of the first scan's data.
"""
import argparse
import collections
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "sound"))
import pictures  # noqa: E402
from PIL import ImageFile  # noqa: E402

ImageFile.MAXBLOCK = 1 << 22  # Pillow writes a progressive file in one piece

BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", HERE.parents[1] / "build/release/bin"))


def with_ones(rng, progressive, count):
    """A file, or None where the first scan is too short for that."""
    image = pictures.picture(rng).convert("RGB").resize((rng.randint(100, 300), rng.randint(100, 300)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=rng.randint(1, 100), subsampling=rng.randint(0, 2), progressive=progressive)
    data = buffer.getvalue()
    begin = data.index(b"\xff\xda") + 14
    end = begin
    while data[end] != 0xFF or data[end + 1] == 0:
        end += 1
    at = rng.randrange(begin, end)
    if end - at < 2 * count + 16 or data[at - 1] == 0xFF or data[at + 2 * count - 1] == 0xFF:
        return None
    return data[:at] + b"\xff\0" * count + data[at + 2 * count:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="of each kind")
    arguments = parser.parse_args()
    rng = random.Random(1)
    print("| scan | ones | files | named | corrupt |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for progressive in (False, True):
            for count in (4, 8):
                paths = []
                while len(paths) < arguments.files:
                    data = with_ones(rng, progressive, count)
                    if data:
                        paths.append(pathlib.Path(temporary, f"{len(paths)}.jpg"))
                        paths[-1].write_bytes(data)
                said = subprocess.run([BIN / "inspect_tool", "decode"], input="\n".join(map(str, paths)),
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                codes = collections.Counter(json.loads(line)["code"] for line in said.splitlines())
                print(f"| {'progressive, first' if progressive else 'baseline'} | {count} × FF 00 | {len(paths)} | "
                      f"{100 * (1 - codes['ok'] / len(paths)):.1f} % | {100 * codes['corrupt'] / len(paths):.1f} % |", flush=True)


if __name__ == "__main__":
    main()
