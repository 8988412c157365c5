"""The Python client as a subscriber of chaos.py: counts in a file how often each response's decision came.

Usage: chaos_watch.py CLIENTS_DIR NAME COUNTS IDS PREFIX,… PUBLISHER…
"""

import mmap
import signal
import sys

sys.path.insert(0, sys.argv[1])
import subscriber  # noqa: E402

PRODUCERS = 3


def main(name, path, ids, prefixes, *publishers):
    ids = int(ids)
    with open(path, "a+b") as file:
        file.truncate(PRODUCERS * ids)
        counts = mmap.mmap(file.fileno(), PRODUCERS * ids)

    def deliver(_topic, decision):
        producer, number = decision["id"][1:].split("-")
        place = int(producer) * ids + int(number)
        counts[place] = min(counts[place] + 1, 255)

    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    bus = subscriber.Subscriber(publishers, prefixes.split(","), name, deliver,
                                lambda text: print(text, file=sys.stderr, flush=True))
    while not stopped:
        bus.step(timeout_ms=100)
        bus.acknowledge()


if __name__ == "__main__":
    main(*sys.argv[2:])
