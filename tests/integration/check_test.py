#!/usr/bin/env python3
"""`millrace check`: what it says of a folder, what it does with the broken files, and what it never
touches."""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from millrace_testing import BIN, TestCase, jpeg, main, wait_until, write_photos
from terminal_test import Terminal

NOBODY = 65534
BROKEN = {
    b"cut.jpg": "truncated",
    b"sub/cut.jpg": "truncated",
    b"name \xff\n.jpg": "truncated",
    b"text.jpg": "not-an-image",
    b"empty.jpg": "empty",
}
# What is no picture is told of, and left where it is.
LOST = {name: code for name, code in BROKEN.items() if code != "not-an-image"}


class CheckCase(TestCase):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        self.quarantine = self.folder / "broken"
        self.report_path = self.folder / "report.jsonl"

    def check(self, *words, expect, inputs=None):
        """Checks `photos`; gives back the process."""
        where = [self.photos] if inputs is None else inputs
        return self.run_to_end("check", *where, "--state", self.state, *words, expect=expect)

    def act(self, *words, expect=0):
        return self.run_to_end("check", *words, expect=expect)

    def snapshot(self, folder=None):
        """Each file's bytes, mode and times of last change and of last reading."""
        root = os.fsencode(folder or self.photos)
        files = {}
        for where, _, names in os.walk(root):
            for name in names:
                path = os.path.join(where, name)
                status = os.lstat(path)
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                files[os.path.relpath(path, root)] = (digest, status.st_mode, status.st_mtime_ns)
        return files

    def verdicts(self, text):
        """{path: code} of JSON lines."""
        objects = [json.loads(line) for line in text.splitlines()]
        return {os.fsencode(verdict["path"]): verdict["code"] for verdict in objects}

    def write_broken(self):
        self.sound = write_photos(self.photos, 30)
        (self.photos / "sub").mkdir()
        for name, code in BROKEN.items():
            content = {"truncated": jpeg(1)[:-300], "not-an-image": b"some text", "empty": b""}
            path = os.path.join(os.fsencode(self.photos), name)
            with open(path, "wb") as file:
                file.write(content[code])
            os.chmod(path, 0o640)
            os.utime(path, ns=(10**18, 10**18 + 123456789))
        (self.photos / "notes.txt").write_text("no picture, and not named like one")


