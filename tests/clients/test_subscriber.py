#!/usr/bin/python3
"""A durable subscriber with a worker whose messages get lost, damaged and repeated, and whose journal is trimmed, replaced or
refuses.

    test_subscriber.py python|node|c PAYTRIAGE BUILD_FOLDER
"""
import contextlib
import pathlib
import sys
import tempfile

try:
    import msgpack
    import fake_worker
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RETRY, DEAD = "retry.opn.", "dead_letter.opn."


def some(first, last):
    return [fake_worker.decision(f"d{number}") for number in range(first, last + 1)]


def names(first, last):
    return [f"d{number}" for number in range(first, last + 1)]


@contextlib.contextmanager
def scene(clients, journaled=True):
    """A worker without decisions, and a subscriber that is there."""
    with tempfile.TemporaryDirectory(prefix="paytriage-test-") as folder:
        worker = fake_worker.Worker(folder, journaled=journaled)
        tail = fake_worker.Tail(clients, worker.endpoint)
        try:
            worker.await_subscriber(tail)
            yield worker, tail
        finally:
            tail.kill()
            worker.close()


@contextlib.contextmanager
def opened(clients, *decisions):
    """The same, and the subscriber has had these of one topic."""
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(decisions)
        worker.tell(RETRY)
        worker.await_ids(tail, *(decision["id"] for decision in decisions))
        worker.await_positions(tail)
        worker.asked.clear()
        yield worker, tail


def sentinel(worker, tail, *before):
    """One more decision is the next that is printed, after those before it, and what it says last is of that."""
    worker.topics[DEAD] = fake_worker.Topic([fake_worker.decision("last")])
    worker.tell(DEAD)
    worker.await_ids(tail, *before, "last")
    worker.await_positions(tail)


def a_gap_of_one_is_fetched(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.topics[RETRY].decisions += some(2, 3)
        worker.publish(RETRY, 3)
        worker.await_ids(tail, *names(1, 3))
        assert ["FETCH", RETRY, 1, 2] == worker.asked[0][:4], worker.asked
        worker.topics[RETRY].decisions += some(4, 4)  # and one at the end
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 4))
        worker.await_positions(tail)
        assert not tail.said("LOST") and not tail.said("gap"), tail.words


def what_is_missing_is_not_acknowledged(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.topics[RETRY].decisions += some(2, 4)
        worker.instead["FETCH"] = lambda request, *_: [[msgpack.packb([1, "END", request, 3, 5])]]  # it brings nothing
        worker.publish(RETRY, 2)
        worker.publish(RETRY, 4)
        worker.serve(tail, lambda: worker.count("SUBACK"))
        assert ["SUBACK", "desk", 1, [[RETRY, 3]]] in worker.asked, worker.asked
        worker.await_ids(tail, *names(1, 4))
        worker.await_positions(tail)


def it_begins_where_it_was_on_every_page(clients):
    with scene(clients) as (worker, tail):
        worker.page, expected = 2, set()
        for number in range(7):
            ids = [f"{number}-{seq}" for seq in range(1, 5)]
            worker.topics[f"retry.p{number}."] = fake_worker.Topic(map(fake_worker.decision, ids), position=1 + number % 4)
            expected |= set(ids[number % 4:])
        worker.topics["settled.p1."] = fake_worker.Topic(some(1, 3), position=4)
        worker.topics["retry.none."] = fake_worker.Topic()  # on no page, though heard of: it begins at 1
        worker.tell_all()
        worker.serve(tail, lambda: len(tail.read()) >= len(expected))
        worker.await_positions(tail)
        assert set(tail.ids) == expected and len(tail.ids) == len(expected), tail.ids
        assert [asked[-1] for asked in worker.asked if asked[0] == "OPEN"] == ["", "retry.p1.", "retry.p3.", "retry.p5."]
        assert not any("settled.p1." in asked for asked in worker.asked), worker.asked
        worker.topics["retry.none."].decisions += some(1, 2)
        worker.publish("retry.none.", 2)
        worker.serve(tail, lambda: len(tail.read()) == len(expected) + 2)
        worker.topics["retry.new."] = fake_worker.Topic(some(3, 4))  # neither
        worker.publish("retry.new.", 2)
        worker.serve(tail, lambda: len(tail.read()) == len(expected) + 4)
        assert tail.ids[-4:] == names(1, 4), tail.ids


def what_a_message_has_from_before_is_left_out(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 3), position=2)
        worker.instead["FETCH"] = lambda request, *_: [
            [msgpack.packb([1, "FETCHED", request]), *worker.message(RETRY, 1, 3, flags=fake_worker.REPLAY)],
            [msgpack.packb([1, "END", request, 4, 4])]]
        worker.tell(RETRY)
        worker.await_ids(tail, *names(2, 3))
        sentinel(worker, tail, *names(2, 3))


