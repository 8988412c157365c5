// msgpack as paytriage writes it. JavaScript has two traps: readers make a BigInt of each 64-bit integer, however small,
// and writers make a float of each integer above 2^32, which no envelope accepts. All integers here are below 2^53.
import { Packr, Unpackr } from "msgpackr";

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "number" });

function exact(value) {
  if (typeof value === "number")
    return Number.isSafeInteger(value) && (value > 0xffffffff || value < -0x80000000) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(exact);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, exact(inner)]));
}

// A copy: msgpackr gives views of one buffer that it uses again.
export const pack = (value) => Buffer.from(packr.pack(exact(value)));
export const unpack = (bytes) => unpackr.unpack(bytes);

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

// zlib's CRC-32; node:zlib has it only from Node 20.15 on.
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// What an answer to a producer says, or null when it is not in the grammar: as if it had not come.
export function answerOf(frames) {
  let answer;
  try {
    answer = unpack(frames[0]);
  } catch {
    return null;
  }
  if (frames.length !== 1 || !Array.isArray(answer) || answer[0] !== 1) return null;
  const [, kind, producer, epoch, what, reason, retryAfterMs] = answer;
  const isRange = (range) => Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger);
  const good = kind === "ACK" ? answer.length === 5 && Array.isArray(what) && what.every(isRange)
    : kind === "NACK" && answer.length === 7 && Number.isSafeInteger(what) && typeof reason === "string" &&
      Number.isSafeInteger(retryAfterMs) && retryAfterMs >= 0 && retryAfterMs < 2 ** 32;
  return good ? { kind, producer, epoch, what, reason, retryAfterMs } : null;
}

// The next message of a socket, or null.
export async function receive(socket, ms) {
  socket.receiveTimeout = ms;
  return socket.receive().catch((fault) => {
    if (fault.code !== "EAGAIN") throw fault;
    return null;
  });
}
