"""Card numbers and secrets reach neither the bus, the journal's decisions, nor a terminal; identifiers stay exact."""

import base64
import json
import tempfile
import unittest

import support

CARD, MASKED = "4242424242424242", "************4242"
GROUPED, GROUPED_MASKED = "4242-4242-4242-4242", "****-****-****-4242"


def answer(message, **more):
    return {"id": CARD, "provider": "opn", "operation": "charge", "http_status": 400, "reference": CARD,
            "body": {"object": "error", "code": "never_seen", "message": message, "card": {"number": CARD, "cvv": "737"}},
            **more}


class Classify(unittest.TestCase):
    def decide(self, line, *args):
        code, out, words = support.run("classify", *args, data=line if isinstance(line, bytes) else support.lines_of([line]))
        self.assertEqual(code, 0, words)
        self.assertNotIn(CARD, words)
        return out

    def test_a_message_is_masked_and_identifiers_are_not(self):
        decision = json.loads(self.decide(answer(f"card {CARD}, or {GROUPED}")))
        self.assertEqual(decision["message"], f"card {MASKED}, or {GROUPED_MASKED}")
        self.assertEqual((decision["id"], decision["reference"]), (CARD, CARD))

    def test_a_line_for_people_shows_no_number_at_all(self):
        self.assertNotIn(CARD, self.decide(answer(CARD), "-o", "text"))

    def test_reveal_prints_what_came(self):
        self.assertEqual(json.loads(self.decide(answer(CARD), "--reveal"))["message"], CARD)

    def test_raw_bytes_lose_numbers_and_secrets(self):
        for line in (f'{{"provider": 7, "card_number": "{CARD}", "cvv": "737", "n": {CARD}}}',
                     f'{{"provider": 7, "text": "{GROUPED}", "password": "737 x"',
                     f"no json, track2={CARD}=2512737, {CARD}"):
            decision = json.loads(self.decide(line.encode() + b"\n"))
            raw = base64.b64decode(decision["raw"])
            for secret in (CARD, GROUPED, "737", "2512"):
                self.assertNotIn(secret.encode(), raw, line)
            self.assertNotIn(int(CARD).to_bytes(8, "big"), raw)

    def test_the_catalog_matches_the_text_as_it_came(self):
        #  A built-in row whose template has a hole: what the hole holds is masked, and the row is found.
        line = {"id": "a", "provider": "smilepayz", "operation": "pay_in", "http_status": 500,
                "body": {"responseCode": "5000000", "responseMessage": f"System error: {CARD}"}}
        plain = dict(line, body=dict(line["body"], responseMessage="System error: nothing"))
        masked, other = json.loads(self.decide(line)), json.loads(self.decide(plain))
        self.assertEqual((masked["entry"], masked["match"]), (other["entry"], other["match"]))
        self.assertNotIn(CARD, json.dumps(masked))


class Journal(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name + "/kept"
        self.host = support.address()
        self.front = f"tcp://{self.host}:5560"

    def start(self, *args):
        return support.Daemon("run", "--bind", self.host, "--journal", self.dir, "--journal-size", "16M", *args)

    def journal(self, verb, *args):
        code, out, words = support.run("journal", verb, *args, "--journal", self.dir)
        self.assertEqual(code, 0, words)
        return out

    def test_a_journal_keeps_the_response_and_shows_it_masked(self):
        with self.start() as daemon:
            support.send(self.front, [answer(f"card {CARD}")])
            topic = "dead_letter.opn."
            shown = json.loads(self.journal("show", topic, "1"))
            self.assertEqual(shown["decision"]["message"], f"card {MASKED}")
            self.assertEqual(shown["response"]["body"]["card"], {"number": MASKED, "cvv": "***"})
            self.assertEqual((shown["response"]["id"], shown["decision"]["id"]), (CARD, CARD))
            for verb in ("list", "export"):
                for line in self.journal(verb, "--topic", topic, "--output", "jsonl").splitlines():
                    entry = json.loads(line)
                    self.assertEqual(entry["response"]["body"]["message"], f"card {MASKED}")
            self.assertNotIn(CARD, self.journal("list"))
            revealed = json.loads(self.journal("show", topic, "1", "--reveal"))
            self.assertEqual(revealed["response"], answer(f"card {CARD}"))
            #  The decision was masked before it was kept.
            self.assertEqual(revealed["decision"]["message"], f"card {MASKED}")
            #  It is put in again byte for byte: the id would be another one otherwise.
            code, _, words = support.run("journal", "redrive", "--journal", self.dir, "--connect", self.front, "--yes")
            self.assertEqual(code, 0, words)
            again = json.loads(self.journal("show", topic, "2", "--reveal"))
            self.assertEqual(again["response"], answer(f"card {CARD}", redriven=True))
            daemon.stop()
            self.assertNotIn(CARD, daemon.text)

    def test_a_worker_masks_as_it_is_told(self):
        for option, message, reference in (("texts", MASKED, CARD), ("all", MASKED, MASKED), ("none", CARD, CARD)):
            self.dir += option
            with self.start("--mask", option):
                support.send(self.front, [answer(CARD)])
                decision = json.loads(self.journal("show", "dead_letter.opn.", "1", "--reveal"))["decision"]
                self.assertEqual((decision["message"], decision["reference"]), (message, reference))
                self.assertEqual(decision["id"], CARD)
                self.assertEqual(json.loads(self.journal("show", "dead_letter.opn.", "1"))["decision"]["message"], MASKED)

    def test_a_wrong_word_is_refused(self):
        code, _, words = support.run("worker", "--mask", "some")
        self.assertEqual(code, 64)
        self.assertIn("'some' is not texts, all or none", words)


if __name__ == "__main__":
    support.main()
