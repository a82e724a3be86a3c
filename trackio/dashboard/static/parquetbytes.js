// The bytes of one file behind any web server: by ranges where it serves them, else whole.

const TAIL = 1 << 14; // what is asked for first: a Parquet file says at its end what is in it
const GAP = 1 << 14; // ranges that are closer than this are asked for as one

/** The file at `url`, opened; rejects if it is not there. */
export async function openBytes(url) {
  const response = await ask(url, `bytes=-${TAIL}`);
  const content = await response.arrayBuffer();
  const [begin, size] = placeOf(response, content) ?? [];
  if (size !== undefined) return new RangedBytes(url, size, begin, content);
  return wholeBytes(response.status === 200 ? content : await (await ask(url)).arrayBuffer());
}

const wholeBytes = (content) => ({
  byteLength: content.byteLength,
  slice: (begin, end) => content.slice(begin, end),
});

async function ask(url, range) {
  const headers = range ? { Range: range } : {};
  const response = await fetch(url, { headers, referrerPolicy: "no-referrer" });
  if (response.ok || response.status === 416) return response;
  throw Object.assign(new Error(`The server answered ${response.status}`), response);
}

/** Where a partial answer begins and how large the file is; undefined if it does not fit. */
function placeOf(response, content) {
  if (response.status !== 206) return undefined;
  const said = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  const [begin, last, size] = said?.slice(1).map(Number) ?? [];
  return said && last - begin + 1 === content.byteLength ? [begin, size] : undefined;
}

/** Ranges that are asked for within one turn of the event loop go out together. */
class RangedBytes {
  #url;
  #tail;
  #tailBegin;
  #waiting = [];
  #whole = null;

  constructor(url, size, tailBegin, tail) {
    this.#url = url;
    this.byteLength = size;
    this.#tail = tail;
    this.#tailBegin = tailBegin;
  }

  async slice(begin, end = this.byteLength) {
    if (begin >= this.#tailBegin)
      return this.#tail.slice(begin - this.#tailBegin, end - this.#tailBegin);
    if (this.#whole) return (await this.#whole).slice(begin, end);
    if (!this.#waiting.length) setTimeout(() => this.#send());
    return new Promise((resolve, reject) => this.#waiting.push({ begin, end, resolve, reject }));
  }

  #send() {
    const waiting = this.#waiting.sort((a, b) => a.begin - b.begin);
    this.#waiting = [];
    let joined = null;
    const all = [];
    for (const one of waiting) {
      if (!joined || one.begin > joined.end + GAP) all.push((joined = { ...one, parts: [] }));
      joined.end = Math.max(joined.end, one.end);
      joined.parts.push(one);
    }
    for (const one of all) this.#answer(one);
  }

  async #answer({ begin, end, parts }) {
    try {
      const response = await ask(this.#url, `bytes=${begin}-${end - 1}`);
      let content = await response.arrayBuffer();
      let from = begin;
      if (placeOf(response, content)?.[0] !== begin) {
        // A server may change its mind, or a cache between.
        this.#whole ??= response.status === 200 ? content : ask(this.#url).then(bufferOf);
        [content, from] = [await this.#whole, 0];
      }
      for (const one of parts) one.resolve(content.slice(one.begin - from, one.end - from));
    } catch (error) {
      for (const one of parts) one.reject(error);
    }
  }
}

const bufferOf = (response) => response.arrayBuffer();
