"""Bad input in every file that the program reads: it ends in time with a code of its table and, where it refuses, one
clear line that names the file; it never dies of it.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import hostile  # noqa: E402
import support  # noqa: E402

LINE = {"id": "r", "provider": "opn", "http_status": 200, "body": {"object": "charge", "status": "failed",
                                                                  "failure_code": "insufficient_fund"}}
OVERLAY = b"""overlay: true
gateway: {id: opn}
entries:
  - code: "insufficient_fund"
    summary: "The card lacks the money."
"""
CASES = b"""tests:
  - name: a card without money
    given: {provider: opn, http_status: 200, body: {object: charge, status: failed, failure_code: insufficient_fund}}
    expect: {route: dead_letter}
"""
SETTINGS = b"version: 1\nport_base: 21000\nlog:\n  level: info\njournal:\n  size: 64M\n"


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def each(self, good, name, codes, *args):
        """Run the command on every case in the place of FILE."""
        path = self.folder / name
        args = [str(path) if arg == "FILE" else arg for arg in args]
        path.write_bytes(good)
        code, out, words = support.run(*args)
        self.assertEqual(code, 0, out + words)
        refused = 0
        for kind, cases in hostile.texts(good).items():
            for number, case in enumerate(cases):
                with self.subTest(kind, number=number):
                    path.write_bytes(case)
                    code, out, words = support.run(*args)
                    self.assertIn(code, codes, out + words)
                    refused += code != 0
                    if code:
                        self.assertIn(name, out + words)
                    self.assertLess(len(out + words), 1 << 20, "a flood of words")
        self.assertGreater(refused, hostile.CASES)

    def test_json_lines(self):
        good = b"".join(json.dumps({**LINE, "id": f"r{number}"}).encode() + b"\n" for number in range(3))
        path = self.folder / "lines.jsonl"
        for kind, cases in hostile.texts(good).items():
            for number, case in enumerate(cases):
                with self.subTest(kind, number=number):
                    path.write_bytes(case)
                    code, out, words = support.run("classify", str(path))
                    #  65: a line was no response. It is decided about like all others.
                    self.assertIn(code, (0, 65), words)
                    decisions = support.json_lines(out)
                    lines = [line for line in case.split(b"\n") if line.strip(b" \t\r")]
                    self.assertEqual(len(decisions), len(lines))

    def test_a_catalog_s_source(self):
        self.each(OVERLAY, "overlay.yaml", (0, 1, 65, 78), "catalog", "lint", "FILE")

    def test_a_catalog_s_image(self):
        (self.folder / "overlay.yaml").write_bytes(OVERLAY)
        image = self.folder / "good.image"
        code, _, words = support.run("catalog", "compile", "--output", str(image), str(self.folder / "overlay.yaml"))
        self.assertEqual(code, 0, words)
        self.each(image.read_bytes(), "catalog.image", (0, 1, 65, 78), "catalog", "stats", "FILE")

    def test_cases_of_a_catalog(self):
        self.each(CASES, "cases.yaml", (0, 1, 65, 78), "catalog", "test", "FILE")

    def test_settings(self):
        self.each(SETTINGS, "paytriage.yml", (0, 74, 78), "config", "check", "FILE")

    def test_an_outbox(self):
        """A producer that ends before it is answered leaves a file; whatever became of it, it is taken or refused."""
        path, lines = self.folder / "outbox", self.folder / "lines.jsonl"
        lines.write_bytes(json.dumps(LINE).encode() + b"\n")
        args = ("send", "--outbox", str(path), "--connect", f"ipc://{self.folder}/nobody", "--timeout", "1ms", str(lines))
        code, _, words = support.run(*args)
        self.assertEqual(code, 69, words)
        good, refused = path.read_bytes(), 0
        for kind, cases in hostile.texts(good).items():
            for number, case in enumerate(cases):
                with self.subTest(kind, number=number):
                    path.write_bytes(case)
                    code, _, words = support.run(*args)
                    self.assertIn(code, (65, 69), words)
                    refused += code == 65
        self.assertGreater(refused, 0)

    def test_a_journal(self):
        front, kept = f"ipc://{self.folder}/front", self.folder / "kept"
        options = [f"--{name.replace('_', '-')}=ipc://{self.folder}/{name}" for name in ("replay", *support.QUEUES)]
        with support.Daemon("run", "--front", front, *options, "--journal", str(kept), "--journal-size", "16M", "--http",
                            "none") as daemon:
            support.send(front, [{**LINE, "id": f"r{number}"} for number in range(100)])
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(support.run("journal", "verify", "--journal", str(kept))[0], 0)
        data, bent = kept / "data.mdb", self.folder / "bent"
        good = data.read_bytes()[:1 << 18]  # what is behind it was never written
        for kind in ("truncated", "flipped bits", "random bytes", "zero bytes"):
            for number, case in enumerate(hostile.texts(good)[kind][:hostile.CASES // 5]):
                for verb in (["verify"], ["info"], ["export"]):
                    with self.subTest(kind, number=number, verb=verb):
                        shutil.rmtree(bent, ignore_errors=True)
                        shutil.copytree(kept, bent, ignore=shutil.ignore_patterns("control"))
                        (bent / "data.mdb").write_bytes(case)
                        code, _, words = support.run("journal", *verb, "--journal", str(bent))
                        self.assertIn(code, (0, 1, 65, 66, 70, 74), words)

    def test_keys(self):
        good = self.folder / "keys"
        self.assertEqual(support.run("keygen", str(good))[0], 0)
        for path in [each for each in good.rglob("*") if each.is_file()]:
            content = path.read_bytes()
            for kind, cases in hostile.texts(content).items():
                for number, case in enumerate(cases[:hostile.CASES // 5]):
                    with self.subTest(kind, path=path.name, number=number):
                        path.write_bytes(case)
                        code, _, words = support.run("send", "--curve", str(good), "--connect",
                                                     f"ipc://{self.folder}/nobody", "--timeout", "1ms", "-",
                                                     data=json.dumps(LINE).encode())
                        self.assertIn(code, (65, 66, 69, 77, 78), words)
            path.write_bytes(content)


if __name__ == "__main__":
    support.PATIENCE_S = 560  # it starts the program some thousands of times
    support.main()
