"""A worker that publishes and replays what a test wants, and a durable subscriber as a process in front of it. It knows what the
subscriber may say: proto/PROTOCOL.md, "Subscribers" and "Replay"."""
import json
import queue
import subprocess
import sys
import threading
import time
import zlib

import msgpack
import test_node
import zmq

PATIENCE_S = 120
LIVE, REPLAY = 1, 2
PYTHON = test_node.ROOT / "clients" / "python"
TEMPLATE = msgpack.unpackb((test_node.ROOT / "tests/vectors/decision/retry-resubmit.msgpack").read_bytes())
#  What tail.mjs is for Node.js.
PYTHON_TAIL = """
import json, sys
import subscriber
bus = subscriber.Subscriber(sys.argv[2:], ["retry.", "dead_letter."], sys.argv[1],
                            lambda topic, decision: print(json.dumps(decision), flush=True),
                            lambda text: print(text, file=sys.stderr, flush=True))
while True:
    bus.step(200)
    bus.acknowledge()
"""


def decision(name, **others):
    return {**TEMPLATE, "id": name, "producer": "00000000000000cc", "redriven": False, **others}


class Python:
    FOREIGN, BACK, HOLDS = "does not open worker", "went back", False  # HOLDS: what comes before a first HEAD
    NOTHING = "brings nothing of "  # said of a FETCH

    def __init__(self, paytriage, build):
        del paytriage, build
        self.folder = PYTHON

    def tail(self, endpoint):
        return [sys.executable, "-B", "-c", PYTHON_TAIL, "desk", endpoint]

    def lost(self, topic, first, last):
        return f"LOST {topic} {first} to {last}, from "


class Node(Python):
    def __init__(self, paytriage, build):
        del paytriage
        self.folder = build / "node-clients"
        test_node.install(self.folder)

    def tail(self, endpoint):
        return ["node", "tail.mjs", "desk", endpoint]


class C(Python):
    FOREIGN, BACK, HOLDS = "another worker answers", "went back", True
    NOTHING = None

    def __init__(self, paytriage, build):
        self.folder, self.paytriage = build, paytriage

    def tail(self, endpoint):
        return [self.paytriage, "tail", "--config", "none", "--durable", "desk", "--route", "retry,dead_letter",
                "--output", "jsonl", "--connect", endpoint]

    def lost(self, topic, first, last):
        return f"gap: {last - first + 1} decisions of {topic} were published and did not arrive"


class Tail:
    """The subscriber; the ids of what it prints, and its words."""

    def __init__(self, clients, endpoint):
        self.ids, self.words, self.lines = [], [], queue.Queue()
        self.process = subprocess.Popen(clients.tail(endpoint), cwd=clients.folder, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()
        threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True).start()

    def read(self):
        """What was printed by now."""
        while not self.lines.empty():
            self.ids.append(json.loads(self.lines.get())["id"])
        return self.ids

    def said(self, part):
        return any(part in word for word in self.words)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Topic:
    def __init__(self, decisions=(), retained=1, position=1):
        self.decisions, self.retained, self.position = list(decisions), retained, position

    @property
    def head(self):
        return 1 + len(self.decisions)


