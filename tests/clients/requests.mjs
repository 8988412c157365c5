// When a worker's replay is asked again, by a clock of ours; replay.mjs stands in the folder that is named.
//
//     requests.mjs CLIENTS
import assert from "node:assert";

const [clients] = process.argv.slice(2);
const { pack, unpack } = await import(`${clients}/codec.mjs`);
const { Replay } = await import(`${clients}/replay.mjs`);

let clock = 1000000;
performance.now = () => clock;
const one = new Replay();

// A dealer that answers each request with these kinds; whether it was asked.
async function asks(...kinds) {
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
  await one.ask("OPEN");
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
console.log("requests wait for their time");
