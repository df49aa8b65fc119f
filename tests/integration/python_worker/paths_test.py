#!/usr/bin/env python3
"""A peer that names paths of its own choice reaches nothing beyond INPUT and OUTPUT."""
import json
import os
import unittest

import msgpack

from client import Refused
from pipeline import BIN, SCAN, PipelineTest

WORK = "name: work, executable: work, credit: 4"


class Paths(PipelineTest):
    def setUp(self):
        super().setUp()
        self.secret = self.folder / "secret"
        self.secret.mkdir()
        self.victim = self.secret / "victim.txt"
        self.victim.write_text("precious: 1\nand more\n")
        self.says = self.folder / "says.json"

    def start_pipeline(self, says, *scanner_words):
        self.says.write_text(json.dumps(says))
        self.start_broker([SCAN, WORK])
        self.python("scan_worker.py", "scan", 0, *scanner_words)
        self.python("naming_worker.py", "work", 0, "--says", self.says)

    def run_to_end(self, **more):
        return self.client.wait(self.client.submit(self.photos, self.out, **more))

    def failed(self):
        lines = (self.out / ".millrace/failed.jsonl").read_text().splitlines()
        return {line["path"]: line for line in map(json.loads, lines)}

    def test_an_output_beyond_OUTPUT_fails_its_item_and_is_not_pruned(self):
        (self.out / ".millrace").mkdir(parents=True)
        (self.out / ".millrace/notes").write_text("precious")
        (self.out / "a").mkdir()
        bad = ["../secret/victim.txt", str(self.victim), "a/../../secret/victim.txt",
               ".millrace/notes", "../secret/victim.txt\0.png"]
        names = self.write_photos(len(bad) + 1)
        (self.out / "good.png").write_text("an output")
        says = {name: {"outputs": [path]} for name, path in zip(names, [*bad, "good.png"])}
        self.start_pipeline(says)
        report = self.assert_closes(self.run_to_end(), len(names))
        self.assertEqual((report["ok"], report["failed"]), (1, len(bad)))
        failed = self.failed()
        self.assertEqual(sorted(failed), sorted(names[:-1]))
        self.assertEqual({line["code"] for line in failed.values()}, {"protocol"})
        self.assertIn("'../secret/victim.txt' is not a path below OUTPUT",
                      failed[names[0]]["reason"])
        for name in names:
            (self.photos / name).unlink()
        (self.photos / "another.jpg").write_bytes(b"x")
        report = self.assert_closes(self.run_to_end(prune=True), 1)
        self.assertEqual(report["pruned"], 1)
        self.assertFalse((self.out / "good.png").exists())
        self.assertTrue(self.victim.exists())
        self.assertTrue((self.out / ".millrace/notes").exists())

    def test_a_link_inside_OUTPUT_is_not_followed_to_remove_what_lies_behind_it(self):
        names = self.write_photos(1)
        self.out.mkdir()
        (self.out / "away").symlink_to(self.secret)
        self.start_pipeline({names[0]: {"outputs": ["away/victim.txt"]}})
        self.assertEqual(self.assert_closes(self.run_to_end(), 1)["ok"], 1)
        (self.photos / names[0]).unlink()
        (self.photos / "another.jpg").write_bytes(b"x")
        self.assertEqual(self.assert_closes(self.run_to_end(prune=True), 1).get("pruned", 0), 0)
        self.assertTrue(self.victim.exists())
        self.assertIn("away/victim.txt", (self.out / ".millrace/deleted.jsonl").read_text())

    def test_a_key_beyond_INPUT_is_given_to_no_worker(self):
        names = self.write_photos(2)
        beyond = ["../secret/victim.txt", str(self.victim)]
        words = [word for key in beyond for word in ("--also", key)]
        self.start_pipeline({}, *words)
        report = self.assert_closes(self.run_to_end(), len(names) + len(beyond))
        self.assertEqual((report["ok"], report["failed"]), (2, 2))
        self.assertEqual(sorted(self.failed()), sorted(beyond))
        self.assertEqual({line["code"] for line in self.failed().values()}, {"protocol"})

    def test_a_record_of_several_lines_cannot_speak_for_other_files(self):
        names = self.write_photos(1)
        self.start_pipeline({names[0]: {"record": ["verdicts", '{"a": 1}\n{"path": "b"}']}})
        self.assertEqual(self.assert_closes(self.run_to_end(), 1)["failed"], 1)
        self.assertFalse((self.out / ".millrace/verdicts.jsonl").exists())

    def all_failures(self, run):
        page = self.client.ask({"t": "failures", "run": run, "offset": 0})
        return b"".join(page["lines"])

    def test_no_text_is_read_through_a_list_of_files(self):
        self.write_photos(1)
        self.start_broker([SCAN, WORK])
        self.child("scan-0", BIN / "millrace-scanner", "--topology", self.topology,
                   "--stage", "scan", "--replica", 0)
        self.says.write_text("{}")
        self.python("naming_worker.py", "work", 0, "--says", self.says)
        options = msgpack.packb({"files_from": str(self.victim)})
        run = self.client.submit(self.photos, self.out, options)
        report = self.assert_closes(self.client.wait(run), 2)
        self.assertEqual(report["failed"], 2)
        told = self.all_failures(run)
        self.assertIn(b"line 1 of the list of files", told)
        self.assertIn(b"line 2 of the list of files", told)
        self.assertNotIn(b"precious", told)
        self.assertNotIn(b"and more", told)

    def test_no_text_is_read_through_a_link_that_took_the_place_of_the_failures(self):
        self.write_photos(1)
        self.start_pipeline({})
        run = self.client.submit(self.photos, self.out)
        self.client.wait(run)
        (self.out / ".millrace/failed.jsonl").unlink()
        (self.out / ".millrace/failed.jsonl").symlink_to(self.victim)
        with self.assertRaises(Refused):
            self.all_failures(run)

    def test_a_request_with_a_NUL_in_its_paths_is_refused(self):
        self.start_broker([SCAN, WORK])
        for input_, output in ((b"/in\0x", b"/out"), (b"/in", b"/out\0x"), (b"in", b"/out")):
            with self.assertRaisesRegex(Refused, "absolute paths without NUL"):
                self.client.submit(os.fsdecode(input_), os.fsdecode(output))
        with self.assertRaisesRegex(Refused, "without NUL"):
            self.client.ask({"t": "backup", "path": b"/tmp/x\0y"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
