"""More gateways than one journal has topics for: each decision is kept once, in its own topic or in the shared one."""

import collections

import support

GATEWAYS = 2800
#  Four places are kept for the topics of unknown gateways (docs/limits.md).
TOPICS_MAX = 8192

SOURCE = """\
gateway: {{id: g{g}, name: Gateway {g}, cite: doc.txt}}
body: {{codes: [{{code: code, message: message}}]}}
operations: [{{name: pay, kind: money}}]
policies: {{slow: {{delays: [30s, 1m], max_attempts: 6}}}}
entries:
- {{code: "E1", category: provider_unavailable, outcome: not_executed, action: resubmit, policy: slow,
   summary: "Down.", cite: 1}}
"""


def responses(code):
    return [{"id": f"{code}-{g}", "provider": f"g{g}", "operation": "pay", "http_status": 400, "body": {"code": code}}
            for g in range(GATEWAYS)]


class ManyGateways(support.JournalTest):
    SIZE = "256M"

    def setUp(self):
        super().setUp()
        sources = self.folder / "sources"
        sources.mkdir()
        for g in range(GATEWAYS):
            (sources / f"g{g}.yaml").write_text(SOURCE.format(g=g), encoding="utf-8")
        self.image = str(self.folder / "catalog.ptc")
        code, _, words = support.run("catalog", "compile", str(sources), "--no-builtin", "-o", self.image)
        self.assertEqual(code, 0, words)

    def start(self):
        return super().start("--catalog", self.image)

    def tail(self, count):
        """What a durable reader of the retry queue gets, and whether all of it was acknowledged."""
        code, out, words = support.run("tail", "--route", "retry", "--durable", "reader", "-n", str(count), "-o", "jsonl",
                                       "--connect", f"tcp://{self.host}:5570")
        self.assertEqual(code, 0, words)
        self.assertNotIn("not acknowledged", words)
        return [decision["id"] for decision in support.json_lines(out)]

    def test_what_finds_no_topic_shares_one(self):
        #  Retries take one topic of each gateway, unknown codes two: more than there are.
        first, second = responses("E1"), responses("nope")
        with self.start() as daemon:
            support.send(self.front, first)
            self.assertEqual(sorted(self.tail(GATEWAYS)), sorted(r["id"] for r in first))
            support.send(self.front, second)
            support.send(self.front, [{**r, "id": "again-" + r["id"]} for r in second])
            while b"journal.topics" not in (line := daemon.process.stderr.readline()):
                self.assertTrue(line, "it ended")
            self.assertEqual(daemon.stop(), 0)
        code, out, words = support.run("journal", "export", "--journal", self.dir)
        self.assertEqual(code, 0, words)
        topics = collections.defaultdict(list)
        for entry in support.json_lines(out):
            self.assertIn(entry["topic"].split(".")[1], (entry["decision"]["provider"], "-"))
            topics[entry["topic"].split(".")[0]].append((entry["decision"]["id"], entry["topic"].split(".")[1]))
        unknown = [r["id"] for r in second] + ["again-" + r["id"] for r in second]
        for queue, ids in (("retry", [r["id"] for r in first]), ("dead_letter", unknown), ("operator_alert", unknown)):
            self.assertEqual(sorted(i for i, _ in topics[queue]), sorted(ids), queue)
        own = {(queue, name) for queue, found in topics.items() for _, name in found if name != "-"}
        self.assertEqual(len(own), TOPICS_MAX - 4)

        #  All of it is found again, and the reader goes on where it was.
        with self.start():
            support.send(self.front, [{**r, "id": "new-" + r["id"]} for r in first])
            self.assertEqual(sorted(self.tail(GATEWAYS)), sorted("new-" + r["id"] for r in first))
            code, _, words = support.run("journal", "verify", "--journal", self.dir)
            self.assertEqual(code, 0, words)


if __name__ == "__main__":
    support.main()
