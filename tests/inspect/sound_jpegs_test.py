"""A part of sound_jpegs.py: what is installed here, a few hundred files of each encoder.

    /usr/bin/python3 tests/inspect/sound_jpegs_test.py
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class SoundJpegs(unittest.TestCase):
    def test_no_sound_jpeg_is_called_anything_else(self):
        with tempfile.TemporaryDirectory() as keep:
            said = subprocess.run([sys.executable, HERE / "sound_jpegs.py", "--count", "400", "--keep", keep],
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 0, said.stdout)
        self.assertIn("pillow: 400 files, 0 alarms", said.stdout)

    def test_no_edge_of_a_sound_picture_is_taken_for_a_seam(self):
        with tempfile.TemporaryDirectory() as keep:
            said = subprocess.run([sys.executable, HERE / "sound_jpegs.py", "--only", "pillow", "--count", "600",
                                   "--scenes", "4", "--keep", keep], stdout=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 0, said.stdout)
        self.assertIn("pillow: 600 files, 0 alarms", said.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
