"""`paytriage journal`, and what the journal of `run` keeps when its process is killed."""

import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import unittest

import support


class Journal(support.JournalTest):
    def journal(self, verb, *args, code=0):
        return super().journal(verb, *args, code=code)[0]

    def entries(self, *args):
        return support.json_lines(self.journal("export", *args))

    def test_a_journal_where_a_file_stands_is_refused_with_a_way_out(self):
        (self.folder / "file").write_text("")
        for path in ("file", "file/below"):
            code, _, words = support.run("run", "--bind", self.host, "--journal", str(self.folder / path))
            self.assertEqual(code, 73, words)
            self.assertIn("hint: a journal is a folder", words)

    def test_what_was_acknowledged_outlives_a_kill(self):
        responses = support.sample()
        with self.start() as daemon:
            support.send(self.front, responses)
            self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)
        _, out, _ = support.run("classify", data=support.lines_of(responses))
        unsettled = {d["id"]: d["route"] for d in support.json_lines(out) if d["route"] != "settled"}
        kept = [e for e in self.entries() if not e["topic"].startswith("operator_alert.")]
        self.assertEqual({e["decision"]["id"]: e["topic"].split(".")[0] for e in kept}, unsettled)
        self.assertEqual(len(kept), len(unsettled), "none stands twice")
        by_id = {response["id"]: response for response in responses}
        for entry in kept:
            if "response" in entry:
                self.assertEqual(entry["response"], by_id[entry["decision"]["id"]])
        self.journal("verify")
        with self.start() as daemon:
            self.assertIn("start 2", daemon.text)
            self.assertEqual(daemon.stop(), 0)

    def test_filters_let_through_what_they_name(self):
        with self.start():
            support.send(self.front, support.sample())
            everything = self.entries()
            for option, value, of in (("--provider", "opn", lambda e: e["decision"].get("provider")),
                                      ("--category", "decline_hard", lambda e: e["decision"]["category"]),
                                      ("--code", "insufficient_fund", lambda e: e["decision"].get("code"))):
                wanted = [e for e in everything if of(e) == value]
                self.assertTrue(wanted, value)
                self.assertEqual(self.entries(option, value), wanted)
            self.assertEqual(self.entries("--provider", "omise"), self.entries("--provider", "opn"))
            wanted = [e for e in everything if e["topic"].startswith("retry.uapay.")]
            self.assertEqual(self.entries("--topic", "retry.uapay."), wanted)
            self.assertEqual(self.entries("--limit", "3"), everything[:3])
            self.assertEqual(self.entries("--newer", "1d"), everything)
            self.assertEqual(self.entries("--older", "1d"), [])
            lines = self.journal("list", "--topic", "dead_letter.opn.").splitlines()
            self.assertEqual(len(lines), len([e for e in everything if e["topic"] == "dead_letter.opn."]))
            shown = json.loads(self.journal("show", wanted[1]["topic"], str(wanted[1]["seq"])))
            self.assertEqual(shown, wanted[1])
            self.journal("show", "retry.uapay.", "100000", code=1)

    def test_filters_that_let_nothing_through_say_so(self):
        with self.start():
            support.send(self.front, support.sample())
            for verb in (["list"], ["export"], ["redrive", "--dry-run"]):
                for args, word in ((["--provider", "opm"], "did you mean opn?"), (["--topic", "retry.opm."], "no topic begins"),
                                   (["--code", "nosuch"], "no decision is kept that fits")):
                    out, words = super().journal(verb[0], *verb[1:], *args)
                    self.assertEqual(out, "")
                    self.assertIn(word, words, (verb, args))

    def test_an_export_has_no_text(self):
        with self.start():
            support.send(self.front, support.sample())
            self.assertEqual(self.entries("-o", "jsonl"), self.entries())
            code, out, words = support.run("journal", "export", "--journal", self.dir, "-o", "text")
            self.assertEqual((code, out), (64, ""))
            self.assertIn("paytriage journal list", words)

    def test_a_line_with_a_key_twice_is_told_and_becomes_a_dead_letter(self):
        with self.start():
            line = b'{"id": "a", "provider": "opn", "http_status": 404, "provider": "uapay"}\n'
            code, _, words = support.run("send", "--connect", self.front, data=line)
            self.assertEqual(code, 0)
            self.assertIn("line 1: provider: given twice; sent as it is\n", words)
            (decision,) = [e["decision"] for e in self.entries("--topic", "dead_letter.")]
            self.assertEqual((decision["id"], decision["match"], decision["error"]), ("a", "invalid", "provider: given twice"))

    def test_info_counts_what_export_prints(self):
        with self.start():
            support.send(self.front, support.sample())
            head, *topics = support.json_lines(self.journal("info", "--output", "jsonl"))
            self.assertEqual(head["starts"], 1)
            counted = {t["topic"]: t["head_seq"] - t["first_retained"] for t in topics}
            printed = {}
            for entry in self.entries():
                printed[entry["topic"]] = printed.get(entry["topic"], 0) + 1
            self.assertEqual(counted, printed)
            self.assertIn("dead_letter.opn.", self.journal("info"))

    def test_verify_finds_a_flipped_bit(self):
        with self.start() as daemon:
            support.send(self.front, support.sample())
            daemon.stop()
        entry = self.entries("--topic", "retry.")[0]
        path = self.folder / "kept" / "data.mdb"
        data = bytearray(path.read_bytes())
        # In whatever copy is the valid one: older pages may hold the same bytes.
        needle = entry["decision"]["summary"].encode()
        at = data.find(needle)
        self.assertGreater(at, 0)
        while at >= 0:
            data[at + 1] ^= 4
            at = data.find(needle, at + 1)
        path.write_bytes(data)
        faults = self.journal("verify", code=65).splitlines()
        self.assertTrue(any(line.startswith(entry["topic"]) for line in faults), faults)
        support.run("journal", "export", "--journal", self.dir)

    def test_second_worker_is_refused(self):
        with self.start():
            code, _, words = support.run("worker", "--bind", self.host, "--port-base", "7560", "--journal", self.dir)
            self.assertEqual(code, 75, words)
            self.assertIn("another process", words)

    @unittest.skipUnless(os.geteuid() == 0, "it takes root to give files away")
    def test_root_leaves_the_files_to_whom_the_folder_belongs(self):
        os.mkdir(self.dir, 0o750)
        os.chown(self.dir, 1234, 1235)
        with self.start() as daemon:
            self.assertEqual(daemon.stop(), 0)
        for name in ("data.mdb", "lock.mdb", "lock", "suspects"):
            about = os.stat(f"{self.dir}/{name}")
            self.assertEqual((about.st_uid, about.st_gid, about.st_mode & 0o777), (1234, 1235, 0o600), name)

    def test_forget_is_done_by_the_worker_that_is_at_work(self):
        with self.start() as daemon:
            _, _, words = support.run("journal", "forget", "nobody", "--journal", self.dir)
            self.assertIn("there is no subscriber 'nobody'", words)
            self.journal("forget", "nobody", code=1)
            daemon.stop()
        self.journal("forget", "nobody", code=1)

    def test_who_sends_to_a_full_journal_is_told_that_it_is_no_silence(self):
        self.SIZE = "8M"
        with self.start():
            lines = support.lines_of({"id": f"r{number}", "provider": "opn", "http_status": 503, "reference": "x" * 128}
                                     for number in range(20000))
            while self.journal("subscribers") == "":
                support.run("tail", "--host", self.host, "--durable", "gone", "--timeout", "100ms")
            code, _, words = support.run("send", "--connect", self.front, "--timeout", "500ms", data=lines)
            self.assertEqual(code, 69, words)
            self.assertIn("answers busy for 500 ms: a journal is full", words)
            self.assertIn("paytriage journal subscribers", words)
            code, _, words = support.run("journal", "redrive", "--journal", self.dir, "--connect", self.front, "--yes",
                                         "--timeout", "500ms", "--topic", "retry.")
            self.assertEqual(code, 69, words)
            self.assertIn("answers busy for 500 ms", words)

    def test_a_journal_that_is_removed_under_a_worker_is_the_end_of_its_acknowledgements(self):
        with self.start() as daemon:
            support.send(self.front, [{"id": "r1", "provider": "opn", "http_status": 503}])
            os.unlink(f"{self.dir}/data.mdb")
            code, _, words = support.run("send", "--connect", self.front, "--timeout", "500ms",
                                         data=support.lines_of([{"id": "r2", "provider": "opn", "http_status": 503}]))
            self.assertEqual(code, 69, words)
            self.assertEqual(daemon.wait(), 74)
            self.assertIn("data.mdb: it was removed or replaced while a worker had it", daemon.text)

    def test_a_durable_tail_tells_of_a_replay_endpoint_at_which_nobody_is(self):
        daemon = support.Daemon("run", "--bind", self.host, "--journal", self.dir, "--journal-size", self.SIZE,
                                "--advertise", f"tcp://{self.host}:1")
        with daemon:
            tail = support.start("tail", "--host", self.host, "--durable", "desk", stdin=subprocess.DEVNULL)
            words = tail.stderr.readline().decode()
            self.assertIn(f"warning: a worker is heard, but nothing answers at tcp://{self.host}:1,", words)
            tail.terminate()
            out, words = tail.communicate()
            self.assertEqual((tail.returncode, out, words), (0, b"", b""), "it was never ready")

    def test_what_a_durable_tail_could_not_write_comes_again(self):
        count = 600
        with self.start():
            while not self.journal("subscribers"):
                support.run("tail", "--host", self.host, "--durable", "desk", "--timeout", "100ms")
            support.send(self.front, [{"id": f"r{number}", "provider": "opn", "http_status": 503, "reference": "x" * 128}
                                      for number in range(count)], "--batch", "100")
            #  A pipe that has no room now and some in a moment: writes fail, and later ones do not.
            reader, writer = os.pipe()
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            os.set_blocking(writer, False)
            tail = support.start("tail", "--host", self.host, "--durable", "desk", "--route", "retry", "-o", "jsonl",
                                 "--count", str(count), stdin=subprocess.DEVNULL, stdout=writer)
            os.close(writer)
            with open(reader, "rb", buffering=0) as stream:
                got = b"".join(iter(lambda: stream.read(16), b""))
            _, words = tail.communicate()
            if tail.returncode:  # else the reader was fast enough, and nothing may be missing
                self.assertEqual(tail.returncode, 74, words)
                self.assertIn(b"cannot write to standard output: Resource temporarily unavailable", words)
            seen = {int(number) for number in re.findall(rb'^\{"id": ?"r(\d+)".*\}$', got, re.MULTILINE)}
            with support.Tail("--host", self.host, "--durable", "desk", "--route", "retry") as rest:
                while len(seen) < count:
                    seen.add(int(rest.get(timeout=30)["id"][1:]))

    @unittest.skipIf(os.path.exists("/var/lib/paytriage"), "a service's folder comes first")
    def test_the_default_folder_does_not_depend_on_where_a_worker_starts(self):
        kept = {name: value for name, value in os.environ.items()
                if name not in ("HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "PAYTRIAGE_JOURNAL")}
        home = {"HOME": str(self.folder)}
        for more, start in (({}, "/"), ({"HOME": "here"}, "/"), ({**home, "XDG_STATE_HOME": "here"}, str(self.folder)),
                            ({**home, "XDG_STATE_HOME": "/nowhere"}, "/nowhere/paytriage")):
            _, out, words = support.run("journal", "info", env={**kept, **more}, cwd=self.folder)
            self.assertRegex(out + words, rf"(?m)^(journal +|paytriage: ){start}", more)

    def test_a_path_that_is_too_long_for_the_workers_socket_is_told(self):
        self.dir += "/" + 100 * "x"
        os.makedirs(self.dir)
        with self.start():
            code, _, words = support.run("journal", "forget", "nobody", "--journal", self.dir)
            self.assertEqual(code, 75, words)
            self.assertRegex(words, "too long for a socket.*\nhint: .*shorter path")

    def test_without_a_journal_it_is_said_aloud(self):
        with support.Daemon("run", "--bind", self.host, "--journal", "none") as daemon:
            self.assertIn("JOURNAL", daemon.text)
            self.assertIn("is lost when this process dies", daemon.text)
            self.assertNotIn("config.warning", daemon.text)

    def test_an_option_that_has_no_effect_without_a_journal_is_told(self):
        with support.Daemon("run", "--bind", self.host, "--journal", "none", "--journal-size", "64M") as daemon:
            self.assertIn("config.warning text=\"--journal-size has no effect without a journal\"", daemon.text)

    def test_faults_have_their_exits(self):
        for verb in ("info", "subscribers", "list", "export", "verify"):
            self.journal(verb, code=66)
        self.journal("forget", "x", code=66)
        self.journal("show", "retry.opn.", "x", code=64)
        self.assertFalse(pathlib.Path(self.dir).exists(), "looking makes nothing")
        code, _, words = support.run("run", "--journal", self.dir, "--journal-size", "1M")
        self.assertEqual(code, 64, words)
        pathlib.Path(self.dir).mkdir()
        (pathlib.Path(self.dir) / "data.mdb").write_bytes(b"no journal\n" * 1000000)
        code, _, words = support.run("run", "--bind", self.host, "--journal", self.dir, "--journal-size", "4M")
        self.assertEqual(code, 65, words)


if __name__ == "__main__":
    support.main()
