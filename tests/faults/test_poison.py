#!/usr/bin/python3
"""A batch that ends the worker's process twice is kept raw by the third, which goes on; all others are decided as ever.

    test_poison.py PAYTRIAGE-FAULTS
"""

import base64
import os
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
try:
    import msgpack
    import zmq
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import support

WORD = "poisonword"  # whoever reads a batch with it ends at once, after the batch's slot is marked
ENDED = 137
BATCH, BATCHES = 4, 5
POISON = 6  # the response; its batch is the second


def responses():
    for number in range(BATCH * BATCHES):
        yield {"id": f"r{number}", "provider": "opn", "operation": "pay_in", "http_status": 503,
               "reference": WORD if number == POISON else "plain"}


def check_kept(folder):
    """What the journal holds: each response once, those of the poisoned batch as they came."""
    code, out, words = support.run("journal", "export", "--journal", f"{folder}/journal")
    assert code == 0, words
    kept = [entry for entry in support.json_lines(out) if not entry["topic"].startswith("operator_alert.")]
    alerts = [entry for entry in support.json_lines(out) if entry["topic"].startswith("operator_alert.")]
    sent = list(responses())
    first = POISON // BATCH * BATCH
    raw = sent[first : first + BATCH]
    poisoned = [entry for entry in kept if entry["decision"]["match"] == "invalid"]
    assert [msgpack.unpackb(base64.b64decode(entry["decision"]["raw"])) for entry in poisoned] == raw, poisoned
    for entry in poisoned:
        assert entry["topic"] == "dead_letter.-.", entry
        assert entry["decision"]["error"].startswith("poison"), entry
        assert entry["decision"]["id"] in [alert["decision"]["id"] for alert in alerts], "nobody is told"
    others = [entry["decision"]["id"] for entry in kept if entry not in poisoned]
    assert sorted(others) == sorted(response["id"] for response in sent if response not in raw), others


class Bench:
    """A worker whose reading of a word is its end, and what it is given."""
    def __init__(self, folder):
        self.folder, self.front = folder, f"ipc://{folder}/front"
        options = [f"--{name}=ipc://{folder}/{name}" for name in
                   ("front", "replay", "settled", "retry", "dead-letter", "operator-alert")]
        self.command = ["run", "--threads", "2", "--journal", f"{folder}/journal", "--journal-size", "64M",
                        "--alert-window", "0s", *options]

    def start(self):
        quiet = {name: support.subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
        return support.start(*self.command, env={**os.environ, "PAYTRIAGE_FAULT_BYTES": WORD}, **quiet)

    def die_twice(self):
        for start in (1, 2):
            ended = self.start().wait()
            assert ended == ENDED, f"start {start} ended with {ended}"
        return self.start()


def batches_of_a_producer(bench, window):
    """With a wide window innocent batches are read beside the guilty one when the worker dies."""
    lines = pathlib.Path(bench.folder, "responses")
    lines.write_bytes(support.lines_of(responses()))
    with lines.open("rb") as data:
        sender = support.start("send", "--connect", bench.front, "--batch", str(BATCH), "--window", str(window),
                               stdin=data)
    third = bench.die_twice()
    words = sender.communicate()[1].decode()
    assert sender.returncode == 0, words
    third.send_signal(signal.SIGTERM)
    ended = third.wait()
    assert ended == 0, f"the third ended with {ended}"
    check_kept(bench.folder)


def a_plain_request(bench):
    """It has no name; it is known by its bytes when its client asks again."""
    client = zmq.Context.instance().socket(zmq.DEALER)
    client.linger = 0
    client.connect(bench.front)
    request = msgpack.packb({"id": "plain", "provider": "opn", "reference": WORD})
    for start in (1, 2):
        worker = bench.start()
        client.send_multipart([request])
        assert worker.wait() == ENDED, start
    third = bench.start()
    client.send_multipart([request])
    assert client.poll(1000 * support.PATIENCE_S) and client.recv_multipart() == [msgpack.packb([1, "ACK", 1])]
    third.send_signal(signal.SIGTERM)
    assert third.wait() == 0
    _, out, _ = support.run("journal", "export", "--journal", f"{bench.folder}/journal")
    kept = [entry for entry in support.json_lines(out) if entry["topic"] == "dead_letter.-."]
    assert [base64.b64decode(entry["decision"]["raw"]) for entry in kept] == [request], out


def main():
    support.PROGRAM = os.path.abspath(sys.argv[1])
    for attempt in (lambda bench: batches_of_a_producer(bench, 1), lambda bench: batches_of_a_producer(bench, 5),
                    a_plain_request):
        with tempfile.TemporaryDirectory(prefix="paytriage-poison-") as folder:
            attempt(Bench(folder))


if __name__ == "__main__":
    main()
