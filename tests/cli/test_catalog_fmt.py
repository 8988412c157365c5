"""paytriage catalog fmt: one layout, all comments, and never another meaning."""

import pathlib
import tempfile
import unittest

import support

MESSY = """#who
gateway: {id: acme, name: Acme}   # the gateway  \t


body:
  codes:
    - {code: code, message: message}
operations:
  - {name: charge, kind: money}
entries:

  - code: "1"   # one
    category: request_invalid
    outcome: not_executed
    action: fix_request
    summary: "One."
    cite: "doc:1"
  #two
  - code: "2"
    category: request_invalid
    outcome: not_executed
    action: fix_request
    summary: "Two # two."
    cite: "doc:2"


"""


class Fmt(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "acme.yaml"

    def fmt(self, text, *args, code=0):
        self.path.write_bytes(text.encode())
        result, stdout, words = support.run("catalog", "fmt", *args, str(self.path))
        self.assertEqual(result, code, words)
        return self.path.read_bytes().decode(), stdout, words

    def test_layout_is_made_usual_and_every_comment_stays(self):
        after, stdout, _ = self.fmt(MESSY)
        self.assertEqual(stdout.strip(), str(self.path))
        for words in ("# who\n", "# the gateway\n", "\n\noperations:", "entries:\n  - code: \"1\"   # one\n",
                      "\n  # two\n  - code: \"2\"", "Two # two."):
            self.assertIn(words, after)
        self.assertNotIn("\n\n\n", after)
        self.assertTrue(after.endswith('cite: "doc:2"\n'))

    def test_formatting_twice_changes_nothing(self):
        after, _, _ = self.fmt(MESSY)
        again, stdout, _ = self.fmt(after)
        self.assertEqual((again, stdout), (after, ""))
        self.fmt(after, "--check")

    def test_windows_lines_and_a_missing_last_newline_are_mended(self):
        after, _, _ = self.fmt("gateway: {id: a}\r\nentries: []")
        self.assertEqual(after, "gateway: {id: a}\n\nentries: []\n")

    def test_check_names_the_file_and_leaves_it(self):
        after, stdout, _ = self.fmt(MESSY, "--check", code=1)
        self.assertEqual((after, stdout.strip()), (MESSY, str(self.path)))

    def test_texts_of_several_lines_keep_every_byte(self):
        block = "a: |\n  one  \n\n\n  #two\nb: \"c\"\n"
        after, _, _ = self.fmt(block)
        self.assertIn("  one  \n\n\n  #two\n", after)
        open_quote = 'a: "one\n\n\n  two"\n'
        after, _, words = self.fmt(open_quote, code=65)
        self.assertEqual(after, open_quote)
        self.assertIn("left alone", words)

    def test_what_is_no_yaml_is_left_alone(self):
        after, _, words = self.fmt("a: [1\n", code=65)
        self.assertEqual(after, "a: [1\n")
        self.assertIn("acme.yaml:", words)
        self.assertEqual(support.run("catalog", "fmt", str(self.path) + ".absent")[0], 66)

    def test_the_built_in_gateways_have_the_usual_layout(self):
        paths = [str(path) for path in sorted((support.SOURCE / "catalog/providers").glob("*.yaml"))]
        self.assertEqual(support.run("catalog", "fmt", "--check", *paths)[:2], (0, ""))


if __name__ == "__main__":
    support.main()
