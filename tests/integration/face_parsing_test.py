#!/usr/bin/env python3
"""Models at work, from a folder of pictures to labels on disk.

Face parsing against PyTorch: the weights are random, and the answers those that make_references.py
wrote beside them (MILLRACE_MODEL_REFERENCES), and for pictures of other sizes what PyTorch gives of
Pillow's resized ones. And models that throw: small TorchScript modules.
"""
import io
import json
import os
import pathlib
import sys
import unittest

import numpy
from PIL import Image

from millrace_testing import TestCase, files_below, main

REFERENCES = os.environ.get("MILLRACE_MODEL_REFERENCES")
SOURCES = pathlib.Path(__file__).resolve().parents[1] / "stages/inference/model"
SIDE = 512


def read(name, count):
    """`count` pictures' worth of a file of references."""
    return numpy.fromfile(pathlib.Path(REFERENCES, name), numpy.uint8).reshape(
        count, SIDE, SIDE, -1)


NEEDS_MODELS = unittest.skipUnless(
    REFERENCES, "this build has no LibTorch (MILLRACE_MODELS=OFF)")


@NEEDS_MODELS
class FaceParsing(TestCase):
    # An item's pixels of which the class may be another: two logits may be almost equal.
    MOST_DIFFERENT = SIDE * SIDE // 10_000

    def setUp(self):
        super().setUp()
        self.labels = {}  # by name: the labels that PyTorch gives
        self.pictures = read("pictures.bin", 4)
        for number, labels in enumerate(read("labels.bin", 4)[..., 0]):
            self.add(f"{number}/exact.png", Image.fromarray(self.pictures[number]), labels)

    def add(self, name, image, labels, **how):
        path = self.photos / name
        path.parent.mkdir(exist_ok=True)
        image.save(path, **how)
        self.labels[name] = labels

    def add_resized(self):
        """A JPEG and a grey PNG of other sizes, and what PyTorch makes of them."""
        sys.path.insert(0, str(SOURCES))
        import bisenet_reference
        import torch

        wide = Image.fromarray(self.pictures[0]).resize((700, 450), Image.BICUBIC)
        jpeg = io.BytesIO()
        wide.save(jpeg, "JPEG", quality=90)
        small = Image.fromarray(self.pictures[2]).convert("L").resize((333, 120))
        model = bisenet_reference.BiSeNet().eval()
        model.load_state_dict(torch.load(pathlib.Path(REFERENCES, "bisenet_zip.pth")))
        seen = [
            numpy.array(image.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR))
            for image in (Image.open(jpeg), small)
        ]
        with torch.no_grad():
            inputs = bisenet_reference.normalised(torch.from_numpy(numpy.stack(seen)))
            labels = model(inputs).argmax(1).byte().numpy()
        (self.photos / "wide.jpg").write_bytes(jpeg.getvalue())
        self.labels["wide.jpg"] = labels[0]
        self.add("grey.png", small, labels[1])

    def parse(self, weights, *words):
        self.run_to_end(
            "run", "face-parsing", self.photos, self.out, "--weights",
            pathlib.Path(REFERENCES, weights), "--set", "postprocess.options.what=labels",
            "--set", "inference.options.device=cpu", *words, expect=0)
        report = self.report()
        self.assert_closes(report)
        self.assertEqual(report["ok"], len(self.labels))

    def assert_labels_are_pytorchs(self):
        self.assertEqual(
            files_below(self.out), {os.fsencode(name + ".png") for name in self.labels})
        for name, expected in self.labels.items():
            with self.subTest(name):
                with Image.open(self.out / (name + ".png")) as written:
                    self.assertEqual(written.mode, "P")
                    labels = numpy.array(written)
                self.assertEqual(labels.shape, (SIDE, SIDE))
                self.assertGreaterEqual(len(numpy.unique(expected)), 5, "too few to tell")
                different = int((labels != expected).sum())
                print(f"{name}: {different} of {SIDE * SIDE} pixels differ", file=sys.stderr)
                self.assertLessEqual(different, self.MOST_DIFFERENT)

    def test_the_labels_of_a_folder_are_pytorchs(self):
        self.add_resized()
        self.parse("bisenet_zip.pth")
        self.assert_labels_are_pytorchs()

    def test_so_are_those_of_a_torchscript_module(self):
        self.parse("bisenet_script.pt", "--set", "inference.options.model=torchscript")
        self.assert_labels_are_pytorchs()


def save_throwing_module(path, lasting):
    """A module of two classes that throws for a white picture; if `lasting`, then for all others."""
    import torch

    class Throwing(torch.nn.Module):
        def __init__(self, lasting: bool):
            super().__init__()
            self.lasting = lasting
            self.lost = False

        def forward(self, x):
            white = bool((x.flatten(1).amin(1) > 1.9).any())
            if white or self.lost:
                self.lost = self.lasting
                raise RuntimeError("out of memory")
            return torch.nn.functional.avg_pool2d(x[:, :2], 8)

    torch.jit.script(Throwing(lasting)).save(str(path))


@NEEDS_MODELS
class AModelThatThrows(TestCase):
    def setUp(self):
        super().setUp()
        self.good = {f"{number}.png" for number in range(12)}
        for number, name in enumerate(sorted(self.good)):
            Image.new("RGB", (64, 64), (20 * number, 99, 7)).save(self.photos / name)
        Image.new("RGB", (64, 64), "white").save(self.photos / "3-white.png")

    def parse(self, lasting, expect):
        module = self.folder / "module.pt"
        if not module.exists():
            save_throwing_module(module, lasting)
        return self.run_to_end(
            "run", "face-parsing", self.photos, self.out, *self.SMALL, "--weights", module,
            "--set", "inference.options.model=torchscript",
            "--set", "inference.options.device=cpu",
            "--set", "postprocess.options.what=labels", expect=expect)

    def assert_only_white_failed(self, code, attempts, reason):
        report = self.report()
        self.assert_closes(report)
        self.assertEqual((report["ok"], report["failed"]), (len(self.good), 1), report)
        self.assertEqual(
            files_below(self.out), {os.fsencode(name + ".png") for name in self.good})
        lines = (self.out / ".millrace/failed.jsonl").read_text().splitlines()
        failure = json.loads(lines[0])
        self.assertEqual(
            (failure["path"], failure["code"], failure["attempts"]),
            ("3-white.png", code, attempts), failure)
        self.assertIn(reason, failure["reason"])

    def test_one_picture_fails_after_its_attempts_and_is_tried_again_by_the_next_run(self):
        self.parse(lasting=False, expect=1)
        self.assert_only_white_failed("internal", 3, "out of memory")
        self.parse(lasting=False, expect=1)
        self.assert_only_white_failed("internal", 3, "out of memory")
        self.assertEqual(self.report()["resumed"], len(self.good))

    def test_where_nothing_works_after_it_its_worker_is_replaced_and_the_others_go_on(self):
        run = self.parse(lasting=True, expect=1)
        self.assert_only_white_failed("worker-died", 3, "out of memory")
        self.assertIn("inference-0 exited with status 5", run.stderr)


if __name__ == "__main__":
    main()
