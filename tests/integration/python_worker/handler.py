"""The thread in which jobs are processed: the one with the sockets is never kept waiting."""
import os
import queue
import threading
import time
import traceback

from outcome import Failed, GivenUp


class Call:
    """One job in the handler's hands. The worker may ask for its end."""

    def __init__(self, handler, job, links):
        self.job = job
        self.links = links  # the incarnation that it was given to
        self._handler = handler
        self._revoked = threading.Event()

    def revoke(self):
        self._revoked.set()

    def is_revoked(self):
        return self._revoked.is_set()

    def progress(self):
        self._handler.progress += 1


class Handler:
    """`process(job, call)` gives an outcome. One call at a time; each makes `wake_fd` readable."""

    def __init__(self, process):
        self.progress = 0
        self._busy_s = 0.0
        self._since = None  # when the present call began
        self._process = process
        self._calls = queue.SimpleQueue()
        self._outcomes = queue.SimpleQueue()
        self.wake_fd, self._wake_write = os.pipe()
        os.set_blocking(self.wake_fd, False)
        self._thread = threading.Thread(target=self._work, name="handler", daemon=True)
        self._thread.start()

    def begin(self, call):
        self._since = time.monotonic()
        self._calls.put(call)

    def take(self):
        """(call, outcome) of a call that has returned, or None."""
        try:
            os.read(self.wake_fd, 1)
        except BlockingIOError:
            return None
        self._busy_s += time.monotonic() - self._since
        self._since = None
        return self._outcomes.get()

    def busy_ns(self):
        running = time.monotonic() - self._since if self._since is not None else 0
        return int((self._busy_s + running) * 1e9)

    def stop(self):
        self._calls.put(None)
        self._thread.join()

    def _work(self):
        while (call := self._calls.get()) is not None:
            try:
                outcome = self._process(call.job, call)
            except Exception:
                outcome = Failed("internal", traceback.format_exc(limit=3))
            self._outcomes.put((call, GivenUp() if outcome is None else outcome))
            os.write(self._wake_write, b"!")
