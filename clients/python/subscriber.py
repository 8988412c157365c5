"""A durable subscriber of paytriage by the rules of proto/PROTOCOL.md, "Subscribers" and "Replay": decisions come in
the order of their topic, what is missing is fetched, what cannot be fetched is reported, and what the caller has made
safe is acknowledged. A request waits for its answer, a second at most. retry_scheduler.py shows how to use it."""
import collections
import functools
import types
import zlib

import msgpack
import zmq
import curve
from replay import Replay, later

UNKNOWN, LIVE, OPENING, OPENED = range(4)  # what is known of a source: nothing, that it has no replay, …
FLAG_LIVE, WINDOW, FETCH_BYTES, TOPICS_MAX, SOURCES_MAX = 1, 1_000_000, 1 << 20, 64, 256
Stream = functools.partial(types.SimpleNamespace, next=None, head=1, acked=1, doubt=False, due=0.0)  # a topic of a source
Source = functools.partial(types.SimpleNamespace, state=UNKNOWN)  # a (worker, epoch): its streams and its replay


class Subscriber:
    def __init__(self, publishers, prefixes, name, deliver, report, keys=None):
        self.prefixes, self.name, self.deliver, self.report, self.keys = prefixes, name, deliver, report, keys
        self.sources, self.seen = {}, collections.OrderedDict()  # the sources in the order in which they were last heard
        self.sub = zmq.Context.instance().socket(zmq.SUB)
        self.sub.linger, self.sub.rcvhwm = 0, 10000
        for prefix in prefixes:
            self.sub.subscribe(prefix)
        self.connections = curve.Connections(self.sub, publishers, keys)

    def step(self, timeout_ms):
        """Take what has come, calling deliver(topic, decision), and fetch what has not."""
        for task, *arguments in self.tasks(timeout_ms):
            try:
                task(*arguments)
            except (ValueError, TypeError, IndexError, KeyError, msgpack.UnpackException) as fault:
                self.report(f"a malformed message is as good as lost: {fault!r}")

    def tasks(self, timeout_ms):
        if self.connections.tend() and any(source.state == LIVE for source in self.sources.values()):
            self.report(curve.RETURNED)
        for wait_ms in [timeout_ms] + 255 * [0]:
            if self.sub.poll(wait_ms):
                yield self.published, self.sub.recv_multipart()
        for key, source in list(self.sources.items()):
            if source.state == OPENING:
                yield self.open, key, source
            for topic, stream in list(source.streams.items()):
                if source.state == OPENED and source.replay.is_due(stream.due) and (stream.head > stream.next or stream.doubt):
                    yield self.fetch, key, source, topic, stream

    def acknowledge(self):  # everything that was delivered is safe: the workers may let go of it
        for (_, epoch), source in self.sources.items():
            done = [[topic, stream.next] for topic, stream in source.streams.items()
                    if source.state == OPENED and stream.next > stream.acked][:TOPICS_MAX]
            for (_, kind, _, *why), _ in source.replay.ask("SUBACK", self.name, epoch, done) if done else []:
                for topic, seq in done if kind == "SUBACKED" else []:
                    source.streams[topic] = stream = source.streams.pop(topic)  # last, so that all have their turn
                    stream.acked = seq
                if kind == "REFUSED" and why == ["unknown"]:
                    source.state = OPENING  # an operator has forgotten the name
                elif kind == "BADEPOCH":
                    self.close(source)

    def open(self, key, source, after=""):
        for answer, _ in source.replay.ask("OPEN", self.name, True, self.prefixes, after):
            if answer[1] != "OPENED" or answer[3] != key[0]:
                return self.report(f"{source.replay.endpoint} does not open worker {key[0]}: {answer}")
            if answer[4] != key[1]:
                return self.close(source)  # an epoch that is over; the new one will be heard of
            for topic, retained, head, position in answer[5]:
                stream = source.streams[topic]
                stream.next, stream.head, stream.acked = stream.next or position, max(stream.head, head), position
                self.lose(source, topic, retained)
            source.replay.retry_at = 0.0  # it was of use
            if answer[6]:
                return self.open(key, source, after=topic)
            source.state, source.streams.default_factory = OPENED, functools.partial(Stream, next=1)
            for stream in source.streams.values():
                stream.next = stream.next or 1  # not listed: it had no decision yet
            for (worker, epoch), other in self.sources.items():
                if worker == key[0] and epoch < key[1] and other.state != LIVE:
                    self.close(other)

    def fetch(self, key, source, topic, stream):
        start, stream.doubt, stream.due = stream.next, False, later()
        for answer, frames in source.replay.ask("FETCH", topic, key[1], start, FETCH_BYTES):
            if answer[1] == "FETCHED":
                self.published(frames)
            elif answer[1] == "END" and answer[4] < start:
                self.report(f"the journal of {source.replay.endpoint} went back: it is opened again")
                source.state, source.streams, source.replay.retry_at = OPENING, collections.defaultdict(Stream), later()
            elif answer[1] == "END" and stream.next == start < stream.head:
                self.report(f"{source.replay.endpoint} brings nothing of {topic} from {start} on: it is asked again")
            elif answer[1] == "TRUNCATED":
                self.lose(source, topic, answer[3])
            elif answer[1] == "BADEPOCH":
                self.close(source)
        stream.due = stream.due if stream.next == start < stream.head else 0.0  # nothing came: not at once

    def close(self, source):  # nothing of it can be fetched any more
        source.state, source.streams.default_factory = LIVE, Stream
        source.replay.close()
        for topic, stream in source.streams.items():
            stream.next = stream.next or (1 if stream.head > 1 else None)  # where this name was is not known any more
            self.lose(source, topic, stream.head)

    def source(self, worker, epoch):  # when there are too many, the one unheard for longest is forgotten
        source = self.sources.pop((worker, epoch), None) or Source(streams=collections.defaultdict(Stream), replay=Replay(self.keys))
        self.sources[worker, epoch] = source
        if len(self.sources) > SOURCES_MAX:
            self.close(self.sources.pop(next(iter(self.sources))))
        return source

    def lose(self, source, topic, seq):  # or, where nothing was expected yet, begin there
        stream = source.streams[topic]
        if stream.next and seq > stream.next:
            self.report(f"LOST {topic} {stream.next} to {seq - 1}, from {source.replay.endpoint or 'no journal'}")
        stream.next, stream.head = max(stream.next or seq, seq), max(stream.head, seq)

    def published(self, frames):
        topic, (_, kind, worker, epoch, *rest) = frames[0].decode(), msgpack.unpackb(frames[1])
        source = self.source(worker, epoch)
        if kind == "DECISIONS":
            self.decisions(source, topic, frames[2], *rest)
        for name, _, head in [[topic, *rest[:2]]] if kind == "HEAD" else rest[1] if kind == "HEADS" else []:
            if name.startswith(tuple(self.prefixes)):
                self.head(source, name, head, rest[2] if kind == "HEAD" else rest[0])

    def head(self, source, topic, head, endpoint):
        stream, source.replay.endpoint = source.streams[topic], endpoint
        source.state = source.state or (OPENING if endpoint else LIVE)  # without a journal: followed from here on
        stream.head, stream.doubt = max(stream.head, head), bool(stream.next and head < stream.next)
        if source.state == LIVE:
            self.lose(source, topic, head)

    def decisions(self, source, topic, payload, first, count, head, crc32, flags):
        stream, live = source.streams[topic], flags == FLAG_LIVE
        stream.head = max(stream.head, head)
        if source.state == LIVE and not live:
            self.lose(source, topic, first)
        if not (live or stream.next and first <= stream.next < first + count) or zlib.crc32(payload) != crc32:
            return  # too early, delivered before, or damaged: what is missing will be fetched
        for seq, decision in enumerate(msgpack.unpackb(payload), first):
            key = (decision["producer"], decision["id"], decision["attempt"], topic, decision["redriven"])
            if (live or seq >= stream.next) and key not in self.seen:
                self.deliver(topic, decision)
                self.seen[key] = None
            stream.next = stream.next if live else max(seq + 1, stream.next)
        while len(self.seen) > WINDOW:
            self.seen.popitem(last=False)
