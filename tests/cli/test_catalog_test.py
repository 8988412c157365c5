"""paytriage catalog test: cases pass, fail and are refused as their authors expect."""

import json
import pathlib
import re
import tempfile
import unittest

import support


class Cases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run_cases(self, text, *args, code=0):
        path = self.write("cases.test.yaml", text)
        result, stdout, words = support.run("catalog", "test", path, *args)
        self.assertEqual(result, code, stdout + words)
        return stdout.replace(path, "FILE")

    def one(self, expect, given="provider: opn, operation: charge, body: {failure_code: insufficient_fund}",
            at="at: 2026-11-22T03:00:00Z, ", code=0):
        return self.run_cases(f"tests:\n- {{name: one, {at}given: {{{given}}}, expect: {{{expect}}}}}\n", code=code)


class Passing(Cases):
    def test_every_recorded_body_leads_to_what_it_must(self):
        tests = []
        for path in support.BODIES:
            for line in path.read_text(encoding="utf-8").splitlines():
                given = json.loads(line)
                expect = given.pop("expect")
                tests.append({"name": given["id"], "given": given, "expect": expect})
        stdout = self.run_cases(json.dumps({"tests": tests}, ensure_ascii=False))
        self.assertRegex(stdout, rf"\Atested \d+ of \d+ entries of .*\n{len(tests)} passed, 0 failed\n\Z")

    def test_times_and_durations(self):
        timeout = 'provider: smilepayz, operation: inquiry, http_status: 500, idempotent: true, body: {}'
        self.one("retry: {delay_ms: 30s, max_attempts: 8, deadline_ms: 2026-11-22T04:00:00Z}, "
                 "decided_ms: 2026-11-22T03:00:00Z", timeout)
        late = timeout + ", first_attempt_ms: 2026-11-22T02:00:00.000Z, received_ms: 2026-11-22T03:30:00Z, attempt: 2"
        self.one("route: dead_letter, action: contact_provider, retry: null", late)
        self.one("retry: {delay_ms: 2m}", timeout + ", retry_after_ms: 2m")
        self.one("decided_ms: 2026-01-01T00:00:00Z", at="")
        self.one("decided_ms: 2026-01-01T00:00:01Z", at="", code=1)

    def test_an_operation_that_is_probably_mistyped_is_told(self):
        cases = "".join(f"- {{name: {name}, given: {{provider: {provider}, operation: {operation}, http_status: 503}}, "
                        "expect: {route: retry}}\n"
                        for name, provider, operation in (("one", "opn", "chrage"), ("two", "opn", "charge"),
                                                          ("three", "omise", "bananas"), ("four", "nobody", "x")))
        path = self.write("mistyped.test.yaml", "tests:\n" + cases)
        code, _, words = support.run("catalog", "test", path)
        self.assertEqual((code, words.splitlines()), (0, [
            f"{path}:2:3: note: one: opn has no operation 'chrage'; did you mean charge?",
            f"{path}:4:3: note: three: omise has no operation 'bananas'"]))

    def test_lists_are_sets_and_absent_keys_are_null(self):
        given = "provider: nobody, operation: charge, body: {}"
        self.one("alert: {audience: [operator], active: true, when: now}, code: null, entry: '-'", given)
        self.one("alert: {audience: [operator, security]}", given, code=1)
        self.one("alert: {audience: [security]}", given, code=1)
        self.one("entry: null", given, code=1)

    def test_codes_stay_what_they_are_written_as(self):
        given = "provider: smilepayz, operation: pay_in, body: {code: 05, message: x}"
        self.one("code: '05'", given)
        self.one("code: 05", given)
        self.one("code: 5", given, code=1)

    def test_a_catalog_of_ones_own(self):
        acme = self.write("acme.yaml", "gateway: {id: acme, name: Acme}\nbody: {codes: [{code: code}]}\nentries:\n"
                          '  - {code: "1", category: decline_soft, outcome: declined, action: none,\n'
                          '     summary: No., cite: "a:1"}\n'
                          '  - {code: "2", category: decline_soft, outcome: declined, action: none,\n'
                          '     summary: No., cite: "a:2"}\n')
        stdout = self.run_cases("tests:\n- {name: a, given: {provider: acme, body: {code: 1}}, "
                                "expect: {entry: acme/1}}\n", "--catalog", acme, "--untested")
        self.assertEqual(stdout, "untested acme/2\ntested 1 of 2 entries of acme\n1 passed, 0 failed\n")

    def test_folders_hold_tests_beside_catalogs(self):
        self.write("a.test.yaml", "tests: [{name: a, given: {provider: x}, expect: {entry: '-'}}]\n")
        self.write("b.test.yml", "tests: [{name: a, given: {provider: x}, expect: {entry: '-'}}]\n")
        self.write("over.yaml", "overlay: true\ngateway: {id: opn}\n")
        code, stdout, _ = support.run("catalog", "test", str(self.folder), "--catalog", str(self.folder))
        self.assertEqual(code, 0)
        self.assertTrue(stdout.endswith("\n2 passed, 0 failed\n"), stdout)


