"""One incarnation of a worker: its feed and its reports, which live and die together."""
import zmq
from zmq.utils.monitor import recv_monitor_message

import wire

LINGER_MS = 1000
# CLOSED too: a connection that fails at once is never DISCONNECTED, and never tried again.
ENDED = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED


def sibling(control, where):
    """The endpoint that WELCOME names: a port on control's host, or a file in control's folder."""
    if where.isdigit():
        return f"{control.rpartition(':')[0]}:{where}"
    return f"{control.rpartition('/')[0]}/{where}"


class Links:
    def __init__(self, context, control, welcome):
        self.epoch = welcome["epoch"]
        self.inc = welcome["inc"]
        self.feed_name = welcome["feed"]
        self.lost = False
        self.feed = context.socket(zmq.PULL)
        self.feed.set_hwm(0)
        self.reports = context.socket(zmq.PUSH)
        self.reports.set_hwm(0)
        self.monitors = []
        for socket, where in ((self.feed, welcome["feed"]), (self.reports, welcome["reports"])):
            socket.linger = LINGER_MS
            # A port may have been given to another worker in the meantime: never reconnect.
            socket.reconnect_ivl = -1
            self.monitors.append(socket.get_monitor_socket(ENDED))
            socket.connect(sibling(control, where))

    def sockets(self):
        return [self.feed, *self.monitors]

    def send(self, head, payloads=()):
        frames = wire.encode({**head, "epoch": self.epoch, "inc": self.inc}, payloads)
        try:
            self.reports.send_multipart(frames, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            self.lost = True  # the connection has ended: waiting would last for ever

    def receive(self):
        """Every message that has come, as frames."""
        while True:
            try:
                yield self.feed.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def look(self):
        """Sets `lost` where either connection has ended."""
        for monitor in self.monitors:
            while monitor.poll(0):
                recv_monitor_message(monitor)
                self.lost = True

    def close(self):
        for socket, monitor in zip((self.feed, self.reports), self.monitors):
            socket.disable_monitor()
            monitor.close()
            socket.close()
