#!/usr/bin/env python3
"""A worker that says of each item whatever outputs and record a file tells it to, for tests."""
import argparse
import json
import os
import sys

from journal import Journal
from outcome import Done
from worker import Worker


class Name:
    """`says`: a JSON file, {key: {"outputs": [path, ...], "record": [name, line]}}."""

    def __init__(self, says):
        self.says = says

    def __call__(self, job, call):
        call.progress()
        with open(self.says, encoding="utf-8") as file:
            said = json.load(file).get(os.fsdecode(job.key), {})
        return Done(outputs=[self.as_it_is(job.output, path) for path in said.get("outputs", [])],
                    record=said.get("record"))

    @staticmethod
    def as_it_is(output, path):
        """As a stage would tell of a file that it has just written."""
        status = os.stat(os.path.join(os.fsdecode(output), path.split("\0")[0]))
        return {"path": path.encode(), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", required=True)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--replica", type=int, default=0)
    parser.add_argument("--says", required=True)
    parser.add_argument("--journal")
    words = parser.parse_args()
    return Worker(words.control, words.stage, words.replica, Name(words.says),
                  journal=Journal(words.journal)).run()


if __name__ == "__main__":
    sys.exit(main())
