"""Rules, dashboard and documentation name what a daemon shows; a real Prometheus scrapes a real worker."""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse

import support
from test_metrics import Watched, get

PACKAGING = support.SOURCE / "packaging"
RULES = PACKAGING / "prometheus/paytriage.rules.yml"
NAME = re.compile(r"\b(?:paytriage|process)_[a-z_]+\b")


def families(text):
    """Every name that a query may use."""
    names = set()
    for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text):
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def shown():
    """The metrics of a daemon that has everything: a broker, a worker, a journal, and keys."""
    with tempfile.TemporaryDirectory() as folder:
        code, _, words = support.run("keygen", f"{folder}/keys")
        assert code == 0, words
        with Watched("--journal", f"{folder}/journal", "--curve", f"{folder}/keys") as watched:
            return get(watched.url, "/metrics")[1]


def free_port():
    with socket.socket() as probe:
        for port in range(20000, 32768):
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


class Names(unittest.TestCase):
    def test_rules_and_dashboard_ask_for_metrics_that_exist(self):
        names = families(shown())
        for path in (RULES, PACKAGING / "grafana/paytriage.json"):
            text = path.read_text()
            queries = re.findall(r"(?m)^\s+expr: (.*)$", text)
            if path.suffix == ".json":
                panels = json.loads(text)["panels"]
                queries = [target["expr"] for panel in panels for target in panel["targets"]]
            self.assertGreater(len(queries), 10)
            for query in queries:
                asked = set(NAME.findall(query)) - {"paytriage"}
                self.assertTrue(asked or "up{" in query, query)
                self.assertLessEqual(asked, names, query)

    def test_the_documentation_has_each_metric_and_each_rule(self):
        text = (support.SOURCE / "docs/monitoring.md").read_text()
        documented = set(re.findall(r"(?m)^\| `((?:paytriage|process)_[a-z_]+)", text))
        self.assertEqual(documented, set(re.findall(r"(?m)^# TYPE (\S+)", shown())))
        rules = re.findall(r"(?m)^      - alert: (\S+)$", RULES.read_text())
        self.assertEqual(re.findall(r"(?m)^\| `(Paytriage\w+)` \|", text), rules)
        tested = re.findall(r"alertname: (\w+)", (PACKAGING / "prometheus/paytriage.test.yml").read_text())
        self.assertEqual(set(tested), set(rules))


@unittest.skipUnless(shutil.which("promtool"), "no promtool: install prometheus")
class Rules(unittest.TestCase):
    def test_each_rule_fires_when_it_should_and_not_before(self):
        for verb in (["check", "rules", RULES.name], ["test", "rules", "paytriage.test.yml"]):
            done = subprocess.run(["promtool", *verb], cwd=RULES.parent, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@unittest.skipUnless(shutil.which("prometheus"), "no prometheus")
class Scrape(unittest.TestCase):
    def ask(self, port, query):
        try:
            status, text = get(f"http://127.0.0.1:{port}", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
            return [sample["value"][1] for sample in json.loads(text)["data"]["result"]] if status == 200 else []
        except OSError:
            return []  # it is not up yet

    def test_prometheus_counts_what_a_worker_decided(self):
        with tempfile.TemporaryDirectory() as folder, Watched("--journal", f"{folder}/journal") as watched:
            responses = support.sample()
            support.send(watched.front, responses)
            port, config = free_port(), pathlib.Path(folder) / "prometheus.yml"
            config.write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{RULES}"]
scrape_configs:
  - job_name: paytriage
    static_configs: [{{targets: ["{watched.url.removeprefix('http://')}"]}}]
""")
            prometheus = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                while self.ask(port, 'up{job="paytriage"}') != ["1"]:
                    self.assertIsNone(prometheus.poll(), "prometheus ended")
                self.assertEqual(self.ask(port, "sum(paytriage_decisions_total)"), [str(len(responses))])
                self.assertEqual(self.ask(port, 'ALERTS{alertname="PaytriageDown"}'), [])
                watched.daemon.process.kill()
                while self.ask(port, 'ALERTS{alertname="PaytriageDown",alertstate="pending"}') != ["1"]:
                    self.assertIsNone(prometheus.poll(), "prometheus ended")
            finally:
                prometheus.kill()
                prometheus.wait()


if __name__ == "__main__":
    support.main()