class Verdicts(CheckCase):
    def setUp(self):
        super().setUp()
        self.write_broken()

    def test_broken_files_are_named_on_stdout_and_counted_on_stderr(self):
        before = self.snapshot()
        run = self.check(expect=1)
        lines = run.stdout.splitlines()
        self.assertEqual(len(lines), len(BROKEN), run.stdout)
        self.assertEqual(lines[0].split(": ")[:2], ["cut.jpg", "truncated"])
        self.assertIn(
            "35 checked: 30 ok, 5 failed (3 truncated, 1 empty, 1 not-an-image)", run.stderr)
        self.assertEqual(self.snapshot(), before)

    def test_json_and_report_hold_the_same_sorted_and_stable(self):
        run = self.check("--json", "--report", self.report_path, expect=1)
        report = self.report_path.read_text()
        expected = BROKEN | {os.fsencode(name): "ok" for name in self.sound}
        self.assertEqual(self.verdicts(run.stdout), expected)
        self.assertEqual(self.verdicts(report), expected)
        self.assertEqual(list(self.verdicts(report)), sorted(expected))
        for line in map(json.loads, report.splitlines()):
            self.assertEqual(line["input"], str(self.photos))
            self.assertEqual(
                line["bytes"],
                os.path.getsize(os.fsencode(self.photos) + b"/" + os.fsencode(line["path"])))
        self.assertNotIn('"input"', run.stdout)
        again = self.check("--json", "--report", self.report_path, expect=1)
        self.assertEqual(again.stdout, run.stdout)
        self.assertEqual(self.report_path.read_text(), report)
        bad = self.check("--json", "--only", "bad", expect=1)
        self.assertEqual(self.verdicts(bad.stdout), BROKEN)

    def test_a_second_check_opens_no_file(self):
        self.check(expect=1)
        before = {}
        for name in self.sound:
            path = self.photos / name
            # Long ago: reading it would set this time, also where times are kept lazily.
            os.utime(path, ns=(1, os.stat(path).st_mtime_ns))
            before[name] = 1
        (self.photos / self.sound[0]).write_bytes(jpeg(7, size=(60, 50)))
        run = self.check(expect=1)
        self.assertIn("34 resumed", run.stderr)
        after = {name: os.stat(self.photos / name).st_atime_ns for name in self.sound[1:]}
        self.assertEqual(set(after.values()), {1})
        with open(self.photos / self.sound[1], "rb") as file:
            file.read()
        if os.stat(self.photos / self.sound[1]).st_atime_ns == 1:
            self.skipTest("this file system keeps no times of reading: the count alone was tested")
        self.assertNotIn("resumed", self.check("--recheck", expect=1).stderr)

    def test_the_exit_status_is_as_fail_on_says(self):
        self.check("--fail-on", "never", expect=0)
        self.check("--fail-on", "6", expect=0)
        self.check("--fail-on", "10%", expect=1)

    def test_wrong_words_and_paths_are_said_before_anything_starts(self):
        missing = self.check(expect=2, inputs=[self.photos, self.folder / "missing"])
        self.assertIn("missing does not exist", missing.stderr)
        self.act(expect=2)
        self.check("--level", "deep", expect=2)
        self.check("--report", self.folder / "none/report", expect=2)
        self.check("--report", self.folder, expect=2)
        self.check("--quarantine", self.photos, expect=2)
        self.check("--quarantine", self.quarantine, "--delete", "--yes", expect=2)
        self.act("--apply", self.folder / "missing", "--delete", "--yes", expect=2)
        self.act("--apply", self.photos / "notes.txt", "--delete", "--yes", expect=2)
        self.act("--apply", self.report_path, expect=2)
        self.act("--undo", self.folder / "missing", expect=2)
        self.act("--undo", self.photos / "notes.txt", expect=2)
        # What would be passed over is refused.
        for option in (["--level", "strict"], ["--json"], ["--state", self.state], ["--recheck"]):
            run = self.act("--undo", self.folder / "missing", *option, expect=2)
            self.assertIn(f"leave out {option[0]}", run.stderr)
            run = self.act("--apply", self.report_path, "--delete", *option, expect=2)
            self.assertIn(f"leave out {option[0]}", run.stderr)
        self.assertFalse(self.state.exists())

    def test_no_images_are_a_mistake_unless_they_may_be_missing(self):
        empty = self.folder / "nothing"
        empty.mkdir()
        self.assertIn("no images", self.check(expect=2, inputs=[empty]).stderr)
        self.check("--allow-empty", expect=0, inputs=[empty])

    def test_a_folder_whose_broken_files_are_gone_is_sound(self):
        self.check(expect=1)
        shutil.rmtree(self.photos)
        self.photos.mkdir()
        run = self.check("--allow-empty", "--json", expect=0)
        self.assertEqual(run.stdout, "")

    def test_several_inputs_and_a_single_file(self):
        other = self.folder / "scans"
        other.mkdir()
        (other / "a.jpg").write_bytes(jpeg(3)[:-300])
        run = self.check("--json", expect=1, inputs=[self.photos, other, self.photos])
        inputs = [json.loads(line)["input"] for line in run.stdout.splitlines()]
        self.assertEqual(inputs, [str(self.photos)] * 35 + [str(other)])
        alone = self.check("--json", expect=1, inputs=[self.photos / "cut.jpg"])
        self.assertEqual(self.verdicts(alone.stdout), {b"cut.jpg": "truncated"})
        self.check(expect=0, inputs=[self.photos / self.sound[0]])

    def test_state_and_quarantine_inside_input_are_not_looked_at(self):
        self.state = self.photos / "state"
        self.check("--quarantine", self.photos / "broken", expect=1)
        run = self.check("--quarantine", self.photos / "broken", expect=1)
        self.assertIn("31 checked: 30 ok, 1 failed (1 not-an-image)", run.stderr)
        self.act("--undo", self.photos / "broken/manifest.jsonl")
        run = self.check("--level", "open", expect=1)
        self.assertIn("35 checked", run.stderr)

    @unittest.skipUnless(
        os.geteuid() == 0 and shutil.which("setpriv"), "needs to become somebody else")
    def test_what_may_not_be_read_has_no_verdict_and_stays(self):
        os.chmod(self.folder, 0o755)
        for where, folders, files in os.walk(os.fsencode(self.photos)):
            for name in [b"", *files]:
                os.chown(os.path.join(where, name), NOBODY, NOBODY)
        locked = self.photos / self.sound[0]
        locked.chmod(0)
        self.state.mkdir()
        os.chown(self.state, NOBODY, NOBODY)
        os.mkdir(self.quarantine)
        os.chown(self.quarantine, NOBODY, NOBODY)
        run = self.start(
            f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", BIN / "millrace", "check",
            self.photos, "--state", self.state, "--quarantine", self.quarantine, "--json",
            executable=shutil.which("setpriv"))
        self.assertEqual(run.wait(), 1, run.stderr)
        self.assertEqual(self.verdicts(run.stdout)[os.fsencode(self.sound[0])], "unreadable")
        self.assertIn("1 of them no_verdict", run.stderr)
        self.assertTrue(locked.exists())

    def test_several_files_are_one_check_and_each_is_told_as_one_alone_is(self):
        files = [self.photos / "text.jpg", self.photos / "sub/cut.jpg", self.photos / "cut.jpg",
                 self.photos / self.sound[0]]
        run = self.check("--json", "-v", expect=1, inputs=files)
        told = [(line["input"] + "/" + line["path"], line["code"])
                for line in map(json.loads, run.stdout.splitlines())]
        self.assertEqual(sorted(told), sorted(zip(
            map(str, files), ["not-an-image", "truncated", "truncated", "ok"])))
        self.assertEqual(run.stderr.count("serving check on"), 1, run.stderr)
        # Beside a folder, and again: nothing is read a second time, and a file that goes is gone.
        other = self.folder / "other"
        write_photos(other, 3)
        files[0].unlink()
        run = self.check("--json", expect=1, inputs=[files[1], other, files[2]])
        self.assertEqual(len(run.stdout.splitlines()), 5)
        self.assertIn("2 resumed", run.stderr)
        self.check("--quarantine", self.quarantine, expect=1, inputs=files[1:3])
        self.assertFalse(files[1].exists() or files[2].exists())
        self.act("--undo", self.quarantine / "manifest.jsonl")
        self.assertTrue(files[1].exists() and files[2].exists())

    def test_a_run_leaves_out_what_a_check_has_found(self):
        self.check("--report", self.report_path, expect=1)
        (self.photos / "cut.jpg").write_bytes(jpeg(5))  # mended since
        self.run_to_end(
            "run", "check", self.photos, self.out, "--skip-broken", self.report_path, expect=0)
        report = self.report(self.out)
        self.assertEqual(report["ok"], 31)
        self.assertEqual(report["skipped_by"]["broken"], 4)


