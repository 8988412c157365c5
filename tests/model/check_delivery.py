#!/usr/bin/python3
"""Every state that two batches, one or two workers and one subscriber can come to.

The simulation (tests/sim) runs the real code at random; this runs the rules alone, but all of their
interleavings. A state is bad when a number of a topic has named two batches, or when a batch can be lost
from there: with every message in flight lost and every process started again, sending what is not
acknowledged and fetching what HEAD tells must still bring each batch to the subscriber.

Usage: check_delivery.py [NAME]   run the variants whose name contains NAME
Each variant with a rule switched off has to reach a bad state; the rules as they are must not.
"""

import sys
import time
from collections import deque, namedtuple

BATCHES = (0, 1)

RULES = dict(
    workers=1,
    crashes=1,  # of a process
    power=0,  # losses of it
    disks=0,  # replaced
    late_sync=False,  # the disk has a commit only some time after it
    ack="durable",  # or: received, highest
    publish="durable",  # or: before, committed
    dedup="window",  # or: highest
    head=True,
    trim="position",  # or: size
    new_epoch=True,  # with a new disk
)

# `journal`: batches in the order of their numbers; the disk has the first `synced` of them. `shown`: how
# far it is published. `highest`: for the dedup that is wrong.
Worker = namedtuple("Worker", "taken journal synced trimmed shown epoch highest")
# `batches`, `acks`, `messages`: on their way. `place`: of the subscriber, by worker and epoch.
State = namedtuple("State", "acked sent batches workers acks messages place delivered names crashes power disks")

NEW = Worker((), (), 0, 0, 0, 0, -1)


def start(rules):
    return State(frozenset(), (0,) * len(BATCHES), frozenset(), (NEW,) * rules["workers"], frozenset(), frozenset(),
                 (), frozenset(), frozenset(), rules["crashes"], rules["power"], rules["disks"])


def floor_of(state):
    return min((batch for batch in BATCHES if batch not in state.acked), default=len(BATCHES))


def with_worker(state, index, worker):
    return state._replace(workers=state.workers[:index] + (worker,) + state.workers[index + 1:])


def take(rules, worker, batch, floor):
    """A batch arrives: the worker afterwards, and whether it is acknowledged at once."""
    if rules["dedup"] == "highest":
        known, finished = batch <= worker.highest, True
    else:
        known = batch < floor or batch in worker.journal
        finished = batch < floor or batch in worker.journal[:worker.synced]
    if known:
        return worker, finished
    if batch in worker.taken:
        return worker, False
    return worker._replace(taken=worker.taken + (batch,)), rules["ack"] == "received"


def commit(rules, worker):
    journal = worker.journal + worker.taken
    synced = worker.synced if rules["late_sync"] else len(journal)
    return worker._replace(taken=(), journal=journal, synced=synced, highest=max(journal, default=-1))


def place_of(rules, state, index):
    key = (index, state.workers[index].epoch if rules["new_epoch"] else 0)
    return key, dict(state.place).get(key, 0)


def deliver(rules, state, index, until):
    """FETCH from where the subscriber is; what is trimmed is passed over, as lost."""
    worker = state.workers[index]
    key, place = place_of(rules, state, index)
    until = min(until, len(worker.journal))
    if until <= place:
        return state
    come = frozenset(worker.journal[max(place, worker.trimmed):until])
    places = dict(state.place)
    places[key] = until
    return state._replace(place=tuple(sorted(places.items())), delivered=state.delivered | come)


def hear(rules, state, message):
    """A published message arrives live: the rule on [a, b)."""
    index, epoch, number, batch = message
    key = (index, epoch if rules["new_epoch"] else 0)
    place = dict(state.place).get(key, 0)
    state = state._replace(messages=state.messages - {message})
    if number < place:
        return state
    if number > place:
        return deliver(rules, state, index, number + 1)
    places = dict(state.place)
    places[key] = place + 1
    return state._replace(place=tuple(sorted(places.items())), delivered=state.delivered | {batch})


def show(state, index, number, batch):
    message = (index, state.workers[index].epoch, number, batch)
    return state._replace(messages=state.messages | {message}, names=state.names | {message})


def producer_steps(state):
    for batch in BATCHES:
        if batch not in state.acked and state.sent[batch] < 2 and (batch == 0 or state.sent[batch - 1]):
            sent = state.sent[:batch] + (state.sent[batch] + 1,) + state.sent[batch + 1:]
            yield f"send {batch}", state._replace(sent=sent, batches=state.batches | {(batch, floor_of(state))})
    for batch in state.acks:
        yield f"lose the ack of {batch}", state._replace(acks=state.acks - {batch})
        yield f"hear the ack of {batch}", state._replace(acks=state.acks - {batch}, acked=state.acked | {batch})


def arrival_steps(rules, state):
    for message in state.batches:
        batch, floor = message
        rest = state._replace(batches=state.batches - {message})
        yield f"lose {batch}", rest
        for index, worker in enumerate(state.workers):
            after, acked = take(rules, worker, batch, floor)
            then = with_worker(rest, index, after)
            if rules["publish"] == "before" and after != worker:
                then = show(then, index, len(after.journal) + len(after.taken) - 1, batch)
            yield f"worker {index} takes {batch}", then._replace(acks=then.acks | ({batch} if acked else set()))


def commit_acks(rules, before, after):
    if rules["ack"] == "highest":
        return frozenset(range(max(after.journal) + 1))
    early = rules["publish"] == "committed"
    return frozenset(before.taken) if rules["ack"] == "durable" and (early or not rules["late_sync"]) else frozenset()


