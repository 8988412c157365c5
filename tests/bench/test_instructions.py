#!/usr/bin/python3
"""bench/instructions: it counts the whole and its stages, and says why where it cannot.

Usage: /usr/bin/python3 -B test_instructions.py SOURCE_FOLDER BUILD_FOLDER
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(sys.argv.pop(1)).resolve() / "bench/instructions"
BUILD = sys.argv.pop(1)


def run(*args, **options):
    done = subprocess.run([SCRIPT, *args], capture_output=True, text=True, **options)
    return done.returncode, done.stdout, done.stderr


class Instructions(unittest.TestCase):
    def count(self, *args):
        """Instructions by stage."""
        code, out, words = run(BUILD, *args)
        self.assertEqual((code, words), (0, ""))
        head, *lines = out.splitlines()
        self.assertEqual(head, f"instructions per response, {(*args, 'map')[0]} bodies")
        rows = [re.fullmatch(r"(\w+) +(\d+)", line) for line in lines]
        self.assertNotIn(None, rows, out)
        return {row[1]: int(row[2]) for row in rows}

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not here")
    def test_the_whole_is_more_than_its_stages(self):
        whole = {}
        for body in ("map", "json"):
            stages = self.count(body)
            whole[body] = stages.pop("s_triage_one")
            self.assertGreater(len(stages), 1)
            self.assertGreater(min(stages.values()), 0)
            self.assertGreaterEqual(whole[body], sum(stages.values()))
        #  Text has to be parsed first.
        self.assertGreater(whole["json"], whole["map"])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not here")
    def test_a_bench_that_fails_is_told(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            bench = pathlib.Path(folder, "bench/pt_bench_triage")
            bench.parent.mkdir()
            bench.write_text("#!/bin/sh\necho it fails >&2\nexit 1\n", encoding="utf-8")
            bench.chmod(0o700)
            code, out, words = run(folder)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("it fails\n", words)
            self.assertIn("instructions: the bench failed under valgrind\n", words)

    def test_a_wrong_command_line_says_what_is_wrong(self):
        for args, code, word in (((), 64, "usage: "), ((BUILD, "xml"), 64, "usage: "), ((BUILD, "map", "map"), 64, "usage: "),
                                 (("/nowhere",), 66, "/nowhere/bench/pt_bench_triage")):
            with self.subTest(args=args):
                ended, out, words = run(*args)
                self.assertEqual((ended, out), (code, ""))
                self.assertIn(word, words)

    def test_without_valgrind_it_says_so(self):
        code, out, words = run(BUILD, env={**os.environ, "PATH": "/nowhere"})
        self.assertEqual((code, out, words), (69, "", "instructions: valgrind is not installed\n"))


if __name__ == "__main__":
    unittest.main()
