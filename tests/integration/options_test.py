#!/usr/bin/env python3
"""What is taken from INPUT, where OUTPUT may lie, and what each mistake exits with."""
import json
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from millrace_testing import BIN, PATIENCE_S, TestCase, files_below, jpeg, main, write_photos


class Completion(TestCase):
    """In the shells themselves, at a terminal: a word is typed as far as it says which is meant."""

    def setUp(self):
        super().setUp()
        for name in ("fancy.yaml", "fantastic.jpg", "demographic/"):
            path = self.folder / name
            path.mkdir() if name.endswith("/") else path.write_bytes(b"")

    def script(self, shell):
        path = self.folder / f"completion.{shell}"
        path.write_text(self.run_to_end("completion", shell, expect=0).stdout)
        return path

    def typed(self, shell, *lines):
        """What the shell makes of each line when <TAB> is pressed at its end."""
        rc = self.folder / (".zshrc" if shell == "zsh" else ".bashrc")
        rc.write_text(f"PS1='ready> '\nsource {self.script(shell)}\n"
                      "millrace() { local IFS='|'; echo \"(($*))\"; }\n")
        command = {"bash": ["bash", "--noprofile", "--rcfile", rc, "-i"],
                   "zsh": ["zsh", "--no-globalrcs", "-i"]}[shell]
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe(command[0], command, {
                "PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(self.folder),
                "ZDOTDIR": str(self.folder), "INPUTRC": "/dev/null"})
        seen = b""

        def read_until(pattern):
            nonlocal seen
            deadline = time.monotonic() + PATIENCE_S
            while not (found := re.search(pattern, seen)):
                ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
                self.assertTrue(ready, f"{shell} said nothing more after: {seen}")
                seen += os.read(terminal, 4096)
            seen = seen[found.end():]
            return found

        try:
            read_until(rb"ready> ")
            results = []
            for line in lines:
                os.write(terminal, f"millrace {line}\t\n".encode())
                results.append(read_until(rb"\(\(([^()]*)\)\)")[1].decode().split("|"))
                read_until(rb"ready> ")
            return results
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)

    EXPECTED = {
        "sub": ["submit"],
        "model f": ["model", "fetch"],
        "state b": ["state", "backup"],
        "run face": ["run", "face-parsing"],
        "run fanc": ["run", "fancy.yaml"],
        "run --json face": ["run", "--json", "face-parsing"],
        "run --set a=b face": ["run", "--set", "a=b", "face-parsing"],
        "run --set=a=b face": ["run", "--set=a=b", "face-parsing"],
        "run demo face": ["run", "demo", "face"],  # an INPUT, and there is none
        "run demo fant": ["run", "demo", "fantastic.jpg"],
        "run demo demo": ["run", "demo", "demographic"],  # zsh takes the slash back at <Enter>
        "run demo --fail": ["run", "demo", "--fail-on"],
        "run face-parsing --wei": ["run", "face-parsing", "--weights"],
        "run demo --wei": ["run", "demo", "--wei"],
        "run face-parsing --weights fant": ["run", "face-parsing", "--weights", "fantastic.jpg"],
        "run face-parsing --weights fantastic.jpg fanc":
            ["run", "face-parsing", "--weights", "fantastic.jpg", "fancy.yaml"],
        "status --fail": ["status", "--fail"],
        "status --topology face": ["status", "--topology", "face-parsing"],
        "status -t fanc": ["status", "-t", "fancy.yaml"],
        "retry --co": ["retry", "--code"],
        "down --broker tcp://a:1 face": ["down", "--broker", "tcp://a:1", "face-parsing"],
    }

    def assert_completes(self, shell):
        results = self.typed(shell, *self.EXPECTED)
        for (line, expected), result in zip(self.EXPECTED.items(), results, strict=True):
            self.assertEqual([word.rstrip("/") for word in result], expected, f"{shell}: {line}")

    def test_bash_completes_commands_topologies_options_and_files(self):
        self.assert_completes("bash")

    @unittest.skipUnless(shutil.which("zsh"), "no zsh is installed")
    def test_a_plain_zsh_completes_the_same(self):
        self.assert_completes("zsh")

    @unittest.skipUnless(shutil.which("fish"), "no fish is installed")
    def test_fish_offers_the_same(self):
        script = self.script("fish")
        for line, expected in self.EXPECTED.items():
            if line.startswith("run --") or line.startswith("down --"):
                continue  # fish is told of topologies right behind the command only
            done = subprocess.run(
                ["fish", "--no-config", "-c", f"source {script}; complete -C 'millrace {line}'"],
                capture_output=True, text=True, check=True, cwd=self.folder)
            offered = {offer.split("\t")[0].rstrip("/") for offer in done.stdout.splitlines()}
            wanted = {expected[-1]} if expected[-1] != line.split()[-1] else set()
            offered = {offer for offer in offered if offer.startswith(line.split()[-1])}
            self.assertEqual(offered, wanted, line)


