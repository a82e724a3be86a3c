// What pages other than the charts ask for, answered from the files of an exported site.

import { RequestFailed } from "./api.js";

const PAGE = 50;
const PLAIN = new Set(["meta", "contents", "columns", "alerts", "reports", "health", "system"]);

/** `json` and `url` as api.js has them; `read` gives the JSON of a file below `base`. */
export function createSitePages(read, base) {
  const answers = {
    "projects.json": async () => {
      const { project } = await read("meta.json");
      return { projects: [project], newest: project, where: base };
    },
    "values.json": async ({ c }) => {
      const { rev, columns } = await read("columns.json");
      const places = new Map(columns.map(({ id }, i) => [id, i]));
      const placeOf = (id) =>
        places.get(id) ?? places.get(id.replace(/^(min|max|mean|count|best)\//, "last/"));
      const files = await Promise.all(c.map((id) => read(`values/${placeOf(id)}.json`)));
      return { rev, values: Object.fromEntries(c.map((id, i) => [id, files[i][id]])) };
    },
    "run.json": ({ run }) => read(`runs/${run}.json`),
    "media.json": async ({ r }) => {
      const files = await Promise.all(listed(r).map((run) => read(`media/${run}.json`)));
      const keys = new Map();
      for (const { key, items } of files.flatMap((file) => file.keys)) {
        if (!keys.has(key)) keys.set(key, { key, items: [] });
        keys.get(key).items.push(...items);
      }
      return { keys: [...keys.values()], is_whole: files.every((file) => file.is_whole) };
    },
    "files.json": async ({ r }) => {
      const { files, saved, former } = await read("files.json");
      const runs = new Set(listed(r));
      const own = (all) => all.filter(({ run }) => run === null || runs.has(run));
      return { files: own(files), saved: own(saved), former };
    },
    "traces.json": async ({ r, find, offset }) => {
      const { traces } = await read("traces.json");
      const runs = new Set(listed(r));
      const own = traces.filter(({ run }) => runs.has(run));
      const found = find ? await searched(own, find.toLowerCase()) : own;
      const from = offset ?? 0;
      return { total: found.length, offset: from, traces: found.slice(from, from + PAGE) };
    },
    "value.json": async (place) => {
      const { traces } = await read("traces.json");
      const trace = traces.find((one) => isAt(one, place));
      if (trace) return read(trace.doc);
      const { keys } = await read(`media/${place.run}.json`);
      const item = keys.flatMap(({ items }) => items).find((one) => isAt(one, place));
      if (!item) throw new RequestFailed("It was not exported", 404);
      return (
        item.value ?? { ...item, ...(await read(`bytes/${item.run}/${item.writer}/${item.file}`)) }
      );
    },
  };

  async function searched(traces, find) {
    const texts = await Promise.all(
      traces.map(async ({ doc }) => JSON.stringify(await read(doc)).toLowerCase()),
    );
    return traces.filter((_, i) => texts[i].includes(find));
  }

  /** The answer to this very question, if dashboard/site_asked.py was told of it. */
  async function asked(path, params) {
    const name = (await read("asked.json"))[questionOf(path, params)];
    if (name === undefined) throw new RequestFailed("It was not exported", 404);
    return read(name);
  }

  return {
    json(path, params = {}) {
      if (answers[path]) return answers[path](params);
      return PLAIN.has(path.replace(/\.json$/, "")) ? read(path) : asked(path, params);
    },
    url: (path, { run, writer, file, key }) =>
      path === "file"
        ? `${base}bytes/store/${key.split("/").map(encodeURIComponent).join("/")}`
        : `${base}bytes/${run}/${writer}/${file}`,
  };
}

/** A question in one way, however its parameters are ordered; the project is always the same. */
function questionOf(path, params) {
  const said = Object.entries(params)
    .filter(([name, value]) => name !== "project" && value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  return [path, ...said].join("\n");
}

const listed = (text) => (text ?? "").split(",").filter(Boolean);

const isAt = (one, place) =>
  ["run", "writer", "key"].every((name) => one[name] === place[name]) &&
  Number(one.seq) === Number(place.seq) &&
  Number(one.index ?? -1) === Number(place.index ?? -1);
