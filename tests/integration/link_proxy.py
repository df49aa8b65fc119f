"""A proxy between workers and their broker whose connections can be reset or fall silent, one at a
time.

WELCOME names ports on the host that was used for HELLO: workers that are told 127.0.0.2 connect all
three of their links there, and the proxy hands each to the same port of 127.0.0.1.
"""
import os
import selectors
import socket
import struct
import threading

FROM, TO = "127.0.0.2", "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, not FIN


class Connection:
    def __init__(self, kind, worker, broker):
        self.kind = kind
        self.ends = (worker, broker)
        self.waiting = {worker: bytearray(), broker: bytearray()}  # to be sent to each

    def other(self, end):
        return self.ends[1] if end is self.ends[0] else self.ends[0]


class LinkProxy:
    """`ports`: {"control": [7710], "reports": [7711], "feed": range(...)}."""

    def __init__(self, ports):
        self.selector = selectors.DefaultSelector()
        self.connections = []
        self.silent = []  # connections over which nothing comes any more
        self.lock = threading.Lock()
        self.wake, self.waker = os.pipe()
        self.selector.register(self.wake, selectors.EVENT_READ, ("wake", None))
        self.listeners = []
        for kind, numbers in ports.items():
            for port in numbers:
                listener = socket.create_server((FROM, port))
                self.listeners.append(listener)
                self.selector.register(listener, selectors.EVENT_READ, (kind, port))
        self.stopping = False
        self.thread = threading.Thread(target=self.run, name="proxy")
        self.thread.start()

    def close(self):
        self.stopping = True
        os.write(self.waker, b"!")
        self.thread.join()
        for end in [*self.listeners, *(end for each in self.connections + self.silent
                                       for end in each.ends)]:
            end.close()
        os.close(self.wake)
        os.close(self.waker)
        self.selector.close()

    def reset(self, kind, random):
        """Resets one connection of a kind; False where there is none."""
        with self.lock:
            chosen = [each for each in self.connections if each.kind == kind]
            if not chosen:
                return False
            self.drop(random.choice(chosen), reset=True)
            return True

    def silence(self, kind, random):
        """Lets nothing more through one connection of a kind, in either direction."""
        with self.lock:
            chosen = [each for each in self.connections if each.kind == kind]
            if not chosen:
                return False
            connection = random.choice(chosen)
            for end in connection.ends:
                self.selector.unregister(end)
            self.connections.remove(connection)
            self.silent.append(connection)
            return True

    # The rest is the proxy's thread, with the lock held; drop is also the other's.

    def run(self):
        while not self.stopping:
            ready = self.selector.select()
            with self.lock:
                for key, events in ready:
                    what, which = key.data
                    if what == "wake":
                        continue
                    if what == "end":
                        if which in self.connections:
                            self.move(which, key.fileobj, events)
                    else:
                        self.accept(what, which, key.fileobj)

    def accept(self, kind, port, listener):
        worker, _ = listener.accept()
        try:
            broker = socket.create_connection((TO, port))
        except OSError:
            worker.close()
            return
        connection = Connection(kind, worker, broker)
        for end in connection.ends:
            end.setblocking(False)
            self.selector.register(end, selectors.EVENT_READ, ("end", connection))
        self.connections.append(connection)

    def move(self, connection, end, events):
        try:
            if events & selectors.EVENT_READ:
                data = end.recv(1 << 16)
                if not data:
                    return self.drop(connection, reset=False)
                self.send(connection, connection.other(end), data)
            if events & selectors.EVENT_WRITE:
                self.send(connection, end, b"")
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection, reset=True)

    def send(self, connection, end, data):
        waiting = connection.waiting[end]
        waiting += data
        try:
            del waiting[:end.send(waiting)]
        except BlockingIOError:
            pass
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        self.selector.modify(end, events, ("end", connection))

    def drop(self, connection, reset):
        self.connections.remove(connection)
        for end in connection.ends:
            self.selector.unregister(end)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.close()
