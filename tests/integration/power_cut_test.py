#!/usr/bin/env python3
"""The power is cut just after a command has said that it is done: what it said is on disk is there.

A real ext4 on a loop device, whose shutdown ioctl drops all that was not synced. Root alone may do
that.
"""
import fcntl
import json
import os
import struct
import subprocess
import unittest

from millrace_testing import TestCase, files_below, main, wait_until, write_photos

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_FLUSH = struct.pack("I", 2)
# Nothing is written but what somebody syncs: no commit by time, and renames wait for no data.
OPTIONS = "loop,commit=300,noauto_da_alloc"


@unittest.skipUnless(os.geteuid() == 0, "only root may mount a disk and cut its power")
class PowerCut(TestCase):
    def setUp(self):
        super().setUp()
        self.image = self.folder / "disk.img"
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.out = self.disk / "new" / "out"
        self.state = self.folder / "state"
        write_photos(self.photos, 20)
        (self.photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        with open(self.image, "wb") as image:
            image.truncate(64 << 20)
        self.call("mkfs.ext4", "-q", "-F", self.image)
        self.mount(OPTIONS)
        os.sync()

    def call(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"{words[0]} is not to be had here: {done.stderr.strip()}")

    def mount(self, options):
        self.call("mount", "-o", options, self.image, self.disk)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], capture_output=True,
                        check=False)

    def cut(self):
        """What was not synced is gone."""
        disk = os.open(self.disk, os.O_RDONLY)
        try:
            fcntl.ioctl(disk, EXT4_IOC_SHUTDOWN, NO_FLUSH)
        finally:
            os.close(disk)
        wait_until(lambda: subprocess.run(["umount", self.disk], capture_output=True,
                                          check=False).returncode == 0, "the disk to be let go")
        self.mount("loop")

    def run_demo(self, *words):
        self.run_to_end("run", "demo", self.photos, self.out, *words, expect=1)

    def test_a_run_that_has_ended_left_its_report_and_outputs_in_a_new_OUTPUT(self):
        for durability in ("group", "item"):
            with self.subTest(durability=durability):
                self.out = self.disk / durability / "out"
                state = self.folder / f"state-{durability}"
                self.run_demo("--state", state, "--set",
                              f"postprocess.options.durability={durability}")
                outputs = files_below(self.out)
                self.cut()
                report = json.loads((self.out / ".millrace/report.json").read_text())
                self.assertEqual((report["ok"], report["failed"]), (20, 1))
                failed = (self.out / ".millrace/failed.jsonl").read_text()
                self.assertEqual(json.loads(failed)["path"], "bad.jpg")
                self.assertTrue((self.out / ".millrace/id").read_text().strip())
                self.assertTrue(json.loads((self.out / ".millrace/run.json").read_text()))
                self.assertEqual(files_below(self.out), outputs)
                for name in outputs:
                    path = os.path.join(os.fsencode(self.out), name)
                    self.assertGreater(os.path.getsize(path), 0, name)
                # And so the same command has nothing to do.
                self.run_demo("--state", state)
                report = json.loads((self.out / ".millrace/report.json").read_text())
                self.assertEqual(report["resumed"], 21)

    def test_a_damaged_state_is_on_disk_as_it_was_found_before_it_is_replaced(self):
        self.run_demo()
        database = self.out / ".millrace/state.db"
        damaged = bytearray(database.read_bytes())
        for at in (100, 4096 * 2 + 3, 4096 * 4 + 1):
            damaged[at] ^= 0xFF
        database.write_bytes(damaged)
        os.sync()
        self.run_demo()
        self.cut()
        copies = list(self.out.glob(".millrace/damaged-*/state.db"))
        self.assertEqual([copy.read_bytes() for copy in copies], [bytes(damaged)])
        self.assertGreater(database.stat().st_size, 0)

    def test_a_report_of_check_is_there_and_a_quarantined_file_is_in_one_of_its_places(self):
        kept = self.disk / "kept"
        kept.mkdir()
        os.sync()
        report = kept / "verdicts.jsonl"
        bad = (self.photos / "bad.jpg").read_bytes()
        away = self.disk / "away" / "deep"
        self.run_to_end("check", self.photos, "--state", self.state, "--report", report,
                        "--quarantine", away, expect=1)
        self.cut()
        self.assertEqual(len(report.read_text().splitlines()), 21)
        self.assertFalse((self.photos / "bad.jpg").exists())
        self.assertEqual((away / "bad.jpg").read_bytes(), bad)
        manifest = (away / "manifest.jsonl").read_text()
        self.assertEqual(json.loads(manifest)["path"], "bad.jpg")


if __name__ == "__main__":
    main()
