"""paytriage catalog diff: what differs is shown, what is riskier is marked, and equal catalogs are equal."""

import json
import pathlib
import tempfile
import unittest

import support

HEAD = "overlay: true\ngateway: {id: opn}\nentries:\n"
FUND = "  - id: insufficient_fund\n"


class Diffs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def over(self, text, name="over.yaml"):
        return self.write(name, HEAD + text)

    def diff(self, *args, code=1):
        result, stdout, words = support.run("catalog", "diff", *args)
        self.assertEqual(result, code, f"{args}: {stdout}{words}")
        return stdout

    def answers(self, *args, code=1):
        lines = support.json_lines(self.diff(*args, "-o", "jsonl", code=code))
        self.assertEqual(lines[-1]["kind"], "summary")
        return [line for line in lines if line["kind"] == "answer"], lines[-1]


class Behaviour(Diffs):
    def test_equal_catalogs_are_equal(self):
        image = str(self.folder / "catalog.ptc")
        self.assertEqual(support.run("catalog", "compile", "-o", image)[0], 0)
        providers = str(support.SOURCE / "catalog/providers")
        for old, new in (("builtin", "builtin"), (image, "builtin"), ("builtin", providers), (providers, image)):
            stdout = self.diff(old, new, code=0)
            self.assertRegex(stdout, r"^of \d{4,} answers 0 differ, 0 of them riskier; entries: 0 added, 0 removed, "
                                     r"0 reworded\n$")

    def test_a_removed_entry_is_shown_and_its_code_is_unknown(self):
        over = self.over("  - {id: insufficient_fund, remove: true}\n")
        answers, summary = self.answers("builtin", over)
        self.assertEqual({answer["code"] for answer in answers}, {"insufficient_fund"})
        self.assertEqual({answer["after"]["category"] for answer in answers}, {"unknown_code"})
        self.assertEqual((summary["removed"], summary["added"]), (1, 0))
        code, stdout, words = support.run("explain", "opn", "insufficient_fund", "--catalog", over)
        self.assertEqual((code, stdout), (1, ""), words)

    def test_a_dead_letter_that_is_retried_is_a_risk_and_the_way_back_is_none(self):
        over = self.over('  - {code: "insufficient_fund", operation: charge, category: decline_soft, outcome: declined,\n'
                         '     action: resubmit, slug: charge, summary: Try again., cite: "https://example.com/"}\n')
        answers, summary = self.answers("builtin", over)
        self.assertTrue(answers)
        for answer in answers:
            self.assertEqual((answer["provider"], answer["code"]), ("opn", "insufficient_fund"))
            self.assertEqual((answer["before"]["route"], answer["after"]["route"]), ("dead_letter", "retry"))
            self.assertEqual(answer["risks"], ["a dead letter is retried"])
        self.assertEqual(summary["risky"], len(answers))
        back, summary = self.answers(over, "builtin")
        self.assertEqual((len(back), summary["risky"]), (len(answers), 0))
        text = self.diff("builtin", over)
        self.assertIn("opn insufficient_fund\n  dead_letter change_instrument -> retry resubmit  (charge)\n"
                      "    RISK a dead letter is retried\n", text)

    def test_what_was_asked_about_and_is_sent_again_is_a_risk(self):
        over = self.over("  - {id: internal_error, outcome: not_executed}\n")
        answers, _ = self.answers("builtin", over)
        risky = [answer for answer in answers if answer["risks"]]
        self.assertIn("charge", {answer["operation"] for answer in risky})
        for answer in risky:
            self.assertEqual((answer["before"]["action"], answer["after"]["action"]), ("query_status", "resubmit"))
            self.assertFalse(answer["idempotent"])
            self.assertEqual(answer["risks"], ["what was asked about is sent again"])
        self.assertIn("unless idempotent", self.diff("builtin", over))

    def test_what_was_open_and_counts_as_done_is_a_risk(self):
        over = self.over('  - {status: "failed", category: accepted, outcome: success, action: none}\n')
        answers, _ = self.answers("builtin", over)
        self.assertTrue(any("what was open counts as done" in answer["risks"] for answer in answers))
        self.assertTrue(all(answer["status"] == "failed" for answer in answers))

    def test_alerts_that_are_gone_are_a_risk(self):
        alert = "    alert: {audience: [operator], severity: warning, when: %s}\n"
        loud = self.over(FUND + alert % "now", "loud.yaml")
        quiet = self.over(FUND + alert % "if_frequent", "quiet.yaml")
        answers, _ = self.answers(loud, quiet)
        self.assertTrue(answers)
        self.assertTrue(all(answer["risks"] == ["nobody is told at once any more"] for answer in answers))
        answers, summary = self.answers(quiet, loud)
        self.assertEqual(summary["risky"], 0)

    def test_schedules_differ_beyond_their_first_delay(self):
        one = self.over(FUND + "    action: resubmit\n    delays: [1m, 2m]\n", "one.yaml")
        two = self.over(FUND + "    action: resubmit\n    delays: [1m, 3m]\n", "two.yaml")
        answers, _ = self.answers(one, two)
        self.assertTrue(answers)
        self.assertEqual(answers[0]["before"]["action"], answers[0]["after"]["action"])

    def test_new_codes_words_names_and_kinds_are_named(self):
        over = self.write("over.yaml", "overlay: true\ngateway: {id: opn, aliases: [ours]}\n"
                          "operations: [{name: charge, aliases: [pay_us]}, {name: search, kind: write},\n"
                          "             {name: schedule, payer: false}, {name: refund, payer: true}]\n"
                          "entries:\n" + FUND + "    summary: Other words.\n"
                          '  - {code: "new_one", category: decline_soft, outcome: declined,\n'
                          '     action: change_instrument, summary: New., cite: "https://example.com/"}\n')
        text = self.diff("builtin", over)
        for line in ("opn: name 'ours' added", "opn: operation 'pay_us' added",
                     "opn: operation 'search' is write, no longer read",
                     "opn: operation 'schedule' has no payer", "opn: operation 'refund' has a payer", "+ entry opn/new_one",
                     "~ entry opn/insufficient_fund: other texts"):
            self.assertIn(line + "\n", text)
        self.assertIn("- entry opn/new_one\n", self.diff(over, "builtin"))

    def test_where_no_payer_is_meant_is_named(self):
        over = self.write("over.yaml", "overlay: true\ngateway: {id: shopline}\nbody:\n  codes:\n" + "".join(
            f"    - {{code: {at}code, message: {at}msg, width: 4{payer}}}\n" for at, payer in (
                ("paymentMsg.", ""), ("refundMsg.", ", payer: false"), ("data.paymentMsg.", ""),
                ("data.refundMsg.", ", payer: true"), ("", ""))))
        text = self.diff("builtin", over)
        self.assertIn("shopline: other codes are about what no payer pays\n", text)
        self.assertNotIn("stand elsewhere", text)

    def test_gateways_that_come_and_go_are_named(self):
        acme = self.write("acme.yaml", "gateway: {id: acme, name: Acme}\nbody: {codes: [{code: code}]}\nentries:\n"
                          '  - {code: "1", also: ["2"], category: decline_soft, outcome: declined, action: none,\n'
                          '     summary: No., cite: "a:1"}\n')
        self.assertIn("acme: gateway added\n", self.diff("builtin", acme))
        self.assertIn("acme: gateway removed\n", self.diff(acme, "builtin"))
        answers, _ = self.answers("builtin", acme)
        self.assertEqual({answer["code"] for answer in answers}, {"1", "2"})

    def test_only_risks_where_only_they_are_asked_for(self):
        over = self.over(FUND + "    action: resubmit\n  - {id: backend_error, summary: Words.}\n")
        self.assertEqual(self.diff("builtin", over, "--risky").count("entry "), 0)

    def test_catalogs_that_cannot_be_had(self):
        self.diff("builtin", str(self.folder / "nowhere"), code=66)
        self.diff("builtin", self.over("  - {id: nothing}\n"), code=78)
        self.diff("builtin", code=64)


