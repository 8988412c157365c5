"""paytriage catalog lint: each promise of it by a file that breaks it, and an explanation for each id."""

import pathlib
import re
import tempfile
import unittest

import support

HEAD = """gateway: {id: acme, name: Acme, cite: doc}
body: {codes: [{code: code, message: message}], status: [state]}
operations: [{name: charge, kind: money}, {name: ask, kind: read}]
entries:
"""
REFUSED = "category: decline_hard, outcome: declined, action: change_instrument, summary: No., cite: 1"
DOWN = "category: provider_unavailable, outcome: not_executed, action: resubmit, summary: Down., cite: 1"


def row(answers_to, means=REFUSED):
    return f"  - {{{answers_to}, {means}}}\n"


#  What is wrong, the file, the id, and the line that it must name.
CASES = (
    ("an entry whose message stands nowhere in a body",
     (HEAD + row('code: "1", message: "a", slug: a') + row('code: "1"')).replace(", message: message", ""), "PT1130", 5),
    ("two entries for one HTTP status", row('http: "503"') + row('http: "503", slug: b'), "PT1102", 6),
    ("templates that overlap and differ in handling",
     row('code: "1", message: "{a} is down", slug: a', DOWN) + row('code: "1", message: "bank {b}", slug: b')
     + row('code: "1"'), "PT1131", 6),
    ("templates of which neither is more specific",
     row('code: "1", message: "{a} down", slug: a', DOWN) + row('code: "1", message: "bank {b}", slug: b')
     + row('code: "1"'), "PT2002", 6),
    ("a template of several codes that shadows another",
     row('code: "1", also: ["2"], message: "a {x}", slug: a') + row('code: "2", message: "a {y}", slug: b')
     + row('code: "1"') + row('code: "2"'), "PT2001", 6),
    ("one template twice", row('code: "1", message: "a {x}", slug: a')
     + row('code: "1", message: "a {y}", slug: b') + row('code: "1"'), "PT2001", 6),
    ("a code without quotes", row("code: 05"), "PT1015", 5),
    ("a code that YAML takes for a switch", row("code: NO"), "PT1015", 5),
    ("a further code without quotes", row('code: "05", also: [06]'), "PT1015", 5),
    ("a refusal for good that is retried",
     row('code: "1"', REFUSED.replace("change_instrument", "resubmit")), "PT1110", 5),
    ("a wrong signature that is retried",
     row('code: "1"', DOWN.replace("provider_unavailable", "auth_signature")), "PT1110", 5),
    ("a fault of the request that is retried",
     row('code: "1"', DOWN.replace("provider_unavailable", "request_invalid")), "PT1110", 5),
    ("a security stop that is retried",
     row('code: "1"', DOWN.replace("provider_unavailable", "risk_security")), "PT1110", 5),
    ("a duplicate that is sent again", row('code: "1"', DOWN.replace("provider_unavailable", "duplicate")), "PT1111", 5),
    ("a success that is sent again",
     row('code: "1"', DOWN.replace("not_executed", "success")), "PT1112", 5),
    ("an unknown outcome that makes a new order",
     row('code: "1"', "category: outcome_unknown, outcome: unknown, action: new_order, summary: s, cite: 1"),
     "PT1113", 5),
    ("an escalation that reaches nobody",
     row('code: "1"', "category: provider_bug, outcome: unknown, action: contact_provider, summary: s, cite: 1"),
     "PT1114", 5),
    ("an entry without a source", row('code: "1"', REFUSED.replace(", cite: 1", "")), "PT1012", 5),
    ("a source that is none", row('code: "1"', REFUSED.replace("cite: 1", "cite: somewhere")), "PT1029", 5),
    ("an unknown key", row('code: "1", sumary: x'), "PT1010", 5),
    ("a merge key", row('code: "1", <<: {todo: x}'), "PT1010", 5),
    ("a schedule that never ends", row('code: "1", deadline: 30d', DOWN), "PT1121", 5),
    ("a schedule of more attempts than anybody waits for", row('code: "1", max_attempts: 1000', DOWN), "PT1121", 5),
    ("a schedule without attempts", row('code: "1", max_attempts: 1', DOWN), "PT1033", 5),
    ("a delay after the deadline", row('code: "1", delays: [2h], deadline: 1h', DOWN), "PT1033", 5),
    ("a request that is left alone",
     row('code: "1"', "category: not_found, outcome: not_executed, action: none, summary: s, cite: 1"), "PT1120", 5),
    ("text that turns the direction of reading", row('code: "1", todo: "a \\u202e b"'), "PT1014", 5),
    ("a code with a character that cannot be seen", row('code: "0\\u200b5"'), "PT1014", 5),
    ("a merchant's sentence with a hole that nothing fills", row('code: "1", merchant: "{x}"'), "PT1028", 5),
)


