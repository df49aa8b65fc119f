#!/usr/bin/env python3
"""The same command again does only what is not done, after an end, an interruption or a crash."""
import json
import os
import shutil
import signal

from millrace_testing import TestCase, files_below, jpeg, main, wait_until, write_photos


class Resume(TestCase):
    SPREAD = ["--set", "scan.options.chunk=10", "--set", "preprocess.budget=8KiB"]

    def setUp(self):
        super().setUp()
        self.names = write_photos(self.photos, 300)
        (self.photos / "broken.jpg").write_text("no picture")
        (self.photos / "empty.jpg").write_bytes(b"")
        (self.photos / "notes.txt").write_text("no picture, and not named like one")

    def written(self):
        """When each output was written, by its path."""
        return {
            name: os.stat(os.path.join(os.fsencode(self.out), name)).st_mtime_ns
            for name in files_below(self.out)
        }

    def interrupt(self, send):
        run = self.start_demo(*self.SPREAD)
        wait_until(lambda: len(files_below(self.out)) >= 40, "the first results")
        send(run)
        run.wait()
        self.assertLess(len(files_below(self.out)), 300, "interrupted too late to matter")

    def assert_whole(self, report):
        self.assert_closes(report)
        counts = {name: report[name] for name in ("scanned", "ok", "failed", "skipped")}
        self.assertEqual(counts, {"scanned": 303, "ok": 300, "failed": 2, "skipped": 1})
        self.assertEqual(self.failures(), {b"broken.jpg": "not-an-image", b"empty.jpg": "empty"})
        self.assertEqual(files_below(self.out), {os.fsencode(name) for name in self.names})
        self.assert_nothing_half_written()

    def test_a_second_run_does_nothing_and_reports_all(self):
        self.run_demo(expect=1)
        before = self.written()
        self.run_demo(expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 302)
        self.assertEqual(self.written(), before)

    def test_only_what_is_new_or_changed_is_done(self):
        self.run_demo(expect=1)
        before = self.written()
        (self.photos / self.names[7]).write_bytes(jpeg(9, size=(60, 50)))
        (self.photos / "new.jpg").write_bytes(jpeg(5))
        (self.photos / "broken.jpg").write_bytes(jpeg(6))
        self.run_demo(expect=1)
        changed = {os.fsencode(self.names[7]), b"new.jpg", b"broken.jpg"}
        after = self.written()
        self.assertEqual({name for name in after if after[name] != before.get(name)}, changed)
        self.assertEqual(self.failures(), {b"empty.jpg": "empty"})
        self.assertEqual(self.report()["resumed"], 300)

    def test_other_options_of_a_stage_make_it_all_again(self):
        self.run_demo(expect=1)
        before = self.written()
        self.run_demo("--set", "postprocess.options.keep=background", expect=1)
        after = self.written()
        self.assertTrue(all(after[name] != before[name] for name in before))
        self.assertEqual(self.report()["resumed"], 2)  # what had failed before that stage

    def test_fresh_does_all(self):
        self.run_demo(expect=1)
        before = self.written()
        self.run_demo("--fresh", expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 0)
        self.assertTrue(all(time != before[name] for name, time in self.written().items()))

    def test_an_interrupted_run_goes_on_where_it_was(self):
        self.interrupt(lambda run: os.kill(run.pid, signal.SIGINT))
        done = self.report()["ok"]
        self.assertGreaterEqual(done, 40)
        before = self.written()
        self.run_demo(*self.SPREAD, expect=1)
        self.assert_whole(self.report())
        after = self.written()
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertGreaterEqual(self.report()["resumed"], done)

    def test_a_run_that_was_killed_goes_on_where_it_was(self):
        self.interrupt(lambda run: os.killpg(run.pid, signal.SIGKILL))
        self.run_demo(*self.SPREAD, expect=1)
        self.assert_whole(self.report())
        self.assertGreater(self.report()["resumed"], 0)

    def test_a_failure_of_the_environment_is_tried_again(self):
        self.run_demo(expect=1)
        name = self.names[0]
        (self.photos / "file").write_bytes(jpeg(1))
        # A folder stands where the output belongs.
        blocked = self.out / "file"
        (blocked / "x").mkdir(parents=True)
        self.run_demo("--set", "postprocess.backoff=1ms", expect=1)
        self.assertEqual(self.failures().get(b"file"), "write-failed", name)
        (blocked / "x").rmdir()
        blocked.rmdir()
        self.run_demo(expect=1)
        self.assertNotIn(b"file", self.failures())
        self.assertIn(b"file", files_below(self.out))

    def test_outputs_of_deleted_inputs_are_listed_and_pruned_where_that_is_asked_for(self):
        self.run_demo(expect=1)
        gone = self.names[:3]
        for name in gone:
            (self.photos / name).unlink()
        (self.out / gone[0]).write_bytes(b"edited by its owner")
        self.run_demo(expect=1)
        self.assertEqual(self.report()["deleted"], 3)
        listed = [json.loads(line) for line in (self.out / ".millrace/deleted.jsonl").open()]
        self.assertEqual([(line["path"], line["outputs"]) for line in listed],
                         [(name, [name]) for name in gone])
        self.run_demo("--prune", expect=1)
        self.assertEqual(self.report()["pruned"], 2)
        self.assertTrue((self.out / gone[0]).exists(), "what is no more as it was written is kept")
        self.assertFalse((self.out / gone[1]).exists())
        self.run_demo("--prune", expect=1)
        self.assertEqual(self.report()["deleted"], 1, "what is left is told until it is gone")

    def test_nothing_is_pruned_where_the_input_is_empty_all_of_a_sudden(self):
        self.run_demo(expect=1)
        before = files_below(self.out)
        self.photos.rename(self.folder / "unmounted")
        self.photos.mkdir()
        self.run_demo("--prune", "--allow-empty", expect=0)
        self.assertEqual(files_below(self.out), before)

    def test_lost_and_changed_outputs_are_done_again_where_that_is_asked_for(self):
        self.run_demo(expect=1)
        lost, changed = self.names[0], self.names[1]
        (self.out / lost).unlink()
        (self.out / changed).write_bytes(b"changed")
        self.run_demo(expect=1)
        self.assertFalse((self.out / lost).exists())
        self.run_demo("--verify-outputs", expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 300)
        self.assertNotEqual((self.out / changed).read_bytes(), b"changed")

    def test_a_state_elsewhere_does_not_take_an_output_folder_for_another(self):
        state = ["--state", self.folder / "state"]
        self.run_demo(*state, expect=1)
        before = self.written()
        first, second = self.folder / "first", self.folder / "second"
        self.out.rename(first)  # as another volume mounted at the same path, or removed and made anew
        self.run_demo(*state, expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 0)
        (self.photos / "new.jpg").write_bytes(jpeg(5))
        self.names.append("new.jpg")
        self.run_demo(*state, expect=1)
        self.out.rename(second)
        # Back again: what was done into the other one meanwhile is not done here.
        first.rename(self.out)
        self.run_demo(*state, expect=1)
        self.assertEqual(self.report()["resumed"], 302)
        self.assertEqual(files_below(self.out), {os.fsencode(name) for name in self.names})
        self.assertLessEqual(before.items(), self.written().items())

    def test_an_output_that_was_moved_goes_on_wherever_its_input_is_by_now(self):
        self.run_demo(expect=1)
        before = self.written()
        self.out.rename(self.folder / "moved")
        self.out = self.folder / "moved"
        self.run_demo(expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 302)
        self.photos.rename(self.folder / "elsewhere")
        self.photos = self.folder / "elsewhere"
        self.out.rename(self.folder / "again")
        self.out = self.folder / "again"
        run = self.run_demo(expect=1)
        self.assertEqual(self.report()["resumed"], 302)
        self.assertNotIn("nothing_resumed", self.report())
        self.assertNotIn("results counts", run.stderr)
        self.assertEqual(self.written(), before)

    def test_an_interrupted_run_goes_on_in_an_output_that_was_moved(self):
        self.interrupt(lambda run: os.killpg(run.pid, signal.SIGKILL))
        self.out.rename(self.folder / "moved")
        self.out = self.folder / "moved"
        before = self.written()
        self.run_demo(*self.SPREAD, expect=1)
        self.assert_whole(self.report())
        self.assertGreater(self.report()["resumed"], 0)
        kept = len(before.items() & self.written().items())
        self.assertGreaterEqual(kept, self.report()["resumed"] - 2)  # but for two that have failed

    def test_retry_finds_an_output_that_was_moved(self):
        self.run_demo(expect=1)
        self.out.rename(self.folder / "moved")
        self.out = self.folder / "moved"
        (self.photos / "broken.jpg").write_bytes(jpeg(3))
        retried = self.start("retry", self.out)
        self.assertEqual(retried.wait(), 1, retried.stderr)  # empty.jpg
        self.assertEqual(self.report()["ok"], 301)
        self.assertEqual(self.report()["output"], str(self.out))
        self.photos.rename(self.folder / "elsewhere")
        (self.folder / "elsewhere/broken.jpg").write_bytes(b"no picture")
        self.photos = self.folder / "elsewhere"
        self.run_demo(expect=1)
        self.photos.rename(self.folder / "away")
        refused = self.run_to_end("retry", self.out, expect=2)
        self.assertIn("if it was moved, the same `millrace run` with its new place", refused.stderr)

    def test_with_its_state_elsewhere_an_output_is_known_by_its_id(self):
        state = ["--state", self.folder / "state"]
        self.run_demo(*state, expect=1)
        self.out.rename(self.folder / "moved")
        original, self.out = self.out, self.folder / "moved"
        self.run_demo(*state, expect=1)
        self.assertEqual(self.report()["resumed"], 302)
        # A copy of it holds what had been done when it was made.
        shutil.copytree(self.out, original)  # with the times of its files
        self.write_new_photo()
        self.run_demo(*state, expect=1)
        self.out = original
        self.run_demo(*state, expect=1)
        self.assertEqual(self.report()["resumed"], 302)
        self.assertIn(b"new.jpg", files_below(self.out))

    def write_new_photo(self):
        (self.photos / "new.jpg").write_bytes(jpeg(5))
        self.names.append("new.jpg")

    def test_an_output_of_two_inputs_has_what_the_latest_has_written(self):
        self.run_demo(expect=1)
        other = self.folder / "other"
        write_photos(other, 2)
        same, changed = self.names[:2]
        shutil.copy2(self.photos / same, other / same)
        (other / changed).write_bytes(jpeg(40, size=(60, 50)))
        self.run_to_end("run", "demo", other, self.out, *self.SMALL, "--prune", expect=0)
        self.assertEqual(self.report()["resumed"], 1)
        self.assertNotIn("deleted", self.report())
        self.assertEqual(len(files_below(self.out)), 300)
        self.run_demo(expect=1)
        self.assert_whole(self.report())
        self.assertEqual(self.report()["resumed"], 301)

    def test_where_nothing_counts_the_reason_is_said_once_and_stands_in_the_report(self):
        def line_of(*words, expect=1):
            run = self.run_demo(*words, expect=expect)
            lines = [line for line in run.stderr.splitlines() if "earlier results counts" in line]
            self.assertEqual(len(lines), 1, run.stderr)
            self.assertEqual(lines, ["millrace: " + self.report()["nothing_resumed"]])
            return run.stderr

        first = self.run_demo(expect=1)
        self.assertNotIn("earlier results", first.stderr)
        self.assertNotIn("nothing_resumed", self.report())
        said = line_of("--set", "postprocess.options.keep=background")
        self.assertRegex(said, "the options or the model of stage postprocess are not those of "
                         r"run 1 of \d{4}-\d\d-\d\d \d\d:\d\d UTC")
        self.assertRegex(said, "since the latest run postprocess.options.keep was skin,.*"
                         "is background")
        for name in self.names:
            os.utime(self.photos / name)
        self.assertIn("sizes and times of change", line_of("--set",
                                                           "postprocess.options.keep=background"))
        for name in self.names:
            (self.photos / name).rename(self.photos / ("new-" + name.replace("/", "-")))
        self.assertIn("none of the files that run", line_of("--set",
                                                            "postprocess.options.keep=background"))
        self.assertNotIn("earlier results", self.run_demo("--fresh", expect=1).stderr)

    def test_a_new_folder_at_the_path_of_an_output_is_told_from_it(self):
        state = ["--state", self.folder / "state"]
        self.run_demo(*state, expect=1)
        shutil.rmtree(self.out)
        said = self.run_demo(*state, expect=1).stderr
        self.assertIn("OUTPUT is another folder than the one at its path that run 1 of", said)

    def test_a_list_of_a_run_before_is_not_left_beside_the_report(self):
        self.run_demo("--set", "postprocess.options.areas=true", expect=1)
        areas = self.out / ".millrace/areas.jsonl"
        self.assertEqual(len(areas.read_text().splitlines()), 300)
        self.run_demo("--set", "postprocess.options.areas=true", expect=1)
        self.assertEqual(len(areas.read_text().splitlines()), 300)
        self.run_demo(expect=1)
        self.assertFalse(areas.exists())

    def test_with_checksum_a_touched_file_stands_and_a_changed_one_does_not(self):
        self.run_demo("--checksum", expect=1)
        touched, changed = self.photos / self.names[0], self.photos / self.names[1]
        os.utime(touched)
        stat = changed.stat()
        data = bytearray(changed.read_bytes())
        data[-3] ^= 1  # the same size, and the same time
        changed.write_bytes(bytes(data))
        os.utime(changed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.run_demo("--checksum", expect=1)
        self.assertEqual(self.report()["resumed"], 301)


if __name__ == "__main__":
    main()