class Replay(Diffs):
    def setUp(self):
        super().setUp()
        self.responses = support.sample()
        self.recorded = self.write("recorded.jsonl", support.lines_of(self.responses).decode())

    def test_the_same_catalog_moves_nothing(self):
        stdout = self.diff("builtin", "builtin", "--replay", self.recorded, code=0)
        self.assertEqual(stdout, f"of {len(self.responses)} responses 0 would move, 0 of them in a riskier "
                                 "direction\n")

    def test_moves_are_those_that_classify_shows(self):
        over = self.over(FUND + "    action: resubmit\n")
        moved = []
        for args in ([], ["--catalog", over]):
            _, stdout, _ = support.run("classify", self.recorded, *args)
            moved.append([(line["id"], line["route"], line["action"]) for line in support.json_lines(stdout)])
        expected = [new[0] for old, new in zip(*moved) if old != new]
        self.assertTrue(expected)
        lines = support.json_lines(self.diff("builtin", over, "--replay", self.recorded, "--samples", "16", "-o",
                                             "jsonl"))
        moves = lines[:-1]
        by_route = [move for move in moves if move["before"] != move["after"]]
        self.assertEqual([sample["id"] for move in by_route for sample in move["samples"]], expected)
        self.assertEqual(by_route[0]["risks"], ["a dead letter is retried"])
        self.assertEqual(lines[-1]["responses"], len(self.responses))
        text = self.diff("builtin", over, "--replay", self.recorded)
        self.assertRegex(text, r"dead_letter change_instrument -> retry resubmit\n    RISK a dead letter is retried\n")
        self.assertIn(f": {expected[0]}\n", text)

    def test_lines_that_are_no_responses_move_nowhere(self):
        bad = self.write("bad.jsonl", "not json\n[]\n{}\n" + json.dumps({"provider": "nobody"}) + "\n")
        self.assertTrue(self.diff("builtin", self.over(FUND + "    action: resubmit\n"), "--replay", bad,
                                  code=0).startswith("of 4 responses 0 "))
        self.diff("builtin", "builtin", "--replay", str(self.folder / "nowhere"), code=66)

    def test_a_file_that_holds_no_responses_is_said_to_be_none(self):
        for name, text in (("cut.jsonl", '{"provider": "opn", "bo'), ("foreign", "\x7fELF\x02\x01\0\0 \n\n more"),
                           ("image", "PTCAT\0\0")):
            path = self.write(name, text)
            code, _, words = support.run("catalog", "diff", "builtin", "builtin", "--replay", path)
            self.assertEqual(code, 65, name)
            self.assertIn("holds no responses", words)
        empty = self.write("empty.jsonl", "")
        self.assertIn("of 0 responses", self.diff("builtin", "builtin", "--replay", empty, code=0))
        cut = self.write("half.jsonl", json.dumps(self.responses[0]) + "\n" + json.dumps(self.responses[1])[:-9])
        code, _, words = support.run("catalog", "diff", "builtin", "builtin", "--replay", cut)
        self.assertEqual((code, words), (0, "1 of them are no responses, the first at line 2\n"))


if __name__ == "__main__":
    support.main()
