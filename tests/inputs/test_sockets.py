"""Bad input on every socket that listens: each case gets the answer that PROTOCOL.md gives it, or none; the process goes
on, its memory stays, and a producer and a subscriber beside it are served.
"""

import itertools
import os
import pathlib
import socket
import sys
import tempfile
import time
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

try:
    import msgpack
    import zmq
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(support.SKIPPED)

import hostile  # noqa: E402

EPOCH = 3
HALF_OPEN = 1000
GROWTH_KIB = 64 << 10  # what is in flight on all sockets together may take; measured: below a quarter of it
RESPONSE = {"id": "r", "provider": "opn", "operation": "charge", "http_status": 200, "attempt": 1, "reference": "ref",
            "body": {"object": "charge", "status": "failed", "failure_code": "insufficient_fund"}}
#  What is left of these is no response; what the others make may be one that says something else.
NEVER_SOUND = {"trailing bytes", "truncated", "duplicate keys", "reserved byte", "too deep", "huge array", "huge map",
               "huge str", "huge bin", "huge ext"}
REASONS = {"busy", "too_big", "bad_crc", "bad_format", "window", "conflict", "unauthorized"}


class Inputs(unittest.TestCase):
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.host = support.address()
        cls.daemon = support.Daemon("run", "--bind", cls.host, "--back", f"tcp://{cls.host}:5561", "--threads", "2",
                                    "--journal", f"{cls.folder.name}/journal", "--journal-size", "256M", "--http", "none")
        cls.addClassCleanup(cls.daemon.__exit__)
        cls.context = zmq.Context()
        cls.addClassCleanup(cls.context.destroy, 0)
        cls.subscriber = cls.context.socket(zmq.SUB)
        cls.subscriber.rcvhwm = 0
        cls.subscriber.subscribe("dead_letter.")
        cls.subscriber.connect(f"tcp://{cls.host}:5571")
        cls.decided = {}  # by producer
        cls.neighbour = cls.connect(5560)
        cls.seq = 0
        cls.probe()
        for _ in range(2000):  # so that buffers have the size that they keep
            cls.neighbour.send(msgpack.packb(RESPONSE))
            cls.neighbour.recv()
        cls.kib = cls.resident()

    @classmethod
    def connect(cls, port):
        dealer = cls.context.socket(zmq.DEALER)
        dealer.linger, dealer.sndhwm, dealer.rcvhwm = 0, 0, 0
        dealer.connect(f"tcp://{cls.host}:{port}")
        return dealer

    @classmethod
    def resident(cls):
        text = pathlib.Path(f"/proc/{cls.daemon.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    @classmethod
    def hear(cls, timeout_ms):
        """Take one message of the subscriber; False when there is none in time."""
        if not cls.subscriber.poll(timeout_ms):
            return False
        _, header, *payload = cls.subscriber.recv_multipart()
        if msgpack.unpackb(header)[1] == "DECISIONS":
            for decision in msgpack.unpackb(payload[0], strict_map_key=False):
                cls.decided.setdefault(decision["producer"], []).append(decision)
        return True

    @classmethod
    def probe(cls):
        """A sound batch of the neighbour is acknowledged, and its decision arrives. It sends again, as producers do."""
        cls.seq += 1
        name = f"probe-{cls.seq}"
        payload = msgpack.packb([msgpack.packb({**RESPONSE, "id": name})])
        header = msgpack.packb([1, "BATCH", "00000000000000ff", EPOCH, cls.seq, cls.seq, zlib.crc32(payload), 1])
        acked = heard = False
        while not (acked and heard):
            if not acked:
                cls.neighbour.send_multipart([header, payload])
            while not acked and cls.neighbour.poll(500):
                answer = msgpack.unpackb(cls.neighbour.recv())
                acked = answer[1] == "ACK" and answer[4:] == [[[cls.seq, cls.seq]]]
            #  The first one may come before the subscription does.
            heard = cls.seq == 1 or any(each["id"] == name for each in cls.decided.get("00000000000000ff", []))
            heard or cls.hear(500)

    def tearDown(self):
        self.probe()
        self.assertIsNone(self.daemon.process.poll(), "it ended")
        if not os.environ.get("PAYTRIAGE_SANITIZED"):
            self.assertLess(self.resident(), self.kib + GROWTH_KIB)

    def answer(self, dealer):
        """The next one. An empty first frame is what a REQ sends: then the answer has its delimiter too."""
        self.assertTrue(dealer.poll(support.PATIENCE_S * 1000), "no answer")
        return msgpack.unpackb(dealer.recv_multipart()[-1])

    def ask(self, dealer, frames):
        """The answer; a busy worker is asked again, as producers do."""
        while True:
            dealer.send_multipart(frames)
            answer = self.answer(dealer)
            if answer[1] != "NACK" or answer[5] != "busy":
                return answer

    def serve(self, dealer):
        """Whatever else was sent on this connection, a sound batch is taken, sent again as producers do."""
        producer, frames = self.batch(msgpack.packb([msgpack.packb(RESPONSE)]))
        while True:
            dealer.send_multipart(frames)
            while dealer.poll(5000):
                answer = self.answer(dealer)
                if answer[1:3] == ["ACK", producer]:
                    return
                self.assertTrue(answer[1] == "ACK" or answer[5] in REASONS, answer)
                #  It may have been said to one of the others, which nobody sends again.
                if answer[1] == "NACK" and answer[5] == "busy":
                    break

    def batch(self, payload, count=1, crc=None, seq=1, floor=1):
        """Header and payload of a producer that nobody else is."""
        producer = f"{next(self.numbers) + (1 << 32):016x}"
        crc = zlib.crc32(payload) if crc is None else crc
        return producer, [msgpack.packb([1, "BATCH", producer, EPOCH, seq, floor, crc, count]), payload]

    def test_items_that_are_no_response_become_dead_letters(self):
        dealer = self.connect(5560)
        for name, cases in hostile.values(RESPONSE, "body").items():
            with self.subTest(name):
                producers = []
                for item in cases:
                    producer, frames = self.batch(msgpack.packb([item]))
                    self.assertEqual(self.ask(dealer, frames), [1, "ACK", producer, EPOCH, [[1, 1]]], item)
                    producers.append(producer)
                if name in NEVER_SOUND:
                    while not all(producer in self.decided for producer in producers):
                        self.assertTrue(self.hear(support.PATIENCE_S * 1000))
                    for producer, item in zip(producers, cases):
                        decision, = self.decided[producer]
                        self.assertEqual((decision["match"], decision["raw"]), ("invalid", item[:4096]), name)
                        self.assertTrue(decision["error"] and decision["alert"]["active"])
                self.probe()
        dealer.close()

    def test_plain_frames_are_answered_whatever_they_are(self):
        dealer = self.connect(5560)
        for good in (RESPONSE, [RESPONSE, RESPONSE]):
            for name, cases in hostile.values(good, "body" if good is RESPONSE else 1).items():
                with self.subTest(name):
                    for frame in filter(None, cases):
                        version, kind, count = self.ask(dealer, [frame])
                        self.assertEqual((version, kind), (1, "ACK"), frame)
                        self.assertLessEqual(count, 4096)
        dealer.close()

    def test_headers_of_batches_are_refused_with_a_reason_or_not_answered(self):
        payload = msgpack.packb([msgpack.packb(RESPONSE)])
        _, (header, _) = self.batch(payload)
        for name, cases in hostile.values(msgpack.unpackb(header), 2).items():
            with self.subTest(name):
                dealer = self.connect(5560)
                for bent in cases:
                    dealer.send_multipart([bent, payload])
                self.serve(dealer)
                dealer.close()
                self.probe()

    def test_what_the_header_says_wrongly_has_its_reason(self):
        good = msgpack.packb(RESPONSE)
        payload = msgpack.packb([good])
        limit = msgpack.packb([b"\0" * ((1 << 20) - 6)])
        self.assertEqual(len(limit), 1 << 20)
        cases = []
        for number in range(hostile.CASES):
            cases += [("bad_crc", self.batch(payload, crc=zlib.crc32(payload) ^ (1 << number % 32))),
                      ("bad_format", self.batch(payload, count=2 + number)),
                      ("bad_format", self.batch(payload[:-1 - number])),
                      ("window", self.batch(payload, seq=1025 + number, floor=1 + number // 2)),
                      ("too_big", self.batch(payload, count=4097 + number))]
        cases += [(None, self.batch(limit)), ("too_big", self.batch(limit + b"\0"))]
        dealer = self.connect(5560)
        for reason, (producer, frames) in cases:
            answer = self.ask(dealer, frames)
            self.assertEqual(answer[1:3], ["NACK" if reason else "ACK", producer], reason)
            self.assertEqual(answer[5] if reason else None, reason)
        dealer.close()

    def test_other_bytes_under_a_number_are_a_conflict(self):
        dealer = self.connect(5560)
        for number in range(hostile.CASES):
            first, other = (msgpack.packb([msgpack.packb({**RESPONSE, "id": f"{side}{number}"})]) for side in "ab")
            producer, frames = self.batch(first)
            self.assertEqual(self.ask(dealer, frames)[1], "ACK")
            header = msgpack.packb([1, "BATCH", producer, EPOCH, 1, 1, zlib.crc32(other), 1])
            self.assertEqual(self.ask(dealer, [header, other])[5], "conflict")
        dealer.close()

    def test_messages_of_other_shapes_are_dropped(self):
        for port in (5560, 5561, 5574):
            dealer = self.connect(port)
            for number in range(hostile.CASES):
                for count in (1, 2, 3, 1000):
                    dealer.send_multipart([b"" if number % 2 else b"\xff" * number] * count)
            if port == 5560:
                self.serve(dealer)
            self.probe()
            dealer.close()

    def test_a_frame_over_the_limit_ends_its_connection_only(self):
        for port in (5560, 5561, 5574):
            for _ in range(5):
                dealer = self.connect(port)
                dealer.send(b"\0" * ((2 << 20) + 1))
                self.probe()
                dealer.close()

    def test_a_worker_that_lies_gets_nothing_from_the_others(self):
        good = [1, "READY", "00000000000000aa", 1, 0, 0]  # without room, so that no batch is owed to it
        for name, cases in hostile.values(good, 2).items():
            with self.subTest(name):
                dealer = self.connect(5561)
                for bent in cases:
                    dealer.send(bent)
                    dealer.send_multipart([bent, bent, bent])  # an answer to a client that is not there
                #  It is closed before it is asked, so what went to it, if it had room, is sent again.
                dealer.close()
                self.probe()

    def test_requests_for_replay_are_refused_or_not_answered(self):
        requests = ([1, "OPEN", 7, "tester", False, ["dead_letter."], ""], [1, "FETCH", 7, "dead_letter.opn.", 1, 1, 1000],
                    [1, "SUBACK", 7, "tester", 1, [["dead_letter.opn.", 1]]])
        for good in requests:
            for name, cases in hostile.values(good, 5).items():
                with self.subTest(f"{good[1]} {name}"):
                    dealer = self.connect(5574)
                    for bent in cases:
                        dealer.send(bent)
                    dealer.send(msgpack.packb([1, "OPEN", 999, "tester", False, ["dead_letter."], ""]))
                    answer = [None] * 3
                    while answer[1:3] != ["OPENED", 999]:
                        self.assertTrue(dealer.poll(support.PATIENCE_S * 1000), name)
                        answer = msgpack.unpackb(dealer.recv_multipart()[0], strict_map_key=False)
                    dealer.close()

    def test_subscriptions_of_any_length_are_taken(self):
        for port in (5570, 5571, 5572, 5573):
            subscriber = self.context.socket(zmq.SUB)
            subscriber.linger = 0
            subscriber.connect(f"tcp://{self.host}:{port}")
            for number in range(hostile.CASES):
                subscriber.subscribe(bytes([number]) * (number * number))
            self.probe()
            subscriber.close()

    def test_what_is_said_to_a_publisher_is_no_subscription(self):
        for port in (5570, 5571, 5572, 5573):
            speaker = self.context.socket(zmq.XSUB)
            speaker.linger, speaker.sndhwm = 0, 0
            speaker.connect(f"tcp://{self.host}:{port}")
            for name, cases in hostile.values(["retry.opn.", 1], 0).items():
                with self.subTest(f"{port}: {name}"):
                    for case in cases:
                        speaker.send(case)
                        speaker.send_multipart([b"\x01" + case[:300], case])
            speaker.send_multipart([b"\x01"] * 1000)
            self.probe()
            speaker.close()

    def test_orders_to_a_journal_are_refused_or_dropped(self):
        stranger = self.context.socket(zmq.DEALER)
        stranger.linger, stranger.sndhwm, stranger.rcvhwm = 0, 0, 0
        stranger.connect(f"ipc://{self.folder.name}/journal/control")
        for name, cases in hostile.texts(b"dead_letter.nobody. 18446744073709551615\nnobody\n").items():
            with self.subTest(name):
                for number, case in enumerate(cases):
                    stranger.send_multipart([b"", case, case])
                    for verb in (b"FORGET", b"DISCARD", b"DISCARD_UNREAD"):
                        stranger.send_multipart([b"", verb, case])
                    stranger.send_multipart([case] * (number % 5 + 1))
                self.probe()
        stranger.send_multipart([b""] * 1000)
        #  An order that is one is answered still, on this connection too; nothing was forgotten or dropped.
        while stranger.poll(0):
            self.assertIn(stranger.recv_multipart()[-1], (b"UNKNOWN", b"BUSY"))
        stranger.send_multipart([b"", b"FORGET", b"the last one"])
        answer = b"BUSY"
        while answer == b"BUSY":
            self.assertTrue(stranger.poll(support.PATIENCE_S * 1000))
            answer = stranger.recv_multipart()[-1]
        self.assertEqual(answer, b"UNKNOWN")
        stranger.close()

    def test_what_speaks_no_zmtp_is_cut_off(self):
        greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\0NULL" + b"\0" * 16 + b"\0" + b"\0" * 31
        cases = [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\0\x01", b"\0" * 64, greeting[:11], greeting + b"\xff" * 200]
        cases += [os.urandom(1 + 20 * number) for number in range(hostile.CASES - len(cases))]
        for port in (5560, 5561, 5570, 5571, 5572, 5573, 5574):
            for case in cases:
                with socket.create_connection((self.host, port)) as raw:
                    raw.sendall(case)
        self.probe()

    def test_a_thousand_that_connect_and_say_nothing_keep_nobody_out(self):
        before = len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))
        raws = [socket.create_connection((self.host, (5560, 5561, 5571, 5574)[n % 4])) for n in range(HALF_OPEN)]
        for raw in raws[:hostile.CASES]:  # a greeting, one byte and no more
            raw.sendall(b"\xff")
        self.probe()
        #  Each is cut off when its time for a handshake is over.
        for raw in raws:
            raw.settimeout(support.PATIENCE_S)
            try:
                while raw.recv(4096):
                    pass
            except ConnectionError:
                pass
            raw.close()
        self.probe()
        deadline = time.monotonic() + support.PATIENCE_S
        while len(os.listdir(f"/proc/{self.daemon.process.pid}/fd")) > before + 10:
            self.assertLess(time.monotonic(), deadline)
            self.probe()


if __name__ == "__main__":
    support.main()
