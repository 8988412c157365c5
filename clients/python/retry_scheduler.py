#!/usr/bin/python3
"""A retry scheduler to start from. Retries go into SQLite and are printed, one JSON object a line, when they are due;
a dead letter for the same response cancels one. What is in the store is acknowledged, so nothing is lost when this
process dies, whatever moment it chooses; a retry that was printed just before may be printed again.

    retry_scheduler.py [--curve KEYS] STORE.sqlite NAME tcp://127.0.0.1:5570 tcp://127.0.0.1:5571
"""
import base64
import json
import sqlite3
import sys
import time

import subscriber

SCHEMA = """CREATE TABLE IF NOT EXISTS retries (
    producer TEXT, id TEXT, attempt INTEGER, due_ms INTEGER, done INTEGER DEFAULT 0, decision TEXT,
    PRIMARY KEY (producer, id, attempt)) WITHOUT ROWID"""


def as_json(value):  # `raw` is the one value that is no text
    return base64.b64encode(value).decode()


class Scheduler:
    def __init__(self, path):
        self.store = sqlite3.connect(path, isolation_level=None)
        self.store.execute("PRAGMA journal_mode=WAL")
        self.store.execute("PRAGMA synchronous=FULL")
        self.store.execute(SCHEMA)
        self.store.execute("CREATE INDEX IF NOT EXISTS due ON retries (done, due_ms)")
        self.store.execute("BEGIN")

    def take(self, topic, decision):
        name = (decision["producer"], decision["id"], decision["attempt"])
        if topic.startswith("dead_letter."):
            cancel = "INSERT INTO retries VALUES (?, ?, ?, 0, 1, NULL) ON CONFLICT DO UPDATE SET done = 1"
            self.store.execute(cancel, name)
        elif topic.startswith("retry."):
            row = (*name, decision["retry"]["next_at_ms"], json.dumps(decision, default=as_json))
            self.store.execute("INSERT OR IGNORE INTO retries VALUES (?, ?, ?, ?, 0, ?)", row)

    def print_due(self):
        now_ms = int(time.time() * 1000)
        due = self.store.execute("SELECT producer, id, attempt, decision FROM retries WHERE done = 0 AND due_ms <= ?",
                                 (now_ms,)).fetchall()
        for *name, decision in due:
            print(decision)
            self.store.execute("UPDATE retries SET done = 1 WHERE producer = ? AND id = ? AND attempt = ?", name)
        sys.stdout.flush()

    def commit(self):
        self.store.execute("COMMIT")
        self.store.execute("BEGIN")


def main(path, name, *publishers, keys=None):
    scheduler = Scheduler(path)
    bus = subscriber.Subscriber(publishers, ["retry.", "dead_letter."], name, scheduler.take,
                                lambda text: print(text, file=sys.stderr), keys)
    while True:
        bus.step(timeout_ms=200)
        scheduler.print_due()
        scheduler.commit()
        bus.acknowledge()


if __name__ == "__main__":
    options, keys = sys.argv[1:], None
    if options[:1] == ["--curve"]:
        keys, options = options[1] if len(options) > 1 else None, options[2:]
    if len(options) < 3:
        sys.exit(__doc__)
    try:
        main(*options, keys=keys)
    except KeyboardInterrupt:
        pass
