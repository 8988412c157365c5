#!/usr/bin/python3
"""The retry scheduler with a worker that looks into its store: what is acknowledged is there, what is due is printed once, also
when the worker repeats it to a scheduler that was killed, and a dead letter cancels a retry, whichever comes first.

    test_scheduler.py
"""
import contextlib
import sqlite3
import sys
import tempfile

try:
    import fake_worker
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RETRY, DEAD = "retry.opn.", "dead_letter.opn."
NEVER_MS = 2 ** 52


class Scheduler(fake_worker.Python):
    def __init__(self, store):
        super().__init__(None, None)
        self.store = store

    def tail(self, endpoint):
        return [sys.executable, "-B", "retry_scheduler.py", self.store, "desk", endpoint]

    def rows(self):
        """What another process finds committed: id and whether it is done."""
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
            return dict(store.execute("SELECT id, done FROM retries"))


class Worker(fake_worker.Worker):
    def watch(self, scheduler):
        self.scheduler = scheduler
        return self

    def suback(self, request, name, epoch, places):
        for topic, seq in places:
            safe, rows = {one["id"] for one in self.topics[topic].decisions[:seq - 1]}, self.scheduler.rows()
            assert safe <= set(rows), f"{safe - set(rows)} acknowledged, and not committed"
        return super().suback(request, name, epoch, places)


def retry(name, at_ms=0):
    return fake_worker.decision(name, retry={"next_at_ms": at_ms})


def dead(name):
    return fake_worker.decision(name, route="dead_letter")


def publish(worker, tail, topic, *decisions):
    """And wait until they are acknowledged."""
    worker.topics.setdefault(topic, fake_worker.Topic()).decisions += decisions
    worker.tell(topic)
    worker.await_positions(tail)


def main(folder):
    scheduler = Scheduler(f"{folder}/store.sqlite")
    worker = Worker(folder).watch(scheduler)
    tail = fake_worker.Tail(scheduler, worker.endpoint)
    try:
        worker.await_subscriber(tail)
        publish(worker, tail, RETRY, retry("due"), retry("later", NEVER_MS), retry("never", NEVER_MS))
        worker.await_ids(tail, "due")
        publish(worker, tail, DEAD, dead("never"), dead("first"))
        publish(worker, tail, RETRY, retry("first"), retry("second"))
        worker.await_ids(tail, "due", "second")
        assert scheduler.rows() == {"due": 1, "later": 0, "never": 1, "first": 1, "second": 1}, scheduler.rows()

        tail.kill()
        for topic in worker.topics.values():
            topic.position = 1  # as if no acknowledgement had arrived
        worker.subscriptions.clear()
        tail = fake_worker.Tail(scheduler, worker.endpoint)
        worker.await_subscriber(tail)
        worker.tell(DEAD)
        publish(worker, tail, RETRY, retry("third"))
        worker.await_ids(tail, "third")
        assert not tail.words, tail.words
        print("what is acknowledged is safe, and what is due is printed once")
    finally:
        tail.kill()
        worker.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="paytriage-test-") as temporary:
        main(temporary)
