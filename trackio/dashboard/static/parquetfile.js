// A Parquet file at an address: columns of the rows that are wanted, and what its pages hold.
// The format itself is read by vendor/hyparquet, which loads when the first file is opened.

import { openBytes } from "./parquetbytes.js";

const PARSERS = { timestampFromMicroseconds: (micros) => micros };

let library = null;
const load = () =>
  (library ??= import(new URL("./vendor/hyparquet/hyparquet.min.js", import.meta.url)));

/** The file at `url`. */
export async function openParquet(url) {
  const [hyparquet, bytes] = await Promise.all([load(), openBytes(url)]);
  const options = { parsers: PARSERS, initialFetchSize: 1 << 14, geoparquet: false };
  const metadata = await hyparquet.parquetMetadataAsync(bytes, options);
  return new ParquetFile(hyparquet, bytes, metadata);
}

class ParquetFile {
  #library;
  #bytes;
  #metadata;
  #pages = new Map(); // group and column → pages

  constructor(hyparquet, bytes, metadata) {
    this.#library = hyparquet;
    this.#bytes = bytes;
    this.#metadata = metadata;
    let row = 0;
    /** Of each row group: its rows, and the least and the most of a column. */
    this.groups = metadata.row_groups.map((group, number) => {
      const from = row;
      row += Number(group.num_rows);
      return { number, from, to: row, reach: (column) => reachOf(group, column) };
    });
  }

  /** The columns of the rows `from … to`: numbers as doubles, NaN where there is none; texts. */
  async read(columns, from, to) {
    const found = {};
    const isText = (name) => this.#element(name).type === "BYTE_ARRAY";
    for (const name of columns)
      found[name] = isText(name) ? new Array(to - from) : new Float64Array(to - from);
    if (to <= from) return found;
    await this.#library.parquetRead({
      file: this.#bytes,
      metadata: this.#metadata,
      columns,
      rowStart: from,
      rowEnd: to,
      useOffsetIndex: true,
      parsers: PARSERS,
      compressors: { ZSTD: this.#unpack },
      onChunk: (chunk) => copy(chunk, found[chunk.columnName], from),
    });
    return found;
  }

  #unpack = (input, length) => this.#library.decompressZstd(input, new Uint8Array(length));

  #element(name) {
    return this.#metadata.schema.find((element) => element.name === name);
  }

  /** The pages of a column in a row group: `{from, to, low, high}`. */
  pages(group, column) {
    const key = `${group.number} ${column}`;
    if (!this.#pages.has(key)) this.#pages.set(key, this.#readPages(group, column));
    return this.#pages.get(key);
  }

  async #readPages(group, column) {
    const chunk = chunkOf(this.#metadata.row_groups[group.number], column);
    const at = async (offset, length) => {
      const begin = Number(offset);
      return { view: new DataView(await this.#bytes.slice(begin, begin + length)), offset: 0 };
    };
    const [values, places] = await Promise.all([
      at(chunk.column_index_offset, chunk.column_index_length),
      at(chunk.offset_index_offset, chunk.offset_index_length),
    ]);
    const known = this.#library.readColumnIndex(values, this.#element(column), PARSERS);
    const { page_locations: pages } = this.#library.readOffsetIndex(places);
    const begins = pages.map((page) => group.from + Number(page.first_row_index));
    return begins.map((from, i) => ({
      from,
      to: begins[i + 1] ?? group.to,
      low: Number(known.min_values[i]),
      high: Number(known.max_values[i]),
    }));
  }
}

const chunkOf = (group, column) =>
  group.columns.find(({ meta_data: meta }) => meta.path_in_schema[0] === column);

function reachOf(group, column) {
  const { statistics } = chunkOf(group, column).meta_data;
  return [Number(statistics.min_value), Number(statistics.max_value)];
}

/** Put what of a chunk is wanted where it belongs. */
function copy({ columnData: data, rowStart }, target, from) {
  const first = Math.max(0, from - rowStart);
  const end = Math.min(data.length, from + target.length - rowStart);
  if (Array.isArray(target)) for (let i = first; i < end; i++) target[rowStart + i - from] = data[i];
  else
    for (let i = first; i < end; i++)
      target[rowStart + i - from] = data[i] === null ? NaN : Number(data[i]);
}
