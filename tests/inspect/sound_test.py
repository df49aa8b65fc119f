"""No sound file of any kind (sound_files.py) is ever moved or deleted, at any level.

    /usr/bin/python3 tests/inspect/sound_test.py [TEST...]
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import sound_files

BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", pathlib.Path(__file__).parents[2] / "build/release/bin"))
PROOF = {"truncated", "corrupt", "bad-crc", "empty"}


class Sound(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.files = self.folder / "files"
        self.names = sound_files.write_sound_files(self.files)

    def check(self, *words, expect=(0, 1)):
        done = subprocess.run([BIN / "millrace", "check", *words], capture_output=True, text=True)
        self.assertIn(done.returncode, expect, done.stderr)
        return done

    def there(self):
        return {str(path.relative_to(self.files)): path.read_bytes() for path in self.files.rglob("*") if path.is_file()}

    def test_none_is_deleted_at_any_level(self):
        before = self.there()
        self.assertEqual(sorted(before), sorted(self.names))
        for level in ("open", "decode", "strict"):
            with self.subTest(level):
                done = self.check(self.files, "--state", self.folder / "state", "--level", level, "--delete", "--yes", "--json")
                proven = [verdict for verdict in map(json.loads, done.stdout.splitlines()) if verdict["code"] in PROOF]
                self.assertEqual(proven, [])
                self.assertEqual(self.there(), before)

    def test_none_is_deleted_for_what_an_older_report_says_of_raw_photos(self):
        report = self.folder / "report.jsonl"
        raw = [name for name, _ in sound_files.raw_photos()]
        with report.open("w") as file:
            for name in raw:
                status = (self.files / name).stat()
                print(json.dumps({"path": name, "input": str(self.files), "code": "corrupt", "bytes": status.st_size,
                                  "mtime_ns": status.st_mtime_ns}), file=file)
        before = self.there()
        done = self.check("--apply", report, "--delete", "--yes", expect=(0,))
        self.assertIn(f"0 deleted, {len(raw)} left alone", done.stderr)
        self.assertEqual(self.there(), before)

    def test_what_belongs_to_a_neighbour_stays_whatever_is_asked_for(self):
        done = self.check(self.files, "--state", self.folder / "state", "--no-default-excludes", "--delete", "--yes",
                          "--also", "not-an-image", "--json")
        left = set(self.there())
        for name in self.names:
            if "apple-double" in name or "._" in name:
                self.assertIn(name, left)
        gone = set(self.names) - left
        self.assertTrue(gone)
        self.assertTrue(all(name.startswith("no-picture-") for name in gone), gone)
        verdicts = {verdict["path"]: verdict for verdict in map(json.loads, done.stdout.splitlines())}
        for name, what in (("web-page", "a web page"), ("video", "an MP4 video"), ("lfs", "`git lfs pull`"), ("zeros", "zero bytes")):
            self.assertIn(what, verdicts[f"no-picture-{name}.jpg"]["detail"])
            self.assertNotIn(f"no-picture-{name}.hdr", verdicts)


if __name__ == "__main__":
    unittest.main(verbosity=2)
