#!/usr/bin/env python3
"""Workers that are killed in the middle cost nothing; a broker that is killed ends the run, said so."""
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

    def check_killing(self, worker):
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
        self.assertIn(f"{worker} died of signal 9", run.stderr)

    def test_a_killed_scanner_costs_nothing(self):
        self.check_killing("scan-0")

    def test_a_killed_preprocess_worker_costs_nothing(self):
        self.check_killing("preprocess-1")

    def test_a_killed_inference_worker_costs_nothing(self):
        self.check_killing("inference-0")

    def test_a_killed_postprocess_worker_costs_nothing(self):
        self.check_killing("postprocess-0")

    def test_a_killed_broker_ends_the_run_and_is_named(self):
        run = self.start_and_get_going()
        children = run.children()
        os.kill(children["broker"], signal.SIGKILL)
        self.assertEqual(run.wait(), 3)
        self.assertIn("the broker ended with signal 9", run.stderr)
        self.assert_gone(children)

    def test_no_child_outlives_a_killed_parent(self):
        run = self.start_and_get_going()
        children = run.children()
        os.kill(run.pid, signal.SIGKILL)
        self.assert_gone(children)


if __name__ == "__main__":
    main()
