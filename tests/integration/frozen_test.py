#!/usr/bin/env python3
"""Nobody is waited for in vain: processes that are frozen while a run goes on, and at its end."""
import os
import signal

from millrace_testing import (
    BIN, TestCase, files_below, free_ports, is_alive, main, wait_until, write_photos)

# Ends of runs that nothing holds up: far less than what a frozen process would be waited for.
SOON_S = 30


class Frozen(TestCase):
    def setUp(self):
        super().setUp()
        self.names = {os.fsencode(name) for name in write_photos(self.photos, 2000)}

    def start_and_get_going(self, *words):
        run = self.start_demo("--set", "preprocess.budget=8KiB", *words)
        wait_until(lambda: len(files_below(self.out)) >= 30, "the first results")
        return run

    def freeze(self, run, name):
        pid = run.children()[name]
        os.kill(pid, signal.SIGSTOP)
        return pid

    def assert_done_without(self, run, name, pid):
        self.assertEqual(run.wait(), 0, run.stderr)
        self.assertEqual(files_below(self.out), self.names)
        self.assert_closes(self.report())
        self.assertIn(f"{name} (process {pid}) does not answer the broker any more", run.stderr)
        self.assertFalse(is_alive(pid))

    def test_the_only_worker_of_a_stage_is_replaced(self):
        for name in ("preprocess-0", "inference-0", "postprocess-0"):
            with self.subTest(name):
                self.out = self.folder / name
                run = self.start_and_get_going("--set", "preprocess.replicas=1",
                                               "--set", "postprocess.replicas=1")
                self.assert_done_without(run, name, self.freeze(run, name))

    def test_the_scanner_is_replaced(self):
        run = self.start_and_get_going("--set", "scan.options.chunk=5")
        self.assert_done_without(run, "scan-0", self.freeze(run, "scan-0"))

    def test_one_of_two_holds_up_neither_the_run_nor_its_end(self):
        run = self.start_and_get_going("--set", "inference.replicas=2")
        pid = self.freeze(run, "inference-1")
        self.assertEqual(run.wait(SOON_S), 0, run.stderr)
        self.assert_closes(self.report())
        self.assertFalse(is_alive(pid))

    def test_one_that_is_frozen_when_the_work_is_done_is_not_waited_for(self):
        # The scan is over, and nobody would miss the scanner for its heartbeat's time.
        run = self.start_and_get_going("--set", "broker.heartbeat=90s", "--set", "scan.lease=90s")
        pid = self.freeze(run, "scan-0")
        self.assertEqual(run.wait(SOON_S), 0, run.stderr)
        self.assertEqual(files_below(self.out), self.names)
        self.assertFalse(is_alive(pid))

    def worker_that(self, name, script):
        worker = self.folder / name
        worker.write_text("#!/bin/sh\n" + script)
        worker.chmod(0o755)
        return worker

    def test_one_that_is_frozen_before_it_has_joined_is_replaced(self):
        frozen = self.folder / "frozen"
        worker = self.worker_that(
            "millrace-inference", f"[ -e {frozen} ] || {{ touch {frozen}; kill -STOP $$; }}\n"
            f"exec {BIN}/millrace-inference \"$@\"\n")
        run = self.start_demo("--set", f"inference.executable={worker}", "--limit", "5")
        self.assertEqual(run.wait(), 0, run.stderr)
        self.assertIn(" is stopped; it is ended and started again", run.stderr)
        self.assertEqual(len(files_below(self.out)), 5)

    def test_one_that_will_not_leave_at_the_end_is_killed(self):
        ready = self.folder / "ready"
        worker = self.worker_that(
            "millrace-stubborn", f"trap '' TERM\ntouch {ready}\nwhile :; do sleep 1; done\n")
        scanner = self.worker_that(
            "millrace-scanner",
            f"while [ ! -e {ready} ]; do sleep 0.01; done\nexec {BIN}/millrace-scanner \"$@\"\n")
        for name in self.names:
            (self.photos / os.fsdecode(name)).write_bytes(b"")  # nothing for it to do
        run = self.start_demo("--set", f"scan.executable={scanner}", "--set", "preprocess.replicas=1",
                              "--set", f"preprocess.executable={worker}")
        wait_until(ready.exists, "the worker")
        children = run.children()
        self.assertEqual(run.wait(SOON_S), 1, run.stderr)
        self.assert_gone(children)

    def test_the_broker_is_replaced_and_the_run_goes_on(self):
        run = self.start_and_get_going()
        self.freeze(run, "broker")
        self.assertEqual(run.wait(), 0, run.stderr)
        self.assertIn("the broker is stopped; it is killed and started again", run.stderr)
        self.assertEqual(files_below(self.out), self.names)
        self.assert_closes(self.report())

    def test_ctrl_c_while_the_broker_is_frozen_ends_soon_and_with_a_report(self):
        run = self.start_and_get_going()
        children = run.children()
        self.freeze(run, "broker")
        os.kill(run.pid, signal.SIGINT)
        self.assertEqual(run.wait(SOON_S), 130, run.stderr)
        self.assert_gone(children)
        report = self.report()
        self.assertLessEqual(report["ok"], len(files_below(self.out)))
        self.assertGreater(report["unfinished"], 0)
        self.assert_nothing_half_written()

    def test_two_signals_while_the_broker_is_frozen_end_it_without_one(self):
        run = self.start_and_get_going()
        children = run.children()
        self.freeze(run, "broker")

        def ended():
            os.kill(run.pid, signal.SIGTERM)
            return run.process.poll() is not None
        wait_until(ended, "the end", SOON_S)
        self.assertEqual(run.wait(), 143, run.stderr)
        self.assertIn("stopping at once", run.stderr)
        self.assert_gone(children)

    def test_the_children_of_a_frozen_supervisor_work_on_and_the_broker_writes_the_report(self):
        run = self.start_and_get_going()
        os.kill(run.pid, signal.SIGSTOP)
        report = self.out / ".millrace/report.json"
        wait_until(report.exists, "the report")
        self.assertEqual(files_below(self.out), self.names)
        children = run.children()
        os.kill(run.pid, signal.SIGCONT)
        self.assertEqual(run.wait(SOON_S), 0, run.stderr)
        self.assertNotIn("started again", run.stderr)
        self.assert_gone(children)

    def test_sigterm_to_the_processes_of_a_frozen_supervisor_ends_all_but_it(self):
        run = self.start_and_get_going()
        children = run.children()
        os.kill(run.pid, signal.SIGSTOP)
        os.killpg(run.pid, signal.SIGTERM)
        self.assert_gone(children)
        self.assertLess(self.report()["ok"], 2000)
        os.kill(run.pid, signal.SIGCONT)
        self.assertEqual(run.wait(SOON_S), 143, run.stderr)

    def test_of_a_pipeline_that_stays_up_workers_and_broker_are_replaced_too(self):
        first = free_ports(32)
        topology = self.folder / "up.yaml"
        topology.write_text(
            f"version: 1\nname: up\nbroker: {{control: {first}, reports: {first + 1}, "
            f"feed: {first + 2}-{first + 31}, state: ./state}}\nstages:\n"
            "  - {name: scan, executable: scanner}\n"
            "  - {name: inspect, executable: inspect}\n")
        up = self.start("up", topology)
        run = self.run_to_end("submit", topology, self.photos, self.out, expect=0).stdout.strip()
        self.run_to_end("wait", run, "--topology", topology, expect=0)
        broker = self.freeze(up, "broker")
        wait_until(lambda: not is_alive(broker), "the broker's end")
        wait_until(lambda: up.children().get("broker"), "another broker")
        inspect = self.freeze(up, "inspect-0")
        again = self.run_to_end(
            "submit", topology, self.photos, self.folder / "again", expect=0).stdout.strip()
        self.run_to_end("wait", again, "--topology", topology, expect=0)
        self.assertFalse(is_alive(inspect))
        children = up.children()
        self.freeze(up, "broker")
        os.kill(up.pid, signal.SIGTERM)
        self.assertEqual(up.wait(SOON_S), 0, up.stderr)
        self.assert_gone(children)


if __name__ == "__main__":
    main()
