#!/usr/bin/env python3
"""A worker gives back what it has not begun: when it leaves, and when a run is cancelled."""
import signal
import unittest

from pipeline import PREPROCESS, SCAN, PipelineTest, wait_until


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

    def test_jobs_that_a_busy_worker_has_not_begun_go_to_one_that_is_idle(self):
        self.start_broker([SCAN, PREPROCESS + ", replicas: 2, claim_deadline: 200ms"])
        self.write_photos(4)
        self.scanner()
        busy = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        run = self.client.submit(self.photos, self.out)
        claimed = busy.await_event("claim")["lease"]
        busy.await_event("job", 4)
        idle = self.preprocess(1, "--slots", 4)
        wait_until(lambda: len(idle.events("done")) == 3, "the idle worker to do the three")
        self.hold.touch()
        report = self.assert_closes(self.client.wait(run), 4)
        self.assertEqual(report["ok"], 4)
        self.end_politely(busy, idle)
        self.assertEqual([event["lease"] for event in busy.events("done")], [claimed])


if __name__ == "__main__":
    unittest.main(verbosity=2)
