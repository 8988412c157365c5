// A worker of the bus as zeromq, msgpackr and a Map make it. See README.md beside it.
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { Packr, Unpackr } from "msgpackr";
import { Dealer, Publisher } from "zeromq";

const WINDOW = 64;
const QUEUES = ["settled", "retry", "dead_letter", "operator_alert"];
const UNKNOWN = {
  category: "unknown_code", outcome: "unknown", action: "investigate", route: "dead_letter", summary: "",
};
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

function options() {
  const found = {};
  for (let i = 2; i + 1 < process.argv.length; i += 2)
    found[process.argv[i].slice(2).replaceAll("-", "_")] = process.argv[i + 1];
  return found;
}

function loadRows(path) {
  const shapes = new Map();
  const rows = new Map();
  for (const line of readFileSync(path, "utf8").split("\n").filter(Boolean)) {
    const { key, ...row } = JSON.parse(line);
    if (key) rows.set(key, row);
    else shapes.set(row.provider, row);
  }
  shapes.set("omise", shapes.get("opn"));
  return { shapes, rows };
}

// node:zlib has crc32 from version 22 (and 20.15) on.
const checksum = crc32 ?? makeCrc32();

function makeCrc32() {
  const table = new Uint32Array(256).map((_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
    return byte;
  });
  return (bytes) => {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  };
}

async function bind(socket, endpoint) {
  if (!endpoint.endsWith(":*")) {
    await socket.bind(endpoint);
    return endpoint;
  }
  for (;;) {
    const chosen = endpoint.replace("*", String(20000 + Math.floor(Math.random() * 12000)));
    try {
      await socket.bind(chosen);
      return chosen;
    } catch (fault) {
      if (fault.code !== "EADDRINUSE") throw fault;
    }
  }
}

const given = options();
const { shapes, rows } = loadRows(given.rows);
const worker = randomBytes(8).toString("hex");
// msgpackr packs a Number above 32 bits as a float, which is no integer on the wire; a BigInt it does not.
const epoch = BigInt(Date.now());
const nextSeq = new Map();
const back = new Dealer({ linger: 0 });
const publish = {};
let received = 0;
let announced = 0;
let told = 0;

function find(body, path) {
  for (const step of path) body = body?.[step];
  return body;
}

function rowOf(provider, body) {
  const shape = shapes.get(provider);
  for (const path of shape?.codes ?? []) {
    const code = find(body, path);
    const row = rows.get(`${shape.provider}/${code}`);
    if (row) return [row, code];
  }
  for (const path of shape?.statuses ?? []) {
    const code = find(body, path);
    const row = rows.get(`${shape.provider}/status/${code}`);
    if (row) return [row, code];
  }
  return [UNKNOWN, null];
}

function decide(item, place) {
  const response = unpackr.unpack(item);
  const [row, code] = rowOf(response.provider, response.body);
  return {
    id: response.id ?? place, attempt: response.attempt ?? 1, provider: response.provider,
    http_status: response.http_status, code, ...row, decided_ms: BigInt(Date.now()),
  };
}

function sendTopic(route, provider, decisions) {
  const topic = `${route}.${provider}.`;
  // pack gives a view of a buffer that the next pack may write over.
  const items = Buffer.from(packr.pack(decisions));
  const live = route === "settled";
  const first = live ? 0 : (nextSeq.get(topic) ?? 1);
  const head = live ? 0 : first + decisions.length;
  nextSeq.set(topic, head);
  const header = [1, "DECISIONS", worker, epoch, first, decisions.length, head, checksum(items), live ? 1 : 0];
  return publish[route].send([topic, Buffer.from(packr.pack(header)), items]);
}

async function take([client, header, payload]) {
  const [, , producer, batchEpoch, seq, , crc] = unpackr.unpack(header);
  if (checksum(payload) !== crc) return;
  const topics = new Map();
  unpackr.unpack(payload).forEach((item, index) => {
    const decision = decide(item, `${producer}/${batchEpoch}/${seq}/${index}`);
    const key = `${decision.route} ${decision.provider}`;
    if (!topics.has(key)) topics.set(key, []);
    topics.get(key).push(decision);
  });
  for (const decisions of topics.values()) await sendTopic(decisions[0].route, decisions[0].provider, decisions);
  await back.send([client, Buffer.from(packr.pack([1, "ACK", producer, BigInt(batchEpoch), [[seq, seq]]]))]);
}

async function announce() {
  announced = received + WINDOW;
  told = Date.now();
  await back.send(Buffer.from(packr.pack([1, "READY", worker, epoch, received, announced])));
}

const ports = {};
for (const queue of QUEUES) {
  publish[queue] = new Publisher({ sendHighWaterMark: 4096, linger: 0 });
  ports[queue] = await bind(publish[queue], given[queue]);
}
back.connect(given.connect);
writeFileSync(`${given.ports_file}.new`, JSON.stringify(ports));
renameSync(`${given.ports_file}.new`, given.ports_file);

// A socket takes one send at a time, so the beacon goes between two batches unless there are none.
let busy = false;
setInterval(() => {
  if (!busy && Date.now() - told >= 1000) announce();
}, 250);
await announce();
for await (const frames of back) {
  busy = true;
  if (frames.length === 1) {
    received = 0;
    await announce();
  } else {
    received++;
    await take(frames);
    if (received + WINDOW - announced >= WINDOW / 4 || Date.now() - told >= 1000) await announce();
  }
  busy = false;
}
