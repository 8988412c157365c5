"""Who may come in: real peers with the right key, the wrong one, none, and another role; neighbours are served on."""

import json
import os
import pathlib
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import zlib

import support

try:
    import msgpack
    import zmq
    import zmq.auth
    from zmq.utils.monitor import recv_monitor_message
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(support.SKIPPED)

CLIENTS = support.SOURCE / "clients/python"
sys.path.insert(0, str(CLIENTS))
import subscriber

NO_DETAIL, SUCCEEDED, PROTOCOL, AUTH, DISCONNECTED = 0x800, 0x1000, 0x2000, 0x4000, 0x200
RESPONSE = {"provider": "opn", "http_status": 503}


class Keys:
    """A service's folder and its clients', made by keygen."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.folder = pathlib.Path(self._folder.name)
        self.service = self.keygen("service")

    def keygen(self, name, *args):
        path = self.folder / name
        code, out, words = support.run("keygen", str(path), *args)
        assert (code, words) == (0, ""), words
        return path

    def client(self, name, role):
        return self.keygen(name, "--service", str(self.service), "--role", role)

    def grant(self, name, role):
        return self.service / "clients" / role / f"{name}.key"

    def cleanup(self):
        self._folder.cleanup()


class Peer:
    """A bare socket that says what became of its handshake."""

    context = zmq.Context()

    def __init__(self, kind, endpoint, keys=None, server=None):
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        if keys:
            public, secret = zmq.auth.load_certificate(keys / "own.key_secret") if isinstance(keys, pathlib.Path) \
                else keys
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
            self.socket.curve_serverkey = zmq.auth.load_certificate(server / "own.key")[0]
        if kind == zmq.SUB:
            self.socket.subscribe(b"")
        self.monitor = self.socket.get_monitor_socket()
        self.socket.connect(endpoint)

    def until(self, *events):
        """The first of these events."""
        while True:
            assert self.monitor.poll(support.PATIENCE_S * 1000 // 2), f"none of {events} came"
            event = int(recv_monitor_message(self.monitor)["event"])
            if event in events:
                return event

    def ask(self, response):
        """A plain request: its answer."""
        self.socket.send(msgpack.packb(response))
        return msgpack.unpackb(self.socket.recv())

    def close(self):
        self.socket.disable_monitor()
        self.monitor.close()
        self.socket.close()


class Guarded(unittest.TestCase):
    """`run --curve` with a producer and a subscriber."""

    def setUp(self):
        self.keys = Keys()
        self.addCleanup(self.keys.cleanup)
        self.shop = self.keys.client("shop", "producer")
        self.desk = self.keys.client("desk", "subscriber")
        self.host = support.address()
        self.front, self.back, self.retry, self.replay = (f"tcp://{self.host}:{port}" for port in
                                                          (5560, 5561, 5570, 5574))
        self.daemon = self.start()
        self.addCleanup(lambda: self.daemon.__exit__())

    def start(self):
        return support.Daemon("run", "--bind", self.host, "--back", self.back, "--threads", "1", "--curve",
                              str(self.keys.service), "--journal", str(self.keys.folder / "journal"))

    def peer(self, kind, endpoint, keys=None, server=None):
        peer = Peer(kind, endpoint, keys, server or self.keys.service)
        self.addCleanup(peer.close)
        return peer

    def stranger(self, kind, endpoint):
        return self.peer(kind, endpoint, zmq.curve_keypair())

    def stop(self):
        """The gate's counters, as the service tells them at its end."""
        self.assertEqual(self.daemon.stop(), 0, self.daemon.text)
        line = re.search(r"gate.counts admitted=(\d+) unknown_key=(\d+) wrong_role=(\d+) no_handshake=(\d+) "
                         r"bad_request=(\d+) cuts=(\d+)", self.daemon.text)
        return [int(number) for number in line.groups()]

    def assert_served(self):
        """Neighbours: a producer and a subscriber with the right keys."""
        self.assertEqual(self.peer(zmq.REQ, self.front, self.shop).ask(RESPONSE), [1, "ACK", 1])
        self.peer(zmq.SUB, self.retry, self.desk).socket.recv_multipart()

    def test_everything_goes_by_curve_from_end_to_end(self):
        lines = support.lines_of({"id": f"r{number}", **RESPONSE} for number in range(20))
        dead = support.lines_of([{"id": "d", "provider": "opn", "http_status": 400}])
        where = ["--host", self.host, "--curve", str(self.desk), "--durable", "audit", "-o", "jsonl"]
        code, _, words = support.run("send", "-c", self.front, "--curve", str(self.shop), "--quiet", data=lines)
        self.assertEqual((code, words), (0, ""))
        #  Nobody listened: what comes is fetched from the replay socket.
        code, out, words = support.run("tail", *where, "--count", "20")
        self.assertEqual(code, 0, words)
        self.assertEqual({decision["id"] for decision in support.json_lines(out)}, {f"r{n}" for n in range(20)})
        support.run("send", "-c", self.front, "--curve", str(self.shop), data=dead)
        code, out, words = support.run("tail", *where, "--count", "1")
        self.assertEqual([decision["redriven"] for decision in support.json_lines(out)], [False], words)
        redrive = ["journal", "redrive", "--journal", str(self.keys.folder / "journal"), "--connect", self.front, "--yes"]
        code, _, words = support.run(*redrive, "--curve", str(self.desk))
        self.assertEqual(code, 77, words)
        self.assertIn(f"{self.front} does not let in this key", words)
        code, _, words = support.run(*redrive, "--curve", str(self.shop))
        self.assertEqual(code, 0, words)
        code, out, words = support.run("tail", *where, "--count", "1")
        self.assertEqual([decision["redriven"] for decision in support.json_lines(out)], [True], words)

    def test_a_folder_is_enough_for_one_machine(self):
        own = str(self.keys.service)
        code, _, words = support.run("send", "-c", self.front, "--curve", own, "--quiet",
                                     data=support.lines_of([{"id": "r", **RESPONSE}]))
        self.assertEqual((code, words), (0, ""))
        code, out, _ = support.run("tail", "--host", self.host, "--curve", own, "--since-start", "-n", "1", "-o", "jsonl")
        self.assertEqual(support.json_lines(out)[0]["id"], "r")

    def test_an_unknown_key_is_refused_everywhere(self):
        for kind, endpoint in ((zmq.REQ, self.front), (zmq.DEALER, self.back), (zmq.SUB, self.retry),
                               (zmq.DEALER, self.replay)):
            self.assertEqual(self.stranger(kind, endpoint).until(AUTH, SUCCEEDED), AUTH, endpoint)
        self.assert_served()
        let_in, unknown, wrong, *_ = self.stop()
        self.assertGreaterEqual(unknown, 4)
        self.assertEqual(wrong, 0)
        self.assertRegex(self.daemon.text, r"(?m) gate.notice text=\"refused at the \w+s' socket: 127\..* that nobody "
                                           r"here knows: \S{40}")

    def test_a_key_of_another_role_is_refused(self):
        worker = self.keys.client("box", "worker")
        admin = self.keys.client("root", "admin")
        for kind, endpoint, keys, expected in (
                (zmq.REQ, self.front, self.desk, AUTH), (zmq.DEALER, self.back, self.desk, AUTH),
                (zmq.SUB, self.retry, self.shop, AUTH), (zmq.DEALER, self.replay, self.shop, AUTH),
                (zmq.DEALER, self.back, self.shop, AUTH), (zmq.REQ, self.front, worker, AUTH),
                (zmq.SUB, self.retry, worker, AUTH), (zmq.DEALER, self.back, worker, SUCCEEDED),
                (zmq.REQ, self.front, admin, SUCCEEDED), (zmq.SUB, self.retry, admin, SUCCEEDED),
                (zmq.DEALER, self.replay, admin, SUCCEEDED), (zmq.DEALER, self.back, admin, AUTH)):
            self.assertEqual(self.peer(kind, endpoint, keys).until(AUTH, SUCCEEDED), expected, (endpoint, keys.name))
        self.assert_served()
        with urllib.request.urlopen(f"http://{self.host}:5580/metrics") as page:
            text = page.read().decode()
        self.assertGreaterEqual(int(re.search(r'gate_refused_total{reason="wrong_role"} (\d+)', text)[1]), 8)
        self.assertIn("\npaytriage_gate_keys 4\n", text)
        self.assertGreaterEqual(self.stop()[2], 8)
        self.assertRegex(self.daemon.text, r"(?m) gate.notice text=\"refused at the producers' socket: .*, whose key is "
                                           r"that of subscriber/desk\"$")

    def test_each_role_has_its_sockets_and_no_other(self):
        producers, workers, subscribers = {"producer", "admin"}, {"worker"}, {"subscriber", "admin"}
        doors = [(zmq.DEALER, 5560, producers), (zmq.DEALER, 5561, workers), (zmq.DEALER, 5574, subscribers)]
        doors += [(zmq.SUB, port, subscribers) for port in (5570, 5571, 5572, 5573)]
        keys = {role: self.keys.client("a-" + role, role) for role in ("producer", "worker", "subscriber", "admin")}
        keys |= {"nobody": zmq.curve_keypair(), "plain": None}
        peers = [(role, port, role in allowed, self.peer(kind, f"tcp://{self.host}:{port}", key))
                 for kind, port, allowed in doors for role, key in keys.items()]
        for role, port, allowed, peer in peers:
            events = (PROTOCOL, NO_DETAIL, SUCCEEDED) if role == "plain" else (AUTH, NO_DETAIL, SUCCEEDED)
            self.assertEqual(peer.until(*events) == SUCCEEDED, allowed, (role, port))
        self.assert_served()

    def test_a_peer_without_curve_is_refused(self):
        for kind, endpoint in ((zmq.REQ, self.front), (zmq.DEALER, self.back), (zmq.SUB, self.retry),
                               (zmq.DEALER, self.replay)):
            event = self.peer(kind, endpoint).until(PROTOCOL, NO_DETAIL, AUTH, SUCCEEDED)
            self.assertIn(event, (PROTOCOL, NO_DETAIL), endpoint)
        self.assert_served()
        self.assertGreaterEqual(self.stop()[3], 4)
        self.assertIn("a peer without CURVE", self.daemon.text)

    def test_a_peer_that_expects_another_server_is_refused(self):
        other = self.keys.keygen("other")
        event = self.peer(zmq.REQ, self.front, self.shop, other).until(NO_DETAIL, PROTOCOL, AUTH, SUCCEEDED)
        self.assertNotEqual(event, SUCCEEDED)
        self.assert_served()

    def test_commands_say_that_they_are_not_let_in(self):
        lines = support.lines_of([{"id": "r", **RESPONSE}])
        code, _, words = support.run("send", "-c", self.front, "--curve", str(self.desk), "--quiet", data=lines)
        key = zmq.auth.load_certificate(self.desk / "own.key")[0].decode()
        self.assertEqual(code, 77, words)
        self.assertIn(f"paytriage: {self.front} does not let in this key: {key}\nhint: ", words)
        code, _, words = support.run("tail", "--host", self.host, "--curve", str(self.shop))
        self.assertEqual(code, 77, words)
        self.assertIn("does not admit the key of", words)
        other = self.keys.keygen("other")
        (other / "servers/default.key").write_text("nonsense")
        code, _, words = support.run("tail", "--host", self.host, "--curve", str(other))
        self.assertEqual(code, 78)
        self.assertIn("servers/default.key: holds no public-key", words)

    def test_a_key_that_is_added_counts_from_then_on(self):
        late = self.keys.keygen("late")
        self.assertEqual(self.peer(zmq.REQ, self.front, late).until(AUTH, SUCCEEDED), AUTH)
        staged = self.keys.grant("late", "producer").with_name(".late")
        staged.write_bytes((late / "own.key").read_bytes())
        staged.rename(self.keys.grant("late", "producer"))
        #  libzmq tries again by itself.
        self.assertEqual(self.peer(zmq.REQ, self.front, late).ask(RESPONSE), [1, "ACK", 1])

    def test_a_key_that_is_removed_is_cut_off_and_nothing_acknowledged_is_lost(self):
        mole = self.keys.client("mole", "producer")
        ear = self.keys.client("ear", "subscriber")
        lines = [json.dumps({"id": f"r{number}", **RESPONSE}) + "\n" for number in range(400)]
        sender = support.start("send", "-c", self.front, "--curve", str(self.shop), "--batch", "4", "--quiet")
        tail = support.Tail("--host", self.host, "--curve", str(self.desk), "--durable", "audit")
        self.addCleanup(tail.__exit__)
        spy, spoiler = self.peer(zmq.SUB, self.retry, ear), self.peer(zmq.REQ, self.front, mole)
        self.assertEqual(spoiler.ask({"id": "mole", **RESPONSE}), [1, "ACK", 1])
        spy.socket.recv_multipart()
        for number, line in enumerate(lines):
            sender.stdin.write(line.encode())
            sender.stdin.flush()
            if number == 100:
                self.keys.grant("mole", "producer").unlink()
            if number == 200:
                self.keys.grant("ear", "subscriber").unlink()
        for cut in (spoiler, spy):
            cut.until(DISCONNECTED)
            self.assertEqual(cut.until(NO_DETAIL, AUTH, SUCCEEDED), NO_DETAIL)
        out, words = sender.communicate()
        self.assertEqual((sender.returncode, words), (0, b""))
        wanted = {"mole"} | {f"r{number}" for number in range(400)}
        while wanted:
            wanted.discard(tail.get()["id"])
        self.assert_served()
        #  The same socket comes back when its key does.
        self.keys.grant("ear", "subscriber").write_bytes((ear / "own.key").read_bytes())
        self.assertEqual(spy.until(SUCCEEDED), SUCCEEDED)
        self.assertGreaterEqual(self.stop()[5], 1)
        self.assertIn("with a key that was taken away", self.daemon.text)

    def test_a_key_that_is_removed_under_heavy_traffic_is_cut_and_told(self):
        lines = "".join(json.dumps({"id": f"r{number}", **RESPONSE}) + "\n" for number in range(2000)).encode()
        mole = self.keys.client("mole", "producer")
        sender = support.start("send", "-c", self.front, "--curve", str(mole), "--batch", "8", "--quiet", "-t", "5s")
        sent = threading.Event()

        def feed():
            try:
                while True:
                    sender.stdin.write(lines)
                    sent.set()
            except (BrokenPipeError, ValueError):
                pass

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        flood = self.peer(zmq.DEALER, self.front, mole)
        flood.until(SUCCEEDED)
        sent.wait()
        for _ in range(100):
            flood.socket.send(msgpack.packb(RESPONSE))
        neighbour = self.peer(zmq.REQ, self.front, self.shop)
        self.keys.grant("mole", "producer").unlink()
        self.assertEqual(flood.until(DISCONNECTED), DISCONNECTED)
        self.assertEqual(flood.until(NO_DETAIL, AUTH, SUCCEEDED), NO_DETAIL)
        self.assertEqual(neighbour.ask(RESPONSE), [1, "ACK", 1])
        self.assertEqual(sender.wait(), 77)
        words = sender.stderr.read().decode()
        feeder.join()
        key = zmq.auth.load_certificate(mole / "own.key")[0].decode()
        self.assertRegex(words, rf"(?m)^paytriage: no answer from .*: it completes no handshake with this key: {re.escape(key)}$")
        self.assertIn("hint: was this key taken out of clients/producer/ there", words)
        #  One that comes later is refused as well.
        code, _, words = support.run("send", "-c", self.front, "--curve", str(mole), "--quiet", "-t", "5s", data=lines)
        self.assertEqual(code, 77, words)

    def test_a_client_without_keys_is_told_that_keys_may_be_wanted(self):
        code, _, words = support.run("send", "-c", self.front, "--quiet", "-t", "1s", data=support.lines_of([RESPONSE]))
        self.assertEqual(code, 77, words)
        self.assertIn("it completes no handshake without keys\nhint: does it let in keys only? then --curve DIR", words)
        tail = support.start("tail", "--host", self.host, stdin=subprocess.DEVNULL)
        self.assertIn(b"completes no handshake without keys; --curve DIR", self.line_with(tail, b"warning"))
        tail.kill()
        tail.communicate()

    def line_with(self, process, word):
        for line in process.stderr:
            if word in line:
                return line
        self.fail(f"no line with {word}")

    def hand_over(self, source, target):
        """As an operator does: complete under another name, then renamed."""
        staged = target.with_name("." + target.name)
        shutil.copy(source, staged)
        staged.rename(target)

    def test_the_service_changes_its_own_key_without_a_restart(self):
        fresh = self.keys.keygen("fresh")
        old, new = (zmq.auth.load_certificate(folder / "own.key")[0].decode() for folder in (self.keys.service, fresh))
        decisions = set()
        bus = subscriber.Subscriber([self.retry], ["retry."], "python", lambda topic, one: decisions.add(one["id"]), print,
                                    keys=str(self.desk))
        self.close_at_end(bus)
        tail = support.Tail("--host", self.host, "--curve", str(self.desk), "--durable", "audit")
        self.addCleanup(tail.__exit__)
        sender = support.start("send", "-c", self.front, "--curve", str(self.shop), "--batch", "4", "--quiet")
        stranger = self.peer(zmq.REQ, self.front, self.shop)
        self.assertEqual(stranger.ask({"id": "before", **RESPONSE}), [1, "ACK", 1])
        ids = {"before"} | {f"r{number}" for number in range(400)}
        for number in range(400):
            sender.stdin.write(support.lines_of([{"id": f"r{number}", **RESPONSE}]))
            sender.stdin.flush()
            if number == 100:  # the clients first, whose connections go on with the old key
                for client in (self.shop, self.desk):
                    self.hand_over(fresh / "own.key", client / "servers/default.key")
            if number == 200:
                for name in ("own.key_secret", "own.key"):
                    self.hand_over(fresh / name, self.keys.service / name)
        out, words = sender.communicate()
        self.assertEqual((sender.returncode, words), (0, b""))
        wanted = set(ids)
        while wanted:
            wanted.discard(tail.get()["id"])
        while not ids <= decisions:
            bus.step(timeout_ms=100)
        #  Who has the old key of the service is cut and stays outside; who has the new one comes in.
        stranger.until(DISCONNECTED)
        self.assertEqual(stranger.until(NO_DETAIL, AUTH, SUCCEEDED), NO_DETAIL)
        self.assert_served()
        code, _, words = support.run("send", "-c", self.front, "--curve", str(self.keys.service), "--quiet",
                                     data=support.lines_of([{"id": "own", **RESPONSE}]))
        self.assertEqual((code, words), (0, ""))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertIn(f"the service's own key is {new} from now on", self.daemon.text)
        self.assertNotEqual(old, new)

    def test_clients_that_get_the_new_key_late_wait_for_it(self):
        fresh = self.keys.keygen("fresh")
        tail = support.Tail("--host", self.host, "--curve", str(self.desk), "--durable", "audit")
        self.addCleanup(tail.__exit__)
        sender = support.start("send", "-c", self.front, "--curve", str(self.shop), "--quiet")
        self.addCleanup(sender.stderr.close)
        line = lambda name: support.lines_of([{"id": name, **RESPONSE}])
        sender.stdin.write(line("before"))
        sender.stdin.flush()
        while tail.get()["id"] != "before":
            pass
        #  Of the service's clients only this one sees that the connections were cut.
        witness = self.peer(zmq.REQ, self.front, self.shop)
        self.assertEqual(witness.until(SUCCEEDED), SUCCEEDED)
        for name in ("own.key_secret", "own.key"):
            self.hand_over(fresh / name, self.keys.service / name)
        witness.until(DISCONNECTED)
        self.assertEqual(witness.until(NO_DETAIL, SUCCEEDED), NO_DETAIL)
        sender.stdin.write(line("between"))
        sender.stdin.flush()
        for _ in range(3):
            self.assertEqual(witness.until(NO_DETAIL, SUCCEEDED), NO_DETAIL)
        for client in (self.shop, self.desk):
            self.hand_over(fresh / "own.key", client / "servers/default.key")
        while tail.get()["id"] != "between":
            pass
        out, words = sender.communicate(line("after"))
        self.assertEqual((sender.returncode, words), (0, b""))
        while tail.get()["id"] != "after":
            pass

    def test_an_own_key_that_cannot_be_used_leaves_the_old_one_serving(self):
        secret, kept = self.keys.service / "own.key_secret", (self.keys.service / "own.key_secret").read_bytes()
        other = self.keys.keygen("other")
        mixed = (other / "own.key_secret").read_text().splitlines()[-1].encode()
        for bad in (b"nonsense", kept[:-20], b"", kept.rpartition(b"secret-key")[0].rstrip() + b"\n" + mixed + b"\n"):
            secret.write_bytes(bad)
            self.assert_served()
        secret.write_bytes(kept)
        secret.chmod(0o644)
        self.assert_served()
        secret.unlink()
        self.assert_served()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertNotIn("from now on", self.daemon.text)

    def close_at_end(self, bus):
        self.addCleanup(lambda: [socket.close() for socket in [
            bus.connections.monitor, bus.sub, *(s.replay.dealer for s in bus.sources.values())] if socket])

    def batch(self, peer, producer, seq):
        """Send a batch; the answer's kind, and the reason of a refusal."""
        payload = msgpack.packb([msgpack.packb({"id": f"{producer}/{seq}", **RESPONSE})])
        header = [1, "BATCH", producer, 7, seq, seq, zlib.crc32(payload), 1]
        peer.socket.send_multipart([msgpack.packb(header), payload])
        answer = msgpack.unpackb(peer.socket.recv())
        return answer[1] if answer[1] == "ACK" else tuple(answer[-2:])

    def test_a_producer_id_belongs_to_whom_it_was_first_heard_from(self):
        shop = self.peer(zmq.DEALER, self.front, self.shop)
        mole = self.peer(zmq.DEALER, self.front, self.keys.client("mole", "producer"))
        second = self.keys.keygen("shop2", "--service", str(self.keys.service), "--role", "producer", "--name",
                                  "shop.second")
        self.assertEqual(self.batch(shop, "00000000000000aa", 1), "ACK")
        self.assertEqual(self.batch(mole, "00000000000000aa", 2), ("unauthorized", 0))
        self.assertEqual(self.batch(mole, "00000000000000bb", 1), "ACK")
        self.assertEqual(self.batch(shop, "00000000000000aa", 2), "ACK")
        #  A party may have two keys while it changes from one to the other.
        self.assertEqual(self.batch(self.peer(zmq.DEALER, self.front, second), "00000000000000aa", 3), "ACK")

    def test_clients_in_python_use_the_same_folders(self):
        decisions = []
        seen = lambda topic, decision: decisions.append(decision["id"])
        bus = subscriber.Subscriber([self.retry], ["retry."], "python", seen, print, keys=str(self.desk))
        self.close_at_end(bus)
        lines = support.lines_of({"id": f"r{number}", **RESPONSE} for number in range(10))
        publisher = [sys.executable, "-B", CLIENTS / "publisher.py", "--curve", self.shop, self.front]
        code = subprocess.run(publisher, input=lines, capture_output=True, check=False)
        self.assertEqual((code.returncode, code.stderr), (0, b"accepted 10\n"))
        while len(decisions) < 10:
            bus.step(timeout_ms=100)
        self.assertEqual(set(decisions), {f"r{number}" for number in range(10)})
        (self.shop / "own.key_secret").chmod(0o644)
        code = subprocess.run(publisher, input=lines, capture_output=True, check=False)
        self.assertNotEqual(code.returncode, 0)
        self.assertIn(b"can be read by others", code.stderr)
        (self.shop / "own.key_secret").chmod(0o600)
        (self.shop / "servers/default.key").chmod(0o666)
        code = subprocess.run(publisher, input=lines, capture_output=True, check=False)
        self.assertIn(b"can be changed by others; run: chmod go-w ", code.stderr)

    def test_a_service_that_is_not_the_one_is_not_spoken_to(self):
        plain = support.address()
        with support.Daemon("run", "--bind", plain, "--threads", "1", "--journal", "none") as daemon:
            peer = self.peer(zmq.REQ, f"tcp://{plain}:5560", self.shop)
            self.assertNotEqual(peer.until(NO_DETAIL, PROTOCOL, AUTH, SUCCEEDED), SUCCEEDED)
            code, _, words = support.run("send", "-c", f"tcp://{plain}:5560", "--curve", str(self.shop), "--timeout",
                                         "1s", data=support.lines_of([RESPONSE]))
            self.assertEqual(code, 77, words)
            self.assertRegex(words, "it completes no handshake with this key: .{40}\nhint: .*without --curve")
            support.send(f"tcp://{plain}:5560", [{"id": "neighbour", **RESPONSE}])
            self.assertEqual(daemon.stop(), 0)

    def allow_descriptors(self, wanted):
        """For this process, which an ordinary login allows 1,024."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            if hard != resource.RLIM_INFINITY and hard < wanted:
                self.skipTest(f"this login may open {hard} files")
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def test_a_thousand_that_say_nothing_or_nonsense_are_let_go(self):
        self.allow_descriptors(2000)
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}")
        count = lambda: len(list((status / "fd").iterdir()))
        memory = lambda: int(re.search(r"VmRSS:\s+(\d+)", (status / "status").read_text())[1])
        self.assert_served()
        descriptors, kib = count(), memory()
        sockets = []
        for number in range(1000):
            sockets.append(socket.create_connection((self.host, 5560)))
            if number % 2:
                sockets[-1].sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE" + bytes(64) if number % 4 == 1 else b"GET / HTTP")
        self.assert_served()
        for one in sockets:  # each is closed by the other side, in its time
            one.settimeout(support.PATIENCE_S / 2)
            try:
                while one.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            one.close()
        deadline = time.monotonic() + support.PATIENCE_S / 2
        while count() > descriptors + 40:
            self.assertLess(time.monotonic(), deadline, "descriptors are kept")
            os.sched_yield()
        self.assertLess(memory(), kib + 65536)
        self.assert_served()
        self.assertGreaterEqual(self.stop()[3], 500)  # nonsense that is no greeting is dropped without a word


class Apart(unittest.TestCase):
    """Broker and worker with a folder each, as on two machines."""

    def setUp(self):
        self.keys = Keys()
        self.addCleanup(self.keys.cleanup)
        self.box = self.keys.keygen("box")
        self.host = support.address()
        self.front, self.back, self.retry = (f"tcp://{self.host}:{port}" for port in (5560, 5561, 5570))

    def introduce(self, key, path):
        staged = path.with_name("." + path.name)
        staged.write_bytes((key / "own.key").read_bytes())
        staged.rename(path)

    def worker(self):
        return support.Daemon("worker", "--bind", self.host, "--connect", self.back, "--threads", "1", "--curve",
                              str(self.box), "--journal", str(self.keys.folder / "journal"))

    def send(self, name, *args):
        return support.run("send", "-c", self.front, "--curve", str(self.keys.service), *args,
                           data=support.lines_of([{"id": name, **RESPONSE}]))

    def test_a_worker_comes_in_with_its_role_and_goes_when_it_is_taken_away(self):
        #  The most precise name counts, whatever default.key says.
        self.introduce(self.keys.keygen("wrong"), self.box / "servers/default.key")
        self.introduce(self.keys.service, self.box / f"servers/{self.host}:5561.key")
        desk = self.keys.keygen("desk", "--service", str(self.box), "--role", "subscriber")
        with support.Daemon("broker", "--bind", self.host, "--curve", str(self.keys.service)) as broker, \
                self.worker() as worker, support.Tail("--host", self.host, "--curve", str(desk), "--durable", "d") as tail:
            code, _, words = self.send("early", "--timeout", "1s")
            self.assertEqual(code, 69, words)
            self.introduce(self.box, self.keys.grant("box", "worker"))
            self.assertEqual(self.send("first")[0], 0)
            while tail.get()["id"] != "first":
                pass
            self.keys.grant("box", "worker").unlink()
            code, _, words = self.send("second", "--timeout", "5s")
            self.assertEqual(code, 69, words)
            #  And back again, with the socket that it has.
            self.introduce(self.box, self.keys.grant("box", "worker"))
            self.assertEqual(self.send("third")[0], 0)
            while tail.get()["id"] != "third":
                pass
            self.assertEqual((worker.stop(), broker.stop()), (0, 0))
            self.assertRegex(broker.text, "refused at the workers' socket: .* with a key that (nobody here knows|was taken away)")


class Files(unittest.TestCase):
    def setUp(self):
        self.keys = Keys()
        self.addCleanup(self.keys.cleanup)

    def refuse(self, code, *args):
        found, out, words = support.run(*args)
        self.assertEqual((found, out), (code, ""), words)
        self.assertRegex(words, r"^paytriage: [^\n]+\n(hint: [^\n]+\n)?$")
        return words

    def test_keygen_writes_secrets_for_nobody_else(self):
        mode = lambda path: stat.S_IMODE(path.stat().st_mode)
        self.assertEqual(mode(self.keys.service), 0o700)
        self.assertEqual(mode(self.keys.service / "own.key_secret"), 0o600)
        self.assertEqual(mode(self.keys.service / "own.key"), 0o644)
        public, secret = zmq.auth.load_certificate(self.keys.service / "own.key_secret")
        self.assertEqual(zmq.curve_public(secret), public)
        self.assertEqual(zmq.auth.load_certificate(self.keys.service / "own.key"), (public, None))
        self.assertNotIn(secret, (self.keys.service / "own.key").read_bytes())

    def test_keygen_overwrites_nothing(self):
        secret = self.keys.service / "own.key_secret"
        before = secret.read_bytes()
        self.assertIn(str(self.keys.service), self.refuse(73, "keygen", str(self.keys.service)))
        self.assertEqual(secret.read_bytes(), before)

    def test_keygen_changes_no_folder_that_is_in_use(self):
        used = self.keys.folder / "used"
        used.mkdir(mode=0o755)
        (used / "file").write_text("")
        self.refuse(73, "keygen", str(used))
        self.assertEqual((stat.S_IMODE(used.stat().st_mode), [path.name for path in used.iterdir()]), (0o755, ["file"]))
        (used / "file").unlink()
        self.keys.keygen("used")
        self.keys.keygen("a/b/c")
        for name in ("", "/proc/keys", str(self.keys.folder / "used/own.key")):
            self.assertIn(support.run("keygen", name)[0], (64, 73), name)

    def test_keygen_gives_a_name_once(self):
        self.keys.client("shop", "producer")
        code, _, words = support.run("keygen", str(self.keys.folder / "second"), "--service", str(self.keys.service),
                                     "--role", "producer", "--name", "shop")
        self.assertEqual(code, 73)
        self.assertIn("clients/producer/shop.key", words)

    def test_files_that_others_may_read_or_change_are_refused(self):
        unused = support.address()
        for path, bad, good, fix in ((self.keys.service / "own.key_secret", 0o640, 0o600, "go="),
                                     (self.keys.service / "own.key_secret", 0o604, 0o600, "go="),
                                     (self.keys.service, 0o770, 0o700, "go-w")):
            path.chmod(bad)
            for command in (["run", "--bind", unused], ["send"], ["tail"]):
                words = self.refuse(77, *command, "--curve", str(self.keys.service))
                self.assertIn(f"{path}: mode {bad:04o} lets others in; run: chmod {fix} {path}\n", words)
            path.chmod(good)

    def test_faulty_folders_are_named(self):
        self.assertIn("keygen", self.refuse(78, "send", "--curve", str(self.keys.folder / "nothing")))
        secret = self.keys.service / "own.key_secret"
        text = secret.read_text()
        for bad in ("", "curve\n", text.replace("secret-key", "secret"), re.sub('secret-key = "..', 'secret-key = "', text),
                    re.sub('secret-key = "..', 'secret-key = "~~', text), "\0" * 5000):
            secret.write_text(bad)
            self.assertIn(str(secret), self.refuse(78, "send", "--curve", str(self.keys.service)))
        secret.unlink()
        secret.mkdir()
        self.refuse(78, "send", "--curve", str(self.keys.service))

    def test_faulty_keys_of_clients_are_told_and_stay_outside(self):
        self.keys.client("good", "producer")
        self.keys.grant("bad", "producer").write_text("nonsense")
        self.keys.grant("open", "producer").write_text(self.keys.grant("good", "producer").read_text())
        self.keys.grant("open", "producer").chmod(0o666)
        (self.keys.service / "clients/producer/lost.key_secret").write_text("")
        (self.keys.service / "clients/admin").chmod(0o777)
        with support.Daemon("run", "--bind", support.address(), "--curve", str(self.keys.service)) as daemon:
            self.assertEqual(daemon.stop(), 0)
            for word in ("bad.key", "open.key", "lost.key_secret", "clients/admin"):
                self.assertIn(word, daemon.text)
            self.assertIn(" 1 keys of clients", daemon.text)

    def test_public_addresses_need_keys_or_plain_words(self):
        unused = support.address()
        for endpoint in ("tcp://0.0.0.0:5999", "tcp://*:5999", "tcp://[::]:5999", "tcp://192.0.2.1:5999",
                         "tcp://eth0:5999", "tcp://example.org:5999"):
            for command, *option in (("run", "--front"), ("broker", "--back"), ("worker", "--retry"),
                                     ("run", "--journal", str(self.keys.service / "kept"), "--replay")):
                words = self.refuse(78, command, "--bind", unused, *option, endpoint)
                self.assertIn("--insecure-public-bind", words)
        self.refuse(78, "run", "--bind", "192.0.2.1")
        for option in (["--insecure-public-bind"], ["--curve", str(self.keys.service)]):
            words = self.refuse(64, "run", "--bind", "192.0.2.1", *option)
            self.assertNotIn("--insecure-public-bind", words)
        self.assertIn("neither tcp", self.refuse(64, "run", "--bind", unused, "--retry", "epgm://eth0;239.192.1.1:5555"))

    def test_plain_words_to_a_public_address_are_warned_of(self):
        code, _, words = support.run("send", "-c", "tcp://192.0.2.1:5560", "--timeout", "100ms",
                                     data=support.lines_of([RESPONSE]))
        self.assertRegex(words, "^warning: .*tcp://192.0.2.1:5560.*--curve\n")
        words = support.run("send", "-c", "tcp://192.0.2.1:5560", "--timeout", "100ms", "--curve",
                            str(self.keys.service), data=support.lines_of([RESPONSE]))[2]
        self.assertNotIn("warning", words)

    def test_no_secret_is_in_the_command_line_or_the_environment(self):
        secret = re.search('secret-key = "(.*)"', (self.keys.service / "own.key_secret").read_text())[1].encode()
        with support.Daemon("run", "--bind", support.address(), "--curve", str(self.keys.service)) as daemon:
            proc = pathlib.Path(f"/proc/{daemon.process.pid}")
            self.assertNotIn(secret, (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes())
            daemon.stop()
            self.assertNotIn(secret.decode(), daemon.text)


if __name__ == "__main__":
    support.main()
