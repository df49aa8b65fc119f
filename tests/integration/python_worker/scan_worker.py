#!/usr/bin/env python3
"""A scanner in Python, for tests of the broker alone: every file below INPUT, a chunk at a time."""
import argparse
import os
import sys

from journal import Journal
from outcome import Scanned
from worker import Worker


def files_below(folder):
    """Paths relative to the folder, in an order that is always the same."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.relpath(os.path.join(where, name), folder)


class Scan:
    def __init__(self, chunk, also=()):
        self.chunk = chunk
        self.also = list(also)

    def __call__(self, job, call):
        begin = int(job.cursor or b"0")
        keys = (list(files_below(job.input)) + self.also)[begin:]
        call.progress()
        found = [{"key": key, "meta": b""} for key in keys[:self.chunk]]
        more = len(keys) > self.chunk
        return Scanned(found, b"%d" % (begin + self.chunk) if more else None,
                       exhaustive=not more)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", required=True)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--replica", type=int, default=0)
    parser.add_argument("--chunk", type=int, default=10)
    parser.add_argument("--also", action="append", default=[],
                        help="for tests: a key that is found too, whatever it is")
    parser.add_argument("--journal")
    words = parser.parse_args()
    worker = Worker(words.control, words.stage, words.replica, Scan(words.chunk, words.also),
                    journal=Journal(words.journal))
    return worker.run()


if __name__ == "__main__":
    sys.exit(main())
