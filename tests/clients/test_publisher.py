#!/usr/bin/python3
"""A publisher with brokers that fall silent, answer somebody else, refuse, or talk nonsense.

    test_publisher.py python|node|c PAYTRIAGE BUILD_FOLDER
"""
import collections
import contextlib
import pathlib
import sys
import tempfile

try:
    import msgpack
    import fake_broker
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

FOR_GOOD = ("too_big", "bad_format", "conflict", "unauthorized")
PASSING = ("busy", "window", "bad_crc", "of_a_later_version")


@contextlib.contextmanager
def scene(clients, batches, brokers=1):
    """Brokers, and a publisher of so many batches."""
    with tempfile.TemporaryDirectory(prefix="paytriage-test-") as folder:
        fakes = [fake_broker.Broker(folder, f"front-{number}") for number in range(brokers)]
        publisher = fake_broker.Publisher(clients, folder, fakes, batches)
        try:
            yield (publisher, *fakes)
        finally:
            publisher.kill()
            for fake in fakes:
                fake.close()


def a_silent_broker_is_left_for_the_next(clients):
    with scene(clients, 1, brokers=2) as (publisher, first, second):
        for _ in range(3):
            first.take_seq(publisher, 1)
        batch = second.take_seq(publisher, 1)
        assert not first.socket.poll(0), "sent more than three times"
        second.refuse(batch, "busy", 1)  # it lives, and then it does not
        for _ in range(3):
            second.take_seq(publisher, 1)
        first.acknowledge(first.take_seq(publisher, 1))
        publisher.check_end(fake_broker.BATCH)


def the_only_broker_is_connected_to_again(clients):
    with scene(clients, 2) as (publisher, broker):
        batches = [broker.take_seq(publisher, 2) for _ in range(5)]
        connections = [batch.client for batch in batches]
        assert connections[0] == connections[2] != connections[3] == connections[4], connections
        broker.acknowledge(batches[-1], (1, 2))
        broker.serve(publisher)
        publisher.check_end(publisher.count)


def floor_is_the_lowest_that_is_not_answered(clients):
    with scene(clients, 3) as (publisher, broker):
        last = broker.take_seq(publisher, 3)
        broker.acknowledge(last, (2, 2))
        broker.refuse(last, "busy", 1)
        assert broker.take_seq(publisher, 3).floor == 1
        broker.acknowledge(last, (1, 1))
        for _ in range(3):  # one may have been on its way
            broker.refuse(last, "busy", 1)
            batch = broker.take_seq(publisher, 3)
        assert batch.floor == 3
        broker.serve(publisher)
        publisher.check_end(publisher.count)


def an_ack_names_what_it_says_and_nothing_else(clients):
    with scene(clients, 6) as (publisher, broker):
        last = broker.take_seq(publisher, 6)
        broker.acknowledge(last, (2, 2), (4, 5), (7, 9))
        for seq in range(1, 10):
            broker.answer(last, "NACK", seq, "busy", 1)
        sent = []
        while len(sent) < 20 and (batch := broker.take(publisher)):
            sent.append(batch.seq)
            broker.refuse(batch, "busy", 1)  # soon again
        assert set(sent[-15:]) == {1, 3, 6}, (sent, publisher.words)
        broker.serve(publisher)
        publisher.check_end(publisher.count)


def the_window_waits_for_its_first(clients):
    with scene(clients, fake_broker.WINDOW + 6) as (publisher, broker):
        first = broker.take_seq(publisher, 1)
        while (batch := broker.take(publisher)).seq != fake_broker.WINDOW:
            if batch.seq != 1:
                broker.acknowledge(batch)
        broker.acknowledge(batch)
        broker.refuse(first, "busy", 1)
        assert broker.take_seq(publisher, 1).floor == 1
        broker.acknowledge(first)
        broker.serve(publisher)
        publisher.check_end(publisher.count)


def answers_to_others_are_as_good_as_none(clients):
    with scene(clients, 1, brokers=2) as (publisher, first, second):
        for _ in range(3):
            batch = first.take_seq(publisher, 1)
            for other in {"producer": "0123456789abcdef"}, {"epoch": batch.epoch + 1}:
                first.answer(batch, "ACK", [[1, 1]], **other)
                first.answer(batch, "NACK", 1, "conflict", 0, **other)
                first.answer(batch, "NACK", 1, "busy", 1, **other)
        second.serve(publisher)
        assert not first.socket.poll(0), "who answers others counted as alive"
        publisher.check_end(publisher.count)
        assert "refused:" not in publisher.said(), publisher.said()


