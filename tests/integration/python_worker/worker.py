"""A millrace worker without its work: what common/wire/PROTOCOL.md asks of every stage.

All sockets belong to the thread that calls `run`; the jobs are processed in another one.
"""
import collections
import os
import signal
import sys
import time

import zmq

import wire
from greeting import Greeting
from handler import Call, Handler
from journal import Journal
from links import Links
from outcome import report

# Refusals that may end by themselves; any other stays as it is.
PASSING = "unavailable"
SILENT_BEATS = 5  # a beat unanswered for so long: the links are taken for lost
NO_LEASE = (0, 0)  # revoked first of all, and returned, to prove the feed; the journal passes it over
LEAVE_S = 20.0  # how long a leaving worker waits to be told that all it said was heard


class Worker:
    def __init__(self, control, stage, replica, process, slots=2, journal=None):
        self.control = control
        self.slots = slots
        self.journal = journal or Journal(None)
        self.handler = Handler(process)
        self.links = None
        self.call = None  # what the handler has, of whatever incarnation
        self.jobs = collections.OrderedDict()  # lease -> Job: sent to us and not begun
        self.unconfirmed = collections.Counter()  # lease -> reports of it without an answer
        self.unanswered_beats = collections.deque()  # when each was sent
        self.foreign_jobs = 0
        self.malformed = 0
        self.offered = False  # whether this incarnation has been offered credit
        self.signalled = False
        self.status = 0
        self.leave_by = None
        self.context = zmq.Context()
        self.greeting = Greeting(self.context, control, stage, replica)

    def run(self):
        """Until a drain or SIGTERM, and what follows from it. The exit status."""
        signal_fd, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(signal_fd, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, self.note_signal)
        while not self.has_left():
            self.wait(signal_fd)
            self.read_control()
            if self.links:
                self.read_feed()
            # After the feed is drained: what a lost link brought is worth nothing without it.
            if self.links:
                self.look_at_links()
            self.take_outcome()
            self.begin_next()
            self.keep_time()
        self.journal.note("left", inc=self.links.inc if self.links else None,
                          unconfirmed=sum(self.unconfirmed.values()))
        if self.links:
            self.links.close()
        self.greeting.close()
        self.handler.stop()
        self.context.term()
        return self.status

    def note_signal(self, number, frame):
        self.signalled = True  # it may have come in the middle of a message: the loop acts on it

    def wait(self, signal_fd):
        poller = zmq.Poller()
        for source in (self.greeting.socket, self.handler.wake_fd, signal_fd):
            poller.register(source, zmq.POLLIN)
        for socket in self.links.sockets() if self.links else []:
            poller.register(socket, zmq.POLLIN)
        due = self.beat_due if self.links else self.greeting.due
        poller.poll(max(0, int(1000 * (due - time.monotonic())) + 1))
        try:
            os.read(signal_fd, 64)
        except BlockingIOError:
            pass
        if self.signalled:
            self.leave("signal")

    # Joining.

    def lose_links(self):
        """Ends this incarnation; the next is asked for at once, unless the worker is leaving."""
        self.journal.note("lost", inc=self.links.inc)
        self.links.close()
        self.links = None
        self.jobs.clear()
        self.unconfirmed.clear()
        if self.call:
            self.call.revoke()  # nobody wants it any more
        self.greeting.next_attempt(now=True)

    def read_control(self):
        for answer in self.greeting.answers():
            if self.links or self.leave_by:
                continue
            if answer["t"] == "welcome":
                self.joined(answer)
            elif answer["t"] == "error":
                self.refused(wire.as_text(answer["code"]), wire.as_text(answer["text"]))

    def refused(self, code, text):
        self.journal.note("refused", code=code, text=text)
        if code == PASSING:
            self.greeting.next_attempt(now=False)
        else:
            print(f"the broker refused: {text}", file=sys.stderr)
            self.status = 2
            self.leave("refused")

    def joined(self, welcome):
        self.links = Links(self.context, self.control, welcome)
        self.beat_s = welcome["beat_ms"] / 1000
        self.max_payload = welcome["max_payload"]
        self.unanswered_beats.clear()
        self.heard_at = self.beat_due = time.monotonic()
        self.offered = False
        self.journal.note("welcome", inc=self.links.inc, epoch=self.links.epoch,
                          feed=self.links.feed_name)

    def look_at_links(self):
        self.links.look()
        # Only a beat without an answer is silence: one that was itself asleep has asked nothing.
        asked_at = max(self.unanswered_beats[0], self.heard_at) if self.unanswered_beats else None
        silent = asked_at and time.monotonic() - asked_at > SILENT_BEATS * self.beat_s
        if self.links.lost or silent:
            self.lose_links()

    # What the broker says.

    def read_feed(self):
        for frames in self.links.receive():
            try:
                head, payloads = wire.decode(frames)
                self.hear(head, payloads)
            except (wire.Malformed, KeyError, TypeError, ValueError):
                self.malformed += 1

    def hear(self, head, payloads):
        if (head.get("epoch"), head.get("inc")) != (self.links.epoch, self.links.inc):
            if head["t"] == "job":
                self.foreign_jobs += len(head["jobs"])
            self.journal.note("foreign", type=head["t"], inc=head.get("inc"))
            return
        self.heard_at = time.monotonic()
        if head["t"] == "job":
            for job in wire.jobs_in(head, payloads):
                self.jobs[job.lease] = job
                self.journal.note("job", lease=job.lease, alone=job.alone)
        elif head["t"] == "revoke":
            self.revoke(wire.leases_in(head["leases"]))
        elif head["t"] == "confirm":
            self.confirmed(wire.leases_in(head["accepted"]), wire.leases_in(head["stale"]))
        elif head["t"] == "drain":
            self.leave("drain")
        elif head["t"] == "beat":
            if self.unanswered_beats:
                self.unanswered_beats.popleft()
        if self.leave_by:
            self.return_jobs(list(self.jobs))  # what was under way when we said that we leave

    def revoke(self, leases):
        if NO_LEASE in leases:
            self.say([NO_LEASE], {"t": "return", "leases": [list(NO_LEASE)]})
            leases = [lease for lease in leases if lease != NO_LEASE]
            if not leases:
                return
        self.journal.note("revoke", leases=leases)
        running = self.call.job.lease if self.call and self.call.links is self.links else None
        # One that is not here may have gone astray: only this answer frees its slot.
        self.return_jobs([lease for lease in leases if lease != running])
        if running in leases:
            self.call.revoke()

    def confirmed(self, accepted, stale):
        for lease in accepted + stale:
            self.unconfirmed[lease] -= 1
            if self.unconfirmed[lease] <= 0:
                del self.unconfirmed[lease]
        if self.call and self.call.job.lease in stale:
            self.call.revoke()  # somebody else has it, or nobody wants it
        if stale == [NO_LEASE]:
            return
        self.journal.note("confirm", accepted=accepted, stale=stale)

    # What the broker is told.

    def say(self, leases, head, payloads=()):
        self.unconfirmed.update(leases)
        self.links.send(head, payloads)

    def return_jobs(self, leases):
        if leases:
            for lease in leases:
                self.jobs.pop(lease, None)
            self.say(leases, {"t": "return", "leases": [list(lease) for lease in leases]})
            self.journal.note("return", leases=leases)

    def take_outcome(self):
        taken = self.handler.take()
        if not taken:
            return
        call, outcome = taken
        self.call = None
        if call.links is not self.links:
            self.journal.note("forgot", lease=call.job.lease, inc=call.links.inc)
            return
        head, payloads = report(call.job.lease, outcome, self.max_payload)
        self.say([call.job.lease], head, payloads)
        self.journal.note(head["t"], lease=call.job.lease, inc=self.links.inc)

    def begin_next(self):
        if not self.links or self.call or self.leave_by:
            return
        if not self.offered:  # only now that the handler is idle
            self.links.send({"t": "credit", "slots": self.slots})
            self.offered = True
        if self.jobs:
            lease, job = self.jobs.popitem(last=False)
            self.call = Call(self.handler, job, self.links)
            self.say([lease], {"t": "claim", "leases": [list(lease)]})
            self.journal.note("claim", lease=lease, inc=self.links.inc, key=repr(job.key))
            self.handler.begin(self.call)

    def beat(self):
        mine = self.call and self.call.links is self.links
        self.links.send({
            "t": "beat", "progress": self.handler.progress, "busy_ns": self.handler.busy_ns(),
            "foreign_jobs": self.foreign_jobs,
            "claimed": [list(self.call.job.lease)] if mine else []})
        self.unanswered_beats.append(time.monotonic())
        self.beat_due = time.monotonic() + self.beat_s

    def keep_time(self):
        now = time.monotonic()
        if self.links and now >= self.beat_due:
            self.beat()
        elif not self.links and now >= self.greeting.due and not self.leave_by:
            self.greeting.hello()

    # Leaving.

    def leave(self, why):
        if self.leave_by:
            return
        self.leave_by = time.monotonic() + LEAVE_S
        self.journal.note("leave", why=why)
        if self.links:
            self.links.send({"t": "credit", "slots": 0})
            self.return_jobs(list(self.jobs))
            # Its answer comes behind every job that was under way.
            self.beat()

    def has_left(self):
        if not self.leave_by:
            return False
        if self.call:
            return False
        told = not self.unconfirmed and not self.unanswered_beats
        return not self.links or told or time.monotonic() > self.leave_by
