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


def main():
    support.PROGRAM = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="paytriage-poison-") as folder:
        front = f"ipc://{folder}/front"
        options = [f"--{name}=ipc://{folder}/{name}" for name in
                   ("front", "replay", "settled", "retry", "dead-letter", "operator-alert")]
        worker = ["run", "--workers", "2", "--journal", f"{folder}/journal", "--journal-size", "16M", *options]
        environment = {**os.environ, "PAYTRIAGE_FAULT_BYTES": WORD}
        quiet = {"stdin": support.subprocess.DEVNULL, "stdout": support.subprocess.DEVNULL,
                 "stderr": support.subprocess.DEVNULL}
        lines = pathlib.Path(folder, "responses")
        lines.write_bytes(support.lines_of(responses()))
        with lines.open("rb") as data:
            sender = support.start("send", "--connect", front, "--batch", str(BATCH), "--window", "1", stdin=data)
        for start in (1, 2):
            ended = support.start(*worker, env=environment, **quiet).wait()
            assert ended == ENDED, f"start {start} ended with {ended}"
        third = support.start(*worker, env=environment, **quiet)
        words = sender.communicate()[1].decode()
        assert sender.returncode == 0, words
        third.send_signal(signal.SIGTERM)
        ended = third.wait()
        assert ended == 0, f"the third ended with {ended}"
        check_kept(folder)


if __name__ == "__main__":
    main()
