"""What a client asks of the broker."""
import os
import time

import zmq

import wire


class Refused(Exception):
    """An `error` reply: its code and text."""


class Client:
    def __init__(self, control):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 1000
        self.socket.connect(control)
        self.last_id = 0

    def ask(self, request, patience_s=60):
        self.last_id += 1
        self.socket.send_multipart(wire.encode({**request, "id": self.last_id}))
        deadline = time.monotonic() + patience_s
        while self.socket.poll(max(0, int(1000 * (deadline - time.monotonic())))):
            head, _ = wire.decode(self.socket.recv_multipart())
            if head["id"] != self.last_id:
                continue  # the answer to a question that was given up
            if head["t"] == "error":
                raise Refused(wire.as_text(head["code"]), wire.as_text(head["text"]))
            return head
        raise TimeoutError(f"no answer to {request}")

    def submit(self, folder, out, options=b"", **more):
        return self.ask({"t": "submit", "input": os.fsencode(folder), "output": os.fsencode(out),
                         "options": options, "stop_at_failures": 0, "stop_at_share": 0.0,
                         **more})["run"]

    def wait(self, run, patience_s=60):
        """The run's status when it has ended."""
        return self.ask({"t": "wait", "run": run}, patience_s)["runs"][0]

    def status(self, run):
        return self.ask({"t": "status", "run": run})["runs"][0]

    def stage(self, name):
        """The counters of one stage."""
        stages = self.ask({"t": "status", "run": 0})["stages"]
        return next(stage for stage in stages if stage["name"] == name)

    def cancel(self, run, reason=b"the test wants it so"):
        return self.ask({"t": "cancel", "run": run, "reason": reason})

    def shutdown(self):
        return self.ask({"t": "shutdown"})

    def close(self):
        self.socket.close()
        self.context.term()
