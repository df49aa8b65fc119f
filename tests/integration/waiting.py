"""Waiting for a condition, and finding ports: what every test of whole processes needs."""
import fcntl
import os
import random
import socket
import tempfile
import time

# Under a sanitizer everything takes many times longer: deadlines only bound a failing test.
PATIENCE_S = 100

PORTS_IN_RANGE = 200


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Returns the condition's first true value; fails the test where none comes."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {patience_s} s for {what}")


_claims = []  # open files: a range of ports is this process's until it ends


def free_ports(count):
    """The first of `count` ports in a row, at most PORTS_IN_RANGE, that nobody listens on and that no other test is given."""
    assert count <= PORTS_IN_RANGE
    while True:
        first = 10_000 + PORTS_IN_RANGE * random.randrange(20_000 // PORTS_IN_RANGE)
        claim = open(os.path.join(tempfile.gettempdir(), f"millrace-test-ports-{first}.lock"), "ab")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            continue
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            _claims.append(claim)
            return first
        except OSError:
            claim.close()
        finally:
            for taken in sockets:
                taken.close()
