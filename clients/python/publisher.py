#!/usr/bin/python3
"""A producer of paytriage by the rules of proto/PROTOCOL.md, "Producers": responses go out in numbered batches, each
is kept and sent again until it is acknowledged or refused for good. Used as a program it publishes JSON Lines.

    publisher.py [--curve KEYS] tcp://127.0.0.1:5560 [tcp://OTHER-BROKER:5560 ...] < responses.jsonl
"""
import json
import os
import random
import sys
import time
import zlib

import msgpack
import zmq
import curve

WINDOW, BATCH, RTO, RTO_MAX, SILENT_SENDS = 64, 256, 0.2, 10.0, 3
PASSING = ("busy", "window", "bad_crc")
FOR_GOOD = ("too_big", "bad_format", "conflict", "unauthorized")


def parse(frames):
    """What an answer says: kind, producer, epoch, and the ranges of an ACK or the seq, reason and wait of a NACK."""
    version, kind, producer, epoch, *rest = msgpack.unpackb(*frames)
    if kind == "ACK":
        (ranges,) = rest
        good = all(type(first) is type(last) is int for first, last in ranges)
    else:
        seq, reason, retry_after_ms = rest
        good = kind == "NACK" and type(seq) is int and type(reason) is str
        good = good and type(retry_after_ms) is int and 0 <= retry_after_ms < 2 ** 32
    if version != 1 or not good:
        raise ValueError("not in the grammar")
    return kind, producer, epoch, rest


class Batch:
    def __init__(self, responses):
        self.payload = msgpack.packb([msgpack.packb(response) for response in responses])
        self.crc32, self.count, self.sends, self.silent, self.due = zlib.crc32(self.payload), len(responses), 0, 0, 0.0


class Publisher:
    def __init__(self, brokers, refused, keys=None):
        self.brokers, self.refused, self.keys, self.socket = brokers, refused, keys, None
        self.producer, self.epoch = os.urandom(8).hex(), int(time.time() * 1000)
        self.open, self.batches, self.next = [], {}, 1  # by seq: what is not answered
        self.accepted = 0
        self.connect()

    def connect(self):
        """The next broker, on a new socket: what waits in the old one is dropped, and sent again."""
        if self.socket:
            self.socket.close()
            self.brokers = self.brokers[1:] + self.brokers[:1]
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger, self.socket.sndhwm, self.socket.maxmsgsize = 0, WINDOW + 16, 2 << 20
        curve.connect(self.socket, self.brokers[0], self.keys)
        for batch in self.batches.values():
            batch.due, batch.silent, batch.sends = 0.0, 0, min(batch.sends, 4)  # 3.2 s at most until somebody answers

    def floor(self):
        return min(self.batches, default=self.next)

    def put(self, response):
        """Take one response (a dict with an id); waits while the window is full."""
        self.open.append(response)
        if len(self.open) == BATCH:
            self.seal()

    def seal(self):
        """Send what was put, although the batch is not full."""
        while self.next - self.floor() >= WINDOW:
            self.poll(1000)
        if self.open:
            self.batches[self.next], self.next, self.open = Batch(self.open), self.next + 1, []
        self.poll(0)

    def finish(self):
        """Wait until everything is answered."""
        self.seal()
        while self.batches:
            self.poll(1000)

    def poll(self, timeout_ms):
        self.send_due()
        soonest = min((batch.due for batch in self.batches.values()), default=time.monotonic() + 3600)
        wait_ms = max(0, min(timeout_ms, (soonest - time.monotonic()) * 1000))
        while self.socket.poll(wait_ms):
            self.answered(self.socket.recv_multipart())
            wait_ms = 0

    def send_due(self):
        now = time.monotonic()
        if any(batch.due <= now and batch.silent >= SILENT_SENDS for batch in self.batches.values()):
            self.connect()
        for seq, batch in self.batches.items():
            if batch.due > now:
                continue
            header = [1, "BATCH", self.producer, self.epoch, seq, self.floor(), batch.crc32, batch.count]
            try:
                self.socket.send_multipart([msgpack.packb(header), batch.payload], zmq.NOBLOCK)
            except zmq.Again:
                pass  # the pipe is full, perhaps of this: a kind of silence
            wait = min(RTO * 2 ** batch.sends, RTO_MAX)
            batch.due = now + wait * random.uniform(1, 1.25)
            batch.sends, batch.silent = batch.sends + 1, batch.silent + 1

    def answered(self, frames):
        try:
            kind, producer, epoch, rest = parse(frames)
        except (ValueError, TypeError, msgpack.UnpackException):
            return  # as if it had not come
        if (producer, epoch) != (self.producer, self.epoch):
            return  # an answer to another owner of this connection
        for batch in self.batches.values():
            batch.silent = 0  # somebody lives there
        if kind == "ACK":
            for first, last in rest[0]:
                for seq in [seq for seq in self.batches if first <= seq <= last]:
                    self.accepted += self.batches.pop(seq).count
        elif rest[0] in self.batches:
            seq, reason, retry_after_ms = rest
            batch = self.batches[seq]
            if reason in PASSING:
                batch.due = time.monotonic() + (retry_after_ms / 1000 or RTO) * random.uniform(1, 1.25)
                batch.sends = 0
            elif reason in FOR_GOOD:  # another word refuses nothing: it is sent again
                self.refused(seq, self.batches.pop(seq).count, reason)


def main(brokers):
    keys = brokers[1] if brokers[0] == "--curve" else None
    publisher = Publisher(brokers[2:] if keys else brokers, keys=keys, refused=lambda seq, count, reason: print(
        f"refused: {count} of batch {seq}: {reason}", file=sys.stderr))
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            publisher.put({"id": f"line:{number}", **json.loads(line)})
    publisher.finish()
    print(f"accepted {publisher.accepted}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < (4 if "--curve" in sys.argv else 2):
        sys.exit(__doc__)
    main(sys.argv[1:])
