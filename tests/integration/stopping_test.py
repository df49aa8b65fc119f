#!/usr/bin/env python3
"""How a run ends early: by SIGTERM, by workers that cannot start, by too many failures."""
import os
import signal
import time
import unittest.mock

from millrace_testing import (
    BIN, TestCase, files_below, jpeg, main, open_files, wait_until, write_photos)


class Stopping(TestCase):
    def setUp(self):
        super().setUp()
        self.names = {os.fsencode(name) for name in write_photos(self.photos, 300)}

    def start_and_get_going(self, *words):
        run = self.start_demo("--set", "preprocess.budget=8KiB", *words)
        wait_until(lambda: len(files_below(self.out)) >= 30, "the first results")
        return run

    def assert_stopped_cleanly(self, run, children):
        report = self.report()
        self.assertEqual(report["ok"], len(files_below(self.out)))
        self.assertEqual(report["failed"], 0)
        self.assertLess(report["ok"], len(self.names))
        self.assert_nothing_half_written()
        self.assertNotIn("started again", run.stderr)
        self.assert_gone(children)

    def test_sigterm_lets_what_is_in_flight_finish_and_writes_the_report(self):
        run = self.start_and_get_going()
        children = run.children()
        os.kill(run.pid, signal.SIGTERM)
        self.assertEqual(run.wait(), 143, run.stderr)
        self.assert_stopped_cleanly(run, children)
        self.assertIn("the same command goes on where it stopped", run.stderr)
        self.assertIn(" of them were done before", self.run_demo().stderr)
        self.assertEqual(files_below(self.out), self.names)

    def test_sigterm_to_the_whole_group_is_the_same(self):
        run = self.start_and_get_going()
        children = run.children()
        os.killpg(run.pid, signal.SIGTERM)
        self.assertEqual(run.wait(), 143, run.stderr)
        self.assert_stopped_cleanly(run, children)

    def test_a_hangup_is_the_same_however_often_it_comes(self):
        run = self.start_and_get_going()
        children = run.children()
        os.killpg(run.pid, signal.SIGHUP)  # the shell's
        os.killpg(run.pid, signal.SIGHUP)  # the kernel's
        self.assertEqual(run.wait(), 129, run.stderr)
        self.assert_stopped_cleanly(run, children)

    def test_a_hangup_that_is_ignored_changes_nothing(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        self.addCleanup(signal.signal, signal.SIGHUP, signal.SIG_DFL)
        run = self.start_and_get_going()
        os.killpg(run.pid, signal.SIGHUP)
        self.assertEqual(run.wait(), 0, run.stderr)
        self.assertEqual(files_below(self.out), self.names)

    def test_a_list_that_is_still_being_written_does_not_hold_up_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            with self.subTest(number):
                reader, writer = map(os.fdopen, os.pipe(), ("rb", "wb"))
                with reader, writer:
                    run = self.start_demo("--files-from", "-", stdin=reader)
                    copy = wait_until(
                        lambda pid=run.pid: [p for p in open_files(pid) if p.endswith("/files")],
                        "the list to be read")[0]
                    os.kill(run.pid, number)
                    self.assertEqual(run.wait(), 75 if number == signal.SIGUSR1 else 128 + number, run.stderr)
                self.assertFalse(os.path.exists(os.path.dirname(copy)))

    def test_a_scan_in_the_midst_of_a_long_chunk_is_given_up(self):
        endless = self.photos / "z.jpg"
        endless.write_bytes(jpeg(1))
        os.truncate(endless, 1 << 40)  # all holes: no space, and minutes to read
        run = self.start_demo("--checksum", "--set", "scan.options.chunk=100")
        scanner = wait_until(lambda: run.children().get("scan-0"), "the scanner")
        wait_until(lambda: str(endless) in open_files(scanner), "the long file")
        children = run.children()
        os.kill(run.pid, signal.SIGINT)
        self.assertEqual(run.wait(), 130, run.stderr)
        self.assert_gone(children)
        report = self.report()
        self.assertEqual(report["scanned"], 300)
        self.assertFalse(report["scan_complete"])

    def start_and_hold(self):
        """What is in flight cannot finish: its worker is frozen, and is not given up before long."""
        # So many that they are not done before it is.
        self.names |= {os.fsencode(name) for name in write_photos(self.photos, 3000, "more")}
        run = self.start_and_get_going("--set", "broker.heartbeat=50s", "--set", "inference.lease=50s")
        os.kill(run.children()["inference-0"], signal.SIGSTOP)
        return run

    def insist(self, run, number, to=os.kill):
        """The second of a kind means "at once" from a second after the first."""
        def ended():
            to(run.pid, number)
            return run.process.poll() is not None
        wait_until(ended, "the end")

    def test_sigterm_twice_within_milliseconds_is_one_order_to_drain(self):
        run = self.start_and_get_going()
        children = run.children()
        os.killpg(run.pid, signal.SIGTERM)
        time.sleep(0.013)  # as Slurm does it, to each process of a step
        os.killpg(run.pid, signal.SIGTERM)
        self.assertEqual(run.wait(), 143, run.stderr)
        self.assert_stopped_cleanly(run, children)
        self.assertNotIn("stopping at once", run.stderr)

    def test_a_user_signal_drains_as_a_stop_by_plan(self):
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            for to in (os.kill, os.killpg):
                with self.subTest(number=number, to=to.__name__):
                    self.out = self.folder / f"out-{number}-{to.__name__}"
                    run = self.start_and_get_going()
                    children = run.children()
                    to(run.pid, number)
                    self.assertEqual(run.wait(), 75, run.stderr)
                    self.assert_stopped_cleanly(run, children)
                    self.assertIn("the same command goes on where it stopped", run.stderr)

    def test_a_warning_and_then_sigterm_twice_is_a_stop_by_plan(self):
        run = self.start_and_hold()
        children = run.children()
        os.kill(run.pid, signal.SIGUSR1)
        wait_until(lambda: "SIGUSR1: finishing what is in flight\n" in run.stderr, "the first one's answer")

        def noted():
            os.kill(run.pid, signal.SIGUSR1)
            return "SIGUSR1: still finishing" in run.stderr
        wait_until(noted, "a second")
        os.killpg(run.pid, signal.SIGTERM)
        wait_until(lambda: "SIGTERM: still finishing what is in flight" in run.stderr, "its answer")
        os.killpg(run.pid, signal.SIGTERM)
        os.kill(children["inference-0"], signal.SIGCONT)
        self.assertEqual(run.wait(), 75, run.stderr)
        self.assertIn("interrupted by SIGUSR1", self.report()["reason"])
        self.assert_stopped_cleanly(run, children)

    def test_a_second_signal_stops_at_once_and_the_report_is_written(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            for to in (os.kill, os.killpg):
                with self.subTest(number=number, to=to.__name__):
                    self.out = self.folder / f"out-{number}-{to.__name__}"
                    run = self.start_and_hold()
                    children = run.children()
                    to(run.pid, number)
                    wait_until(lambda r=run: "stops at once" in r.stderr, "the first one's answer")
                    self.insist(run, number, to)
                    self.assertEqual(run.wait(), status, run.stderr)
                    self.assertIn(": stopping at once", run.stderr)
                    self.assert_gone(children)
                    report = self.report()
                    self.assertGreater(report["unfinished"], 0, report)
                    # A worker that is killed may have written pictures that it could not report any more.
                    self.assertLessEqual(report["ok"], len(files_below(self.out)))
                    self.assertLess(len(files_below(self.out)), report["ok"] + report["unfinished"])
                    self.assertEqual(self.failures(), {})
                    self.assertIn("the same command goes on where it stopped", run.stderr)

    def test_until_a_time_of_day_it_goes_on_and_then_stops_like_ctrl_c(self):
        # A zone in which it is three seconds to six now; POSIX counts how far UTC is ahead.
        ahead = (int(time.time()) - (6 * 3600 - 3)) % 86400
        zone = f"XXX{ahead // 3600}:{ahead // 60 % 60:02}:{ahead % 60:02}"
        with unittest.mock.patch.dict(os.environ, {"TZ": zone}):
            run = self.start_demo("--until", "06:00")
        children = wait_until(lambda: "inference-0" in run.children() and run.children(), "the workers")
        os.kill(children["inference-0"], signal.SIGSTOP)  # the run is not over before the time
        wait_until(lambda: "it is 06:00: finishing" in run.stderr, "the time")
        os.kill(children["inference-0"], signal.SIGCONT)
        self.assertEqual(run.wait(), 75, run.stderr)
        self.assertIn("it is 06:00, as --until says", run.stderr)
        self.assertIn("the same command goes on where it stopped", run.stderr)
        self.assert_stopped_cleanly(run, children)

    def test_missing_weights_are_told_by_their_path(self):
        missing = self.folder / "missing.pth"
        run = self.run_to_end(
            "run", "face-parsing", self.photos, self.out, "--weights", missing, expect=2)
        self.assertIn(str(missing), run.stderr)
        self.assertEqual(files_below(self.out), set())

    @unittest.skipUnless((BIN / "libmillrace-torch.so").exists(), "this build has no LibTorch, which reads weights")
    def test_weights_that_are_none_stop_the_run_with_the_workers_reason(self):
        weights = self.folder / "weights.pth"
        weights.write_text("no model at all")
        run = self.start(
            "run", "face-parsing", self.photos, self.out, "--weights", os.path.relpath(weights))
        self.assertEqual(run.wait(), 2, run.stderr)
        self.assertIn("millrace: inference-0 cannot start: ", run.stderr)
        # The worker took the path from where the person stood, as the check before the start did.
        self.assertIn(str(weights), run.stderr)

    def test_workers_that_never_joined_are_told_to_leave_when_the_broker_has(self):
        ready = self.folder / "ready"
        slow = self.folder / "millrace-slow"
        slow.write_text("#!/bin/sh\n"
                        "trap 'echo told to leave >&2; exit' TERM\n"
                        f"touch {ready}\n"
                        "while :; do sleep 0.01; done\n")
        # The run, which is over at once, begins when there is somebody to be told.
        scanner = self.folder / "millrace-scanner"
        scanner.write_text("#!/bin/sh\n"
                           f"while [ ! -e {ready} ]; do sleep 0.01; done\n"
                           f"exec {BIN}/millrace-scanner \"$@\"\n")
        slow.chmod(0o755)
        scanner.chmod(0o755)
        for name in self.names:
            (self.photos / os.fsdecode(name)).write_bytes(b"")
        run = self.start("run", "demo", self.photos, self.out,
                         "--set", f"scan.executable={scanner}", "--set", "preprocess.replicas=1",
                         "--set", f"preprocess.executable={slow}")
        self.assertEqual(run.wait(), 1, run.stderr)
        self.assertEqual(self.report()["failed"], 300)
        self.assertIn("preprocess-0: told to leave", run.stderr)

    def test_too_many_failures_stop_the_run_with_the_commonest_reasons(self):
        for name in sorted(self.names)[:100]:
            (self.photos / os.fsdecode(name)).write_bytes(b"")
        run = self.run_demo("--stop-at", "20", expect=3)
        self.assertIn("empty", run.stderr)
        report = self.report()
        self.assertGreaterEqual(report["failed"], 20)
        self.assertLess(report["scanned"] - report.get("unfinished", 0), 300)

    def test_two_runs_at_once_do_not_clash(self):
        other = self.folder / "other"
        first = self.start_demo()
        second = self.start("run", "demo", self.photos, other, *self.SMALL)
        self.assertEqual((first.wait(), second.wait()), (0, 0), first.stderr + second.stderr)
        for out in (self.out, other):
            self.assert_closes(self.report(out))
            self.assertEqual(files_below(out), self.names)

    def test_two_runs_into_one_output_are_refused(self):
        run = self.start_and_get_going()
        last = run.children()["postprocess-0"]
        os.kill(last, signal.SIGSTOP)  # the first cannot be over while the second waits for its state
        second = self.start_demo()
        self.assertEqual(second.wait(), 3)
        self.assertRegex(second.stderr, r"state\.lock is held by process \d+ on ")
        os.kill(last, signal.SIGCONT)
        self.assertEqual(run.wait(), 0, run.stderr)
        self.assertEqual(self.report()["ok"], 300)


if __name__ == "__main__":
    main()
