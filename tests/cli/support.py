"""What the tests of the command line share: the program, daemons that are ready, readers that wait.

Usage of each test: /usr/bin/python3 -B test_NAME.py PROGRAM. Nothing here sleeps: everything waits
for a line, an exit or a decision, and only a broken program meets the end of PATIENCE_S.
"""

import ctypes
import faulthandler
import itertools
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BODIES = sorted((SOURCE / "tests/vectors/bodies").glob("*.jsonl"))
GATEWAYS = ("jamespay", "opn", "shopline", "smilepayz", "uapay")
QUEUES = ("settled", "retry", "dead_letter", "operator_alert")

# No daemon of a test leaves a journal in the home of who runs it, unless it is asked for one.
os.environ["PAYTRIAGE_JOURNAL"] = "none"
# Nor does a file of settings of this machine change what a test sees.
os.environ["PAYTRIAGE_CONFIG"] = "none"
# Control sockets in a folder of this test.
_runtime = tempfile.TemporaryDirectory(prefix="paytriage-")
os.environ["RUNTIME_DIRECTORY"] = _runtime.name

PATIENCE_S = 240  # enough for ThreadSanitizer on a busy machine
SKIPPED = 77

PROGRAM = None
_libc = ctypes.CDLL(None)
_serial = itertools.count()


def main():
    """Run the tests of the calling file with the program that is named on the command line."""
    global PROGRAM
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    unittest.main()


def preloading(library):
    """The environment that has a library loaded first; ld.so takes a path with a space in it for two, but no folder."""
    folder, name = os.path.split(os.path.abspath(library))
    return {"LD_PRELOAD": name, "LD_LIBRARY_PATH": folder}


def _die_with_parent():
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGKILL)


def start(*args, **options):
    """Start the program; pipes for what is not given."""
    for stream in ("stdin", "stdout", "stderr"):
        options.setdefault(stream, subprocess.PIPE)
    options.setdefault("preexec_fn", _die_with_parent)
    return subprocess.Popen([PROGRAM, *args], **options)


def run(*args, data=b"", **options):
    """Run the program to its end; code, stdout and stderr, the last two as text."""
    process = start(*args, **options)
    stdout, stderr = process.communicate(data)
    return process.returncode, (stdout or b"").decode(), (stderr or b"").decode()


def is_sanitized():
    """Whether the program brings a sanitizer, which takes far more memory than it does."""
    return re.search(rb"__[at]san_init", pathlib.Path(PROGRAM).read_bytes()) is not None


def address():
    """A loopback address that no other test uses, so that the default ports are free on it."""
    number = os.getpid() * 128 + next(_serial)
    return f"127.{64 + (number >> 16) % 128}.{(number >> 8) % 256}.{number % 256}"


def json_lines(text):
    """One value a line; fails on anything that is no line of JSON."""
    assert not text or text.endswith("\n"), "the last line has no end"
    return [json.loads(line) for line in text.splitlines()]


def sample():
    """The gateways' answers as an orchestrator sends them: one dictionary each, without `expect`."""
    responses = []
    for path in BODIES:
        for line in path.read_text(encoding="utf-8").splitlines():
            response = json.loads(line)
            response.pop("expect")
            responses.append(response)
    assert len({response["id"] for response in responses}) == len(responses), "ids stand twice"
    return responses


def lines_of(values):
    return "".join(json.dumps(value) + "\n" for value in values).encode()


class Daemon:
    """A broker, a worker or both, from its "ready" on."""

    def __init__(self, *args, **options):
        self.process = start(*args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
        self.text = ""
        while not self.text.splitlines()[-1:] or not self.text.splitlines()[-1].startswith("ready"):
            line = self.process.stderr.readline().decode()
            assert line, f"ended with {self.process.wait()} before it was ready:\n{self.text}"
            self.text += line

    def stop(self, *signals):
        """Send the signals (SIGTERM when there are none), wait for the end, and give the exit code."""
        for number in signals or (signal.SIGTERM,):
            self.process.send_signal(number)
        return self.wait()

    def wait(self):
        self.text += self.process.stderr.read().decode()
        return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


class JournalTest(unittest.TestCase):
    """Tests of `paytriage run` with a journal, in a folder and on an address of each test's own."""

    SIZE = "16M"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.dir = str(self.folder / "kept")
        self.host = address()
        self.front = f"tcp://{self.host}:5560"

    def start(self, *args):
        return Daemon("run", "--bind", self.host, "--journal", self.dir, "--journal-size", self.SIZE, *args)

    def start_for_the_test(self):
        """The daemon, which ends with the test."""
        daemon = self.start()
        self.addCleanup(daemon.__exit__)
        return daemon

    def journal(self, verb, *args, code=0):
        """What `paytriage journal` prints and what it says."""
        got, out, words = run("journal", verb, "--journal", self.dir, *args)
        self.assertEqual(got, code, words)
        return out, words


class Tail:
    """A `paytriage tail` whose decisions are read one by one."""

    def __init__(self, *args, **options):
        self.process = start("tail", "-o", "jsonl", *args, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        self._decisions = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._decisions.put(json.loads(line))
        self._decisions.put(None)

    def get(self, timeout=None):
        """The next decision; queue.Empty after `timeout` seconds."""
        decision = self._decisions.get(timeout=timeout)
        assert decision is not None, "tail ended"
        return decision

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self._reader.join()
        self.process.wait()
        self.process.stdout.close()


# One response for each queue; the third one also raises an alert.
WARM_UP = {
    "settled": {"provider": "opn", "http_status": 200, "body": {"object": "charge", "status": "successful"}},
    "retry": {"provider": "nobody", "http_status": 503},
    "dead_letter": {"provider": "nobody", "http_status": 400},
}


def send(front, responses, *args):
    """Send through the bus; fails unless all are accepted."""
    code, _, words = run("send", "--connect", front, *args, data=lines_of(responses))
    assert code == 0, f"send ended with {code}: {words}"
    return words


def warm_up(front, tails):
    """PUB sockets drop what comes before a subscription does: send until each tail has heard something."""
    deaf = set(tails)
    for number in itertools.count():
        send(front, [{"id": f"warm-{number}", **response} for response in WARM_UP.values()])
        for tail in list(deaf):
            try:
                tail.get(timeout=0.1)
                deaf.discard(tail)
            except queue.Empty:
                pass
        if not deaf:
            return


class Bus:
    """Broker and worker as two processes on ipc endpoints in a folder of their own."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.folder = pathlib.Path(self._folder.name)
        self.front, self.back = self.endpoint("front"), self.endpoint("back")
        self.queues = {name: self.endpoint(name) for name in QUEUES}
        self.broker = self.start_broker()
        self.worker = self.start_worker()

    def endpoint(self, name):
        return f"ipc://{self.folder}/{name}"

    def start_broker(self):
        return Daemon("broker", "--front", self.front, "--back", self.back)

    def start_worker(self):
        options = [f"--{name.replace('_', '-')}={endpoint}" for name, endpoint in self.queues.items()]
        #  Each alert is published, so that all can be counted; test_alerts.py folds them.
        return Daemon("worker", "--connect", self.back, "--threads", "2", "--alert-window", "0s", *options)

    def tail(self, name, *args):
        return Tail("--route", name, "--connect", self.queues[name], *args)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.worker.__exit__()
        self.broker.__exit__()
        self._folder.cleanup()
