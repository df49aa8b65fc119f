"""What the tests that break things share: a folder of pictures, some of them broken, what an
undisturbed run makes of it, and what must hold of any other run's outcome."""
import hashlib
import os
import pathlib
import shutil
import signal
import sqlite3
import tempfile
import time
from unittest import mock

from millrace_testing import Process, TestCase, files_below, jpeg, wait_until, write_photos

# Small leases, so that a frozen worker is given up soon; a walk in small chunks and small budgets,
# so that all stages are at work when something breaks.
QUICK = [word for setting in (
    "scan.options.chunk=40", "preprocess.budget=1MiB", "preprocess.replicas=2",
    "scan.lease=2s", "preprocess.lease=2s", "inference.lease=2s", "postprocess.lease=2s",
) for word in ("--set", setting)]


def digests(folder):
    """The outputs below a folder: {path in bytes: digest of the content}."""
    root = os.fsencode(folder)
    return {name: hashlib.sha256(pathlib.Path(os.fsdecode(os.path.join(root, name))).read_bytes())
            .hexdigest() for name in files_below(folder)}


def items_of(state):
    """The items in a state file: [(key, state)], 0 being open."""
    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as database:
        return database.execute("SELECT key, state FROM items").fetchall()


def wait_for_output(out, count, process=None):
    """Waits until so many outputs are there, or the process has ended; returns whether it goes on."""
    def arrived():
        ended = process is not None and process.process.poll() is not None
        return ended or len(files_below(out)) >= count
    wait_until(arrived, f"{count} outputs")
    return process is None or process.process.poll() is None


class ChaosTest(TestCase):
    """`photos` is made once for all tests of a class, and so is the undisturbed run."""

    COUNT = 2000

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="millrace-chaos-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        photos = cls.shared / "photos"
        write_photos(photos, cls.COUNT)
        for number in range(0, cls.COUNT, 100):
            (photos / f"{number // 100:03}/empty.jpg").write_bytes(b"")
            (photos / f"{number // 100:03}/short.jpg").write_bytes(jpeg(number)[:400])
        cls.broken = 2 * len(range(0, cls.COUNT, 100))
        out = cls.shared / "undisturbed"
        folder = cls.shared / "process"
        folder.mkdir()
        run = Process(folder, ["run", "demo", photos, out, *cls.SMALL, "--fail-on", "never"])
        cls.addClassCleanup(run.kill_all)
        if run.wait() != 0:
            raise AssertionError(run.stderr)
        cls.undisturbed = digests(out)

    def setUp(self):
        super().setUp()
        self.photos.rmdir()
        self.photos = self.shared / "photos"
        # Where a killed `millrace run` leaves its folder of sockets.
        sockets = mock.patch.dict(os.environ, {"XDG_RUNTIME_DIR": str(self.folder)})
        sockets.start()
        self.addCleanup(sockets.stop)

    def start_chaos(self, *words):
        return self.start_demo(*QUICK, "--fail-on", "never", *words)

    def check_outcome(self, out=None, state=None):
        """All of it, each item once, as if nothing had happened."""
        out = out or self.out
        report = self.report(out)
        self.assert_closes(report)
        self.assertEqual(
            (report["scanned"], report["ok"], report["failed"]),
            (self.COUNT + self.broken, self.COUNT, self.broken), report)
        lines = (out / ".millrace/failed.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), self.broken)
        failures = self.failures(out)
        self.assertEqual(len(failures), self.broken)
        self.assertEqual(set(failures.values()), {"empty", "truncated"})
        self.assertEqual(digests(out), self.undisturbed)
        self.assert_nothing_half_written(out)
        items = items_of(state or out / ".millrace/state.db")
        self.assertEqual(len(items), self.COUNT + self.broken)
        self.assertEqual(len({key for key, _ in items}), self.COUNT + self.broken)
        self.assertNotIn(0, {outcome for _, outcome in items})


class Disturber:
    """Does one thing after the other to a `millrace run`, as a seeded random source says."""

    def __init__(self, random, log):
        self.random = random
        self.log = log  # what was done, for a failed test's message

    def victim(self, run, wanted):
        """A child to be found by the start of its name: ("preprocess-1", pid)."""
        children = [child for child in sorted(run.children().items()) if child[0].startswith(wanted)]
        return self.random.choice(children) if children else (None, None)

    def send(self, name, pid, number):
        self.log.append(f"{signal.Signals(number).name} to {name}")
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            self.log[-1] += ", which was gone"

    def kill(self, run, wanted):
        name, pid = self.victim(run, wanted)
        if pid is not None:
            self.send(name, pid, signal.SIGKILL)

    def kill_supervisor(self, run):
        self.send("the supervisor", run.pid, signal.SIGKILL)

    def freeze(self, run, wanted, seconds):
        """Stops a child for so long: the time is the fault itself."""
        name, pid = self.victim(run, wanted)
        if pid is None:
            return
        self.send(name, pid, signal.SIGSTOP)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and run.process.poll() is None:
            time.sleep(0.05)
        self.send(name, pid, signal.SIGCONT)
