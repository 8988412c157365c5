"""paytriage explain: every code of the catalog can be asked for, and the answer is the worker's."""

import json
import unittest

import support

LABELS = ("Means", "Happens", "Do", "Tell", "Source", "Entry")


def documented(gateway):
    """The rows of the gateway's document, as tests/catalog/documented tabulates them."""
    path = support.SOURCE / "tests/catalog/documented" / f"{gateway}.tsv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def explain(*args):
    code, stdout, stderr = support.run("explain", *args)
    return code, stdout, stderr


class Known(unittest.TestCase):
    def explain_json(self, *args):
        code, stdout, stderr = explain(*args, "-o", "jsonl")
        self.assertEqual(code, 0, f"{args}: {stderr}")
        answers = support.json_lines(stdout)
        self.assertEqual(len(answers), 1)
        return answers[0]

    def test_every_documented_row_is_explained_as_its_table_says(self):
        rows = 0
        for gateway in support.GATEWAYS:
            for row in documented(gateway):
                args = [gateway, row["code"]]
                if row["operation"]:
                    args += ["--operation", row["operation"]]
                if row["message"]:
                    args += ["--message", row["message"]]
                answer = self.explain_json(*args)
                self.assertEqual(answer["provider"], gateway)
                self.assertEqual({key: answer[key] for key in ("category", "outcome", "action", "route")},
                                 {key: row[key] for key in ("category", "outcome", "action", "route")}, args)
                rows += 1
        self.assertGreaterEqual(rows, 250)

    def test_every_documented_code_is_known_without_operation_or_message(self):
        for gateway in support.GATEWAYS:
            for code in sorted({row["code"] for row in documented(gateway)}):
                self.assertEqual(self.explain_json(gateway, code)["provider"], gateway)

    def test_answers_for_people_have_all_parts(self):
        for args in (["opn", "insufficient_fund"], ["smilepayz", "5009000"], ["uapay", "DEAL_LOCKED"],
                     ["jamespay", "not-found", "--operation", "query"], ["shopline", "1005"], ["opn", "503"]):
            code, stdout, _ = explain(*args)
            self.assertEqual(code, 0, args)
            for label in LABELS:
                self.assertRegex(stdout, rf"(?m)^  {label} +\S", args)

    def test_the_message_tells_meanings_apart(self):
        code = ["smilepayz", "5009000"]
        rows = [row for row in documented("smilepayz") if row["code"] == "5009000" and row["message"]]
        entries = {self.explain_json(*code, "--message", row["message"])["entry"] for row in rows}
        self.assertGreater(len(entries), 1)
        first = explain(*code, "--message", rows[0]["message"])[1]
        self.assertRegex(first, r"(?m)^  Also +smilepayz/5009000")

    def test_what_people_are_asked_to_do_is_said_where_the_order_is_asked_about_meanwhile(self):
        for message, words in (("System error: x", "Log the whole response"),
                               ("Failed to generate order number", "Send the same request again")):
            _, stdout, _ = explain("smilepayz", "5009100", "-m", message)
            self.assertRegex(stdout, rf"(?m)^  Do +{words}")
        _, stdout, _ = explain("smilepayz", "5029100", "-m", "Unknown payout status")
        self.assertRegex(stdout, "(?m)^  Do +Give the whole response to technical support")

    def test_an_alias_is_the_gateway(self):
        self.assertEqual(self.explain_json("omise", "insufficient_fund"),
                         self.explain_json("opn", "insufficient_fund"))

    def test_http_statuses_and_status_words_are_answered(self):
        for gateway in support.GATEWAYS:
            for status, category in (("5xx", "provider_unavailable"), ("503", "provider_unavailable"),
                                     ("429", "rate_limited")):
                answer = self.explain_json(gateway, status)
                self.assertEqual((answer["match"], answer["category"]), ("http_class", category), gateway)
        self.assertEqual(self.explain_json("opn", "successful")["match"], "status")

    def test_what_to_do_fits_the_action(self):
        # No row of its own answers a 503, and without a known operation asking is the only safe thing to do.
        answer = self.explain_json("opn", "503")
        self.assertEqual(answer["action"], "query_status")
        self.assertIn("Ask the gateway", answer["todo"])
        for gateway in support.GATEWAYS:
            for code in sorted({row["code"] for row in documented(gateway)}):
                answer = self.explain_json(gateway, code)
                if answer["action"] != "resubmit":
                    self.assertNotIn("Send the same request again", answer["todo"], f"{gateway} {code}")

    def test_an_operation_is_known_by_each_of_its_names(self):
        for name in ("pay_in", "payin", "/payin"):
            self.assertEqual(explain("smilepayz", "5029000", "--operation", name)[0::2], (0, ""), name)

    def test_a_message_that_no_row_has_is_answered_and_said(self):
        code, stdout, words = explain("smilepayz", "5029000", "--message", "Pay chanel timeout", "-o", "json")
        self.assertEqual((code, json.loads(stdout)["match"]), (0, "code"))
        self.assertIn("no entry of this code has that message", words)
        self.assertEqual(explain("smilepayz", "5029000", "-m", "Pay channel timeout or interrupted")[2], "")


