#!/usr/bin/env python3
"""A run over a part of INPUT changes nothing about the rest: what was done there stays done."""
import json
import os
import signal
import struct

from millrace_testing import TestCase, files_below, jpeg, main, wait_until

APPLE_DOUBLE = struct.pack(">II", 0x00051607, 0x00020000) + b"Mac OS X".ljust(120, b"\0")


class Parts(TestCase):
    NAMES = [f"{folder}/{number}.jpg" for folder in ("new", "old") for number in range(4)]

    def setUp(self):
        super().setUp()
        for number, name in enumerate(self.NAMES):
            self.write(name, jpeg(number))
        self.write("old/broken.jpg", b"no picture")

    def write(self, name, data):
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run_part(self, *words, photos=None, expect=None):
        """A run that may or may not come by the broken picture."""
        process = self.start("run", "demo", photos or self.photos, self.out, *self.SMALL, *words)
        status = process.wait()
        self.assertIn(status, [0, 1] if expect is None else [expect], process.stderr)
        return process

    def assert_all_counts(self, resumed=9):
        """The next run over everything has nothing to do."""
        self.run_demo(expect=1)
        report = self.report()
        self.assert_closes(report)
        self.assertEqual((report["ok"], report["failed"], report["resumed"]), (8, 1, resumed))
        self.assertEqual(self.failures(), {b"old/broken.jpg": "not-an-image"})
        self.assertNotIn("deleted", report)

    def test_whatever_leaves_out_files_lets_their_outcome_stand(self):
        self.run_demo(expect=1)
        photos_list = self.folder / "list"
        photos_list.write_text("new/1.jpg\n")
        check = self.start("check", self.photos, "--report", self.folder / "verdicts", "--state",
                           self.folder / "checks")
        self.assertEqual(check.wait(), 1, check.stderr)
        for words, skipped in [
            (["--include", "new/*"], 5),
            (["--exclude", "old/*"], 5),
            (["--exclude", "old"], 1),
            (["--exclude", "*.jpg", "--allow-empty"], 9),
            (["--limit", "2"], 0),
            (["--sample", "2"], 0),
            (["--files-from", photos_list], 0),
            (["--skip-broken", self.folder / "verdicts"], 1),
            (["--include", "new/*", "--fresh"], 5),
        ]:
            with self.subTest(words):
                self.run_part(*words)
                report = self.report()
                self.assert_closes(report)
                self.assertEqual(report["skipped"], skipped)
                self.assertNotIn("deleted", report)
                self.assert_all_counts()

    def test_one_file_as_input_is_a_part_too(self):
        self.run_demo(expect=1)
        self.run_part(photos=self.photos / "new")  # another INPUT, of its own paths
        self.run_part(photos=self.photos / self.NAMES[0])
        self.assert_all_counts()

    def test_a_list_may_come_from_another_system(self):
        for encoding in ("utf-8-sig", "utf-16"):
            self.run_demo("--files-from", "-", stdin="new/1.jpg\r\nnew/2.jpg\r\n".encode(encoding))
            self.assertEqual(self.report()["ok"], 2)
        refused = self.run_demo("--files-from", "-", stdin="new/1.jpg\n".encode("utf-32"), expect=3)
        self.assertIn("is UTF-32 text: write it as UTF-8", refused.stderr)

    def test_two_parts_make_the_whole(self):
        self.run_part("--include", "new/*", expect=0)
        self.run_part("--include", "old/*", expect=1)
        self.run_part("--include", "new/*", expect=0)
        self.assertEqual(self.report()["resumed"], 4)
        self.assert_all_counts()

    def test_a_part_that_is_done_otherwise_is_all_that_is_done_again(self):
        self.run_demo(expect=1)
        self.run_part("--include", "new/*", "--set", "postprocess.options.keep=background")
        self.assertEqual(self.report()["resumed"], 0)
        self.assert_all_counts(resumed=5)

    def test_a_part_that_was_killed_lets_the_rest_stand(self):
        self.run_demo(expect=1)
        for number in range(300):
            self.write(f"more/{number:03}.jpg", jpeg(number))
        part = self.start_demo("--include", "more/*", "--set", "scan.options.chunk=4", "--set",
                               "preprocess.budget=8KiB")
        wait_until(lambda: len(files_below(self.out)) > 20, "the first of the part")
        os.killpg(part.pid, signal.SIGKILL)
        part.wait()
        done = len(files_below(self.out)) - 8
        self.assertLess(done, 300, "killed too late to matter")
        self.run_demo("--exclude", "more/*", expect=1)
        self.assertEqual(self.report()["resumed"], 9)
        self.run_demo(expect=1)
        self.assertEqual(self.report()["ok"], 308)
        self.assertGreaterEqual(self.report()["resumed"], 9 + 1)

    def test_lines_of_what_was_left_out_are_back_with_the_next_run(self):
        areas = ["--set", "postprocess.options.areas=true"]
        lines = lambda: (self.out / ".millrace/areas.jsonl").read_text().splitlines()
        self.run_demo(*areas, expect=1)
        self.run_part(*areas, "--include", "new/*")
        self.assertEqual(len(lines()), 4)
        self.run_demo(*areas, expect=1)
        self.assertEqual(self.report()["resumed"], 9)
        self.assertEqual(len(lines()), 8)

    def test_retry_after_a_part_is_of_that_part(self):
        self.run_demo(expect=1)
        self.run_part("--include", "new/*", expect=0)
        retried = self.start("retry", self.out)
        self.assertEqual(retried.wait(), 0, retried.stderr)
        self.assertIn("nothing failed", retried.stderr)
        self.assert_all_counts()
        retried = self.start("retry", self.out)
        self.assertEqual(retried.wait(), 1, retried.stderr)

    def test_nothing_is_pruned_that_was_merely_left_out(self):
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "far.jpg").write_bytes(jpeg(1))
        (self.photos / "linked").symlink_to(outside)
        self.run_part("--follow-symlinks", expect=1)
        self.assertEqual(self.report()["ok"], 9)
        before = files_below(self.out)
        for words in (["--include", "new/*"], ["--exclude", "old"], ["--limit", "1"], []):
            self.run_part("--prune", *words)  # none of them follows the link
            self.assertEqual(files_below(self.out), before, words)
            self.assertNotIn("deleted", self.report(), words)
        outside.rename(self.folder / "unmounted")
        self.run_part("--prune", "--follow-symlinks", expect=1)
        self.assertEqual(files_below(self.out), before)
        (self.folder / "unmounted").rename(outside)
        self.run_part("--follow-symlinks", expect=1)
        self.assertEqual(self.report()["resumed"], 10)