class Streaming(CheckCase):
    """One file is not judged before the test lets go of it: its reader waits for a slot."""

    def setUp(self):
        super().setUp()
        self.write_broken()
        self.slow = self.photos / "zz.jpg"
        self.slow.write_bytes(jpeg(1)[:-300])
        slots = pathlib.Path(f"/tmp/millrace-readers-{os.geteuid()}")
        slots.mkdir(mode=0o700, exist_ok=True)
        slot = slots / ("root" + str(self.slow).replace("%", "%25").replace("/", "%2f") + ".0")
        self.slot = open(slot, "w", encoding="utf-8")
        self.addCleanup(slot.unlink)
        self.addCleanup(self.slot.close)
        fcntl.flock(self.slot, fcntl.LOCK_EX)

    def start_check(self, *words, stream=True):
        return self.start(
            "check", self.photos, "--state", self.state, *words, *(["--stream"] if stream else []),
            "--set", "inspect.replicas=2", "--set", f"inspect.options.readers={self.slow}=1")

    def await_line(self, check, text):
        def has_come():
            self.assertIsNone(check.process.poll(), check.stderr)
            return text in check.stdout
        wait_until(has_come, f"the line {text}")

    def assert_printed(self, check, paths):
        self.assertEqual(sorted(line.split(": ")[0] for line in check.stdout.splitlines()),
                         sorted(path.replace("\n", "?") for path in paths))

    def test_ctrl_c_says_how_to_go_on_keeps_what_is_known_and_touches_nothing(self):
        before = self.snapshot()
        check = self.start_check("--report", self.report_path, "--delete", "--yes", stream=False)
        wait_until(lambda: check.children().get("inspect-0"), "a worker")
        os.kill(check.pid, signal.SIGINT)
        wait_until(lambda: "finishing what is in flight" in check.stderr, "its answer")
        self.assertEqual(check.stdout, "")
        self.slot.close()
        self.assertEqual(check.wait(), 130, check.stderr)
        self.assertIn("goes on where it stopped", check.stderr)
        *verdicts, end = self.report_path.read_text().splitlines()
        self.assertEqual(json.loads(end), {"complete": False, "reason": "interrupted by Ctrl-C"})
        known = self.verdicts("\n".join(verdicts))
        self.assert_printed(
            check, [os.fsdecode(path) for path, code in known.items() if code != "ok"])
        self.assertIn(f"{len(known)} checked: ", check.stderr)
        self.assertEqual(self.snapshot(), before)
        self.check(expect=1)

    def test_a_verdict_is_printed_before_the_check_is_done_and_once(self):
        check = self.start_check()
        self.await_line(check, "empty.jpg: empty: ")
        self.await_line(check, "cut.jpg: truncated: ")
        self.assertNotIn("zz.jpg", check.stdout)
        self.slot.close()
        self.assertEqual(check.wait(), 1, check.stderr)
        names = [line.split(": ")[0] for line in check.stdout.splitlines()]
        self.assertEqual(len(names), len(set(names)), names)
        self.assertEqual(len(names), len(BROKEN) + 1)
        # What is known from before is told at the end.
        again = self.check("--stream", expect=1)
        self.assertEqual(sorted(again.stdout.splitlines()), sorted(check.stdout.splitlines()))

    def test_objects_are_streamed_as_they_come_and_the_report_is_sorted(self):
        check = self.start_check("--json", "--report", self.report_path)
        self.await_line(check, '"cut.jpg"')
        self.slot.close()
        self.assertEqual(check.wait(), 1, check.stderr)
        expected = BROKEN | {os.fsencode(name): "ok" for name in self.sound} | {
            b"zz.jpg": "truncated"}
        self.assertEqual(self.verdicts(check.stdout), expected)
        self.assertEqual(len(check.stdout.splitlines()), len(expected))
        self.assertEqual(list(self.verdicts(self.report_path.read_text())), sorted(expected))

    def test_an_interrupted_check_has_printed_what_it_knew_and_its_report_can_be_applied(self):
        check = self.start_check("--report", self.report_path)
        self.await_line(check, "cut.jpg: truncated: ")
        os.kill(check.pid, signal.SIGINT)
        wait_until(lambda: "finishing what is in flight" in check.stderr, "its answer")
        self.slot.close()
        self.assertEqual(check.wait(), 130, check.stderr)
        *lines, end = self.report_path.read_text().splitlines()
        self.assertFalse(json.loads(end)["complete"])
        known = self.verdicts("\n".join(lines))
        bad = [os.fsdecode(path) for path, code in known.items() if code != "ok"]
        self.assert_printed(check, bad)
        self.run_to_end("run", "demo", self.photos, self.out, "--skip-broken", self.report_path,
                        "--fail-on", "never", "--limit", "1", expect=0)
        applied = self.act("--apply", self.report_path, "--quarantine", self.quarantine)
        self.assertIn("did not come to its end", applied.stderr)
        cut = next(name for name in bad if name.endswith("cut.jpg"))
        self.assertFalse((self.photos / cut).exists())


