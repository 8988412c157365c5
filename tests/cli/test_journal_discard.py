"""`paytriage journal discard`: old decisions go, those that somebody has still to read stay."""


import support

TOPIC = "dead_letter.-."


class Discard(support.JournalTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.start_for_the_test()
        # One batch, and so one record, each.
        self.count = 0
        self.put(5)

    def put(self, count):
        for number in range(self.count, self.count + count):
            support.send(self.front, [{"id": f"d-{number}", "provider": "nobody", "http_status": 400}])
        self.count += count

    def discard(self, *args, code=0):
        return self.journal("discard", "--topic", TOPIC, *args, code=code)

    def kept(self, topic=TOPIC):
        out, _ = self.journal("export", "--topic", topic)
        return [(e["decision"]["id"], e["seq"]) for e in support.json_lines(out)]

    def all_from(self, first):
        return [(f"d-{n}", n + 1) for n in range(first, self.count)]

    def read_durably(self):
        code, _, words = support.run("tail", "--durable", "desk", "--host", self.host, "--route", "dead_letter",
                                     "--count", "2")
        self.assertEqual(code, 0, words)

    def test_what_lies_below_goes(self):
        alerts = self.kept("operator_alert.")
        self.assertEqual(self.discard("--below", "3", "--dry-run")[0], f"would drop 2 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(0))
        self.assertEqual(self.discard("--below", "3", "--yes")[0], f"dropped 2 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(2))
        self.assertEqual(self.kept("operator_alert."), alerts, "other topics stay")
        self.put(1)
        self.discard("--below", "1000", "--yes")
        self.assertEqual(self.kept(), [])
        self.put(2)
        self.assertEqual(self.kept(), self.all_from(6), "numbers go on")
        self.journal("verify")

    def test_it_is_done_without_a_worker_too(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.discard("--below", "4", "--yes")[0], f"dropped 3 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(3))
        self.journal("verify")

    def test_age_chooses(self):
        self.assertEqual(self.discard("--older", "1h", "--yes")[0], f"dropped 0 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(0))

    def test_what_a_subscriber_has_not_had_stays(self):
        self.read_durably()
        out, words = self.discard("--below", "5", "--yes", code=1)
        self.assertEqual(out, f"dropped 2 decisions of {TOPIC}\n")
        self.assertIn("2 are kept, because 'desk' has not received them", words)
        self.assertEqual(self.kept(), self.all_from(2))
        self.assertEqual(self.discard("--below", "5", "--yes", "--force")[0], f"dropped 2 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(4))
        self.assertEqual(self.daemon.stop(), 0)
        self.journal("verify")

    def test_without_a_worker_a_subscriber_is_respected_as_well(self):
        self.read_durably()
        self.assertEqual(self.daemon.stop(), 0)
        out, _ = self.discard("--below", "5", "--yes", code=1)
        self.assertEqual(out, f"dropped 2 decisions of {TOPIC}\n")
        self.assertEqual(self.kept(), self.all_from(2))

    def test_faults_have_their_exits(self):
        self.discard(code=64)
        self.discard("--below", "2", "--older", "1h", code=64)
        self.assertIn("--yes", self.discard("--below", "2", code=64)[1])
        self.journal("discard", "--below", "2", "--yes", code=64)
        self.journal("discard", "--below", "2", "--yes", "--topic", "dead_letter.", code=1)
        self.assertEqual(self.kept(), self.all_from(0))
        code, _, words = support.run("journal", "discard", "--journal", self.dir + "/none", "--topic", TOPIC,
                                     "--below", "2", "--yes")
        self.assertEqual(code, 66, words)


if __name__ == "__main__":
    support.main()
