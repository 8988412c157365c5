#!/usr/bin/python3
"""The Python clients and the golden vectors: what the publisher writes has their bytes, and what they hold is understood.
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIRE = ROOT / "tests" / "vectors" / "wire"
sys.path.insert(0, str(ROOT / "clients" / "python"))
try:
    import msgpack

    import publisher
    import subscriber
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def shown(name):
    return json.loads((WIRE / f"{name}.json").read_text())


def held(name):
    return (WIRE / f"{name}.msgpack").read_bytes()


def check_batch():
    header, batch = shown("batch"), publisher.Batch(shown("batch_payload"))
    assert batch.payload == held("batch_payload")
    assert [batch.crc32, batch.count] == header[6:]
    assert msgpack.packb(header) == held("batch")


def waiting(answer, seqs):
    """A publisher to whom the answer is addressed, with these batches open."""
    refused = []
    one = publisher.Publisher(["inproc://nobody"], lambda *words: refused.append(words))
    one.producer, one.epoch = answer[2], answer[3]
    one.batches = {seq: publisher.Batch([{"id": str(seq), "provider": "opn"}]) for seq in seqs}
    return one, refused


def check_answers():
    ack = shown("ack")
    inside = [seq for first, last in ack[4] for seq in (first, last)]
    outside = max(inside) + 1
    one, refused = waiting(ack, {*inside, outside})
    one.answered([held("ack")])
    assert list(one.batches) == [outside] and one.accepted == len(set(inside)) and not refused

    nack = shown("nack")
    one, refused = waiting(nack, [nack[4]])
    one.answered([held("nack")])
    passing = nack[5] in publisher.PASSING
    assert (nack[4] in one.batches) == passing and bool(refused) != passing

    one, _ = waiting([0, 0, "0" * 16, 1], [nack[4]])  # another owner's
    for name in ("ack", "nack"):
        one.answered([held(name)])
    assert list(one.batches) == [nack[4]]


def check_decisions():
    header, decisions, delivered, reports = shown("decisions"), shown("decisions_payload"), [], []
    bus = subscriber.Subscriber([], ["retry."], "vectors", lambda *what: delivered.append(what), reports.append)
    source = bus.source(header[2], header[3])
    source.state, source.replay.endpoint = subscriber.OPENED, "inproc://nobody"
    source.streams["retry.opn."].next = header[4]
    frames = [b"retry.opn.", held("decisions"), held("decisions_payload")]
    bus.published([*frames[:2], frames[2][:-1] + bytes([frames[2][-1] ^ 1])])  # damaged
    assert not delivered
    bus.published(frames)
    bus.published(frames)  # a repeat
    assert [decision["id"] for _, decision in delivered] == [decision["id"] for decision in decisions]
    assert source.streams["retry.opn."].next == header[4] + header[5] and not reports

    head = shown("head")
    bus.published([b"retry.opn.", held("head")])
    assert bus.sources[head[2], head[3]].streams["retry.opn."].head >= head[5]
    assert bus.sources[head[2], head[3]].replay.endpoint == head[6]


check_batch()
check_answers()
check_decisions()
print("batch, ack, nack, decisions and head are as the vectors say")
