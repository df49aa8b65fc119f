"""A broker and its workers as child processes of a test, on a topology of the test's own."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from PIL import Image

from client import Client

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import sanitizers  # noqa: E402
from waiting import PATIENCE_S, free_ports, wait_until  # noqa: E402

SCAN = "name: scan, executable: scanner"
PREPROCESS = "name: preprocess, executable: preprocess, credit: 4"

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(os.environ["MILLRACE_BIN_DIR"])


class Child:
    """A process, what it wrote to stderr, and, for a Python worker, its journal."""

    def __init__(self, folder, name, words):
        self.name = name
        self.stderr_path = folder / f"{name}.stderr"
        self.journal_path = folder / f"{name}.journal"
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen([str(word) for word in words], stderr=stderr,
                                            stdin=subprocess.DEVNULL, stdout=stderr)

    def events(self, *names):
        if not self.journal_path.exists():
            return []
        lines = self.journal_path.read_text().split("\n")[:-1]  # the last may still be written
        return [event for event in map(json.loads, lines) if event["event"] in names]

    def await_event(self, name, count=1):
        """The count-th event of a name."""
        def found():
            self.check_alive_for(name)
            return self.events(name)[count - 1:]
        return wait_until(found, f"{name} number {count} of {self.name}")[0]

    def check_alive_for(self, name):
        if self.process.poll() is not None and not self.events(name):
            raise AssertionError(f"{self.name} ended, {name} never came:\n{self.stderr}")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end; it said:\n{self.stderr}") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class PipelineTest(unittest.TestCase):
    """Gives each test a folder with `photos` and `out`; ends what it started."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        sanitizers.watch(self, self.folder)
        self.photos = self.folder / "photos"
        self.out = self.folder / "out"
        self.photos.mkdir()
        self.hold = self.folder / "go-on"
        self.workers = []
        self.children = {}

    def tell_all(self):
        """What every process said at the end: a failed test's only witnesses."""
        for name, child in self.children.items():
            print(f"--- {name}: {child.process.poll()}\n{child.stderr[-3000:]}", file=sys.stderr)
            if child.journal_path.exists():
                lines = child.journal_path.read_text().splitlines()
                print("\n".join(lines[-25:]), file=sys.stderr)

    def run(self, result=None):
        self.result = result
        self.failed_before = len(result.failures) + len(result.errors)
        return super().run(result)

    def tearDown(self):
        # Before the clean-up, which takes the folder away.
        if len(self.result.failures) + len(self.result.errors) > self.failed_before:
            self.tell_all()

    def start_broker(self, stages, feeds=None):
        """On TCP where a number of feed ports is given, else over ipc. Connects `self.client`."""
        if feeds:
            first = free_ports(feeds + 2)
            where = (f"host: 127.0.0.1, control: {first}, reports: {first + 1}, "
                     f"feed: {first + 2}-{first + 1 + feeds}")
            self.control = f"tcp://127.0.0.1:{first}"
            self.reports = f"tcp://127.0.0.1:{first + 1}"
        else:
            where = f"endpoint_dir: {self.folder}"
            self.control = f"ipc://{self.folder}/control"
            self.reports = f"ipc://{self.folder}/reports"
        self.topology = self.folder / "topology.yaml"
        self.topology.write_text(
            "version: 1\nname: python-worker\n"
            f"broker: {{{where}, state: {self.folder}/state}}\nstages:\n"
            + "".join(f"  - {{{stage}}}\n" for stage in stages))
        self.restart_broker()
        self.client = Client(self.control)
        self.addCleanup(self.client.close)

    def restart_broker(self):
        """Another life of the broker on the same addresses."""
        self.broker = self.child("broker", BIN / "millrace-broker", "--topology", self.topology)

    def child(self, name, *words):
        child = Child(self.folder, name, words)
        self.addCleanup(child.kill)
        self.children[name] = child
        return child

    def python(self, script, stage, replica=0, *words):
        name = f"{stage}-{replica}"
        return self.child(name, sys.executable, HERE / script, "--control", self.control,
                          "--stage", stage, "--replica", replica,
                          "--journal", self.folder / f"{name}.journal", *words)

    def scanner(self):
        return self.python("scan_worker.py", "scan")

    def preprocess(self, replica=0, *words):
        worker = self.python("preprocess_worker.py", "preprocess", replica, *words)
        self.workers.append(worker)
        return worker

    def write_photos(self, count, size=(48, 40)):
        names = []
        for number in range(count):
            name = f"{number % 3}/photo-{number:03}.jpg"
            (self.photos / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", size, (90 + 2 * (number % 64), 110, 90)).save(self.photos / name)
            names.append(name)
        return names

    def end_politely(self, *children):
        for child in children:
            child.signal(signal.SIGTERM)
        for child in children:
            self.assertEqual(child.wait(), 0, child.stderr)

    def assert_closes(self, status, scanned):
        """Every item of the run has ended, once."""
        self.assertEqual(status["state"], "done", (status, self.broker.stderr))
        report = json.loads(status["report"])
        self.assertTrue(report["scan_complete"])
        self.assertEqual(report["scanned"], scanned)
        self.assertEqual(report["scanned"], report["ok"] + report["failed"] + report["skipped"])
        self.assertNotIn("unfinished", report)
        return report
