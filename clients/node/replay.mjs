// A worker's replay as a subscriber asks it: one request at a time, each under a number of its own. It waits a second at most for
// what comes next of its answer, whatever else comes; where nothing comes the connection is made anew, later each time.
import { Dealer } from "zeromq";
import { pack, receive, unpack } from "./codec.mjs";
import { connect } from "./curve.mjs";

// When to ask again for what an answer did not bring.
export const later = () => performance.now() + 1000;

export class Replay {
  constructor(keys) {
    Object.assign(this, { keys, endpoint: "", dealer: null, request: 0, retryAt: 0, wait: 1000 });
  }

  // Whether a request that waits until then may be made.
  isDue(due = 0) {
    return performance.now() >= Math.max(due, this.retryAt);
  }

  // The answers, each with its other frames; none: not now. After an OPEN there is a pause, unless who asked ends it by
  // `retryAt`, because the answer was of use.
  async ask(kind, ...values) {
    const answers = [];
    if (!this.isDue()) return answers;
    if (!this.dealer) await this.connect();
    let until = (await this.send([1, kind, ++this.request, ...values])) ? later() : 0;
    for (let frames; (frames = await receive(this.dealer, Math.max(0, Math.ceil(until - performance.now())))); ) {
      const answer = this.read(frames[0]);
      if (!answer && performance.now() >= until) break; // others could go on for ever
      if (!answer) continue;
      until = later();
      answers.push([answer, frames.slice(1)]);
      if (answer[1] === "FETCHED") continue;
      Object.assign(this, { wait: 1000, retryAt: kind === "OPEN" || answer[1] === "REFUSED" ? later() : 0 });
      return answers;
    }
    this.close();
    Object.assign(this, { retryAt: performance.now() + this.wait, wait: Math.min(2 * this.wait, 10000) });
    return answers;
  }

  // One that is not connected, as when a key's file is missing, would take a request and never send it.
  async connect() {
    this.dealer = new Dealer({ linger: 0, sendTimeout: 0 });
    try {
      await connect(this.dealer, this.endpoint, this.keys);
    } catch (fault) {
      this.close();
      this.retryAt = later();
      throw fault;
    }
  }

  // Whether there was room. A connection that was refused has none for ever: libzmq does not try again.
  async send(request) {
    try {
      await this.dealer.send(pack(request));
      return true;
    } catch (fault) {
      if (fault.code !== "EAGAIN") throw fault;
      return false;
    }
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
