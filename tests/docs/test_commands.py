"""Every command line of the documents is run, as a reader would: against a live `paytriage run` where one is named.

A block ```sh is a script; a command in it that does not end by itself is left running until its document is done, and
must end well then. ```python is a program. A block that is not run says why, in a comment right above it:
<!-- not run: REASON -->. Indented blocks and ```console blocks may not hold commands, unless a reason says what reads
them.

Usage: test_commands.py PROGRAM
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

DOCUMENTS = [support.SOURCE / "README.md", support.SOURCE / "CHANGELOG.md", support.SOURCE / "clients/README.md",
             *sorted((support.SOURCE / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?ms)(?:^<!-- not run: ([^>]+?) -->\n)?^```(\w*)\n(.*?)^```$")
# What starts a line that somebody would type.
COMMAND = re.compile(r"(?m)^(?: {4})?\$? ?(?:sudo |\$\w+ |\w+=\S+ )*(?:\S*/)?(?:paytriage|pt_\w+|python3?|node|npm|cmake"
                     r"|ctest|systemctl|journalctl|docker|\S+\.(?:py|sh|mjs)) ")
ENDLESS = re.compile(r"^paytriage (?:run|worker|broker)\b|^paytriage tail\b(?!.*--count)")


class Reader:
    """Somebody in an empty folder who types what a document says."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.address = support.address()
        self.running = []
        (self.folder / "bin").mkdir()
        (self.folder / "bin/paytriage").symlink_to(support.PROGRAM)
        self.env = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": folder,
                    "XDG_STATE_HOME": f"{folder}/state", "PAYTRIAGE_BIND": self.address, "PAYTRIAGE_HOST": self.address}
        self.env.pop("PAYTRIAGE_JOURNAL")

    def run(self, language, text):
        if language == "python":
            return self.finish(["/usr/bin/python3", "-c", text.replace("127.0.0.1", self.address)])
        script = ""
        for line in text.splitlines():
            if ENDLESS.match(line):
                self.finish(["bash", "-ec", script])
                self.leave_running(line)
                script = ""
            else:
                script += line.replace("127.0.0.1", self.address) + "\n"
        self.finish(["bash", "-ec", script])

    def finish(self, command):
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[-1]}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"

    def leave_running(self, line):
        line = line.replace("127.0.0.1", self.address)
        output = open(self.folder / f"output-{len(self.running)}", "wb")
        process = subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.env, stdout=output,
                                   stderr=subprocess.PIPE, preexec_fn=support._die_with_parent)
        self.running.append((line, process, output))
        said = ""
        while not said.splitlines()[-1:] or not said.splitlines()[-1].startswith("ready"):
            word = process.stderr.readline().decode()
            assert word, f"{line}\nended before it was ready:\n{said}"
            said += word

    def leave(self):
        for line, process, output in reversed(self.running):
            process.terminate()
            words = process.communicate()[1].decode()
            output.close()
            assert process.returncode == 0, f"{line}\nended with {process.returncode}:\n{words}"


class Documents(unittest.TestCase):
    def follow(self, path):
        blocks = [found.groups() for found in BLOCK.finditer(path.read_text(encoding="utf-8"))]
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            reader = Reader(folder)
            try:
                for reason, language, text in blocks:
                    if language in ("sh", "python") and not reason:
                        reader.run(language, text)
                reader.leave()
            finally:
                for _, process, _ in reader.running:
                    process.kill()
            return sum(language == "sh" and not reason for reason, language, _ in blocks)

    def test_a_stranger_follows_the_readme_to_its_end(self):
        self.assertGreaterEqual(self.follow(support.SOURCE / "README.md"), 5)

    def test_the_operations_guide(self):
        self.assertGreaterEqual(self.follow(support.SOURCE / "docs/operations.md"), 4)

    def test_the_other_documents(self):
        for path in DOCUMENTS:
            if path.name != "operations.md" and path != support.SOURCE / "README.md":
                with self.subTest(path.name):
                    self.follow(path)

    def test_no_command_stands_where_nothing_runs_it(self):
        for path in DOCUMENTS:
            text = path.read_text(encoding="utf-8")
            kept = [found for found in BLOCK.finditer(text)]
            for reason, language, block in (found.groups() for found in kept):
                if language not in ("sh", "python"):
                    self.assertNotRegex(block, COMMAND, path.name)
                elif reason is not None:
                    self.assertGreater(len(reason), 10, path.name)
            outside = BLOCK.sub("", text)
            for found in re.finditer(r"(?m)(^<!-- not run: [^>]+ -->\n\n?)?((?:^ {4}\S.*\n)+)", outside):
                if not found[1]:
                    self.assertNotRegex(found[2], COMMAND, path.name)

    def test_every_event_and_setting_named_in_the_guide_exists(self):
        guide = (support.SOURCE / "docs/operations.md").read_text(encoding="utf-8")
        source = (support.SOURCE / "worker/ops/pt_log.c").read_text(encoding="utf-8")
        events = re.findall(r'\] = \{"([a-z]+\.[a-z_]+)", PT_LOG', " ".join(source.split()))
        self.assertGreater(len(events), 20)
        self.assertEqual(sorted(re.findall(r"(?m)^\| `([a-z]+\.[a-z_]+)` \| (?:debug|info|warning|error) ", guide)), sorted(events))

    def test_every_alert_has_its_row(self):
        guide = (support.SOURCE / "docs/operations.md").read_text(encoding="utf-8")
        rules = (support.SOURCE / "packaging/prometheus/paytriage.rules.yml").read_text(encoding="utf-8")
        alerts = re.findall(r"(?m)^ +- alert: (\w+)$", rules)
        self.assertGreater(len(alerts), 5)
        self.assertEqual(sorted(re.findall(r"(?m)^\| `(Paytriage\w+)` \|", guide)), sorted(alerts))


if __name__ == "__main__":
    support.main()
