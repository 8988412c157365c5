"""`paytriage tail >>FILE` after one that died while it wrote: what it left of a line takes no decision with it."""

import subprocess

import support

TORN = b'{"id":"torn","attempt":1,"prov'
WHOLE = b'{"id":"whole"}\n'


class Append(support.JournalTest):
    def setUp(self):
        super().setUp()
        self.start_for_the_test()
        self.file = self.folder / "audit.jsonl"

    def appended(self, before, count):
        """The lines of a file that held `before`, once `count` decisions were appended."""
        self.file.write_bytes(before)
        with self.file.open("ab") as file:
            tail = support.start("tail", "--host", self.host, "--since-start", "--count", str(count), "-o", "jsonl",
                                 stdin=subprocess.DEVNULL, stdout=file)
            _, words = tail.communicate()
        self.assertEqual(tail.returncode, 0, words)
        return self.file.read_bytes().splitlines()

    def test_a_torn_line_gets_its_end_and_no_other_one_does(self):
        support.send(self.front, [{"id": f"r{n}", "provider": "opn", "http_status": 503} for n in range(3)])
        lines = self.appended(TORN, 3)
        self.assertEqual(lines[0], TORN)
        self.assertEqual([d["id"] for d in support.json_lines(b"\n".join(lines[1:]).decode() + "\n")], ["r0", "r1", "r2"])
        for before in (WHOLE, b""):
            lines = self.appended(before, 3)
            self.assertEqual(len(lines), 3 + bool(before))
            support.json_lines(self.file.read_text())


if __name__ == "__main__":
    support.main()
