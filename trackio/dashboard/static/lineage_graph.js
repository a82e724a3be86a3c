// Who made what of what, as a graph: runs and versions, an arrow from each to what follows of it.
// Pure: links in, nodes and edges out.

const FEW = 3; // versions that one run made and nobody used stand alone up to so many

const versionId = ({ project, name, id }) => `v ${project}/${name} ${id}`;
const runId = ({ id }) => `r ${id}`;

/** The nodes by their ids, and the pairs of ids that are joined; `focus` is never folded away. */
export function graphOf(links, focus = null) {
  const kept = focus && versionId(focus);
  const folded = foldable(links, kept);
  const nodes = new Map();
  const edges = new Map();
  for (const link of links) {
    const run = runId(link.run);
    if (!nodes.has(run)) nodes.set(run, { id: run, kind: "run", run: link.run });
    const version = folded.get(versionId(link)) ?? versionId(link);
    addVersion(nodes, version, link, version === kept);
    const [from, to] = link.made ? [run, version] : [version, run];
    edges.set(`${from}\n${to}`, { from, to });
  }
  return { nodes, edges: [...edges.values()] };
}

function addVersion(nodes, id, link, isFocus) {
  const { project, name, type, version, is_gone: isGone } = link;
  const known = nodes.get(id);
  if (known?.kind === "many") {
    if (!known.versions.includes(version)) known.versions.push(version);
  } else if (id.startsWith("m ") && !known) {
    nodes.set(id, { id, kind: "many", project, name, type, versions: [version] });
  } else if (!known)
    nodes.set(id, { id, kind: "version", project, name, type, version, isGone, isFocus });
}

/** Which node stands for versions that one run made many of and nobody used. */
function foldable(links, kept) {
  const used = new Set(links.filter(({ made }) => !made).map(versionId));
  const makers = new Map();
  for (const link of links.filter(({ made }) => made))
    makers.set(versionId(link), (makers.get(versionId(link)) ?? new Set()).add(runId(link.run)));
  const groups = new Map();
  for (const link of links) {
    const id = versionId(link);
    if (!link.made || used.has(id) || id === kept || makers.get(id).size > 1) continue;
    const group = `m ${runId(link.run)} ${link.project}/${link.name}`;
    groups.set(group, [...(groups.get(group) ?? []), id]);
  }
  const large = [...groups].filter(([, ids]) => ids.length > FEW);
  return new Map(large.flatMap(([group, ids]) => ids.map((id) => [id, group])));
}

/** From each node those that come right after it, and from each those right before. */
export function neighbours({ nodes, edges }) {
  const after = new Map([...nodes.keys()].map((id) => [id, []]));
  const before = new Map([...nodes.keys()].map((id) => [id, []]));
  for (const { from, to } of edges) {
    after.get(from).push(to);
    before.get(to).push(from);
  }
  return { after, before };
}

/** All that can be reached from `id`. */
export function reach(next, id) {
  const found = new Set([id]);
  const waiting = [id];
  while (waiting.length)
    for (const one of next.get(waiting.pop()))
      if (!found.has(one)) {
        found.add(one);
        waiting.push(one);
      }
  return found;
}
