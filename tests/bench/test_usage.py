#!/usr/bin/python3
"""What a bench says of itself, and of a command line that cannot be measured.

Usage: /usr/bin/python3 -B test_usage.py BENCH_FOLDER SOURCE_FOLDER
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()
SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
TOOLS = sorted(path.stem for path in (SOURCE / "bench").glob("pt_bench_*.c") if path.stem != "pt_bench_images")
USAGE, UNAVAILABLE, IO = 64, 69, 74


def run(tool, *args, **options):
    return subprocess.run([BENCH / tool, *args], stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True,
                          timeout=250, **options)


class Help(unittest.TestCase):
    def test_each_example_is_one_line_and_names_options_that_are_there(self):
        self.assertGreater(len(TOOLS), 6)
        for tool in TOOLS:
            with self.subTest(tool):
                done = run(tool, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                options = set(re.findall(r"(?m)^ {1,6}(?:-\w, +)?(--[a-z-]+)", done.stdout))
                examples = re.search(r"(?s)\nExamples?:\n(.*?)\n\n", done.stdout)[1].splitlines()
                for line in examples:
                    self.assertRegex(line, rf"^  .*\b{tool}\b")
                    #  What is between quotes is another program's.
                    self.assertLessEqual(set(re.findall(r"(?<!\S)--[a-z-]+", re.sub(r'".*?"', "", line))), options)
                self.assertIn("Exit: ", done.stdout)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for args in (["pt_bench_triage", "--short"], ["pt_bench_keys", "rows"], ["pt_bench_keys", "--help"]):
                self.assertEqual(run(*args, stdout=full).returncode, IO, args)


class Wrong(unittest.TestCase):
    def test_wrong_words_end_it_before_anything_runs(self):
        for tool, *args in (["pt_bench_keys"], ["pt_bench_keys", "rows", "rows"], ["pt_bench_keys", "row"],
                            ["pt_bench_bus", "--rounds", "0"], ["pt_bench_bus", "--batch", ""], ["pt_bench_bus", "--seconds", "nan"],
                            ["pt_bench_bus", "--transport", "inproc", "--peer", "x=true"],
                            ["pt_bench_bus", "--transport", "inproc", "--also", "x=--threads 2"],
                            ["pt_bench_bus", "--transport", "inproc", "--durable", "/tmp"],
                            ["pt_bench_bus", "--transport", "inproc", "--proxy"],
                            ["pt_bench_bus", "--peer", "x='open"], ["pt_bench_bus", "--peer", "x=$(true)"],
                            ["pt_bench_bus", "--peer", "x=" + "word " * 24],
                            ["pt_bench_catalog", "--keys", "-1"], ["pt_bench_triage", "--no-such-option"]):
            with self.subTest(tool=tool, args=args):
                done = run(tool, *args)
                self.assertEqual((done.returncode, done.stdout), (USAGE, ""), done.stderr)
                self.assertIn(tool, done.stderr)


class Contenders(unittest.TestCase):
    SHORT = ("--short", "--transport", "ipc,tcp", "--batch", "1,16", "--rounds", "2", "--json")

    def test_a_program_that_does_not_start_is_told_once_and_nothing_is_measured(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            file = pathlib.Path(folder, "file")
            file.touch()
            for args, words in ((["--peer", "mine=/usr/bin/python3 nowhere.py"], "No such file"),
                                (["--peer", "mine=/nowhere/peer"], "cannot start /nowhere/peer: No such file"),
                                (["--peer", "mine='/no where/peer' x"], "cannot start /no where/peer: No such file"),
                                (["--also", "mine=--no-such-option"], "--no-such-option"),
                                (["--durable", str(file)], "Not a directory"),
                                (["--paytriage", "/nowhere/paytriage"], "cannot start /nowhere/paytriage: No such file")):
                with self.subTest(args=args):
                    done = run("pt_bench_bus", *self.SHORT, *args)
                    self.assertEqual((done.returncode, done.stdout), (UNAVAILABLE, ""), done.stderr)
                    self.assertEqual(done.stderr.count(words), 1, done.stderr)
                    self.assertRegex(done.stderr, r"(?m)^pt_bench_bus: .* does not start; nothing was measured$")

    def test_one_that_fails_later_is_told_once_and_left_out(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            #  Binds nothing, and says that it did; the second time it does not even do that.
            peer = pathlib.Path(folder, "peer.py")
            peer.write_text("import json, os, signal, sys\n"
                            "words = sys.argv\n"
                            "name = words[words.index('--ports-file') + 1]\n"
                            "queues = ('settled', 'retry', 'dead_letter', 'operator_alert')\n"
                            "ends = {queue: words[words.index('--' + queue.replace('_', '-')) + 1].replace('*', '9') for queue in queues}\n"
                            "json.dump(ends, open(name + '.new', 'w'))\n"
                            "os.rename(name + '.new', name)\n"
                            "if os.path.exists(sys.argv[1]):\n"
                            "    sys.exit('it breaks now')\n"
                            "open(sys.argv[1], 'w').close()\n"
                            "signal.pause()\n", encoding="utf-8")
            done = run("pt_bench_bus", *self.SHORT, "--loop", "closed", "--peer", f"mine=/usr/bin/python3 {peer} {folder}/seen")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(done.stderr.count("it breaks now"), 1, done.stderr)
            rows = json.loads(done.stdout)["tables"]["peak"]
            self.assertEqual({row["contender"] for row in rows}, {"paytriage", "null worker"})
            self.assertEqual(len(rows), 8)


if __name__ == "__main__":
    unittest.main()
