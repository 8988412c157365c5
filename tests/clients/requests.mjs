// When a worker's replay is asked again, by a clock of ours, and what becomes of a request that cannot be made; replay.mjs stands in the folder that is named.
//
//     requests.mjs CLIENTS
import assert from "node:assert";
import { createRequire } from "node:module";

const [clients] = process.argv.slice(2);
const { pack, unpack } = await import(`${clients}/codec.mjs`);
const { Replay } = await import(`${clients}/replay.mjs`);
const { Dealer } = createRequire(`${clients}/replay.mjs`)("zeromq");

let clock = 1000000;
performance.now = () => clock;
const one = new Replay();

// A dealer that answers each request with these kinds; whether it was asked.
const asks = (...kinds) => asksFor("FETCH", ...kinds);

async function asksFor(request, ...kinds) {
  const answers = [];
  let sent = 0;
  one.dealer = {
    async send(header) {
      sent++;
      answers.push(...kinds.map((kind) => [pack([1, kind, unpack(header)[2]])]));
    },
    async receive() {
      if (answers.length) return answers.shift();
      throw Object.assign(new Error("nothing came"), { code: "EAGAIN" });
    },
    close() {},
  };
  await one.ask(request);
  return sent === 1;
}

async function waits(ms, ...kinds) {
  clock += ms - 1;
  const early = await asks();
  clock += 1;
  return !early && asks(...kinds);
}

assert((await asks("REFUSED")) && (await waits(1000, "REFUSED")) && (await waits(1000, "END")), "a second after a refusal");
assert(await asks(), "at once after an answer");
assert.equal(one.dealer, null, "a late answer would come to the next request");
for (const ms of [1000, 2000, 4000, 8000, 10000]) assert(await waits(ms), `${ms}: twice as long each time`);
assert((await waits(10000, "FETCHED", "END")) && one.dealer && (await asks()), "anew after an answer");
assert(await waits(1000));
clock += 2000;
assert((await asksFor("OPEN", "OPENED")) && (await waits(1000, "END")), "a second after an OPEN of which nobody says that it was of use");

const refused = new Replay();
refused.dealer = new Dealer({ linger: 0, sendTimeout: 0 }); // without a connection, as one is that was refused
assert.deepEqual(await refused.ask("OPEN"), [], "there is no room for ever");
assert.equal(refused.dealer, null, "the next request has a connection of its own");

const keyless = new Replay("/nonexistent");
keyless.endpoint = "ipc:///nonexistent/replay";
for (let time = 0; time < 2; time++) {
  await assert.rejects(keyless.ask("OPEN"), { code: "ENOENT" }, "a key's file that is missing");
  assert.equal(keyless.dealer, null, "it is not connected, and a request would wait in it for ever");
  assert.deepEqual(await keyless.ask("OPEN"), [], "not at once");
  clock += 1000;
}
console.log("requests wait for their time");
