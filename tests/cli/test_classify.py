"""paytriage classify: one decision a line, in order, whatever the line holds."""

import base64
import os
import tempfile
import unicodedata
import unittest

import support

GOOD = {"id": "r1", "provider": "opn", "operation": "charge", "http_status": 200,
        "body": {"object": "charge", "status": "failed", "failure_code": "insufficient_fund"}}


def classify(data, *args):
    code, stdout, stderr = support.run("classify", *args, data=data)
    assert code == 0, f"classify ended with {code}: {stderr}"
    return support.json_lines(stdout), stderr


def without_times(decision):
    decision = dict(decision, decided_ms=None)
    if "retry" in decision:
        decision["retry"] = dict(decision["retry"], next_at_ms=None, deadline_ms=None)
    return decision


class Lines(unittest.TestCase):
    def decide_one(self, line):
        decisions, words = classify(line)
        self.assertEqual(len(decisions), 1)
        return decisions[0], words

    def test_a_good_line_is_decided(self):
        decision, words = self.decide_one(support.lines_of([GOOD]))
        self.assertEqual(words, "")
        self.assertEqual((decision["id"], decision["route"], decision["action"], decision["entry"]),
                         ("r1", "dead_letter", "change_instrument", "opn/insufficient_fund"))

    def test_a_decision_without_a_bus_names_no_producer(self):
        for line in (support.lines_of([GOOD]), b"no json\n", b'{"provider": "opn"}\n'):
            decision, _ = self.decide_one(line)
            self.assertNotIn("producer", decision)
            self.assertNotIn("redriven", decision)

    def test_every_kind_of_line_gets_its_decision_in_order(self):
        deep = b'{"id": "deep", "provider": "opn", "body": ' + b'{"a": ' * 40 + b"1" + b"}" * 41
        large = b'{"id": "large", "provider": "opn", "body": {"x": "' + b"y" * 300 * 1024 + b'"}}'
        lines = [
            (b"not json", "line:1", "invalid"),
            (b"{", "line:2", "invalid"),
            (b'{"provider": "opn", "http_status": 404}', "line:3", "http_class"),
            (b'{"id": "no-utf8", "provider": "opn", "reference": "\xff\xfe"}', "no-utf8", "invalid"),
            (b"\x00\x01\x02", "line:5", "invalid"),
            (large, "line:6", "invalid"),
            (deep, "line:7", "invalid"),
            (b"[1, 2]", "line:8", "invalid"),
            (b'"text"', "line:9", "invalid"),
            (b"null", "line:10", "invalid"),
            (b"{}", "line:11", "invalid"),
            (b'{"id": 7, "provider": "opn"}', "line:12", "invalid"),
            (b'{"id": null, "provider": "opn", "http_status": 404}', "line:13", "http_class"),
            (b'{"id": "bad-status", "provider": "opn", "http_status": "200"}', "bad-status", "invalid"),
            (b' {"provider": "opn", "http_status": 404} \r', "line:15", "http_class"),
            (b'{"id": "last", "provider": "opn", "http_status": 404}', "last", "http_class"),
        ]
        decisions, _ = classify(b"\n".join(line for line, _, _ in lines))
        self.assertEqual([(decision["id"], decision["match"]) for decision in decisions],
                         [(name, match) for _, name, match in lines])

    def test_an_invalid_line_says_why_and_keeps_its_bytes(self):
        decision, words = self.decide_one(b'{"provider": \n')
        self.assertEqual(base64.b64decode(decision["raw"]), b'{"provider": ')
        self.assertIn("JSON", decision["error"])
        self.assertRegex(words, r"^line 1: column \d+: not JSON\n$")
        self.assertTrue(decision["alert"]["active"])

    def test_bytes_that_are_no_utf8_cost_the_text_and_not_the_line(self):
        head, paid = b'{"id": "a", "provider": "opn", "operation": "charge", "http_status": 200, ', b'"status": "successful", "paid": true'
        as_text = paid.replace(b'"', b'\\"')
        for body in (b'{%s, "note": "\xe0\xb8"}' % paid, b'"{%s, \\"note\\": \\"\xe0\xb8\\"}"' % as_text):
            decision, words = self.decide_one(head + b'"body": ' + body + b"}\n")
            self.assertEqual((decision["route"], decision["outcome"], words), ("settled", "success", ""))
        decision, _ = self.decide_one(head + b'"body": {%s, "failure_code": "\xe0\xb8"}}\n' % paid)
        self.assertEqual((decision["route"], decision["outcome"]), ("retry", "unknown"))
        decision, _ = self.decide_one(head + b'"reference": "\xe0\xb8", "body": {%s}}\n' % paid)
        self.assertEqual((decision["match"], decision["error"]), ("invalid", "reference: not UTF-8"))

    def test_a_key_that_stands_twice_is_refused_as_on_the_wire(self):
        lines = [(b'{"id": "a", "provider": "opn", "http_status": 404, "provider": "uapay"}', "a", "provider: given twice"),
                 (b'{"provider": "opn", "http_status": 404, "http_status": 404}', "line:2", "http_status: given twice"),
                 (b'{"id": null, "provider": "opn", "body": {}, "body": {"a": ["}", {"b": 1}], "c": "\\"}"}}', "line:3",
                  "body: given twice"),
                 (b'{"id": "d", "id": "e", "provider": "opn"}', "d", "id: given twice"),
                 (b'\xef\xbb\xbf { "\\u0070rovider" : "opn" , "provider":"opn"\t}\r', "line:5", "provider: given twice")]
        decisions, words = classify(b"\n".join(line for line, _, _ in lines))
        self.assertEqual([(decision["id"], decision["match"], decision["error"]) for decision in decisions],
                         [(name, "invalid", error) for _, name, error in lines])
        self.assertEqual(words.splitlines(), [f"line {number}: {error}" for number, (_, _, error) in enumerate(lines, 1)])

    def test_what_nobody_reads_may_stand_twice(self):
        for line in (b'{"provider": "opn", "note": 1, "note": {"provider": "x"}, "http_status": 404}',
                     b'{"provider": "opn", "http_status": 404, "body": {"a": 1, "a": {"provider": 2, "provider": 3}}}',
                     b'{"provider": "opn", "http_status": 404, "body": "{\\"a\\": 1, \\"a\\": 2}"}'):
            decision, words = self.decide_one(line)
            self.assertEqual((decision["id"], decision["match"], words), ("line:1", "http_class", ""))

    def test_of_a_key_that_stands_twice_in_a_body_the_last_one_counts(self):
        for body in (b'{"code": "x", "code": "insufficient_fund"}', b'"{\\"code\\": \\"x\\", \\"code\\": \\"insufficient_fund\\"}"'):
            decision, words = self.decide_one(b'{"provider": "opn", "body": ' + body + b"}")
            self.assertEqual((decision["code"], words), ("insufficient_fund", ""))

    def test_an_unterminated_last_line_counts_and_no_empty_one_follows(self):
        one = support.lines_of([GOOD])
        self.assertEqual(len(classify(one)[0]), 1)
        self.assertEqual(len(classify(one + one.rstrip(b"\n"))[0]), 2)
        self.assertEqual(classify(b"")[0], [])

    def test_a_blank_line_is_no_response_and_counts_as_a_line(self):
        one = b'{"provider": "opn", "http_status": 404}'
        decisions, words = classify(b"\n \t\r\n" + one + b"\r\n\n" + one + b"\n\r\n\n  ")
        self.assertEqual([(decision["id"], decision["match"]) for decision in decisions],
                         [("line:3", "http_class"), ("line:5", "http_class")])
        self.assertEqual(words, "")

    def test_lines_behind_one_that_is_too_long_are_read(self):
        after = b'{"id": "after", "provider": "opn"}\n'
        for size in (4 << 20, (4 << 20) + 1, 5 << 20, 9 << 20):
            decisions, _ = classify(b"x" * size + b"\n" + after + after)
            self.assertEqual([decision["id"] for decision in decisions], ["line:1", "after", "after"], size)
            self.assertEqual(classify(b" " * size + b"\n" + after)[0][0]["match"], "invalid", size)
            self.assertEqual(len(base64.b64decode(decisions[0]["raw"])), 4096)

    def test_lines_may_begin_and_end_anywhere_in_a_read(self):
        pad = b'{"id": "pad", "provider": "opn", "body": "%s"}\n'
        for size in range(65536 - 60, 65536 + 4):
            data = pad.replace(b"%s", b"x" * (size - len(pad) + 2)) + support.lines_of([GOOD])
            self.assertEqual([decision["id"] for decision in classify(data)[0]], ["pad", "r1"])


