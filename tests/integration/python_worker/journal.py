"""What a worker did, a JSON object a line, for a test to read while it does it."""
import json


class Journal:
    def __init__(self, path):
        self._file = open(path, "a", buffering=1) if path else None

    def note(self, event, **facts):
        if self._file:
            self._file.write(json.dumps({"event": event, **facts}) + "\n")
