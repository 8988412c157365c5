"""A wall clock that steps, forward and back: nothing that waits is shortened or lengthened by it."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import support

SHIM = support.preloading(sys.argv.pop(2))
STEPS = ("86400", "-60")
HOUR = "1h"


class Clock(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.host = support.address()
        self.front = f"tcp://{self.host}:5560"

    def stepping(self, step):
        return {**os.environ, **SHIM, "PT_SHIM_STEP_S": step}

    def start_daemon(self, step):
        daemon = support.Daemon("run", "--bind", self.host, "--journal", str(self.folder / f"kept{step}"),
                                "--journal-size", "16M", env=self.stepping(step))
        self.addCleanup(daemon.__exit__)
        return daemon

    def test_send_waits_its_timeout_and_no_less(self):
        # More than a pipe holds: it has looked at its clock many times before there is anybody to answer.
        lines = support.lines_of({"id": f"r{number}", "provider": "opn", "http_status": 503} for number in range(4000))
        for step in STEPS:
            sender = support.start("send", "--connect", self.front, "--timeout", HOUR, env=self.stepping(step))
            sender.stdin.write(lines)
            sender.stdin.close()
            with self.start_daemon(step) as daemon:
                self.assertEqual(sender.wait(), 0, sender.stderr.read())
                self.assertEqual(daemon.stop(), 0, daemon.text)
            sender.stdout.close()
            sender.stderr.close()

    def test_tail_waits_its_timeout_and_no_less(self):
        for step in STEPS:
            with self.start_daemon(step) as daemon:
                tail = support.start("tail", "--host", self.host, "--route", "retry", "--count", "1", "--timeout", HOUR,
                                     stdin=subprocess.DEVNULL, env=self.stepping(step))
                self.assertIn(b"ready", tail.stderr.readline())
                support.send(self.front, [{"id": "r", "provider": "opn", "http_status": 503}])
                out, words = tail.communicate()
                self.assertEqual((tail.returncode, out.count(b"\n")), (0, 1), words)
                self.assertEqual(daemon.stop(), 0, daemon.text)

    def test_a_page_of_top_takes_its_interval_and_no_longer(self):
        with self.start_daemon("-60"):
            self.assertEqual(support.run("top", "--once", "--interval", "200ms", "--host", self.host,
                                         env=self.stepping("-60"))[0], 0)


if __name__ == "__main__":
    support.main()
