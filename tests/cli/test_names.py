"""Names of hosts: one with IPv6 addresses only is connected to over IPv6, any other over IPv4, and one that nobody
knows is told."""

import os
import socket
import sys
import tempfile
import unittest

import support

ENV = {**os.environ, **support.preloading(sys.argv.pop(2))}
GOOD = {"id": "g", "provider": "opn", "http_status": 503}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
class Names(unittest.TestCase):
    def setUp(self):
        # Nobody else has ports of the one loopback address of IPv6 near these.
        self.base = 12000 + os.getpid() % 400 * 40

    def run_daemon(self, bind, *args):
        return support.Daemon("run", "--bind", bind, "--port-base", str(self.base), *args)

    def exchange(self, name):
        at = ("--host", name, "--port-base", str(self.base))
        with support.Tail(*at, "--route", "retry", "--durable", "names", env=ENV) as tail:
            code, _, words = support.run("send", *at, data=support.lines_of([GOOD]), env=ENV)
            self.assertEqual(code, 0, words)
            self.assertEqual(tail.get()["id"], "g")
        self.assertEqual(support.run("check", *at, env=ENV)[0], 0)

    def test_a_name_with_ipv6_addresses_only(self):
        with tempfile.TemporaryDirectory() as folder, \
                self.run_daemon("::1", "--journal", folder, "--journal-size", "16M"):
            self.exchange("six.test")

    def test_a_name_with_both_is_what_it_was(self):
        with tempfile.TemporaryDirectory() as folder, \
                self.run_daemon("127.0.0.1", "--journal", folder, "--journal-size", "16M"):
            self.exchange("both.test")

    def test_an_address_of_ipv6_leaves_a_name_beside_it_alone(self):
        queue = self.base + 5570 - 5560
        with self.run_daemon("127.0.0.1", "--back", "ipc://@paytriage-names-%d" % os.getpid()), \
                support.Tail("--connect", f"tcp://[::1]:{queue + 20}", "--connect", f"tcp://both.test:{queue}",
                             env=ENV) as tail:
            support.warm_up(f"tcp://127.0.0.1:{self.base}", [tail])

    def test_a_worker_finds_its_broker(self):
        back = self.base + 1
        with support.Daemon("broker", "--bind", "::1", "--port-base", str(self.base)), \
                support.Daemon("worker", "--bind", "127.0.0.1", "--port-base", str(self.base),
                               "--connect", f"tcp://six.test:{back}", env=ENV):
            code, _, words = support.run("send", "--connect", f"tcp://six.test:{self.base}",
                                         data=support.lines_of([GOOD]), env=ENV)
            self.assertEqual(code, 0, words)


class UnknownNames(unittest.TestCase):
    def words(self, *args):
        return support.run(*args, data=support.lines_of([GOOD]), env=ENV)[2]

    def test_a_name_that_nobody_knows_is_told_once(self):
        for command in ("send", "tail"):
            words = self.words(command, "--host", "nobody.test", "--timeout", "200ms")
            self.assertEqual(words.count("nobody knows an address of nobody.test now"), 1, words)

    def test_a_name_that_is_known_and_an_address_are_not(self):
        for host in ("both.test", "127.0.0.1", "[::1]"):
            words = self.words("tail", "--connect", f"tcp://{host}:9", "--timeout", "200ms")
            self.assertNotIn("nobody knows", words)


if __name__ == "__main__":
    support.main()