class Worker:
    """One epoch of one worker at one endpoint. `asked` holds what came, [kind, …]; what is in `instead`, by kind, answers the
    next request of that kind: a function that gets the request's values and gives messages, each a list of frames; what is in
    `usual` answers the others."""

    def __init__(self, folder, identity="00000000000000aa", epoch=1, journaled=True):
        self.endpoint, self.replay_endpoint = f"ipc://{folder}/pub", f"ipc://{folder}/replay" if journaled else ""
        self.id, self.epoch, self.page = identity, epoch, 64
        self.topics, self.asked, self.instead, self.subscriptions = {}, [], {}, set()
        self.usual = {"OPEN": self.open, "FETCH": self.fetch, "SUBACK": self.suback}
        self.pub, self.replay = zmq.Context.instance().socket(zmq.XPUB), zmq.Context.instance().socket(zmq.ROUTER)
        self.pub.linger = self.replay.linger = 0
        self.pub.bind(self.endpoint)
        if journaled:
            self.replay.bind(self.replay_endpoint)

    def close(self):
        self.pub.close()
        self.replay.close()

    #  What is published

    def message(self, topic, first, count, flags=0, crc32=None, decisions=None, head=None):
        payload = msgpack.packb(decisions or self.topics[topic].decisions[first - 1:first - 1 + count])
        crc32 = zlib.crc32(payload) if crc32 is None else crc32
        head = 0 if flags == LIVE else head or max(self.topics[topic].head if topic in self.topics else 1, first + count)
        header = [1, "DECISIONS", self.id, self.epoch, first, count, head, crc32, flags]
        return [topic.encode(), msgpack.packb(header), payload]

    def publish(self, topic, first, count=1, **changes):
        self.pub.send_multipart(self.message(topic, first, count, **changes))

    def tell(self, topic, head=None):
        """A HEAD."""
        of_topic = self.topics.get(topic, Topic())
        self.pub.send_multipart([topic.encode(), msgpack.packb([1, "HEAD", self.id, self.epoch, min(
            of_topic.retained, head or of_topic.head), head or of_topic.head, self.replay_endpoint])])

    def tell_as(self, identity, topic, head):
        """A HEAD of another worker, which has no journal."""
        self.pub.send_multipart([topic.encode(), msgpack.packb([1, "HEAD", identity, 1, head, head, ""])])

    def tell_all(self, queue_topic="retry."):
        """HEADS of all topics, whatever queue they are of."""
        lines = [[topic, of_topic.retained, of_topic.head] for topic, of_topic in self.topics.items()]
        self.pub.send_multipart([queue_topic.encode(), msgpack.packb([1, "HEADS", self.id, self.epoch, self.replay_endpoint, lines])])

    #  What is answered

    def open(self, request, name, durable, prefixes, after):
        assert (name, durable, sorted(prefixes)) == ("desk", True, ["dead_letter.", "retry."]), (name, durable, prefixes)
        names = sorted(topic for topic in self.topics if topic > after and topic.startswith(tuple(prefixes)))
        listed = [topic for topic in names if self.topics[topic].decisions]
        places = [[topic, self.topics[topic].retained, self.topics[topic].head, self.topics[topic].position]
                  for topic in listed[:self.page]]
        return [[msgpack.packb([1, "OPENED", request, self.id, self.epoch, places, len(listed) > self.page])]]

    def fetch(self, request, topic, epoch, start, max_bytes):
        assert max_bytes > 0
        of_topic = self.topics.get(topic, Topic())
        if epoch != self.epoch:
            return [[msgpack.packb([1, "BADEPOCH", request, self.epoch])]]
        if start < of_topic.retained:
            return [[msgpack.packb([1, "TRUNCATED", request, of_topic.retained])]]
        messages = [[msgpack.packb([1, "FETCHED", request]), *self.message(topic, seq, 1, flags=REPLAY)]
                    for seq in range(start, of_topic.head)]
        return [*messages, [msgpack.packb([1, "END", request, of_topic.head, of_topic.head])]]

    def suback(self, request, name, epoch, places):
        assert (name, epoch) == ("desk", self.epoch) and 1 <= len(places) <= 64, (name, epoch, places)
        for topic, seq in places:
            assert self.topics[topic].position <= seq <= self.topics[topic].head, (topic, seq)
            self.topics[topic].position = seq
        return [[msgpack.packb([1, "SUBACKED", request])]]

    def answer(self):
        self.client, header = self.replay.recv_multipart()
        version, kind, *values = msgpack.unpackb(header)
        assert version == 1
        self.asked.append([kind, *values[1:]])
        answers = self.instead.pop(kind, self.usual[kind])
        for frames in answers(*values):
            self.replay.send_multipart([self.client, *frames])

    def serve(self, tail, done):
        """Answer until it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline and tail.process.poll() is None, (tail.read(), tail.words, self.asked[-8:])
            if self.replay.poll(20):
                self.answer()
            if self.pub.poll(0):
                self.subscriptions.add(self.pub.recv())

    def count(self, kind):
        return sum(asked[0] == kind for asked in self.asked)

    #  What tests wait for

    def await_subscriber(self, tail):
        self.serve(tail, lambda: {b"\1retry.", b"\1dead_letter."} <= self.subscriptions)

    def await_ids(self, tail, *ids):
        """Just these were printed, in this order."""
        self.serve(tail, lambda: len(tail.read()) >= len(ids))
        assert tail.ids == list(ids), (tail.ids, tail.words)

    def await_word(self, tail, part):
        self.serve(tail, lambda: tail.said(part))

    def await_positions(self, tail):
        """All is acknowledged."""
        self.serve(tail, lambda: all(topic.position == topic.head for topic in self.topics.values()))
        assert tail.process.poll() is None
