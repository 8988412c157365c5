"""Producers that offer more than a worker can take, and readers that account for what was acknowledged.

The producers know the wire and no manners: their windows are full all the time, and what is refused as busy is sent
again at once, without the pause that the refusal asks for. All batches have the same bytes, so that sending costs next
to nothing; the worker names each response by its place, PRODUCER/EPOCH/SEQ/INDEX.
"""

import collections
import ctypes
import multiprocessing
import os
import re
import signal
import time
import zlib

import msgpack
import zmq

import support

WINDOW = 1024
SETTLED = {"provider": "opn", "http_status": 200, "body": {"object": "charge", "status": "successful"}}
RETRY = {"provider": "opn", "operation": "pay_in", "http_status": 503}
DEAD = {"provider": "smilepayz", "operation": "pay_in", "http_status": 400}
_PLACE = re.compile(rb'"id": ?"([0-9a-f]{16})/\d+/(\d+)/(\d+)"')


def payload(responses):
    return msgpack.packb([msgpack.packb(response) for response in responses])


class Producer:
    def __init__(self, front):
        self.id, self.epoch = os.urandom(8).hex(), int(time.time() * 1000)
        self.next, self.pending, self.unsent = 1, {}, collections.deque()
        self.acked = set()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger, self.socket.sndhwm = 0, 64
        self.socket.connect(front)


class Flood:
    """Producers with full windows. What was offered, accepted and refused is counted in batches."""

    def __init__(self, front, responses, producers=4):
        self.payload, self.count = payload(responses), len(responses)
        self.crc32 = zlib.crc32(self.payload)
        self.unsettled = [index for index, response in enumerate(responses) if response is not SETTLED]
        self.producers = [Producer(front) for _ in range(producers)]
        self.offered = self.accepted = self.busy = self.held_back = self.busy_in_a_row = 0
        self.poller = zmq.Poller()
        for producer in self.producers:
            self.poller.register(producer.socket, zmq.POLLIN)

    def pace(self, rate):
        """From now on offer `rate` batches a second, whatever becomes of them; None: as many as are taken."""
        self.rate, self.begun, self.offered_then = rate, time.monotonic(), self.offered

    rate = None

    def step(self, more=True):
        """Send what is due, read what has come."""
        if self.rate and more:
            due = self.offered_then + int((time.monotonic() - self.begun) * self.rate) - self.offered
            for number in range(due):
                self._offer(self.producers[number % len(self.producers)], more)
        else:
            for producer in self.producers:
                while self._offer(producer, more):
                    pass
        for socket, _ in self.poller.poll(2):
            producer = next(one for one in self.producers if one.socket is socket)
            for _ in range(256):
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self._take(producer, msgpack.unpackb(frames[0]))

    def _offer(self, producer, more):
        """Send one batch, those first that were refused. False when it stays with the producer."""
        floor = next(iter(producer.pending), producer.next)
        if not producer.unsent:
            if not more:
                return False
            if producer.next >= floor + WINDOW:
                self.offered, self.held_back = self.offered + 1, self.held_back + 1
                return False
            producer.pending[producer.next] = True
            producer.unsent.append(producer.next)
            producer.next += 1
        seq = producer.unsent[0]
        header = [1, "BATCH", producer.id, producer.epoch, seq, floor, self.crc32, self.count]
        self.offered += 1
        try:
            producer.socket.send_multipart([msgpack.packb(header), self.payload], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            self.held_back += 1
            return False
        producer.unsent.popleft()
        return True

    def _take(self, producer, answer):
        _, kind, _, epoch, *rest = answer
        assert epoch == producer.epoch, answer
        if kind == "ACK":
            for first, last in rest[0]:
                for seq in range(first, last + 1):
                    del producer.pending[seq]
                    producer.acked.add(seq)
                    self.accepted += 1
            self.busy_in_a_row = 0
        else:
            seq, reason, retry_after_ms = rest
            assert (kind, reason) == ("NACK", "busy") and retry_after_ms > 0, answer
            producer.unsent.append(seq)
            self.busy += 1
            self.busy_in_a_row += 1

    def waits(self):
        return any(producer.pending for producer in self.producers)

    def places(self):
        """Every response whose decision is kept: (producer, seq, index)."""
        return {(producer.id, seq, index) for producer in self.producers for seq in producer.acked
                for index in self.unsettled}


def _read(program, arguments, counter, answers):
    """In a process of its own: the decisions of a durable tail, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    support.PROGRAM = program
    tail = support.start("tail", "-o", "jsonl", *arguments, stdin=support.subprocess.DEVNULL)
    #  What a small journal lets go of before a subscriber is known to it, nobody was promised.
    words = b""
    while b"ready" not in words:
        line = tail.stderr.readline()
        assert line, words
        words += line
    answers.put(tail.pid)
    places, repeats = set(), 0
    for line in tail.stdout:
        found = _PLACE.search(line)
        assert found, line
        place = (found[1].decode(), int(found[2]), int(found[3]))
        repeats += place in places
        places.add(place)
        counter.value = len(places)
    answers.put((places, repeats, (words + tail.stderr.read()).decode()))
    tail.wait()


class Reader:
    """A durable subscriber that reads all the time."""

    def __init__(self, *arguments):
        self.counter = multiprocessing.Value(ctypes.c_uint64, lock=False)
        self.answers = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=_read, daemon=True,
                                               args=(support.PROGRAM, arguments, self.counter, self.answers))
        self.process.start()
        self.tail = self.answers.get()

    def count(self):
        return self.counter.value

    def finish(self):
        """The places it was given, how many of them again, and what it complained of."""
        os.kill(self.tail, signal.SIGTERM)
        result = self.answers.get()
        self.process.join()
        return result


class Memory:
    """What a process holds by itself, in KiB, sampled: the journal's file, which is mapped, is not its own."""

    def __init__(self, pid):
        self.path, self.samples = f"/proc/{pid}/status", []

    def sample(self):
        with open(self.path, encoding="ascii") as status:
            self.samples.append(next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")))

    def halves(self):
        """The most of the first half, and of the second."""
        middle = len(self.samples) // 2
        return max(self.samples[:middle]), max(self.samples[middle:])
