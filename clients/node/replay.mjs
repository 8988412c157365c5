// A worker's replay as a subscriber asks it: one request at a time, each under a number of its own. It waits a second at most for
// what comes next of its answer; where nothing comes the connection is made anew, later each time.
import { Dealer } from "zeromq";
import { pack, receive, unpack } from "./codec.mjs";
import { connect } from "./curve.mjs";

export class Replay {
  constructor(keys) {
    Object.assign(this, { keys, endpoint: "", dealer: null, request: 0, retryAt: 0, wait: 1000 });
  }

  // The answers, each with its other frames; none: not now.
  async ask(kind, ...values) {
    const answers = [];
    if (performance.now() < this.retryAt) return answers;
    if (!this.dealer) await connect((this.dealer = new Dealer({ linger: 0 })), this.endpoint, this.keys);
    await this.dealer.send(pack([1, kind, ++this.request, ...values]));
    for (let frames; (frames = await receive(this.dealer, 1000)); ) {
      const answer = this.read(frames[0]);
      if (!answer) continue;
      answers.push([answer, frames.slice(1)]);
      if (answer[1] === "FETCHED") continue;
      Object.assign(this, { wait: 1000, retryAt: answer[1] === "REFUSED" ? performance.now() + 1000 : 0 });
      return answers;
    }
    this.close();
    Object.assign(this, { retryAt: performance.now() + this.wait, wait: Math.min(2 * this.wait, 10000) });
    return answers;
  }

  // What answers another request, or is no answer, is ignored: null.
  read(header) {
    try {
      const answer = unpack(header);
      return Array.isArray(answer) && answer[0] === 1 && answer[2] === this.request ? answer : null;
    } catch {
      return null;
    }
  }

  // A late answer meets nobody: the next try is on a new connection.
  close() {
    this.dealer?.close();
    this.dealer = null;
  }
}