class Failing(Cases):
    def test_what_was_expected_and_what_came_is_shown_where_it_stands(self):
        stdout = self.run_cases("tests:\n"
                                "- name: good\n"
                                "  given: {provider: opn, body: {failure_code: insufficient_fund}}\n"
                                "  expect: {route: dead_letter}\n"
                                "- name: bad\n"
                                "  given: {provider: opn, body: {failure_code: insufficient_fund}}\n"
                                "  expect:\n"
                                "    route: retry\n"
                                "    retry: {delay_ms: 30s}\n"
                                "    action: change_instrument\n", code=1)
        lines = stdout.splitlines()
        self.assertEqual(lines[0], 'FILE:8:12: FAILED bad: route: expected retry, got "dead_letter"')
        self.assertEqual(lines[1], "FILE:9:12: FAILED bad: retry: expected a map, got nothing")
        self.assertRegex(lines[2], r"^tested 1 of \d+ entries of opn$")
        self.assertEqual(lines[3:], ["1 passed, 1 failed"])

    def test_a_response_that_is_none_may_be_expected(self):
        self.one("match: invalid, route: dead_letter", "operation: charge")
        self.one("match: invalid", "provider: opn, http_status: 7")

    def test_faults_of_the_cases_themselves(self):
        given = "given: {provider: opn}"
        for text, fault, words in (
                (f"- {{name: a, {given}, expect: {{rout: retry}}}}", "PT1010", "did you mean 'route'?"),
                (f"- {{name: a, {given}, expect: {{retry: {{delay: 1s}}}}}}", "PT1010", "in retry"),
                (f"- {{name: a, {given}, expect: {{alert: {{hwen: now}}}}}}", "PT1010", "did you mean 'when'?"),
                ("- {name: a, given: {provder: opn}, expect: {route: retry}}", "PT1010", "did you mean 'provider'?"),
                (f"- {{name: a, {given}, expects: {{route: retry}}}}", "PT1010", "did you mean 'expect'?"),
                (f"- {{name: a, {given}, expect: {{}}}}", "PT1012", "tests nothing"),
                (f"- {{{given}, expect: {{route: retry}}}}", "PT1012", "'name' is missing"),
                (f"- {{name: a, {given}, expect: {{route: retry, route: retry}}}}", "PT1011", "twice"),
                (f"- {{name: a, {given}, expect: [route]}}", "PT1013", "must be a map"),
                ("- {name: a, given: [opn], expect: {route: retry}}", "PT1013", "must be a map"),
                ("- a", "PT1013", "must be a map"),
                ("- {name: a,", "PT1001", ""),
        ):
            stdout = self.run_cases(f"tests:\n{text}\n", code=1)
            self.assertRegex(stdout, rf"(?m)^FILE:\d+:\d+: error: .*{re.escape(words)}.* \[{fault}\]$", text)
            self.assertTrue(stdout.endswith("\n0 passed, 0 failed\n"))
        for time in ("2026-11-22", "2026-11-22T03:00:00", "2026-02-30T03:00:00Z", "2026-11-22T3:00:00Z", "now",
                     "2026-11-22T03:00:00.5Z", "1969-01-01T00:00:00Z", "'2026-11-22T03:00:00Zx'"):
            stdout = self.one("route: retry", at=f"at: {time}, ", code=1)
            self.assertIn("[PT1036]", stdout, time)

    def test_what_cannot_be_read(self):
        self.assertEqual(support.run("catalog", "test", str(self.folder / "nowhere"))[0], 66)
        self.assertEqual(support.run("catalog", "test", str(self.folder))[0], 66)
        self.assertEqual(support.run("catalog", "test")[0], 64)


if __name__ == "__main__":
    support.main()
