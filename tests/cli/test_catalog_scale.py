"""Many gateways: 100 of 200 codes each, compiled, opened and asked, one by one and compared."""

import pathlib
import random
import tempfile
import unittest

import support

GATEWAYS = 100
CODES = 200

HEAD = """\
gateway: {{id: g{g}, name: Gateway {g}, cite: doc.txt}}
body: {{codes: [{{code: code, message: message}}]}}
operations: [{{name: pay, kind: money}}, {{name: ask, kind: read}}]
policies: {{slow: {{delays: [30s, 1m], max_attempts: 6}}}}
entries:
"""

#  By the remainder of the code's number: the row, and the action that it leads to.
ROWS = (
    ("category: decline_soft, outcome: declined, action: change_instrument", "change_instrument"),
    ("category: provider_unavailable, outcome: not_executed, action: resubmit, policy: slow", "resubmit"),
    ("message: 'Field {name} of {c}', category: request_invalid, outcome: not_executed, action: fix_request",
     "fix_request"),
    ("operation: pay, category: duplicate, outcome: unknown, action: query_status", "query_status"),
)


def gateway(g, codes=CODES):
    rows = (f'- {{code: "E{c}", {ROWS[c % 4][0]}, summary: "Row {c} of {g}.", cite: {c + 1}}}\n'.replace("{c}", str(c))
            for c in range(codes))
    return HEAD.format(g=g) + "".join(rows)


class Scale(unittest.TestCase):
    def test_each_code_of_each_gateway_has_its_own_answer(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as name:
            folder = pathlib.Path(name)
            for g in range(GATEWAYS):
                (folder / f"g{g}.yaml").write_text(gateway(g), encoding="utf-8")
            image = str(folder / "catalog.ptc")
            code, _, words = support.run("catalog", "compile", name, "--no-builtin", "-o", image)
            self.assertEqual(code, 0, words)
            self.assertIn(f"{GATEWAYS * CODES} entries of {GATEWAYS} gateways", words)

            pairs = [(g, c) for g in range(GATEWAYS) for c in range(CODES)]
            random.Random(7).shuffle(pairs)
            responses = [{"provider": f"g{g}", "operation": "pay",
                          "body": {"code": f"E{c}", "message": f"Field x of {c}"}} for g, c in pairs]
            code, stdout, words = support.run("classify", "--catalog", image, data=support.lines_of(responses))
            self.assertEqual(code, 0, words)
            for (g, c), decision in zip(pairs, support.json_lines(stdout), strict=True):
                self.assertEqual((decision["entry"], decision["action"], decision["summary"]),
                                 (f"g{g}/E{c}", ROWS[c % 4][1], f"Row {c} of {g}."))
            code, stdout, _ = support.run("catalog", "diff", image, image)
            self.assertEqual(code, 0)
            self.assertRegex(stdout, r"^of \d{6} answers 0 differ")

    def test_an_image_large_enough_to_be_mapped_is_checked_and_answers_as_any_other(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as name:
            folder = pathlib.Path(name)
            for g in range(80):
                (folder / f"g{g}.yaml").write_text(gateway(g, 1000), encoding="utf-8")
            image = folder / "catalog.ptc"
            code, _, words = support.run("catalog", "compile", name, "--no-builtin", "-o", str(image))
            self.assertEqual(code, 0, words)
            self.assertGreater(image.stat().st_size, 16 * 1024 * 1024)
            responses = [{"provider": f"g{g}", "operation": "pay", "body": {"code": "E999"}} for g in range(80)]
            code, stdout, words = support.run("classify", "--catalog", str(image), data=support.lines_of(responses))
            self.assertEqual(code, 0, words)
            self.assertEqual([decision["entry"] for decision in support.json_lines(stdout)],
                             [f"g{g}/E999" for g in range(80)])
            for change, reason in ((lambda data: data[:-1], "truncated|cut|short"),
                                   (lambda data: data[:-7] + b"damaged", "checksum")):
                bad = folder / "bad.ptc"
                bad.write_bytes(change(image.read_bytes()))
                code, _, words = support.run("classify", "--catalog", str(bad))
                self.assertNotEqual(code, 0)
                self.assertIn("is refused", words)
                self.assertRegex(words, reason)


if __name__ == "__main__":
    support.main()
