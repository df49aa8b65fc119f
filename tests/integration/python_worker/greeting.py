"""How a worker makes itself known: HELLO until a WELCOME comes, over the control socket."""
import os
import socket as network
import time

import zmq

import wire
from links import LINGER_MS

AGAIN_S = 1.0


class Greeting:
    def __init__(self, context, control, stage, replica):
        self.boot = os.urandom(16)  # of this process
        self.attempt = 0
        self.due = 0.0  # when to say HELLO (again)
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = LINGER_MS
        self.socket.connect(control)
        self._stage = stage
        self._replica = replica

    def hello(self):
        self.socket.send_multipart(wire.encode({
            "t": "hello", "id": self.attempt + 1, "version": 1, "stage": self._stage,
            "replica": self._replica, "boot": self.boot, "attempt": self.attempt,
            "pid": os.getpid(), "host": network.gethostname(), "software": "python_worker 1"}))
        self.due = time.monotonic() + AGAIN_S

    def next_attempt(self, now):
        """The links are lost, or the broker wants no more of this attempt."""
        self.attempt += 1
        self.due = time.monotonic() + (0 if now else AGAIN_S)

    def answers(self):
        """The replies to this attempt's HELLO; it may have been said more than once."""
        while self.socket.poll(0):
            try:
                head, _ = wire.decode(self.socket.recv_multipart())
            except wire.Malformed:
                continue
            if head.get("id") == self.attempt + 1:
                yield head

    def close(self):
        self.socket.close()
