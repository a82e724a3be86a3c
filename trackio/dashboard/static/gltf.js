// A glTF as text becomes one binary file: the data that stands in it as `data:` addresses is put
// beside it, so that nothing has to be fetched to show it. Pure.

const [MAGIC, JSON_CHUNK, BIN_CHUNK] = [0x46546c67, 0x4e4f534a, 0x004e4942];

/** The bytes of a GLB as they are, or those of a glTF as a GLB. Throws what cannot be shown. */
export function asGlb(bytes) {
  if (bytes.byteLength >= 4 && new DataView(bytes).getUint32(0, true) === MAGIC) return bytes;
  const json = JSON.parse(new TextDecoder().decode(bytes));
  const parts = (json.buffers ?? []).map((buffer) => decoded(buffer.uri));
  const starts = [];
  let length = 0;
  for (const part of parts) {
    starts.push(length);
    length = padded(length + part.length);
  }
  for (const view of json.bufferViews ?? []) {
    view.byteOffset = (view.byteOffset ?? 0) + starts[view.buffer];
    view.buffer = 0;
  }
  if (parts.length) json.buffers = [{ byteLength: length }];
  const data = new Uint8Array(length);
  parts.forEach((part, i) => data.set(part, starts[i]));
  return packed(new TextEncoder().encode(JSON.stringify(json)), data);
}

const padded = (length) => Math.ceil(length / 4) * 4;

function decoded(uri) {
  const found = /^data:[^,]*?(;base64)?,(.*)$/s.exec(uri ?? "");
  if (!found) throw new Error(`it needs another file, ${uri ?? "which it does not name"}`);
  const text = found[1] ? atob(found[2]) : decodeURIComponent(found[2]);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function packed(text, data) {
  const textLength = padded(text.length);
  const total = 12 + 8 + textLength + (data.length ? 8 + data.length : 0);
  const file = new ArrayBuffer(total);
  const view = new DataView(file);
  const words = [MAGIC, 2, total, textLength, JSON_CHUNK];
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  new Uint8Array(file, 20, textLength).fill(0x20).set(text);
  if (data.length) {
    view.setUint32(20 + textLength, data.length, true);
    view.setUint32(24 + textLength, BIN_CHUNK, true);
    new Uint8Array(file, 28 + textLength).set(data);
  }
  return file;
}
