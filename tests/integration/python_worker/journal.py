"""What a worker did, a JSON object a line, for a test to read while it does it."""
import json
import time


class Journal:
    def __init__(self, path):
        self._file = open(path, "a", buffering=1) if path else None

    def note(self, event, **facts):
        if self._file:
            facts = {"event": event, "at": time.monotonic(), **facts}
            self._file.write(json.dumps(facts) + "\n")
