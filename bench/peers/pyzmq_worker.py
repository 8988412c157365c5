#!/usr/bin/python3
"""A worker of the bus as pyzmq, msgpack and a dict make it. See README.md beside it."""
import argparse
import json
import os
import time
import zlib

import msgpack
import zmq

WINDOW = 64
QUEUES = ("settled", "retry", "dead_letter", "operator_alert")
UNKNOWN = {"category": "unknown_code", "outcome": "unknown", "action": "investigate", "route": "dead_letter", "summary": ""}


def load_rows(path):
    shapes, rows = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if "key" in row:
                rows[row.pop("key")] = row
            else:
                shapes[row["provider"]] = row
    shapes["omise"] = shapes.get("opn")
    return shapes, rows


def find(body, path):
    for step in path:
        if not isinstance(body, dict):
            return None
        body = body.get(step)
    return body


class Worker:
    def __init__(self, options):
        self.shapes, self.rows = load_rows(options.rows)
        self.worker, self.epoch = os.urandom(8).hex(), int(time.time() * 1000)
        self.next_seq, self.received, self.announced = {}, 0, 0
        context = zmq.Context()
        self.back = context.socket(zmq.DEALER)
        self.back.connect(options.connect)
        self.publish = {}
        ports = {}
        for queue in QUEUES:
            socket = context.socket(zmq.PUB)
            socket.sndhwm = 4096
            ports[queue] = bind(socket, getattr(options, queue))
            self.publish[queue] = socket
        with open(options.ports_file + ".new", "w", encoding="utf-8") as file:
            json.dump(ports, file)
        os.rename(options.ports_file + ".new", options.ports_file)

    def announce(self, now):
        self.announced = self.received + WINDOW
        self.told = now
        self.back.send(msgpack.packb([1, "READY", self.worker, self.epoch, self.received, self.announced]))

    def row_of(self, provider, body):
        shape = self.shapes.get(provider)
        if shape is None:
            return UNKNOWN, None
        for path in shape["codes"]:
            code = find(body, path)
            row = self.rows.get(f"{shape['provider']}/{code}")
            if row:
                return row, code
        for path in shape["statuses"]:
            code = find(body, path)
            row = self.rows.get(f"{shape['provider']}/status/{code}")
            if row:
                return row, code
        return UNKNOWN, None

    def decide(self, item, place):
        response = msgpack.unpackb(item)
        provider = response.get("provider")
        row, code = self.row_of(provider, response.get("body"))
        return {
            "id": response.get("id") or place,
            "attempt": response.get("attempt", 1),
            "provider": provider,
            "http_status": response.get("http_status"),
            "code": code,
            **row,
            "decided_ms": int(time.time() * 1000),
        }

    def send_topic(self, route, provider, decisions):
        topic = f"{route}.{provider}."
        items = msgpack.packb(decisions)
        live = route == "settled"
        first = 0 if live else self.next_seq.get(topic, 1)
        head = 0 if live else first + len(decisions)
        self.next_seq[topic] = head
        header = [1, "DECISIONS", self.worker, self.epoch, first, len(decisions), head, zlib.crc32(items), int(live)]
        self.publish[route].send_multipart([topic.encode(), msgpack.packb(header), items], copy=False)

    def take(self, frames):
        client, header, payload = frames
        _, _, producer, epoch, seq, _, crc32, _ = msgpack.unpackb(header)
        if zlib.crc32(payload) != crc32:
            return
        topics = {}
        for index, item in enumerate(msgpack.unpackb(payload)):
            decision = self.decide(item, f"{producer}/{epoch}/{seq}/{index}")
            topics.setdefault((decision["route"], decision["provider"]), []).append(decision)
        for (route, provider), decisions in topics.items():
            self.send_topic(route, provider, decisions)
        self.back.send_multipart([client, msgpack.packb([1, "ACK", producer, epoch, [[seq, seq]]])])

    def run(self):
        self.told = 0
        while True:
            now = time.monotonic()
            if now - self.told >= 1 or self.received + WINDOW - self.announced >= WINDOW // 4:
                self.announce(now)
            if not self.back.poll(1000):
                continue
            frames = self.back.recv_multipart()
            if len(frames) == 1:
                self.received = self.announced = 0
                self.told = 0
                continue
            self.received += 1
            self.take(frames)


def bind(socket, endpoint):
    if endpoint.startswith("tcp://") and endpoint.endswith(":*"):
        address = endpoint[: -len(":*")]
        return f"{address}:{socket.bind_to_random_port(address, min_port=20000, max_port=32000)}"
    socket.bind(endpoint)
    return endpoint


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", required=True)
    parser.add_argument("--connect", required=True)
    parser.add_argument("--ports-file", required=True)
    for queue in QUEUES:
        parser.add_argument("--" + queue.replace("_", "-"), required=True)
    Worker(parser.parse_args()).run()


main()
