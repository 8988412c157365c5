"""What daemons say while they run, in each form, and what they tell systemd."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import support


class Lines(unittest.TestCase):
    def test_json_lines_from_start_to_end(self):
        with support.Bus() as bus:
            process = support.start("worker", "--connect", bus.back, "--log-format", "json", "--bind",
                                    support.address(), stdin=support.subprocess.DEVNULL,
                                    stdout=support.subprocess.DEVNULL)
            events = []
            while not events or events[-1]["event"] != "service.ready":
                events.append(json.loads(process.stderr.readline()))
            process.terminate()
            events += support.json_lines(process.communicate()[1].decode())
            self.assertEqual(process.returncode, 0)
        names = [event["event"] for event in events]
        self.assertEqual(names[0], "service.started")
        self.assertEqual([name for name in names if name.startswith("service")][-2:],
                         ["service.stopping", "service.drained"])
        self.assertIn("journal.none", names)
        for event in events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(event["level"], ("error", "warning", "info"))
            self.assertTrue(event["message"])

    def test_what_is_wrong_on_the_bus_is_counted_and_no_body_is_shown(self):
        front = f"tcp://{support.address()}:6710"
        with support.Daemon("run", "--front", front, "--bind", support.address()) as daemon:
            secret = b'"4242424242424242 not a response"\n'
            self.assertEqual(support.run("send", "--connect", front, data=secret * 50)[0], 0)
            line = daemon.process.stderr.readline().decode()
            while "worker.invalid" not in line:
                line = daemon.process.stderr.readline().decode()
            self.assertRegex(line, r" warning worker\.invalid count=\d+\n$")
            self.assertEqual(daemon.stop(), 0)
            self.assertNotIn("4242", daemon.text)

    def _await(self, daemon, event):
        line = daemon.process.stderr.readline().decode()
        while line and event not in line:
            line = daemon.process.stderr.readline().decode()
        return line

    def test_each_half_says_that_the_other_one_never_came(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            back = f"ipc://{folder}/back"
            with support.Daemon("worker", "--connect", back, "--bind", support.address()) as worker, \
                    support.Daemon("broker", "--front", f"ipc://{folder}/front", "--back", back + "2") as broker:
                self.assertRegex(self._await(worker, "worker.no_broker"),
                                 r" warning worker\.no_broker were=0 see=--connect\n$")
                self.assertRegex(self._await(broker, "broker.no_worker"), r" warning broker\.no_worker were=0\n$")

    def test_a_worker_says_when_its_broker_comes_and_goes(self):
        with support.Bus() as bus:
            self.assertRegex(self._await(bus.worker, "worker.brokers"), r" info worker\.brokers connected=1 of=1\n$")
            bus.broker.stop(signal.SIGKILL)
            self.assertRegex(self._await(bus.worker, "worker.no_broker"),
                             r" warning worker\.no_broker were=1 see=--connect\n$")

    def test_a_level_of_errors_leaves_the_rest_out(self):
        with support.Daemon("run", "--bind", support.address(), "--log-level", "error") as daemon:
            self.assertEqual(daemon.stop(), 0)
            self.assertNotIn("service.drained", daemon.text)


    def test_debug_tells_what_each_second_brings(self):
        with support.Daemon("run", "--bind", support.address(), "--log-level", "debug") as daemon:
            line = daemon.process.stderr.readline().decode()
            while "worker.rates" not in line:
                line = daemon.process.stderr.readline().decode()
            self.assertRegex(line, r" debug worker\.rates received=0 acked=0 nacked=0 published=0 in_work=0\n$")
            self.assertEqual(daemon.stop(), 0)


    def test_signals_change_the_level_while_it_runs(self):
        with support.Daemon("run", "--bind", support.address(), "--log-level", "error") as daemon:
            for number, level in ((signal.SIGUSR1, "warning"), (signal.SIGUSR1, "info"), (signal.SIGUSR1, "debug"),
                                  (signal.SIGUSR1, "debug"), (signal.SIGUSR2, "info")):
                daemon.process.send_signal(number)
                line = daemon.process.stderr.readline().decode()
                while "log.level" not in line:
                    line = daemon.process.stderr.readline().decode()
                self.assertIn(f" log.level level={level}\n", line)
            self.assertEqual(daemon.stop(), 0)
            self.assertNotIn("worker.rates", daemon.text)


    def test_an_order_changes_the_level(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            control = f"ipc://{folder}/control"
            with support.Daemon("run", "--bind", support.address(), "--control", control) as daemon:
                self.assertEqual(support.run("ctl", "loglevel", "debug", "--control", control)[0], 0)
                self.assertIn(" log.level level=debug", daemon.process.stderr.readline().decode())
                self.assertEqual(support.run("ctl", "loglevel", "loud", "--control", control)[0], 64)
                self.assertEqual(daemon.stop(), 0)


class Systemd(unittest.TestCase):
    def test_ready_watchdog_and_stopping_are_told(self):
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
                listener.bind(f"{folder}/notify")
                listener.settimeout(support.PATIENCE_S)
                env = {**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"}
                with support.Daemon("run", "--bind", support.address(), "--drain-timeout", "7s", env=env) as daemon:
                    self.assertIn("READY=1", listener.recv(4096).decode().splitlines())
                    for _ in range(2):
                        self.assertEqual(listener.recv(4096), b"WATCHDOG=1")
                    self.assertEqual(daemon.stop(), 0)
                    said = listener.recv(4096).decode()
                    while "STOPPING" not in said:
                        said = listener.recv(4096).decode()
                    self.assertIn("EXTEND_TIMEOUT_USEC=12000000", said)

    def test_the_journal_gets_fields(self):
        apart = ["unshare", "-m", "sh", "-ec", 'mount -t tmpfs none /run; mkdir -p /run/systemd/journal; '
                 'mount --bind "$1" /run/systemd/journal; shift; exec "$@"', "sh"]
        with tempfile.TemporaryDirectory(prefix="paytriage-") as folder:
            if subprocess.run([*apart, folder, "true"], capture_output=True).returncode:
                self.skipTest("a mount namespace takes root")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
                listener.bind(f"{folder}/socket")
                listener.settimeout(support.PATIENCE_S)
                process = subprocess.Popen([*apart, folder, support.PROGRAM, "run", "--bind", support.address(),
                                            "--log-format", "journal"], preexec_fn=support._die_with_parent)
                fields = {}
                while fields.get("PAYTRIAGE_EVENT") != "service.ready":
                    fields = dict(line.split("=", 1) for line in listener.recv(65536).decode().splitlines())
                process.terminate()
                self.assertEqual(process.wait(), 0)
        self.assertRegex(fields["MESSAGE"], r"^service\.ready: .* elapsed_ms=\d+$")
        self.assertEqual((fields["PRIORITY"], fields["SYSLOG_IDENTIFIER"]), ("6", "paytriage"))
        self.assertRegex(fields["PAYTRIAGE_ELAPSED_MS"], r"^\d+$")

    def test_the_journal_is_used_only_when_stderr_is_the_journal(self):
        with support.Daemon("run", "--bind", support.address(),
                            env={**os.environ, "JOURNAL_STREAM": "1:2"}) as daemon:
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("service.drained", daemon.text)


if __name__ == "__main__":
    support.main()
