"""`paytriage journal replay`: a stretch of one topic, as `tail` printed it."""


import support

TOPIC = "dead_letter.-."


class Replay(support.JournalTest):
    def setUp(self):
        super().setUp()
        self.start_for_the_test()
        self.responses = [{"id": f"d-{n}", "provider": "nobody", "http_status": 400} for n in range(20)]

    def replay(self, *args, code=0):
        return self.journal("replay", *args, code=code)

    def test_it_prints_what_tail_printed(self):
        with support.Tail("--route", "dead_letter", "--connect", f"tcp://{self.host}:5571") as tail:
            support.warm_up(self.front, [tail])
            support.send(self.front, self.responses)
            heard = []
            while not heard or heard[-1]["id"] != "d-19":
                heard.append(tail.get(timeout=60))
        heard = [d for d in heard if not d["id"].startswith("warm-")]
        out, _ = self.replay("--topic", TOPIC, "-o", "jsonl")
        self.assertEqual([d for d in support.json_lines(out) if not d["id"].startswith("warm-")], heard)

    def test_a_stretch_goes_on_where_the_last_one_ended(self):
        support.send(self.front, self.responses, "--batch", "6")
        _, out, _ = support.run("journal", "export", "--journal", self.dir, "--topic", TOPIC)
        kept = [e["decision"]["id"] for e in support.json_lines(out)]
        self.assertEqual(set(kept), {r["id"] for r in self.responses})
        got, seq = [], "1"
        while len(got) < 20:
            out, words = self.replay("--topic", TOPIC, "--from", seq, "--count", "7", "-o", "jsonl")
            part = [d["id"] for d in support.json_lines(out)]
            self.assertTrue(part)
            got += part
            seq = words.split("next: ")[1].strip()
        self.assertEqual(got, kept)
        self.assertEqual(seq, "21")
        self.assertEqual(self.replay("--topic", TOPIC, "--from", "21"), ("", "next: 21\n"))
        out, _ = self.replay("--topic", TOPIC, "--from", "20")
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn(f" {kept[-1]} ", out)

    def test_faults_have_their_exits(self):
        support.send(self.front, self.responses)
        self.replay(code=64)
        self.replay("--topic", TOPIC, "--from", "0", code=64)
        self.assertIn("there is no topic 'dead_letter.'", self.replay("--topic", "dead_letter.", code=1)[1])
        code, _, words = support.run("journal", "replay", "--journal", self.dir + "/none", "--topic", TOPIC)
        self.assertEqual(code, 66, words)


if __name__ == "__main__":
    support.main()