class Acting(CheckCase):
    def setUp(self):
        super().setUp()
        self.write_broken()
        self.before = self.snapshot()

    def moved(self, folder=None):
        """What lies in the quarantine."""
        files = self.snapshot(folder or self.quarantine)
        files.pop(b"manifest.jsonl", None)
        return files

    def undo(self, expect=0):
        return self.act("--undo", self.quarantine / "manifest.jsonl", expect=expect)

    def sound_files(self):
        return {name: what for name, what in self.before.items() if name not in LOST}

    def broken_files(self):
        return {name: what for name, what in self.before.items() if name in LOST}

    def test_quarantine_and_undo_restore_every_byte(self):
        self.check("--quarantine", self.quarantine, expect=1)
        self.assertEqual(self.snapshot(), self.sound_files())
        self.assertEqual(self.moved(), self.broken_files())
        self.undo()
        self.assertEqual(self.snapshot(), self.before)
        self.assertEqual(self.moved(), {})
        self.undo()
        self.assertEqual(self.snapshot(), self.before)

    def test_what_cannot_be_moved_back_is_named_and_exits_with_3(self):
        self.check("--quarantine", self.quarantine, expect=1)
        (self.photos / "cut.jpg").write_bytes(jpeg(5))
        run = self.undo(expect=3)
        self.assertIn("cut.jpg: left alone: another file is in its place", run.stderr)
        self.assertEqual(set(self.moved()), {b"cut.jpg"})
        (self.photos / "cut.jpg").unlink()
        self.undo()
        self.assertEqual(self.snapshot(), self.before)

    def test_across_file_systems_too(self):
        elsewhere = tempfile.mkdtemp(prefix="millrace-test-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, elsewhere, ignore_errors=True)
        if os.stat(elsewhere).st_dev == os.stat(self.photos).st_dev:
            self.skipTest("there is no second file system here")
        self.check("--quarantine", elsewhere, expect=1)
        self.assertEqual(self.snapshot(), self.sound_files())
        self.assertEqual(self.moved(elsewhere), self.broken_files())
        self.act("--undo", os.path.join(elsewhere, "manifest.jsonl"))
        self.assertEqual(self.snapshot(), self.before)

    def test_several_inputs_have_a_folder_each(self):
        other = self.folder / "other/photos"
        other.mkdir(parents=True)
        (other / "cut.jpg").write_bytes(jpeg(3)[:-300])
        self.check("--quarantine", self.quarantine, expect=1, inputs=[self.photos, other])
        self.assertEqual({name.split(b"/")[0] for name in self.moved()}, {b"photos", b"photos.2"})
        self.undo()
        self.assertEqual(self.snapshot(), self.before)
        self.assertTrue((other / "cut.jpg").exists())

    def test_a_dry_run_does_nothing(self):
        self.check("--quarantine", self.quarantine, "--dry-run", expect=1)
        run = self.check("--delete", "--dry-run", expect=1)
        self.assertIn("4 would be deleted", run.stderr)
        self.assertEqual(self.snapshot(), self.before)
        self.assertFalse(self.quarantine.exists())

    def test_deleting_is_asked_about(self):
        refused = self.check("--delete", expect=2)
        self.assertIn("--yes", refused.stderr)
        self.assertEqual(self.snapshot(), self.before)
        for answer, status in ((b"n\n", 1), (b"\x03", 130), (b"y\n", 1)):
            terminal = Terminal("check", self.photos, "--state", self.state, "--delete")
            self.addCleanup(terminal.close)
            question = "delete 4 files (3 truncated, 1 empty)? [y/N]"
            wait_until(lambda: question in terminal.read(), "the question")
            self.assertEqual(self.snapshot(), self.before)
            terminal.press(answer)
            self.assertEqual(terminal.wait(), status, terminal.read())
        self.assertEqual(self.snapshot(), self.sound_files())

    def test_yes_deletes_without_asking_and_only_what_has_lost_pixels(self):
        (self.photos / "nowhere.jpg").symlink_to("gone")  # unreadable: no verdict
        self.check("--delete", "--yes", "--level", "strict", expect=1)
        self.assertTrue((self.photos / "nowhere.jpg").is_symlink())
        (self.photos / "nowhere.jpg").unlink()
        self.assertEqual(self.snapshot(), self.sound_files())

    def test_what_has_not_lost_pixels_is_never_touched(self):
        codes = [
            "ok", "trailing-data", "extension-mismatch", "bad-metadata", "unreadable",
            "unsupported-format", "too-large", "timeout", "worker-died", "lost-worker",
            "suspicious", "preview-only", "not-an-image"]
        with open(self.report_path, "w") as report:
            for code, name in [*zip(codes, self.sound), ("truncated", "sub/cut.jpg")]:
                status = os.stat(self.photos / name)
                print(json.dumps({
                    "path": name, "input": str(self.photos), "code": code,
                    "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}), file=report)
        self.act("--apply", self.report_path, "--quarantine", self.quarantine)
        self.assertEqual(set(self.moved()), {b"sub/cut.jpg"})
        self.undo()
        run = self.act("--apply", self.report_path, "--delete", "--yes")
        self.assertIn("1 deleted\n", run.stderr)
        self.assertEqual(set(self.before) - set(self.snapshot()), {b"sub/cut.jpg"})

    def test_what_is_no_picture_is_acted_on_where_that_is_asked_for(self):
        self.check("--also", "not-an-image", expect=2)
        self.check("--delete", "--yes", "--also", "truncated", expect=2)
        self.check("--report", self.report_path, "--delete", "--yes", expect=1)
        self.assertEqual(self.snapshot(), self.sound_files())
        self.check(
            "--quarantine", self.quarantine, "--also", "not-an-image", "--dry-run", expect=1)
        self.act(
            "--apply", self.report_path, "--quarantine", self.quarantine, "--also", "not-an-image")
        self.assertEqual(set(self.moved()), {b"text.jpg"})
        self.undo()
        self.assertEqual(self.snapshot(), self.sound_files())

    def test_what_is_not_read_is_told_of_and_fails_strict_alone(self):
        for name in BROKEN:
            os.unlink(os.path.join(os.fsencode(self.photos), name))
        (self.photos / "raw.tif").write_bytes(
            b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + bytes(6) + b"a sensor's values")
        run = self.check("--delete", "--yes", expect=0)
        self.assertIn("raw.tif: unsupported-format: it is a Canon raw photo (CR2)", run.stdout)
        self.assertIn(
            "31 checked: 30 ok, 0 failed, 1 unsupported-format, 1 of them no_verdict", run.stderr)
        self.check("--delete", "--yes", "--level", "strict", expect=1)
        self.assertTrue((self.photos / "raw.tif").exists())
        # An older millrace has said otherwise.
        status = os.stat(self.photos / "raw.tif")
        self.report_path.write_text(json.dumps({
            "path": "raw.tif", "input": str(self.photos), "code": "corrupt", "format": "tiff",
            "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}))
        run = self.act("--apply", self.report_path, "--delete", "--yes")
        self.assertIn("raw.tif: left alone: it is a Canon raw photo (CR2)", run.stderr)

    def test_a_saved_report_is_applied_where_nothing_has_changed_since(self):
        self.check("--report", self.report_path, expect=1)
        (self.photos / "cut.jpg").write_bytes(jpeg(5))
        os.unlink(os.fsencode(self.photos) + b"/name \xff\n.jpg")
        (self.photos / "empty.jpg").write_bytes(jpeg(6))
        run = self.act("--apply", self.report_path, "--delete", "--yes")
        self.assertIn("1 deleted, 1 already gone, 2 left alone", run.stderr)
        self.assertTrue((self.photos / "text.jpg").exists())
        self.assertIn("cut.jpg: left alone: it has changed", run.stderr)
        self.assertTrue((self.photos / "cut.jpg").exists())
        self.assertTrue((self.photos / "empty.jpg").exists())
        self.assertFalse((self.photos / "sub/cut.jpg").exists())


class Killed(CheckCase):
    """kill -9 in the middle, again and again, and then to the end."""

    COUNT = 3000

    def setUp(self):
        super().setUp()
        write_photos(self.photos, 50, prefix="sound")
        for number in range(self.COUNT):
            path = self.photos / f"{number // 100:03}/cut-{number:05}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(jpeg(number)[:-200] + str(number).encode())
        self.before = self.snapshot()
        self.check("--report", self.report_path, expect=1)

    def in_quarantine(self):
        return sum(len(files) for _, _, files in os.walk(self.quarantine))

    def killed_while(self, done, *words):
        """Starts it and kills it once `done`; whether it was killed before its end."""
        process = self.start("check", *words)
        wait_until(lambda: done() or process.process.poll() is not None, "some files to go")
        process.process.kill()
        return process.process.wait() == -signal.SIGKILL

    def test_a_quarantine_that_is_killed_loses_nothing(self):
        kills = 0
        for share in (0.2, 0.4, 0.6, 0.8):
            kills += self.killed_while(
                lambda: self.in_quarantine() > share * self.COUNT,
                "--apply", self.report_path, "--quarantine", self.quarantine)
            there = self.snapshot()
            moved = self.snapshot(self.quarantine)
            moved.pop(b"manifest.jsonl", None)
            self.assertEqual(there | moved, self.before)
        self.assertGreater(kills, 0)
        self.act("--apply", self.report_path, "--quarantine", self.quarantine)
        self.assertEqual(len(self.snapshot()), 50)
        for share in (0.7, 0.3):
            self.killed_while(
                lambda: self.in_quarantine() < share * self.COUNT,
                "--undo", self.quarantine / "manifest.jsonl")
        self.act("--undo", self.quarantine / "manifest.jsonl")
        self.assertEqual(self.snapshot(), self.before)

    def test_a_deletion_that_is_killed_touches_nothing_else(self):
        def left():
            return sum(len(files) for _, _, files in os.walk(self.photos))
        for share in (0.7, 0.3):
            self.killed_while(
                lambda: left() < share * self.COUNT,
                "--apply", self.report_path, "--delete", "--yes")
        self.act("--apply", self.report_path, "--delete", "--yes")
        sound = {name: what for name, what in self.before.items() if b"sound" in name}
        self.assertEqual(self.snapshot(), sound)


if __name__ == "__main__":
    main()
