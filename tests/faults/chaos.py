"""Three producers, two brokers, three workers with journals and four subscribers, one of them the Python client, as
processes that are killed, stopped, cut apart and started again: nothing that was accepted may be missing.

Usage: chaos.py PROGRAM LOAD [--seconds N] [--responses N] [--rate N] [--seed N] [--namespaces yes|no|auto]
                [--expect-loss] [--keep]

Runs for --seconds and until --responses are accepted, whichever is later. Brokers, workers and two of the
subscribers are killed; all may be stopped for a while; the third worker lives in a network namespace that is cut off
from the others, where this user may make one. What is delivered is counted in files that outlive their subscribers.
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PRODUCERS, BROKERS, WORKERS = 3, 2, 3
IDS = 1 << 24  # of one producer, as in load.c
QUEUES = ("settled", "retry", "dead-letter", "operator-alert", "replay")
PATIENCE_S = 120  # without any progress
SKIPPED = 77
CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"
PYTHON_PREFIX = "dead_letter.uapay."

_libc = ctypes.CDLL(None)


def die_with_parent():
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGKILL)


class Process:
    """One of the many: it can be started, killed, stopped and let go on."""

    def __init__(self, name, command, folder, inside=None):
        self.name, self.folder, self.lives = name, folder, 0
        self.command = (["ip", "netns", "exec", inside] if inside else []) + [str(part) for part in command]
        self.process, self.stopped_until = None, 0.0
        self.start()

    def start(self):
        self.lives += 1
        with open(self.folder / f"{self.name}.words", "ab") as words, open(self.folder / f"{self.name}.out", "ab") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=words,
                                            preexec_fn=die_with_parent)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, until):
        self.process.send_signal(signal.SIGSTOP)
        self.stopped_until = until

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        self.stopped_until = 0.0

    def end(self):
        """SIGTERM, and the last line of its output as JSON."""
        self.process.terminate()
        code = self.process.wait(timeout=PATIENCE_S)
        lines = (self.folder / f"{self.name}.out").read_text().splitlines()
        return code, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


class Namespace:
    """A network of its own at the other end of a cable; None where it cannot be made."""

    def __init__(self, number):
        self.name = f"ptchaos{number}"
        self.cable = f"ptc{number}"
        subnet = f"10.{200 + number % 50}.{number // 50 % 250}"
        self.here, self.there = f"{subnet}.1", f"{subnet}.2"

    def run(self, *command):
        return subprocess.run(["ip", *command], capture_output=True, text=True)

    def make(self):
        steps = [("netns", "add", self.name),
                 ("link", "add", self.cable, "type", "veth", "peer", "name", "far", "netns", self.name),
                 ("addr", "add", f"{self.here}/24", "dev", self.cable), ("link", "set", self.cable, "up"),
                 ("-n", self.name, "addr", "add", f"{self.there}/24", "dev", "far"),
                 ("-n", self.name, "link", "set", "far", "up"), ("-n", self.name, "link", "set", "lo", "up")]
        for step in steps:
            done = self.run(*step)
            if done.returncode:
                self.remove()
                return f"ip {' '.join(step)}: {done.stderr.strip()}"
        return None

    def cut(self, is_cut):
        self.run("-n", self.name, "link", "set", "far", "down" if is_cut else "up")

    def remove(self):
        self.run("link", "del", self.cable)
        self.run("netns", "del", self.name)


class Chaos:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.namespace, self.why_not = None, "not asked for"
        self.cut_until, self.events, self.faults = 0.0, {}, []
        if options.namespaces != "no":
            self.make_namespace()
        port = 20000 + os.getpid() % 600 * 20
        self.address = self.namespace.here if self.namespace else "127.0.0.1"
        self.fronts = [f"ipc://{folder}/front{i}" for i in range(BROKERS)]
        self.backs = [f"tcp://{self.address}:{port + i}" for i in range(BROKERS)]
        self.ports = [port + 4 + 5 * i for i in range(WORKERS)]

    def make_namespace(self):
        namespace = Namespace(os.getpid())
        self.why_not = namespace.make() if shutil.which("ip") else "there is no ip command"
        self.namespace = None if self.why_not else namespace

    def host(self, worker):
        return self.namespace.there if self.namespace and worker == WORKERS - 1 else "127.0.0.1"

    def endpoint(self, worker, queue):
        return f"tcp://{self.host(worker)}:{self.ports[worker] + QUEUES.index(queue)}"

    def start_all(self):
        program, load, folder = self.options.program, self.options.load, self.folder
        self.brokers = [Process(f"broker{i}", [program, "broker", "--front", self.fronts[i], "--back", self.backs[i],
                                                "--insecure-public-bind"], folder) for i in range(BROKERS)]
        self.workers = []
        for i in range(WORKERS):
            command = [program, "worker", "--journal", folder / f"journal{i}", "--journal-size", "512M", "--threads", "1",
                       "--commit-wait", "20ms", "--insecure-public-bind"]
            command += [f"--{queue}={self.endpoint(i, queue)}" for queue in QUEUES]
            for back in self.backs:
                command += ["--connect", back]
            inside = self.namespace.name if self.namespace and i == WORKERS - 1 else None
            self.workers.append(Process(f"worker{i}", command, folder, inside))
        publishers = [self.endpoint(i, queue) for i in range(WORKERS) for queue in ("retry", "dead-letter")]
        self.watchers = [Process(f"watch{i}", [load, "watch", "--name", f"watch{i}", "--counts", folder / f"counts{i}",
                                               "--prefix", "retry.", "--prefix", "dead_letter.",
                                               *(f"--publisher={publisher}" for publisher in publishers)], folder)
                         for i in range(3)]
        self.watchers.append(Process("watch3", ["/usr/bin/python3", "-B", pathlib.Path(__file__).with_name("chaos_watch.py"),
                                                CLIENTS, "watch3", folder / "counts3", IDS, PYTHON_PREFIX,
                                                *publishers], folder))
        #  What the workers need not keep before a subscriber's name is known to them is nobody's loss.
        self.await_names()
        self.producers = [Process(f"producer{i}", [load, "produce", "--name", i, "--rate", self.options.rate // PRODUCERS,
                                                   *(f"--broker={front}" for front in self.turned(self.fronts, i))],
                                  folder) for i in range(PRODUCERS)]

    @staticmethod
    def turned(items, number):
        number %= len(items)
        return items[number:] + items[:number]

    def await_names(self):
        """Every subscriber's name stands in every journal."""
        deadline = time.monotonic() + PATIENCE_S
        missing = {(i, j) for i in range(WORKERS) for j in range(len(self.watchers))}
        while missing and time.monotonic() < deadline:
            for i in range(WORKERS):
                listed = subprocess.run([self.options.program, "journal", "subscribers", "--journal",
                                         self.folder / f"journal{i}"], capture_output=True, text=True)
                missing -= {(i, j) for j in range(len(self.watchers)) if f"watch{j}" in listed.stdout}
            signal.sigtimedwait([signal.SIGUSR1], 0.1)
        if missing:
            raise RuntimeError(f"names that no worker knows: {sorted(missing)}")

    #  ---- what happens

    def note(self, what):
        self.events[what] = self.events.get(what, 0) + 1

    def restart(self, kind, process):
        if process.stopped_until:
            process.go_on()
        process.kill()
        process.start()
        self.note(f"{kind} killed")

    def happen(self, now):
        longest = 10.0 if self.options.seconds >= 60 else 2.0
        choice = self.random.random()
        #  What a switched-off rule loses is lost when a worker dies, and not every time.
        if choice < (0.7 if self.options.expect_loss else 0.35):
            self.restart("worker", self.random.choice(self.workers))
        elif choice < 0.5:
            self.restart("broker", self.random.choice(self.brokers))
        elif choice < 0.6:
            self.restart("subscriber", self.random.choice(self.watchers[2:]))
        elif choice < 0.9 or not self.namespace:
            process = self.random.choice(self.workers + self.brokers + self.watchers + self.producers)
            if not process.stopped_until:
                process.stop(now + 0.1 + (longest - 0.1) * self.random.random() ** 3)
                self.note("process stopped")
        elif not self.cut_until:
            self.namespace.cut(True)
            self.cut_until = now + 0.5 + longest / 2 * self.random.random()
            self.note("network cut")

    def heal(self, now):
        for process in self.workers + self.brokers + self.watchers + self.producers:
            if process.stopped_until and process.stopped_until <= now:
                process.go_on()
        if self.cut_until and self.cut_until <= now:
            self.namespace.cut(False)
            self.cut_until = 0.0

    def check_alive(self):
        for process in self.workers + self.brokers + self.watchers + self.producers:
            if process.process.poll() is not None:
                self.faults.append(f"{process.name} ended by itself with {process.process.returncode}")
                process.start()

    def next_wake(self, now, next_event):
        ends = [process.stopped_until for process in self.workers + self.brokers + self.watchers + self.producers
                if process.stopped_until]
        return max(0.0, min([next_event, *([self.cut_until] if self.cut_until else []), *ends]) - now)

    def rage(self):
        """Let things happen until the time is over and enough has been put."""
        started = time.monotonic()
        enough = max(self.options.seconds, self.options.responses / self.options.rate)
        next_event = started + 1.0
        while time.monotonic() - started < enough:
            now = time.monotonic()
            self.heal(now)
            self.check_alive()
            if now >= next_event:
                self.happen(now)
                next_event = now + self.random.uniform(0.1, 0.5 if self.options.expect_loss else 1.2)
            #  A signal would end the wait; there is nothing else to wait for than the next event.
            signal.sigtimedwait([signal.SIGUSR1], self.next_wake(now, next_event))
        self.heal(float("inf"))
        return time.monotonic() - started

    #  ---- what came out

    def counts(self, watcher):
        path = self.folder / f"counts{watcher}"
        return path.read_bytes() if path.exists() else b""

    def wanted(self, watcher, producer, put):
        """Slices of a producer's counts whose decisions this subscriber has to get."""
        start, end = producer * IDS, producer * IDS + put
        if watcher == 3:
            return [slice(start + 3, end, 20)]
        return [slice(start + 1, end, 2)]

    def judge(self, watcher, puts):
        """How many decisions came, are missing, and came again."""
        counts = self.counts(watcher)
        came = missing = again = 0
        for producer, put in enumerate(puts):
            for part in self.wanted(watcher, producer, put):
                here = counts[part]
                lost = here.count(0)
                came += len(here) - lost
                missing += lost
                again += sum(here) - (len(here) - lost)
        return came, missing, again

    def await_all(self, puts):
        """Wait until nothing is missing, or nothing comes any more."""
        best, since = None, time.monotonic()
        while time.monotonic() - since < (10 if self.options.expect_loss else PATIENCE_S / 2):
            results = [self.judge(watcher, puts) for watcher in range(len(self.watchers))]
            missing = sum(result[1] for result in results)
            if missing == 0:
                break
            if best is None or missing < best:
                best, since = missing, time.monotonic()
            self.check_alive()
            signal.sigtimedwait([signal.SIGUSR1], 0.5)
        return results

    def run(self):
        raged = self.rage()
        produced = [producer.end() for producer in self.producers]
        self.producers = []
        totals = {key: sum(last.get(key, 0) for _, last in produced)
                  for key in ("put", "accepted", "refused", "resent", "busy")}
        results = self.await_all([last.get("put", 0) for _, last in produced])
        watched = [watcher.end() for watcher in self.watchers]
        drained = [worker.end()[0] for worker in self.workers]
        for broker in self.brokers:
            broker.end()
        self.report(raged, totals, results, watched)
        if totals["accepted"] != totals["put"] or any(code for code, _ in produced):
            self.faults.append(f"of {totals['put']} responses {totals['accepted']} were accepted")
        if any(drained):
            self.faults.append(f"workers drained with {drained}")
        return self.verify_journals()

    def report(self, raged, totals, results, watched):
        print(f"seed {self.options.seed}, {raged:.0f} s: {totals['accepted']} responses accepted, "
              f"{totals['resent']} batches resent, {totals['busy']} refused as busy for a while")
        print("events: " + ", ".join(f"{count} × {what}" for what, count in sorted(self.events.items())))
        print(f"network namespace: {'used' if self.namespace else 'skipped: ' + str(self.why_not)}")
        for number, (came, missing, again) in enumerate(results):
            _, last = watched[number]
            lives = self.watchers[number].lives
            print(f"subscriber {number} ({'Python, ' if number == 3 else ''}{lives} lives): {came} decisions, {missing} lost,"
                  f" {again} came again; in its last life {last.get('fetched', '-')} fetched,"
                  f" {last.get('repeats', '-')} repeats removed, {last.get('missed', '-')} in gaps")
            if missing:
                self.faults.append(f"subscriber {number} misses {missing} decisions")
            #  One that lived through all of it has removed every repeat; a new life gets again what it had
            #  not acknowledged, and does not know what it was given before.
            if again and lives == 1:
                self.faults.append(f"subscriber {number} got {again} decisions again, in one life")
            if last.get("missed") or last.get("malformed") or last.get("strange"):
                self.faults.append(f"subscriber {number}: {last}")
            if again > totals["resent"] * 256 + (lives - 1) * 100000:
                self.faults.append(f"subscriber {number} got {again} decisions again, more than resends explain")

    def verify_journals(self):
        for number in range(WORKERS):
            done = subprocess.run([self.options.program, "journal", "verify", "--journal",
                                   self.folder / f"journal{number}"], capture_output=True, text=True)
            if done.returncode:
                self.faults.append(f"journal {number}: {done.stdout}{done.stderr}")
        for name in [process.name for process in self.watchers]:
            for line in (self.folder / f"{name}.words").read_text().splitlines():
                if line.startswith(("GAP", "FAULT", "LOST")):
                    self.faults.append(f"{name}: {line}")
        for fault in self.faults[:20]:
            print(f"FAULT: {fault}")
        return 1 if self.faults else 0

    def close(self):
        for name in ("producers", "watchers", "workers", "brokers"):
            for process in getattr(self, name, []):
                if process.process.poll() is None:
                    process.process.kill()
                    process.process.wait()
        if self.namespace:
            self.namespace.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("load")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--responses", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=36_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--namespaces", choices=("yes", "no", "auto"), default="auto")
    parser.add_argument("--expect-loss", action="store_true", help="a rule is switched off, and it has to show")
    parser.add_argument("--keep", action="store_true", help="keep the folder with journals and words")
    options = parser.parse_args()
    try:
        import msgpack  # noqa: F401
        import zmq  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error}")
        return SKIPPED
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-chaos-", dir=base))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    chaos = None
    try:
        chaos = Chaos(options, folder)
        if options.namespaces == "yes" and not chaos.namespace:
            print(f"no network namespace: {chaos.why_not}")
            return 1
        chaos.start_all()
        code = chaos.run()
        return 1 - code if options.expect_loss else code
    finally:
        if chaos:
            chaos.close()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
