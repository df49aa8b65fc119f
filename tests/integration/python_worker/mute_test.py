#!/usr/bin/env python3
"""Workers that report and beat, but answer nothing: they hold up no run, and nobody's items pay."""
import os
import threading
import time
import unittest

import zmq

import wire
from greeting import Greeting
from links import Links
from pipeline import SCAN, PipelineTest, wait_until

WORK = "name: preprocess, executable: preprocess, credit: 8, lease: 2s"


class Mute(threading.Thread):
    """Joins as a worker of `preprocess`, offers 8 slots, and beats.

    It answers the one lease that nobody has, by which a feed is proved, if `proves`; and nothing
    else. With `rejoins` it says HELLO anew again and again, as one does that gets no answers.
    """

    def __init__(self, control, proves, rejoins=False):
        super().__init__()
        self.control = control
        self.proves = proves
        self.rejoins = rejoins
        self.over = threading.Event()
        self.jobs = 0
        self.incarnations = 0

    def run(self):
        context = zmq.Context()
        greeting = Greeting(context, self.control, "preprocess", 7)
        links = None
        while not self.over.is_set():
            if links is None:
                greeting.hello()
                greeting.socket.poll(200)
                for answer in greeting.answers():
                    if answer["t"] == "welcome":
                        links = Links(context, self.control, answer)
                        self.incarnations += 1
                        links.send({"t": "credit", "slots": 8})
                        until = time.monotonic() + 0.3
                    else:
                        greeting.next_attempt(now=True)
                continue
            links.send({"t": "beat", "progress": 0, "busy_ns": 0, "foreign_jobs": 0, "claimed": []})
            if self.proves:
                self.listen(links)
            links.look()
            if links.lost or self.rejoins and time.monotonic() > until:
                links.close()
                links = None
                greeting.next_attempt(now=True)
            self.over.wait(0.05)
        if links:
            links.close()
        greeting.close()
        context.term()

    def listen(self, links):
        for frames in links.receive():
            head, _ = wire.decode(frames)
            if head["t"] == "job":
                self.jobs += len(head["jobs"])
            elif head["t"] == "revoke" and (0, 0) in wire.leases_in(head["leases"]):
                links.send({"t": "return", "leases": [[0, 0]]})

    def end(self):
        self.over.set()
        self.join()


class MuteWorkers(PipelineTest):
    def setUp(self):
        super().setUp()
        self.start_broker([SCAN, WORK])
        self.write_photos(40)
        self.scanner()

    def mute(self, **how):
        mute = Mute(self.control, **how)
        mute.start()
        self.addCleanup(mute.end)
        wait_until(lambda: self.client.stage("preprocess")["workers"] == 1, "the mute one")
        return mute

    def test_what_it_holds_goes_to_an_honest_one_within_some_leases(self):
        mute = self.mute(proves=True)
        run = self.client.submit(self.photos, self.out)
        wait_until(lambda: mute.jobs == 8, "the jobs that it holds")
        self.preprocess(0)
        report = self.assert_closes(self.client.wait(run), 40)
        self.assertEqual(report["ok"], 40)
        self.assertIn("it did not answer for a job that was taken back", self.broker.stderr)

    def test_a_run_that_is_cancelled_does_not_wait_for_it(self):
        mute = self.mute(proves=True)
        run = self.client.submit(self.photos, self.out)
        wait_until(lambda: mute.jobs == 8, "the jobs that it holds")
        self.client.cancel(run)
        self.assertEqual(self.client.wait(run)["state"], "stopped")

    def test_one_whose_feed_carries_nothing_costs_no_item_anything(self):
        mute = self.mute(proves=False, rejoins=True)
        run = self.client.submit(self.photos, self.out)
        self.preprocess(0)
        report = self.assert_closes(self.client.wait(run), 40)
        self.assertEqual(report["ok"], 40)
        wait_until(lambda: "nothing that is sent to its feed arrives" in self.broker.stderr, "the reason")
        seen = mute.incarnations
        wait_until(lambda: mute.incarnations > seen + 5, "more of it")
        self.assertEqual(self.broker.stderr.count("nothing that is sent to its feed arrives"), 1)

    def test_if_nobody_else_works_the_run_ends_and_says_why(self):
        run = self.client.submit(self.photos, self.out)
        self.mute(proves=False, rejoins=True)
        status = self.client.wait(run)
        self.assertEqual(status["state"], "failed")
        self.assertIn("worker preprocess-7 reports, but nothing that is sent to its feed arrives, "
                      "and no other works at that stage", os.fsdecode(wire.as_bytes(status["reason"])))


if __name__ == "__main__":
    unittest.main(verbosity=2)
