#!/usr/bin/python3
"""The Python clients with a real broker and worker, both of which die: everything that was published is delivered
to a durable subscriber, whatever dies in between, and nothing is told as lost.

    test_python.py PAYTRIAGE
"""
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python"))
try:
    import curve
    import msgpack
    import publisher
    import replay
    import subscriber
    import zmq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RESPONSES, PATIENCE_S = 6000, 120
QUEUES = ("settled", "retry", "dead-letter", "operator-alert")


class Process:
    """A program whose stderr is read as it comes, so that it never waits for us, and shown when something fails."""
    started = []

    def __init__(self, name, command, **options):
        self.name, self.lines, self.said = name, [], threading.Condition()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.started.append(self)

    def read(self):
        for line in self.process.stderr:
            with self.said:
                self.lines.append(line)
                self.said.notify_all()

    def wait_for_line(self, start):
        with self.said:
            self.said.wait_for(lambda: any(line.startswith(start) for line in self.lines) or not self.is_alive(),
                               PATIENCE_S)
        assert any(line.startswith(start) for line in self.lines), f"{self.name} never said '{start}'"

    def is_alive(self):
        return self.process.poll() is None

    def end(self):
        """Wait for its end; all that it said."""
        self.process.wait()
        self.reader.join()
        return "".join(self.lines)

    def kill(self):
        self.process.kill()
        return self.end()

    def show(self):
        """Where each thread waits, and what was said; a Python program is ended, and tells where it was."""
        print(f"--- {self.name}: {'alive' if self.is_alive() else f'ended with {self.process.returncode}'}",
              file=sys.stderr)
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*"):
            state = (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
            print(state, *((task / name).read_text().strip() for name in ("comm", "wchan")), file=sys.stderr)
        if self.is_alive() and self.name == "publisher":
            self.process.send_signal(signal.SIGABRT)
            self.end()
        print("".join(self.lines[-200:]), file=sys.stderr)


class Worker:
    """Broker and worker in one process. That it ends by itself is noticed by whoever waits for something."""
    def __init__(self, paytriage, folder, *journal):
        journal = journal or ("--journal", f"{folder}/journal", "--journal-size", "64M")
        self.command = [paytriage, "run", "--threads", "2", *journal]
        for name in ("front", "replay", *QUEUES):
            self.command += [f"--{name}", f"ipc://{folder}/{name}"]
        self.start()

    def start(self):
        self.process = Process("worker", self.command)
        self.process.wait_for_line("ready")

    def kill(self):
        self.process.kill()

    def check(self):
        assert self.process.is_alive(), "the worker ended by itself"


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

    def step_until(self, worker, done, acknowledge):
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            worker.check()
            assert time.monotonic() < deadline, (len(self.ids), self.reports[-3:])
            self.bus.step(50)
            if acknowledge:
                self.bus.acknowledge()


def lines(first, count):
    for number in range(first, first + count):
        yield json.dumps({"id": f"r{number}", "provider": ("smilepayz", "opn")[number % 2], "operation": "pay_in",
                          "http_status": (503, 400)[number % 3 == 0]}) + "\n"


class Publishing:
    """A publisher that has half of its lines; the rest comes with finish(), which gives its last word."""
    def __init__(self, folder, first, count):
        self.command = Process("publisher", [sys.executable, publisher.__file__, f"ipc://{folder}/front"],
                               stdin=subprocess.PIPE, env={**os.environ, "PYTHONFAULTHANDLER": "1"})
        self.write(lines(first, count // 2))
        self.rest = lines(first + count // 2, count - count // 2)

    def write(self, texts):
        self.command.process.stdin.write("".join(texts))
        self.command.process.stdin.flush()

    def finish(self, worker):
        self.write(self.rest)
        self.command.process.stdin.close()
        deadline = time.monotonic() + PATIENCE_S
        while self.command.is_alive():
            worker.check()
            assert time.monotonic() < deadline, "the publisher did not come to its end"
            try:
                self.command.process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        return self.command.end().splitlines()[-1]


class Acknowledger(subscriber.Subscriber):
    """No sockets: every SUBACK is answered, and its topics are noted."""

    def __init__(self):
        self.name, self.told = "n", set()
        self.source = subscriber.Source(state=subscriber.OPENED, streams=collections.defaultdict(subscriber.Stream), replay=self)
        self.sources = {("worker", 1): self.source}

    def ask(self, kind, *arguments):
        self.told |= {topic for topic, _ in arguments[-1]}
        return [([1, "SUBACKED", 1], [])]


def check_that_all_busy_topics_are_acknowledged():
    desk = Acknowledger()
    for count in range(2, 6):  # a SUBACK holds 64, and in the time of each all topics move
        for topic in range(200):
            desk.source.streams[topic].next = count
        desk.acknowledge()
    assert len(desk.told) == 200, len(desk.told)


class Dealer:
    """Answers each request with these kinds."""

    def __init__(self, kinds):
        self.kinds, self.sent, self.answers = kinds, 0, []

    def send(self, header, _flags):
        self.sent += 1
        self.answers = [[msgpack.packb([1, kind, msgpack.unpackb(header)[2]])] for kind in self.kinds]

    def poll(self, timeout_ms):
        return bool(timeout_ms and self.answers)

    def recv_multipart(self):
        return self.answers.pop(0)

    def close(self):
        self.answers = None


def check_that_a_request_waits_for_its_time():
    clock, real, one = [1000.0], replay.time, replay.Replay()
    replay.time = types.SimpleNamespace(monotonic=lambda: clock[0])

    def asks(*kinds, request="FETCH"):
        one.dealer = dealer = Dealer(kinds)
        one.ask(request)
        return dealer.sent == 1

    def waits(seconds, *kinds):
        clock[0] += seconds - 0.5
        early = asks()
        clock[0] += 0.5
        return not early and asks(*kinds)

    assert asks("REFUSED") and waits(1, "REFUSED") and waits(1, "END"), "a second after a refusal"
    assert asks(), "at once after an answer"
    assert one.dealer is None, "a late answer would come to the next request"
    assert all(waits(seconds) for seconds in (1, 2, 4, 8, 10)), "twice as long each time"
    assert waits(10, "FETCHED", "END") and one.dealer and asks(), "anew after an answer"
    assert waits(1)
    clock[0] += 2
    assert asks("OPENED", request="OPEN") and waits(1, "END"), "a second after an OPEN of which nobody says that it was of use"
    replay.time = real
    refused = replay.Replay()
    refused.dealer = zmq.Context.instance().socket(zmq.DEALER)  # without a connection, as one is that was refused
    assert not refused.ask("OPEN") and not refused.dealer


def check_that_only_known_reasons_refuse():
    refused = []
    one = publisher.Publisher(["tcp://127.0.0.1:9"], refused=lambda *said: refused.append(said))
    one.batches = {seq: publisher.Batch([{"id": "r"}]) for seq in (1, 2, 3)}
    for seq, reason in ((1, "of a later version"), (2, "busy"), (3, "conflict")):
        one.answered([msgpack.packb([1, "NACK", one.producer, one.epoch, seq, reason, 0])])
    assert refused == [(3, 1, "conflict")], refused
    assert list(one.batches) == [1, 2], list(one.batches)
    one.socket.close()


def check_that_a_failed_handshake_is_no_return(folder):
    """One publisher stands; another lets nobody in at first, and then does."""
    context = zmq.Context.instance()
    standing, late = context.socket(zmq.XPUB), context.socket(zmq.XPUB)
    standing.bind(f"ipc://{folder}/standing")
    stranger = socket.socket(socket.AF_UNIX)
    stranger.bind(f"{folder}/late")
    stranger.listen()
    stranger.settimeout(PATIENCE_S)
    sub = context.socket(zmq.SUB)
    sub.subscribe(b"")
    connections = curve.Connections(sub, [f"ipc://{folder}/{name}" for name in ("standing", "late")])
    assert standing.poll(PATIENCE_S * 1000)
    for _ in range(3):
        stranger.accept()[0].close()
        assert not connections.tend()
    stranger.close()
    os.unlink(f"{folder}/late")
    late.bind(f"ipc://{folder}/late")
    wait_until(lambda: late.poll(10) or sub.poll(10))  # a SUB that nobody asks does not subscribe again
    late.send(b"")
    wait_until(lambda: sub.poll(10))
    assert not connections.tend(), "it never stood"
    late.close()
    late = context.socket(zmq.XPUB)
    wait_until(lambda: binds(late, f"ipc://{folder}/late"))  # libzmq gives an endpoint up in a thread of its own
    wait_until(connections.tend)
    assert not connections.tend()
    connections.close()
    for one in (standing, late, sub):
        one.close(0)


def check_that_a_subscriber_that_is_gone_holds_up_nobody(folder):
    """libzmq's thread waits for who reads its events, and is everybody's."""
    context = zmq.Context.instance()
    for number in range(20):
        endpoints = [f"ipc://{folder}/passing-{number}-{one}" for one in range(40)]
        standing = [context.socket(zmq.XPUB) for _ in endpoints]
        for one, endpoint in zip(standing, endpoints):
            one.bind(endpoint)
        passing = subscriber.Subscriber(endpoints, ["retry."], "desk", print, print)
        assert all(one.poll(PATIENCE_S * 1000) for one in standing), f"nobody subscribed any more after {number}"
        for one in standing:  # some of their ends are heard of before that of the subscriber, and some after
            one.close(0)
        del passing


def wait_until(done):
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline


def binds(publisher_socket, endpoint):
    try:
        publisher_socket.bind(endpoint)
        return True
    except zmq.ZMQError:
        return False


def check_that_a_worker_without_a_journal_is_told_of(paytriage, folder):
    """It starts anew, under another id: nothing but the connection tells that something may be lost."""
    worker = Worker(paytriage, folder, "--journal", "none")
    collector = Collector(folder)
    collector.step_until(worker, lambda: collector.bus.sources, acknowledge=True)
    worker.kill()
    assert not collector.reports, collector.reports
    worker.start()
    collector.step_until(worker, lambda: collector.reports, acknowledge=True)
    assert set(collector.reports) == {curve.RETURNED}, collector.reports
    for first in range(0, 10 * RESPONSES, 10):  # it is heard again, from when its queues are subscribed to
        assert Publishing(folder, first, 10).finish(worker) == "accepted 10"
        collector.bus.step(50)
        if collector.ids:
            break
    assert collector.ids
    worker.kill()


def main(paytriage, folder):
    check_that_a_failed_handshake_is_no_return(folder)
    check_that_a_subscriber_that_is_gone_holds_up_nobody(folder)
    check_that_a_worker_without_a_journal_is_told_of(paytriage, folder)
    check_that_a_request_waits_for_its_time()
    check_that_only_known_reasons_refuse()
    check_that_all_busy_topics_are_acknowledged()
    for client in (publisher, subscriber, replay):  # short enough to be read before it is copied
        assert len(pathlib.Path(client.__file__).read_text().splitlines()) <= 150, client.__file__
    worker = Worker(paytriage, folder)

    def gets(collector, done, acknowledge=True):
        collector.step_until(worker, done, acknowledge)

    #  What is published while nobody listens is there when the name is first used.
    assert Publishing(folder, 0, RESPONSES).finish(worker) == f"accepted {RESPONSES}"
    first = Collector(folder)
    gets(first, lambda: len(first.ids) >= RESPONSES // 2, acknowledge=False)

    #  It died before it acknowledged anything, and then the worker does.
    worker.kill()
    worker.start()
    second = Collector(folder)
    gets(second, lambda: len(second.ids) == RESPONSES)

    #  The worker dies while a publisher sends; the subscriber stays.
    publishing = Publishing(folder, RESPONSES, RESPONSES)
    gets(second, lambda: len(second.ids) > RESPONSES)
    worker.kill()
    worker.start()
    assert publishing.finish(worker) == f"accepted {RESPONSES}"
    gets(second, lambda: len(second.ids) == 2 * RESPONSES)
    assert set(second.ids) == {f"r{number}" for number in range(2 * RESPONSES)}
    assert max(second.ids.values()) == 1, second.ids.most_common(3)

    #  All of it is acknowledged: the name goes on behind it.
    sources = second.bus.sources.values()
    gets(second, lambda: all(stream.acked == stream.head for source in sources
                             for stream in source.streams.values() if source.state == subscriber.OPENED))
    third = Collector(folder)
    Publishing(folder, 2 * RESPONSES, 1).finish(worker)
    gets(third, lambda: third.ids)
    assert list(third.ids) == [f"r{2 * RESPONSES}"], third.ids
    reports = [report for one in (first, second, third) for report in one.reports
               if "LOST" in report or report == curve.RETURNED]
    assert not reports, reports
    print(f"{2 * RESPONSES + 1} responses, each delivered once to its name")


def main_or_show(paytriage, folder):
    try:
        main(paytriage, folder)
    except BaseException:
        print(f"--- disk: {shutil.disk_usage(folder)}, load: {os.getloadavg()}", file=sys.stderr)
        for process in Process.started:
            process.show()
        raise
    finally:
        for process in Process.started:
            process.kill()


if __name__ == "__main__":
    #  A commit is as slow as the disk's flush, which may be minutes after much was written; memory is not.
    memory = next((folder for folder in ("/dev/shm",) if os.access(folder, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix="paytriage-test-", dir=memory) as temporary:
        main_or_show(sys.argv[1], temporary)
