"""millrace's messages in Python, written from common/wire/PROTOCOL.md and nothing else."""
import math

import msgpack

ITEM_BYTES = {"uint8": 1, "int32": 4, "int64": 8, "float32": 4}


class Malformed(Exception):
    """A message that breaks the rules of the protocol."""


def encode(head, payloads=()):
    """The frames of a message: the head, and one for each part in the order the head names them."""
    return [msgpack.packb(head), *payloads]


def decode(frames):
    """(head, payload frames). Raises Malformed."""
    try:
        # File names are bytes, but a peer may send them as str: see as_bytes.
        head = msgpack.unpackb(frames[0], unicode_errors="surrogateescape")
    except Exception as error:  # msgpack raises half a dozen kinds, ValueError among them
        raise Malformed(str(error)) from error
    if not isinstance(head, dict) or not isinstance(head.get("t"), str):
        raise Malformed("the head is no map with a type")
    return head, frames[1:]


def as_bytes(value):
    """A field of bytes, which the sender may have written as text."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


def as_text(value):
    """A field of text, which the sender may have written as bytes."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def lease_of(entry):
    return (entry["job"], entry["delivery"])


def leases_in(entries):
    return [(int(job), int(delivery)) for job, delivery in entries]


class Job:
    """One job of a `job` message, with its run and its payload."""

    def __init__(self, entry, run, payload):
        self.lease = lease_of(entry)
        self.input = as_bytes(run["input"])
        self.output = as_bytes(run["output"])
        self.options = as_bytes(run.get("options", b""))
        self.key = as_bytes(entry["key"])
        self.cursor = as_bytes(entry.get("cursor", b""))
        self.meta = as_bytes(entry.get("meta", b""))
        self.alone = bool(entry.get("alone", False))
        self.payload = payload  # (part, frame) pairs


def jobs_in(head, payloads):
    """The jobs of a `job` message. Raises Malformed."""
    try:
        runs = {run["id"]: run for run in head["runs"]}
        frames = iter(payloads)
        jobs = []
        for entry in head["jobs"]:
            payload = [(part, next(frames)) for part in entry.get("parts", [])]
            for part, frame in payload:
                if math.prod(part["shape"]) * ITEM_BYTES[part["dtype"]] != len(frame):
                    raise Malformed(f"a frame of {len(frame)} bytes does not fill {part}")
            jobs.append(Job(entry, runs[entry["run"]], payload))
    except (KeyError, TypeError, StopIteration) as error:
        raise Malformed(f"a job lacks something: {error!r}") from error
    return jobs
