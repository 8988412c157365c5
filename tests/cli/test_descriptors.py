"""A service whose descriptors are used up: whoever is connected is served, others are turned away, and nobody ends it."""

import json
import os
import pathlib
import resource
import signal
import socket
import unittest

import support


def first_free(pid):
    """The number that the next descriptor of a process gets."""
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    return min(set(range(len(taken) + 1)) - taken)


class Descriptors(support.JournalTest):
    def connect(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        peer = socket.socket(family)
        self.addCleanup(peer.close)
        peer.settimeout(support.PATIENCE_S)
        peer.connect(address)
        return peer

    def is_turned_away(self, address):
        try:
            return self.connect(address).recv(64) == b""
        except ConnectionResetError:
            return True

    def connect_clients(self, front, *keys):
        """A sender and a subscriber, which stay; the function gives a response to the one and expects it of the other."""
        tail = support.Tail("--route", "retry", "--durable", "desk", "--connect", f"tcp://{self.host}:5570", *keys)
        self.addCleanup(tail.__exit__)
        sender = support.start("send", "--connect", front, "-q", *keys)
        self.addCleanup(sender.communicate)
        self.addCleanup(sender.kill)

        def pass_on(name):
            sender.stdin.write(json.dumps({"id": name, "provider": "opn", "http_status": 503}).encode() + b"\n")
            sender.stdin.flush()
            self.assertEqual(tail.get(timeout=support.PATIENCE_S)["id"], name)

        return pass_on, tail

    def take_all_descriptors(self, pid):
        """What was allowed before."""
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free(pid), before[1]))
        return before

    def test_keys_that_cannot_be_read_for_want_of_descriptors_still_hold(self):
        keys, client = f"{self.folder}/keys", f"{self.folder}/client"
        self.assertEqual(support.run("keygen", keys)[0], 0)
        self.assertEqual(support.run("keygen", client, "--service", keys, "--role", "admin")[0], 0)
        daemon = self.start("--curve", keys)
        self.addCleanup(daemon.__exit__)
        pass_on, _ = self.connect_clients(self.front, "--curve", client)
        pass_on("before")
        before = self.take_all_descriptors(daemon.process.pid)
        for key in pathlib.Path(keys, "clients").rglob("*.key"):
            os.utime(key)  # so that all of them are looked at anew
        said = iter(daemon.process.stderr.readline, b"")
        self.assertTrue(any(b"Too many open files" in line for line in said))
        pass_on("meanwhile")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, before)
        self.assertEqual(daemon.stop(signal.SIGTERM), 0)
        self.assertNotIn("connections are cut", daemon.text)

    def test_peers_without_a_descriptor_are_turned_away_and_come_again(self):
        front = f"{self.folder}/front"
        control = f"{self.folder}/control"
        daemon = self.start("--front", f"ipc://{front}", "--control", f"ipc://{control}")
        self.addCleanup(daemon.__exit__)
        pid = daemon.process.pid
        pass_on, tail = self.connect_clients(f"ipc://{front}")
        pass_on("before")
        before = self.take_all_descriptors(pid)
        for address in (front, control, (self.host, 5570), (self.host, 5574)) * 3:
            #  One that was in use for a moment may be free again; it is taken by the first that comes.
            self.assertTrue(any(self.is_turned_away(address) for _ in range(20)), address)
        pass_on("meanwhile")
        path = pathlib.Path(self.folder, "one.jsonl")
        path.write_bytes(support.lines_of([{"provider": "opn", "http_status": 503}]))
        code, _, words = support.run("send", "--connect", f"ipc://{front}", "--timeout", "1s", str(path))
        self.assertEqual(code, 77)
        self.assertIn("then its log says service.descriptors", words)

        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        code, _, words = support.run("ctl", "status", "--control", f"ipc://{control}")
        self.assertEqual(code, 0, words)
        support.send(f"ipc://{front}", [{"id": "after", "provider": "opn", "http_status": 503}])
        self.assertEqual(tail.get(timeout=support.PATIENCE_S)["id"], "after")
        said = iter(daemon.process.stderr.readline, b"")
        self.assertTrue(any(b"warning service.descriptors turned_away=" in line for line in said))
        self.assertEqual(daemon.stop(signal.SIGTERM), 0)


if __name__ == "__main__":
    support.main()
