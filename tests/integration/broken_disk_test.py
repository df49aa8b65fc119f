#!/usr/bin/env python3
"""Disks that run full or die, under the state and under the outputs: nothing is told that is not
so, and once there is a disk again the same command goes on.

The full disks are small tmpfs in a mount namespace; dead ones are a preloaded library that lets
writing fail (io_fault.c).
"""
import json
import os
import pathlib
import subprocess
from unittest import mock

from chaos_world import QUICK, ChaosTest
from disk_full_test import INSIDE, enter_namespace
from millrace_testing import free_ports, main, wait_until

TOPOLOGY = """\
version: 1
name: broken-disk
broker: {{control: {first}, reports: {reports}, feed: {feed}-{last}, state: {state}}}
stages:
  - {{name: scan, executable: scanner, options: {{chunk: 40}}}}
  - {{name: preprocess, executable: preprocess, options: {{size: {{width: 64, height: 64}}}}}}
  - {{name: inference, executable: inference, options: {{model: skin-tone, device: cpu}}}}
  - {{name: postprocess, executable: postprocess, options: {{keep: [skin]}}}}
"""


class BrokenDisk(ChaosTest):
    COUNT = 600

    def mount(self, folder, size):
        if INSIDE not in os.environ:
            self.skipTest("no tmpfs can be mounted here, neither as root nor in a user namespace")
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)

    def enlarge(self, folder):
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)

    def start_on_a_dying_disk(self, path, program, after, *words):
        """A run whose writes to files of that path fail after so many."""
        shim = self.folder / "io_fault.so"
        source = pathlib.Path(__file__).parent / "io_fault.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
        fault = {
            "LD_PRELOAD": str(shim), "MILLRACE_FAULT_PATH": path, "MILLRACE_FAULT_PROGRAM": program,
            "MILLRACE_FAULT_AFTER": str(after),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        with mock.patch.dict(os.environ, fault):
            return self.start_chaos(*words)

    def test_a_state_on_a_full_disk_stops_the_broker_and_goes_on_with_more_room(self):
        state = self.folder / "state"
        self.mount(state, "300k")
        first = free_ports(32)
        topology = self.folder / "topology.yaml"
        topology.write_text(TOPOLOGY.format(
            first=first, reports=first + 1, feed=first + 2, last=first + 31, state=state))
        broker = ["--topology", topology]
        up = self.start("up", topology)
        run = self.run_to_end("submit", topology, self.photos, self.out, expect=0).stdout.strip()

        def trouble():
            asked = self.start("status", "--json", *broker)
            if asked.wait() != 0:
                self.assertIsNone(up.process.poll(), "it left without a word")
                return ""
            return json.loads(asked.stdout)["trouble"]
        self.assertIn("disk is full", wait_until(trouble, "the broker's trouble"))
        self.run_to_end("submit", topology, self.photos, self.folder / "second", expect=3)
        self.assertEqual(up.wait(), 3)
        self.assertIn("nothing more is taken or confirmed", up.stderr)

        self.enlarge(state)
        up = self.start("up", topology)
        self.run_to_end("wait", run, *broker, "--fail-on", "never", expect=0)
        self.run_to_end("down", topology, expect=0)
        self.assertEqual(up.wait(), 0)
        self.check_outcome(state=state / "state.db")

    def check_dying_state(self, after):
        run = self.start_on_a_dying_disk(
            "state.db-wal", "millrace-broker", after, "--state", self.folder / "state")
        self.assertEqual(run.wait(), 3, run.stderr)
        self.assertIn("disk I/O error", run.stderr)
        again = self.start_chaos("--state", self.folder / "state")
        self.assertEqual(again.wait(), 0, again.stderr)
        self.check_outcome(state=self.folder / "state/state.db")
        return run

    def test_a_state_on_a_dying_disk_stops_the_run_and_goes_on_with_another(self):
        run = self.check_dying_state(after=200)
        self.assertIn("nothing more is taken or confirmed", run.stderr)
        self.assertIn("the broker takes no more work", run.stderr)

    def test_a_state_whose_disk_dies_before_the_run_is_taken(self):
        run = self.check_dying_state(after=30)
        self.assertIn("nothing more is taken or confirmed", run.stderr)

    def test_a_state_that_cannot_be_made(self):
        self.check_dying_state(after=10)

    def test_outputs_on_a_dying_disk_fail_and_are_made_by_the_same_command(self):
        run = self.start_on_a_dying_disk(
            "/.millrace/tmp/", "millrace-postprocess", 300, "--set", "postprocess.backoff=1ms")
        self.assertEqual(run.wait(), 0, run.stderr)
        first = self.report()
        self.assert_closes(first)
        self.assertGreater(first["failed_by"]["write-failed"], 0)
        self.assert_nothing_half_written()
        again = self.start_chaos()
        self.assertEqual(again.wait(), 0, again.stderr)
        self.check_outcome()
        self.assertGreaterEqual(self.report()["resumed"], first["ok"])

    def test_outputs_on_a_full_disk_fail_and_are_made_once_there_is_room(self):
        self.mount(self.out, "700k")
        words = ["--state", self.folder / "state", "--set", "postprocess.backoff=1ms"]
        run = self.start_chaos(*words)
        self.assertEqual(run.wait(), 3)  # its failures do not fit there either
        self.assertIn("No space left on device", run.stderr)
        self.assert_nothing_half_written()
        self.enlarge(self.out)
        again = self.start_chaos(*words)
        self.assertEqual(again.wait(), 0, again.stderr)
        self.check_outcome(state=self.folder / "state/state.db")


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    main()
