"""paytriage explain for a support desk: what to tell the merchant, in four languages."""

import json
import re
import unittest

import support

TEXTS = support.SOURCE / "catalog/texts"
OWN = {"opn": "th", "jamespay": "th", "smilepayz": "th", "shopline": "zh-Hant", "uapay": "uk"}


def explain(*args):
    code, stdout, stderr = support.run("explain", *args)
    return code, stdout, stderr


class Languages(unittest.TestCase):
    def test_the_merchant_is_told_what_the_message_named(self):
        args = ("smilepayz", "4009002", "-m", "Invalid Mandatory Field [amount]")
        for lang, words in (("en", "not correct: amount."), ("th", "คำขอไม่ถูกต้องที่ amount"),
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

    def test_every_entry_has_its_meaning_in_the_language_of_its_gateways_document(self):
        _, stdout, _ = support.run("catalog", "show", "-o", "jsonl")
        rows = support.json_lines(stdout)
        self.assertGreater(len(rows), 400)
        texts = {lang: (TEXTS / f"{lang}.yaml").read_text(encoding="utf-8") for lang in set(OWN.values())}
        missing = [row["id"] for row in rows
                   if json.dumps(row["summary"], ensure_ascii=False) + ": " not in texts[OWN[row["provider"]]]]
        self.assertEqual(missing, [])

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
        source = (support.SOURCE / "worker/cmd/explain_script.c").read_text(encoding="utf-8")
        table = re.sub(r'"\s*"', "", re.search(r"s_scripts.*?\n};", source, re.S).group())
        check = re.search(r'#define CHECK_STATUS "(.*)"', source).group(1)
        table = table.replace('" CHECK_STATUS', check + '"')
        sentences = re.findall(r'"([^"]+)"', table)
        self.assertGreater(len(sentences), 20)
        texts = (TEXTS / "th.yaml").read_text(encoding="utf-8")
        for sentence in sentences:
            self.assertIn(f'"{sentence}": ', texts)


if __name__ == "__main__":
    support.main()
