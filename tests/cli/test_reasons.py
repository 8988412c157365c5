"""Messages that list several reasons, from the gateway's text to the decision."""

import json
import unittest

import support

LIST = ("amount must be greater than or equal to 2000 (thb subunits). $0.09 converts to approximately "
        "288 (thb subunits) and amount must be an integer")


def classify(message, code="invalid_charge"):
    line = {"id": "a", "provider": "opn", "operation": "charge", "http_status": 400,
            "body": {"object": "error", "code": code, "message": message}}
    _, stdout, _ = support.run("classify", data=json.dumps(line).encode() + b"\n")
    return json.loads(stdout)


class Reasons(unittest.TestCase):
    def test_each_reason_of_a_list_is_found_and_named(self):
        decision = classify(LIST)
        self.assertEqual([reason["entry"] for reason in decision["reasons"]],
                         ["opn/invalid_charge/amount-too-small-converted", "opn/invalid_charge/amount-no-integer"])
        self.assertEqual([reason["message"] for reason in decision["reasons"]],
                         [LIST[:-len(" and amount must be an integer")], "amount must be an integer"])
        self.assertEqual(decision["entry"], "opn/invalid_charge/amount-too-small-converted")
        self.assertEqual(decision["params"], {"minimum": "2000", "currency": "thb", "amount": "$0.09",
                                              "converted": "288", "into": "thb"})
        self.assertEqual((decision["match"], decision["action"]), ("template", "fix_request"))

    def test_the_strictest_reason_decides_wherever_it_stands(self):
        for message in ("amount must be an integer and currency is currently not supported",
                        "currency is currently not supported, and amount must be an integer"):
            decision = classify(message, "bad_request")
            self.assertEqual(decision["entry"], "opn/invalid_charge/currency")
            self.assertEqual((decision["match"], decision["action"]), ("message", "contact_provider"))
            self.assertEqual(len(decision["reasons"]), 2)

    def test_a_reason_that_no_row_knows_gets_the_codes_own_entry(self):
        decision = classify("amount must be an integer and the moon is full")
        self.assertEqual(decision["reasons"][1],
                         {"message": "the moon is full", "entry": "opn/invalid_charge/several"})
        self.assertEqual(decision["action"], "fix_request")

    def test_single_reasons_and_unknown_lists_have_no_list(self):
        self.assertNotIn("reasons", classify("amount must be an integer"))
        self.assertNotIn("reasons", classify("one and two"))
        self.assertEqual(classify("one and two")["entry"], "opn/invalid_charge/several")
        self.assertEqual(classify("invalid charge")["entry"], "opn/invalid_charge")


if __name__ == "__main__":
    support.main()
