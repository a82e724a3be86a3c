// Answers what api.js asks a server from files instead: the same questions, the same answers.
// The files are those that dashboard/site.py writes.

import { RequestFailed } from "./api.js";
import { PointFiles } from "./pointfile.js";
import { csv } from "./save.js";
import { SiteCharts } from "./sitecharts.js";
import { createSitePages } from "./sitepages.js";

const AGAINST = "metric:";

/** Requests to the files below `base`. */
export function createFileApi(base) {
  const read = once(async (name) => {
    const response = await fetch(base + name, { referrerPolicy: "no-referrer" }).catch(() => null);
    if (!response?.ok) throw new RequestFailed(`${name} is not there`, response?.status ?? 0);
    return response.json();
  });
  const charts = new SiteCharts(new PointFiles(base, read("series.json")));
  const pages = createSitePages(read, base);

  async function frame(params, isSmooth) {
    const { kind, m, r, x, lo, hi, n, s } = params;
    const runs = listed(r);
    const against = x?.startsWith(AGAINST) ? x.slice(AGAINST.length) : null;
    const asked = { axis: against === null ? (x ?? "step") : "step", lo, hi, target: n ?? undefined };
    const { rev, metrics } = await read("meta.json");
    const [how, far] = s?.split("~") ?? [];
    const other = metrics.find(({ key }) => key === against)?.code ?? null;
    const answer = ([code, width]) => {
      const own = { ...asked, width: Number(width) || null };
      if (isSmooth) return charts.smoothed(kind, code, runs, { ...own, how, far: Number(far) });
      if (against !== null) return charts.against(kind, code, runs, other, own);
      return charts.metric(kind, code, runs, own);
    };
    const found = await Promise.all(listed(m).map((text) => answer(text.split("."))));
    return { rev, meta: null, metrics: found.filter(Boolean) };
  }

  return {
    isFiles: true,
    ageS: 0,
    ...pages,
    /** Every point of the series as CSV. */
    async text(_path, { kind = "metric", m, r }) {
      const { runs, metrics } = await read("meta.json");
      const names = new Map(runs.map(({ code, name, id }) => [code, [name, id]]));
      const keys = new Map(metrics.map(({ code, key }) => [code, key]));
      const rows = [["run", "run_id", "label", "metric", "step", "time", "value"]];
      for (const code of listed(m))
        for (const { run, label, step, time, value } of await charts.points(kind, code, listed(r)))
          for (let i = 0; i < step.length; i++) {
            const at = new Date(time[i] / 1000).toISOString();
            const named = [...names.get(run), label, keys.get(code) ?? code];
            rows.push([...named, Number.isNaN(step[i]) ? "" : step[i], at, value[i]]);
          }
      return csv(rows);
    },
    async frame(params, _signal, path = "series") {
      if (params.rev) return null; // files do not change
      return frame({ ...params, kind: params.kind ?? "metric" }, path === "smooth");
    },
  };
}

const listed = (text) => (text ?? "").split(",").filter(Boolean);

/** Read each file once. */
function once(get) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, get(name));
    return known.get(name);
  };
}
