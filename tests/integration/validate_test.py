#!/usr/bin/env python3
"""`millrace validate` names each mistake of a topology by file, line and cure, and says nothing of a
sound one."""
import re

from millrace_testing import TestCase, main

SOUND = """\
version: 1
name: mine
broker:
  host: 127.0.0.1
  control: 7710
  reports: 7711
  feed: 7720-7783
stages:
  - {name: scan, executable: scanner}
  - name: preprocess
    executable: preprocess
    budget: 64MiB
    options: {size: {width: 512, height: 512}}
  - name: inference
    executable: inference
    batch: {max: 8, delay: 10ms}
    options: {model: skin-tone}
  - name: postprocess
    executable: postprocess
    options: {what: masked}
"""

# What is written instead of what; the line of the mistake, and what is said of it and of its cure.
MISTAKES = {
    "unknown key": ("budget: 64MiB", "budgte: 64MiB", 12, "budgte", "budget"),
    "repeated key": ("  control: 7710\n", "  control: 7710\n  control: 7712\n", 6, "control", "keep one"),
    "wrong type": ("max: 8", "max: [8]", 16, "max", "number"),
    "duplicate stage": ("name: inference", "name: preprocess", 14, "preprocess", "name"),
    "bad unit": ("64MiB", "64 megs", 12, "64 megs", "MiB"),
    "a number without its unit": ("delay: 10ms", "delay: 10", 16, "delay", "ms"),
    "port clash": ("reports: 7711", "reports: 7710", 6, "7710", "port"),
    "feed over control": ("7720-7783", "7700-7783", 5, "7710", "out of the range"),
    "missing file": ("model: skin-tone", "model: bisenet-face, weights: no.pth", 17, "no.pth", "fetch|file"),
    "octal": ("max: 8", "max: 010", 16, "010", "10|8"),
    "unknown choice": ("what: masked", "what: maksed", 20, "maksed", "masked"),
    "unknown option": ("width: 512", "widht: 512", 13, "widht", "width"),
    "no such executable": ("executable: inference", "executable: inferense", 15, "inferense", "inference"),
    "another version": ("version: 1", "version: 7", 1, "7", "1"),
    "no stages": (SOUND[SOUND.index("stages:"):], "stages: []\n", 8, "stages", "stage"),
}


class Validate(TestCase):
    def validate(self, text, *words, expect):
        path = self.folder / "mine.yaml"
        path.write_text(text)
        return self.run_to_end("validate", path, *words, expect=expect)

    def test_each_mistake_is_named_by_its_line_with_a_cure(self):
        for name, (sound, wrong, line, said, cure) in MISTAKES.items():
            with self.subTest(name):
                self.assertEqual(SOUND.count(sound), 1)
                run = self.validate(SOUND.replace(sound, wrong), expect=2)
                self.assertEqual(run.stdout, "")
                told = re.search(rf"mine\.yaml:{line}:\d+: (.*)", run.stderr, re.DOTALL)
                self.assertIsNotNone(told, run.stderr)
                self.assertIn(said, told[1])
                self.assertRegex(told[1], cure)

    def test_all_mistakes_are_named_at_once(self):
        run = self.validate(SOUND.replace("64MiB", "64").replace("max: 8", "max: x"), expect=2)
        self.assertRegex(run.stderr, r"(?s)mine\.yaml:12:.*mine\.yaml:16:")

    def test_a_sound_one_passes_and_so_does_what_becomes_of_it(self):
        self.validate(SOUND, expect=0)
        resolved = self.validate(SOUND, "--resolved", expect=0)
        self.assertIn("width: 512", resolved.stdout)
        self.validate(resolved.stdout, expect=0)

    def test_files_on_other_machines_need_not_be_here(self):
        text = SOUND.replace("model: skin-tone", "model: bisenet-face, weights: /elsewhere/w.pth")
        self.validate(text, expect=2)
        self.validate(text, "--without-files", expect=0)

    def test_the_topologies_that_come_along_are_sound(self):
        for name in ("demo", "check"):
            self.run_to_end("validate", name, expect=0)


if __name__ == "__main__":
    main()
