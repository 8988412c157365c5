// Only the reasons of the protocol refuse a batch for good; the publisher stands in the folder that is named.
//
//     reasons.mjs CLIENTS
import assert from "node:assert";

const [clients] = process.argv.slice(2);
const { pack } = await import(`${clients}/codec.mjs`);
const { Publisher } = await import(`${clients}/publisher.mjs`);

const refused = [];
const one = new Publisher(["tcp://127.0.0.1:9"], (...said) => refused.push(said));
await one.connected;
for (const seq of [1, 2, 3]) one.batches.set(seq, { count: 1, sends: 1, silent: 1, due: 0 });
for (const [seq, reason] of [[1, "of a later version"], [2, "busy"], [3, "conflict"]])
  one.answered([pack([1, "NACK", one.producer, one.epoch, seq, reason, 0])]);
assert.deepStrictEqual(refused, [[3, 1, "conflict"]]);
assert.deepStrictEqual([...one.batches.keys()], [1, 2]);
one.close();
console.log("reasons that are unknown refuse nothing");
