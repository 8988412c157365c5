"""What a daemon shows over HTTP: counters that count, words that promtool takes, health that tells the truth."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

import support


def get(url, path, method="GET"):
    """Status and text of one request."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=support.PATIENCE_S)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def samples(text):
    """Name with labels -> value."""
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


class Watched:
    """A daemon on ipc endpoints that shows itself on a free port."""

    def __init__(self, *args, command="run"):
        self._folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.folder = pathlib.Path(self._folder.name)
        ports = self.folder / "ports.json"
        names = {"run": ("front", "replay", *support.QUEUES), "worker": ("replay", *support.QUEUES),
                 "broker": ("front", "back")}[command]
        endpoints = [f"--{name.replace('_', '-')}=ipc://{self.folder}/{name}" for name in names]
        if command == "worker" and "--connect" not in args:  # a broker may run at the default port of this machine
            endpoints += ["--connect", f"ipc://{self.folder}/nobody"]
        self.daemon = support.Daemon(command, *endpoints, "--http", "tcp://127.0.0.1:*", "--ports-file", str(ports),
                                     *args)
        self.front = f"ipc://{self.folder}/front"
        self.url = json.loads(ports.read_text())["http"]

    def metrics(self):
        status, text = get(self.url, "/metrics")
        assert status == 200, text
        return samples(text)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.daemon.__exit__()
        self._folder.cleanup()


class Metrics(unittest.TestCase):
    def test_each_response_is_counted_under_its_gateway_route_category_and_rung(self):
        with Watched("--threads", "2") as watched:
            responses = support.sample()
            decided = support.json_lines(support.run("classify", "-o", "jsonl", data=support.lines_of(responses))[1])
            support.send(watched.front, responses)
            metrics = watched.metrics()
            self.assertEqual(metrics["paytriage_responses_total"], len(responses))
            for name, label, key in (("decisions", "route", "route"), ("decision_categories", "category", "category"),
                                     ("decision_matches", "match", "match")):
                counted = {}
                for decision in decided:
                    place = f'paytriage_{name}_total{{provider="{decision["provider"]}",{label}="{decision[key]}"}}'
                    counted[place] = counted.get(place, 0) + 1
                shown = {place: value for place, value in metrics.items()
                         if place.startswith(f"paytriage_{name}_total") and value}
                self.assertEqual(shown, counted)

    def test_what_no_catalog_knows_is_one_label_and_an_unknown_code(self):
        with Watched() as watched:
            support.send(watched.front, [{"id": f"x{i}", "provider": f"nobody-{i}", "http_status": 400}
                                         for i in range(50)] +
                         [{"id": "y", "provider": "opn", "http_status": 400, "body": {"object": "error", "code": "zz"}}])
            metrics = watched.metrics()
            self.assertEqual(metrics['paytriage_decisions_total{provider="-",route="dead_letter"}'], 50)
            self.assertEqual(metrics['paytriage_unknown_codes_total{provider="opn"}'], 1)
            self.assertFalse([name for name in metrics if "nobody" in name])

    def test_gateways_beyond_the_limit_are_counted_together_and_the_sum_is_right(self):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(300):
                pathlib.Path(folder, f"gw{number:03}.yaml").write_text(
                    f"gateway: {{id: gw{number:03}, name: Gateway, cite: a.pdf}}\n"
                    "body: {codes: [{code: code, message: message}]}\noperations: [{name: charge, kind: money}]\nentries:\n"
                    "  - {code: '05', category: decline_hard, outcome: declined, action: change_instrument, summary: No., "
                    "cite: 1}\n".replace("'", '"'))
            with Watched("--catalog", folder) as watched:
                support.send(watched.front, [{"id": f"{n}", "provider": f"gw{n:03}", "body": {"code": "05"}}
                                             for n in range(300)])
                metrics = watched.metrics()
        counted = {place: value for place, value in metrics.items() if place.startswith("paytriage_decisions_total{")}
        self.assertEqual(sum(counted.values()), 300)
        self.assertEqual(counted['paytriage_decisions_total{provider="gw000",route="dead_letter"}'], 1)
        self.assertEqual(counted['paytriage_decisions_total{provider="other",route="dead_letter"}'], 300 - 256)

    def test_the_journal_its_commits_and_its_readers_are_shown(self):
        with tempfile.TemporaryDirectory() as folder, \
             Watched("--journal", f"{folder}/journal", "--journal-size", "16M") as watched:
            support.send(watched.front, [{"id": "a", "provider": "nobody", "http_status": 400}])
            #  A durable reader that fetches what came before it.
            code, out, words = support.run(
                "tail", "-o", "jsonl", "--durable", 'desk', "--count", "1", "--route", "dead_letter",
                "--connect", f"ipc://{watched.folder}/dead_letter")
            self.assertEqual((code, len(out.splitlines())), (0, 1), words)
            metrics = watched.metrics()
            self.assertEqual(metrics["paytriage_journal_batches_total"], 1)
            self.assertGreaterEqual(metrics["paytriage_journal_commit_seconds_count"], 1)
            self.assertEqual(metrics["paytriage_journal_size_bytes"], 16 << 20)
            self.assertGreater(metrics["paytriage_journal_used_bytes"], 0)
            #  A dead letter and an alert.
            self.assertEqual(metrics["paytriage_journal_topics"], 2)
            self.assertEqual(metrics["paytriage_journal_topics_max"], 8192)
            self.assertEqual(metrics["paytriage_replay_decisions_total"], 1)
            self.assertIn('paytriage_subscriber_behind_decisions{subscriber="desk"}', metrics)
            self.assertEqual(metrics["paytriage_latency_seconds_count"], 1)

    def test_promtool_finds_nothing_to_say(self):
        promtool = shutil.which("promtool")
        if not promtool:
            self.skipTest("no promtool: install prometheus")
        with tempfile.TemporaryDirectory() as folder, Watched("--journal", f"{folder}/journal") as watched:
            support.send(watched.front, support.sample())
            text = get(watched.url, "/metrics")[1]
            checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))


