"""Another catalog while a worker is busy: with a journal, by orders, and by the links that orchestrators of containers
put in the place of files."""

import json
import os
import pathlib
import tempfile
import threading
import unittest

import support

GATEWAY = """gateway: {id: acme, name: Acme, cite: none}
body: {codes: [{code: code, message: message}]}
operations: [{name: payment, kind: money}]
entries:
  - {code: "05", category: decline_hard, outcome: declined, action: ACTION, summary: No., cite: 1}
"""
ACTIONS = ("change_instrument", "new_order")
SWAPS = 60
RESPONSES = 500


class Swaps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    @staticmethod
    def catalog(number):
        return GATEWAY.replace("ACTION", ACTIONS[number % 2])

    def replace(self, path, number):
        new = self.folder / "new"
        new.write_text(self.catalog(number), encoding="utf-8")
        new.rename(path)

    def hash_of(self, number):
        path = self.folder / "hashed.yaml"
        path.write_text(self.catalog(number), encoding="utf-8")
        response = json.dumps({"provider": "acme", "body": {"code": "05"}}).encode()
        code, stdout, words = support.run("classify", "--catalog", str(path), data=response)
        assert code == 0, words
        return json.loads(stdout)["catalog"]

    def load(self, front, stop, sent):
        while not stop.is_set():
            first = len(sent)
            responses = [{"id": f"r{first + i}", "provider": "acme", "operation": "payment", "body": {"code": "05"}}
                         for i in range(RESPONSES)]
            support.send(front, responses)
            sent += [response["id"] for response in responses]

    def test_swaps_under_load_lose_nothing_and_mix_nothing_in_the_journal(self):
        host, path, journal = support.address(), self.folder / "acme.yaml", str(self.folder / "journal")
        self.replace(path, 0)
        stop, sent = threading.Event(), []
        with support.Daemon("run", "--bind", host, "--http", "none", "--catalog", str(path), "--threads", "2",
                            "--journal", journal, "--journal-size", "256M") as daemon:
            load = threading.Thread(target=self.load, args=(f"tcp://{host}:5560", stop, sent))
            load.start()
            try:
                for number in range(1, SWAPS + 1):
                    self.replace(path, number)
                    code, stdout, words = support.run("ctl", "reload")
                    self.assertEqual(code, 0, words)
                    self.assertIn("serves instead of", stdout)
                    if number % 10 == 0:
                        path.write_text("gateway: [\n")
                        self.assertEqual(support.run("ctl", "reload")[0], 78)
            finally:
                stop.set()
                load.join()
            self.assertEqual(daemon.stop(), 0)
        code, stdout, words = support.run("journal", "list", "--journal", journal, "--topic", "dead_letter.acme.",
                                          "-o", "jsonl")
        self.assertEqual(code, 0, words)
        decisions = [line["decision"] for line in support.json_lines(stdout)]
        self.assertGreater(len(sent), RESPONSES)
        self.assertEqual(sorted(decision["id"] for decision in decisions), sorted(sent))
        wanted = {self.hash_of(number): ACTIONS[number] for number in (0, 1)}
        by_catalog = {name: {decision["action"] for decision in decisions if decision["catalog"] == name}
                      for name in {decision["catalog"] for decision in decisions}}
        self.assertEqual(by_catalog, {name: {action} for name, action in wanted.items()})


class Links(Swaps):
    """A folder whose files are links through ..data, which is a link to the folder of the version."""

    test_swaps_under_load_lose_nothing_and_mix_nothing_in_the_journal = None

    def publish(self, number, text=None):
        version = self.mount / f"..version_{number}"
        version.mkdir()
        (version / "acme.yaml").write_text(text or self.catalog(number), encoding="utf-8")
        before = os.readlink(self.mount / "..data") if (self.mount / "..data").is_symlink() else None
        (self.mount / "..data_tmp").symlink_to(version.name)
        (self.mount / "..data_tmp").rename(self.mount / "..data")
        if before:
            (self.mount / before / "acme.yaml").unlink()
            (self.mount / before).rmdir()

    def read_until(self, daemon, word):
        line = ""
        while word not in line:
            line = daemon.process.stderr.readline().decode()
            self.assertTrue(line, f"ended without '{word}'")
        return line

    def test_a_link_that_turns_to_another_folder_is_a_change(self):
        for name in ("", "acme.yaml"):
            self.mount = self.folder / f"mount{len(name)}"
            self.mount.mkdir()
            self.publish(0)
            (self.mount / "acme.yaml").symlink_to("..data/acme.yaml")
            path = str(self.mount / name) if name else str(self.mount)
            with support.Daemon("run", "--bind", support.address(), "--http", "none", "--catalog", path,
                                "--catalog-watch") as daemon:
                for number in (1, 2, 3):
                    self.publish(number)
                    self.assertIn(self.hash_of(number), self.read_until(daemon, "catalog.switched"))
                self.publish(4, "gateway: [\n")
                self.assertIn("PT1001", self.read_until(daemon, "catalog.refused"))
                self.publish(5)
                self.publish(6)
                self.assertIn(self.hash_of(6), self.read_until(daemon, "catalog.switched"))
                self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    support.main()
