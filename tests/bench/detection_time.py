#!/usr/bin/env python3
"""How soon after a worker or the broker has gone its work goes on.

    MILLRACE_BIN_DIR=build/release/bin /usr/bin/python3 detection_time.py [--rounds 20] [--tcp]

The workers are the tests' own, in Python (tests/integration/python_worker): their journals say when
each job came. The one that is to go holds four jobs, of which it has begun one; the other is idle.
Of each case the median, the 95th percentile and the longest of the rounds, from the signal (of the
broker: from its restart) to the last of the three jobs that had not been begun (of the broker: to
the first job begun) at the other worker.
"""
import argparse
import math
import pathlib
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration/python_worker"))
from pipeline import HERE, PREPROCESS, SCAN, PipelineTest, wait_until  # noqa: E402

LEASE_S, HEARTBEAT_S = 2, 1
# A job behind a long one would go to an idle worker after its claim deadline, dead or not.
STAGE = f"{PREPROCESS}, replicas: 2, lease: {LEASE_S}s, claim_deadline: 60s"
HELD = 4
HEAVY = """
import runpy, sys
held = bytearray(b"x") * (int(sys.argv[1]) << 20)
sys.argv = sys.argv[2:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Detection(PipelineTest):
    def prepare(self, tcp, photos):
        self.setUp()
        self.rounds = 0
        self.start_broker([SCAN, STAGE], feeds=200 if tcp else None)
        self.write_photos(photos)
        self.scanner()

    def worker(self, replica, *words, megabytes=0):
        name = f"preprocess-{replica}-{self.rounds}"
        return self.child(
            name, sys.executable, "-c", HEAVY, megabytes, HERE / "preprocess_worker.py",
            "--control", self.control, "--stage", "preprocess", "--replica", replica,
            "--journal", self.folder / f"{name}.journal", *words)

    def take_over(self, number, megabytes):
        """Seconds until what the signalled worker had not begun has arrived: from the signal, and
        from when the kernel had ended the process, which frees its memory before it closes its
        sockets."""
        self.rounds += 1
        victim = self.worker(0, "--slots", HELD, "--hold", self.hold, megabytes=megabytes)
        run = self.client.submit(self.photos, self.folder / f"out-{self.rounds}")
        victim.await_event("claim")
        victim.await_event("job", HELD)
        other = self.worker(1, "--slots", 2 * HELD)
        wait_until(lambda: self.client.stage("preprocess")["workers"] == 2, "the idle worker")
        other.await_event("welcome")
        sent = time.monotonic()
        victim.signal(number)
        if number == signal.SIGKILL:
            victim.process.wait()
        ended = time.monotonic()
        arrived = other.await_event("job", HELD - 1)["at"]
        victim.kill()
        self.client.wait(run)
        other.signal(signal.SIGTERM)
        other.wait()
        return arrived - sent, arrived - ended

    def restart(self):
        """Seconds from the start of a new broker to the first job that a worker begins."""
        self.rounds += 1
        worker = self.worker(0, "--slots", 2)
        run = self.client.submit(self.photos, self.folder / f"out-{self.rounds}")
        worker.await_event("claim", 20)
        self.broker.kill()
        worker.await_event("lost")
        known = len(worker.events("claim"))
        started = time.monotonic()
        self.restart_broker()
        begun = worker.await_event("claim", known + 1)["at"]
        self.client.cancel(run)
        self.client.wait(run)
        worker.signal(signal.SIGTERM)
        worker.wait()
        return begun - started


def tell(what, bound, times):
    times = sorted(times)
    p95 = times[math.ceil(0.95 * len(times)) - 1]
    print(f"{what:<46} {1000 * times[len(times) // 2]:>7.0f} {1000 * p95:>7.0f} "
          f"{1000 * times[-1]:>7.0f}   {bound}", flush=True)


def measured(tcp, photos, rounds, measure):
    bench = Detection()
    bench.prepare(tcp, photos)
    try:
        return [measure(bench) for _ in range(rounds)]
    finally:
        bench.doCleanups()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tcp", action="store_true", help="TCP on this machine instead of ipc")
    words = parser.parse_args()
    print(f"{'milliseconds':<46} {'p50':>7} {'p95':>7} {'longest':>7}   promised")

    def take_over(number, megabytes=0):
        return zip(*measured(words.tcp, HELD, words.rounds,
                             lambda bench: bench.take_over(number, megabytes)))
    tell("a worker killed", "50", next(take_over(signal.SIGKILL)))
    whole, rest = take_over(signal.SIGKILL, 900)
    tell("a worker of 900 MB killed", "50, where the kernel takes no longer", whole)
    tell(".. from when the kernel had ended it", "50", rest)
    tell("a worker stopped", f"{1000 * (LEASE_S + HEARTBEAT_S)} (lease and heartbeat)",
         next(take_over(signal.SIGSTOP)))
    tell("the broker killed, from its restart", "2000", measured(
        words.tcp, 1000, words.rounds, Detection.restart))


if __name__ == "__main__":
    main()
