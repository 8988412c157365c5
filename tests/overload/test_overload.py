#!/usr/bin/python3
"""A worker that is offered far more than it can take, for a reason of its own or of its subscribers': it refuses or
holds back, its memory stays as it is, and what it acknowledged is there for who reads later.

    test_overload.py PROGRAM [--seconds N]      of full load in each case; default 3, the long form has 60
"""

import argparse
import contextlib
import faulthandler
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
try:
    import msgpack
    import zmq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import support
from flood import DEAD, RETRY, SETTLED, Flood, Memory, Reader

JOURNAL_MIB = 16
#  Of a batch with 64 decisions: never so few, so that a journal that takes more does not keep all of it.
BATCH_BYTES_MIN = 64 * 100
NAME = "reader"
SAMPLE_EVERY_S = 0.1
#  One worker thread, 64 batches in work, answers and decisions under way: what configuration bounds is below this. What
#  the allocator keeps grows a little at first; growth without an end would pass GROWTH_KIB in any form of this test.
WORKER_KIB, BROKER_KIB, GROWTH_KIB = 64 * 1024, 32 * 1024, 8 * 1024


class Service:
    """Broker and worker, each a process, with a small journal."""

    def __init__(self, stack):
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="paytriage-overload-"))
        self.journal = f"{self.folder}/journal"
        self.front, self.replay = self.endpoint("front"), self.endpoint("replay")
        broker = stack.enter_context(support.Daemon("broker", "--front", self.front, "--back", self.endpoint("back")))
        options = [f"--{name}={self.endpoint(name)}" for name in ("settled", "retry", "dead-letter", "operator-alert")]
        self.worker = stack.enter_context(support.Daemon(
            "worker", "--connect", self.endpoint("back"), "--threads", "1", "--journal", self.journal, "--journal-size",
            f"{JOURNAL_MIB}M", "--replay", self.replay, *options))
        self.memory = {"worker": Memory(self.worker.process.pid), "broker": Memory(broker.process.pid)}
        self.next_sample = 0.0

    def endpoint(self, name):
        return f"ipc://{self.folder}/{name}"

    def reader(self):
        return Reader("--durable", NAME, "--route", "retry,dead_letter", "--connect", self.endpoint("retry"), "--connect",
                      self.endpoint("dead-letter"))

    def register(self):
        """A durable subscriber that says what it wants and is not heard of again."""
        with zmq.Context.instance().socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(self.replay)
            socket.send(msgpack.packb([1, "OPEN", 1, NAME, True, ["retry.", "dead_letter."], ""]))
            answer = msgpack.unpackb(socket.recv())
            assert answer[1] == "OPENED", answer

    def info(self):
        code, out, words = support.run("journal", "info", "--output", "jsonl", "--journal", self.journal)
        assert code == 0, words
        return support.json_lines(out)[0]

    def flood(self, flood, until, more=True):
        """Go on with the load until `until()`, and look at the memory meanwhile."""
        while not until():
            flood.step(more)
            if time.monotonic() >= self.next_sample:
                self.next_sample = time.monotonic() + SAMPLE_EVERY_S
                for memory in self.memory.values():
                    memory.sample()

    def check_memory(self, case):
        for name, limit in (("worker", WORKER_KIB), ("broker", BROKER_KIB)):
            first, second = self.memory[name].halves()
            print(f"{case}: {name} at most {first} KiB in the first half, {second} KiB in the second")
            assert max(first, second) <= limit, f"the {name} holds more than {limit} KiB"
            assert second <= first + GROWTH_KIB, f"the {name} grows"

    def check_journal(self):
        data = os.stat(f"{self.journal}/data.mdb")
        assert data.st_size <= JOURNAL_MIB << 20, data.st_size
        code, _, words = support.run("journal", "verify", "--journal", self.journal)
        assert code == 0, words


def seconds(count):
    end = time.monotonic() + count
    return lambda: time.monotonic() >= end


def check_delivery(case, service, flood, reader):
    """Take no more, have all of it answered, and compare what the subscriber was given."""
    service.flood(flood, lambda: not flood.waits(), more=False)
    wanted = flood.places()
    service.flood(flood, lambda: reader.count() >= len(wanted), more=False)
    places, repeats, words = reader.finish()
    assert places == wanted, f"{len(wanted - places)} lost, {len(places - wanted)} that nobody was told of: {words}"
    print(f"{case}: {flood.accepted} batches acknowledged, {len(wanted)} decisions kept, 0 lost, {repeats} repeated")
    assert repeats == 0, "no subscriber died, no worker either"


