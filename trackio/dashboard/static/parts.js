// A card may show several metrics as one: what each device of a machine measured. Pure.

/** What a card asks for: one part a metric. */
export function partsOf(metric) {
  const parts = metric.parts ?? [{ code: metric.code, device: "" }];
  return parts.map(({ code, device }) => ({ code, device, own: metric.x, data: null }));
}

/** The data of all parts as if they were one metric; each series knows its own width. */
export function mergeParts(parts) {
  const here = parts.filter(({ data }) => data !== null);
  const [first] = here;
  if (parts.length === 1) return first.data;
  const collect = (name, width, scale) =>
    here.flatMap(({ data, device }) =>
      data[name].map((series) => ({
        ...series,
        label: [device, series.label].filter(Boolean).join(" · "),
        width: data[width],
        scale: data[scale],
      })),
    );
  return {
    ...first.data,
    series: collect("series", "width", "scale"),
    whole: collect("whole", "wholeWidth", "wholeScale"),
    width: Math.max(...here.map(({ data }) => data.width)),
    isWhole: here.length === parts.length && here.every(({ data }) => data.isWhole),
  };
}

/**
 * System metrics with those that differ only in the number of the device put together:
 * gpu/0/power and gpu/1/power become gpu/#/power.
 */
export function byDevice(metrics) {
  const found = new Map();
  for (const metric of metrics) {
    const [, kind, device, rest] = /^([^/]+)\/(\d+)\/(.+)$/.exec(metric.key) ?? [];
    const key = device === undefined ? metric.key : `${kind}/#/${rest}`;
    if (!found.has(key)) found.set(key, { code: metric.code, key, parts: [] });
    const name = device === undefined ? "" : `${kind} ${device}`;
    found.get(key).parts.push({ code: metric.code, device: name });
  }
  return [...found.values()];
}
