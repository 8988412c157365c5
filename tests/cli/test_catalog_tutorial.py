"""catalog/README.md: every file and every command of the tutorial, in a folder of its own.

A file is the yaml block after "Save this as `NAME`:"; a console block holds commands behind "$ " and
what they print; "…" stands for anything within a line.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import support

README = support.SOURCE / "catalog/README.md"


def blocks():
    """("file", name, text) and ("command", line, expected) in the order of the page."""
    text = README.read_text(encoding="utf-8")
    for match in re.finditer(r"(?s)(.{0,120})\n```(yaml|console)\n(.*?)```", text):
        before, kind, body = match.groups()
        if kind == "yaml":
            yield "file", re.search(r"Save this as\s+`([\w.-]+)`:\s*$", before)[1], body
            continue
        for command in re.split(r"(?m)^\$ ", body)[1:]:
            line, _, expected = command.partition("\n")
            yield "command", line, expected


class Tutorial(unittest.TestCase):
    def test_every_command_prints_what_the_page_says(self):
        commands = 0
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            path = pathlib.Path(support.PROGRAM).parent
            env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
            for kind, name, text in blocks():
                if kind == "file":
                    (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
                    continue
                commands += 1
                done = subprocess.run(["bash", "-c", name], cwd=folder, env=env, check=False, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                pattern = ".*".join(re.escape(part) for part in text.split("…"))
                pattern = re.sub(r"(?:\\ )*\.\*(?:\\ )*", lambda _: ".*", pattern)
                self.assertRegex(done.stdout, rf"\A{pattern}\Z", name)
        self.assertGreaterEqual(commands, 12)

    def test_every_key_of_the_format_is_on_the_page(self):
        page = README.read_text(encoding="utf-8")
        keys = set()
        for path in (support.SOURCE / "catalog").rglob("pt_compile*.c"):
            keys |= set(re.findall(r'\{"(\w+)", (?:s_|pt_)\w+, (?:true|false)\}', path.read_text()))
        self.assertGreater(len(keys), 45)
        for key in keys:
            self.assertRegex(page, rf"\b{key}\b")


if __name__ == "__main__":
    support.main()
