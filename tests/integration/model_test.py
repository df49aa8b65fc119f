#!/usr/bin/env python3
"""`millrace model`: what is fetched is the published file or nothing; what is inspected runs nothing."""
import http.server
import json
import os
import pickle
import subprocess
import threading

from millrace_testing import TestCase, main


class Fetch(TestCase):
    def setUp(self):
        super().setUp()
        self.other = self.folder / "other.pth"
        self.other.write_bytes(b"another file" * 1000)
        self.target = self.folder / "models" / "face.pth"

    def fetch(self, source, expect):
        return self.run_to_end(
            "model", "fetch", "bisenet-face", "--from", source, "--to", self.target, expect=expect)

    def assert_nothing_is_left(self):
        self.assertEqual(sorted(path.name for path in self.target.parent.iterdir()), [])

    def test_another_file_is_refused_with_both_hashes(self):
        run = self.fetch(self.other, expect=3)
        self.assertIn("468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567", run.stderr)
        self.assert_nothing_is_left()

    def test_where_nobody_answers_it_says_what_to_do(self):
        run = self.fetch("http://127.0.0.1:1/face.pth", expect=3)
        self.assertIn("millrace model fetch bisenet-face --from FILE", run.stderr)
        self.assertIn("millrace run demo", run.stderr)
        self.assert_nothing_is_left()

    def test_a_folder_is_one_by_its_slash_or_by_being_there_and_is_made(self):
        class Cut(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"the first bytes")

            def log_message(self, *_):
                pass

        (self.folder / "there").mkdir()
        with http.server.HTTPServer(("127.0.0.1", 0), Cut) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            for to in f"{self.folder}/new/models/", self.folder / "there":
                self.run_to_end(
                    "model", "fetch", "bisenet-face", "--from", f"http://127.0.0.1:{server.server_port}/x",
                    "--to", to, expect=3)
                # What came so far is kept under the file's name, in the folder.
                self.assertEqual(os.listdir(to), ["79999_iter.pth.part"])
            server.shutdown()

    def test_a_model_that_nobody_published(self):
        run = self.run_to_end("model", "fetch", "resnet", expect=2)
        self.assertIn("bisenet-face", run.stderr)

    def test_the_terms_are_told(self):
        run = self.fetch(self.other, expect=3)
        self.assertIn("non-commercial", run.stderr)


class Inspect(TestCase):
    def test_a_state_dict_is_listed(self):
        path = self.folder / "model.pth"
        subprocess.run(
            ["/usr/bin/python3", "-c",
             "import sys, torch; torch.save({'a.weight': torch.zeros(2, 3)}, sys.argv[1])", path],
            check=True)
        run = self.run_to_end("model", "inspect", path, expect=0)
        self.assertRegex(run.stdout, r"a\.weight +2x3 +float32")
        inspected = json.loads(self.run_to_end("model", "inspect", path, "--json", expect=0).stdout)
        self.assertEqual(
            inspected["tensors"], [{"name": "a.weight", "shape": [2, 3], "dtype": "float32"}])

    def test_a_pickle_that_would_run_something_is_refused_by_its_name(self):
        class Evil:
            def __reduce__(self):
                return os.system, (f"touch {marker}",)

        marker = self.folder / "it-ran"
        path = self.folder / "evil.pth"
        # The legacy format's head, then the object.
        path.write_bytes(b"".join(
            pickle.dumps(part, 2) for part in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True}, Evil())))
        plain = self.folder / "plain.pth"
        plain.write_bytes(pickle.dumps(Evil()))
        for evil in path, plain:
            run = self.run_to_end("model", "inspect", evil, expect=3)
            self.assertIn("posix.system (os.system)", run.stderr)
        self.assertFalse(marker.exists())

    def test_of_torchscript_it_says_that_it_was_not_looked_into(self):
        path = self.folder / "module.pt"
        subprocess.run(
            ["/usr/bin/python3", "-c",
             "import sys, torch; torch.jit.script(torch.nn.ReLU()).save(sys.argv[1])", path],
            check=True)
        run = self.run_to_end("model", "inspect", path, expect=0)
        self.assertIn("TorchScript", run.stdout)
        self.assertIn("not looked into", run.stdout)
        inspected = json.loads(self.run_to_end("model", "inspect", path, "--json", expect=0).stdout)
        self.assertEqual(inspected, {"format": "TorchScript", "looked_into": False})


if __name__ == "__main__":
    main()