def a_foreign_worker_opens_nothing(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 3))
        worker.instead["OPEN"] = lambda request, *_: [[msgpack.packb(
            [1, "OPENED", request, "00000000000000bb", 1, [[RETRY, 3, 4, 3]], False])]]
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 3))
        assert tail.said(clients.FOREIGN), tail.words
        assert worker.count("OPEN") == 2, worker.asked


def what_is_trimmed_is_told(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.topics[RETRY].decisions += some(2, 5)
        worker.topics[RETRY].retained = 4
        worker.topics[RETRY].position = 4
        worker.tell(RETRY)
        worker.await_ids(tail, "d1", "d4", "d5")
        worker.await_word(tail, clients.lost(RETRY, 2, 3))
        worker.await_positions(tail)


def what_was_trimmed_before_it_came_is_told(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 5), retained=5, position=2)
        worker.tell(RETRY)
        worker.await_word(tail, clients.lost(RETRY, 2, 4))
        worker.await_ids(tail, "d5")
        assert [asked[3] for asked in worker.asked if asked[0] == "FETCH"] == [5], worker.asked


def what_an_epoch_leaves_is_told(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.tell(RETRY, 5)
        worker.epoch = 2
        worker.topics[RETRY] = fake_worker.Topic(some(6, 7), position=2)
        worker.await_word(tail, clients.lost(RETRY, 2, 4))
        assert not worker.count("OPEN"), worker.asked
        worker.tell(RETRY)
        worker.await_ids(tail, "d1", "d7")


def an_epoch_that_was_over_before_it_was_opened_is_told(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 2))
        worker.tell(RETRY, 5)
        worker.epoch = 2
        worker.await_word(tail, clients.lost(RETRY, 1, 4))
        assert not worker.count("FETCH"), worker.asked
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 2))


def what_an_epoch_leaves_of_which_no_head_came_is_told_or_delivered(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 2))
        worker.publish(RETRY, 1, 2)
        worker.epoch = 2
        worker.topics[RETRY] = fake_worker.Topic(some(7, 8))
        worker.tell(RETRY)
        if clients.HOLDS:
            worker.serve(tail, lambda: len(tail.read()) == 4)
            assert sorted(tail.ids) == ["d1", "d2", "d7", "d8"], tail.ids
        else:
            worker.await_ids(tail, "d7", "d8")
            worker.await_word(tail, clients.lost(RETRY, 1, 2))


def an_epoch_that_is_over_is_not_acknowledged(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.topics[RETRY].decisions += some(2, 2)
        worker.publish(RETRY, 2)
        worker.epoch = 2
        worker.topics = {}
        worker.instead["SUBACK"] = lambda request, *_: [[msgpack.packb([1, "BADEPOCH", request, 2])]]
        worker.await_ids(tail, *names(1, 2))
        worker.serve(tail, lambda: worker.count("SUBACK"))
        worker.publish(RETRY, 0, flags=fake_worker.LIVE, decisions=some(9, 9))  # another turn
        worker.await_ids(tail, *names(1, 2), "d9")
        sentinel(worker, tail, *names(1, 2), "d9")
        assert worker.count("SUBACK") == 2, worker.asked  # the other is the sentinel's


def a_journal_that_went_back_is_told_and_opened_again(clients):
    with opened(clients, *some(1, 3)) as (worker, tail):
        worker.tell(RETRY, 2)  # an old one: nothing is amiss
        worker.serve(tail, lambda: worker.asked)
        worker.topics[RETRY].decisions += some(4, 4)
        worker.publish(RETRY, 4)
        worker.await_positions(tail)
        assert worker.asked == [["FETCH", RETRY, 1, 4, 1 << 20], ["SUBACK", "desk", 1, [[RETRY, 5]]]], worker.asked
        assert not tail.said(clients.BACK), tail.words
        worker.topics[RETRY] = fake_worker.Topic(some(1, 1) + some(7, 8), position=2)
        worker.asked.clear()
        worker.publish(RETRY, 2)  # its number was had
        worker.instead["FETCH"] = lambda request, *_: [[msgpack.packb([1, "END", request, 3, 3])]]
        worker.tell(RETRY, 3)
        worker.await_ids(tail, *names(1, 4), "d7", "d8")
        assert tail.said(clients.BACK) and worker.count("OPEN") == 1, (tail.words, worker.asked)
        worker.await_positions(tail)


def repeats_are_known_by_their_whole_key(clients):
    base = fake_worker.decision("r")
    variants = [{"id": "other"}, {"attempt": 2}, {"producer": "00000000000000dd"}, {"redriven": True}]
    with opened(clients, base) as (worker, tail):
        worker.topics[RETRY].decisions += [base, *(base | variant for variant in variants), base]
        worker.publish(RETRY, 2, 2 + len(variants))
        worker.await_ids(tail, "r", "other", "r", "r", "r")
        worker.topics[DEAD] = fake_worker.Topic([base, fake_worker.decision("last")])  # another topic
        worker.publish(DEAD, 1, 2)
        worker.await_ids(tail, "r", "other", "r", "r", "r", "r", "last")
        worker.await_positions(tail)


def what_is_damaged_is_fetched(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.topics[RETRY].decisions += some(2, 2)
        worker.instead["FETCH"] = lambda request, *_: [
            [msgpack.packb([1, "FETCHED", request]), *worker.message(RETRY, 2, 1, flags=fake_worker.REPLAY, crc32=7,
                                                                    decisions=[fake_worker.decision("damaged")])],
            [msgpack.packb([1, "END", request, 3, 3])]]
        worker.publish(RETRY, 2, crc32=7, decisions=[fake_worker.decision("damaged")])
        worker.await_ids(tail, *names(1, 2))
        assert worker.count("FETCH") >= 2, worker.asked
        worker.await_positions(tail)


def what_is_refused_is_asked_again(clients):
    def refuse(request, *_):
        return [[msgpack.packb([1, "REFUSED", request, "busy"])]]

    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 2))
        worker.instead = {"OPEN": refuse, "FETCH": refuse, "SUBACK": refuse}
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 2))
        worker.await_positions(tail)
        assert [worker.count(kind) for kind in ("OPEN", "FETCH", "SUBACK")] == [2, 2, 2], worker.asked


