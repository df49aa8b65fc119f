#!/usr/bin/env python3
"""Processes that are killed in the middle cost nothing: workers, and the broker."""
import os
import signal

from millrace_testing import TestCase, files_below, main, wait_until, write_photos


class Crashes(TestCase):
    # Small chunks and a small budget: the scan goes on while pictures are processed.
    SPREAD = ["--set", "scan.options.chunk=10", "--set", "preprocess.budget=8KiB"]

    def setUp(self):
        super().setUp()
        self.names = {os.fsencode(name) for name in write_photos(self.photos, 600)}

    def start_and_get_going(self, *words):
        run = self.start_demo(*self.SPREAD, *words)
        wait_until(lambda: len(files_below(self.out)) >= 60, "the first results")
        return run

    def check_killing(self, worker, named=None):
        run = self.start_and_get_going("--set", "preprocess.replicas=2")
        victim = run.children()[worker]
        os.kill(victim, signal.SIGKILL)
        self.assertLess(len(files_below(self.out)), 600, "killed too late to matter")
        self.assertEqual(run.wait(), 0, run.stderr)
        report = self.report()
        self.assert_closes(report)
        self.assertEqual((report["scanned"], report["ok"]), (600, 600))
        self.assertEqual(files_below(self.out), self.names)
        self.assert_nothing_half_written()
        self.assertIn(f"{named or worker} died of signal 9", run.stderr)

    def test_a_killed_scanner_costs_nothing(self):
        self.check_killing("scan-0")

    def test_a_killed_preprocess_worker_costs_nothing(self):
        self.check_killing("preprocess-1")

    def test_a_killed_inference_worker_costs_nothing(self):
        self.check_killing("inference-0")

    def test_a_killed_postprocess_worker_costs_nothing(self):
        self.check_killing("postprocess-0")

    def test_a_killed_broker_is_started_again_and_the_run_goes_on_to_its_end(self):
        self.check_killing("broker", named="the broker")

    def test_a_broker_that_is_killed_again_and_again_is_given_up(self):
        run = self.start_and_get_going()
        os.kill(run.children()["inference-0"], signal.SIGSTOP)  # the run does not end meanwhile
        killed = set()
        for _ in range(5):
            broker = wait_until(
                lambda: {run.children().get("broker")} - killed - {None}, "the next broker").pop()
            killed.add(broker)
            os.kill(broker, signal.SIGKILL)
        children = run.children()
        self.assertEqual(run.wait(), 3, run.stderr)
        self.assertIn("the broker died 5 times within 60 s", run.stderr)
        self.assert_gone(children)
        self.run_demo()  # and the same command goes on
        self.assertEqual(files_below(self.out), self.names)

    def test_no_child_outlives_a_killed_parent(self):
        run = self.start_and_get_going()
        children = run.children()
        os.kill(run.pid, signal.SIGKILL)
        self.assert_gone(children)


if __name__ == "__main__":
    main()
