"""`paytriage journal redrive`: dead letters are decided again, once each, marked as such."""


import support

# What the journal keeps of a response, at most.
KEPT_BYTES = 16 * 1024


def dead(name, **more):
    return {"id": name, "provider": "nobody", "http_status": 400, **more}


class Redrive(support.JournalTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start_for_the_test()

    def redrive(self, *args, code=0):
        return self.journal("redrive", "--connect", self.front, "--rate", "100000/s", *args, code=code)

    def entries(self, topic="dead_letter."):
        return support.json_lines(self.journal("export", "--topic", topic)[0])

    def test_dead_letters_come_again_marked(self):
        responses = [dead(f"d-{n}", attempt=n + 1, reference=f"order-{n}") for n in range(300)]
        support.send(self.front, responses)
        before = self.entries()
        with support.Tail("--route", "dead_letter", "--connect", f"tcp://{self.host}:5571") as tail:
            # Only decisions that are no warming up are looked at.
            support.warm_up(self.front, [tail])
            warm = sum(e["decision"]["id"].startswith("warm-") for e in self.entries())
            _, words = self.redrive("--yes", "--provider", "nobody", "--rate", "5000/s")
            self.assertIn(f"accepted {300 + warm}, refused 0", words)
            seen = {}
            while len(seen) < 300:
                decision = tail.get(timeout=60)
                if decision["redriven"] and not decision["id"].startswith("warm-"):
                    self.assertNotIn(decision["id"], seen)
                    seen[decision["id"]] = decision
        self.assertEqual(set(seen), {response["id"] for response in responses})
        for entry in before:
            again = seen[entry["decision"]["id"]]
            self.assertNotEqual(again["producer"], entry["decision"]["producer"])
            same = ("attempt", "reference", "provider", "match", "category", "route", "action", "catalog")
            self.assertEqual([again[key] for key in same], [entry["decision"][key] for key in same])
        self.assertEqual(self.entries()[:300], before, "what was decided before stays")

    def test_nothing_is_redriven_twice_unless_told(self):
        support.send(self.front, [dead(f"d-{n}") for n in range(5)])
        self.redrive("--yes")
        marked = [e for e in self.entries() if e["decision"]["redriven"]]
        self.assertEqual([e["response"] for e in marked], [dead(f"d-{n}", redriven=True) for n in range(5)])
        _, words = self.redrive("--yes")
        self.assertIn("0 to send, 5 redriven before", words)
        self.assertEqual(len(self.entries()), 10)
        support.send(self.front, [dead("new")])
        _, words = self.redrive("--yes")
        self.assertIn("1 to send, 5 redriven before", words)
        _, words = self.redrive("--yes", "--again")
        self.assertIn("6 to send, 6 stand there twice", words)
        self.assertEqual(len(self.entries()), 18)

    def test_dry_run_sends_nothing(self):
        support.send(self.front, [dead(f"d-{n}") for n in range(15)] + [support.WARM_UP["retry"]])
        before = self.entries("")
        out, words = self.redrive("--dry-run")
        self.assertEqual(out.splitlines(), self.journal("list", "-t", "dead_letter.")[0].splitlines()[:10])
        self.assertIn("15 to send", words)
        self.assertIn("5 more", words)
        _, words = self.redrive("--dry-run", "--limit", "3")
        self.assertIn("3 to send", words)
        self.assertEqual(self.entries(""), before)

    def test_nobody_there_to_be_asked(self):
        support.send(self.front, [dead("d")])
        before = self.entries("")
        _, words = self.redrive(code=64)
        self.assertIn("--yes", words)
        self.assertEqual(self.entries(""), before)

    def test_filters_choose(self):
        support.send(self.front, [dead("one"), dead("two", provider="opn"), dead("three", provider="opn")])
        self.redrive("--yes", "--provider", "opn", "--limit", "1")
        self.assertEqual([e["decision"]["id"] for e in self.entries() if e["decision"]["redriven"]], ["two"])
        self.redrive("--yes", "--topic", "dead_letter.-.")
        self.assertEqual({e["decision"]["id"] for e in self.entries() if e["decision"]["redriven"]}, {"one", "two"})
        self.redrive("--yes", "--older", "1d")
        self.assertEqual(len(self.entries()), 5)

    def test_equal_names_of_two_producers_are_two_responses(self):
        for reference in ("a", "b", "c"):
            support.send(self.front, [{"provider": "nobody", "http_status": 400, "reference": reference}])
        self.redrive("--yes")
        again = [e["decision"] for e in self.entries() if e["decision"]["redriven"]]
        self.assertEqual([(d["id"], d["reference"]) for d in again], [("line:1", r) for r in "abc"])
        self.assertEqual(len({d["producer"] for d in again}), 3, "no subscriber may take one for a repeat of another")

    def test_what_was_not_kept_or_is_no_map_is_named(self):
        code, _, words = support.run("send", "--connect", self.front, data=support.lines_of(
            [dead("long", body={"text": "x" * KEPT_BYTES}), dead("short")]) + b"no json\n")
        self.assertEqual(code, 0, words)
        long, invalid = (next(f"{e['topic']} {e['seq']}:" for e in self.entries() if test(e["decision"]))
                         for test in (lambda d: d["id"] == "long", lambda d: d["match"] == "invalid"))
        _, words = self.redrive("--yes")
        self.assertIn(f"{long} its response was too long", words)
        self.assertIn(f"{invalid} its response is no whole map", words)
        self.assertIn("1 to send, 1 too long to be kept, 1 no whole map", words)
        self.assertEqual([e["decision"]["id"] for e in self.entries() if e["decision"]["redriven"]], ["short"])

    def test_what_goes_out_of_the_journal_before_its_turn_is_told(self):
        #  A record each, and a second for each: those behind the first two go before they are read.
        for number in range(40):
            support.send(self.front, [dead(f"d-{number}")])
        process = support.start("journal", "redrive", "--journal", self.dir, "--connect", self.front, "--yes",
                                "--rate", "1/s")
        while not any(e["decision"]["redriven"] for e in self.entries()):
            self.assertIsNone(process.poll())
        self.journal("discard", "--topic", "dead_letter.-.", "--below", "1000000", "--yes")
        _, words = process.communicate()
        self.assertEqual(process.returncode, 1, words)
        self.assertRegex(words.decode(), r"\d+ of 40 went out of the journal before their turn")

    def test_nobody_answers(self):
        support.send(self.front, [dead("d")])
        code, _, words = support.run("journal", "redrive", "--journal", self.dir, "--yes", "--timeout", "500ms",
                                     "--connect", f"tcp://{self.host}:7560")
        self.assertEqual(code, 69, words)
        self.assertIn("accepted 0, refused 0, unacknowledged 1", words)

    def test_faults_have_their_exits(self):
        for rate in ("0", "50/m", "-1", "x", "1000001", "5/s/s"):
            code, _, words = support.run("journal", "redrive", "--journal", self.dir, "--rate", rate)
            self.assertEqual(code, 64, words)
            self.assertIn("--rate", words)
        code, _, words = support.run("journal", "redrive", "--journal", self.dir + "/none")
        self.assertEqual(code, 66, words)
        self.assertIn("0 to send", self.redrive()[1])


if __name__ == "__main__":
    support.main()
