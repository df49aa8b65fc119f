#!/usr/bin/env bash
# A PULL socket whose receive queue is full stops answering its peer's heartbeats, and is cut.
#
# Seen with pyzmq 27.1.0 (its wheel brings libzmq 4.3.5), Linux, tcp on loopback.
#
# A PUSH socket with ZMQ_HEARTBEAT_IVL and ZMQ_HEARTBEAT_TIMEOUT sends to a PULL with ZMQ_RCVHWM 1
# whose owner works for two seconds on each of its first jobs. While its queue is full, libzmq does not
# read from the connection, so it reads no PING and sends no PONG. The sender declares a healthy, busy
# consumer dead, disconnects, and discards everything it had queued for it: no error on either side,
# and the consumer reconnects within milliseconds. Without heartbeats every message arrives.
#
# So heartbeats and a high-water mark that is ever reached do not go together: bound what is under way
# with credit of your own, or make the time-out longer than the longest job.
#
# Output seen:
#   heartbeats off: 40 of 40 arrived, connections accepted: 1
#   heartbeats on: fewer than 40 of 40 arrived, connections accepted: more than 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install pyzmq==27.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

assert zmq.zmq_version() == "4.3.5", zmq.zmq_version()
COUNT = 40
BYTES = 1_000_000  # large beside the kernel's socket buffers


def trial(heartbeats):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.sndhwm = 0
    if heartbeats:
        push.heartbeat_ivl = 200
        push.heartbeat_timeout = 600
    monitor = push.get_monitor_socket(zmq.EVENT_ACCEPTED)
    port = push.bind_to_random_port("tcp://127.0.0.1")
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 1
    pull.connect(f"tcp://127.0.0.1:{port}")
    for number in range(COUNT):
        push.send(str(number).encode().ljust(BYTES))
    arrived = 0
    while arrived < COUNT and pull.poll(5000):
        pull.recv()
        arrived += 1
        if arrived <= 3:
            time.sleep(2)  # the job
    accepted = 0
    while monitor.poll(0):
        recv_monitor_message(monitor)
        accepted += 1
    context.destroy(linger=0)
    return arrived, accepted


off, on = trial(False), trial(True)
print(f"heartbeats off: {off[0]} of {COUNT} arrived, connections accepted: {off[1]}")
print(f"heartbeats on: {on[0]} of {COUNT} arrived, connections accepted: {on[1]}")
sys.exit(not (off == (COUNT, 1) and on[0] < COUNT and on[1] > 1))
PYTHON
