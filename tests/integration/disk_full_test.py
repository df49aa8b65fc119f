#!/usr/bin/env python3
"""A disk that runs full: the items that do not fit are write-failed, and no half file is left.

Mounts a small tmpfs in a mount namespace of its own. Skipped, with the reason, where that is not
allowed.
"""
import os
import shutil
import subprocess
import sys

from PIL import Image

from millrace_testing import TestCase, files_below, jpeg, main

INSIDE = "MILLRACE_TEST_IN_NAMESPACE"


def enter_namespace():
    """Goes on in a mount namespace, as root there; returns where that is not possible."""
    for unshare in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        trial = ["sh", "-c", "mount -t tmpfs -o size=64k none /mnt && umount /mnt"]
        if shutil.which("unshare") and subprocess.run(
                [*unshare, *trial], capture_output=True, check=False).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


class FullDisk(TestCase):
    def setUp(self):
        super().setUp()
        if INSIDE not in os.environ:
            print("SKIPPED: no tmpfs can be mounted here, neither as root nor in a user namespace",
                  file=sys.stderr)
            self.skipTest("needs root or user namespaces")
        self.out.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k", "none", self.out], check=True)
        self.addCleanup(subprocess.run, ["umount", self.out], check=True)

    def test_what_does_not_fit_has_failed_and_nothing_is_half_written(self):
        # As PNG of 512x512 a flat picture takes 2 KiB and noise 700: more than there is.
        flat = {os.fsencode(f"{number:03}-flat.jpg") for number in range(0, 20, 2)}
        noise = {os.fsencode(f"{number:03}-noise.png") for number in range(1, 20, 2)}
        for name in flat:
            (self.photos / os.fsdecode(name)).write_bytes(jpeg(1))
        for name in noise:
            Image.frombytes("RGB", (512, 512), os.urandom(512 * 512 * 3)).save(
                self.photos / os.fsdecode(name), compress_level=0)
        self.run_to_end(
            "run", "demo", self.photos, self.out, "--state", self.folder / "state",
            "--set", "postprocess.backoff=1ms", "--set",
            "postprocess.options.keep=background,skin", "--set", "postprocess.options.format=png",
            expect=1)
        self.assert_closes(self.report())
        self.assertEqual(self.failures(), {name: "write-failed" for name in noise})
        self.assertEqual(files_below(self.out), {name + b".png" for name in flat})
        self.assert_nothing_half_written()
        self.assertIn("No space left on device", self.run_to_end(
            "failures", self.out, expect=0).stdout)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    main()
