"""Files made to hurt (hostile_files.py): each gets a verdict, in bounded time and memory.

    /usr/bin/python3 tests/inspect/hostile_test.py [--keep FOLDER] [TEST...]

Imports little: what this process has in memory counts into its children's peak (see man 2 getrusage).
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", HERE.parents[1] / "build/release/bin"))
CPU_S = 20
PEAK_MB = 512
# What may be said at strict of a file that is ok at decode.
HARMLESS = {"ok", "trailing-data", "bad-metadata", "extension-mismatch"}
LOST = {"truncated", "corrupt", "bad-crc", "not-an-image", "empty"}
NO_VERDICT = {"unsupported-format", "preview-only", "too-large", "suspicious"}
CODES = HARMLESS | LOST | NO_VERDICT


def judge(level, path):
    """(verdict, exit status, CPU seconds, peak MB) of a process that looks at one file."""
    reader, writer = os.pipe()
    child = subprocess.Popen(
        [BIN / "inspect_tool", level, path], stdout=writer, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (3 * CPU_S, 3 * CPU_S)))
    os.close(writer)
    with os.fdopen(reader) as said:
        line = said.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    verdict = json.loads(line) if line else {"code": "", "detail": ""}
    return verdict, child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


class Hostile(unittest.TestCase):
    keep = None

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.keep or cls.temporary.name, "files")
        made = subprocess.run([sys.executable, HERE / "hostile_files.py", cls.folder], check=True, stdout=subprocess.PIPE)
        cls.right = json.loads(made.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def look_at_all(self, level, right):
        for name in sorted(self.right):
            with self.subTest(name):
                verdict, status, cpu_s, peak_mb = judge(level, self.folder / name)
                print(f"{level:7} {name:32} {verdict['code']:18} {cpu_s:6.2f} s {peak_mb:5} MB  {verdict['detail']}")
                self.assertEqual(status, 0)
                self.assertIn(verdict["code"], right(name))
                self.assertLess(cpu_s, CPU_S)
                self.assertLess(peak_mb, PEAK_MB)

    def test_their_headers_cost_little(self):
        self.look_at_all("open", lambda name: {"ok"} | LOST | NO_VERDICT)

    def test_all_that_they_have_costs_little(self):
        def right(name):
            codes = set(self.right[name] or CODES)
            return codes | HARMLESS if "ok" in codes else codes

        self.look_at_all("strict", right)

    def test_a_worker_lives_through_them_all(self):
        state = pathlib.Path(self.temporary.name, "state")
        child = subprocess.Popen([BIN / "millrace", "check", self.folder, "--json", "--state", state],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        verdicts = {verdict["path"]: verdict for verdict in map(json.loads, child.stdout)}
        child.stdout.close()
        # The peak of its largest descendant: a worker.
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 1)
        # Of a name that others have too, and without a signature: skipped.
        self.assertEqual(sorted(verdicts), sorted(set(self.right) - {"icon.ico"}))
        for name, verdict in sorted(verdicts.items()):
            with self.subTest(name):
                self.assertIn(verdict["code"], self.right[name] or CODES)
        self.assertLess(usage.ru_maxrss // 1024, PEAK_MB)


if __name__ == "__main__":
    if "--keep" in sys.argv:
        at = sys.argv.index("--keep")
        Hostile.keep = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    unittest.main(verbosity=2)