def check_full(case, service, flood):
    """Offer until nothing is taken any more: refused as busy, all that is in the windows and more."""
    most = flood.accepted + (JOURNAL_MIB << 20) // BATCH_BYTES_MIN
    service.flood(flood, lambda: flood.busy_in_a_row > 4 * len(flood.producers) * 1024 or flood.accepted > most)
    assert flood.accepted <= most, "more is acknowledged than the journal can hold"
    info = service.info()
    print(f"{case}: full at {info['used_percent']} % with {flood.accepted} batches acknowledged")
    assert info["full"] and 80 <= info["used_percent"] < 100, info  # what was in work then is still kept


def measure(service, flood, duration):
    """Batches that were offered and taken, each second."""
    begun, accepted, offered = time.monotonic(), flood.accepted, flood.offered
    service.flood(flood, seconds(duration))
    spent = time.monotonic() - begun
    return (flood.offered - offered) / spent, (flood.accepted - accepted) / spent


def test_more_than_one_thread_decides(stack, duration):
    """Mostly settled responses, so that a thread's time is what is short, with a subscriber that keeps up."""
    case = "too much for a thread"
    service = Service(stack)
    reader = service.reader()
    flood = Flood(service.front, 126 * [SETTLED] + [RETRY] + 128 * [SETTLED] + [DEAD])
    service.flood(flood, lambda: flood.accepted)
    capacity = measure(service, flood, duration / 3)[1]
    flood.pace(3 * capacity)
    offered, taken = measure(service, flood, duration)
    flood.pace(None)
    print(f"{case}: offered {offered * flood.count:.0f} responses/s, {offered / taken:.1f} times the {taken * flood.count:.0f} "
          f"that were taken; {flood.busy} batches refused as busy, {flood.held_back} times held back")
    assert flood.busy + flood.held_back > 0, "nothing was refused or held back"
    check_delivery(case, service, flood, reader)
    service.check_memory(case)
    service.check_journal()


def test_subscriber_that_never_reads(stack, duration):
    """The journal fills, and drains when the subscriber comes; it fills again, and drains when it is forgotten."""
    case = "nobody reads"
    service = Service(stack)
    service.register()
    flood = Flood(service.front, 32 * [RETRY] + 32 * [DEAD])
    check_full(case, service, flood)
    accepted = flood.accepted
    offered, _ = measure(service, flood, duration)
    print(f"{case}: {offered * flood.count:.0f} responses/s offered to the full journal, {flood.accepted - accepted} batches "
          "of them taken")
    accepted = flood.accepted
    reader = service.reader()
    service.flood(flood, lambda: flood.accepted > 2 * accepted)
    check_delivery(case, service, flood, reader)

    check_full(case, service, flood)
    accepted = flood.accepted
    code, _, words = support.run("journal", "forget", NAME, "--journal", service.journal)
    assert code == 0, words
    service.flood(flood, lambda: flood.accepted > 2 * accepted)
    service.flood(flood, lambda: not flood.waits(), more=False)
    print(f"{case}: {flood.accepted} batches acknowledged after the subscriber was forgotten")
    service.check_memory(case)
    service.check_journal()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--expect-violation", action="store_true", help="a rule is switched off: find out by it")
    options = parser.parse_args()
    support.PROGRAM = os.path.abspath(options.program)
    faulthandler.dump_traceback_later(support.PATIENCE_S + 4 * options.seconds, exit=True)
    if options.expect_violation:
        return expect_violation(options)
    for test in (test_more_than_one_thread_decides, test_subscriber_that_never_reads):
        with contextlib.ExitStack() as stack:
            test(stack, options.seconds)
    return 0


def expect_violation(options):
    try:
        with contextlib.ExitStack() as stack:
            test_subscriber_that_never_reads(stack, options.seconds)
    except AssertionError as violation:
        print(f"found: {violation}")
        return 0
    print("the rule is off, and nothing was found")
    return 1


if __name__ == "__main__":
    sys.exit(main())
