#!/usr/bin/python3
"""The clients of one language over IPv6, plain and with CURVE: what was published before a durable subscriber came is
fetched, what is published afterwards comes by itself, and keys are found under the names of IPv6 addresses. A name that
has only IPv6 addresses is as good as one of them. All connections are probed while they are silent.

    test_ipv6.py python|node PAYTRIAGE BUILD_FOLDER [RESOLVER]

RESOLVER is the library tests/cli/shim_names.c.
"""
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import test_node

RESOLVER = pathlib.Path(sys.argv.pop(4)).resolve() if len(sys.argv) > 4 else None
# ld.so takes a path with a space in it for two, but no folder.
ENV = {**os.environ, **({"LD_PRELOAD": RESOLVER.name, "LD_LIBRARY_PATH": str(RESOLVER.parent)} if RESOLVER else {})}
PYTHON = test_node.ROOT / "clients" / "python"
BEFORE, AFTER, PATIENCE_S = 300, 10, 200
# What tail.mjs is for Node.js.
PYTHON_TAIL = """
import json, sys
import subscriber
keys = sys.argv.pop(1) or None
bus = subscriber.Subscriber(sys.argv[2:], ["retry.", "dead_letter."], sys.argv[1],
                            lambda topic, decision: print(json.dumps(decision), flush=True),
                            lambda text: print(text, file=sys.stderr, flush=True), keys)
while True:
    bus.step(200)
    bus.acknowledge()
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def require_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as fault:
        skip(f"this machine has no IPv6: {fault}")


class Python:
    def __init__(self, build):
        del build
        if subprocess.run([sys.executable, "-c", "import msgpack, zmq"], check=False, capture_output=True).returncode:
            skip("no msgpack or no zmq for Python")
        self.folder = PYTHON
        self.publisher = [sys.executable, "-B", "publisher.py"]

    def tail(self, keys, name, endpoints):
        return [sys.executable, "-B", "-c", PYTHON_TAIL, keys or "", name, *endpoints]


class Node:
    def __init__(self, build):
        self.folder = pathlib.Path(build) / "node-clients"
        test_node.install(self.folder)
        self.publisher = ["node", "publisher.mjs"]

    def tail(self, keys, name, endpoints):
        return ["node", "tail.mjs", *(["--curve", keys] if keys else []), name, *endpoints]


class Worker:
    """Broker and worker on ::1, but dead letters on 127.0.0.1, on ports that nobody has, below those that the kernel
    gives away."""

    def __init__(self, paytriage, folder, *options):
        for attempt in range(100):
            base = 10000 + (os.getpid() + attempt) % 1000 * 20
            self.base = base
            self.front, self.retry, self.dead_letter = (
                f"tcp://{host}:{base + above}" for host, above in (("[::1]", 0), ("[::1]", 10), ("127.0.0.1", 11)))
            if self.starts([paytriage, "run", "--bind", "::1", "--port-base", str(base), "--dead-letter", self.dead_letter,
                            "--journal", f"{folder}/journal", "--journal-size", "16M", "--http", "none", *options]):
                return
        raise SystemExit("no ports are free")

    def starts(self, command):
        said = []
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            said.append(line)
            if line.startswith("ready"):
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return True
        assert self.process.wait() == os.EX_UNAVAILABLE, "".join(said)
        return False

    def kill(self):
        self.process.kill()
        self.process.wait()


class Tail:
    def __init__(self, clients, keys, endpoints):
        self.ids, self.lines, self.words = [], queue.Queue(), []
        self.process = subprocess.Popen(clients.tail(keys, "six", endpoints), cwd=clients.folder, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV)
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()
        threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True).start()

    def read_until(self, count):
        while len(self.ids) < count:
            try:
                self.ids.append(json.loads(self.lines.get(timeout=PATIENCE_S))["id"])
            except queue.Empty:
                raise AssertionError(f"{len(self.ids)} of {count} came; it said: {''.join(self.words)}") from None


def publish(clients, keys, endpoint, first, count):
    lines = "\n" + "".join(json.dumps({"id": f"r{number}", "provider": "opn", "http_status": (503, 400)[number % 2]}) + "\n"
                    for number in range(first, first + count))
    options = ["--curve", keys] if keys else []
    done = subprocess.run([*clients.publisher, *options, endpoint], cwd=clients.folder, input=lines, text=True,
                          capture_output=True, timeout=PATIENCE_S, check=False, env=ENV)
    assert done.stderr == f"accepted {count}\n", done.stderr


def await_keepalive(ports):
    """The kernel probes each connection at these ports, at both of its ends: who only listens would otherwise wait for ever
    for a host that went without a word."""
    established, probing = "01", "02"
    deadline, at_rest = time.monotonic() + PATIENCE_S, False
    while not at_rest:
        assert time.monotonic() < deadline, f"a connection at {ports} is not probed: {timers}"
        timers = {port: [] for port in ports}
        for line in [*open("/proc/net/tcp"), *open("/proc/net/tcp6")]:
            _, here, there, state, _, timer, *_ = line.split()
            for port in {here.rpartition(":")[2], there.rpartition(":")[2]} & {f"{port:04X}" for port in ports}:
                if state == established:
                    timers[int(port, 16)].append(timer[:2])
        #  Now and then the timer is that of something on its way.
        at_rest = all(len(of_port) >= 2 and set(of_port) == {probing} for of_port in timers.values())


def exchange(clients, worker, producer_keys=None, subscriber_keys=None):
    publish(clients, producer_keys, worker.front, 0, BEFORE)
    tail = Tail(clients, subscriber_keys, [worker.retry, worker.dead_letter])
    try:
        tail.read_until(BEFORE)
        publish(clients, producer_keys, worker.front, BEFORE, AFTER)
        tail.read_until(BEFORE + AFTER)
        assert sorted(tail.ids) == sorted(f"r{number}" for number in range(BEFORE + AFTER)), tail.ids
        assert not tail.words, tail.words
        replay = worker.base + 14
        await_keepalive([worker.base + 10, worker.base + 11, replay])
    finally:
        tail.process.kill()
        tail.process.wait()


def plain(paytriage, clients, folder):
    worker = Worker(paytriage, folder)
    try:
        exchange(clients, worker)
    finally:
        worker.kill()


def named(paytriage, clients, folder):
    """A worker tells its replay endpoint as an address; the rest is looked up. Dead letters are at the IPv4 address of a
    name that has one of IPv6 too, which an IPv6 address on the same socket leaves alone."""
    worker = Worker(paytriage, folder)
    try:
        worker.front, worker.retry = (f"tcp://six.test:{worker.base + above}" for above in (0, 10))
        worker.dead_letter = f"tcp://both.test:{worker.base + 11}"
        exchange(clients, worker)
    finally:
        worker.kill()


def guarded(paytriage, clients, folder):
    """The server's key stands under HOST:PORT for the one and under HOST for the other; the default one is a stranger's."""
    def keygen(name, *options):
        subprocess.run([paytriage, "keygen", f"{folder}/{name}", *options], check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(folder, name)

    service, stranger = keygen("service"), keygen("stranger")
    shop, desk = (keygen(name, "--service", str(service), "--role", role)
                  for name, role in (("shop", "producer"), ("desk", "subscriber")))
    worker = Worker(paytriage, folder, "--curve", str(service))
    try:
        for client, names in (shop, [f"[::1]:{worker.base}"]), (desk, ["[::1]", "127.0.0.1"]):
            for name in names:
                shutil.copy(service / "own.key", client / f"servers/{name}.key")
            shutil.copy(stranger / "own.key", client / "servers/default.key")
        exchange(clients, worker, str(shop), str(desk))
    finally:
        worker.kill()


def main(language, paytriage, build):
    require_ipv6()
    clients = {"python": Python, "node": Node}[language](build)
    for part in (plain, guarded, *([named] if RESOLVER else [])):
        with tempfile.TemporaryDirectory(prefix="paytriage-test-") as folder:
            part(paytriage, clients, folder)
    print(f"{BEFORE + AFTER} responses over IPv6, and as many with keys{' and by name' if RESOLVER else ''}")


if __name__ == "__main__":
    main(*sys.argv[1:])
