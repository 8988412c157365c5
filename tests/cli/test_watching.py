"""`check` and `top`: what they say about a daemon that is well, one that is not, and what is no daemon."""

import http.server
import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import support
from test_metrics import Watched


OWN = f"""
gateway: {{id: own, name: Own, cite: codes.txt}}
body: {{codes: [{{code: code}}]}}
entries:
  - {{code: "1", category: provider_bug, outcome: unknown, action: contact_provider, summary: {"ก" * 40}, cite: 1,
     alert: {{audience: operator, severity: warning, when: now}}}}
"""


class Impostor:
    """Answers everything with `answer`, or with nothing at all."""

    def __init__(self, status, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words):
                pass

        http.server.ThreadingHTTPServer.handle_error = lambda *words: None  # of a peer that has enough
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


def check(url, *args):
    code, out, words = support.run("check", "--http", url, *args)
    assert len(out.splitlines()) == 1, (out, words)
    return code, out


def ready(watched):
    while check(watched.url)[0] != 0:
        pass


class Check(unittest.TestCase):
    def test_a_daemon_that_is_well_is_ok_with_figures(self):
        with Watched() as watched:
            ready(watched)
            support.send(watched.front, support.sample())
            code, out = check(watched.url)
            self.assertEqual(code, 0)
            self.assertRegex(out, r"^OK - ready \| responses=\d{3}c in_work=0;;;0;64 behind=0;10000;100000;0 "
                                  r"journal=0\.0%;75;80;0;100\n$")

    def test_bounds_make_a_warning_or_worse(self):
        with Watched() as watched:
            ready(watched)
            self.assertEqual(check(watched.url, "--warn-behind", "0")[0], 1)
            code, out = check(watched.url, "--crit-behind", "0")
            self.assertEqual((code, out.split(" - ")[0]), (2, "CRITICAL"))
            self.assertIn(";0;0;0 ", out, "a warning by default gives way")

    def test_a_worker_without_a_broker_is_critical_and_says_why(self):
        with Watched(command="worker") as worker:
            self.assertEqual(check(worker.url), (2, "CRITICAL - not ready: no broker is connected\n"))

    def test_nobody_there_is_critical(self):
        code, out = check(f"tcp://{support.address()}:5580")
        self.assertEqual(code, 2)
        self.assertIn("Connection refused", out)

    def test_another_program_is_unknown(self):
        for status, answer in ((200, b"hello\n"), (404, b""), (503, b"busy | x=1\nsecond line\n")):
            with Impostor(status, answer) as impostor:
                self.assertEqual(check(impostor.url)[0], 3, answer)

    def test_a_silent_or_endless_peer_ends_in_time(self):
        with Impostor(200, b"x" * (20 << 20)) as impostor:
            self.assertEqual(check(impostor.url)[0], 2)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            began = time.monotonic()
            code, out = check(f"tcp://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "200ms")
            self.assertEqual(code, 2, out)
            self.assertIn("timed out", out)
            self.assertLess(time.monotonic() - began, 60)

    def test_life_alone_is_nought_or_one(self):
        with Watched(command="worker") as worker:
            self.assertEqual(check(worker.url, "--live"), (0, "OK - live\n"), "though it is not ready")
        self.assertEqual(check(worker.url, "--live")[0], 1)
        for status, answer in ((200, b"hello\n"), (503, b"not live: a loop stands still\n"), (404, b"")):
            with Impostor(status, answer) as impostor:
                code, out = check(impostor.url, "--live")
                self.assertEqual((code, "a loop stands still" in out), (1, status == 503), answer)

    def test_a_wrong_command_line_is_unknown(self):
        for args in (["--timeout", "0"], ["--warn-journal", "101"], ["x"], ["--nothing"]):
            self.assertEqual(support.run("check", *args)[0], 3, args)


class Top(unittest.TestCase):
    def listen(self, watched):
        return [arg for name in ("retry", "dead_letter", "operator_alert")
                for arg in ("--connect", f"ipc://{watched.folder}/{name}")]

    def test_once_prints_routes_gateways_codes_and_alerts(self):
        with Watched() as watched:
            ready(watched)
            process = support.start("top", "--once", "--interval", "3s", "--http", watched.url, *self.listen(watched))
            while process.poll() is None:
                support.send(watched.front, support.sample())
            out, words = process.communicate()
            text = out.decode()
            self.assertEqual((process.returncode, words), (0, b""))
            for word in ("broker   workers 1", "worker   brokers 1 of 1", "ROUTE", "retry", "dead_letter", "GATEWAY",
                         "smilepayz", "CODES HEARD", "ALERTS HEARD"):
                self.assertIn(word, text)
            self.assertNotIn("none yet", text)
            self.assertNotIn("ALERTS HEARD: 0", text)

    def test_a_long_summary_ends_with_a_whole_character(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            catalog = pathlib.Path(folder) / "own.yaml"
            catalog.write_text(OWN, encoding="utf-8")
            with Watched("--catalog", str(catalog)) as watched:
                ready(watched)
                top = support.start("top", "--once", "--interval", "3s", "--http", watched.url, *self.listen(watched))
                for account in itertools.count():  # each has an alert of its own, so that it is heard
                    if top.poll() is not None:
                        break
                    support.send(watched.front, [{"provider": "own", "account": str(account), "body": {"code": "1"}}])
                self.assertIn("warning  own 1: " + "ก" * 26 + "\n", top.communicate()[0].decode())

    def test_without_a_daemon_it_says_so(self):
        code, out, words = support.run("top", "--once", "--http", f"tcp://{support.address()}:5580")
        self.assertEqual((code, out), (os.EX_UNAVAILABLE, ""))
        self.assertIn("Connection refused", words)

    def test_without_a_terminal_it_asks_for_once(self):
        code, _, words = support.run("top")
        self.assertEqual(code, os.EX_USAGE)
        self.assertIn("--once", words)

    def test_a_terminal_that_nobody_knows_is_an_error_with_a_way_out(self):
        ours, theirs = os.openpty()
        #  What ncurses keeps of a terminal that it refuses is its own leak.
        env = {**os.environ, "TERM": "nonsense", "ASAN_OPTIONS": "detect_leaks=0"}
        code, _, words = support.run("top", env=env, stdin=theirs, stdout=theirs)
        os.close(ours)
        os.close(theirs)
        self.assertEqual((code, len(words.splitlines())), (os.EX_OSERR, 2), words)
        self.assertIn("'nonsense'", words)

    @unittest.skipUnless(shutil.which("tmux"), "no tmux")
    def test_it_draws_on_a_terminal_and_ends_with_q(self):
        with Watched() as watched:
            tmux = ["tmux", "-L", f"paytriage-{os.getpid()}", "-f", "/dev/null"]
            command = [support.PROGRAM, "top", "--interval", "100ms", "--http", watched.url, *self.listen(watched)]
            subprocess.run([*tmux, "new-session", "-d", "-x", "100", "-y", "40", *command], check=True)
            try:
                screen = ""
                while "ROUTE" not in screen or "opn" not in screen:
                    support.send(watched.front, support.sample())
                    screen = subprocess.run([*tmux, "capture-pane", "-p"], check=True, capture_output=True,
                                            text=True).stdout
                subprocess.run([*tmux, "send-keys", "q"], check=True)
                while subprocess.run([*tmux, "list-sessions"], capture_output=True).returncode == 0:
                    pass
            finally:
                subprocess.run([*tmux, "kill-server"], capture_output=True)


if __name__ == "__main__":
    support.main()
