#!/usr/bin/env python3
"""millrace-preprocess in Python: each file as a picture of 512x512, resized by Pillow.

Written from common/wire/PROTOCOL.md alone: it shares no code with millrace.
"""
import argparse
import os
import sys
import time

import msgpack
from PIL import Image, ImageFile, UnidentifiedImageError

from journal import Journal
from outcome import Done, Failed, Part, Skipped
from worker import Worker

SIZE = (512, 512)


class Preprocess:
    def __init__(self, hold=None, deaf=False):
        self.hold = hold  # for tests: no job gets on before this file exists
        self.deaf = deaf  # for tests: not even one that nobody wants any more

    def __call__(self, job, call):
        while self.hold and not os.path.exists(self.hold):
            if call.is_revoked() and not self.deaf:
                return None
            time.sleep(0.005)
        call.progress()
        folder = job.input if os.path.isdir(job.input) else os.path.dirname(job.input)
        path = os.path.join(folder, job.key)
        try:
            if os.path.getsize(path) == 0:
                return Failed("empty", "the file has no bytes")
            image = Image.open(path)
        except UnidentifiedImageError:
            if job.meta and msgpack.unpackb(job.meta).get("unnamed"):
                return Skipped("not-an-image")
            return Failed("not-an-image", "Pillow knows no such format")
        except OSError as error:
            return Failed("unreadable", str(error))
        except Exception as error:  # decoders raise what they like
            return Failed("corrupt", str(error))
        with image:
            return self.resized(image, job, call)

    def resized(self, image, job, call):
        try:
            image.load()
            call.progress()
            if call.is_revoked():
                return None
            small = image.resize(SIZE, Image.BILINEAR).convert("RGB")
        except Exception as error:
            return Failed("corrupt", str(error))
        call.progress()
        return Done([Part("image", "uint8", [SIZE[1], SIZE[0], 3], small.tobytes())], job.meta)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", required=True, help="tcp://HOST:PORT or ipc://FOLDER/control")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--replica", type=int, default=0)
    parser.add_argument("--slots", type=int, default=2, help="jobs to hold at once")
    parser.add_argument("--hold", help="for tests: process nothing before this file exists")
    parser.add_argument("--deaf", action="store_true",
                        help="for tests: hold on to what is revoked, too")
    parser.add_argument("--journal", help="for tests: write here what becomes of every job")
    words = parser.parse_args()
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # as the users' own answer does
    preprocess = Preprocess(words.hold, words.deaf)
    return Worker(words.control, words.stage, words.replica, preprocess, words.slots,
                  Journal(words.journal)).run()


if __name__ == "__main__":
    sys.exit(main())
