#!/usr/bin/env python3
"""A peer that sends anything at all hurts nobody: the broker counts it, and the run closes."""
import os
import random
import unittest

import msgpack
import zmq

from pipeline import PREPROCESS, SCAN, PipelineTest, wait_until


class Garbage(PipelineTest):
    def test_the_broker_outlives_any_bytes_and_the_run_closes(self):
        self.start_broker([SCAN, PREPROCESS], feeds=4)
        self.write_photos(30)
        self.scanner()
        worker = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        run = self.client.submit(self.photos, self.out)
        claim = worker.await_event("claim")
        worker.await_event("job", 4)
        self.epoch = worker.await_event("welcome")["epoch"]
        for frames in self.garbage(claim):
            self.control_socket.send_multipart(frames)
            self.reports_socket.send_multipart(frames)
        self.await_end_of_garbage(worker, claim["inc"])
        self.hold.touch()
        self.assertEqual(self.assert_closes(self.client.wait(run), 30)["ok"], 30)
        self.assertEqual(len(worker.events("done")), 30)
        self.assertEqual(worker.events("lost"), [])
        self.assertRegex(
            self.broker.stderr, "control connection [0-9a-f]+ sent a message that does not")
        self.assertRegex(
            self.broker.stderr, "reports connection [0-9]+ sent a message that does not")
        self.end_politely(worker)

    def test_ten_thousand_refused_hellos_are_a_line_and_a_count(self):
        self.start_broker([SCAN, PREPROCESS], feeds=2)
        for worker in (self.scanner(), self.preprocess(0)):
            worker.await_event("welcome")  # every port is taken
        for burst in range(100):
            for number in range(100):
                self.control_socket.send(msgpack.packb({
                    "t": "hello", "id": burst * 100 + number + 1, "version": 1,
                    "stage": "preprocess", "replica": number, "boot": os.urandom(16), "attempt": 0,
                    "pid": 1, "host": "elsewhere", "software": "none", "recipe": b""}))
            for _ in range(100):
                reply = msgpack.unpackb(self.control_socket.recv())
                self.assertEqual((reply["t"], reply["code"]), ("error", "unavailable"))
        self.client.shutdown()
        self.assertEqual(self.broker.wait(), 0, self.broker.stderr)
        lines = [line for line in self.broker.stderr.splitlines() if "refused preprocess" in line]
        self.assertLess(len(lines), 10, self.broker.stderr[:3000])
        self.assertRegex(lines[0], "refused preprocess-[0-9]+: ")
        self.assertIn("10000 in all", lines[-1])

    def await_end_of_garbage(self, worker, inc):
        """Until the broker has answered what was sent last, on either connection."""
        self.control_socket.send(msgpack.packb({"t": "status", "id": 77, "run": 0}))
        wait_until(lambda: msgpack.unpackb(self.control_socket.recv()).get("id") == 77, "a status")
        no_such = [10**9, 1]
        self.reports_socket.send(msgpack.packb({
            "t": "return", "epoch": self.epoch, "inc": inc, "leases": [no_such]}))
        wait_until(lambda: any(no_such in event["stale"] for event in worker.events("confirm")),
                   "the answer to the last report")

    def setUp(self):
        super().setUp()
        self.rogue = zmq.Context()
        self.addCleanup(self.rogue.term)

    def start_broker(self, stages, feeds=None):
        super().start_broker(stages, feeds)
        self.control_socket = self.rogue.socket(zmq.DEALER)
        self.reports_socket = self.rogue.socket(zmq.PUSH)
        for socket, where in ((self.control_socket, self.control),
                              (self.reports_socket, self.reports)):
            self.addCleanup(socket.close, 1000)
            socket.rcvtimeo = 60_000
            socket.connect(where)

    def garbage(self, claim):
        """Messages that are none, and well-formed ones that are lies."""
        chance = random.Random(3)
        for size in [0, 1, 2, 3, 5, 8, 100, 10_000] * 20:
            yield [chance.randbytes(size) for _ in range(chance.randrange(1, 4))]
        yield [b"\xdd\xff\xff\xff\xff"]  # an array of 2^32 - 1 entries, none of which follow
        yield [b"\xdf\xff\xff\xff\xff\xa1t\xa3job"]
        yield [b"\x81" * 100_000]  # a map in a map in a map ...
        yield [b"\x91" * 100_000]
        job, delivery = claim["lease"]
        inc = claim["inc"]
        epoch = self.epoch
        types = ["hello", "exit", "submit", "status", "wait", "cancel", "failures", "credit",
                 "claim", "done", "fail", "skip", "return", "beat", "job", "welcome", "", "what"]
        wrong = [None, -1, 2**64 - 1, 1.5, "text", b"\xff\xfe", [], {}, [[1]], [[1, 2, 3]],
                 {"a": 1}]
        fields = ["id", "run", "leases", "results", "slots", "claimed", "stage", "boot", "attempt",
                  "input", "output", "options", "version", "replica", "offset", "epoch", "inc"]
        for kind in types:
            yield [msgpack.packb({"t": kind})]
            for value in wrong:
                yield [msgpack.packb({"t": kind, **{field: value for field in fields}})]
                head = {"t": kind, "epoch": epoch, "inc": inc + 1000, "id": 1}
                yield [msgpack.packb({**head, chance.choice(fields): value})]
        # Of the living worker's incarnation, with payloads that do not fit what the head names.
        result = {"job": job, "delivery": delivery,
                  "parts": [{"name": "image", "dtype": "uint8", "shape": [512, 512, 3]}]}
        envelope = {"t": "done", "epoch": epoch, "inc": inc}
        yield [msgpack.packb({**envelope, "results": [result]})]
        yield [msgpack.packb({**envelope, "results": [result]}), b"too short"]
        for shape in ([2**62, 4, 4], [-1], [1] * 9, "512", [2**64 - 1]):
            bad = {**result, "parts": [{"name": "x", "dtype": "uint8", "shape": shape}]}
            yield [msgpack.packb({**envelope, "results": [bad]}), b""]
        yield [msgpack.packb({**envelope, "results": [{**result, "job": 10**9, "parts": []}]})]


if __name__ == "__main__":
    unittest.main(verbosity=2)
