"""Bad batches and bad plain requests at a front: each has its designed answer, and neighbours are served on."""

import contextlib
import itertools
import pathlib
import random
import socket
import struct
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support

try:
    import msgpack
    import zmq
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(support.SKIPPED)

CASES = 50
EPOCH = 5
WINDOW = 1024
PRODUCER = "00000000000000aa"
GROWTH_KIB = 256 * 1024  # of resident memory, also with a sanitizer; one bomb that is believed takes gigabytes
GOOD = msgpack.packb({"id": "good", "provider": "nobody", "http_status": 503})
HUGE = {"array": b"\xdd", "map": b"\xdf", "str": b"\xdb", "bin": b"\xc6", "ext": b"\xc9"}


def huge(kind):
    def item(rng):
        length = struct.pack(">I", rng.randrange(1 << 20, 1 << 32))
        return HUGE[kind] + length + rng.randbytes(rng.randrange(8))
    return item


def deep(levels):
    return lambda rng: b"\x81\xa4body" + rng.choice((b"\x91", b"\x81\xa1k")) * levels + b"\xc0"


def with_pair(key, values):
    return lambda rng: b"\x82\xa8provider\xa3opn" + msgpack.packb(key) + rng.choice(values)


# What stands in the place of a response. Each is no response: a dead letter with match `invalid`.
ITEMS = {
    **{f"huge {kind}": huge(kind) for kind in HUGE},
    "depth 33": deep(33),
    "depth 10,000": deep(10000),
    "trailing bytes": lambda rng: GOOD + rng.randbytes(rng.randrange(1, 9)),
    "truncated": lambda rng: GOOD[:rng.randrange(len(GOOD))],
    "duplicate key": lambda rng: b"\x82" + b"\xa8provider\xa3opn" * 2,
    "bad UTF-8": with_pair("id", [b"\xa2\xc3\x28", b"\xa1\xff", b"\xa3\xed\xa0\x80", b"\xa2\xc0\xaf"]),
    "wrong types": with_pair("http_status", [b"\xa3two", b"\xc3", b"\x90", b"\x80", b"\xc4\x01a"]),
    "integer extremes": with_pair("http_status", [b"\xcf" + b"\xff" * 8, b"\xd3\x80" + bytes(7), b"\x00", b"\xff"]),
    "NaN and infinity": with_pair("attempt", [msgpack.packb(float(word)) for word in ("nan", "inf", "-inf")]),
}


def header(**bent):
    fields = {"version": 1, "kind": "BATCH", "producer": PRODUCER, "epoch": EPOCH, "seq": 1, "floor": 1, "crc": None,
              "count": 1, **bent}
    return list(fields.values())


# What is bent in a header, and the reason of the answer; None: nothing is answered.
HEADERS = {
    "wrong version": (lambda rng: {"version": rng.choice((0, 2, 255, -1))}, None),
    "wrong kind": (lambda rng: {"kind": rng.choice(("", "batch", "ACK", 7, "READY"))}, None),
    "wrong CRC": (lambda rng: {"crc": rng.randrange(1 << 31)}, "bad_crc"),
    "seq at floor + window": (lambda rng: {"seq": 1 + WINDOW + rng.randrange(1000)}, "window"),
    "count differs": (lambda rng: {"count": rng.randrange(2, 4097)}, "bad_format"),
    "count above the limit": (lambda rng: {"count": rng.randrange(4097, 1 << 31)}, "too_big"),
}


