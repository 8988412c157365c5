"""Producers and subscribers written from PROTOCOL.md alone, with pyzmq and msgpack, against the real processes."""

import itertools
import sys
import unittest
import zlib

import support

try:
    import msgpack
    import zmq
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(support.SKIPPED)

EPOCH = 5
LIVE = 1


def response(name, code="insufficient_fund"):
    return {"id": name, "provider": "opn", "http_status": 200,
            "body": {"object": "charge", "status": "failed", "failure_code": code}}


class Producer:
    """A DEALER that numbers its batches; what is sent under a seq can be sent again or bent."""

    def __init__(self, context, front, producer):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(front)
        self.producer = producer

    def send(self, seq, responses, floor=None, **bent):
        payload = bent.get("payload", msgpack.packb([msgpack.packb(each) for each in responses]))
        header = [1, "BATCH", self.producer, EPOCH, seq, floor or seq, bent.get("crc", zlib.crc32(payload)),
                  bent.get("count", len(responses))]
        self.socket.send_multipart([msgpack.packb(header), payload])

    def answer(self):
        frames = self.socket.recv_multipart()
        assert len(frames) == 1, frames
        return msgpack.unpackb(frames[0])

    def ask(self, *args, **bent):
        self.send(*args, **bent)
        return self.answer()

    def ack(self, first, last=None):
        return [1, "ACK", self.producer, EPOCH, [[first, last or first]]]

    def nack(self, seq, reason):
        return [1, "NACK", self.producer, EPOCH, seq, reason]


class Subscriber:
    """Every queue; checks what the protocol says of each message while it is read."""

    def __init__(self, context, queues):
        self.sockets = {}
        self.poller = zmq.Poller()
        for name, endpoint in queues.items():
            socket = context.socket(zmq.SUB)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVHWM, 0)
            socket.subscribe(f"{name}.")
            socket.connect(endpoint)
            self.poller.register(socket, zmq.POLLIN)
            self.sockets[socket] = name
        self.workers = set()
        self.positions = {}  # topic -> the next number; only after a HEAD or DECISIONS
        self.heads = set()   # topics whose HEAD came behind their last DECISIONS

    def close(self):
        for socket in self.sockets:
            socket.close()

    def read(self, timeout_ms=None):
        """(queue, topic, decision) of what waits, after at most `timeout_ms`."""
        decisions = []
        for socket, _ in self.poller.poll(timeout_ms):
            queue = self.sockets[socket]
            topic, header, *payload = socket.recv_multipart()
            topic, header = topic.decode(), msgpack.unpackb(header)
            assert topic.startswith(queue + "."), topic
            assert header[0] == 1, header
            self.workers.add((header[2], header[3]))
            take = {"DECISIONS": self._take_decisions, "HEAD": self._take_head, "HEADS": self._take_heads}[header[1]]
            decisions += [(queue, topic, decision) for decision in take(queue, topic, header, payload)]
        return decisions

    def _take_decisions(self, queue, topic, header, payload):
        _, _, worker, epoch, first, count, head, crc, flags = header
        assert len(payload) == 1 and len(payload[0]) <= 1 << 20
        assert zlib.crc32(payload[0]) == crc
        decisions = msgpack.unpackb(payload[0])
        assert len(decisions) == count > 0
        if queue == "settled":
            assert (first, head, flags) == (0, 0, LIVE), header
            return decisions
        assert flags == 0, header
        assert first == self.positions.get(topic, first), f"{topic}: {first} after {self.positions[topic]}"
        assert head >= first + count
        self.positions[topic] = first + count
        self.heads.discard(topic)
        return decisions

    def _take_head(self, queue, topic, header, payload):
        _, _, _, _, retained, head, replay = header
        assert queue != "settled" and not payload
        assert (retained, replay) == (head, ""), "nothing can be fetched from a worker without a journal"
        assert self.positions.setdefault(topic, head) == head, f"{topic}: HEAD {head}, not {self.positions[topic]}"
        self.heads.add(topic)
        return []

    def _take_heads(self, queue, topic, header, payload):
        _, _, _, _, replay, lines = header
        assert topic == queue + "." and not payload and replay == ""
        for name, retained, head in lines:
            assert retained == head == self.positions.setdefault(name, head), name
            self.heads.add(name)
        return []