class StageOptions(TestCase):
    def test_help_tells_the_options_of_a_topologys_stages_as_they_are_there(self):
        told = " ".join(self.run_to_end("run", "demo", "--help", expect=0).stdout.split())
        self.assertIn("preprocess.options.size.width Width in pixels that every picture is resized to "
                      "[1 to 8192; default 512]", told)
        self.assertIn("[default auto; here cpu]", told)  # inference.options.device
        self.assertNotIn(".options.", self.run_to_end("run", "nowhere", "--help", expect=0).stdout.replace(
            "inference.options.weights=w.pth", ""))
        worker = subprocess.run([BIN / "millrace-preprocess", "--help"], capture_output=True, text=True, check=True)
        self.assertIn("[1B to 2147483647B; default 1GiB]", " ".join(worker.stdout.split()))


class WhatIsTaken(TestCase):
    def setUp(self):
        super().setUp()
        self.names = write_photos(self.photos, 120)

    def assert_written(self, names):
        self.assertEqual(files_below(self.out), {os.fsencode(name) for name in names})

    def test_one_file_is_an_input_too(self):
        self.run_to_end(
            "run", "demo", self.photos / self.names[7], self.out, *self.SMALL, expect=0)
        self.assert_written([os.path.basename(self.names[7])])

    def test_a_list_of_files(self):
        listed = self.folder / "list"
        listed.write_text("".join(f"{name}\n" for name in self.names[3:6]))
        self.run_demo("--files-from", listed)
        self.assert_written(self.names[3:6])

    def test_a_list_on_stdin_with_null_bytes(self):
        odd = "new\nline.jpg"
        (self.photos / odd).write_bytes(jpeg(5))
        chosen = [odd, *self.names[50:53]]
        self.run_demo("--files-from", "-", "-0", stdin=b"".join(n.encode() + b"\0" for n in chosen))
        self.assert_written(chosen)

    def test_a_list_that_a_shell_gives_as_a_pipe(self):
        command = [str(word) for word in
                   (BIN / "millrace", "run", "demo", self.photos, self.out, *self.SMALL)]
        subprocess.run(
            ["bash", "-c", f'"$@" --files-from <(printf "%s\\n" {" ".join(self.names[3:6])})',
             "bash", *command], check=True, capture_output=True)
        self.assert_written(self.names[3:6])

    def test_filters_and_limits(self):
        self.run_demo("--include", "001/**", "--exclude", "*-0010?.jpg")
        self.assert_written([n for n in self.names if n.startswith("001/") and "-0010" not in n])
        self.out = self.folder / "limited"
        self.run_demo("--limit", "9")
        self.assert_written(self.names[:9])

    def test_an_output_inside_input_is_no_input(self):
        self.out = self.photos / "out"
        self.run_demo()
        self.assert_written(self.names)
        self.run_demo()  # the second time it holds pictures
        self.assert_written(self.names)