def only_what_is_refused_for_good_is_given_up(clients):
    reasons = dict(enumerate(PASSING + FOR_GOOD, 1))
    with scene(clients, len(reasons)) as (publisher, broker):
        asked = set()
        while len(asked) < len(reasons):
            batch = broker.take(publisher)
            if batch.seq in asked:
                continue
            asked.add(batch.seq)
            broker.done |= {batch.seq} if reasons[batch.seq] in FOR_GOOD else set()
            broker.refuse(batch, reasons[batch.seq], 1 if reasons[batch.seq] == "busy" else 0)
            broker.answer(batch, "NACK", 100, "conflict", 0)  # of none that is outstanding
        again = collections.Counter()
        while batch := broker.take(publisher):
            again[batch.seq] += 1
            if reasons[batch.seq] in PASSING:
                broker.acknowledge(batch)
            assert reasons[batch.seq] in PASSING or again[batch.seq] == 1, "not given up"  # one may have been on its way
        assert set(again) >= {1, 2, 3, 4}, again
        publisher.check_end(len(PASSING) * fake_broker.BATCH)
        refused = sorted(line for line in publisher.words if line.startswith("refused:"))
        assert refused == sorted(clients.refusal(seq, reason) for seq, reason in reasons.items() if reason in FOR_GOOD), refused


def noise(batch):
    """Frames that are no answer to the batch, though many look like one."""
    mine = [1, "ACK", batch.producer, batch.epoch]
    for header in (1, "ACK", None, {}, [], [1], [1, "ACK"], mine[:3], mine, [*mine, 5], [*mine, [5]], [*mine, [[1]]],
                   [*mine, [[1, 1, 1]]], [*mine, [["1", "9"]]], [*mine, [[1, 1], [2]]], [*mine, [[1, 1]], 0],
                   [2, *mine[1:], [[1, 1]]], [1, "NOD", *mine[2:], [[1, 1]]], [1, "ACK", 1]):
        yield [msgpack.packb(header)]
    mine[1] = "NACK"
    for header in (mine, [*mine, 1], [*mine, 1, "conflict"], [*mine, [1], "conflict", 0], [*mine, 1, ["conflict"], 0],
                   [*mine, 1, "busy", "soon"], [*mine, 1, "busy", -1], [*mine, 1, "conflict", 0, 0], [2, *mine[1:], 1, "conflict", 0]):
        yield [msgpack.packb(header)]
    for wait in -1, 2 ** 32, 2 ** 63, 1.5, float("inf"), float("nan"), True, None, "5", []:  # no integer of 32 bits
        for reason in "busy", "conflict":
            yield [msgpack.packb([*mine, 1, reason, wait])]
    yield [b""]
    yield [b"\xc1"]
    yield [msgpack.packb([1, "ACK", batch.producer, batch.epoch, [[1, 1]]]) + b"\0"]
    yield [msgpack.packb([1, "ACK", batch.producer, batch.epoch, [[1, 1]]]), b"more"]


def noise_is_no_answer(clients):
    with scene(clients, 1) as (publisher, broker):
        batch = broker.take_seq(publisher, 1)
        for frames in noise(batch):
            broker.send(batch, *frames)
        for _ in range(2):  # one may have been on its way
            batch = broker.take_seq(publisher, 1)
            broker.refuse(batch, "busy", 1)
        broker.acknowledge(batch)
        broker.serve(publisher)
        publisher.check_end(publisher.count)
        assert "refused:" not in publisher.said(), publisher.said()


def main(language, paytriage, build):
    clients = {"python": fake_broker.Python, "node": fake_broker.Node, "c": fake_broker.C}[language](
        pathlib.Path(paytriage).absolute(), pathlib.Path(build).absolute())
    for part in (a_silent_broker_is_left_for_the_next, the_only_broker_is_connected_to_again,
                 floor_is_the_lowest_that_is_not_answered, an_ack_names_what_it_says_and_nothing_else,
                 the_window_waits_for_its_first, answers_to_others_are_as_good_as_none,
                 only_what_is_refused_for_good_is_given_up, noise_is_no_answer):
        part(clients)
        print(part.__name__.replace("_", " "))


if __name__ == "__main__":
    main(*sys.argv[1:])
