// Answers what api.js asks a server from files instead: the same questions, the same answers.

import { RequestFailed } from "./api.js";
import { frameOf, smoothedFrame } from "./bucketing.js";
import { readPoints } from "./pointfile.js";
import { csv } from "./save.js";

const KEPT_SERIES = 60;
const PAGE = 50;

/** Requests to the files below `base`. */
export function createFileApi(base) {
  const kept = new Map(); // files of series that were read last

  async function fetched(name) {
    const response = await fetch(base + name).catch(() => null);
    if (!response?.ok) throw new RequestFailed(`${name} is not there`, response?.status ?? 0);
    return response;
  }
  const read = once(async (name) => (await fetched(name)).json());

  async function points(kind, code) {
    const name = `series/${kind ?? "metric"}/${code}.bin`;
    if (!kept.has(name)) kept.set(name, fetched(name).then(readPoints));
    const found = kept.get(name);
    kept.delete(name);
    kept.set(name, found);
    while (kept.size > KEPT_SERIES) kept.delete(kept.keys().next().value);
    return found;
  }

  async function seriesOf({ kind, m, r, x }) {
    const { rev, metrics } = await read("meta.json");
    const runs = new Set((r ?? "").split(","));
    const against = x?.startsWith("metric:") ? metrics.find(({ key }) => key === x.slice(7)) : null;
    const other = against ? await points("metric", against.code) : null;
    const wanted = (m ?? "")
      .split(",")
      .filter(Boolean)
      .map((text) => text.split("."));
    const found = await Promise.all(
      wanted.map(async ([code, width]) => {
        const all = await points(kind, code);
        return {
          code,
          width: Number(width) || null,
          series: all.filter(({ run }) => runs.has(run)),
        };
      }),
    );
    return { rev, found, other };
  }

  const answers = {
    "projects.json": async () => {
      const { project } = await read("meta.json");
      return { projects: [project], newest: project, where: base };
    },
    "values.json": async ({ c }) => {
      const { rev, columns } = await read("columns.json");
      const places = new Map(columns.map(({ id }, i) => [id, i]));
      const placeOf = (id) =>
        places.get(id) ?? places.get(id.replace(/^(min|max|mean|count)\//, "last/"));
      const files = await Promise.all(c.map((id) => read(`values/${placeOf(id)}.json`)));
      return { rev, values: Object.fromEntries(c.map((id, i) => [id, files[i][id]])) };
    },
    "run.json": ({ run }) => read(`runs/${run}.json`),
    "media.json": async ({ r }) => {
      const files = await Promise.all(
        r
          .split(",")
          .filter(Boolean)
          .map((run) => read(`media/${run}.json`)),
      );
      const keys = new Map();
      for (const { key, items } of files.flatMap((file) => file.keys)) {
        if (!keys.has(key)) keys.set(key, { key, items: [] });
        keys.get(key).items.push(...items);
      }
      return { keys: [...keys.values()], is_whole: true };
    },
    "files.json": async ({ r }) => {
      const { files } = await read("files.json");
      const runs = new Set(r.split(","));
      return { files: files.filter(({ run }) => run === null || runs.has(run)) };
    },
    "traces.json": async ({ r, find, offset }) => {
      const { traces } = await read("traces.json");
      const runs = new Set(r.split(","));
      const own = traces.filter(({ run }) => runs.has(run));
      const found = find ? await searched(own, find.toLowerCase()) : own;
      const from = offset ?? 0;
      return { total: found.length, offset: from, traces: found.slice(from, from + PAGE) };
    },
    "value.json": async (place) => {
      const isIt = (one) =>
        ["run", "writer", "key"].every((name) => one[name] === place[name]) &&
        Number(one.seq) === Number(place.seq) &&
        Number(one.index ?? -1) === Number(place.index ?? -1);
      const { traces } = await read("traces.json");
      const trace = traces.find(isIt);
      if (trace) return read(trace.doc);
      const { keys } = await read(`media/${place.run}.json`);
      const item = keys.flatMap(({ items }) => items).find(isIt);
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

  return {
    isFiles: true,
    json: (path, params = {}) => (answers[path] ? answers[path](params) : read(path)),
    /** Every point of the series as CSV. */
    async text(_path, params) {
      const { found } = await seriesOf(params);
      const { runs, metrics } = await read("meta.json");
      const names = new Map(runs.map(({ code, name }) => [code, name]));
      const keys = new Map(metrics.map(({ code, key }) => [code, key]));
      const rows = found.flatMap(({ code, series }) =>
        series.flatMap(({ run, label, step, time, value }) =>
          Array.from(step, (at, i) => [
            names.get(run),
            label,
            keys.get(code) ?? code,
            Number.isNaN(at) ? "" : at,
            new Date(time[i] * 1000).toISOString(),
            value[i],
          ]),
        ),
      );
      return csv([["run", "label", "metric", "step", "time", "value"], ...rows]);
    },
    url: (_path, { run, writer, file }) => `${base}bytes/${run}/${writer}/${file}`,
    async frame(params, _signal, path = "series") {
      if (params.rev) return null; // files do not change
      const asked = await seriesOf(params);
      return path === "smooth" ? smoothedFrame(asked, params) : frameOf(asked, params);
    },
  };
}

/** Read each file once. */
function once(get) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, get(name));
    return known.get(name);
  };
}
