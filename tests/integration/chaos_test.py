#!/usr/bin/env python3
"""Workers, the broker and the supervisor killed and frozen at random, under 2,000 pictures: what
comes out is what an undisturbed run makes, and every item is there once.

MILLRACE_CHAOS_SECONDS=3600 goes on that long with ever new seeds; MILLRACE_CHAOS_SEED=N tries one.
"""
import os
import random
import shutil
import sys
import time
import unittest

from chaos_world import ChaosTest, Disturber, wait_for_output
from millrace_testing import main

WORKERS = ["scan", "preprocess", "inference", "postprocess"]
# Longer than lease and heartbeat together.
FREEZE_S = 4.5
# A sanitizer takes its time over 2,000 pictures.
LONG_S = 400
MOST_DEATHS = 5  # of the broker (cli/broker_supervisor.h)


class Chaos(ChaosTest):
    def disturb(self, disturber, run, kind):
        if kind == "kill a worker":
            disturber.kill(run, disturber.random.choice(WORKERS))
        elif kind == "kill the broker":
            disturber.kill(run, "broker")
        elif kind == "kill the supervisor":
            disturber.kill_supervisor(run)
        elif kind == "freeze a worker":
            disturber.freeze(run, disturber.random.choice(WORKERS), FREEZE_S)
        elif kind == "freeze the broker":
            disturber.freeze(run, "broker", FREEZE_S)

    def check_end(self, status, kinds, log, run):
        """Only a killed supervisor ends, or one whose broker was killed too often in a minute."""
        often = kinds.count("kill the broker") >= MOST_DEATHS
        self.assertIn(status, (-9, 3) if often else (-9,), f"{log}\n{run.stderr}")

    def check_round(self, seed, kinds):
        """Each kind once, at moments spread over the run; the same command until it ends."""
        log = [f"seed {seed}"]
        disturber = Disturber(random.Random(seed), log)
        kinds = list(kinds)
        disturber.random.shuffle(kinds)
        moments = sorted(disturber.random.randrange(20, self.COUNT - 100) for _ in kinds)
        run = self.start_chaos()
        starts = 1
        for moment, kind in zip(moments, kinds):
            if not wait_for_output(self.out, moment, run):
                log.append(f"start {starts} ended with {run.wait(LONG_S)}")
                if run.wait(LONG_S) == 0:
                    break
                self.check_end(run.wait(LONG_S), kinds, log, run)
                run = self.start_chaos()
                starts += 1
                wait_for_output(self.out, moment, run)
            self.disturb(disturber, run, kind)
        while (status := run.wait(LONG_S)) != 0:
            log.append(f"start {starts} ended with {status}")
            self.check_end(status, kinds, log, run)
            run = self.start_chaos()
            starts += 1
        try:
            self.check_outcome()
        except AssertionError:
            print(f"--- {log}\n{run.stderr[-4000:]}", file=sys.stderr)
            raise

    def test_killed_workers_cost_nothing(self):
        self.check_round(1, ["kill a worker"] * 6)

    def test_a_killed_broker_and_supervisor_cost_nothing(self):
        self.check_round(2, ["kill the broker", "kill the supervisor"] * 2)

    def test_frozen_workers_and_a_frozen_broker_cost_nothing(self):
        self.check_round(3, ["freeze a worker", "freeze the broker", "freeze a worker"])

    def test_all_of_it_at_once_costs_nothing(self):
        self.check_round(4, [
            "kill a worker", "kill the broker", "freeze a worker", "kill a worker",
            "kill the supervisor", "freeze the broker", "kill a worker"])

    @unittest.skipUnless(
        "MILLRACE_CHAOS_SECONDS" in os.environ or "MILLRACE_CHAOS_SEED" in os.environ,
        "MILLRACE_CHAOS_SECONDS says for how long")
    def test_for_as_long_as_asked(self):
        until = time.monotonic() + float(os.environ.get("MILLRACE_CHAOS_SECONDS", 0))
        given = os.environ.get("MILLRACE_CHAOS_SEED")
        while True:
            seed = int(given) if given else random.SystemRandom().randrange(1 << 32)
            print(f"seed {seed}", file=sys.stderr, flush=True)
            source = random.Random(seed)
            kinds = ["kill a worker", "kill a worker", "kill the broker", "kill the supervisor",
                     "freeze a worker", "freeze the broker"]
            self.check_round(seed, source.choices(kinds, k=source.randrange(1, 9)))
            if given or time.monotonic() >= until:
                return
            shutil.rmtree(self.out)


if __name__ == "__main__":
    main()
