"""Completion, as the shells ask for it.

Usage: test_completion.py PROGRAM
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = None


def complete(*words, **environment):
    done = subprocess.run([PROGRAM, "__complete", *words], capture_output=True, text=True,
                          env={**os.environ, "PAYTRIAGE_CONFIG": "none", **environment})
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


class Completion(unittest.TestCase):
    def test_commands_verbs_and_options_are_those_of_the_help(self):
        self.assertEqual(complete("jo"), ["journal"])
        self.assertIn("worker", complete(""))
        self.assertEqual(complete("journal", "re"), ["replay", "redrive"])
        self.assertEqual(complete("run", "--journal-si"), ["--journal-size"])
        self.assertIn("--dry-run", complete("journal", "redrive", "--"))
        self.assertEqual(complete("nonsense", "--x"), [])

    def test_values_of_options(self):
        self.assertEqual(complete("run", "--log-level", ""), ["error", "warning", "info", "debug"])
        self.assertEqual(complete("tail", "--route", "d"), ["dead_letter"])
        self.assertIn("decline_hard", complete("journal", "list", "--category", "decline"))

    def test_gateways_and_codes_come_from_the_catalog_in_use(self):
        self.assertEqual(complete("explain", "smile"), ["smilepayz"])
        codes = complete("explain", "smilepayz", "5009")
        self.assertIn("5009000", codes)
        self.assertEqual(len(codes), len(set(codes)))
        self.assertEqual(complete("explain", "smilepayz", "5009000", "--operation", "pay_"), ["pay_in", "pay_out"])
        self.assertEqual(complete("explain", "nobody", "1", "--operation", ""), [])
        self.assertNotIn("acme", complete("explain", ""))
        own = SOURCE / "tests/catalog/sample.yaml"
        self.assertIn("acme", complete("explain", "", PAYTRIAGE_CATALOG=str(own)))
        self.assertIn("opn", complete("explain", "", PAYTRIAGE_CATALOG="/nowhere"))

    def run_shell(self, shell, script):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(PROGRAM, f"{folder}/paytriage")
            env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PAYTRIAGE_CONFIG": "none", "HOME": folder}
            return subprocess.run([shell, "-c", script], capture_output=True, text=True, env=env).stdout.split()

    def test_bash(self):
        script = f"""source '{SOURCE}/packaging/completion/paytriage.bash'
            COMP_WORDS=(paytriage explain smile) COMP_CWORD=2
            _paytriage; echo "${{COMPREPLY[@]}}" """
        self.assertEqual(self.run_shell("bash", script), ["smilepayz"])

    @unittest.skipUnless(shutil.which("fish"), "fish is not here")
    def test_fish(self):
        script = f"""source '{SOURCE}/packaging/completion/paytriage.fish'; complete -C 'paytriage explain smile'"""
        self.assertEqual(self.run_shell("fish", script), ["smilepayz"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not here")
    def test_zsh(self):
        script = f"""words=(paytriage explain smile) CURRENT=3
            compadd() {{ shift; print -l -- $@ }}
            source '{SOURCE}/packaging/completion/_paytriage'"""
        self.assertEqual(self.run_shell("zsh", script), ["smilepayz"])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
