"""paytriage explain for a support desk: what to tell the merchant, in four languages."""

import json
import re
import unicodedata
import unittest

import support

TEXTS = support.SOURCE / "catalog/texts"
OWN = {"opn": "th", "jamespay": "th", "smilepayz": "th", "shopline": "zh-Hant", "uapay": "uk"}


def explain(*args):
    code, stdout, stderr = support.run("explain", *args)
    return code, stdout, stderr


def columns_before(line, value):
    """How far to the right of the line a value stands, as a terminal shows it."""
    return sum(0 if unicodedata.category(letter) == "Mn" else 2 if unicodedata.east_asian_width(letter) == "W" else 1
               for letter in line[:line.index(value)])


class Languages(unittest.TestCase):
    def test_the_merchant_is_told_what_the_message_named(self):
        args = ("smilepayz", "4009002", "-m", "Invalid Mandatory Field [amount]")
        for lang, words in (("en", "must hold: amount."), ("th", "ขาดข้อมูลที่จำเป็น: amount"),
                            ("zh-Hant", "請求有誤：amount"), ("uk", "неправильний: amount.")):
            code, stdout, stderr = explain(*args, "--lang", lang)
            self.assertEqual((code, stderr), (0, ""))
            self.assertIn(words, stdout)

    def test_json_names_the_language_and_the_sentence(self):
        code, stdout, _ = explain("uapay", "WRONG_ID", "--lang", "uk", "-o", "jsonl")
        answer = json.loads(stdout)
        self.assertEqual((code, answer["lang"]), (0, "uk"))
        self.assertIn("не існує", answer["merchant"])

    def test_hostile_values_cannot_steer_a_terminal(self):
        _, stdout, _ = explain("smilepayz", "4009002", "-m", "Invalid Mandatory Field [a\x1b[31m]")
        self.assertNotIn("\x1b", stdout)

    def test_labels_stand_in_one_column_in_every_language(self):
        for lang, words in (("en", "The payer"), ("uk", "The payer"), ("th", "ผู้ชำระเงินไม่ได้"), ("zh-hant", "The payer")):
            lines = explain("opn", "timeout", "--lang", lang)[1].splitlines()
            columns = {columns_before(line, value) for line, value in ((lines[1], words), (lines[2], "dead_letter"))}
            self.assertEqual(columns, {12 if lang == "en" else 13}, lang)

    def test_every_label_is_in_the_language_that_was_asked_for(self):
        question = ("smilepayz", "4039002", "-m", "Transaction Not Permitted.[105]")
        labels = re.compile(r"^  (\S.*?)(?:  +|$)", re.M)
        english = set(labels.findall(explain(*question)[1]))
        self.assertLessEqual({"Means", "Happens", "Source", "Entry", "Also", "Values"}, english)
        for lang in ("th", "zh-Hant", "uk"):
            self.assertEqual(english & set(labels.findall(explain(*question, "--lang", lang)[1])), set(), lang)

    def test_a_language_that_there_is_not_is_refused(self):
        code, _, stderr = explain("opn", "timeout", "--lang", "xx")
        self.assertEqual(code, 64)
        self.assertIn("zh-Hant", stderr)

    def test_every_reason_of_a_list_is_shown(self):
        _, stdout, _ = explain("opn", "invalid_charge", "-m",
                               "amount must be an integer and currency is currently not supported")
        self.assertIn("Reasons", stdout)
        self.assertIn("opn/invalid_charge/amount-no-integer", stdout)

    def test_all_languages_hold_the_same_stock_sentences(self):
        keys = {}
        for lang in ("th", "zh-Hant", "uk"):
            lines = (TEXTS / f"{lang}.yaml").read_text(encoding="utf-8").split("\n# ---")[0].splitlines()
            keys[lang] = {line.split('": "')[0] for line in lines if line.startswith('"')}
        self.assertEqual(keys["th"], keys["uk"])
        self.assertEqual(keys["th"], keys["zh-Hant"])
        self.assertGreater(len(keys["th"]), 45)

    def test_every_sentence_of_an_entry_stands_in_the_language_of_its_gateways_document(self):
        _, stdout, _ = support.run("catalog", "show", "-o", "jsonl")
        rows = support.json_lines(stdout)
        self.assertGreater(len(rows), 400)
        self.assertGreater(sum(row["merchant"] is not None for row in rows), 50)
        texts = {lang: (TEXTS / f"{lang}.yaml").read_text(encoding="utf-8") for lang in set(OWN.values())}
        missing = [(row["id"], key) for row in rows for key in ("summary", "todo", "merchant") if row[key] is not None
                   if json.dumps(row[key], ensure_ascii=False) + ": " not in texts[OWN[row["provider"]]]]
        self.assertEqual(missing, [])

    def test_what_is_wrong_with_a_field_is_told_in_the_language_of_the_document(self):
        source = (support.SOURCE / "catalog/providers/uapay.yaml").read_text(encoding="utf-8")
        codes = re.findall(r'^  "(\w+)": \{summary:', source, re.M)
        self.assertGreater(len(codes), 8)
        texts = (TEXTS / "uk.yaml").read_text(encoding="utf-8")
        for code in codes:
            english = re.search(rf'^  "{code}": {{summary: (".*?"),', source, re.M)[1]
            translation = json.loads(texts.split(f"\n{english}: ")[1].splitlines()[0])
            _, stdout, _ = explain("uapay", code, "--lang", "uk")
            field = stdout[stdout.index(f"{code}, код окремого поля\n"):].splitlines()
            self.assertEqual(field[1:2], [f"  Значення   {translation}"])
            self.assertRegex(field[2], "^  Джерело    004_")
            self.assertIn(json.loads(english), explain("uapay", code)[1])
        answer = json.loads(explain("uapay", "WRONG_PHONE", "--lang", "uk", "-o", "json")[1])
        self.assertEqual((answer["lang"], "номер" in answer["summary"]), ("uk", True))

    def test_whose_judgement_it_is_is_said_in_the_language_that_was_asked_for(self):
        english = "the handling is our judgement"
        self.assertIn(english, explain("opn", "bad_request")[1])
        for lang in ("th", "zh-Hant", "uk"):
            self.assertNotIn(english, explain("opn", "bad_request", "--lang", lang)[1])

    def test_a_translation_has_the_holes_of_its_sentence(self):
        for lang in ("th", "zh-Hant", "uk"):
            lines = (TEXTS / f"{lang}.yaml").read_text(encoding="utf-8").splitlines()
            pairs = [line.split('": "') for line in lines if line.startswith('"')]
            self.assertGreater(len(pairs), 100)
            for english, translation in pairs:
                holes = [sorted(re.findall(r"\{\w+\}", text)) for text in (english, translation)]
                self.assertEqual(*holes, english)

    def test_a_merchant_hears_what_fits_the_case(self):
        cases = (("10", "Invalid Field Format [orderNo]", "not right: orderNo."),
                 ("10", "Invalid Mandatory Field [amount]", "must hold: amount."),
                 ("10", "Duplicate pay order", "has been sent before"),
                 ("11", "Partner :M77 Not Found", "with the id M77."),
                 ("11", "Invalid Routing", "v2.0/disbursement/pay-out"),
                 ("12", "Unauthorized. [x]", "SHA256withRSA"),
                 ("12", "Invalid Token [x]", "get a new one"),
                 ("13", "TOO_MANY_REQUESTS", "being processed"),
                 ("14", "Transaction Expired", "create a new order"),
                 ("14", "Do Not Honor, [ip]", "merchant id and the time"),
                 ("14", "Transaction declined by risk control", "Risk control declined"),
                 ("14", "Transaction Not Permitted.[105]", "Risk control declined"),
                 ("14", "Merchant Blacklisted. 10.0.0.1", "allow-list"),
                 ("14", "Insufficient configuration permission. [122]", "at least one channel"),
                 ("16", "Insufficient Balance. [0]", "top it up"),
                 ("20", "External request error: x", "not available for the moment. Please ask for the order's status"),
                 ("99", "System error: x", "passed the details on"))
        for code, message, words in cases:
            _, stdout, _ = explain("smilepayz", code, "-m", message, "--operation", "pay_in", "-o", "json")
            self.assertIn(words, json.loads(stdout)["merchant"], message)

    def test_no_merchant_is_asked_to_send_again_what_may_be_done(self):
        for gateway, code, operation, words in (
                ("smilepayz", "4009101", "pay_out", "before sending anything again"),
                ("smilepayz", "5029100", "pay_out", "before sending anything again"),
                ("smilepayz", "13", None, "before sending anything again"),
                ("opn", "backend_error", "charge", "before sending anything again"),
                ("jamespay", "service-unavailable", "withdraw/create", "before sending anything again"),
                ("jamespay", "channel-limit-reached", "withdraw/create", "before sending anything again"),
                ("shopline", "4001", "order", "before sending anything again"),
                ("shopline", "CUSTOMER_ACTION", "payment", "wait for its result"),
                ("uapay", "NEEDS_CONFIRMATION", "deal/pay", "wait for its result"),
                ("shopline", "REFUNDED", "payment", "order is over"),
                ("opn", "transfer_failed", "transfer", "check the recipient's account"),
                # Here nothing was done, or it may be done twice.
                ("shopline", "4401", "payment", "create a new one"),
                ("jamespay", "service-unavailable", "payment/create", "try again later"),
                ("opn", "backend_error", "retrieve", "try again later"),
                ("smilepayz", "4009201", "inquiry", "correct")):
            asked = ("--operation", operation) if operation else ()
            _, stdout, _ = explain(gateway, code, *asked, "-o", "json")
            self.assertIn(words, json.loads(stdout)["merchant"], (gateway, code, operation))

    def test_an_empty_hole_makes_no_half_sentence(self):
        _, stdout, _ = explain("smilepayz", "4009002", "-m", "Invalid Mandatory Field []", "-o", "json")
        answer = json.loads(stdout)
        self.assertEqual(answer["params"], {"1": ""})
        self.assertEqual(answer["merchant"], "The request is not correct. Please check its data and send it again.")

    def test_meanings_are_shown_and_found_in_each_language(self):
        for args, lang, words in ((("opn", "timeout"), "th", "ไม่มีเงินเคลื่อนย้าย"),
                                  (("shopline", "4454"), "zh-Hant", "卡片餘額不足"),
                                  (("uapay", "DUPLICATE_ID"), "uk", "ідентифікатором")):
            _, stdout, _ = explain(*args, "--lang", lang)
            self.assertIn(words, stdout)
            code, stdout, _ = explain("--search", words, "--lang", lang, "-o", "jsonl")
            self.assertEqual(code, 0)
            entries = [answer["entry"] for answer in support.json_lines(stdout)]
            self.assertTrue(any(entry.startswith("/".join(args)) or args[1] in entry for entry in entries), entries)

    def test_a_typo_in_ukrainian_is_forgiven(self):
        code, stdout, _ = explain("--search", "кошек")
        self.assertEqual(code, 0)
        self.assertIn("uapay/DUPLICATE_ID/cart", stdout)

    def test_capitals_make_no_difference(self):
        for words in ("КОШИК", "кошик", "ІСНУЄ кошик"):
            code, stdout, _ = explain("--search", words)
            self.assertEqual(code, 0)
            self.assertIn("uapay/DUPLICATE_ID/cart", stdout)

    def test_every_stock_sentence_to_merchants_is_translated(self):
        source = (support.SOURCE / "worker/cmd/explain/explain_script.c").read_text(encoding="utf-8")
        check = re.search(r'#define CHECK_STATUS "(.*)"', source).group(1)
        source = re.sub(r'"\s*"', "", source.replace('" CHECK_STATUS', check + '"'))
        tables = re.findall(r"s_(?:scripts|unsure)\[PT_CATEGORY_COUNT_\] = .*?\n};", source, re.S)
        self.assertEqual(len(tables), 2)
        shared = re.findall(r'#define (?!CHECK_STATUS)\w+ "(.*)"', source)
        sentences = re.findall(r'"([^"]+)"', "".join(tables)) + shared
        self.assertGreater(len(sentences), 25)
        texts = (TEXTS / "th.yaml").read_text(encoding="utf-8")
        for sentence in sentences:
            self.assertIn(f'"{sentence}": ', texts)


if __name__ == "__main__":
    support.main()