class Front(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.context = zmq.Context()
        cls.addClassCleanup(cls.context.term)
        cls.bus = support.Bus()
        cls.addClassCleanup(cls.bus.__exit__)
        cls.numbers = itertools.count(1)
        cls.good = cls.open(zmq.REQ)
        cls.dead = cls.context.socket(zmq.SUB)
        cls.dead.linger = 0
        cls.dead.rcvhwm = 0
        cls.dead.subscribe(b"dead_letter.")
        cls.dead.connect(cls.bus.queues["dead_letter"])
        cls.addClassCleanup(cls.dead.close)
        cls.addClassCleanup(cls.good.close)
        while not cls.dead.poll(100):
            cls.probe("warm")

    @classmethod
    def open(cls, kind):
        peer = cls.context.socket(kind)
        peer.linger = 0
        peer.connect(cls.bus.front)
        return peer

    @classmethod
    def probe(cls, name):
        cls.good.send(msgpack.packb({"id": name, "provider": "nobody", "http_status": 400}))
        assert msgpack.unpackb(cls.good.recv()) == [1, "ACK", 1]

    def decisions_until(self, name):
        """What the dead letters of others are, up to the neighbour's `name`."""
        found = []
        while True:
            frames = self.dead.recv_multipart()
            for decision in msgpack.unpackb(frames[2]) if len(frames) == 3 else []:
                if decision["id"] == name:
                    return found
                found.append(decision)

    def assert_served(self):
        """A neighbour's request is acknowledged and its decision received; what else came meanwhile."""
        name = f"probe-{next(self.numbers)}"
        self.probe(name)
        return self.decisions_until(name)

    def resident(self):
        sizes = []
        for daemon in (self.bus.broker, self.bus.worker):
            self.assertIsNone(daemon.process.poll(), "a daemon ended")
            status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
            sizes.append(int(status.split("VmRSS:")[1].split()[0]))
        return sum(sizes)

    def assert_flat(self, before):
        self.assertLess(self.resident() - before, GROWTH_KIB)

    def test_items_that_are_no_response_are_dead_letters(self):
        before = self.resident()
        for number, (name, make) in enumerate(ITEMS.items(), 1):
            with self.subTest(name), self.open(zmq.DEALER) as peer:
                rng = random.Random(name)
                items = [make(rng) for _ in range(CASES)]
                payload = msgpack.packb(items)
                head = header(producer=f"{number:016x}", crc=zlib.crc32(payload), count=CASES)
                peer.send_multipart([msgpack.packb(head), payload])
                self.assertEqual(msgpack.unpackb(peer.recv()), [1, "ACK", head[2], EPOCH, [[1, 1]]])
                found = [each for each in self.assert_served() if each["producer"] == head[2]]
                self.assertEqual([each["match"] for each in found], ["invalid"] * CASES)
        self.assert_flat(before)

    def test_plain_requests_that_are_no_response_are_dead_letters(self):
        before = self.resident()
        for name, make in ITEMS.items():
            with self.subTest(name), self.open(zmq.REQ) as peer:
                rng = random.Random(name)
                for _ in range(CASES):
                    peer.send(make(rng))
                    self.assertEqual(msgpack.unpackb(peer.recv()), [1, "ACK", 1])
                found = [each for each in self.assert_served() if each["producer"] == ""]
                matches = [each["match"] for each in found if each["id"] != "warm"]
                self.assertEqual(matches, ["invalid"] * CASES)
        self.assert_flat(before)

    def test_headers_against_the_grammar_have_their_reasons(self):
        before = self.resident()
        payload = msgpack.packb([GOOD])
        for name, (bend, reason) in HEADERS.items():
            with self.subTest(name), self.open(zmq.DEALER) as peer:
                rng = random.Random(name)
                for _ in range(CASES):
                    head = header(**{"crc": zlib.crc32(payload), **bend(rng)})
                    peer.send_multipart([msgpack.packb(head), payload])
                    if reason:
                        self.assertEqual(msgpack.unpackb(peer.recv())[:6], [1, "NACK", PRODUCER, EPOCH, head[4], reason])
                self.assert_served()
                self.assertFalse(peer.poll(0))
        self.assert_flat(before)

    def test_messages_of_too_few_and_too_many_frames_are_not_answered(self):
        before = self.resident()
        for count in (3, 5, 1000):
            with self.subTest(count), self.open(zmq.DEALER) as peer:
                for _ in range(CASES):
                    peer.send_multipart([b"x"] * count)
                self.assert_served()
                self.assertFalse(peer.poll(0))
        self.assert_flat(before)

    def test_garbage_in_the_place_of_a_handshake_hurts_nobody(self):
        before = self.resident()
        rng = random.Random("handshake")
        greeting = b"\xff" + bytes(8) + b"\x7f\x03"
        endpoints = [self.bus.front, self.bus.back, *self.bus.queues.values()]
        with contextlib.ExitStack() as stack:
            for endpoint, _ in itertools.product(endpoints, range(CASES)):
                raw = stack.enter_context(socket.socket(socket.AF_UNIX))
                raw.connect(endpoint.removeprefix("ipc://"))
                raw.sendall(rng.choice((b"", greeting)) + rng.randbytes(rng.randrange(100)))
            self.assert_served()
        self.assert_served()
        self.assert_flat(before)


if __name__ == "__main__":
    support.main()
