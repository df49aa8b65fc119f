#!/usr/bin/env python3
"""Decoding in a sandbox: the same pictures, and a plain word where it cannot be had."""
import os
import pathlib

from millrace_testing import TestCase, files_below, main

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"

# LeakSanitizer, in a build that has it, looks for leaks from a process that it clones at the end.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


class Sandbox(TestCase):
    def pictures(self, name, *words):
        """Every format of the examples through the demo; {path: bytes}, and what was said."""
        out = self.folder / name
        run = self.start("run", "demo", EXAMPLES, out, "--fail-on", "never", "--verbose", *words)
        status = run.wait()
        if "cannot enter the sandbox" in run.stderr:
            self.skipTest("this machine has no seccomp filters")
        self.assertEqual(status, 0, run.stderr)
        found = {path: (out / os.fsdecode(path)).read_bytes() for path in files_below(out)}
        return found, self.failures(out), run.stderr

    def test_the_pictures_are_the_same_in_it_and_outside(self):
        pictures, failures, said = self.pictures("out")
        self.assertNotIn("sandbox:", said)
        confined, confined_failures, said = self.pictures(
            "confined", "--set", "preprocess.sandbox=true")
        self.assertIn("sandbox: seccomp", said)
        self.assertGreater(len(pictures), 5)
        self.assertEqual(confined, pictures)
        self.assertEqual(confined_failures, failures)

    def test_a_stage_that_writes_is_refused_it_before_anything_starts(self):
        run = self.run_to_end("run", "demo", EXAMPLES, self.out, "--set",
                              "postprocess.sandbox=true", expect=2)
        self.assertIn("postprocess does more than read files", run.stderr)


if __name__ == "__main__":
    main()
