"""paytriage catalog learn, and diff --replay over a journal: from traffic to a draft, and what it would move."""

import json
import pathlib
import signal
import tempfile
import unittest

import support

ANSWERS = [{"id": f"x{i}", "provider": "opn", "operation": "charge", "http_status": 400,
            "body": {"object": "error", "code": "invalid_chrge", "message": f"charge {i * 7} is odd"}}
           for i in range(5)]
ANSWERS.append({"id": "y", "provider": "omise", "http_status": 402,
                "body": {"object": "error", "code": "NO", "message": 'a "quoted" {hole}'}})
ANSWERS.append({"id": "z", "provider": "opn", "http_status": 400,
                "body": {"object": "error", "code": "invalid_charge", "message": "invalid charge"}})


class Learn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "answers.jsonl"
        self.file.write_bytes(support.lines_of(ANSWERS) + b"no JSON\n")

    def learn(self, *args, code=0):
        result, stdout, words = support.run("catalog", "learn", *args)
        self.assertEqual(result, code, words)
        return stdout, words

    def draft(self):
        stdout, _ = self.learn("--provider", "opn", str(self.file))
        path = self.folder / "new.yaml"
        path.write_text(stdout, encoding="utf-8")
        return stdout, str(path)

    def test_unknown_codes_are_drafted_with_what_was_seen(self):
        stdout, _ = self.draft()
        self.assertIn("# Seen 5 times with HTTP 400 as charge; the nearest entry is opn/invalid_charge", stdout)
        self.assertIn('message: "charge {1} is odd"', stdout)
        self.assertIn('- code: "NO"', stdout)
        self.assertNotIn('- code: "invalid_charge"', stdout)
        self.assertNotIn("{hole}", stdout)

    def test_a_draft_passes_lint_and_is_not_drafted_again(self):
        _, path = self.draft()
        self.assertEqual(support.run("catalog", "lint", path)[0], 0)
        self.learn("--provider", "opn", "--catalog", path, str(self.file), code=1)

    def test_faults_of_the_command_line_are_named(self):
        self.learn("--provider", "nobody", str(self.file), code=64)
        self.learn("--provider", "opn", str(self.folder / "absent"), code=66)
        self.learn(str(self.file), code=64)

    def test_a_journal_teaches_and_is_replayed_as_a_file_is(self):
        host, journal = support.address(), str(self.folder / "kept")
        with support.Daemon("run", "--bind", host, "--journal", journal, "--journal-size", "16M") as daemon:
            support.send(f"tcp://{host}:5560", ANSWERS)
            self.assertEqual(daemon.stop(signal.SIGTERM), 0)
        of_file, path = self.draft()
        of_journal, _ = self.learn("--provider", "opn", journal)
        seen = [line for line in of_file.splitlines() if line.startswith("  # Seen")]
        self.assertEqual([line for line in of_journal.splitlines() if line.startswith("  # Seen")], seen)

        new = self.folder / "finished.yaml"
        new.write_text(pathlib.Path(path).read_text().replace("category: unknown_code", "category: request_invalid")
                       .replace("outcome: unknown", "outcome: not_executed")
                       .replace("action: investigate", "action: fix_request"), encoding="utf-8")
        empty = self.folder / "empty.yaml"
        empty.write_text("overlay: true\ngateway: {id: opn}\n", encoding="utf-8")
        code, stdout, words = support.run("catalog", "diff", str(empty), str(new), "--replay", journal, "-o", "jsonl")
        self.assertEqual(code, 1, words)
        summary = support.json_lines(stdout)[-1]
        self.assertEqual((summary["responses"], summary["moved"]), (len(ANSWERS), 6))


if __name__ == "__main__":
    support.main()
