#!/usr/bin/env python3
"""A whole run of face parsing: preprocess is a stage in Python, all else is millrace's."""
import json
import os
import unittest

from PIL import Image

from pipeline import BIN, PipelineTest

STAGES = [
    "name: scan, executable: scanner",
    "name: preprocess, executable: preprocess, replicas: 2",
    "name: inference, executable: inference, batch: {max: 4, delay: 10ms}, "
    "options: {model: skin-tone, device: cpu}",
    "name: postprocess, executable: postprocess, options: {keep: [skin], what: masked}",
]
SKIN = (200, 150, 125)  # Cb 106, Cr 154
SKY = (90, 110, 200)


class WholeRun(PipelineTest):
    def own(self, executable, stage):
        return self.child(stage, BIN / f"millrace-{executable}", "--topology", self.topology,
                          "--stage", stage, "--replica", 0)

    def run_all(self, feeds=None):
        self.start_broker(STAGES, feeds)
        others = [self.own("scanner", "scan"), self.own("inference", "inference"),
                  self.own("postprocess", "postprocess")]
        workers = [self.preprocess(0), self.preprocess(1)]
        for worker in workers:
            worker.await_event("welcome")  # a run may be over before both are there
        status = self.client.wait(self.client.submit(self.photos, self.out))
        self.client.shutdown()
        for child in (*workers, *others, self.broker):
            self.assertEqual(child.wait(), 0, child.stderr)
        self.assertEqual([worker.await_event("leave")["why"] for worker in workers], ["drain"] * 2)
        return status

    def write_halves(self, names):
        """Pictures whose left half is skin and whose right half is sky."""
        for number, name in enumerate(names):
            size = (300 + number, 200 + number)
            picture = Image.new("RGB", size, SKIN)
            picture.paste(SKY, (size[0] // 2, 0, *size))
            (self.photos / name).parent.mkdir(exist_ok=True)
            picture.save(self.photos / name, quality=95)

    def assert_left_half_kept(self, name):
        with Image.open(self.out / name) as picture:
            self.assertEqual(picture.size, (512, 512), name)
            left, right = picture.getpixel((100, 256)), picture.getpixel((412, 256))
        for channel in range(3):
            self.assertAlmostEqual(left[channel], SKIN[channel], delta=6, msg=name)
            self.assertLess(right[channel], 6, name)

    def test_every_picture_goes_through_the_python_stage_over_ipc(self):
        names = [f"{number % 4}/same-{number // 4}.{('jpg', 'png')[number % 2]}"
                 for number in range(24)]
        self.write_halves(names)
        report = self.assert_closes(self.run_all(), len(names))
        self.assertEqual(report["ok"], len(names))
        for name in names:
            self.assert_left_half_kept(name)
        done = [len(worker.events("done")) for worker in self.workers]
        self.assertEqual(sum(done), len(names))
        self.assertGreater(report["stages"]["preprocess"]["busy"], 0)

    def test_what_pillow_cannot_read_is_failed_by_the_python_stage_and_hurts_nothing_over_tcp(self):
        names = [f"photo-{number}.jpg" for number in range(8)]
        self.write_halves(names)
        (self.photos / "notes.txt").write_text("no picture, and not named like one")
        (self.photos / "only-a-signature.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(1000))
        # A TIFF of a compression that there is not: Pillow knows the format, and cannot decode it.
        Image.new("L", (9, 9)).save(self.photos / "x.tif")
        tiff = (self.photos / "x.tif").read_bytes()
        entry = tiff.index(b"\x03\x01\x03\x00\x01\x00\x00\x00")  # tag 259, one short
        (self.photos / "x.tif").write_bytes(tiff[:entry + 8] + b"\x05\x00" + tiff[entry + 10:])
        odd = os.path.join(os.fsencode(self.photos), b"caf\xe9.jpg")  # Latin-1: not UTF-8
        os.rename(self.photos / names[-1], odd)
        report = self.assert_closes(self.run_all(feeds=5), 11)
        self.assertEqual((report["ok"], report["failed"]), (8, 2))
        self.assertEqual(report["skipped_by"], {"not-an-image": 1})
        lines = (self.out / ".millrace/failed.jsonl").read_text().splitlines()
        failures = {line["path"]: line for line in map(json.loads, lines)}
        self.assertEqual({path: line["code"] for path, line in failures.items()},
                         {"only-a-signature.jpg": "not-an-image", "x.tif": "corrupt"})
        self.assertEqual({line["stage"] for line in failures.values()}, {"preprocess"})
        for name in names[:-1]:
            self.assert_left_half_kept(name)
        self.assertTrue(os.path.exists(os.path.join(os.fsencode(self.out), b"caf\xe9.jpg")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
