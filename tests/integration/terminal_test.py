#!/usr/bin/env python3
"""`millrace run` under a terminal: the bar, and both presses of Ctrl-C."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios

from millrace_testing import (
    BIN, PATIENCE_S, TestCase, children_of, files_below, main, wait_until, write_photos)

CTRL_C = b"\x03"


class Terminal:
    """`millrace` as the foreground job of a terminal of 100 columns, its output and its keys."""

    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(BIN / "millrace", ["millrace", *map(str, words)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.written = ""
        self.status = None

    def read(self):
        """What was written so far."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # EIO: everyone on the other side has gone
                break
            if not data:
                break
            self.written += data.decode(errors="replace")
        return self.written

    def frames(self):
        """What the live line showed, one after the other."""
        return [frame for frame in re.split(r"\r\x1b\[K|\r\n", self.read()) if frame]

    def press(self, key):
        os.write(self.fd, key)

    def hang_up(self):
        """The terminal goes, as it does when a connection breaks."""
        self.read()
        os.close(self.fd)
        self.fd = None

    def wait(self):
        """The exit status, as a shell shows it."""
        def ended():
            if self.fd is not None:
                self.read()  # a full terminal would hold it up
            if self.status is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.status = os.waitstatus_to_exitcode(status) if pid else None
            return self.status is not None
        wait_until(ended, f"the end; it wrote:\n{self.written}", PATIENCE_S)
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.fd is not None:
            os.close(self.fd)


class TerminalTest(TestCase):
    def setUp(self):
        super().setUp()
        self.names = {os.fsencode(name) for name in write_photos(self.photos, 400)}

    def start_on_terminal(self, *words):
        terminal = Terminal("run", "demo", self.photos, self.out, *self.SMALL, *words)
        self.addCleanup(terminal.close)
        return terminal

    def start_and_get_going(self, *words):
        terminal = self.start_on_terminal("--set", "preprocess.budget=8KiB", *words)
        wait_until(lambda: len(files_below(self.out)) >= 30, "the first results")
        return terminal

    def test_a_bar_tells_how_far_it_is_and_gives_way_to_the_report(self):
        terminal = self.start_and_get_going()
        # A bar knows the rate after a second: the last stage waits for that.
        postprocess = children_of(terminal.pid)["postprocess-0"]
        os.kill(postprocess, signal.SIGSTOP)
        with_eta = re.compile(r"\[#*>? *\] \d+%  \d+/400  \d+\.\d img/s  ETA \d+:\d\d")
        wait_until(lambda: any(map(with_eta.match, terminal.frames())), "a bar with an ETA")
        os.kill(postprocess, signal.SIGCONT)
        self.assertEqual(terminal.wait(), 0)
        bars = [frame for frame in terminal.frames() if frame.startswith("[")]
        self.assertLess(max(map(len, bars)), 100)
        last = terminal.read().rpartition("\r\x1b[K")[2]  # nothing of the bar is left
        self.assertTrue(last.startswith("400 scanned: 400 ok"), last)

    def test_the_first_ctrl_c_finishes_what_is_in_flight_and_writes_the_report(self):
        terminal = self.start_and_get_going()
        children = children_of(terminal.pid)
        terminal.press(CTRL_C)
        self.assertEqual(terminal.wait(), 130)
        self.assertIn("finishing what is in flight", terminal.read())
        report = self.report()
        self.assertEqual(report["ok"], len(files_below(self.out)))
        self.assertLess(report["ok"], 400)
        self.assertEqual(report["failed"], 0)
        self.assert_nothing_half_written()
        self.assert_gone(children)

    def test_a_terminal_that_goes_lets_what_is_in_flight_finish_too(self):
        terminal = self.start_and_get_going()
        children = children_of(terminal.pid)
        terminal.hang_up()
        self.assertEqual(terminal.wait(), 129)
        report = self.report()
        self.assertEqual(report["ok"], len(files_below(self.out)))
        self.assertLess(report["ok"], 400)
        self.assert_nothing_half_written()
        self.assert_gone(children)

    def test_the_second_ctrl_c_stops_at_once(self):
        write_photos(self.photos, 3000, "more")  # not done before the worker is frozen
        terminal = self.start_and_get_going("--set", "broker.heartbeat=50s")
        children = children_of(terminal.pid)
        os.kill(children["inference-0"], signal.SIGSTOP)  # what is in flight cannot finish
        terminal.press(CTRL_C)
        wait_until(lambda: "a second Ctrl-C stops at once" in terminal.read(), "the first one's answer")

        def stopping():
            terminal.press(CTRL_C)  # one that comes within a second is the first one's double
            return "Ctrl-C: stopping at once" in terminal.read()
        wait_until(stopping, "the second one's answer")
        self.assertEqual(terminal.wait(), 130)
        self.assert_gone(children)

    def test_what_a_worker_says_does_not_tear_the_bar(self):
        terminal = self.start_and_get_going()
        os.kill(children_of(terminal.pid)["postprocess-0"], signal.SIGKILL)
        self.assertEqual(terminal.wait(), 0)
        self.assertRegex(terminal.read(), r"\r\x1b\[Kpostprocess-0 died of signal 9[^\r\n]*\r\n")


if __name__ == "__main__":
    main()
