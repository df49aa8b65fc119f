#!/usr/bin/env python3
"""A pipeline that stays up: submit, status, wait, cancel, pause, retry, backup, down; over TCP."""
import json
import os
import signal
import subprocess

from millrace_testing import (
    BIN, TestCase, files_below, free_ports, jpeg, main, wait_until, write_photos)

TOPOLOGY = """\
version: 1
name: up-test
broker: {{control: {first}, reports: {reports}, feed: {feed}-{last}, state: ./state}}
stages:
  - {{name: scan, executable: scanner}}
  - {{name: preprocess, executable: preprocess, options: {{size: {{width: 64, height: 64}}}}}}
  - {{name: inference, executable: inference, options: {{model: skin-tone, device: cpu}}}}
  - {{name: postprocess, executable: postprocess, options: {{keep: [skin]}}}}
"""


class Up(TestCase):
    def setUp(self):
        super().setUp()
        first = free_ports(32)
        self.topology = self.folder / "up.yaml"
        self.topology.write_text(TOPOLOGY.format(
            first=first, reports=first + 1, feed=first + 2, last=first + 31))
        self.broker = ["--topology", self.topology]
        self.up = self.start("up", self.topology)

    def submit(self, *words):
        return self.run_to_end("submit", self.topology, *words, expect=0).stdout.strip()

    def status(self):
        return json.loads(self.run_to_end("status", "--json", *self.broker, expect=0).stdout)

    def test_a_worker_with_other_options_than_its_stages_is_refused_by_name(self):
        wait_until(lambda: self.up_stages() == [1, 1, 1, 1], "the stages to join")
        other = self.folder / "other.yaml"
        other.write_text(self.topology.read_text().replace("keep: [skin]", "keep: [hair]"))
        worker = subprocess.run(
            [BIN / "millrace-postprocess", "--topology", other, "--stage", "postprocess",
             "--replica", "1"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(worker.returncode, 2, worker.stderr)
        self.assertIn("another worker (replica 0) goes by in stage postprocess", worker.stderr)

    def up_stages(self):
        done = subprocess.run([BIN / "millrace", "status", "--json", *self.broker],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        return [stage["workers"] for stage in json.loads(done.stdout)["stages"]]

    def test_runs_come_and_go_and_down_ends_it(self):
        names = {os.fsencode(name) for name in write_photos(self.photos, 100)}
        (self.photos / "bad.jpg").write_bytes(b"")
        run = self.submit(self.photos, self.out)
        self.assertRegex(run, r"^\d+$")
        waited = self.run_to_end("wait", run, *self.broker, "--json", expect=1)
        report = json.loads(waited.stdout)
        self.assert_closes(report)
        self.assertEqual((report["ok"], report["failed"]), (100, 1))
        self.assertIn("101 scanned: 100 ok, 1 failed", waited.stderr)
        self.run_to_end("wait", run, *self.broker, "--fail-on", "2", expect=0)
        self.assertEqual(files_below(self.out), names)

        second = self.submit(self.photos, self.folder / "second", "--limit", "5")
        self.run_to_end("wait", second, *self.broker, "--fail-on", "never", expect=0)
        status = self.status()
        self.assertEqual([r["state"] for r in status["runs"]], ["done", "done"])
        self.assertEqual([s["workers"] for s in status["stages"]], [1, 1, 1, 1])

        children = self.up.children()
        self.run_to_end("down", self.topology, expect=0)
        self.assertEqual(self.up.wait(), 0, self.up.stderr)
        self.assertNotIn("started again", self.up.stderr)
        self.assert_gone(children)

    def test_one_that_is_up_at_another_address_is_talked_to_there(self):
        wait_until(lambda: self.up_stages() == [1, 1, 1, 1], "the stages to join")  # its ports are taken
        first = free_ports(32)
        address = f"tcp://127.0.0.1:{first}"
        moved = self.start(
            "up", self.topology, "--set", f"broker.control={first}", "--set", f"broker.reports={first + 1}",
            "--set", f"broker.feed={first + 2}-{first + 31}", "--set", f"broker.state={self.folder}/moved")
        wait_until(lambda: "submit to it" in moved.stderr, "its address")
        self.assertIn(f"millrace submit {self.topology} INPUT OUTPUT --broker {address}\n", moved.stderr)
        self.assertIn(f"millrace submit {self.topology} INPUT OUTPUT\n", self.up.stderr)

        write_photos(self.photos, 3)
        run = self.submit(self.photos, self.out, "--broker", address, "--timeout", "30s")
        self.run_to_end("wait", run, "--broker", address, expect=0)
        self.assertEqual(self.status()["runs"], [])  # of the one at the topology's own address
        self.run_to_end("down", self.topology, "--broker", address, expect=0)
        self.assertEqual(moved.wait(), 0, moved.stderr)
        self.assertEqual(self.up_stages(), [1, 1, 1, 1])

    def test_a_cancelled_run_ends_and_says_so(self):
        write_photos(self.photos, 400)
        wait_until(lambda: "inference-0" in self.up.children(), "the workers")
        # Held up, so that the run cannot be over before it is cancelled.
        os.kill(self.up.children()["inference-0"], signal.SIGSTOP)
        run = self.submit(self.photos, self.out)
        self.run_to_end("cancel", run, *self.broker, "--reason", "changed my mind", expect=0)
        wait_until(
            lambda: "inference-0" in self.up.children() and
            not os.kill(self.up.children()["inference-0"], signal.SIGCONT), "the inference worker")
        waited = self.run_to_end("wait", run, *self.broker, expect=3)
        self.assertIn("changed my mind", waited.stderr)
        self.assertLess(self.report()["ok"], 400)

    def test_a_paused_run_stands_still_until_it_is_resumed(self):
        write_photos(self.photos, 400)
        wait_until(lambda: "inference-0" in self.up.children(), "the workers")
        os.kill(self.up.children()["inference-0"], signal.SIGSTOP)  # not over before it is paused
        run = self.submit(self.photos, self.out)
        self.run_to_end("pause", run, *self.broker, expect=0)
        os.kill(self.up.children()["inference-0"], signal.SIGCONT)
        wait_until(lambda: self.status()["runs"][0]["state"] == "paused", "the pause")
        late = self.run_to_end("wait", run, *self.broker, "--timeout", "1s", expect=3)
        self.assertIn(f"run {run} has not ended after 1s", late.stderr)
        self.run_to_end("resume", run, *self.broker, expect=0)
        self.run_to_end("wait", run, *self.broker, expect=0)
        self.assertEqual(self.report()["ok"], 400)

    def test_a_broker_that_is_killed_comes_back_and_clients_have_waited(self):
        names = {os.fsencode(name) for name in write_photos(self.photos, 300)}
        wait_until(lambda: "inference-0" in self.up.children(), "the workers")
        inference = self.up.children()["inference-0"]
        os.kill(inference, signal.SIGSTOP)  # not over before the broker dies
        run = self.submit(self.photos, self.out)
        waiting = self.start("wait", run, *self.broker, "--progress", "none")
        os.kill(self.up.children()["broker"], signal.SIGKILL)
        wait_until(lambda: "it is started again" in self.up.stderr, "the death to be noticed")
        os.kill(inference, signal.SIGCONT)
        self.assertEqual(waiting.wait(), 0, waiting.stderr)
        self.assertIn("300 scanned: 300 ok", waiting.stderr)
        self.assertEqual(files_below(self.out), names)

    def test_what_failed_is_tried_again(self):
        names = write_photos(self.photos, 5)
        (self.photos / names[0]).write_bytes(jpeg(1)[:30])
        run = self.submit(self.photos, self.out)
        self.run_to_end("wait", run, *self.broker, expect=1)
        (self.photos / names[0]).write_bytes(jpeg(1))
        again = self.run_to_end("retry", self.out, *self.broker, expect=0).stdout
        self.run_to_end("wait", again.strip(), *self.broker, expect=0)
        self.assertEqual(self.report()["ok"], 5)
        nothing = self.run_to_end("retry", self.out, *self.broker, expect=0)
        self.assertIn("nothing failed", nothing.stderr)
        self.run_to_end("retry", self.folder, *self.broker, expect=2)

    def test_the_state_is_copied_while_the_broker_serves(self):
        self.submit(self.photos, self.out)
        copy = self.folder / "copy.db"
        self.run_to_end("state", "backup", copy, *self.broker, expect=0)
        self.assertGreater(copy.stat().st_size, 0)
        self.assertNotEqual(
            self.start("state", "backup", copy, *self.broker).wait(), 0)  # it is there already

    def test_a_run_that_there_is_not(self):
        self.submit(self.photos, self.out, "--limit", "1")
        for command in ("wait", "cancel", "status", "pause", "resume"):
            refused = self.run_to_end(command, "12345", *self.broker, expect=2)
            self.assertIn("no run 12345", refused.stderr)

    def test_a_second_broker_on_the_same_ports_is_refused(self):
        self.submit(self.photos, self.out)
        second = self.start("up", self.topology)
        self.assertNotEqual(second.wait(), 0)
        self.run_to_end("status", *self.broker, expect=0)  # the first goes on

    def test_sigterm_ends_it_like_down(self):
        self.submit(self.photos, self.out)
        children = self.up.children()
        os.kill(self.up.pid, signal.SIGTERM)
        self.assertEqual(self.up.wait(), 0, self.up.stderr)
        self.assert_gone(children)

    def test_sigterm_to_the_whole_group_starts_nothing_again(self):
        wait_until(lambda: self.up_stages() == [1, 1, 1, 1], "the stages to join")
        children = self.up.children()
        os.killpg(self.up.pid, signal.SIGTERM)
        self.assertEqual(self.up.wait(), 0, self.up.stderr)
        self.assert_gone(children)
        self.assertNotIn("started again", self.up.stderr)

    def test_processes_are_listed_by_the_names_of_their_executables(self):
        wait_until(lambda: self.up_stages() == [1, 1, 1, 1], "the stages to join")
        names = set()
        for pid in self.up.children().values():
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                names.add(file.read().strip())
        executables = ("broker", "scanner", "preprocess", "inference", "postprocess")
        self.assertEqual(names, {f"millrace-{name}"[:15] for name in executables})

    def test_without_a_broker_commands_say_so(self):
        self.submit(self.photos, self.out)
        self.run_to_end("down", self.topology, expect=0)
        self.up.wait()
        refused = self.run_to_end("status", *self.broker, expect=3)
        self.assertIn("does not answer", refused.stderr)
        refused = self.run_to_end(
            "state", "backup", self.folder / "copy.db", *self.broker, expect=3)
        self.assertIn("can simply be copied", refused.stderr)
        late = self.run_to_end("wait", "1", *self.broker, "--timeout", "6s", expect=3)
        self.assertIn("waiting for it to come back", late.stderr)


if __name__ == "__main__":
    main()