def what_is_not_answered_is_asked_again(clients):
    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 2))
        worker.instead = {"OPEN": lambda *_: [], "FETCH": lambda *_: [], "SUBACK": lambda *_: []}
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 2))
        worker.await_positions(tail)
        assert all(worker.count(kind) >= 2 for kind in ("OPEN", "FETCH", "SUBACK")), worker.asked


def a_name_that_was_forgotten_is_opened_again(clients):
    with opened(clients, *some(1, 2)) as (worker, tail):
        worker.instead["SUBACK"] = lambda request, *_: [[msgpack.packb([1, "REFUSED", request, "unknown"])]]
        worker.topics[RETRY].position = 1
        worker.topics[RETRY].decisions += some(3, 3)
        worker.publish(RETRY, 3)
        worker.await_positions(tail)
        assert [asked[0] for asked in worker.asked] == ["SUBACK", "OPEN", "SUBACK"], worker.asked
        sentinel(worker, tail, *names(1, 3))


def only_the_answer_to_a_request_answers_it(clients):
    """Among what looks like answers there is nothing that stops it, either."""
    def with_noise(kind):
        def answer(request, *values):
            for other in request + 1000, request - 1, "x":
                yield [msgpack.packb([1, "OPENED", other, worker.id, 1, [[RETRY, 3, 4, 3]], False])]
                yield [msgpack.packb([1, "FETCHED", other]), *worker.message(RETRY, 1, 1, decisions=[fake_worker.decision("other")])]
                yield [msgpack.packb([1, "END", other, 1, 1])]
                yield [msgpack.packb([1, "TRUNCATED", other, 3])]
                yield [msgpack.packb([1, "BADEPOCH", other, 2])]
                yield [msgpack.packb([1, "SUBACKED", other])]
                yield [msgpack.packb([1, "REFUSED", other, "unknown"])]
            yield [msgpack.packb([2, {"FETCH": "TRUNCATED"}.get(kind, "REFUSED"), request, 3])]  # of a later version
            for nothing in b"", b"\xc1", *map(msgpack.packb, (1, None, [], [1], [1, kind], {"a": 1})):
                yield [nothing]
            yield from {"OPEN": worker.open, "FETCH": worker.fetch, "SUBACK": worker.suback}[kind](request, *values)
        return answer

    with scene(clients) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 3))
        worker.instead = {kind: with_noise(kind) for kind in ("OPEN", "FETCH", "SUBACK")}
        worker.tell(RETRY)
        worker.await_ids(tail, *names(1, 3))
        worker.await_positions(tail)
        worker.instead["FETCH"] = with_noise("FETCH")
        worker.topics[RETRY].decisions += some(4, 5)
        worker.publish(RETRY, 5)
        worker.await_ids(tail, *names(1, 5))
        assert not tail.said("LOST") and not tail.said("gap"), tail.words


