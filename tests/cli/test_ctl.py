"""A worker that takes orders: paytriage ctl, SIGHUP, and files that change."""

import json
import os
import pathlib
import signal
import stat
import tempfile
import unittest

import support

GATEWAY = """gateway: {id: acme, name: NAME, cite: none}
body: {codes: [{code: code, message: message}]}
operations: [{name: payment, kind: money}]
entries:
  - {code: "05", category: decline_hard, outcome: declined, action: change_instrument, summary: No., cite: 1}
"""


class Ctl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.catalog = self.folder / "catalog"
        self.catalog.mkdir()
        self.write("One")

    def write(self, name):
        self.replace(GATEWAY.replace("NAME", name))

    def replace(self, text):
        """By a rename, as an editor does it."""
        new = self.folder / "new"
        new.write_text(text, encoding="utf-8")
        new.rename(self.catalog / "acme.yaml")

    def daemon(self, *args):
        return support.Daemon("run", "--bind", support.address(), "--catalog", str(self.catalog), "--http", "none",
                              *args)

    @staticmethod
    def status(*args):
        code, stdout, words = support.run("ctl", "status", "-o", "json", *args)
        assert code == 0, words
        return json.loads(stdout)

    def read_until(self, daemon, word):
        line = ""
        while word not in line:
            line = daemon.process.stderr.readline().decode()
            self.assertTrue(line, f"ended without '{word}'")
        return line

    def test_status_says_who_it_is_and_what_it_decides_by(self):
        with self.daemon() as daemon:
            status = self.status()
            self.assertEqual(status["pid"], daemon.process.pid)
            self.assertEqual(status["catalog"]["origin"], [str(self.catalog)])
            self.assertEqual(status["reload"]["switched"], 0)
            self.assertIsNone(status["journal"])
            self.assertEqual(status["counters"]["received"], 0)
            self.assertEqual(len(status["brokers"]), 1)
            self.assertEqual(status["counters"]["brokers"], 1)
            code, stdout, words = support.run("ctl", "status")
            self.assertEqual(code, 0, words)
            self.assertIn(status["catalog"]["hash"], stdout)

    def test_reload_returns_when_the_new_catalog_serves(self):
        with self.daemon():
            before = self.status()["catalog"]["hash"]
            code, stdout, _ = support.run("ctl", "reload")
            self.assertEqual((code, stdout), (0, f"catalog {before} is unchanged\n"))
            self.write("Two")
            code, stdout, words = support.run("ctl", "reload")
            self.assertEqual(code, 0, words)
            after = self.status()["catalog"]["hash"]
            self.assertNotEqual(before, after)
            self.assertIn(f"catalog {after} ", stdout)
            self.assertIn(f"serves instead of {before}", stdout)

    def test_a_refused_catalog_is_explained_and_changes_nothing(self):
        with self.daemon():
            before = self.status()["catalog"]["hash"]
            self.replace(GATEWAY.replace("change_instrument", "change_instrumnt"))
            code, stdout, words = support.run("ctl", "reload")
            self.assertEqual((code, stdout), (78, ""))
            self.assertRegex(words, r"acme\.yaml:5:\d+: error: .*did you mean 'change_instrument'\? \[PT\d{4}\]")
            self.assertIn(f"{before} stays in use", words)
            status = self.status()
            self.assertEqual(status["catalog"]["hash"], before)
            self.assertEqual(status["reload"]["refused"], 1)
            self.assertIn("did you mean", status["reload"]["last_refused_reason"])
            (self.catalog / "acme.yaml").unlink()
            self.assertEqual(support.run("ctl", "reload")[0], 78)
            self.assertEqual(self.status()["catalog"]["hash"], before)

    def test_a_refused_catalog_is_one_line_of_the_log_with_its_first_error(self):
        with self.daemon() as daemon:
            self.replace(GATEWAY.replace("change_instrument", "change_instrumnt").replace("decline_hard", "decline"))
            code, _, words = support.run("ctl", "reload")
            self.assertEqual(code, 78)
            self.assertIn("2 errors", words)
            line = self.read_until(daemon, "catalog.refused")
            self.assertRegex(line, r' errors=2 reason="\S+acme\.yaml:5:\d+: error: .*decline.* \[PT\d{4}\]"\n$')
            (self.catalog / "acme.yaml").unlink()
            self.assertEqual(support.run("ctl", "reload")[0], 78)
            line = self.read_until(daemon, "catalog.refused")
            self.assertIn(" errors=1 reason=", line)
            self.assertNotIn("u000a", line)
            self.assertEqual(daemon.stop(), 0)

    def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(self):
        with self.daemon() as daemon:
            (self.catalog / "acme.yaml").unlink()
            self.catalog.rmdir()
            os.mkfifo(self.catalog)
            code, _, words = support.run("ctl", "reload")
            self.assertEqual(code, 78)
            self.assertIn("is neither a file nor a folder", words)
            self.assertEqual(daemon.stop(), 0)

    def test_sighup_loads_again(self):
        with self.daemon() as daemon:
            self.write("Three")
            daemon.process.send_signal(signal.SIGHUP)
            self.read_until(daemon, "catalog.switched")
            daemon.process.send_signal(signal.SIGHUP)
            self.read_until(daemon, "catalog.unchanged")
            self.assertEqual(daemon.stop(), 0)

    def test_files_that_change_are_loaded(self):
        with self.daemon("--catalog-watch") as daemon:
            self.write("Four")
            self.read_until(daemon, "catalog.switched")
            (self.catalog / "acme.yaml").unlink()
            self.read_until(daemon, "catalog.refused")
            self.write("Five")
            self.read_until(daemon, "catalog.switched")
            self.assertEqual(daemon.stop(), 0)

    def test_a_watch_without_files_is_refused(self):
        code, _, words = support.run("run", "--bind", support.address(), "--catalog-watch")
        self.assertEqual(code, 64)
        self.assertIn("there are no files to watch", words)

    def test_drain_ends_the_worker_and_says_so(self):
        with self.daemon() as daemon:
            code, stdout, words = support.run("ctl", "drain")
            self.assertEqual(code, 0, words)
            self.assertIn("drained", stdout)
            self.assertEqual(daemon.wait(), 0)
        code, _, words = support.run("ctl", "status")
        self.assertEqual(code, 69)
        self.assertIn("no worker", words)

    def test_several_workers_are_told_apart(self):
        with self.daemon(), self.daemon():
            code, stdout, _ = support.run("ctl", "status", "-o", "json")
            self.assertEqual(code, 0)
            workers = [json.loads(line)["worker"] for line in stdout.splitlines()]
            self.assertEqual(len(workers), 2)
            code, _, words = support.run("ctl", "reload")
            self.assertEqual(code, 64)
            for worker in workers:
                self.assertIn(worker, words)
                self.assertEqual(self.status("--worker", worker)["worker"], worker)
            self.assertEqual(support.run("ctl", "reload", "--all")[0], 0)

    def test_only_its_user_may_open_the_socket_and_a_file_is_not_taken(self):
        path = self.folder / "control"
        with self.daemon("--control", f"ipc://{path}"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0)
            self.assertEqual(self.status("--control", f"ipc://{path}")["reload"]["switched"], 0)
            code, _, words = support.run("run", "--bind", support.address(), "--http", "none", "--control",
                                         f"ipc://{path}")
            self.assertEqual(code, 69, words)
        file = self.folder / "precious"
        file.write_text("kept")
        code, _, words = support.run("run", "--bind", support.address(), "--http", "none", "--control", f"ipc://{file}")
        self.assertEqual(code, 73, words)
        self.assertEqual(file.read_text(), "kept")

    def test_an_unknown_order_is_refused(self):
        code, _, words = support.run("ctl", "dance")
        self.assertEqual(code, 64)
        self.assertIn("status, reload, drain and loglevel", words)


if __name__ == "__main__":
    support.main()