class Bodies(unittest.TestCase):
    def test_the_sample_is_decided_as_it_expects(self):
        lines = count = 0
        for path in support.BODIES:
            data = path.read_bytes()
            expected = [response["expect"] for response in support.json_lines(data.decode())]
            decisions, _ = classify(data)
            self.assertEqual(len(decisions), len(expected))
            for decision, expect in zip(decisions, expected):
                self.assertEqual({key: decision.get(key) for key in expect}, expect, decision["id"])
                count += len(expect)
            lines += len(expected)
        self.assertGreaterEqual(lines, 300)
        self.assertGreaterEqual(count, 5 * lines)

    def test_equal_input_gives_equal_decisions(self):
        data = support.lines_of(support.sample())
        first, second = classify(data)[0], classify(data)[0]
        self.assertEqual([without_times(decision) for decision in first],
                         [without_times(decision) for decision in second])
        self.assertEqual([list(decision) for decision in first], [list(decision) for decision in second])

    def test_a_file_and_standard_input_are_read_alike(self):
        path = str(support.BODIES[0])
        with open(path, "rb") as file:
            data = file.read()
        expected = [without_times(decision) for decision in classify(data)[0]]
        for decisions, _ in (classify(b"", path), classify(data, "-")):
            self.assertEqual([without_times(decision) for decision in decisions], expected)

    def test_a_document_is_no_line_and_the_way_out_is_named(self):
        for data, way in ((b'{\r\n "provider": "opn"\r\n}\n', "'jq -c . FILE'"), (b'[{"provider": "opn"}]\n', "'jq -c .[] FILE'")):
            code, _, words = support.run("classify", data=data)
            self.assertEqual(code, 0)
            self.assertEqual(words.count("hint: "), 1, words)
            self.assertIn(way, words)
        self.assertNotIn("hint", support.run("classify", data=b'"text"\n{\n[\n')[2])

    def test_text_has_one_line_for_each_decision(self):
        data = support.lines_of(support.sample()) + b'\x1b[31m red\n{"provider": "\\u001b[2J", "id": "\\u0085"}\n' \
            b'{"provider": "\\u202eopn\\u202c", "id": "\\u2066a\\u2069"}\n'
        code, stdout, _ = support.run("classify", "-o", "text", data=data)
        self.assertEqual(code, 0)
        self.assertEqual(len(stdout.splitlines()), data.count(b"\n"))
        controls = {character for character in stdout if not character.isprintable()} - {"\n", "\u00a0"}
        self.assertEqual(controls, set())

    def test_columns_stand_where_a_terminal_shows_them(self):
        def columns(text):
            return sum(0 if unicodedata.category(letter) in ("Mn", "Cf") else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
                       for letter in text)

        words = ("plain", "ไม่รู้จัก", "訂單一二三", "ＡＢＣ", "e\u0301te", "😀", "оплата", "a\u200bb", "ข้อผิดพลาดที่ยาวกว่าที่คอลัมน์จะรับได้", "很長的代碼" * 5)
        data = support.lines_of({"id": word, "provider": word, "http_status": 400, "body": {}} for word in words)
        data += support.lines_of([{"id": "last", "provider": "opn", "http_status": 400, "body": {"code": word}} for word in words])
        for line in support.run("classify", "-o", "text", data=data)[1].splitlines():
            before = line[:line.index("investigate")]
            self.assertEqual(columns(before), 54, line)


