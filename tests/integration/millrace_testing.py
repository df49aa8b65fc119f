"""What the whole-system tests share: generated pictures, `millrace` as a child, and waiting.

The tests run the built executables, found in the folder that MILLRACE_BIN_DIR names. They wait for
conditions with a deadline, never for a time to pass.
"""
import io
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

import sanitizers
from waiting import PATIENCE_S, free_ports, wait_until  # noqa: F401  (for the tests)

BIN = pathlib.Path(os.environ["MILLRACE_BIN_DIR"])


def jpeg(seed, size=(48, 40)):
    """A small JPEG; another one for each of 64 seeds."""
    image = Image.new("RGB", size, (90 + seed % 64 * 2, 110, 200 - seed % 64 * 2))
    image.putpixel((seed % 40, 7), (255, 255, 255))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return data.getvalue()


def write_photos(folder, count, prefix="photo"):
    """`count` small JPEGs in sub-folders of a hundred; returns their paths relative to `folder`."""
    contents = [jpeg(seed) for seed in range(64)]
    names = []
    for number in range(count):
        name = f"{number // 100:03}/{prefix}-{number:05}.jpg"
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[number % 64])
        names.append(name)
    return names


def files_below(folder):
    """The files of a folder as bytes relative to it, but those in .millrace."""
    root = os.fsencode(folder)
    found = set()
    for where, folders, files in os.walk(root):
        if where == root and b".millrace" in folders:
            folders.remove(b".millrace")
        found |= {os.path.relpath(os.path.join(where, name), root) for name in files}
    return found


def broken_pictures(folder):
    """The files of a folder that do not decode to their end: half-written ones."""
    broken = []
    for name in files_below(folder):
        try:
            with Image.open(os.path.join(os.fsencode(folder), name)) as image:
                image.load()
        except OSError:
            broken.append(name)
    return broken


class Process:
    """A `millrace` command, or another of its executables, going on in a process group of its own.

    `stdin` is what it gets to read, or a file to read from; nothing where it is None.
    """

    def __init__(self, folder, words, stdin=None, executable="millrace"):
        self.stdout_path = pathlib.Path(folder, "stdout")
        self.stderr_path = pathlib.Path(folder, "stderr")
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                [BIN / executable, *words],
                stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        if isinstance(stdin, bytes):
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="surrogateescape")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="surrogateescape")

    def wait(self, patience_s=PATIENCE_S):
        """The exit status."""
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end in {patience_s} s; it said:\n{self.stderr}") from None

    def kill_all(self):
        """Ends what is left of the group."""
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()

    def children(self):
        return children_of(self.pid)


def children_of(parent):
    """The living children of a process: {"broker": pid, "preprocess-0": pid, ...}."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                state, ppid = file.read().rpartition(b")")[2].split()[:2]
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode().split("\0")
        except OSError:  # it has ended
            continue
        if int(ppid) != parent or state == b"Z":
            continue
        if "--stage" in words:
            stage = words[words.index("--stage") + 1]
            replica = words[words.index("--replica") + 1]
            children[f"{stage}-{replica}"] = int(entry)
        elif words[0].endswith("millrace-broker"):
            children["broker"] = int(entry)
    return children


def open_files(pid):
    """The paths of the files that a process has open, those that are gone too."""
    paths = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            paths.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except FileNotFoundError:  # closed meanwhile, or the process has ended
        pass
    return paths


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except FileNotFoundError:
        return False


class TestCase(unittest.TestCase):
    """Gives each test a folder with `photos` and `out` in it, and ends what it started."""

    # The demo topology on small pictures: the machinery at work, and no time spent on pixels.
    SMALL = [
        "--set", "preprocess.options.size.width=64", "--set", "preprocess.options.size.height=64"
    ]

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        sanitizers.watch(self, self.folder)
        self.photos = self.folder / "photos"
        self.out = self.folder / "out"
        self.photos.mkdir()
        self.started = 0

    def start(self, *words, stdin=None, executable="millrace"):
        """Starts `millrace` with these words."""
        self.started += 1
        folder = self.folder / f"process-{self.started}"
        folder.mkdir()
        process = Process(folder, [str(word) for word in words], stdin, executable)
        self.addCleanup(process.kill_all)
        return process

    def start_demo(self, *words, stdin=None):
        """Starts the demo topology over `photos`."""
        return self.start("run", "demo", self.photos, self.out, *self.SMALL, *words, stdin=stdin)

    def run_to_end(self, *words, expect, stdin=None):
        """Runs `millrace` and checks its exit status; gives it back for its words."""
        process = self.start(*words, stdin=stdin)
        status = process.wait()
        self.assertEqual(status, expect, process.stderr)
        return process

    def run_demo(self, *words, expect=0, stdin=None):
        return self.run_to_end(
            "run", "demo", self.photos, self.out, *self.SMALL, *words, expect=expect, stdin=stdin)

    def report(self, out=None):
        return json.loads(((out or self.out) / ".millrace/report.json").read_text())

    def failures(self, out=None):
        """failed.jsonl as {path in bytes: code}."""
        lines = ((out or self.out) / ".millrace/failed.jsonl").read_text().splitlines()
        failures = [json.loads(line) for line in lines]
        return {os.fsencode(failure["path"]): failure["code"] for failure in failures}

    def assert_closes(self, report):
        """Every item of the run ended, once."""
        self.assertTrue(report["scan_complete"], report)
        self.assertEqual(
            report["scanned"], report["ok"] + report["failed"] + report["skipped"], report)
        self.assertNotIn("unfinished", report)

    def assert_gone(self, children):
        """None of {name: pid} lives on."""
        wait_until(
            lambda: not any(is_alive(pid) for pid in children.values()), f"the end of {children}")

    def assert_nothing_half_written(self, out=None):
        self.assertEqual(broken_pictures(out or self.out), [])
        tmp = (out or self.out) / ".millrace/tmp"
        self.assertEqual(list(tmp.iterdir()) if tmp.exists() else [], [])


def main():
    # nohup, and a shell that starts this in the background, leave them ignored, for children too.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(argv=[sys.argv[0], "--verbose", *sys.argv[1:]])
