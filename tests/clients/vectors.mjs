// The golden vectors, read and written by codec.mjs, which stands in the folder that the first argument names.
//
//     vectors.mjs CLIENTS VECTORS
import assert from "node:assert";
import { readdirSync, readFileSync } from "node:fs";

const [clients, vectors] = process.argv.slice(2);
const { crc32, pack, unpack } = await import(`${clients}/codec.mjs`);
const names = (folder) => readdirSync(`${vectors}/${folder}`).filter((name) => name.endsWith(".json"));
const read = (folder, name) => ({
  shown: JSON.parse(readFileSync(`${vectors}/${folder}/${name}`)),
  bytes: readFileSync(`${vectors}/${folder}/${name.replace(/json$/, "msgpack")}`),
});

for (const name of names("wire")) {
  const { shown, bytes } = read("wire", name);
  const items = name.startsWith("batch_payload");
  const value = unpack(bytes);
  assert.deepStrictEqual(items ? value.map(unpack) : value, shown, name);
  assert.equal(pack(items ? shown.map(pack) : shown).length, bytes.length, `${name}: not the smallest form`);
}
for (const name of names("decision")) {
  const { shown, bytes } = read("decision", name);
  const value = unpack(bytes);
  if (value.raw) value.raw = value.raw.toString("base64");
  assert.deepStrictEqual(value, shown, name);
}
const { shown: header } = read("wire", "batch.json");
assert.equal(crc32(read("wire", "batch_payload.json").bytes), header[6]);
console.log(`${names("wire").length + names("decision").length} vectors`);