class Documents(unittest.TestCase):
    def test_json_is_one_document_and_jsonl_a_line_for_each_answer(self):
        code, stdout, _ = explain("opn", "insufficient_fund", "-o", "json")
        self.assertEqual(code, 0)
        self.assertGreater(stdout.count("\n"), 5)
        line = explain("opn", "insufficient_fund", "-o", "jsonl")[1]
        self.assertEqual(line.count("\n"), 1)
        self.assertEqual(json.loads(stdout), json.loads(line))
        self.assertEqual(json.loads(explain("PT1015", "-o", "json")[1])["id"], "PT1015")
        self.assertEqual(json.loads(explain("uapay", "WRONG_PHONE", "-o", "json")[1])["field_code"], "WRONG_PHONE")

    def test_what_is_found_is_one_list(self):
        code, stdout, _ = explain("--search", "insufficient", "-o", "json")
        self.assertEqual(code, 0)
        found = json.loads(stdout)
        self.assertGreater(len(found), 1)
        self.assertEqual(found, support.json_lines(explain("--search", "insufficient", "-o", "jsonl")[1]))
        code, stdout, words = explain("--search", "nosuchwordanywhere", "-o", "json")
        self.assertEqual((code, json.loads(stdout)), (1, []))
        self.assertIn("no entry holds", words)

    def test_a_message_that_is_no_text_is_shown_all_the_same(self):
        code, stdout, _ = explain("smilepayz", "4009002", "-m", b"Invalid Mandatory Field [a\xff\x01]", "-o", "json")
        self.assertEqual(code, 0)
        answer = json.loads(stdout)
        self.assertEqual(answer["params"]["1"], "a\ufffd\x01")
        self.assertIn("a\ufffd?", answer["merchant"])


