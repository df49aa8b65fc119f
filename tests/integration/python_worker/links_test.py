#!/usr/bin/env python3
"""Links that are refused, lost, made again: nothing reaches a worker that it is not meant for."""
import signal
import socket
import unittest

from pipeline import PREPROCESS, SCAN, PipelineTest, wait_until


class Links(PipelineTest):
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

    def test_a_broker_that_begins_anew_gets_no_result_and_offers_nothing_to_a_busy_worker(self):
        self.start_broker([SCAN, PREPROCESS], feeds=3)
        self.write_photos(10)
        scanner = self.scanner()
        worker = self.preprocess(0, "--slots", 4, "--hold", self.hold, "--deaf")
        self.client.submit(self.photos, self.out)
        worker.await_event("claim")
        worker.await_event("job", 4)
        self.broker.kill()
        worker.await_event("lost")
        self.restart_broker()
        again = worker.await_event("welcome", 2)
        scanner.await_event("welcome", 2)
        self.assertNotEqual(again["epoch"], worker.events("welcome")[0]["epoch"])
        run = self.client.submit(self.photos, self.folder / "again")
        wait_until(lambda: self.client.status(run)["scanned"] == 10, "the scan of the new run")
        self.assertEqual(len(worker.events("job")), 4)  # the handler is not idle yet
        self.hold.touch()
        report = self.assert_closes(self.client.wait(run), 10)
        self.assertEqual(report["ok"], 10)
        self.end_politely(worker, scanner)
        self.assertEqual(len(worker.events("forgot")), 1)
        self.assertEqual({event["inc"] for event in worker.events("done")}, {again["inc"]})

    def test_a_job_whose_worker_died_of_it_comes_again_alone(self):
        self.start_broker([SCAN, PREPROCESS + ", replicas: 2"])
        self.write_photos(20)
        self.scanner()
        victim = self.preprocess(0, "--slots", 4, "--hold", self.hold)
        run = self.client.submit(self.photos, self.out)
        suspect = victim.await_event("claim")["lease"]
        victim.await_event("job", 4)
        self.assertEqual(victim.await_event("confirm")["accepted"], [suspect])
        victim.kill()
        self.client.ask({
            "t": "exit", "stage": "preprocess", "replica": 0, "pid": victim.process.pid,
            "host": socket.gethostname(), "status": 0, "signal": 9, "stderr": b"",
            "expected": False})
        self.hold.touch()
        heir = self.preprocess(1, "--slots", 4)
        report = self.assert_closes(self.client.wait(run), 20)
        self.assertEqual(report["ok"], 20)
        self.end_politely(heir)
        alone = [event["lease"] for event in heir.events("job") if event["alone"]]
        self.assertEqual([lease[0] for lease in alone], [suspect[0]])
        self.assertGreater(alone[0][1], suspect[1])
        # Nothing else in its hands from the job to its result.
        held = set()
        for event in heir.events("job", "done"):
            lease = tuple(event["lease"])
            if event["event"] == "done":
                held.remove(lease)
                continue
            held.add(lease)
            if list(lease) == alone[0] or tuple(alone[0]) in held:
                self.assertEqual(held, {tuple(alone[0])})

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
        heirs[-1].await_event("claim")  # its feed has something to say
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