class Edges(unittest.TestCase):
    def test_a_line_is_answered_before_the_next_one_is_there(self):
        process = support.start("classify", bufsize=0)
        for number in range(1, 6):
            process.stdin.write(b'{"provider": "opn"}\n')
            line = process.stdout.readline()
            self.assertIn(f'"line:{number}"'.encode(), line)
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(process.wait(), 0)
        process.stdout.close()
        process.stderr.close()

    def test_a_reader_that_goes_away_is_no_error(self):
        reader, writer = os.pipe()
        process = support.start("classify", stdout=writer)
        os.close(writer)
        os.close(reader)
        _, words = process.communicate(support.lines_of([GOOD] * 5000))
        self.assertEqual((process.returncode, words), (0, b""))

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            code, _, words = support.run("classify", data=support.lines_of([GOOD]), stdout=full)
        self.assertEqual(code, 74)
        self.assertRegex(words, r"^paytriage: cannot write to standard output: .*\n$")

    def test_what_cannot_be_read_has_its_exit_code(self):
        with tempfile.TemporaryDirectory() as folder:
            code, stdout, words = support.run("classify", folder + "/none.jsonl")
            self.assertEqual((code, stdout), (66, ""))
            self.assertIn("none.jsonl", words)
            code, _, words = support.run("classify", folder)
            self.assertEqual(code, 74)
            self.assertIn("cannot read", words)
        for args in (["a", "b"], ["--no-such-option"], ["-o", "xml"], ["-C", "sometimes"]):
            self.assertEqual(support.run("classify", *args)[0], 64, args)


if __name__ == "__main__":
    support.main()