class Health(unittest.TestCase):
    def test_a_worker_is_ready_while_a_broker_is_connected(self):
        with Watched(command="worker") as worker:
            self.assertEqual(get(worker.url, "/healthz"), (200, "live\n"))
            self.assertEqual(get(worker.url, "/readyz"), (503, "not ready: no broker is connected\n"))

    def test_a_broker_is_ready_with_a_worker_and_a_worker_with_a_broker(self):
        with Watched(command="broker") as broker:
            self.assertEqual(get(broker.url, "/readyz"), (503, "not ready: no worker is connected\n"))
            with Watched("--connect", f"ipc://{broker.folder}/back", command="worker") as worker:
                for url in (broker.url, worker.url):
                    while get(url, "/readyz") != (200, "ready\n"):
                        pass
                broker.daemon.process.kill()
                while get(worker.url, "/readyz") != (503, "not ready: no broker is connected\n"):
                    pass

    def test_all_of_it_in_one_process_is_ready(self):
        with Watched() as watched:
            while get(watched.url, "/readyz") != (200, "ready\n"):
                pass


class Server(unittest.TestCase):
    def test_only_known_pages_are_read(self):
        with Watched() as watched:
            self.assertEqual(get(watched.url, "/nothing")[0], 404)
            self.assertEqual(get(watched.url, "/metrics", "POST")[0], 405)
            self.assertEqual(get(watched.url, "/metrics", "HEAD"), (200, ""))

    def test_a_request_without_end_is_refused_and_others_are_served(self):
        with Watched() as watched:
            host, port = watched.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as hostile:
                hostile.settimeout(support.PATIENCE_S)
                hostile.sendall(b"GET /" + b"x" * 100000)
                try:
                    self.assertNotIn(b"200 OK", hostile.recv(100))
                except ConnectionResetError:
                    pass
            self.assertEqual(get(watched.url, "/healthz")[0], 200)

    def test_who_only_connects_keeps_nobody_from_an_answer(self):
        with Watched() as watched, contextlib.ExitStack() as idle:
            host, port = watched.url.removeprefix("http://").split(":")
            # One that waited for the silence of each would take two minutes.
            for number in range(400):
                connection = idle.enter_context(socket.create_connection((host, int(port)), timeout=60))
                if number % 3 == 0:
                    connection.sendall(b"GET /heal")
            self.assertEqual(get(watched.url, "/healthz"), (200, "live\n"))
            connection.sendall(b"thz HTTP/1.1\r\nHost: one\r\n\r\n")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200"), "the latest one is kept")

    def test_who_never_ends_a_request_keeps_nobody_from_an_answer(self):
        with Watched() as watched, contextlib.ExitStack() as busy:
            host, port = watched.url.removeprefix("http://").split(":")
            for number in range(200):
                connection = busy.enter_context(socket.create_connection((host, int(port)), timeout=60))
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nbegun")
                if number % 20 == 19:
                    self.assertEqual(get(watched.url, "/healthz"), (200, "live\n"))

    def test_a_taken_address_is_an_error_only_when_it_was_asked_for(self):
        with socket.socket() as taken:
            address = support.address()
            taken.bind((address, 5580))
            taken.listen()
            endpoints = ["--bind", address]
            code, _, words = support.run("run", *endpoints, "--http", f"tcp://{address}:5580")
            self.assertEqual(code, os.EX_UNAVAILABLE, words)
            self.assertIn("Address already in use", words)
            with support.Daemon("run", *endpoints) as daemon:
                self.assertIn("HTTP            none: ", daemon.text)

    def test_a_public_address_needs_plain_words_also_with_keys(self):
        with tempfile.TemporaryDirectory() as folder:
            support.run("keygen", f"{folder}/keys")
            for endpoint in ("tcp://0.0.0.0:5580", "tcp://*:5580", "http://[::]:5580", "tcp://0:5580", "192.0.2.1:5580",
                             "tcp://example.org:5580"):
                for keys in [], ["--curve", f"{folder}/keys"]:
                    code, _, words = support.run("broker", "--bind", support.address(), "--http", endpoint, *keys)
                    self.assertEqual(code, os.EX_CONFIG, (endpoint, words))
                    self.assertIn("--insecure-public-http", words)
            for word in "--insecure-public-http", "--insecure-public-bind":
                code, _, words = support.run("broker", "--bind", support.address(), "--http", "tcp://192.0.2.1:5580", word)
                self.assertEqual(code, os.EX_USAGE, words)
                self.assertIn("no such address", words)
            ports = f"{folder}/ports.json"
            with support.Daemon("broker", "--bind", support.address(), "--http", "tcp://0.0.0.0:*", "--insecure-public-http",
                                "--curve", f"{folder}/keys", "--ports-file", ports):
                port = json.loads(pathlib.Path(ports).read_text())["http"].rsplit(":", 1)[1]
                self.assertEqual(get(f"http://127.0.0.1:{port}", "/healthz")[0], 200)

    def test_who_asks_where_http_is_off_is_told_so_and_what_to_do(self):
        for command, expected in (["top", "--once"], 69), (["check"], 3), (["check", "--live"], 1):
            for words, env, origin in (["--http", "none"], {}, "--http"), ([], {"PAYTRIAGE_HTTP": "none"}, "PAYTRIAGE_HTTP"):
                code, out, err = support.run(*command, *words, env={**os.environ, **env})
                self.assertEqual(code, expected, (command, words))
                self.assertIn(f"HTTP is off: {origin} says none", out + err)
                self.assertIn("--http tcp://127.0.0.1:5580", out + err)

    def test_what_is_no_endpoint_is_refused(self):
        for endpoint in ("5580", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://127.0.0.1:70000", "ipc://x/y",
                         "tcp://::1:5580", ""):
            code, _, words = support.run("run", "--bind", support.address(), "--http", endpoint)
            self.assertEqual(code, os.EX_USAGE, (endpoint, words))


if __name__ == "__main__":
    support.main()
