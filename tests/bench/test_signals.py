#!/usr/bin/python3
"""A bench that a signal ends leaves nothing behind: no process, no file, no result, and it says so.

Usage: /usr/bin/python3 -B test_signals.py BENCH_FOLDER PROGRAM
"""

import fcntl
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
PATIENCE_S = 240


class Fixture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.disk = self.folder / "disk"
        self.disk.mkdir()

    def start(self, tool, *args):
        process = subprocess.Popen([BENCH / tool, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def expect_end(self, process, number):
        out, words = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, -number, words)
        self.assertEqual(out, "")
        self.assertRegex(words, rf"^\w+: ended by {signal.Signals(number).name}; .*\n$")
        self.assertEqual(list(self.disk.iterdir()), [])


class Bus(Fixture):
    def start_bus(self, *args):
        """Start a bus whose processes tell of themselves; the bench and a file of lines `PID WORD...`."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        #  Open for both, so that it has no end between the two that write to it.
        told = open(os.open(fifo, os.O_RDWR), "rb", buffering=0)
        self.addCleanup(told.close)
        wrapper = self.folder / "paytriage"
        wrapper.write_text(f'#!/bin/sh\necho $$ "$@" >{fifo}\nexec "{PROGRAM}" "$@"\n', encoding="utf-8")
        wrapper.chmod(0o700)
        bench = self.start("pt_bench_bus", "--paytriage", str(wrapper), "--transport", "ipc", "--batch", "16", "--loop",
                           "closed", "--seconds", "3600", *args)
        #  First each contender is tried: paytriage's two, and the broker of the null worker.
        for _ in range(3):
            self.read_told(bench, told)
        return bench, [self.read_told(bench, told), self.read_told(bench, told)]

    def read_told(self, bench, told):
        """The next line; a bench that ends says nothing more."""
        while not select.select([told], [], [], 1)[0]:
            self.assertIsNone(bench.poll(), "the bench has ended")
        return told.readline().decode()

    def expect_nothing_left(self, lines):
        for line in lines:
            pid = line.split()[0]
            self.assertFalse(pathlib.Path("/proc", pid).exists(), line)
            for word in line.split():
                if word.startswith("ipc:///tmp/"):
                    self.assertFalse(pathlib.Path(word.removeprefix("ipc://")).parent.exists(), word)

    def test_a_signal_at_the_start_of_the_worker_ends_all(self):
        bench, lines = self.start_bus()
        bench.send_signal(signal.SIGTERM)
        self.expect_end(bench, signal.SIGTERM)
        self.expect_nothing_left(lines)

    def test_a_signal_in_mid_run_ends_all(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number.name):
                bench, lines = self.start_bus()
                worker = next(line for line in lines if " worker " in line).split()
                where = worker[worker.index("--dead-letter") + 1]
                subprocess.run([PROGRAM, "tail", "--route", "dead_letter", "--connect", where, "--count", "100"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=PATIENCE_S)
                bench.send_signal(number)
                self.expect_end(bench, number)
                self.expect_nothing_left(lines)
                (self.folder / "fifo").unlink()


class Journal(Fixture):
    def test_a_signal_between_commits_removes_the_files(self):
        fd = os.open(self.disk, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        fcntl.fcntl(fd, fcntl.F_NOTIFY, fcntl.DN_CREATE)
        bench = self.start("pt_bench_journal", "--directory", str(self.disk), "--commits", "1000000", "--mib", "16")
        self.assertIsNotNone(signal.sigtimedwait({signal.SIGIO}, PATIENCE_S))
        bench.send_signal(signal.SIGINT)
        self.expect_end(bench, signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
