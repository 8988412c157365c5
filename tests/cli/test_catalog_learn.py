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

    def test_each_gateway_gets_a_draft_of_its_own_that_is_not_written_over(self):
        others = [{"provider": "uapay", "http_status": 400, "body": {"error": {"code": "ODD", "message": "x"}}},
                  {"provider": "shopline", "operation": "payment", "http_status": 400, "body": {"code": "7777"}},
                  {"provider": "nobody", "body": {"code": "1"}}]
        self.file.write_bytes(support.lines_of(ANSWERS + others))
        drafts = self.folder / "drafts"
        drafts.mkdir()
        stdout, words = self.learn("--directory", str(drafts), str(self.file))
        self.assertEqual(stdout, "")
        self.assertEqual(sorted(path.name for path in drafts.iterdir()),
                         ["opn-learned.yaml", "shopline-learned.yaml", "uapay-learned.yaml"])
        self.assertIn("4 codes", words)
        self.assertEqual((drafts / "opn-learned.yaml").read_text(encoding="utf-8"), self.draft()[0])
        self.assertEqual(support.run("catalog", "lint", str(drafts))[0], 0)
        (drafts / "opn-learned.yaml").write_text("mine")
        (drafts / "uapay-learned.yaml").unlink()
        _, words = self.learn("--directory", str(drafts), str(self.file), code=73)
        self.assertIn("opn-learned.yaml: File exists", words)
        self.assertEqual((drafts / "opn-learned.yaml").read_text(), "mine")
        self.assertTrue((drafts / "uapay-learned.yaml").exists())
        self.learn("--directory", str(self.folder / "absent"), str(self.file), code=73)

    def test_hostile_codes_and_messages_make_a_draft_that_passes_lint(self):
        odd = ["\u202e05", "0\u200b5", "a\tb", "x" * 255, "{a}", "}", "'\"\\", "# no comment", "é", "é", "null", "- a"]
        answers = [{"provider": "opn", "http_status": 400, "body": {"object": "error", "code": code, "message": message}}
                   for code in odd for message in ("}{", "\u202e" + code, "a\n" + code * 9)]
        self.file.write_bytes(support.lines_of(answers))
        stdout, path = self.draft()
        code, out, words = support.run("catalog", "lint", path)
        self.assertEqual((code, out, words), (0, "", ""))
        self.assertIn('"# no comment"', stdout)
        self.assertIn("9 with codes that are no text", self.learn("--provider", "opn", str(self.file))[1])

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
