"""Exit codes: what a command ends with stands in its help, on the front page for all commands, and in its manual page.

Usage: test_exits.py PROGRAM
"""

import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

PAGES = support.SOURCE / "docs/man"
CODE = re.compile(r"(?:(?<=[:,.;] )|(?<=or ))(\d{1,3})(?= |, | or )")
# One line of each command that gets as far as its output, and ends by itself.
LINES = {
    "demo": ["--once"], "run": None, "broker": None, "worker": None, "send": ["/dev/null"], "tail": ["--timeout", "100ms"],
    "classify": ["IN"], "explain": ["opn", "insufficient_fund"], "keygen": ["KEYS"], "top": ["--once", "--interval", "100ms"],
    "check": [], "ctl": ["status"], "catalog lint": [], "catalog compile": ["-o", "/dev/full"], "catalog diff": ["builtin", "builtin"],
    "catalog test": ["IN"], "catalog fmt": ["IN"], "catalog learn": ["--provider", "opn", "IN"], "catalog show": [], "catalog stats": [],
    "journal info": ["J"], "journal subscribers": ["J"], "journal forget": ["nobody", "J"], "journal list": ["J"],
    "journal show": ["retry.opn.", "1", "J"], "journal export": ["J"], "journal replay": ["--topic", "retry.opn.", "J"],
    "journal redrive": ["--dry-run", "J"], "journal discard": ["--topic", "retry.opn.", "--to", "1", "J"], "journal verify": ["J"],
    "config check": [], "config show": [], "config defaults": [], "config schema": [],
}


def codes_of(text):
    return {int(code) for code in CODE.findall(" ".join("".join(text.partition("Exit:")[1:]).split()))}


class Exits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.host = support.address()
        (self.folder / "in.jsonl").write_text('{"id": "r1", "provider": "opn", "http_status": 503}\n', encoding="utf-8")
        (self.folder / "faulty.yml").write_text("nobody: 1\n", encoding="utf-8")

    def words(self, words):
        names = {"IN": [str(self.folder / "in.jsonl")], "KEYS": [str(self.folder / "keys")], "J": ["--journal", str(self.folder / "j")]}
        return [word for name in words for word in names.get(name, [name])]

    def expect_documented(self, command, documented, args, **options):
        code, _, words = support.run(*command.split(), *args, **options)
        self.assertIn(code, documented, f"{command} {args}: {words}")
        if code not in (0, 1):
            self.assertTrue(words, f"{command} {args}: ended with {code} without a word")

    def test_what_a_command_ends_with_is_what_its_help_says(self):
        shared = codes_of(support.run("help")[1])
        self.assertEqual(shared, {64, 66, 71, 74, 77, 78})
        with support.Daemon("run", "--bind", self.host, "--journal", str(self.folder / "j"), "--journal-size", "16M"), \
                open("/dev/full", "wb") as full:
            support.send(f"tcp://{self.host}:5560", [{"id": "r1", "provider": "opn", "http_status": 503}])
            for command, words in LINES.items():
                text = support.run(*command.split(), "--help")[1]
                own = codes_of(text)
                self.assertIn(0, own, command)
                documented = own if command == "check" else own | shared
                host = ["--host", self.host] if re.search(r"--host=", text) else []
                args = self.words(words or []) + host
                with self.subTest(command):
                    if words is not None:
                        self.expect_documented(command, documented, args)
                        self.expect_documented(command, documented, args, stdout=full)
                    self.expect_documented(command, documented, [*args, "--no-such-option"])
                    if "--config=" in text:
                        for path in ("/nowhere", str(self.folder), str(self.folder / "faulty.yml")):
                            self.expect_documented(command, documented, [*args, "--config", path])

    def test_a_manual_page_has_the_codes_of_the_help(self):
        for command in LINES:
            if " " in command:
                continue
            page = (PAGES / f"paytriage-{command}.1.scd").read_text(encoding="utf-8")
            section = page.split("# EXIT STATUS\n")[1].split("\n# ")[0]
            stand = {int(code) for line in re.findall(r"(?m)^\*\d.*", section) for code in re.findall(r"\*(\d+)\*", line)}
            self.assertEqual(stand, codes_of(support.run(command, "--help")[1]), command)

    def test_the_first_page_has_every_code_there_is(self):
        page = (PAGES / "paytriage.1.scd").read_text(encoding="utf-8").split("# EXIT STATUS\n")[1].split("\n# ")[0]
        stand = {int(code) for line in re.findall(r"(?m)^\*\d.*", page) for code in re.findall(r"\*(\d+)\*", line)}
        found = set().union(*(codes_of(support.run(*command.split(), "--help")[1]) for command in LINES if command != "check"))
        self.assertEqual(stand, found | codes_of(support.run("help")[1]))


if __name__ == "__main__":
    support.main()
