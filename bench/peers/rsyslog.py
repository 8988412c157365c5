#!/usr/bin/python3
"""rsyslogd as a classifier: imczmq, mmjsonparse, a lookup table, omczmq. See README.md beside it.

Starts an rsyslogd of its own with a configuration of its own, keeps a window of messages under way, counts that each
one comes back once, and prints the figures. Exit 69: something that it needs is not installed.
"""
import argparse
import glob
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BODIES = pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "vectors" / "bodies"

CONFIGURATION = """
global(workDirectory="{directory}" maxMessageSize="256k")
module(load="imczmq")
module(load="omczmq")
module(load="mmjsonparse")
lookup_table(name="codes" file="{directory}/codes.json")
template(name="decision" type="list") {{
  constant(value="{{\\"id\\":\\"") property(name="$!id" format="json")
  constant(value="\\",\\"provider\\":\\"") property(name="$!provider" format="json")
  constant(value="\\",\\"code\\":\\"") property(name="$.code" format="json")
  constant(value="\\",\\"route\\":\\"") property(name="$.route" format="json")
  constant(value="\\"}}")
}}
input(type="imczmq" endpoints="@ipc://{directory}/in" socktype="PULL" ruleset="classify")
ruleset(name="classify" queue.type="Direct") {{
  action(type="mmjsonparse" cookie="")
  set $.code = $!body!failure_code;
  if ($!provider == "jamespay") then set $.code = $!body!error;
  if ($.code == "") then set $.code = $!body!responseCode;
  if ($.code == "") then set $.code = $!body!error!code;
  if ($.code == "") then set $.code = $!body!paymentMsg!code;
  if ($.code == "" and $!provider != "jamespay") then set $.code = $!body!code;
  if ($.code == "") then set $.code = "status/" & $!body!status;
  set $.key = $!provider & "/" & $.code;
  set $.route = lookup("codes", $.key);
  action(type="omczmq" endpoints=">ipc://{directory}/out" socktype="PUSH" template="decision")
}}
"""


def give_up(words):
    print(f"rsyslog: skipped, {words} (packages rsyslog, rsyslog-czmq, python3-zmq)")
    sys.exit(69)


try:
    import zmq
except ImportError:
    give_up("pyzmq is not installed")


def load_messages():
    messages = []
    for path in sorted(BODIES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            answer = json.loads(line)
            answer.pop("expect", None)
            if isinstance(answer.get("body"), dict):
                messages.append(answer)
    return messages


def write_table(rows, path):
    table = []
    with open(rows, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if "key" in row:
                table.append({"index": row["key"], "value": row["route"]})
    table = list({entry["index"]: entry for entry in table}.values())
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"version": 1, "nomatch": "dead_letter", "type": "string", "table": table}, file)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Chain:
    def __init__(self, directory, rows):
        context = zmq.Context()
        self.out = context.socket(zmq.PULL)
        self.out.rcvhwm = 0
        self.out.bind(f"ipc://{directory}/out")
        write_table(rows, f"{directory}/codes.json")
        configuration = f"{directory}/rsyslog.conf"
        pathlib.Path(configuration).write_text(CONFIGURATION.format(directory=directory), encoding="utf-8")
        self.process = subprocess.Popen(
            [shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin"), "-n", "-iNONE", "-f", configuration],
            stdout=subprocess.DEVNULL, stderr=open(f"{directory}/rsyslogd.log", "wb"),
        )
        self.into = context.socket(zmq.PUSH)
        self.into.sndhwm = 0
        self.into.linger = 0
        self.into.connect(f"ipc://{directory}/in")
        self.under_way = {}
        self.sent = self.done = 0

    def send(self, messages):
        message = dict(messages[self.sent % len(messages)], id=str(self.sent))
        self.under_way[message["id"]] = True
        self.into.send(json.dumps(message, ensure_ascii=False).encode())
        self.sent += 1

    def receive(self, timeout_ms):
        while self.out.poll(timeout_ms):
            decision = json.loads(self.out.recv())
            if not self.under_way.pop(decision["id"], None):
                sys.exit(f"rsyslog: a decision that no message accounts for: {decision}")
            self.done += 1
            timeout_ms = 0

    def drive(self, messages, seconds, window):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            while len(self.under_way) < window:
                self.send(messages)
            before = self.done
            self.receive(5000)
            if self.done == before:
                sys.exit("rsyslog: nothing comes back")
        while self.under_way:
            before = self.done
            self.receive(5000)
            if self.done == before:
                sys.exit(f"rsyslog: {len(self.under_way)} messages are not accounted for")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin"):
        give_up("rsyslogd is not installed")
    if not glob.glob("/usr/lib/*/rsyslog/omczmq.so"):
        give_up("its modules for ZeroMQ are not installed")
    messages = load_messages()
    rounds, seconds = (1, 0.2) if options.short else (5, 2.0)
    rates, cpus, drivers = [], [], []
    with tempfile.TemporaryDirectory(prefix="paytriage-bench-") as directory:
        chain = Chain(directory, options.rows)
        try:
            chain.drive(messages, seconds / 10, 1)
            for _ in range(rounds):
                start, done, cpu, own = time.monotonic(), chain.done, cpu_seconds(chain.process.pid), time.process_time()
                chain.drive(messages, seconds, 512)
                count = chain.done - done
                rates.append(count / (time.monotonic() - start))
                cpus.append((cpu_seconds(chain.process.pid) - cpu) / count * 1e6)
                drivers.append((time.process_time() - own) / count * 1e6)
        finally:
            chain.process.send_signal(signal.SIGTERM)
            chain.process.wait(10)
    figures = {"responses_per_s": round(statistics.median(rates)), "rsyslog_cpu_s": round(statistics.median(cpus), 2),
               "driver_cpu_s": round(statistics.median(drivers), 2)}
    print(json.dumps(figures) if options.json else "\n".join(f"{key}: {value}" for key, value in figures.items()))


main()
