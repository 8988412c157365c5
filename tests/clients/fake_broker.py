"""A broker that does what no real one does, and a publisher as a process in front of it. What it is sent is checked by the
rules of proto/PROTOCOL.md, "Producers": numbers, floor, window, checksum, and the same bytes each time."""
import collections
import json
import re
import subprocess
import sys
import threading
import zlib

import msgpack
import test_node
import zmq

PATIENCE_S, BATCH, WINDOW = 120, 256, 64
PYTHON = test_node.ROOT / "clients" / "python"

Batch = collections.namedtuple("Batch", "client producer epoch seq floor crc32 count payload")


class Python:
    def __init__(self, paytriage, build):
        del paytriage, build
        self.folder = PYTHON

    def publisher(self, brokers):
        return [sys.executable, "-B", "publisher.py", *brokers]

    def refusal(self, seq, reason):
        return f"refused: {BATCH} of batch {seq}: {reason}\n"


class Node(Python):
    def __init__(self, paytriage, build):
        del paytriage
        self.folder = build / "node-clients"
        test_node.install(self.folder)

    def publisher(self, brokers):
        return ["node", "publisher.mjs", *brokers]


class C(Python):
    def __init__(self, paytriage, build):
        self.folder, self.paytriage = build, paytriage

    def publisher(self, brokers):
        fronts = [word for broker in brokers for word in ("--connect", broker)]
        return [self.paytriage, "send", "--config", "none", "--timeout", "1h", *fronts, "-"]

    def refusal(self, seq, reason):
        return f"refused: responses {BATCH * (seq - 1) + 1} to {BATCH * seq}: {reason}\n"


class Publisher:
    """It has all of its lines from the start, in batches of 256; what it says is read as it comes."""

    def __init__(self, clients, folder, brokers, batches):
        self.count, self.words = batches * BATCH, []
        path = f"{folder}/responses.jsonl"
        with open(path, "w", encoding="ascii") as file:
            file.writelines(json.dumps({"id": f"r{number}", "provider": "opn"}) + "\n" for number in range(self.count))
        with open(path, encoding="ascii") as file:
            self.process = subprocess.Popen(clients.publisher([broker.endpoint for broker in brokers]), cwd=clients.folder,
                                            stdin=file, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def said(self):
        """After its end, all that it said."""
        self.process.wait(PATIENCE_S)
        self.reader.join()
        return "".join(self.words)

    def check_end(self, accepted):
        said = self.said()
        assert re.search(rf"^accepted {accepted}\b", said, re.MULTILINE), said

    def kill(self):
        self.process.kill()
        self.process.wait()


class Broker:
    """Takes what comes, and answers only what it is told to."""

    def __init__(self, folder, name):
        self.endpoint = f"ipc://{folder}/{name}"
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(self.endpoint)
        self.payloads, self.done = {}, set()

    def take(self, publisher):
        """The next batch that comes; None when the publisher has ended."""
        for _ in range(PATIENCE_S * 20):
            if self.socket.poll(50):
                return self.check(*self.socket.recv_multipart())
            if publisher.process.poll() is not None:
                return None
        raise AssertionError("no batch came")

    def take_seq(self, publisher, seq):
        """The next time that batch `seq` comes, whatever others do."""
        batch = self.take(publisher)
        while batch and batch.seq != seq:
            batch = self.take(publisher)
        assert batch, f"it ended without batch {seq}: {publisher.said()}"
        return batch

    def check(self, client, header, payload):
        version, kind, *rest = msgpack.unpackb(header)
        assert (version, kind) == (1, "BATCH")
        batch = Batch(client, *rest, payload)
        assert 1 <= batch.floor <= batch.seq < batch.floor + WINDOW, batch[1:7]
        assert all(seq in self.done for seq in range(1, batch.floor)), (batch[1:7], self.done)
        assert batch.crc32 == zlib.crc32(payload) and batch.count == len(msgpack.unpackb(payload)), batch[1:7]
        assert self.payloads.setdefault(batch[1:4], payload) == payload, "sent again with other bytes"
        return batch

    def send(self, batch, *frames):
        self.socket.send_multipart([batch.client, *frames])

    def answer(self, batch, kind, *fields, producer=None, epoch=None, version=1):
        self.send(batch, msgpack.packb([version, kind, producer or batch.producer, epoch or batch.epoch, *fields]))

    def acknowledge(self, batch, *ranges):
        """These ranges, or just the batch."""
        ranges = ranges or [(batch.seq, batch.seq)]
        self.done.update(seq for first, last in ranges for seq in range(first, last + 1))
        self.answer(batch, "ACK", ranges)

    def refuse(self, batch, reason, retry_after_ms=0):
        self.answer(batch, "NACK", batch.seq, reason, retry_after_ms)

    def serve(self, publisher):
        """Acknowledge whatever comes until the publisher ends."""
        while batch := self.take(publisher):
            self.acknowledge(batch)

    def close(self):
        self.socket.close()
