// A durable subscriber of paytriage by the rules of proto/PROTOCOL.md, "Subscribers" and "Replay": decisions come in the
// order of their topic, what is missing is fetched, what cannot be fetched is reported, and what the caller has made safe
// is acknowledged. A request waits for its answer, a second at most. tail.mjs shows how to use it.
import { Subscriber as Sub } from "zeromq";
import { crc32, receive, unpack } from "./codec.mjs";
import { Connections, RETURNED } from "./curve.mjs";
import { Replay, later } from "./replay.mjs";

const FLAG_LIVE = 1, SEEN_MAX = 1000000, FETCH_BYTES = 1 << 20, TOPICS_MAX = 64, SOURCES_MAX = 256;
const UNKNOWN = 0, LIVE = 1, OPENING = 2, OPENED = 3; // what is known of a source: nothing, that it has no replay, …

// One source, a (worker, epoch), has many streams. Of a stream, `next` is the number to be delivered next.
const newStream = (next) => ({ next, head: 1, acked: 1, doubt: false, due: 0 });
const newSource = (worker, epoch, keys) => ({ worker, epoch, state: UNKNOWN, replay: new Replay(keys), streams: new Map() });
const toEnd = (map, key, value = map.get(key)) => (map.delete(key), map.set(key, value), value); // so that all have their turn

export class Subscriber {
  constructor(publishers, prefixes, name, deliver, report, keys) {
    Object.assign(this, { prefixes, name, deliver, report, keys, sources: new Map(), seen: new Set() });
    this.sub = new Sub({ linger: 0, receiveHighWaterMark: 10000 });
    this.sub.subscribe(...prefixes);
    this.connections = new Connections(this.sub, publishers, keys);
  }

  // Take what has come, calling deliver(topic, decision), and fetch what has not.
  async step(ms) {
    if ((await this.connections.tend()) && [...this.sources.values()].some(({ state }) => state === LIVE)) this.report(RETURNED);
    for (let count = 0, frames; count < 256 && (frames = await receive(this.sub, count ? 0 : ms)); count++)
      await this.attempt(() => this.published(frames));
    for (const source of [...this.sources.values()]) {
      if (source.state === OPENING) await this.attempt(() => this.open(source, ""));
      for (const [topic, stream] of source.state === OPENED ? [...source.streams] : [])
        if (source.replay.isDue(stream.due) && (stream.head > stream.next || stream.doubt))
          await this.attempt(() => this.fetch(source, topic, stream));
    }
  }

  attempt(task) {
    return Promise.resolve().then(task)
      .catch((fault) => this.report(`a malformed message is as good as lost: ${fault.message}`));
  }

  // Everything that was delivered is safe: the workers may let go of it.
  async acknowledge() {
    for (const source of this.sources.values()) {
      const done = [...source.streams].filter(([, stream]) => source.state === OPENED && stream.next > stream.acked)
        .map(([topic, stream]) => [topic, stream.next]).slice(0, TOPICS_MAX);
      for (const [answer] of done.length ? await source.replay.ask("SUBACK", this.name, source.epoch, done) : []) {
        if (answer[1] === "SUBACKED") for (const [topic, seq] of done) toEnd(source.streams, topic).acked = seq;
        if (answer[1] === "REFUSED" && answer[3] === "unknown") source.state = OPENING; // an operator has forgotten the name
        if (answer[1] === "BADEPOCH") this.close(source);
      }
    }
  }

  async open(source, after) {
    for (const [answer] of await source.replay.ask("OPEN", this.name, true, this.prefixes, after)) {
      if (answer[1] !== "OPENED" || answer[3] !== source.worker)
        return this.report(`${source.replay.endpoint} does not open worker ${source.worker}: ${answer}`);
      if (answer[4] !== source.epoch) return this.close(source); // an epoch that is over; the new one will be heard of
      for (const [topic, retained, head, position] of answer[5]) {
        const stream = this.stream(source, topic);
        Object.assign(stream, { next: stream.next ?? position, head: Math.max(stream.head, head), acked: position });
        this.lose(source, topic, retained);
      }
      source.replay.retryAt = 0; // it was of use
      if (answer[6]) return this.open(source, answer[5].at(-1)[0]);
      Object.assign(source, { state: OPENED, first: 1 }); // what is not listed had no decision yet
      for (const stream of source.streams.values()) stream.next ??= 1;
      for (const other of this.sources.values())
        if (other.worker === source.worker && other.epoch < source.epoch && other.state !== LIVE) this.close(other);
    }
  }