class Bus(unittest.TestCase):
    numbers = itertools.count(0xa0)

    @classmethod
    def setUpClass(cls):
        cls.context = zmq.Context()
        cls.bus = support.Bus()
        cls.addClassCleanup(cls.bus.__exit__)
        cls.addClassCleanup(cls.context.term)
        cls.subscriber = Subscriber(cls.context, cls.bus.queues)
        cls.addClassCleanup(cls.subscriber.close)
        warm = Producer(cls.context, cls.bus.front, "0000000000000001")
        deaf, seq = set(support.QUEUES), 0
        while deaf:
            seq += 1
            assert warm.ask(seq, [{"id": "warm", **each} for each in support.WARM_UP.values()]) == warm.ack(seq)
            deaf -= {queue for queue, _, _ in cls.subscriber.read(100)}
        warm.socket.close()

    def setUp(self):
        self.producer = Producer(self.context, self.bus.front, f"{next(self.numbers):016x}")
        self.addCleanup(self.producer.socket.close)

    def decisions_until(self, name):
        """Decisions of this test's producer, up to the last copy of the one named `name`."""
        decisions, ended = [], set()
        while ended != {"retry", "dead_letter", "operator_alert"}:
            for queue, topic, decision in self.subscriber.read():
                if decision["id"] == name:
                    ended.add(queue)
                elif decision["id"] != "warm":
                    decisions.append((queue, topic, decision))
        return decisions

    def end(self, seq):
        """Publish something on every queue with numbers, which stands behind all that came before."""
        name = f"end-{self.producer.producer}"
        ends = [{"id": name, "provider": "nobody", "http_status": status} for status in (503, 400)]
        self.assertEqual(self.producer.ask(seq, ends), self.producer.ack(seq))
        return self.decisions_until(name)

    def test_every_response_of_the_sample_is_counted_back(self):
        responses = support.sample()
        batches = [responses[at:at + 40] for at in range(0, len(responses), 40)]
        for seq, batch in enumerate(batches, 1):
            self.producer.send(seq, batch, floor=1)
        acked = set()
        while len(acked) < len(batches):
            version, kind, producer, epoch, ranges = self.producer.answer()
            self.assertEqual((version, kind, producer, epoch), (1, "ACK", self.producer.producer, EPOCH))
            for first, last in ranges:
                numbers = set(range(first, last + 1))
                self.assertFalse(acked & numbers)
                acked |= numbers
        missing = {each["id"] for each in responses}
        alerts, copies = set(), set()
        while missing or alerts != copies:
            for queue, topic, decision in self.subscriber.read():
                if decision["id"] == "warm":
                    continue
                self.assertEqual(topic, f"{queue}.{decision['provider']}.")
                self.assertEqual((decision["producer"], decision["redriven"]), (self.producer.producer, False))
                if queue == "operator_alert":
                    self.assertNotIn(decision["id"], copies)
                    copies.add(decision["id"])
                    continue
                self.assertEqual(queue, decision["route"])
                missing.remove(decision["id"])
                if decision.get("alert", {}).get("active"):
                    alerts.add(decision["id"])
        self.assertEqual(len(self.subscriber.workers), 1)

    def test_head_follows_the_decisions_of_each_topic(self):
        self.producer.ask(1, [response("head-1"), response("head-2")])
        self.end(2)
        while not {"dead_letter.opn.", "retry.-.", "dead_letter.-.", "operator_alert.-."} <= self.subscriber.heads:
            self.subscriber.read()

    def test_decisions_have_the_integers_of_the_smallest_form(self):
        self.producer.ask(1, [{"id": "small", "provider": "nobody", "http_status": 404}])
        decision = next(decision for _, _, decision in self.end(2) if decision["id"] == "small")
        self.assertEqual(list(decision)[:4], ["id", "attempt", "provider", "http_status"])
        self.assertEqual(decision["attempt"], 1)

    def test_a_batch_that_is_sent_again_is_acknowledged_and_decided_once(self):
        for _ in range(3):
            self.assertEqual(self.producer.ask(1, [response("again")]), self.producer.ack(1))
        names = [(queue, decision["id"]) for queue, _, decision in self.end(2)]
        self.assertEqual(names, [("dead_letter", "again")])

    def test_other_bytes_under_a_finished_number_are_a_conflict(self):
        self.assertEqual(self.producer.ask(1, [response("first")]), self.producer.ack(1))
        self.assertEqual(self.producer.ask(1, [response("other")])[:6], self.producer.nack(1, "conflict"))
        self.assertEqual([decision["id"] for _, _, decision in self.end(2)], ["first"])

    def test_a_wrong_checksum_is_refused_and_may_come_again(self):
        self.assertEqual(self.producer.ask(1, [response("bent")], crc=1)[:6], self.producer.nack(1, "bad_crc"))
        self.assertEqual(self.producer.ask(1, [response("bent")]), self.producer.ack(1))
        self.assertEqual([decision["id"] for _, _, decision in self.end(2)], ["bent"])

    def test_payloads_against_the_grammar_are_refused(self):
        good = msgpack.packb(response("never"))
        cases = [(msgpack.packb([good]), 2), (msgpack.packb([good, good]), 1), (msgpack.packb({"a": 1}), 1),
                 (msgpack.packb([response("never")]), 1), (msgpack.packb([good]) + b"\xc0", 1), (b"", 1),
                 (b"\xdd\xff\xff\xff\xff", 1), (msgpack.packb([good])[:-1], 1)]
        for payload, count in cases:
            answer = self.producer.ask(1, [], payload=payload, count=count)
            self.assertEqual(answer[:6], self.producer.nack(1, "bad_format"), payload)
        self.assertEqual(self.end(1), [])

    def test_limits_have_their_reasons(self):
        large = msgpack.packb([b"x" * (1 << 20)])
        self.assertEqual(self.producer.ask(1, [], payload=large, count=1)[:6], self.producer.nack(1, "too_big"))
        self.assertEqual(self.producer.ask(1, [response("many")], count=4097)[:6], self.producer.nack(1, "too_big"))
        self.assertEqual(self.producer.ask(1025, [response("far")], floor=1)[:6], self.producer.nack(1025, "window"))
        self.assertEqual(self.end(1), [])

    def test_a_straggler_below_the_floor_is_only_acknowledged(self):
        self.assertEqual(self.producer.ask(7, [response("seven")], floor=7), self.producer.ack(7))
        self.assertEqual(self.producer.ask(3, [response("three")], floor=3), self.producer.ack(3))
        self.assertEqual([decision["id"] for _, _, decision in self.end(8)], ["seven"])

    def test_items_that_are_no_response_are_dead_letters_among_the_others(self):
        payload = msgpack.packb([b"", b"\xc1", msgpack.packb(7), msgpack.packb(response("good"))])
        self.assertEqual(self.producer.ask(1, [], payload=payload, count=4), self.producer.ack(1))
        decisions = {decision["id"]: decision for queue, _, decision in self.end(2) if queue == "dead_letter"}
        places = [f"{self.producer.producer}/{EPOCH}/1/{index}" for index in range(3)]
        self.assertEqual(set(decisions), {*places, "good"})
        self.assertEqual([decisions[place]["match"] for place in places], ["invalid"] * 3)
        self.assertEqual([decisions[place]["raw"] for place in places], [b"", b"\xc1", b"\x07"])

    def test_plain_clients_get_a_count(self):
        request = self.context.socket(zmq.REQ)
        request.setsockopt(zmq.LINGER, 0)
        request.connect(self.bus.front)
        items = [response("plain-1"), msgpack.packb(response("plain-2"))]
        for frame, count in ((msgpack.packb(response("plain-0")), 1), (msgpack.packb(items), 2),
                             (msgpack.packb([]), 0), (b"\xc1 no msgpack", 1)):
            request.send(frame)
            self.assertEqual(msgpack.unpackb(request.recv()), [1, "ACK", count])
        request.close()
        decisions = [decision for queue, _, decision in self.end(1) if queue == "dead_letter"]
        self.assertEqual([decision["id"] for decision in decisions[:3]], ["plain-0", "plain-1", "plain-2"])
        self.assertEqual((decisions[3]["match"], decisions[3]["raw"]), ("invalid", b"\xc1 no msgpack"))
        self.assertEqual({decision["producer"] for decision in decisions}, {""})

    def test_noise_is_not_answered_and_hurts_nobody(self):
        self.producer.socket.send_multipart([b"\xc1", b"\xff" * 100])
        self.producer.socket.send_multipart([b"a", b"b", b"c", b"d"])
        self.producer.socket.send_multipart([b""])
        self.assertEqual(self.end(1), [])


if __name__ == "__main__":
    support.main()
