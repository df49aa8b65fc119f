"""What a handler says of one job, as the broker wants to hear it."""
import dataclasses


@dataclasses.dataclass
class Part:
    """A row-major array: `data` has product(shape) x size(dtype) bytes."""

    name: str
    dtype: str
    shape: list
    data: bytes

    def head(self):
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}


@dataclasses.dataclass
class Done:
    parts: list = dataclasses.field(default_factory=list)
    meta: bytes = b""
    warnings: list = dataclasses.field(default_factory=list)
    outputs: list = dataclasses.field(default_factory=list)  # as in the protocol
    record: tuple = None  # its name and its line


@dataclasses.dataclass
class Scanned:
    """A scan chunk's end: `found` as in the protocol; no cursor where the scan has ended."""

    found: list
    cursor: bytes = None
    exhaustive: bool = False


@dataclasses.dataclass
class Failed:
    code: str
    text: str
    retryable: bool = False


@dataclasses.dataclass
class Skipped:
    reason: str


@dataclasses.dataclass
class GivenUp:
    """Revoked while it was processed, and not worth finishing."""


def report(lease, outcome, max_payload):
    """(head without its envelope, payload frames) of the report of one job's outcome."""
    result = {"job": lease[0], "delivery": lease[1]}
    if isinstance(outcome, Done):
        if sum(len(part.data) for part in outcome.parts) > max_payload:
            return report(lease, Failed("too-large", "its result is larger than max_payload"), 0)
        result |= {"parts": [part.head() for part in outcome.parts],
                   "meta": outcome.meta, "warnings": outcome.warnings, "outputs": outcome.outputs}
        if outcome.record:
            result |= {"record_name": outcome.record[0], "record": outcome.record[1].encode()}
        return {"t": "done", "results": [result]}, [part.data for part in outcome.parts]
    if isinstance(outcome, Scanned):
        result |= {"found": outcome.found, "cursor": outcome.cursor,
                   "exhaustive": outcome.exhaustive}
        return {"t": "done", "results": [result]}, []
    if isinstance(outcome, Failed):
        result |= {"code": outcome.code, "text": outcome.text, "retryable": outcome.retryable}
        return {"t": "fail", "results": [result]}, []
    if isinstance(outcome, Skipped):
        return {"t": "skip", "results": [result | {"reason": outcome.reason}]}, []
    return {"t": "return", "leases": [list(lease)]}, []