  async fetch(source, topic, stream) {
    const start = stream.next;
    Object.assign(stream, { doubt: false, due: later() });
    for (const [answer, frames] of await source.replay.ask("FETCH", topic, source.epoch, start, FETCH_BYTES)) {
      if (answer[1] === "FETCHED") this.published(frames);
      else if (answer[1] === "END" && answer[4] < start) {
        this.report(`the journal of ${source.replay.endpoint} went back: it is opened again`);
        Object.assign(source, { state: OPENING, first: undefined, streams: new Map() }).replay.retryAt = later();
      } else if (answer[1] === "END" && stream.next === start && start < stream.head)
        this.report(`${source.replay.endpoint} brings nothing of ${topic} from ${start} on: it is asked again`);
      else if (answer[1] === "TRUNCATED") this.lose(source, topic, answer[3]);
      else if (answer[1] === "BADEPOCH") this.close(source);
    }
    if (stream.next !== start || start >= stream.head) stream.due = 0; // otherwise nothing came: not at once
  }

  close(source) { // nothing of it can be fetched any more
    Object.assign(source, { state: LIVE, first: undefined });
    source.replay.close();
    for (const [topic, stream] of source.streams) {
      if (stream.head > 1) stream.next ??= 1; // where this name was is not known any more
      this.lose(source, topic, stream.head);
    }
  }

  lose(source, topic, seq) { // or, where nothing was expected yet, begin there
    const stream = this.stream(source, topic);
    if (stream.next && seq > stream.next)
      this.report(`LOST ${topic} ${stream.next} to ${seq - 1}, from ${source.replay.endpoint || "no journal"}`);
    Object.assign(stream, { next: Math.max(stream.next ?? seq, seq), head: Math.max(stream.head, seq) });
  }

  stream(source, topic) {
    return source.streams.get(topic) ?? source.streams.set(topic, newStream(source.first)).get(topic);
  }

  source(worker, epoch) { // when there are too many, the one unheard for longest is forgotten
    const key = `${worker}/${epoch}`;
    const source = toEnd(this.sources, key, this.sources.get(key) ?? newSource(worker, epoch, this.keys));
    for (const [oldest, old] of this.sources)
      if (this.sources.size > SOURCES_MAX && this.sources.delete(oldest)) this.close(old); else break;
    return source;
  }

  published([topic, header, payload]) {
    const [, kind, worker, epoch, ...rest] = unpack(header);
    const source = this.source(worker, epoch);
    if (kind === "DECISIONS") this.decisions(source, topic.toString(), payload, ...rest);
    if (kind === "HEAD") this.head(source, topic.toString(), rest[1], rest[2]);
    for (const [name, , head] of kind === "HEADS" ? rest[1] : [])
      if (this.prefixes.some((prefix) => name.startsWith(prefix))) this.head(source, name, head, rest[0]);
  }

  head(source, topic, head, endpoint) {
    const stream = this.stream(source, topic);
    source.replay.endpoint = endpoint;
    if (source.state === UNKNOWN) source.state = endpoint ? OPENING : LIVE; // without a journal: from here on
    Object.assign(stream, { head: Math.max(stream.head, head), doubt: Boolean(stream.next && head < stream.next) });
    if (source.state === LIVE) this.lose(source, topic, head);
  }

  decisions(source, topic, payload, first, count, head, crc, flags) {
    const stream = this.stream(source, topic), live = flags === FLAG_LIVE;
    stream.head = Math.max(stream.head, head);
    if (source.state === LIVE && !live) this.lose(source, topic, first);
    if (!(live || (stream.next && first <= stream.next && stream.next < first + count)) || crc32(payload) !== crc)
      return; // too early, delivered before, or damaged: what is missing will be fetched
    for (const [index, decision] of unpack(payload).entries()) {
      const key = JSON.stringify([decision.producer, decision.id, decision.attempt, topic, decision.redriven]);
      if ((live || first + index >= stream.next) && !this.seen.has(key)) this.deliver(topic, decision);
      this.seen.add(key);
      if (!live) stream.next = Math.max(first + index + 1, stream.next);
    }
    for (const key of this.seen) if (this.seen.size > SEEN_MAX) this.seen.delete(key); else break;
  }
}
