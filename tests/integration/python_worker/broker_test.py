#!/usr/bin/env python3
"""Python workers on millrace's broker: draining, revoking, garbage, and ports that are used again."""
import os
import random
import signal
import unittest

import msgpack
import zmq

from pipeline import PipelineTest, wait_until

SCAN = "name: scan, executable: scanner"
PREPROCESS = "name: preprocess, executable: preprocess, credit: 4"


class Drain(PipelineTest):
    def start_two(self):
        self.start_broker([SCAN, PREPROCESS + ", replicas: 2"])
        self.names = self.write_photos(30)
        self.scanner()
        first = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        self.run_id = self.client.submit(self.photos, self.out)
        first.await_event("claim")
        first.await_event("job", 4)  # three that it has not claimed
        return first

    def test_a_worker_told_to_leave_returns_what_it_has_not_claimed(self):
        first = self.start_two()
        second = self.preprocess(1)
        first.signal(signal.SIGTERM)
        returned = first.await_event("return")
        self.assertEqual(len(returned["leases"]), 3)
        wait_until(lambda: len(second.events("done")) == 29, "all but the held job")
        self.assertIsNone(first.process.poll())  # it finishes what it has begun
        self.hold.touch()
        status = self.client.wait(self.run_id)
        self.assertEqual(self.assert_closes(status, 30)["ok"], 30)
        self.assertEqual(first.wait(), 0)
        self.assertEqual(len(first.events("done")), 1)
        self.assertEqual(first.await_event("left")["unconfirmed"], 0)
        self.end_politely(second)

    def test_shutdown_drains_every_worker_and_the_broker_leaves_last(self):
        first = self.start_two()
        self.client.shutdown()
        self.assertEqual(len(first.await_event("return")["leases"]), 3)
        self.assertIsNone(self.broker.process.poll())  # what was begun is waited for
        self.hold.touch()
        self.assertEqual(self.children["scan-0"].wait(), 0)
        self.assertEqual(first.wait(), 0)
        self.assertEqual(first.await_event("leave")["why"], "drain")
        self.assertEqual(first.await_event("left")["unconfirmed"], 0)
        self.assertEqual(self.broker.wait(), 0)


class Revoke(PipelineTest):
    def test_jobs_of_a_cancelled_run_come_back_unprocessed(self):
        self.start_broker([SCAN, PREPROCESS])
        self.write_photos(30)
        self.scanner()
        worker = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        run = self.client.submit(self.photos, self.out)
        worker.await_event("job", 4)
        claimed = worker.await_event("claim")["lease"]
        self.client.cancel(run)
        returned = {tuple(lease) for lease in worker.await_event("return")["leases"]}
        held = {tuple(event["lease"]) for event in worker.events("job")}
        self.assertEqual(returned, held - {tuple(claimed)})
        self.hold.touch()  # what was begun is finished
        status = self.client.wait(run)
        self.assertEqual(status["state"], "stopped")
        self.assertEqual(status["ok"], 1)
        self.assertEqual([event["lease"] for event in worker.events("done")], [claimed])
        # The credit is whole again: another run goes through.
        again = self.client.submit(self.photos, self.folder / "again")
        self.assertEqual(self.assert_closes(self.client.wait(again), 30)["ok"], 30)
        self.end_politely(worker)


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
        self.assertIn("a control connection sent a message that does not", self.broker.stderr)
        self.assertRegex(self.broker.stderr, "reports connection [0-9]+ sent a message that does not")
        self.end_politely(worker)

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
            socket.rcvtimeo = 20_000
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
        types = ["hello", "exit", "submit", "status", "wait", "cancel", "failures", "credit", "claim",
                 "done", "fail", "skip", "return", "beat", "job", "welcome", "", "nonsense"]
        wrong = [None, -1, 2**64 - 1, 1.5, "text", b"\xff\xfe", [], {}, [[1]], [[1, 2, 3]], {"a": 1}]
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


class Joining(PipelineTest):
    def test_a_refusal_that_may_pass_is_asked_about_again_and_any_other_ends_the_worker(self):
        self.start_broker([SCAN, PREPROCESS], feeds=2)
        scanner, first = self.scanner(), self.preprocess(0)
        scanner.await_event("welcome")
        first.await_event("welcome")
        second = self.preprocess(1)
        self.assertEqual(second.await_event("refused")["code"], "unavailable")  # no port is free
        stranger = self.python("preprocess_worker.py", "no-such-stage")
        self.assertEqual(stranger.wait(), 2)
        self.assertEqual(stranger.await_event("refused")["code"], "not-found")
        self.end_politely(first)
        second.await_event("welcome")
        self.end_politely(second, scanner)


class Ports(PipelineTest):
    def test_an_old_worker_waking_on_a_port_of_another_gets_nothing_meant_for_it(self):
        self.start_broker([SCAN, PREPROCESS + ", replicas: 3"], feeds=4)
        names = self.write_photos(40)
        self.scanner().await_event("welcome")
        old = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        run = self.client.submit(self.photos, self.out)
        old.await_event("claim")
        port = old.await_event("welcome")["feed"]
        self.addCleanup(old.signal, signal.SIGCONT)
        old.signal(signal.SIGSTOP)
        wait_until(lambda: self.client.stage("preprocess")["workers"] == 0, "its link to be cut")

        # Others join until one has the old worker's port.
        heirs = []
        while not any(heir.await_event("welcome")["feed"] == port for heir in heirs):
            self.assertLess(len(heirs), 4, "the port was never used again")
            heirs.append(self.preprocess(len(heirs) + 1, "--slots", 4, "--hold", self.hold))
        heirs[-1].await_event("job", 4)
        if len(heirs) == 3:  # all four feeds are taken: make room for the old one's next
            self.end_holding(heirs.pop(0))
        old.signal(signal.SIGCONT)
        lost = old.await_event("lost")
        again = old.await_event("welcome", 2)
        self.assertGreater(again["inc"], lost["inc"])
        self.hold.touch()
        status = self.client.wait(run)
        report = self.assert_closes(status, len(names))
        self.assertEqual(report["ok"], len(names))

        self.end_politely(old, *heirs)  # and so all journals are complete
        for worker in self.workers:
            self.assertEqual(worker.events("foreign"), [], worker.name)
        done = self.accepted_dones()
        self.assertEqual(len(done), len(names))
        self.assertEqual(len(set(done)), len(names))
        for worker in self.workers:
            mine = {event["inc"] for event in worker.events("welcome")}
            self.assertLessEqual({event["inc"] for event in worker.events("claim", "done")}, mine)

    def accepted_dones(self):
        """The jobs whose DONE was accepted, a repeated one as often as it was."""
        jobs = []
        for worker in self.workers:
            accepted = [tuple(lease) for event in worker.events("confirm")
                        for lease in event["accepted"]]
            for event in worker.events("done"):
                if accepted.count(tuple(event["lease"])) == 2:  # the CLAIM and the DONE
                    jobs.append(event["lease"][0])
        return jobs

    def end_holding(self, worker):
        """Ends a worker whose handler is held: its link breaks, its jobs go to others."""
        worker.kill()
        self.workers.remove(worker)


if __name__ == "__main__":
    unittest.main(verbosity=2)