class Lint(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "acme.yaml"

    def lint(self, text):
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        code, stdout, words = support.run("catalog", "lint", str(self.file))
        return code, stdout + words

    def test_each_promise_is_kept_in_gcc_form(self):
        for what, rows, ident, line in CASES:
            with self.subTest(what):
                _, said = self.lint(rows if rows.startswith("gateway") else HEAD + rows)
                self.assertRegex(said, rf"(?m)^{re.escape(str(self.file))}:{line}:\d+: (error|warning): .* \[{ident}\]$")

    def test_all_faults_of_a_file_come_at_once(self):
        code, said = self.lint(HEAD + row("code: 05") + row('code: "1", sumary: x') + row('code: "2"', DOWN.replace(
            "provider_unavailable", "duplicate")))
        self.assertEqual(code, 1)
        self.assertEqual(re.findall(r"\[(PT\d{4})\]", said), ["PT1015", "PT1010", "PT1111"])

    def test_what_editors_and_other_systems_write_is_read(self):
        text = (HEAD + row('code: "05"')).encode()
        for written in (text, b"\xef\xbb\xbf" + text, text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" +
                        text.replace(b"\n", b"\r\n"), b"%YAML 1.1\n---\n" + text + b"...\n"):
            self.assertEqual(self.lint(written), (0, ""))

    def test_a_key_that_a_merge_was_meant_to_bring_is_not_called_missing(self):
        _, said = self.lint(HEAD + '  - &a {code: "1", ' + REFUSED + '}\n  - {<<: *a, code: "2"}\n')
        self.assertEqual(re.findall(r"\[(PT\d{4})\]", said), ["PT1010"])


class Ids(unittest.TestCase):
    """The table of pt_fault.c against the places that print its ids."""

    def setUp(self):
        table = (support.SOURCE / "catalog/compiler/pt_fault.c").read_text(encoding="utf-8")
        self.ids = dict(re.findall(r'\[(PT_FAULT_\w+)\] =\s*\{"(PT\d{4})"', table))
        self.code = "".join(path.read_text(encoding="utf-8") for folder in ("catalog", "worker")
                            for path in sorted((support.SOURCE / folder).rglob("*.c")) if path.name != "pt_fault.c")
        self.assertGreater(len(self.ids), 50)

    def test_every_id_can_be_printed(self):
        used = set(re.findall(r"\bPT_FAULT_\w+", self.code))
        literal = set(re.findall(r'"(PT\d{4})"', self.code))
        self.assertEqual([ident for name, ident in self.ids.items() if name not in used and ident not in literal], [])

    def test_every_id_that_can_be_printed_has_an_explanation(self):
        self.assertEqual(sorted(set(re.findall(r'"(PT[1-9]\d{3})"', self.code)) - set(self.ids.values())), [])

    def test_every_id_is_explained_with_a_remedy_of_its_own(self):
        remedies = set()
        for ident in self.ids.values():
            code, stdout, words = support.run("explain", ident)
            self.assertEqual((code, words), (0, ""), ident)
            self.assertRegex(stdout, rf"^{ident}\n  Means     \S.*\n  Do        \S.*\.\n$")
            remedies.add(stdout.splitlines()[2])
        self.assertEqual(len(remedies), len(self.ids))
        self.assertEqual(support.run("explain", "PT9999")[0], 1)

    def test_no_document_names_an_id_that_there_is_not(self):
        for path in [support.SOURCE / "README.md", support.SOURCE / "catalog/README.md",
                     *sorted((support.SOURCE / "docs").rglob("*.md"))]:
            named = set(re.findall(r"\bPT\d{4}\b", path.read_text(encoding="utf-8")))
            self.assertEqual(named - set(self.ids.values()), set(), path.name)


if __name__ == "__main__":
    support.main()
