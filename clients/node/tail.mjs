#!/usr/bin/env node
// Prints retries and dead letters as JSON Lines, and acknowledges what was printed. Ended and started again under the
// same name, it goes on where it was; the last lines may then come once more.
//
//     tail.mjs [--curve KEYS] NAME tcp://127.0.0.1:5570 tcp://127.0.0.1:5571
import { keysAmong } from "./curve.mjs";
import { Subscriber } from "./subscriber.mjs";

const [keys, [name, ...publishers]] = keysAmong(process.argv.slice(2));
if (!publishers.length) {
  console.error("usage: tail.mjs [--curve KEYS] NAME PUBLISHER [PUBLISHER ...]");
  process.exit(64);
}

// `raw` is the one value that is no text.
const asJson = (key, value) => (value?.type === "Buffer" ? Buffer.from(value.data).toString("base64") : value);
const print = (topic, decision) => process.stdout.write(JSON.stringify(decision, asJson) + "\n");

const bus = new Subscriber(publishers, ["retry.", "dead_letter."], name, print, (text) => console.error(text), keys);
for (;;) {
  await bus.step(200);
  await bus.acknowledge();
}
