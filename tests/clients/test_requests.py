#!/usr/bin/python3
"""How often a durable subscriber asks a worker whose answers are of no use, or go to somebody else.

    test_requests.py python|node|c PAYTRIAGE BUILD_FOLDER
"""
import pathlib
import sys
import time

try:
    import msgpack
    import fake_worker
    from test_subscriber import DEAD, RETRY, names, opened, scene, some
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def pace(worker, tail, kind, *before):
    """The requests of this kind while a live decision comes in each of many turns: one a second, whatever time all that takes."""
    begin, number = time.monotonic(), worker.count(kind)
    live = [f"live{turn}" for turn in range(40)]
    for turn, name in enumerate(live, 1):
        worker.publish(RETRY, 0, flags=fake_worker.LIVE, decisions=[fake_worker.decision(name)])
        worker.await_ids(tail, *before, *live[:turn])
    number = worker.count(kind) - number
    assert number <= 2 + time.monotonic() - begin, (number, worker.asked[-8:], tail.words[-8:])
    return live


def what_does_not_open_is_not_asked_in_every_turn(clients):
    def foreign(request, *_):
        return [[msgpack.packb([1, "OPENED", request, "00000000000000bb", 1, [], False])]]

    def malformed(request, *_):
        return [[msgpack.packb([1, "OPENED", request, worker.id, 1, 5, False])]]

    for answer in foreign, malformed:
        with scene(clients) as (worker, tail):
            worker.topics[RETRY] = fake_worker.Topic(some(1, 3))
            worker.usual["OPEN"] = answer
            worker.tell(RETRY)
            worker.serve(tail, lambda: worker.count("OPEN"))
            live = pace(worker, tail, "OPEN")
            worker.usual["OPEN"] = worker.open
            worker.await_ids(tail, *live, *names(1, 3))


def what_brings_nothing_is_not_asked_in_every_turn(clients):
    def nothing(request, *_):
        return [[msgpack.packb([1, "END", request, 2, 3])]]

    def damaged(request, *_):
        return [[msgpack.packb([1, "FETCHED", request]), *worker.message(RETRY, 2, 1, flags=fake_worker.REPLAY, crc32=7)],
                [msgpack.packb([1, "END", request, 3, 3])]]

    for answer in nothing, damaged:
        with opened(clients, *some(1, 1)) as (worker, tail):
            worker.usual["FETCH"] = answer
            worker.topics[RETRY].decisions += some(2, 2)
            worker.tell(RETRY)
            worker.serve(tail, lambda: worker.count("FETCH"))
            live = pace(worker, tail, "FETCH", "d1")
            if clients.NOTHING:
                worker.await_word(tail, clients.NOTHING + f"{RETRY} from 2")
            worker.topics[DEAD] = fake_worker.Topic([fake_worker.decision("other")])  # another topic is not held up
            worker.publish(DEAD, 1)
            worker.await_ids(tail, "d1", *live, "other")
            worker.usual["FETCH"] = worker.fetch
            worker.await_ids(tail, "d1", *live, "other", "d2")
            worker.await_positions(tail)
            assert not tail.said("LOST") and not tail.said("gap"), tail.words


def answers_to_others_do_not_hold_a_request(clients):
    def others():
        worker.replay.send_multipart([client, msgpack.packb([1, "END", 1000000, 2, 3])])
        return worker.count("FETCH") >= 2

    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.instead["FETCH"] = lambda *_: []
        worker.topics[RETRY].decisions += some(2, 2)
        worker.tell(RETRY)
        worker.serve(tail, lambda: worker.count("FETCH"))
        client = worker.client
        worker.serve(tail, others)
        worker.await_ids(tail, *names(1, 2))
        worker.await_positions(tail)


def main(language, paytriage, build):
    clients = {"python": fake_worker.Python, "node": fake_worker.Node, "c": fake_worker.C}[language](
        pathlib.Path(paytriage).absolute(), pathlib.Path(build).absolute())
    for part in (what_does_not_open_is_not_asked_in_every_turn, what_brings_nothing_is_not_asked_in_every_turn,
                 answers_to_others_do_not_hold_a_request):
        part(clients)
        print(part.__name__.replace("_", " "))


if __name__ == "__main__":
    main(*sys.argv[1:])
