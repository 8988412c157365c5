"""broker, worker, run, send, tail and demo as services: ready, refused, drained, restarted."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import support

DEFAULT_PORTS = {"front": 5560, "back": 5561, "retry": 5570, "dead_letter": 5571, "operator_alert": 5572,
                 "settled": 5573}
GOOD = {"provider": "opn", "http_status": 503}


def words_of(code, *args, **options):
    """Run a service that must not start; its exit code is `code`, and the words are one line and a hint."""
    result, stdout, words = support.run(*args, **options)
    assert (result, stdout) == (code, ""), f"{args} ended with {result}: {words}"
    return words


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class Start(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="paytriage-")
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.ports = self.folder / "ports.json"

    def read_ports(self):
        return json.loads(self.ports.read_text())

    def test_run_writes_where_it_listens_before_it_is_ready(self):
        host = support.address()
        with support.Daemon("run", "--bind", host, "--back", f"tcp://{host}:5561",
                            "--ports-file", str(self.ports)) as daemon:
            ports = self.read_ports()
            self.assertEqual(ports.pop("pid"), daemon.process.pid)
            self.assertEqual(ports.pop("http"), f"http://{host}:5580")
            self.assertEqual(ports, {name: f"tcp://{host}:{port}" for name, port in DEFAULT_PORTS.items()})
            for endpoint in ports.values():
                self.assertIn(endpoint, daemon.text)
            self.assertEqual(daemon.stop(), 0)
        self.assertRegex(daemon.text, r"(?m) info service\.drained elapsed_ms=\d+$")
        self.assertEqual(os.listdir(self.folder), [], "the ports file goes with the process")

    def test_tail_says_that_it_waits_for_a_worker_and_goes_on(self):
        host = support.address()
        tail = support.start("tail", "--host", host, "--count", "1", "-o", "jsonl", stdin=support.subprocess.DEVNULL)
        self.addCleanup(tail.stdout.close)
        self.addCleanup(tail.stderr.close)
        self.assertIn(b"waiting: no worker has been heard yet", tail.stderr.readline())
        with support.Daemon("run", "--bind", host) as daemon:
            self.assertIn(b"ready: ", tail.stderr.readline())
            self.assertEqual(support.run("send", "--connect", f"tcp://{host}:5560", data=b'{"provider": "opn"}\n')[0], 0)
            self.assertEqual(tail.wait(), 0)
            self.assertEqual(daemon.stop(), 0)

    def test_send_warns_of_an_id_that_two_responses_have(self):
        one, two = ({"id": "o1", "provider": "opn", "http_status": status} for status in (400, 503))
        front = f"tcp://{support.address()}:6720"
        with support.Daemon("run", "--front", front, "--bind", support.address()) as daemon:
            def send(*responses):
                code, _, words = support.run("send", "--quiet", "--connect", front, data=support.lines_of(responses))
                self.assertEqual(code, 0, words)
                return words
            self.assertEqual(send(one, one, dict(two, attempt=2), dict(two, id="o2")), "")
            words = send(one, two)
            self.assertTrue(words.startswith("line 2: warning: id 'o1', attempt 1, was another response in line 1; "), words)
            self.assertIn("\nhint: an id names one response", words)
            words = send(*({"id": "same", "provider": "opn", "http_status": 100 + n} for n in range(9)))
            self.assertEqual(words.count("line "), 10, words)
            self.assertIn("\nwarning: 3 more responses", words)
            self.assertEqual(daemon.stop(), 0)

    def test_port_base_moves_every_port(self):
        host = support.address()
        with support.Daemon("run", "--bind", host, "--port-base", "7560", "--ports-file", str(self.ports)):
            ports = self.read_ports()
            self.assertEqual(ports["back"], "inproc://paytriage-back")
            for name in ("front",) + support.QUEUES:
                self.assertEqual(ports[name], f"tcp://{host}:{DEFAULT_PORTS[name] + 2000}")
            support.send(ports["front"], [GOOD])

    def test_tail_finds_a_worker_by_host_and_port_base(self):
        host = support.address()
        with support.Daemon("run", "--bind", host, "--port-base", "7560"), \
                support.Tail("--host", host, "--port-base", "7560", "--route", "retry") as tail:
            support.warm_up(f"tcp://{host}:7560", [tail])

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_an_ipv6_address_with_brackets_or_without(self):
        for bind, host in (("::1", "[::1]"), ("[::1]", "::1")):
            with tempfile.TemporaryDirectory() as folder, \
                    support.Daemon("run", "--bind", bind, "--port-base", "7660", "--journal", folder,
                                   "--journal-size", "64M"), \
                    support.Tail("--host", host, "--port-base", "7660", "--route", "retry", "--durable", "six") as tail:
                support.warm_up("tcp://[::1]:7660", [tail])
                self.assertEqual(support.run("check", "--host", host, "--port-base", "7660")[0], 0)
                code, _, words = support.run("send", "--host", host, "--port-base", "7660", data=support.lines_of([GOOD]))
                self.assertEqual(code, 0, words)

    def test_a_port_in_use_is_named_with_a_hint(self):
        host = support.address()
        with support.Daemon("run", "--bind", host):
            for command in ("run", "broker"):
                words = words_of(69, command, "--bind", host)
                self.assertRegex(words, rf"^paytriage: .*{host}:5560.*\nhint: .*--port-base.*\n$")
            words = words_of(69, "worker", "--bind", host)
            self.assertRegex(words, rf"^paytriage: .*{host}:557\d.*\nhint: .*\n$")

    def test_bad_endpoints_are_named_with_a_hint(self):
        for command, option in (("run", "--front"), ("broker", "--back"), ("worker", "--retry"),
                                ("worker", "--connect"), ("run", "--settled")):
            for endpoint in ("nonsense", "5560", "tcp://", "http://127.0.0.1:80", "tcp://127.0.0.1:port",
                             "tcp://127.0.0.1:70000", "tcp://127.0.0.1:-1", "tcp://127.0.0.1", ""):
                words = words_of(64, command, "--bind", support.address(), option, endpoint)
                # A text of no known form is refused as a command line is.
                self.assertRegex(words, r"^paytriage.*: .*\n(hint: .*|Try (?s:.*))\n$", (command, option, endpoint))

    def test_a_path_is_not_taken_from_whoever_needs_it(self):
        with tempfile.TemporaryDirectory() as folder:
            kept = pathlib.Path(folder, "kept")
            kept.write_text("settings")
            host = support.address()
            words = words_of(69, "broker", "--bind", host, "--front", f"ipc://{kept}")
            self.assertRegex(words, r"^paytriage: ipc://.*/kept: File exists\nhint: .*other than a socket.*\n$")
            self.assertEqual(kept.read_text(), "settings")
            front = f"ipc://{folder}/front"
            with support.Daemon("broker", "--bind", host, "--front", front) as first:
                words = words_of(69, "broker", "--bind", support.address(), "--front", front)
                self.assertRegex(words, r"^paytriage: ipc://.*/front: Address already in use\nhint: .*\n$")
                first.stop(signal.SIGKILL)
            with support.Daemon("broker", "--bind", host, "--front", front) as second:
                self.assertEqual(second.stop(), 0)

    def test_a_path_that_no_socket_can_have_is_told_with_what_fits(self):
        words = words_of(64, "broker", "--bind", support.address(), "--front", "ipc:///tmp/" + 103 * "x")
        self.assertIn("a path of 108 bytes; the system takes at most 107", words)

    def test_an_address_of_another_machine_is_refused(self):
        words = words_of(64, "broker", "--insecure-public-bind", "--bind", "192.0.2.1")
        self.assertRegex(words, r"^paytriage: .*192\.0\.2\.1.*\nhint: .*address.*\n$")

    def test_a_folder_that_is_not_ours_is_refused(self):
        options = {}
        if os.geteuid() == 0:
            nobody = 65534
            options = {"user": nobody, "group": nobody, "extra_groups": []}
        try:
            may_start, _, _ = support.run("version", **options)
        except PermissionError:
            self.skipTest("this build stands where nobody else may run it")
        self.assertEqual(may_start, 0)
        self.folder.chmod(0o555)
        words = words_of(77, "broker", "--front", f"ipc://{self.folder}/front", **options)
        self.assertRegex(words, r"^paytriage: .*front.*\nhint: .*\n$")
        self.folder.chmod(0o755)

    def test_a_ports_file_that_cannot_be_written_ends_the_start(self):
        code, _, words = support.run("run", "--bind", support.address(), "--ports-file", f"{self.folder}/no/file")
        self.assertEqual(code, 73)
        self.assertIn("cannot write", words)

    def test_a_ports_file_of_another_process_stays_when_ours_cannot_be_written(self):
        self.ports.write_text('{"pid": 1}')
        (self.folder / "ports.json.new").mkdir()
        code, _, words = support.run("run", "--bind", support.address(), "--ports-file", str(self.ports))
        self.assertEqual(code, 73, words)
        self.assertEqual(self.ports.read_text(), '{"pid": 1}')

    def test_a_link_in_the_place_of_the_new_ports_file_is_not_followed(self):
        victim = pathlib.Path(self.folder) / "victim"
        victim.write_text("mine")
        (pathlib.Path(self.folder) / "ports.json.new").symlink_to(victim)
        code, _, words = support.run("run", "--bind", support.address(), "--ports-file", str(self.ports))
        self.assertEqual(code, 73, words)
        self.assertIn(str(self.ports), words)
        self.assertEqual(victim.read_text(), "mine")
        self.assertFalse(self.ports.exists())

    def test_a_ports_file_replaces_a_half_written_one_and_only_its_owner_may_write_it(self):
        (pathlib.Path(self.folder) / "ports.json.new").write_text("{")
        with support.Daemon("run", "--bind", support.address(), "--ports-file", str(self.ports), umask=0) as daemon:
            self.assertEqual(self.read_ports()["pid"], daemon.process.pid)
            self.assertEqual(self.ports.stat().st_mode & 0o777, 0o644)
            self.assertEqual(os.listdir(self.folder), ["ports.json"])
            daemon.stop()

    def test_a_ports_file_that_another_process_wrote_meanwhile_stays(self):
        with support.Daemon("run", "--bind", support.address(), "--ports-file", str(self.ports)) as daemon:
            self.ports.write_text('{"pid": 1}')
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.ports.read_text(), '{"pid": 1}')

    def test_what_is_no_file_is_written_to_and_not_replaced(self):
        target, link, pipe = self.folder / "target", self.folder / "link", self.folder / "pipe"
        target.touch()
        link.symlink_to(target)
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        for path, read in ((link, target.read_text), (pipe, lambda: os.read(reader, 4096).decode())):
            with support.Daemon("run", "--bind", support.address(), "--ports-file", str(path)) as daemon:
                self.assertEqual(json.loads(read())["pid"], daemon.process.pid)
                self.assertEqual(daemon.stop(), 0)
        self.assertTrue(link.is_symlink() and pipe.is_fifo())
        self.assertEqual(sorted(os.listdir(self.folder)), ["link", "pipe", "target"])

    def test_closed_descriptors_are_not_given_to_what_is_opened(self):
        with tempfile.TemporaryDirectory() as folder:
            ports = pathlib.Path(folder, "ports")
            command = [support.PROGRAM, "run", "--bind", support.address(), "--journal", f"{folder}/journal",
                       "--journal-size", "16M", "--ports-file", str(ports)]
            process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command])
            try:
                deadline = time.monotonic() + support.PATIENCE_S
                while not ports.exists() and process.poll() is None and time.monotonic() < deadline:
                    select.select([], [], [], 0.01)
                self.assertTrue(ports.exists())
                for descriptor in (0, 1, 2):
                    self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{descriptor}"), "/dev/null")
            finally:
                process.terminate()
                self.assertEqual(process.wait(), 0)
            code, _, words = support.run("journal", "verify", "--journal", f"{folder}/journal")
            self.assertEqual(code, 0, words)

    def test_a_pipe_that_nobody_reads_ends_the_start(self):
        os.mkfifo(self.ports)
        code, _, words = support.run("run", "--bind", support.address(), "--ports-file", str(self.ports))
        self.assertEqual(code, 73, words)
        self.assertTrue(self.ports.is_fifo())


class Stop(unittest.TestCase):
    def test_sigterm_and_sigint_drain(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with support.Daemon("run", "--bind", support.address()) as daemon:
                self.assertEqual(daemon.stop(number), 0)
            self.assertIn("worker.counts received=0 ", daemon.text)

    def test_a_broker_without_worker_stops_too(self):
        with support.Daemon("broker", "--bind", support.address()) as daemon:
            self.assertEqual(daemon.stop(), 0)

    def test_a_worker_that_met_no_broker_waits_for_nobody(self):
        # Waiting for one takes at least a second each time; a busy machine makes some stops as slow, but not all.
        def stop():
            with support.Daemon("worker", "--bind", support.address()) as daemon:
                began = time.monotonic()
                self.assertEqual(daemon.stop(), 0)
                return time.monotonic() - began
        self.assertTrue(any(stop() < 1 for _ in range(20)))

    def test_too_few_descriptors_are_refused_at_the_start(self):
        process = subprocess.Popen(["sh", "-c", 'ulimit -n 64; exec "$0" "$@"', support.PROGRAM, "run", "--bind",
                                    support.address()], stderr=subprocess.PIPE, text=True)
        words = process.communicate()[1]
        self.assertEqual(process.returncode, 71)
        self.assertIn("64 open files are allowed, and 4096 are needed", words)
        self.assertIn("hint: raise it", words)

    def test_a_broker_tells_what_it_did(self):
        with support.Daemon("broker", "--bind", support.address()) as daemon:
            self.assertEqual(daemon.stop(), 0)
        self.assertIn("broker.counts batches=0 ", daemon.text)

    def start_with_a_reader_that_stands_still(self, count):
        """Without a journal, and more published than the sockets' buffers hold."""
        host = support.address()
        front = f"tcp://{host}:5560"
        daemon = self.enterContext(support.Daemon("run", "--bind", host, "--drain-timeout", "200s"))
        tail = self.enterContext(support.Tail("--route", "dead_letter", "--connect", f"tcp://{host}:5571"))
        support.warm_up(front, [tail])
        tail.process.send_signal(signal.SIGSTOP)
        support.send(front, [{"id": f"d-{n}", "provider": "nobody", "http_status": 400} for n in range(count)])
        return daemon, tail

    def test_what_was_published_without_a_journal_leaves_within_the_drain_time(self):
        daemon, tail = self.start_with_a_reader_that_stands_still(80000)
        daemon.process.send_signal(signal.SIGTERM)
        #  Longer than a process takes to end that waits for nobody.
        with self.assertRaises(subprocess.TimeoutExpired):
            daemon.process.wait(timeout=3)
        tail.process.send_signal(signal.SIGCONT)
        wanted = {f"d-{n}" for n in range(80000)}
        while wanted:
            wanted.discard(tail.get(timeout=60)["id"])
        self.assertEqual(daemon.wait(), 0)

    def test_another_signal_ends_the_wait_for_a_subscriber(self):
        daemon, _ = self.start_with_a_reader_that_stands_still(80000)
        daemon.process.send_signal(signal.SIGTERM)
        while b"broker.counts" not in daemon.process.stderr.readline():
            self.assertIsNone(daemon.process.poll())
        while daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGTERM)
        self.assertIn(daemon.process.returncode, (0, -signal.SIGTERM))

    def test_two_signals_at_once_end_without_a_drain(self):
        # Nothing is in work, so nothing is left unfinished and it ends well.
        with support.Daemon("run", "--bind", support.address()) as daemon:
            # Both must wait when the process looks, so it is stopped while they come.
            daemon.process.send_signal(signal.SIGSTOP)
            os.waitpid(daemon.process.pid, os.WUNTRACED)
            self.assertEqual(daemon.stop(signal.SIGTERM, signal.SIGINT, signal.SIGCONT), 0)
        self.assertNotIn("service.drained", daemon.text)
        self.assertIn("worker.counts received=0 ", daemon.text)

    def test_what_was_accepted_is_counted(self):
        with support.Daemon("run", "--bind", host := support.address()) as daemon:
            words = support.send(f"tcp://{host}:5560", [GOOD] * 1000, "--batch", "100")
            self.assertIn("accepted 1000, refused 0, unacknowledged 0", words)
            self.assertEqual(daemon.stop(), 0)
        self.assertIn("worker.counts received=1000 settled=0 retry=1000 dead_letter=0 ", daemon.text)

    def test_the_demo_ends_by_itself(self):
        code, stdout, words = support.run("demo", "--once", "-o", "jsonl")
        self.assertEqual(code, 0, words)
        decisions = support.json_lines(stdout)
        ids = [decision["id"] for decision in decisions]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreaterEqual(len(ids), 30)
        self.assertEqual({decision["provider"] for decision in decisions} & set(support.GATEWAYS),
                         set(support.GATEWAYS))
        routes = [decision["route"] for decision in decisions]
        alerts = sum(decision.get("alert", {}).get("active", False) for decision in decisions)
        self.assertIn(f"{len(ids)} responses: settled {routes.count('settled')}, retry {routes.count('retry')}, "
                      f"dead_letter {routes.count('dead_letter')};", words)
        self.assertGreater(alerts, 0)

    def test_a_demo_that_nobody_reads_ends(self):
        process = support.start("demo", stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.assertTrue(process.stdout.readline())
        process.stdout.close()
        self.assertEqual(process.wait(), 0)


class Send(unittest.TestCase):
    def test_without_a_broker_it_gives_up_and_says_so(self):
        endpoint = f"tcp://{support.address()}:5560"
        code, _, words = support.run("send", "--connect", endpoint, "--timeout", "300ms",
                                     data=support.lines_of([GOOD]))
        self.assertEqual(code, 69)
        self.assertIn("accepted 0, refused 0, unacknowledged 1", words)
        self.assertRegex(words, rf"paytriage: no answer from {endpoint} .*\nhint: .*paytriage run")

    def test_nothing_to_send_is_done_at_once(self):
        code, _, words = support.run("send", "--connect", f"tcp://{support.address()}:5560")
        self.assertEqual(code, 0)
        self.assertIn("accepted 0, refused 0, unacknowledged 0; 0 batches sent again\n", words)
        self.assertEqual(support.run("send", "--quiet")[1:], ("", ""))

    def test_a_signal_interrupts_it(self):
        process = support.start("send", "--connect", f"tcp://{support.address()}:5560", bufsize=0)
        # A bad line is reported as soon as it is read; then signals are watched.
        process.stdin.write(b"no json\n")
        self.assertIn(b"line 1", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        self.assertIn(b"unacknowledged 1", process.stderr.read())
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()

    def test_a_file_that_is_not_there(self):
        code, _, words = support.run("send", "/no/such/file.jsonl")
        self.assertEqual(code, 66)
        self.assertIn("/no/such/file.jsonl", words)

    def test_a_second_broker_is_tried_when_the_first_is_silent(self):
        with support.Bus() as bus:
            silent = f"tcp://{support.address()}:5560"
            code, _, words = support.run("send", "--connect", silent, "--connect", bus.front,
                                         data=support.lines_of([GOOD] * 10))
            self.assertEqual(code, 0, words)
            self.assertIn("accepted 10, refused 0", words)


class Restart(unittest.TestCase):
    """Responses keep coming on standard input while parts of the bus are replaced."""

    COUNT = 20000

    def send_around(self, bus, disturb):
        """Send half, disturb the bus, send the rest; all must be accepted."""
        half = support.lines_of([GOOD] * (self.COUNT // 2))
        process = support.start("send", "--connect", bus.front, "--batch", "50", "--timeout", "200s")
        process.stdin.write(half)
        process.stdin.flush()
        disturb()
        _, words = process.communicate(half)
        self.assertEqual(process.returncode, 0, words)
        self.assertIn(f"accepted {self.COUNT}, refused 0, unacknowledged 0", words.decode())

    def test_a_broker_that_is_killed_and_started_again_loses_nothing(self):
        with support.Bus() as bus:
            def restart_broker():
                bus.broker.process.kill()
                bus.broker.wait()
                bus.broker.__exit__()
                bus.broker = bus.start_broker()
            self.send_around(bus, restart_broker)
            self.assertEqual(bus.worker.stop(), 0)
            self.assertIn(f"worker.counts received={self.COUNT} ", bus.worker.text)

    def test_a_worker_that_drains_while_another_takes_over_loses_nothing(self):
        with support.Bus() as bus:
            def replace_worker():
                self.assertEqual(bus.worker.stop(), 0)
                bus.worker.__exit__()
                bus.worker = bus.start_worker()
            self.send_around(bus, replace_worker)

    def test_a_worker_that_is_killed_loses_nothing_that_was_accepted(self):
        with support.Bus() as bus:
            def kill_worker():
                bus.worker.process.kill()
                bus.worker.wait()
                bus.worker.__exit__()
                bus.worker = bus.start_worker()
            self.send_around(bus, kill_worker)


if __name__ == "__main__":
    support.main()
