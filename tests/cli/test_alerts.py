"""Alerts as people get them: the first of a kind at once, the others as a count, and by a rate of the entry's own."""

import pathlib
import signal
import tempfile
import unittest

import support

GATEWAY = """\
gateway: {id: acme, name: Acme, cite: manual.txt}
body: {codes: [{code: code, message: message}]}
operations: [{name: pay, kind: money}]
entries:
  - code: "often"
    category: decline_soft
    outcome: declined
    action: new_order
    alert: {audience: [operator], severity: info, when: if_frequent%s}
    summary: "No."
    cite: 1
"""


class Alerts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.dir = str(pathlib.Path(folder.name) / "kept")
        self.yaml = pathlib.Path(folder.name) / "acme.yaml"
        self.yaml.write_text(GATEWAY % ", count: 3, within: 1h")
        self.host = support.address()

    def start(self, *args):
        return support.Daemon("run", "--bind", self.host, "--http", "none", "--threads", "1", "--journal", self.dir, "--journal-size",
                              "16M", "--catalog", str(self.yaml), *args)

    def send(self, first, count, provider, code):
        support.send(f"tcp://{self.host}:5560", [
            {"id": f"r{number}", "provider": provider, "http_status": 400, "account": f"shop-{number}",
             "body": {"code": code}} for number in range(first, first + count)])

    def kept(self, provider):
        """The alerts of a gateway in the journal of a worker that has ended."""
        code, out, words = support.run("journal", "export", "--topic", f"operator_alert.{provider}.", "--journal", self.dir)
        self.assertEqual(code, 0, words)
        return [entry["decision"] for entry in support.json_lines(out)]

    def test_an_unknown_code_is_told_once_for_all_accounts_and_counted(self):
        with self.start() as daemon:
            self.send(1, 500, "acme", "oftem")
            self.send(501, 1, "acme", "other")
            self.assertEqual(daemon.stop(), 0)
        alerts = self.kept("acme")
        self.assertEqual([alert["alert"]["count"] for alert in alerts], [1, 1, 499])
        self.assertEqual([alert["id"] for alert in alerts], ["r1", "r501", "r2"])
        self.assertEqual(alerts[0]["alert"]["nearest"], "acme/often")
        self.assertNotIn("nearest", alerts[1]["alert"])
        self.assertNotIn("fold", alerts[0]["alert"])
        self.assertEqual(alerts[2]["alert"]["fold"], "same")
        self.assertLessEqual(alerts[2]["alert"]["first_ms"], alerts[2]["alert"]["last_ms"])

    def test_what_alerts_if_frequent_waits_for_the_rate_of_its_entry(self):
        with self.start() as daemon:
            self.send(1, 2, "acme", "often")
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.kept("acme"), [], "twice is not frequent")
        with self.start() as daemon:
            self.send(3, 7, "acme", "often")
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual([(alert["id"], alert["alert"]["count"], alert["alert"]["active"]) for alert in self.kept("acme")],
                         [("r5", 3, True), ("r6", 4, True)])

    def test_the_workers_rate_holds_where_the_entry_has_none(self):
        self.yaml.write_text(GATEWAY % "")
        with self.start("--alert-frequent", "2", "--alert-frequent-window", "1h") as daemon:
            self.send(1, 2, "acme", "often")
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual([alert["alert"]["count"] for alert in self.kept("acme")], [2])

    def test_without_a_window_each_is_published(self):
        with self.start("--alert-window", "0s") as daemon:
            self.send(1, 50, "acme", "oftem")
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual([alert["alert"]["count"] for alert in self.kept("acme")], [1] * 50)

    def test_a_worker_that_was_killed_tells_the_next_one_at_once(self):
        with self.start() as daemon:
            self.send(1, 10, "acme", "oftem")
            daemon.stop(signal.SIGKILL)
        with self.start() as daemon:
            self.send(11, 1, "acme", "oftem")
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual([alert["id"] for alert in self.kept("acme")], ["r1", "r11"])

    def test_a_gateway_that_disagrees_with_itself_is_told_of(self):
        good = {"code": "20", "responseCode": "5029000", "message": "Pay channel timeout or interrupted"}
        cases = (  # HTTP status, the body, drift
            (502, good, False),
            (0, good, False),  # nothing to compare with
            (500, good, True),  # the code repeats another status
            (200, good, True),
            (502, {**good, "code": "14"}, True),  # codes that do not stand together
            (502, {**good, "code": "77"}, True),  # one that nobody knows
            (502, {**good, "message": "never heard"}, False),  # which row it is cannot be told
            (502, {"code": "20", "message": good["message"]}, False),
        )
        lines = [{"id": str(i), "provider": "smilepayz", "operation": "pay_in", "body": body} | (
            {"http_status": status} if status else {}) for i, (status, body, _) in enumerate(cases)]
        code, out, words = support.run("classify", data=support.lines_of(lines))
        self.assertEqual(code, 0, words)
        for (status, body, drift), decision in zip(cases, support.json_lines(out)):
            with self.subTest(status=status, body=body):
                self.assertEqual(decision.get("alert", {}).get("drift", False), drift)
                if drift:
                    self.assertTrue(decision["alert"]["active"])
                    self.assertIn("operator", decision["alert"]["audience"])
                #  Whatever is told, the way is the same.
                self.assertEqual((decision["route"], decision["action"]), ("retry", "query_status"))

    def test_codes_that_say_the_same_do_not_disagree(self):
        operations = {"pay_in": "2009000", "pay_out": "2009100", "inquiry": "2009200"}
        lines = [{"id": f"{operation} {marker}", "provider": "smilepayz", "operation": operation, "http_status": 200,
                  "body": {"code": "00", "responseCode": code, "message": "Successful", **marker}}
                 for operation, code in operations.items() for marker in ({}, {"status": "SUCCESS"})]
        code, out, words = support.run("classify", data=support.lines_of(lines))
        self.assertEqual(code, 0, words)
        decisions = support.json_lines(out)
        self.assertEqual(len(decisions), len(lines))
        for decision in decisions:
            with self.subTest(id=decision["id"]):
                self.assertEqual(decision["route"], "settled")
                self.assertFalse(decision.get("alert", {}).get("drift", False))

    def test_half_a_rate_is_a_fault_of_the_catalog(self):
        for more, words in ((", count: 3", "count and within need each other"), (", within: 1h", "need each other"),
                            (", count: 0, within: 1h", "error"), (", count: 3, within: 5ms", "at least 1s"),
                            (", count: 1001, within: 1h", "error")):
            with self.subTest(more=more):
                self.yaml.write_text(GATEWAY % more)
                code, out, err = support.run("catalog", "lint", str(self.yaml))
                self.assertNotEqual(code, 0)
                self.assertIn(words, out + err)
        self.yaml.write_text((GATEWAY % ", count: 3, within: 1h").replace("if_frequent", "now"))
        _, out, err = support.run("catalog", "lint", str(self.yaml))
        self.assertIn("unless when is if_frequent", out + err)


if __name__ == "__main__":
    support.main()
