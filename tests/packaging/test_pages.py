"""Manual pages: the options of each are those of --help, and mandoc has nothing to say.

Usage: test_pages.py PROGRAM
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGES = SOURCE / "docs/man"
PROGRAM = None
# What scdoc itself writes, whatever the page says.
BY_SCDOC = "skipping paragraph macro: PP"


def text_of(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True,
                          env={"ARGP_HELP_FMT": "rmargin=2000", "PAYTRIAGE_CONFIG": "none"}).stdout


def options_of_help(*words):
    found = re.findall(r"(?m)^ {1,8}(?:-\S, +)*(--[a-z-]+)", text_of(*words, "--help"))
    return set(found) - {"--help", "--usage"}


class Pages(unittest.TestCase):
    def commands(self):
        return [name for name in re.findall(r"(?m)^  ([a-z]+) +\S", text_of("help")) if name not in ("version", "help")]

    def test_every_command_has_a_page_with_just_its_options(self):
        self.assertGreater(len(self.commands()), 9)
        for command in self.commands():
            path = PAGES / f"paytriage-{command}.1.scd"
            self.assertTrue(path.is_file(), f"{command}: write it, beginning with docs/man/draft.py")
            verbs = re.findall(r"(?m)^  ([a-z]+) +\S", text_of(command, "--help")) \
                if "VERB" in text_of(command, "--help").splitlines()[0] else []
            expected = set().union(*[options_of_help(command, verb) for verb in verbs] or [options_of_help(command)])
            stand = set(re.findall(r"(?m)^(?:\*-\S\*, )?\*(--[a-z-]+)\*", path.read_text()))
            self.assertEqual(stand, expected, command)
            for verb in verbs:
                self.assertIn(f"# {verb.upper()}\n", path.read_text())

    def test_every_page_teaches(self):
        for path in sorted(PAGES.glob("*.scd")):
            titles = re.findall(r"(?m)^# (.+)$", path.read_text())
            wanted = ["NAME", "DESCRIPTION", "EXAMPLES", "FILES", "SEE ALSO"]
            wanted += ["SETTINGS"] if path.name.endswith(".5.scd") else ["SYNOPSIS", "EXIT STATUS"]
            self.assertEqual([title for title in wanted if title not in titles], [], path.name)
            for name, section in re.findall(r"\*([a-z.-]+)\*\((\d)\)", path.read_text()):
                self.assertTrue((PAGES / f"{name}.{section}.scd").is_file(), f"{path.name}: {name}({section})")

    def test_every_example_names_options_that_are_there(self):
        known = self.commands()
        examples = 0
        for path in sorted(PAGES.glob("*.scd")):
            for line in re.findall(r"(?m)^\t\*(.*\bpaytriage .*)\*$", path.read_text().replace("\\_", "_")):
                for words in (part.split() for part in re.findall(r"(?:^|\| )paytriage ([^|>#]*)", line)):
                    command = words[:2] if words[0] in ("catalog", "journal", "config") else words[:1]
                    self.assertIn(words[0], known, line)
                    options = {word.split("=")[0] for word in words if word.startswith("--")}
                    self.assertEqual(options - options_of_help(*command), set(), line)
                    examples += 1
        self.assertGreater(examples, 30)

    def test_the_page_of_the_file_has_every_setting(self):
        page = (PAGES / "paytriage.yml.5.scd").read_text().replace("\\", "")
        schema = json.loads(text_of("config", "schema"))
        keys = []
        for name, about in schema["properties"].items():
            inner = about.get("properties")
            keys += [(f"{name}.{key}", option) for key, option in inner.items()] if inner else [(name, about)]
        for key, option in keys:
            self.assertIn(f"\n*{key}*\n", page)
            if key != "version":
                about = page.split(f"\n*{key}*\n")[1].split("\n\n")[0]
                self.assertIn(option["x-env"], about)
                self.assertIn(f"*{option['x-flag']}*", about)
                self.assertIn(f"Default: {option['default']}." if "default" in option else "Flag", about)
        stand = re.findall(r"(?m)^\*([a-z_.]+)\*$", page)
        self.assertEqual(sorted(stand), sorted(key for key, _ in keys))

    @unittest.skipUnless(shutil.which("scdoc") and shutil.which("mandoc"), "scdoc and mandoc are not here")
    def test_mandoc_has_nothing_to_say(self):
        for path in sorted(PAGES.glob("*.scd")):
            page = subprocess.run(["scdoc"], input=path.read_bytes(), capture_output=True, check=True).stdout
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True).stdout.decode()
            self.assertEqual([line for line in lint.splitlines() if BY_SCDOC not in line], [], path.name)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
