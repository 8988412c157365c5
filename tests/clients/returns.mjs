// Which connections count as gone and back, by what a socket's monitor says.
//
//     returns.mjs CLIENTS
import assert from "node:assert";
import { EventEmitter } from "node:events";

const [clients] = process.argv.slice(2);
const { Connections } = await import(`${clients}/curve.mjs`);

const events = new EventEmitter();
const lines = new Connections({ events, connect() {}, closed: false }, ["tcp://127.0.0.1:9"]);
const after = async (...names) => {
  for (const name of names) {
    const [kind, address] = name.split("@");
    events.emit(kind, { address });
  }
  return lines.tend();
};

assert.equal(await after("handshake@a"), false);
assert.equal(await after("disconnect@b", "handshake@b"), false, "it never stood: its handshake had failed");
assert.equal(await after("disconnect@a"), false);
assert.equal(await after("disconnect@a"), false);
assert.equal(await after("handshake@a"), true);
assert.equal(await after(), false, "told once");
assert.equal(await after("handshake@a"), false);
assert.equal(await after("disconnect@b", "disconnect@a", "handshake@b"), true);
assert.equal(await after("handshake@another-address-of-a"), true);
assert.equal(await after("handshake@c"), false);
console.log("connections that were gone and are back are told of");
