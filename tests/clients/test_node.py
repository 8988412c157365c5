#!/usr/bin/python3
"""The Node.js clients: the golden vectors, and a real worker that dies in between, with a subscriber that dies as well:
everything that was published is delivered, and nothing is told as lost. The same with keys, of which the service's changes.

    test_node.py PAYTRIAGE BUILD_FOLDER
"""
import collections
import json
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "clients" / "node"
RESPONSES, PATIENCE_S = 3000, 200
QUEUES = ("settled", "retry", "dead-letter", "operator-alert")
#  A wall clock that is set back by an hour each time that it is read: nothing waits by it.
CLOCK = "let now = Date.now(); Date.now = () => (now -= 3600000);\n"


def install(folder):
    """The clients and their packages in a folder of the build, and the clock that live() gives them."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("skipped: no node or no npm")
        sys.exit(77)
    folder.mkdir(parents=True, exist_ok=True)
    for path in CLIENTS.iterdir():
        shutil.copy(path, folder)
    (folder / "clock.cjs").write_text(CLOCK)
    if (folder / "node_modules" / "zeromq").exists():
        return
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"],
                          cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        print(f"skipped: npm installs nothing here: {done.stderr[-500:]}")
        sys.exit(77)


def at_odd_times(options):
    """For clients without keys: one thing at a time."""
    return [] if options else ["--require", "./clock.cjs"]


class Worker:
    def __init__(self, paytriage, folder, *options):
        self.command = [paytriage, "run", "--threads", "2", "--journal", f"{folder}/journal", "--journal-size", "64M",
                        "--http", "none", *options]
        for name in ("front", "replay", *QUEUES):
            self.command += [f"--{name}", f"ipc://{folder}/{name}"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("ready"):
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return
        raise SystemExit("the worker did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Tail:
    """The subscriber as a process; what it prints goes into `ids`."""

    def __init__(self, clients, folder, *options):
        command = ["node", *at_odd_times(options), "tail.mjs", *options, "node-desk", f"ipc://{folder}/retry",
                   f"ipc://{folder}/dead-letter"]
        self.ids, self.lines, self.words = collections.Counter(), queue.Queue(), []
        self.process = subprocess.Popen(command, cwd=clients, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()
        self.said = threading.Semaphore(0)
        threading.Thread(target=self.read_words, daemon=True).start()

    def read_words(self):
        for word in self.process.stderr:
            self.words.append(word)
            self.said.release()

    def wait_for_word(self):
        assert self.said.acquire(timeout=PATIENCE_S), "tail.mjs said nothing"

    def read_until(self, done):
        while not done():
            decision = json.loads(self.lines.get(timeout=PATIENCE_S))
            assert isinstance(decision["decided_ms"], int)
            self.ids[decision["id"]] += 1

    def kill(self):
        self.process.kill()
        self.process.wait()


def publish(clients, folder, first, count, *options):
    """Start a publisher with its lines; finish() gives its last word."""
    command = ["node", *at_odd_times(options), "publisher.mjs", *options, f"ipc://{folder}/front"]
    process = subprocess.Popen(command, cwd=clients, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [json.dumps({"id": f"r{number}", "provider": ("smilepayz", "opn")[number % 2], "operation": "pay_in",
                         "http_status": (503, 400)[number % 3 == 0], "received_ms": 1760000000000 + number}) + "\n"
             for number in range(first, first + count)]
    process.stdin.write("".join(lines[:count // 2]))
    process.stdin.flush()
    return lambda: process.communicate("".join(lines[count // 2:]), timeout=PATIENCE_S)[1]


def live(paytriage, clients, folder):
    worker, tails = Worker(paytriage, folder), []
    try:
        finish = publish(clients, folder, 0, RESPONSES)  # nobody listens yet
        said = finish()
        assert said == f"accepted {RESPONSES}\n", said
        tails.append(Tail(clients, folder))
        tails[0].read_until(lambda: len(tails[0].ids) == RESPONSES)
        assert max(tails[0].ids.values()) == 1, tails[0].ids.most_common(3)

        finish = publish(clients, folder, RESPONSES, RESPONSES)  # the worker dies, both clients stay
        tails[0].read_until(lambda: len(tails[0].ids) > RESPONSES)
        worker.kill()
        worker.start()
        said = finish()
        assert said == f"accepted {RESPONSES}\n", said
        tails[0].read_until(lambda: len(tails[0].ids) == 2 * RESPONSES)
        assert max(tails[0].ids.values()) == 1, tails[0].ids.most_common(3)

        tails[0].kill()  # its name goes on behind what it acknowledged
        assert publish(clients, folder, 2 * RESPONSES, 10)() == "accepted 10\n"
        tails.append(Tail(clients, folder))
        tails[1].read_until(lambda: f"r{2 * RESPONSES + 9}" in tails[1].ids)
        words = [line for tail in tails for line in tail.words]
        assert not words, words
        print(f"{2 * RESPONSES + 10} responses, each delivered")
    finally:
        worker.kill()
        for tail in tails:
            tail.kill()


def unjournaled(paytriage, clients, folder):
    """A worker without a journal that starts anew is told of, and heard again."""
    worker, tails = Worker(paytriage, folder, "--journal", "none"), []

    def is_heard():
        for first in range(0, 100 * RESPONSES, 10):
            assert publish(clients, folder, first, 10)() == "accepted 10\n"
            if not tails[0].lines.empty():
                return True
        return False

    try:
        tails.append(Tail(clients, folder))
        assert is_heard() and not tails[0].words, tails[0].words
        worker.kill()
        tails[0].read_until(tails[0].lines.empty)
        worker.start()
        assert is_heard()
        tails[0].wait_for_word()
        assert {word for word in tails[0].words if not word.startswith("LOST")} == {
            "a connection was lost and is back; what a worker without a journal published meanwhile did not arrive\n"}
        print("a worker without a journal that started anew was told of")
    finally:
        worker.kill()
        for tail in tails:
            tail.kill()


def guarded(paytriage, clients, folder):
    """With keys: both are let in, also after the service has changed its own; who is nobody's is not, nor an open secret."""
    def keygen(name, *options):
        subprocess.run([paytriage, "keygen", f"{folder}/{name}", *options], check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(folder, name)

    service, fresh, stranger = keygen("service"), keygen("fresh"), keygen("stranger")
    shop, desk = (keygen(name, "--service", str(service), "--role", role)
                  for name, role in (("shop", "producer"), ("desk", "subscriber")))
    worker, tails = Worker(paytriage, folder, "--curve", str(service)), []
    try:
        tails.append(Tail(clients, folder, "--curve", str(desk)))
        assert publish(clients, folder, 0, 10, "--curve", str(shop))() == "accepted 10\n"
        tails[0].read_until(lambda: len(tails[0].ids) == 10)

        shutil.copy(service / "own.key", stranger / "servers/default.key")
        for options in (), ("--curve", str(stranger)), ("--curve", str(desk)):
            outside = subprocess.Popen(["node", "publisher.mjs", *options, f"ipc://{folder}/front"], cwd=clients,
                                       stdin=subprocess.PIPE)
            outside.stdin.write(b'{"id": "outside", "provider": "opn", "http_status": 503}\n')
            outside.stdin.close()
            tails.append(outside)

        for client in shop, desk:
            shutil.copy(fresh / "own.key", client / "servers/default.key")
        for name in ("own.key_secret", "own.key"):
            shutil.copy(fresh / name, service / f".{name}")
            (service / f".{name}").rename(service / name)
        assert publish(clients, folder, 10, 10, "--curve", str(shop))() == "accepted 10\n"
        tails[0].read_until(lambda: len(tails[0].ids) == 20)
        assert "outside" not in tails[0].ids and not tails[0].words, (tails[0].ids, tails[0].words)
        assert all(outside.poll() is None for outside in tails[1:]), "somebody came in without a key"

        (shop / "own.key_secret").chmod(0o644)
        assert "can be read by others; run: chmod go=" in publish(clients, folder, 20, 0, "--curve", str(shop))()
        (desk / "servers/default.key").chmod(0o666)
        changed = subprocess.run(["node", "tail.mjs", "--curve", str(desk), "desk", f"ipc://{folder}/retry"], cwd=clients,
                                 capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert "can be changed by others; run: chmod go-w" in changed.stderr, changed.stderr
        print("20 responses with keys, none without")
    finally:
        worker.kill()
        for tail in tails:
            tail.kill()


def main(paytriage, build):
    for path in CLIENTS.glob("*.mjs"):  # short enough to be read before it is copied
        assert len(path.read_text().splitlines()) <= 150, path
    clients = pathlib.Path(build) / "node-clients"
    install(clients)
    subprocess.run(["node", ROOT / "tests/clients/vectors.mjs", clients, ROOT / "tests/vectors"], check=True)
    for name in "reasons", "returns", "requests":
        subprocess.run(["node", ROOT / f"tests/clients/{name}.mjs", clients], check=True)
    for part in live, unjournaled, guarded:
        with tempfile.TemporaryDirectory(prefix="paytriage-test-") as folder:
            part(paytriage, clients, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
