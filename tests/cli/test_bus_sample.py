"""The gateways' answers through a real broker and a real worker: the decisions of `classify`, each one once."""

import unittest

import support

END = "end"


def comparable(decision):
    """A decision without what the bus adds and what the clock says."""
    decision = {key: value for key, value in decision.items() if key not in ("producer", "redriven", "decided_ms")}
    if "retry" in decision:
        decision["retry"] = {key: value for key, value in decision["retry"].items()
                             if key not in ("next_at_ms", "deadline_ms")}
    return decision


def read_until_end(tail):
    """What the tail got between the warm-up and the response named END."""
    decisions = []
    while (decision := tail.get())["id"] != END:
        if not decision["id"].startswith("warm-"):
            decisions.append(decision)
    return decisions


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.responses = support.sample()
        code, stdout, words = support.run("classify", data=support.lines_of(cls.responses))
        assert code == 0, f"classify ended with {code}: {words}"
        cls.expected = support.json_lines(stdout)
        with support.Bus() as bus:
            tails = {name: bus.tail(name) for name in support.QUEUES}
            try:
                support.warm_up(bus.front, tails.values())
                cls.words = support.send(bus.front, cls.responses, "--batch", "16")
                # Everything is acknowledged, so it is published, and what comes now stands behind it.
                support.send(bus.front, [{**response, "id": END} for response in support.WARM_UP.values()])
                cls.published = {name: read_until_end(tail) for name, tail in tails.items()}
            finally:
                for tail in tails.values():
                    tail.__exit__()
            cls.worker_code = bus.worker.stop()
            cls.worker_words = bus.worker.text

    def test_the_whole_sample_was_accepted(self):
        self.assertGreaterEqual(len(self.responses), 300)
        self.assertIn(f"accepted {len(self.responses)}, refused 0, unacknowledged 0", self.words)
        self.assertEqual(self.worker_code, 0)
        self.assertIn("seen_again=", self.worker_words)

    def test_every_decision_came_once_on_its_route_and_is_the_one_of_classify(self):
        for route in ("settled", "retry", "dead_letter"):
            expected = [comparable(decision) for decision in self.expected if decision["route"] == route]
            published = [comparable(decision) for decision in self.published[route]]
            self.assertGreater(len(expected), 20)
            self.assertEqual(sorted(decision["id"] for decision in published),
                             sorted(decision["id"] for decision in expected))
            by_id = {decision["id"]: decision for decision in published}
            for decision in expected:
                self.assertEqual(by_id[decision["id"]], decision)

    def test_alerts_are_copies_of_the_decisions_with_an_active_one(self):
        alerting = {decision["id"]: decision for route in ("settled", "retry", "dead_letter")
                    for decision in self.published[route] if decision.get("alert", {}).get("active")}
        copies = self.published["operator_alert"]
        self.assertGreater(len(copies), 20)
        self.assertEqual(sorted(copy["id"] for copy in copies), sorted(alerting))
        for copy in copies:
            #  Beside an unknown code stands what looks like it.
            nearest = copy["alert"].pop("nearest", None)
            self.assertEqual(copy, alerting[copy["id"]])
            if nearest:
                self.assertEqual(copy["category"], "unknown_code")

    def test_the_bus_names_one_producer_and_redrives_nothing(self):
        decisions = [decision for decisions in self.published.values() for decision in decisions]
        producers = {decision["producer"] for decision in decisions}
        self.assertEqual(len(producers), 1)
        self.assertRegex(producers.pop(), r"^[0-9a-f]{16}$")
        self.assertEqual({decision["redriven"] for decision in decisions}, {False})

    def test_times_fit_each_other(self):
        received_ms = {response["id"]: response.get("received_ms") for response in self.responses}
        for decision in self.published["retry"]:
            retry = decision["retry"]
            now_ms = received_ms[decision["id"]] or decision["decided_ms"]
            self.assertEqual(retry["next_at_ms"], now_ms + retry["delay_ms"])
            self.assertLessEqual(retry["next_at_ms"], retry["deadline_ms"])
            self.assertEqual(retry["attempt"], decision["attempt"] + 1)
            self.assertLessEqual(retry["attempt"], retry["max_attempts"])


if __name__ == "__main__":
    support.main()
