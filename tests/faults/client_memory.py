"""`send` and `tail`, while the n-th allocation of theirs fails: they end, with a reason, and what they say is true.

Usage: client_memory.py PROGRAM SHIM [--all]
"""

import concurrent.futures
import itertools
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

LINES = 300
LIMIT = 200
HANGS_S = 60


def run(shim, number, *args, data=b""):
    """Exit code, output and words of a run whose allocation number `number` fails."""
    environment = {**os.environ, **support.preloading(shim), "PT_SHIM_FAIL": f"malloc:{number}"}
    try:
        done = subprocess.run([support.PROGRAM, *args], input=data, capture_output=True, env=environment,
                              timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Bus(support.Bus):
    """With a journal, so that there is something to fetch."""

    def start_worker(self):
        options = [f"--{name.replace('_', '-')}={endpoint}" for name, endpoint in self.queues.items()]
        options += [f"--journal={self.folder}/journal", "--journal-size=64M", f"--replay={self.endpoint('replay')}"]
        return support.Daemon("worker", "--connect", self.back, "--threads", "2", *options)


def judge(code, words):
    """What is wrong with an end, or None."""
    if code is None:
        return "hangs"
    if code == 0 or code == -signal.SIGABRT:  # libzmq and CZMQ end a process that has no memory
        return None
    if 64 <= code <= 78 and any(line.startswith("paytriage: ") for line in words.splitlines()):
        return None
    return f"ended with {code}: {words[-300:]}"


def send(bus, shim, number):
    name = f"n{number}"
    lines = support.lines_of({"id": f"{name}-{i}", "provider": "nobody", "http_status": 503} for i in range(LINES))
    code, _, words = run(shim, number, "send", "--connect", bus.front, "--timeout", "10s", data=lines)
    fault = judge(code, words)
    if not fault and code == 0 and f"{LINES} accepted" not in words:
        fault = f"ended well and says: {words[-300:]}"
    return "send", number, code, fault


def tail(bus, shim, number):
    code, out, words = run(shim, number, "tail", "--since-start", "--route", "retry", "--connect", bus.queues["retry"],
                           "--count", "5", "--timeout", "10s", "-o", "jsonl")
    fault = judge(code, words)
    if not fault and code == 0 and len(support.json_lines(out)) != 5:
        fault = f"ended well after {out!r}"
    return "tail", number, code, fault


def main():
    support.PROGRAM, shim = (os.path.abspath(path) for path in sys.argv[1:3])
    step = 1 if "--all" in sys.argv[3:] else 9
    numbers = list(range(1, 30)) + list(range(30, LIMIT + 1, step))
    ends, faults = {}, 0
    with Bus() as bus, concurrent.futures.ThreadPoolExecutor(6) as pool:
        code, _, words = support.run("send", "--connect", bus.front,
                                     data=support.lines_of([support.WARM_UP["retry"]] * 20))
        assert code == 0, words
        jobs = [pool.submit(work, bus, shim, number) for number, work in itertools.product(numbers, (send, tail))]
        for job in jobs:
            command, number, code, fault = job.result()
            ends[command, code] = ends.get((command, code), 0) + 1
            if fault:
                faults += 1
                print(f"{command}, allocation {number}: {fault}")
        assert bus.worker.stop() == 0
    for (command, code), count in sorted(ends.items(), key=str):
        print(f"{command}: {count} ended with {code}")
    print(f"{len(jobs)} runs, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