class Mistakes(TestCase):
    def setUp(self):
        super().setUp()
        write_photos(self.photos, 2)

    def refuse(self, *words, says):
        run = self.run_to_end(*words, expect=2)
        self.assertIn(says, run.stderr)
        self.assertEqual(run.stdout, "")

    def test_a_missing_input(self):
        self.refuse("run", "demo", self.folder / "fotos", self.out, says="fotos does not exist")

    def test_an_output_that_is_the_input_or_above_it(self):
        self.refuse("run", "demo", self.photos, self.photos, says="choose another folder")
        self.refuse("run", "demo", self.photos, self.folder, says="choose another folder")

    def test_a_topology_that_there_is_not(self):
        self.refuse("run", "dema", self.photos, self.out, says="did you mean 'demo'?")

    def test_options_and_values_that_there_are_not(self):
        self.refuse("run", "demo", self.photos, self.out, "--wieghts", "w.pth", says="--wieghts")
        self.refuse("run", "demo", self.photos, self.out, "--fail-on", "many", says="5%")
        self.refuse("run", "demo", self.photos, self.out, "--until", "6am", says="such as 06:00")
        self.refuse("wait", "1", "--timeout", "5", says="5")
        self.refuse("run", "demo", self.photos, self.out, "--set", "preprocess.replicsa=2",
                    says='did you mean "replicas"?')
        self.refuse("run", "demo", self.photos, says="OUTPUT")
        self.refuse("ruin", "demo", says="did you mean 'run'?")

    def test_patterns_that_no_run_can_carry(self):
        many = [word for number in range(2000) for word in ("--exclude", f"folder-{number:05}")]
        self.refuse("run", "demo", self.photos, self.out, *many, says="millrace: --exclude: ")
        self.refuse("run", "demo", self.photos, self.out, "--include", "a\nb", says="newline")

    def test_a_folder_without_images(self):
        empty = self.folder / "empty"
        empty.mkdir()
        (empty / "notes.txt").write_text("nothing to see\n")
        self.refuse("run", "demo", empty, self.out, says="no images")
        self.run_to_end("run", "demo", empty, self.out, "--allow-empty", expect=0)

    def test_help_lists_what_the_topology_takes(self):
        run = self.run_to_end("run", "face-parsing", "--help", expect=0)
        self.assertIn("--weights", run.stdout)
        self.assertIn("Examples:", run.stdout)


class Results(TestCase):
    def test_what_a_stage_prints_is_no_part_of_the_report(self):
        write_photos(self.photos, 3)
        chatty = self.folder / "millrace-preprocess"
        chatty.write_text(f"#!/bin/sh\necho a library says hello\nexec {BIN}/millrace-preprocess \"$@\"\n")
        chatty.chmod(0o755)
        run = self.run_demo("--json", "--set", f"preprocess.executable={chatty}")
        self.assertEqual(json.loads(run.stdout), self.report())
        self.assertIn("preprocess-0: a library says hello\n", run.stderr)


class Verdicts(TestCase):
    def setUp(self):
        super().setUp()
        for name in write_photos(self.photos, 10)[:2]:
            (self.photos / name).write_bytes(b"")

    def test_failures_count_as_far_as_the_person_says(self):
        self.run_demo(expect=1)
        self.run_demo("--fail-on", "3", expect=0)
        self.run_demo("--fail-on", "20%", expect=1)
        self.run_demo("--fail-on", "21%", expect=0)
        self.run_demo("--fail-on", "never", expect=0)

    def test_failures_are_listed_for_people_and_for_programs(self):
        self.run_demo("--fail-on", "never")
        shown = self.run_to_end("failures", self.out, expect=0)
        self.assertEqual(len(shown.stdout.splitlines()), 3)
        self.assertRegex(shown.stdout, r"000/photo-00000\.jpg +scan +empty ")
        self.assertEqual(shown.stderr, "2 failures: 2 empty\n")
        none = self.run_to_end("failures", self.out, "--stage", "inference", expect=0)
        self.assertEqual((none.stdout, none.stderr), ("", "no failures\n"))
        lines = self.run_to_end("failures", self.out, "--json", expect=0).stdout.splitlines()
        self.assertEqual({json.loads(line)["code"] for line in lines}, {"empty"})
        paths = self.run_to_end("failures", self.out, "-0", expect=0).stdout
        self.assertEqual(paths, "000/photo-00000.jpg\x00000/photo-00001.jpg\x00")
        self.run_to_end("failures", self.folder, expect=2)


if __name__ == "__main__":
    main()
