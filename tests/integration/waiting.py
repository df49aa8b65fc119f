"""Waiting for a condition, and finding ports: what every test of whole processes needs."""
import random
import socket
import time

# Under a sanitizer everything takes many times longer: deadlines only bound a failing test.
PATIENCE_S = 100


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Returns the condition's first true value; fails the test where none comes."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {patience_s} s for {what}")


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = random.randrange(10_000, 30_000)
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for taken in sockets:
                taken.close()
