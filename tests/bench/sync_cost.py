#!/usr/bin/env python3
"""What it costs to make files safe from a power cut, by how they are synced.

    sync_cost.py FOLDER [--files 320] [--bytes 10000] [--group 16] [--rounds 5]

Groups of files are written, synced, renamed into a folder, and that is synced: `alone` one file a
group, `in a row` one fsync after the other (or fdatasync; or after writing was started for all),
`side by side` all at once by threads, `syncfs` the whole file system. Milliseconds a file, the median of the rounds, which alternate.
"""
import argparse
import concurrent.futures
import ctypes
import os
import statistics
import tempfile
import time


LIBC = ctypes.CDLL(None)
SYNC_FILE_RANGE_WRITE = 2


def in_a_row(files):
    for file in files:
        os.fsync(file)


def started(files):
    for file in files:
        LIBC.sync_file_range(file, ctypes.c_int64(0), ctypes.c_int64(0), SYNC_FILE_RANGE_WRITE)
    in_a_row(files)


def publish(folder, count, content, group, sync):
    began = time.perf_counter()
    for first in range(0, count, group):
        names = [str(number) for number in range(first, min(first + group, count))]
        files = [os.open(f"{folder}/tmp/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                 for name in names]
        for file in files:
            os.write(file, content)
        sync(files)
        for name, file in zip(names, files):
            os.close(file)
            os.rename(f"{folder}/tmp/{name}", f"{folder}/out/{name}")
        out = os.open(f"{folder}/out", os.O_RDONLY)
        sync([out])
        os.close(out)
    return (time.perf_counter() - began) / count * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--files", type=int, default=320)
    parser.add_argument("--bytes", type=int, default=10_000)
    parser.add_argument("--group", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    threads = concurrent.futures.ThreadPoolExecutor(words.group)
    ways = {
        "not at all": (1, lambda files: None),
        "alone": (1, in_a_row),
        "in a row": (words.group, in_a_row),
        "fdatasync": (words.group, lambda files: [os.fdatasync(file) for file in files]),
        "started": (words.group, started),
        "side by side": (words.group, lambda files: list(threads.map(os.fsync, files))),
        "syncfs": (words.group, lambda files: LIBC.syncfs(files[0])),
    }
    took = {way: [] for way in ways}
    for _ in range(words.rounds):
        for way, (group, sync) in ways.items():
            with tempfile.TemporaryDirectory(dir=words.folder) as folder:
                os.mkdir(f"{folder}/tmp")
                os.mkdir(f"{folder}/out")
                took[way].append(
                    publish(folder, words.files, os.urandom(words.bytes), group, sync))
    for way, times in took.items():
        print(f"{way:12} {statistics.median(times):6.2f} ms a file   "
              f"({' '.join(f'{one:.2f}' for one in times)})")


if __name__ == "__main__":
    main()
