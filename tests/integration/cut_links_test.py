#!/usr/bin/env python3
"""Workers whose links are reset, or fall silent, one at a time: nothing is lost, nothing charged."""
import random

from chaos_world import ChaosTest, wait_for_output
from link_proxy import FROM, LinkProxy
from millrace_testing import free_ports, main, wait_until

TOPOLOGY = """\
version: 1
name: cut-links
broker: {{control: {control}, reports: {reports}, feed: {feed}-{last}, state: ./state, heartbeat: 1s}}
stages:
  - {{name: scan, executable: scanner, lease: 2s, options: {{chunk: 40}}}}
  - {{name: preprocess, executable: preprocess, replicas: 2, lease: 2s, budget: 1MiB,
     options: {{size: {{width: 64, height: 64}}}}}}
  - {{name: inference, executable: inference, lease: 2s, options: {{model: skin-tone, device: cpu}}}}
  - {{name: postprocess, executable: postprocess, lease: 2s, options: {{keep: [skin]}}}}
"""
WORKERS = [("scan", 0), ("preprocess", 0), ("preprocess", 1), ("inference", 0), ("postprocess", 0)]
EXECUTABLES = {"scan": "millrace-scanner"}
FEEDS = 64


class CutLinks(ChaosTest):
    COUNT = 1000

    def setUp(self):
        super().setUp()
        control = free_ports(FEEDS + 2)
        feeds = range(control + 2, control + 2 + FEEDS)
        self.topology = self.folder / "topology.yaml"
        self.topology.write_text(TOPOLOGY.format(
            control=control, reports=control + 1, feed=feeds[0], last=feeds[-1]))
        self.proxy = LinkProxy({"control": [control], "reports": [control + 1], "feed": feeds})
        self.addCleanup(self.proxy.close)
        self.broker = self.start(
            "--topology", self.topology, "--log-level", "debug", executable="millrace-broker")
        self.workers = [
            self.start("--topology", self.topology, "--stage", stage, "--replica", replica,
                       "--control", f"tcp://{FROM}:{control}",
                       executable=EXECUTABLES.get(stage, f"millrace-{stage}"))
            for stage, replica in WORKERS]

    def check(self, cuts, seed):
        """Each cut once, at moments spread over the run."""
        source = random.Random(seed)
        run = self.run_to_end(
            "submit", self.topology, self.photos, self.out, expect=0).stdout.strip()
        for number, cut in enumerate(cuts):
            wait_for_output(self.out, (number + 1) * self.COUNT // (len(cuts) + 2))
            wait_until(lambda cut=cut: cut(source), "a connection to cut")
        self.run_to_end(
            "wait", run, "--topology", self.topology, "--fail-on", "never", expect=0)
        self.check_outcome(state=self.folder / "state/state.db")
        self.run_to_end("down", self.topology, expect=0)
        self.assertEqual(self.broker.wait(), 0, self.broker.stderr)
        for worker in self.workers:
            self.assertEqual(worker.wait(), 0, worker.stderr)
        for line in (self.out / ".millrace/failed.jsonl").read_text().splitlines():
            self.assertIn('"attempts": 1', line.replace('":1', '": 1'))

    def joins(self):
        return sum(worker.stderr.count("at work as incarnation") for worker in self.workers)

    def test_links_that_are_reset_cost_nothing(self):
        def cut(kind):
            return lambda source: self.proxy.reset(kind, source)
        self.check([cut(kind) for kind in ("feed", "reports", "control") * 4], seed=1)
        # A lost control link is no loss, and two cuts may meet one incarnation.
        self.assertGreaterEqual(self.joins(), len(WORKERS) + 4)

    def test_links_that_fall_silent_cost_nothing(self):
        def cut(kind):
            return lambda source: self.proxy.silence(kind, source)
        self.check([cut(kind) for kind in ("feed", "reports", "control")], seed=2)
        self.assertGreaterEqual(self.joins(), len(WORKERS) + 1)


if __name__ == "__main__":
    main()