class DefaultExcludes(TestCase):
    def setUp(self):
        super().setUp()
        self.other = self.photos / "other"
        self.wanted = ["a.jpg", "sub/b.jpg"]
        self.left_out = ["__MACOSX/c.jpg", ".git/d.jpg", "sub/@eaDir/e.jpg/f.jpg",
                         ".thumbnails/g.jpg", "other/h.jpg"]
        for number, name in enumerate(self.wanted + self.left_out):
            path = self.photos / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(number))
        (self.photos / "._a.jpg").write_bytes(APPLE_DOUBLE)
        (self.photos / "._sound.jpg").write_bytes(jpeg(9))
        (self.other / ".millrace").mkdir()
        (self.other / ".millrace/id").write_text("0123456789abcdef\n")

    def test_what_is_nobodys_picture_is_left_out_and_counted_once(self):
        self.run_demo()
        report = self.report()
        self.assert_closes(report)
        self.assertEqual(report["ok"], 3)
        self.assertEqual(report["failed"], 0)
        self.assertEqual(report["skipped_by"],
                         {"apple-double": 1, "default-exclude": 4, "run-output": 1})
        self.run_demo("--no-default-excludes", expect=1)
        report = self.report()
        self.assertEqual((report["ok"], report["resumed"], report["skipped"]), (8, 3, 0))
        self.assertEqual(self.failures(), {b"._a.jpg": "not-an-image"})

    def test_what_was_done_there_stands_and_is_not_pruned(self):
        self.run_demo("--no-default-excludes", expect=1)
        before = files_below(self.out)
        self.run_demo("--prune")
        self.assertNotIn("deleted", self.report())
        self.assertEqual(files_below(self.out), before)
        self.run_demo("--no-default-excludes", expect=1)
        self.assertEqual(self.report()["resumed"], 9)
        self.assertNotIn("deleted", self.report())

    def test_a_list_takes_what_it_names(self):
        self.run_demo("--files-from", "-", stdin=b"__MACOSX/c.jpg\nother/h.jpg\n")
        self.assertEqual(self.report()["ok"], 2)

    def test_an_input_of_such_a_name_is_walked(self):
        for folder, count in (("__MACOSX", 1), ("other", 1)):
            out = self.folder / f"out-{folder}"
            self.run_to_end("run", "demo", self.photos / folder, out, *self.SMALL, expect=0)
            self.assertEqual(self.report(out)["ok"], count)

    def test_where_all_was_left_out_the_way_to_it_is_told(self):
        for name in self.wanted + ["._sound.jpg"]:
            (self.photos / name).unlink()
        run = self.run_demo(expect=2)
        self.assertIn("--no-default-excludes", run.stderr)

    def test_a_check_deletes_nothing_there(self):
        for name in self.left_out:
            (self.photos / name).write_bytes(b"no picture")
        before = files_below(self.photos)
        state = ["--state", self.folder / "state"]
        self.run_to_end("check", self.photos, "--delete", "--yes", *state, expect=0)
        self.assertEqual(files_below(self.photos), before)
        check = self.run_to_end("check", self.photos, "--no-default-excludes", "--json", "--only",
                                "bad", *state, expect=1)
        bad = {json.loads(line)["path"] for line in check.stdout.splitlines()}
        self.assertEqual(bad, {*self.left_out, "._a.jpg"})


if __name__ == "__main__":
    main()
