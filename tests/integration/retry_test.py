#!/usr/bin/env python3
"""`millrace retry`: what failed is tried again as part of its run, here and on a pipeline that is up."""
import json

from millrace_testing import TestCase, jpeg, main, write_photos


class Retry(TestCase):
    def setUp(self):
        super().setUp()
        self.names = write_photos(self.photos, 20)
        self.bad = self.names[3:5]
        for name in self.bad:
            (self.photos / name).write_bytes(jpeg(1)[:200])  # a header and no picture
        self.strict = ["--set", "preprocess.options.truncated=fail"]

    def mend(self, name):
        (self.photos / name).write_bytes(jpeg(7))

    def test_what_failed_is_tried_again_with_the_settings_of_its_run(self):
        self.run_demo(*self.strict, expect=1)
        self.assertEqual(len(self.failures()), 2)
        again = self.run_to_end("retry", self.out, "--json", expect=1)  # still no picture in them
        self.assertEqual(len(self.failures()), 2)
        self.assert_closes(json.loads(again.stdout))
        self.mend(self.bad[0])
        self.run_to_end("retry", self.out, "--fail-on", "2", expect=0)
        self.assertEqual(set(self.failures()), {self.bad[1].encode()})
        report = self.report()
        self.assert_closes(report)
        self.assertEqual((report["scanned"], report["ok"], report["failed"]), (20, 19, 1))

    def test_only_those_that_are_meant_are_tried(self):
        self.run_demo(*self.strict, expect=1)
        for name in self.bad:
            self.mend(name)
        code = set(self.failures().values()).pop()
        for words in (["--code", "timeout"], ["--stage", "postprocess"]):
            nothing = self.run_to_end("retry", self.out, *words, expect=0)
            self.assertIn("nothing failed that can be tried again", nothing.stderr)
        self.assertEqual(len(self.failures()), 2)
        self.run_to_end("retry", self.out, "--code", code, "--stage", "preprocess", expect=0)
        self.assertEqual(self.failures(), {})

    def test_state_that_lies_elsewhere_is_found_again(self):
        self.run_demo(*self.strict, "--state", self.folder / "state", expect=1)
        for name in self.bad:
            self.mend(name)
        self.run_to_end("retry", self.out, expect=0)
        self.assertEqual(self.report()["ok"], 20)

    def test_a_folder_that_is_no_output(self):
        refused = self.run_to_end("retry", self.folder / "missing", expect=2)
        self.assertIn("missing: give the OUTPUT of a run", refused.stderr)
        refused = self.run_to_end("retry", self.photos, expect=2)
        self.assertIn("--topology", refused.stderr)


if __name__ == "__main__":
    main()
