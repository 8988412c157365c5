"""Peers that lie: a broker to `send`, a worker to `tail`, a stranger at the socket for orders. What is not sound counts
for nothing, memory stays, and the first sound word afterwards is heard.
"""

import json
import os
import pathlib
import sys
import tempfile
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

WORKER, EPOCH, TOPIC = "00000000000000bb", 9, b"dead_letter.opn."
GROWTH_KIB = 64 << 10
LINE = {"id": "r", "provider": "opn", "http_status": 200, "body": {"status": "failed"}}


def resident(process):
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0])


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)

    def bind(self, kind, name):
        socket = self.context.socket(kind)
        socket.linger, socket.sndhwm, socket.rcvhwm = 0, 0, 0
        socket.bind(f"ipc://{self.folder}/{name}")
        return socket

    def received(self, broker):
        """Who sent what: the next batch of the producer, sent again if it has to be."""
        self.assertTrue(broker.poll(support.PATIENCE_S * 1000), "the producer has gone silent")
        client, header, _ = broker.recv_multipart()
        return client, msgpack.unpackb(header)

    def test_a_producer_believes_no_answer_that_is_not_sound(self):
        broker = self.bind(zmq.ROUTER, "front")
        process = support.start("send", "--connect", f"ipc://{self.folder}/front", "-")
        process.stdin.write(json.dumps(LINE).encode() + b"\n")
        process.stdin.close()
        process.stdin = None
        client, (_, _, producer, epoch, seq, *_) = self.received(broker)
        before = resident(process)
        for good in ([1, "ACK", producer, epoch, [[seq, seq]]], [1, "NACK", producer, epoch, seq, "busy", 1]):
            for name, cases in hostile.values(good, 4).items():
                if good[1] == "NACK" and name == "integer extremes":
                    continue  # to come again in a month is an answer
                for bent in filter(None, cases):
                    broker.send_multipart([client, bent])
                    broker.send_multipart([client, bent, bent])
            #  It comes again: nothing of this was an acknowledgement.
            while broker.poll(0):
                self.received(broker)
            client, _ = self.received(broker)
        if not os.environ.get("PAYTRIAGE_SANITIZED"):
            self.assertLess(resident(process), before + GROWTH_KIB)
        broker.send_multipart([client, msgpack.packb([1, "ACK", producer, epoch, [[seq, seq]]])])
        _, words = process.communicate()
        self.assertEqual(process.returncode, 0, words)
        self.assertIn(b"accepted 1, refused 0", words)

    def message(self, decisions, worker=WORKER, first=1):
        """Header, as a list, and payload of DECISIONS."""
        payload = decisions if isinstance(decisions, bytes) else msgpack.packb(decisions)
        return [1, "DECISIONS", worker, EPOCH, first, 1, first + 1, zlib.crc32(payload), 0], payload

    def test_a_subscriber_goes_on_behind_what_is_not_sound(self):
        sound = json.loads(support.run("classify", "-", data=support.lines_of([LINE]))[1])
        sound |= {"producer": "00000000000000cc", "redriven": False, "id": "sound"}
        publisher = self.bind(zmq.XPUB, "pub")
        with support.Tail("--route", "dead_letter", "--connect", f"ipc://{self.folder}/pub") as tail:
            self.assertTrue(publisher.poll(support.PATIENCE_S * 1000))
            while publisher.recv() != b"\x01dead_letter.":
                pass
            before = resident(tail.process)
            header, payload = self.message([sound])
            for name, cases in hostile.values(header, 4).items():
                for bent in cases:
                    publisher.send_multipart([TOPIC, bent, payload])
            for number, (name, cases) in enumerate(hostile.values(sound, "params").items()):
                for at, bent in enumerate(cases):
                    items = b"\x91" + bent
                    publisher.send_multipart([TOPIC, msgpack.packb(self.message(items, f"{number * 100 + at:016x}")[0]),
                                              items])
            head = [1, "HEAD", WORKER, EPOCH, 1, 5, ""]
            for name, cases in hostile.values(head, 4).items():
                for bent in cases:
                    publisher.send_multipart([TOPIC, bent])
            for count in (1, 3, 1000):
                publisher.send_multipart([TOPIC] + [b"\xc1"] * count)
            header, payload = self.message([sound], "00000000000000dd")
            publisher.send_multipart([TOPIC, msgpack.packb(header), payload])
            heard = tail.get(support.PATIENCE_S)
            while heard.get("id") != "sound" or heard["producer"] != "00000000000000cc":
                heard = tail.get(support.PATIENCE_S)
            if not os.environ.get("PAYTRIAGE_SANITIZED"):
                self.assertLess(resident(tail.process), before + GROWTH_KIB)

    def test_a_subscriber_believes_no_replay_that_is_not_sound(self):
        sound = json.loads(support.run("classify", "-", data=support.lines_of([LINE]))[1])
        sound |= {"producer": "00000000000000cc", "redriven": False, "id": "sound"}
        publisher, replay = self.bind(zmq.XPUB, "pub"), self.bind(zmq.ROUTER, "replay")
        endpoint = f"ipc://{self.folder}/replay"
        head = msgpack.packb([1, "HEAD", WORKER, EPOCH, 1, 2, endpoint])
        topic = TOPIC.decode()
        items = msgpack.packb([sound])
        fetched = self.message([sound])[0]
        fetched[8] = 2  # what is fetched says so
        with support.Tail("--connect", f"ipc://{self.folder}/pub", "--durable", "x", "--route", "dead_letter") as tail:
            self.assertTrue(publisher.poll(support.PATIENCE_S * 1000))
            while publisher.recv() != b"\x01dead_letter.":
                pass
            publisher.send_multipart([TOPIC, head])
            client, asked = self.asked(replay, "OPEN", publisher, head)
            before = resident(tail.process)
            #  Until it hears a sound answer it asks again.
            for name, cases in hostile.values([1, "OPENED", asked[2], "00000000000000ee", EPOCH, [[topic, 1, 2, 1]], False],
                                              5).items():
                for bent in cases:
                    replay.send_multipart([client, bent])
                    replay.send_multipart([client] + [bent] * 3)
            replay.send_multipart([client] + [b"\x91"] * 1000)
            client, asked = self.asked(replay, "OPEN", publisher, head)
            opened = [1, "OPENED", asked[2], WORKER, EPOCH, [[topic, 1, 2, 1]], False]
            replay.send_multipart([client, msgpack.packb(opened)])
            client, asked = self.asked(replay, "FETCH", publisher, head)
            for name, cases in hostile.values(fetched, 4).items():
                for bent in cases:
                    replay.send_multipart([client, msgpack.packb([1, "FETCHED", asked[2]]), TOPIC, bent, items[:-1]])
            for name, cases in hostile.values([1, "END", asked[2] + 7, 2, 2], 3).items():
                for bent in cases:
                    replay.send_multipart([client, bent])
            client, asked = self.asked(replay, "FETCH", publisher, head)
            replay.send_multipart([client, msgpack.packb([1, "FETCHED", asked[2]]), TOPIC, msgpack.packb(fetched), items])
            replay.send_multipart([client, msgpack.packb([1, "END", asked[2], 2, 2])])
            self.assertEqual(tail.get(support.PATIENCE_S)["id"], "sound")
            if not os.environ.get("PAYTRIAGE_SANITIZED"):
                self.assertLess(resident(tail.process), before + GROWTH_KIB)

    def asked(self, replay, kind, publisher, head):
        """Who asks, and for what: the next request of a kind that comes; HEADs go on meanwhile."""
        while True:
            publisher.send_multipart([TOPIC, head])
            while replay.poll(200):
                client, request = replay.recv_multipart()
                request = msgpack.unpackb(request)
                if request[1] == kind:
                    while replay.poll(0):
                        client, request = replay.recv_multipart()
                        request = msgpack.unpackb(request)
                    return client, request

    def test_orders_that_are_none_are_refused_or_dropped(self):
        control = f"ipc://{self.folder}/control"
        options = [f"--{name.replace('_', '-')}=ipc://{self.folder}/{name}" for name in ("front", *support.QUEUES)]
        with support.Daemon("run", *options, "--http", "none", "--control", control) as daemon:
            stranger = self.context.socket(zmq.DEALER)
            stranger.linger, stranger.sndhwm = 0, 0
            stranger.connect(control)
            before = resident(daemon.process)
            for name, cases in hostile.texts(b"STATUS\nRELOAD\nLOGLEVEL debug\n").items():
                for number, case in enumerate(cases):
                    stranger.send_multipart([b"", case])
                    stranger.send_multipart([b"", b"LOGLEVEL", case])
                    stranger.send_multipart([case] * (number % 5 + 1))
            stranger.send_multipart([b""] * 1000)
            code, out, words = support.run("ctl", "status", "--control", control, "-o", "json")
            self.assertEqual(code, 0, words)
            self.assertIn("worker", json.loads(out))
            if not os.environ.get("PAYTRIAGE_SANITIZED"):
                self.assertLess(resident(daemon.process), before + GROWTH_KIB)
            self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    support.main()
