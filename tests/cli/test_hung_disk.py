"""A disk that hangs under one of two workers: its producers are served by the other, and it says what is the matter.
Under one that has nothing to do: it still says how it is."""

import os
import pathlib
import re
import sys
import urllib.error
import urllib.request

import support

SHIM = support.preloading(sys.argv.pop(2))
SENDERS = 16  # each goes to one of two workers, by its id


class HungDisk(support.JournalTest):
    def start_worker(self, host, name, **environment):
        worker = support.Daemon("worker", "--bind", host, "--connect", f"tcp://{self.host}:5561", "--journal",
                                str(self.folder / name), "--journal-size", self.SIZE, "--http", f"tcp://{host}:5580",
                                env={**os.environ, **environment})
        self.addCleanup(worker.__exit__)
        return worker

    def test_its_producers_go_to_the_other_worker(self):
        hang = pathlib.Path(self.folder / "hang")
        broker = support.Daemon("broker", "--bind", self.host)
        self.addCleanup(broker.__exit__)
        hosts = support.address(), support.address()
        hung = self.start_worker(hosts[0], "hung", **SHIM, PT_SHIM_HANG=str(hang))
        self.start_worker(hosts[1], "well")
        while b"workers=2" not in broker.process.stderr.readline():
            pass
        os.mkfifo(hang)
        response = support.lines_of([{"id": "r", "provider": "opn", "http_status": 503}])
        senders = [support.start("send", "--connect", self.front, "--timeout", "1h") for _ in range(SENDERS)]
        for sender in senders:
            sender.stdin.write(response)
            sender.stdin.close()
        for sender in senders:
            self.assertEqual(sender.wait(), 0, sender.stderr.read())
            sender.stdout.close()
            sender.stderr.close()
        with urllib.request.urlopen(f"http://{hosts[0]}:5580/metrics") as answer:
            self.assertIn(b"paytriage_responses_total 0\n", answer.read())
        with open(hang, "wb"):  # whoever waits goes on, and nobody waits any more
            hang.unlink()
        self.assertEqual(hung.stop(), 0, hung.text)
        self.assertGreater(int(re.search(r"worker.counts received=(\d+)", hung.text)[1]), 0, hung.text)

    def test_an_idle_worker_still_answers(self):
        hang = pathlib.Path(self.folder / "hang")
        broker = support.Daemon("broker", "--bind", self.host)
        self.addCleanup(broker.__exit__)
        host = support.address()
        worker = self.start_worker(host, "idle", **SHIM, PT_SHIM_HANG=str(hang))
        with support.Tail("--durable", "desk", "--connect", f"tcp://{host}:5570") as tail:
            support.send(self.front, [{"id": "r", "provider": "opn", "http_status": 503}])
            tail.get()

        def ask(path):
            with urllib.request.urlopen(f"http://{host}:5580/{path}", timeout=support.PATIENCE_S / 4) as answer:
                return answer.read().decode()

        known = 'paytriage_subscriber_behind_decisions{subscriber="desk"}'
        self.assertIn(known, ask("metrics"))
        os.mkfifo(hang)
        for _ in range(3):
            page = ask("metrics")
            self.assertIn("paytriage_responses_total 1\n", page)
            self.assertNotIn(known, page)
            self.assertEqual(ask("healthz"), "live\n")
        #  Somebody asked, so it is known in the end that the disk hangs.
        with self.assertRaises(urllib.error.HTTPError) as refusal:
            while ask("readyz") == "ready\n":
                pass
        self.assertIn("disk has not come back", refusal.exception.read().decode())
        self.assertEqual(ask("healthz"), "live\n")
        with open(hang, "wb"):
            hang.unlink()
        while known not in ask("metrics"):
            pass
        self.assertEqual(ask("readyz"), "ready\n")
        self.assertEqual(worker.stop(), 0, worker.text)


if __name__ == "__main__":
    support.main()
