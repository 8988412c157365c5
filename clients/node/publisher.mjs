#!/usr/bin/env node
// A producer of paytriage by the rules of proto/PROTOCOL.md, "Producers": responses go out in numbered batches, each is
// kept and sent again until it is acknowledged or refused for good. Used as a program it publishes JSON Lines.
//
//     publisher.mjs [--curve KEYS] tcp://127.0.0.1:5560 [tcp://OTHER-BROKER:5560 ...] < responses.jsonl
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Dealer } from "zeromq";
import { answerOf, crc32, pack } from "./codec.mjs";
import { connect, keysAmong } from "./curve.mjs";

const WINDOW = 64, BATCH = 256, RTO_MS = 200, RTO_MAX_MS = 10000, SILENT_SENDS = 3;
const PASSING = ["busy", "window", "bad_crc"], FOR_GOOD = ["too_big", "bad_format", "conflict", "unauthorized"];

const spread = (ms) => ms * (1 + Math.random() / 4);

export class Publisher {
  constructor(brokers, refused, keys) {
    Object.assign(this, { brokers: [...brokers], refused, keys, socket: null, wake: () => {} });
    this.producer = randomBytes(8).toString("hex");
    this.epoch = Date.now();
    this.open = [];
    this.batches = new Map(); // by seq: what is not answered
    this.next = 1;
    this.accepted = 0;
    this.connect();
  }

  // The next broker, on a new socket: what waits in the old one is dropped, and sent again.
  connect() {
    if (this.socket) {
      this.socket.close();
      this.brokers.push(this.brokers.shift());
    }
    this.socket = new Dealer({ linger: 0, sendHighWaterMark: WINDOW + 16, maxMessageSize: 2 << 20, sendTimeout: 0 });
    this.connected = connect(this.socket, this.brokers[0], this.keys);
    for (const batch of this.batches.values()) Object.assign(batch, { due: 0, silent: 0 });
    this.listen(this.socket);
  }

  async listen(socket) {
    for await (const frames of socket) {
      this.answered(frames);
      this.wake();
    }
  }

  floor() {
    return this.batches.size ? Math.min(...this.batches.keys()) : this.next;
  }

  // Take one response (an object with an id); waits while the window is full.
  async put(response) {
    this.open.push(response);
    if (this.open.length === BATCH) await this.seal();
  }

  // Send what was put, although the batch is not full.
  async seal() {
    while (this.next - this.floor() >= WINDOW) await this.turn(1000);
    if (this.open.length) {
      const payload = pack(this.open.map(pack));
      this.batches.set(this.next++, { payload, crc32: crc32(payload), count: this.open.length, sends: 0, silent: 0, due: 0 });
      this.open = [];
    }
    await this.sendDue();
  }

  // Wait until everything is answered.
  async finish() {
    await this.seal();
    while (this.batches.size) await this.turn(1000);
  }

  close() {
    this.socket.close();
  }

  // Send what is due, and wait for an answer or for the next that is.
  async turn(ms) {
    await this.sendDue();
    const soonest = Math.min(...[...this.batches.values()].map((batch) => batch.due)) - performance.now();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, Math.min(ms, soonest)));
      this.wake = () => (clearTimeout(timer), resolve());
    });
  }

  async sendDue() {
    const now = performance.now();
    if ([...this.batches.values()].some((batch) => batch.due <= now && batch.silent >= SILENT_SENDS)) this.connect();
    await this.connected;
    for (const [seq, batch] of [...this.batches]) {
      if (batch.due > now || !this.batches.has(seq)) continue;
      const header = [1, "BATCH", this.producer, this.epoch, seq, this.floor(), batch.crc32, batch.count];
      batch.due = now + spread(Math.min(RTO_MS * 2 ** batch.sends, RTO_MAX_MS));
      batch.sends++;
      batch.silent++;
      try {
        await this.socket.send([pack(header), batch.payload]);
      } catch (fault) {
        if (fault.code !== "EAGAIN") throw fault; // the pipe is full, perhaps of this: a kind of silence
      }
    }
  }

  answered(frames) {
    const { kind, producer, epoch, what, reason, retryAfterMs } = answerOf(frames) ?? {};
    if (producer !== this.producer || epoch !== this.epoch) return; // another owner's
    for (const batch of this.batches.values()) batch.silent = 0; // somebody lives there
    if (kind === "ACK") {
      for (const [first, last] of what)
        for (const [seq, batch] of [...this.batches])
          if (first <= seq && seq <= last && this.batches.delete(seq)) this.accepted += batch.count;
    } else if (this.batches.has(what)) {
      const batch = this.batches.get(what);
      if (PASSING.includes(reason)) {
        Object.assign(batch, { due: performance.now() + spread(retryAfterMs || RTO_MS), sends: 0 });
      } else if (FOR_GOOD.includes(reason)) { // another word refuses nothing: it is sent again
        this.batches.delete(what);
        this.refused(what, batch.count, reason);
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [keys, brokers] = keysAmong(process.argv.slice(2));
  if (!brokers.length) {
    console.error("usage: publisher.mjs [--curve KEYS] BROKER [BROKER ...] < responses.jsonl");
    process.exit(64);
  }
  const publisher = new Publisher(brokers, (seq, count, reason) =>
    console.error(`refused: ${count} of batch ${seq}: ${reason}`), keys);
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number++;
    if (line.trim()) await publisher.put({ id: `line:${number}`, ...JSON.parse(line) });
  }
  await publisher.finish();
  publisher.close();
  console.error(`accepted ${publisher.accepted}`);
}
