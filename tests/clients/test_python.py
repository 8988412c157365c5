#!/usr/bin/python3
"""The Python clients with a real broker and worker, both of which die: everything that was published is delivered
to a durable subscriber, whatever dies in between, and nothing is told as lost.

    test_python.py PAYTRIAGE
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python"))
try:
    import publisher
    import subscriber
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RESPONSES, PATIENCE_S = 6000, 120
QUEUES = ("settled", "retry", "dead-letter", "operator-alert")


class Worker:
    def __init__(self, paytriage, folder):
        self.command = [paytriage, "run", "--workers", "2", "--journal", f"{folder}/journal", "--journal-size", "64M"]
        for name in ("front", "replay", *QUEUES):
            self.command += [f"--{name}", f"ipc://{folder}/{name}"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("ready"):
                return
        raise SystemExit("the worker did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Collector:
    """A durable subscriber that remembers what it got."""
    def __init__(self, folder):
        self.ids, self.reports = collections.Counter(), []
        endpoints = [f"ipc://{folder}/{queue}" for queue in ("retry", "dead-letter")]
        self.bus = subscriber.Subscriber(endpoints, ["retry.", "dead_letter."], "collector", self.take,
                                         self.reports.append)

    def take(self, topic, decision):
        assert topic == f"{decision['route']}.{decision['provider']}.", (topic, decision)
        self.ids[decision["id"]] += 1

    def step_until(self, done, acknowledge=True):
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline, (len(self.ids), self.reports[-3:])
            self.bus.step(50)
            if acknowledge:
                self.bus.acknowledge()


def lines(first, count):
    for number in range(first, first + count):
        yield json.dumps({"id": f"r{number}", "provider": ("smilepayz", "opn")[number % 2], "operation": "pay_in",
                          "http_status": (503, 400)[number % 3 == 0]}) + "\n"


def publish(folder, first, count):
    """Start a publisher; half of its lines are with it. The rest comes with finish(), which gives its last word."""
    process = subprocess.Popen([sys.executable, publisher.__file__, f"ipc://{folder}/front"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdin.write("".join(lines(first, count // 2)))
    process.stdin.flush()
    rest = "".join(lines(first + count // 2, count - count // 2))
    return lambda: process.communicate(rest, timeout=PATIENCE_S)[1]


def main(paytriage, folder):
    for client in (publisher, subscriber):  # short enough to be read before it is copied
        assert len(pathlib.Path(client.__file__).read_text().splitlines()) <= 150, client.__file__
    worker = Worker(paytriage, folder)
    try:
        #  What is published while nobody listens is there when the name is first used.
        finish = publish(folder, 0, RESPONSES)
        assert finish() == f"accepted {RESPONSES}\n"
        first = Collector(folder)
        first.step_until(lambda: len(first.ids) >= RESPONSES // 2, acknowledge=False)

        #  It died before it acknowledged anything, and then the worker does.
        worker.kill()
        worker.start()
        second = Collector(folder)
        second.step_until(lambda: len(second.ids) == RESPONSES)

        #  The worker dies while a publisher sends; the subscriber stays.
        finish = publish(folder, RESPONSES, RESPONSES)
        second.step_until(lambda: len(second.ids) > RESPONSES)
        worker.kill()
        worker.start()
        assert finish() == f"accepted {RESPONSES}\n"
        second.step_until(lambda: len(second.ids) == 2 * RESPONSES)
        assert set(second.ids) == {f"r{number}" for number in range(2 * RESPONSES)}
        assert max(second.ids.values()) == 1, second.ids.most_common(3)

        #  All of it is acknowledged: the name goes on behind it.
        sources = second.bus.sources.values()
        second.step_until(lambda: all(stream.acked == stream.head for source in sources
                                      for stream in source.streams.values() if source.state == subscriber.OPENED))
        third = Collector(folder)
        finish = publish(folder, 2 * RESPONSES, 1)
        finish()
        third.step_until(lambda: third.ids)
        assert list(third.ids) == [f"r{2 * RESPONSES}"], third.ids
        reports = [report for one in (first, second, third) for report in one.reports if "LOST" in report]
        assert not reports, reports
        print(f"{2 * RESPONSES + 1} responses, each delivered once to its name")
    finally:
        worker.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="paytriage-test-") as temporary:
        main(sys.argv[1], temporary)
