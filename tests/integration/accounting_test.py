#!/usr/bin/env python3
"""Every file of a folder is accounted for, and the bad ones are named, whatever is wrong with them."""
import json
import os

from millrace_testing import TestCase, files_below, jpeg, main, write_photos


class Accounting(TestCase):
    def setUp(self):
        super().setUp()
        names = write_photos(self.photos, 1000)
        self.no_header = set(names[10:200:10][:10] + names[500:510])
        self.cut = set(names[210:400:20])
        self.empty = set(names[600:1000:40])
        self.text = set(names[45:1000:100])
        for name in self.no_header:
            (self.photos / name).write_bytes(b"\0" * 20 + (self.photos / name).read_bytes()[20:])
        for name in self.cut:
            data = jpeg(3, size=(600, 400))  # large enough for its half to lie behind the header
            (self.photos / name).write_bytes(data[:len(data) // 2])
        for name in self.empty:
            (self.photos / name).write_bytes(b"")
        for name in self.text:
            (self.photos / name).write_text("not a picture at all\n")
        os.mkfifo(self.photos / "pipe.jpg")
        (self.photos / "notes.txt").write_text("neither a picture nor named like one\n")
        self.odd = b"caf\xe9.jpg"  # Latin-1: not UTF-8
        with open(os.path.join(os.fsencode(self.photos), self.odd), "wb") as file:
            file.write(jpeg(1))
        self.odd_empty = b"vac\xedo.jpg"
        self.odd_text = b"a\xf1o/\xfe.jpg"
        os.mkdir(os.path.join(os.fsencode(self.photos), b"a\xf1o"))
        for name, content in ((self.odd_empty, b""), (self.odd_text, b"no picture\n")):
            with open(os.path.join(os.fsencode(self.photos), name), "wb") as file:
                file.write(content)
        self.same = [f"same-{number}/one.jpg" for number in range(5)]
        for number, name in enumerate(self.same):
            (self.photos / name).parent.mkdir()
            (self.photos / name).write_bytes(jpeg(number))
        self.good = {os.fsencode(name) for name in [*names, *self.same]} | {self.odd}
        self.good -= {os.fsencode(n) for n in self.no_header | self.cut | self.empty | self.text}

    def expected_failures(self, *more):
        expected = {name: "not-an-image" for name in self.no_header | self.text}
        expected |= {name: "empty" for name in self.empty}
        for names, code in more:
            expected |= {name: code for name in names}
        odd = {self.odd_empty: "empty", self.odd_text: "not-an-image"}
        return {os.fsencode(name): code for name, code in expected.items()} | odd

    def test_the_report_closes_and_names_exactly_the_bad_ones(self):
        run = self.run_demo("--json", expect=1)
        report = json.loads(run.stdout)
        self.assertEqual(report, self.report())
        self.assert_closes(report)
        self.assertEqual(self.failures(), self.expected_failures())
        self.assertEqual(report["scanned"], 1000 + 10)
        self.assertEqual(report["failed"], 42)
        self.assertEqual(report["skipped"], 2)  # the FIFO and the notes
        self.assertEqual(report["warnings"], {"truncated": 10})
        cut = {os.fsencode(name) for name in self.cut}
        self.assertEqual(files_below(self.out), self.good | cut)
        self.assert_nothing_half_written()

    def test_a_name_that_is_no_text_is_listed_and_tried_again_as_it_is(self):
        self.run_demo("--include", "*.jpg", "--exclude", "[0-9]*", expect=1)
        listed = self.run_to_end("failures", self.out, "-0", expect=0).stdout_path.read_bytes()
        self.assertEqual(set(listed.split(b"\0")), {self.odd_empty, self.odd_text, b""})
        self.run_to_end("retry", self.out, expect=1)
        self.assertEqual(set(self.failures()), {self.odd_empty, self.odd_text})
        with open(os.path.join(os.fsencode(self.photos), self.odd_text), "wb") as file:
            file.write(jpeg(2))
        self.run_to_end("retry", self.out, expect=1)
        self.assertEqual(self.failures(), {self.odd_empty: "empty"})
        self.assertIn(self.odd_text, files_below(self.out))

    def test_truncated_pictures_fail_where_that_is_asked_for(self):
        self.run_demo("--set", "preprocess.options.truncated=fail", expect=1)
        self.assert_closes(self.report())
        self.assertEqual(self.failures(), self.expected_failures((self.cut, "truncated")))
        self.assertEqual(files_below(self.out), self.good)


if __name__ == "__main__":
    main()