def journal_steps(rules, state):
    for index, worker in enumerate(state.workers):
        if worker.taken:
            after = commit(rules, worker)
            then = with_worker(state, index, after)
            yield f"worker {index} commits", then._replace(acks=then.acks | commit_acks(rules, worker, after))
        if worker.synced < len(worker.journal):
            then = with_worker(state, index, worker._replace(synced=len(worker.journal)))
            yield f"worker {index} syncs", then._replace(acks=then.acks | set(worker.journal[worker.synced:]))
        limit = len(worker.journal) if rules["publish"] == "committed" else worker.synced
        if rules["publish"] != "before" and worker.trimmed <= worker.shown < limit:
            then = with_worker(state, index, worker._replace(shown=worker.shown + 1))
            yield f"worker {index} publishes", show(then, index, worker.shown, worker.journal[worker.shown])
        if worker.trimmed < worker.synced:
            if rules["trim"] == "size" or place_of(rules, state, index)[1] > worker.trimmed:
                shown = max(worker.shown, worker.trimmed + 1)
                trimmed = worker._replace(trimmed=worker.trimmed + 1, shown=shown)
                yield f"worker {index} trims", with_worker(state, index, trimmed)


def fault_steps(rules, state):
    for index, worker in enumerate(state.workers):
        if state.crashes:
            dead = worker._replace(taken=(), shown=len(worker.journal))
            yield f"worker {index} dies", with_worker(state, index, dead)._replace(crashes=state.crashes - 1)
        if state.power:
            left = worker.journal[:worker.synced]
            dead = worker._replace(taken=(), journal=left, shown=len(left), highest=max(left, default=-1))
            yield f"worker {index} loses power", with_worker(state, index, dead)._replace(power=state.power - 1)
        # A disk takes with it what was not delivered; nothing is promised about that.
        if state.disks and worker.journal and not worker.taken and set(worker.journal) <= state.delivered:
            fresh = NEW._replace(epoch=worker.epoch + 1 if rules["new_epoch"] else worker.epoch)
            yield f"worker {index} gets a new disk", with_worker(state, index, fresh)._replace(disks=state.disks - 1)


def subscriber_steps(rules, state):
    for message in state.messages:
        yield "lose a publication", state._replace(messages=state.messages - {message})
        yield f"hear number {message[2]} of worker {message[0]}", hear(rules, state, message)
    if rules["head"]:
        for index, worker in enumerate(state.workers):
            seen = len(worker.journal) if rules["publish"] == "committed" else worker.synced
            after = deliver(rules, state, index, seen)
            if after != state:
                yield f"hear a HEAD of worker {index}", after


def steps(rules, state):
    yield from producer_steps(state)
    yield from arrival_steps(rules, state)
    yield from journal_steps(rules, state)
    yield from fault_steps(rules, state)
    yield from subscriber_steps(rules, state)


def can_finish(rules, state):
    """All in flight is lost and everybody starts again: does each batch come?"""
    state = state._replace(workers=tuple(worker._replace(taken=()) for worker in state.workers))
    for batch in BATCHES:
        if batch not in state.acked:
            worker, _ = take(rules, state.workers[0], batch, floor_of(state))
            state = with_worker(state, 0, commit(rules, worker))
    for index, worker in enumerate(state.workers):
        if rules["head"]:
            state = deliver(rules, state, index, len(worker.journal))
    return len(state.delivered) == len(BATCHES)


def what_is_bad(rules, state):
    named = {}
    for index, epoch, number, batch in state.names:
        if named.setdefault((index, epoch, number), batch) != batch:
            return f"number {number} of worker {index} names two batches"
    # Without HEADs nothing is fetched at the end; a batch that only waits for its first sending is no loss.
    if not can_finish(rules, state) and (rules["head"] or set(state.acked) - state.delivered):
        return "a batch can never come"
    return None


def search(rules):
    """(states seen, what is bad, the way there); the last two are None when nothing is."""
    first = start(rules)
    came_from = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        bad = what_is_bad(rules, state)
        if bad:
            way = []
            while came_from[state]:
                state, label = came_from[state]
                way.append(label)
            return len(came_from), bad, way[::-1]
        for label, after in steps(rules, state):
            if after not in came_from:
                came_from[after] = (state, label)
                queue.append(after)
    return len(came_from), None, None


VARIANTS = [
    ("right: a crash and a loss of power", True, dict(power=1)),
    ("right: the disk is late, and power is lost", True, dict(late_sync=True, power=1)),
    ("right: a disk is replaced", True, dict(disks=1)),
    ("right: two workers", True, dict(workers=2, crashes=0)),
    ("wrong: acknowledge what is received", False, dict(ack="received")),
    ("wrong: acknowledge up to the highest", False, dict(workers=2, ack="highest")),
    ("wrong: publish before the commit", False, dict(publish="before")),
    ("wrong: publish and acknowledge before the sync", False, dict(late_sync=True, publish="committed", power=1)),
    ("wrong: know repeats by the highest seq", False, dict(dedup="highest")),
    ("wrong: no HEAD", False, dict(head=False)),
    ("wrong: trim by size", False, dict(trim="size")),
    ("wrong: the same epoch on a new disk", False, dict(disks=1, new_epoch=False)),
]


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    faults = 0
    for name, right, changes in VARIANTS:
        if wanted not in name:
            continue
        begun = time.monotonic()
        seen, bad, way = search({**RULES, **changes})
        verdict = "no bad state" if bad is None else f"{bad}: {'; '.join(way)}"
        print(f"{name}: {seen} states in {time.monotonic() - begun:.1f} s, {verdict}", flush=True)
        faults += (bad is None) != right
    print("as it should be" if faults == 0 else f"{faults} variants are not as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
