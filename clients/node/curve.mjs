// Connections of the clients here, and CURVE for them. A folder of keys, as `paytriage keygen` makes it, holds who this client is and the keys of
// its servers; without one, connections are plain. docs/security.md has the rules.
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

// A key out of a file that others may neither read, when it is a secret, nor change.
function keyOf(path, kind) {
  const secret = path.endsWith("_secret");
  if (statSync(path).mode & (secret ? 0o077 : 0o022))
    throw new Error(`${path} can be ${secret ? "read" : "changed"} by others; run: chmod ${secret ? "go=" : "go-w"} ${path}`);
  const found = new RegExp(`^\\s*${kind}-key\\s*=\\s*"([!-~]{40})"\\s*$`, "m").exec(readFileSync(path, "utf8"));
  if (!found) throw new Error(`${path} has no ${kind}-key`);
  return found[1];
}

// The most precise name decides: HOST:PORT, then HOST, then default; without any, the server is this party.
function serverKey(folder, endpoint) {
  const address = endpoint.startsWith("tcp://") ? endpoint.slice(6) : "";
  const host = address.slice(0, Math.max(0, address.lastIndexOf(":")));
  const paths = [address, host, "default"].filter(Boolean).map((name) => `${folder}/servers/${name}.key`);
  return keyOf(paths.find((path) => existsSync(path)) ?? `${folder}/own.key`, "public");
}

// This client's keys and the server's, as the files are now.
const keysOf = (folder, endpoint) => ({
  curvePublicKey: keyOf(`${folder}/own.key_secret`, "public"),
  curveSecretKey: keyOf(`${folder}/own.key_secret`, "secret"),
  curveServerKey: serverKey(folder, endpoint),
});

// Whether it is an IPv6 address, or a name that has only such; libzmq looks names up for one family.
async function isSix(endpoint) {
  if (!endpoint.startsWith("tcp://")) return false;
  const host = endpoint.slice(6, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.length > 0 && found.every(({ family }) => family === 6);
}

// A host that goes without a word is noticed after 30 s; who only listens would wait for it for ever.
const KEEPALIVE = { tcpKeepalive: 1, tcpKeepaliveIdle: 15, tcpKeepaliveInterval: 5, tcpKeepaliveCount: 3 };

// Set what the socket's next connection is made with. zeromq.js warns that others do not change, which is as it should be.
function prepare(socket, options) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    Object.assign(socket, options);
  } finally {
    process.emitWarning = emitWarning;
  }
}

// Keys are read anew each time, so a new connection finds a server's new key. Done when libzmq has the endpoint.
export async function connect(socket, endpoint, folder) {
  if (folder) Object.assign(socket, keysOf(folder, endpoint));
  const ipv6 = await isSix(endpoint);
  if (socket.closed) return; // it was given up meanwhile
  Object.assign(socket, KEEPALIVE, ipv6 && { ipv6 });
  socket.connect(endpoint);
}

export const RETURNED = "a connection was lost and is back; what a worker without a journal published meanwhile did not arrive";

// A socket's connections: those that were gone and are back are told of, and they are made anew when a handshake fails and
// the files hold other keys by now, because libzmq tries for ever with those that it has.
export class Connections {
  constructor(socket, endpoints, folder) {
    Object.assign(this, { socket, endpoints, folder, failed: false });
    Object.assign(this, { standing: new Set(), gone: 0, returned: false }); // by address; gone and not back; one is back
    socket.events.on("handshake:error:other", () => (this.failed = true));
    socket.events.on("disconnect", ({ address }) => this.standing.delete(address) && this.gone++); // or it never stood
    socket.events.on("handshake", ({ address }) => this.stands(address));
    this.connected = this.connect(this.keysNow());
  }

  stands(address) {
    this.standing.add(address);
    if (!this.gone) return;
    this.gone--; // by number: a host's name has not always one address
    this.returned = true;
  }

  keysNow() {
    return this.endpoints.map((endpoint) => (this.folder ? keysOf(this.folder, endpoint) : {}));
  }

  async connect(keys) {
    this.keys = keys;
    const six = await Promise.all(this.endpoints.map(isSix));
    if (this.socket.closed) return;
    for (const [index, endpoint] of this.endpoints.entries()) {
      prepare(this.socket, { ...KEEPALIVE, ...keys[index], ipv6: six[index] });
      this.socket.connect(endpoint);
    }
  }

  // To be called now and then. Whether a connection was gone and is back.
  async tend() {
    await this.connected;
    const { returned } = this;
    this.returned = false;
    if (this.folder && this.failed) await this.compareKeys();
    return returned;
  }

  async compareKeys() {
    this.failed = false;
    let keys;
    try {
      keys = this.keysNow();
    } catch {
      return; // a file that is being written: there will be another failure
    }
    if (isDeepStrictEqual(keys, this.keys)) return;
    for (const endpoint of this.endpoints) this.socket.disconnect(endpoint);
    this.gone += this.standing.size; // there is no event of an end that we make
    this.standing.clear();
    await (this.connected = this.connect(keys));
  }
}

// What `--curve KEYS` in front of the other arguments names, and the others.
export const keysAmong = (words) => (words[0] === "--curve" ? [words[1], words.slice(2)] : [undefined, words]);