def noise_is_no_decision(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        header = [1, "DECISIONS", worker.id, 1, 2, 1, 3, 0, 0]
        for frames in ([b"x"], [b""], [msgpack.packb(1), b""], [msgpack.packb([1]), b""], [msgpack.packb(header[:6]), b"\x90"],
                       [msgpack.packb(header)], [msgpack.packb([1, "HEAD", worker.id, 1])],
                       [msgpack.packb([1, "HEADS", worker.id, 1, "", 5])], [b"\xc1", b"\xc1"], []):
            worker.pub.send_multipart([RETRY.encode(), *frames])
        worker.topics[RETRY].decisions += some(2, 2)
        worker.publish(RETRY, 2)
        worker.await_ids(tail, *names(1, 2))
        sentinel(worker, tail, *names(1, 2))


def without_a_journal_every_gap_is_told(clients):
    with scene(clients, journaled=False) as (worker, tail):
        worker.topics[RETRY] = fake_worker.Topic(some(1, 9))
        worker.tell(RETRY, 3)  # it begins here
        worker.publish(RETRY, 3)
        worker.publish(RETRY, 5)
        worker.await_ids(tail, "d3", "d5")
        worker.await_word(tail, clients.lost(RETRY, 4, 4))
        worker.tell(RETRY, 8)
        worker.await_word(tail, clients.lost(RETRY, 6, 7))
        worker.publish(RETRY, 8)
        worker.await_ids(tail, "d3", "d5", "d8")


def of_many_workers_the_one_unheard_for_longest_is_forgotten(clients):
    others = [f"{number:016d}" for number in range(1001, 1258)]  # with the worker itself, two too many
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.tell_as(others[1], RETRY, 5)
        worker.tell_as(others[0], RETRY, 5)
        worker.instead["FETCH"] = lambda request, *_: [[msgpack.packb([1, "REFUSED", request, "busy"])]]
        worker.tell(RETRY, 4)
        worker.tell_as(others[1], RETRY, 6)  # heard again
        worker.await_word(tail, clients.lost(RETRY, 5, 5))
        for other in others[2:]:
            worker.tell_as(other, RETRY, 5)
        worker.await_word(tail, clients.lost(RETRY, 2, 3))  # cannot be fetched any more
        tail.words.clear()
        worker.tell_as(others[0], RETRY, 9)  # unknown: it begins here
        worker.tell_as(others[-1], RETRY, 12)  # known
        worker.await_word(tail, clients.lost(RETRY, 5, 11))
        assert not tail.said(clients.lost(RETRY, 5, 8)), tail.words


def live_decisions_have_no_place(clients):
    with opened(clients, *some(1, 1)) as (worker, tail):
        worker.publish(RETRY, 0, 2, flags=fake_worker.LIVE, decisions=some(7, 8))
        worker.await_ids(tail, "d1", "d7", "d8")
        worker.topics[RETRY].decisions += some(2, 2)
        worker.publish(RETRY, 2)
        worker.await_ids(tail, "d1", "d7", "d8", "d2")
        worker.await_positions(tail)


PARTS = (a_gap_of_one_is_fetched, what_is_missing_is_not_acknowledged, it_begins_where_it_was_on_every_page,
         what_a_message_has_from_before_is_left_out,
         a_foreign_worker_opens_nothing, what_is_trimmed_is_told, what_was_trimmed_before_it_came_is_told,
         what_an_epoch_leaves_is_told, an_epoch_that_was_over_before_it_was_opened_is_told,
         what_an_epoch_leaves_of_which_no_head_came_is_told_or_delivered, an_epoch_that_is_over_is_not_acknowledged,
         a_journal_that_went_back_is_told_and_opened_again, repeats_are_known_by_their_whole_key, what_is_damaged_is_fetched,
         what_is_refused_is_asked_again, what_is_not_answered_is_asked_again, a_name_that_was_forgotten_is_opened_again,
         only_the_answer_to_a_request_answers_it, noise_is_no_decision, without_a_journal_every_gap_is_told,
         of_many_workers_the_one_unheard_for_longest_is_forgotten, live_decisions_have_no_place)


def main(language, paytriage, build):
    clients = {"python": fake_worker.Python, "node": fake_worker.Node, "c": fake_worker.C}[language](
        pathlib.Path(paytriage).absolute(), pathlib.Path(build).absolute())
    for part in PARTS:
        part(clients)
        print(part.__name__.replace("_", " "))


if __name__ == "__main__":
    main(*sys.argv[1:])