class Unknown(unittest.TestCase):
    def test_the_nearest_codes_are_named(self):
        code, stdout, words = explain("opn", "insuficient_fund")
        self.assertEqual((code, stdout), (1, ""))
        self.assertRegex(words, r"nearest codes are insufficient_fund,")
        # Case, blanks and quotes that came with a copy are no reason to be far.
        for gateway, typed, near in (("uapay", "format_error", "FORMAT_ERROR"), ("smilepayz", " 5029000 ", "5029000"),
                                     ("shopline", '"4454"', "4454")):
            self.assertRegex(explain(gateway, typed)[2], rf"nearest codes? (is|are) {near}\b")

    def test_codes_that_have_nothing_in_common_are_not_near(self):
        for typed in ("ยอดเงินไม่พอ", "", "card declined by issuer", "卡內餘額不足", "x" * 100000):
            code, _, words = explain("shopline", typed)
            self.assertEqual(code, 1)
            self.assertNotIn("nearest", words, typed[:20])
            self.assertIn("explain --search WORDS", words)

    def test_a_code_of_another_gateway_is_told_as_that(self):
        code, _, words = explain("smilepayz", "insufficient_fund")
        self.assertEqual(code, 1)
        self.assertIn("hint: opn has this code\n", words)

    def test_who_has_only_a_code_is_shown_how_to_look_for_it(self):
        for word in ("4454", "opn", "Pay channel timeout or interrupted"):
            code, _, words = explain(word)
            self.assertEqual(code, 64)
            self.assertIn(f"--search '{word}' looks in all", words)

    def test_a_row_of_another_operation_is_answered_and_said(self):
        for gateway, code, asked, held in (("smilepayz", "5029000", "pay_out", "pay_in"),
                                           ("smilepayz", "5009200", "pay_in", "inquiry"),
                                           ("shopline", "4458", "refund", "payment")):
            got, stdout, words = explain(gateway, code, "--operation", asked, "-o", "json")
            self.assertEqual(got, 0, words)
            self.assertEqual(json.loads(stdout)["match"], "code_any_operation")
            self.assertEqual(words, f"note: no entry of this code is for {asked}; this one is for {held}\n")
            self.assertEqual(explain(gateway, code, "--operation", held)[2], "")

    def test_a_refusal_that_is_meant_for_a_payer_is_asked_about_where_there_is_none(self):
        for asked in ("refund", "transfer"):
            got, stdout, words = explain("opn", "insufficient_fund", "--operation", asked, "-o", "json")
            self.assertEqual(got, 0, words)
            self.assertEqual((json.loads(stdout)["action"], json.loads(stdout)["outcome"]), ("query_status", "unknown"))
            self.assertEqual(words, f"note: nobody pays by {asked}, so the gateway is asked what this refusal is about\n")
        self.assertEqual(explain("opn", "insufficient_fund", "--operation", "charge")[2], "")

    def test_an_operation_that_the_gateway_does_not_have_is_refused_and_the_nearest_is_named(self):
        # Also where the code's own digits name an operation.
        for gateway, code, typed, meant in (("smilepayz", "5029000", "pyin", "pay_in"), ("opn", "503", "Chargess", "charge"),
                                            ("opn", "insufficient_fund", "refnud", "refund")):
            got, stdout, words = explain(gateway, code, "--operation", typed, "-o", "json")
            self.assertEqual((got, stdout), (1, ""), typed)
            self.assertIn(f"{gateway} has no operation '{typed}'", words)
            self.assertIn(f"did you mean {meant}? It has ", words)
        # Capitals make no difference.
        self.assertEqual(explain("opn", "503", "--operation", "CHARGES"), explain("opn", "503", "--operation", "charges"))
        for odd in ("", " ", "bananas", "x" * 5000, "%s%n", "/"):
            got, stdout, words = explain("opn", "insufficient_fund", "--operation", odd)
            self.assertEqual((got, stdout), (1, ""), odd)
            self.assertRegex(words, r"hint: it has charge, .*, list\n")

    def test_what_only_a_code_can_be_asked_with_is_refused_elsewhere(self):
        for question in (["--search", "balance"], ["PT1103"]):
            for option in ("--operation", "--message"):
                code, stdout, words = explain(*question, option, "charge")
                self.assertEqual((code, stdout), (64, ""))
                self.assertIn("--operation and --message", words)

    def test_the_gateway_that_was_meant_is_named(self):
        for typed in ("opm", "OpN", "onp"):
            self.assertIn("did you mean opn? It has ", explain(typed, "1")[2])
        self.assertNotIn("did you mean", explain("xyz", "1")[2])

    def test_the_gateways_are_named(self):
        code, stdout, words = explain("nobody", "1")
        self.assertEqual((code, stdout), (1, ""))
        for gateway in support.GATEWAYS:
            self.assertIn(gateway, words)

    def test_odd_codes_are_unknown_and_nothing_worse(self):
        for odd in ("", " ", "6xx", "00x", "999", "x" * 5000, "%s%n", "4é4"):
            code, stdout, words = explain("opn", odd)
            self.assertEqual((code, stdout), (1, ""), repr(odd))
            self.assertTrue(words.startswith("paytriage: opn has no code "), words)

    def test_searches_of_any_length_end_in_an_answer(self):
        self.assertEqual(explain("--search", "a")[0], 0)
        for words, code in (("x" * 10000, 1), ("", 64), ("%s %n ../", 0), ("?!", 64), ("a " * 16, 0), ("a " * 17, 64),
                            ("x" * 70 + " a", 1)):
            result, _, said = explain("--search", words)
            self.assertEqual(result, code, words[:20])
            self.assertLess(len(said), 400)

    def test_a_wrong_command_line_is_64(self):
        for args in ([], ["opn"], ["opn", "a", "b"], ["opn", "1", "-o", "xml"]):
            self.assertEqual(explain(*args)[0], 64, args)


class Color(unittest.TestCase):
    def test_only_when_asked_for_or_on_a_terminal(self):
        args = ["opn", "insufficient_fund"]
        self.assertNotIn("\x1b", explain(*args)[1])
        self.assertIn("\x1b", explain(*args, "--color", "always")[1])
        code, stdout, _ = support.run("explain", *args, env={"CLICOLOR_FORCE": "1"})
        self.assertEqual((code, "\x1b" in stdout), (0, True))
        code, stdout, _ = support.run("explain", *args, env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"})
        self.assertEqual((code, "\x1b" in stdout), (0, False))


if __name__ == "__main__":
    support.main()
