#!/usr/bin/env python3
"""An OUTPUT that hangs, as a network mount whose server is gone, stalls its own run and nobody else."""
import os
import pathlib
import subprocess
import threading
import time
import unittest
from unittest import mock

from client import Client
from pipeline import PREPROCESS, SCAN, PipelineTest, wait_until

# What is asked first of an OUTPUT, and what is asked when the report is written.
AT_THE_START = "/hangs-at-the-start"
AT_THE_END = "/hangs-at-the-end/.millrace/deleted.jsonl"


class HungOutput(PipelineTest):
    def setUp(self):
        super().setUp()
        self.gate = self.folder / "gate"
        self.gate.touch()
        self.addCleanup(self.gate.unlink, missing_ok=True)
        shim = self.folder / "io_gate.so"
        source = pathlib.Path(__file__).resolve().parents[1] / "io_gate.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
        with self.gated():
            self.start_broker([SCAN, PREPROCESS])
        self.scanner()
        self.preprocess()
        self.names = self.write_photos(12)

    def gated(self):
        """The environment in which a broker waits at the gate."""
        return mock.patch.dict(os.environ, {
            "LD_PRELOAD": str(self.folder / "io_gate.so"), "MILLRACE_GATE": str(self.gate),
            "MILLRACE_GATE_PATHS": f"{AT_THE_START}:{AT_THE_END}",
            "MILLRACE_GATE_PROGRAM": "millrace-broker",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})

    def await_hang(self, number):
        reached = self.folder / f"gate.reached.{number}"
        wait_until(reached.exists, "the broker to wait for its OUTPUT")

    def in_background(self, ask):
        """Asks on a connection of its own; gives a function that waits for the answer."""
        answers = []
        client = Client(self.control)

        def work():
            try:
                answers.append(ask(client))
            finally:
                client.close()
        thread = threading.Thread(target=work)
        thread.start()

        def answer():
            thread.join(60)
            self.assertEqual(len(answers), 1, self.broker.stderr)
            return answers[0]
        answer.is_waiting = lambda: thread.is_alive()
        return answer

    def assert_all_else_goes_on(self):
        # The best of ten: a machine under load delays one, a loop that waits for OUTPUT all.
        delays = []
        for _ in range(10):
            asked = time.monotonic()
            self.client.ask({"t": "status", "run": 0})
            delays.append(time.monotonic() - asked)
        self.assertLess(min(delays), 0.1)
        healthy = self.folder / f"healthy-{time.monotonic_ns()}"
        status = self.client.wait(self.client.submit(self.photos, healthy))
        self.assert_closes(status, len(self.names))
        self.assertTrue((healthy / ".millrace" / "report.json").exists())

    def test_one_that_hangs_when_a_run_is_submitted_stalls_that_run_alone(self):
        out = self.folder / "hangs-at-the-start"
        submitted = self.in_background(lambda client: client.submit(self.photos, out))
        self.await_hang(0)
        self.assert_all_else_goes_on()
        self.assertTrue(submitted.is_waiting())
        self.gate.unlink()
        self.assert_closes(self.client.wait(submitted()), len(self.names))

    def test_one_that_hangs_when_the_report_is_written_stalls_that_run_alone(self):
        out = self.folder / "hangs-at-the-end"
        run = self.client.submit(self.photos, out)
        ended = self.in_background(lambda client: client.wait(run))
        self.await_hang(1)
        self.assertEqual(self.client.status(run)["state"], "stopping")
        self.assert_all_else_goes_on()
        self.assertTrue(ended.is_waiting())
        self.assertFalse((out / ".millrace" / "report.json").exists())
        self.gate.unlink()
        self.assert_closes(ended(), len(self.names))
        self.assertTrue((out / ".millrace" / "report.json").exists())

    def test_a_broker_that_starts_again_serves_others_while_one_of_its_runs_hangs(self):
        self.gate.unlink()
        out = self.folder / "hangs-at-the-start"
        hold = self.folder / "hold"
        self.workers[0].kill()
        slow = self.preprocess(1, "--hold", hold)
        slow.await_event("welcome")
        run = self.client.submit(self.photos, out)
        slow.await_event("claim")
        self.broker.kill()
        (self.folder / "gate.reached.0").unlink(missing_ok=True)
        self.gate.touch()
        with self.gated():
            self.restart_broker()
        self.await_hang(0)
        hold.touch()
        self.assertEqual(self.client.status(run)["state"], "active")
        self.assert_all_else_goes_on()
        self.gate.unlink()
        self.assert_closes(self.client.wait(run), len(self.names))


if __name__ == "__main__":
    unittest.main()
