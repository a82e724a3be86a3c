// Where the nodes of a graph stand, from left to right in the order in which things were made.
// Pure: it knows no page. Equal graphs are laid out alike.
//
// Columns follow from the longest way to a node. Edges that pass a column get a place in it, the
// order within columns is changed while that saves crossings, and then each node moves as near to
// its neighbours as the nodes above and below it allow.

import { neighbours } from "./lineage_graph.js";

const SWEEPS = 12;
const SETTLES = 16;

/** The place of each node (`x`, `y` of its middle), the ways of the edges, and the size of it all. */
export function layout(graph, { width, height, gapX, gapY }) {
  const layered = addPassings(graph, columnsOf(graph));
  const columns = ordered(layered);
  const y = settled(columns, layered, (id) => (layered.isPassing(id) ? gapY : height + gapY));
  const low = Math.min(...y.values());
  const places = new Map();
  columns.forEach((ids, column) => {
    for (const id of ids)
      places.set(id, {
        x: column * (width + gapX) + width / 2,
        y: y.get(id) - low + height / 2,
        column,
      });
  });
  const high = Math.max(...y.values());
  return {
    places,
    columns: columns.map((ids) => ids.filter((id) => !layered.isPassing(id))),
    ways: layered.ways,
    width: columns.length * (width + gapX) - gapX,
    height: high - low + height,
  };
}

/** The column of each node: after all that it came from; what came from nothing stands near. */
function columnsOf(graph) {
  const { after } = neighbours(graph);
  const order = topological(graph, after);
  const place = new Map(order.map((id, i) => [id, i]));
  const column = new Map(order.map((id) => [id, 0]));
  const forward = (id) => after.get(id).filter((to) => place.get(to) > place.get(id));
  for (const id of order)
    for (const to of forward(id)) column.set(to, Math.max(column.get(to), column.get(id) + 1));
  const hasSource = new Set(order.flatMap(forward));
  for (const id of order) {
    const next = forward(id).map((to) => column.get(to));
    if (!hasSource.has(id) && next.length) column.set(id, Math.min(...next) - 1);
  }
  return column;
}

/** The nodes so that edges lead on, but for those that would close a circle. */
function topological(graph, after) {
  const state = new Map();
  const found = [];
  for (const root of graph.nodes.keys()) {
    const stack = [[root, 0]];
    while (stack.length) {
      const top = stack.at(-1);
      const [id, at] = top;
      if (at === 0 && state.has(id)) {
        stack.pop();
        continue;
      }
      state.set(id, "open");
      const next = after.get(id)[at];
      if (next === undefined) {
        state.set(id, "done");
        found.push(id);
        stack.pop();
      } else {
        top[1] += 1;
        if (!state.has(next)) stack.push([next, 0]);
      }
    }
  }
  return found.reverse();
}

/** Edges cut at each column that they pass; one that leads back is laid the other way round. */
function addPassings({ nodes, edges }, column) {
  const ids = [...nodes.keys()];
  const passing = new Set();
  const steps = [];
  const ways = edges.map(({ from, to }) => {
    const isBack = column.get(from) >= column.get(to);
    const [first, last] = isBack ? [to, from] : [from, to];
    const way = [first];
    for (let at = column.get(first) + 1; at < column.get(last); at++) {
      const id = `p ${first}\n${last}\n${at}`;
      if (!passing.has(id)) ids.push(id);
      passing.add(id);
      column.set(id, at);
      way.push(id);
    }
    way.push(last);
    if (column.get(first) !== column.get(last))
      way.slice(1).forEach((id, i) => steps.push([way[i], id]));
    return { from, to, isBack, way };
  });
  return { ids, column, steps, ways, isPassing: (id) => passing.has(id) };
}

/** The ids of each column from top to bottom, with few crossings. */
function ordered({ ids, column, steps }) {
  const count = Math.max(...ids.map((id) => column.get(id))) + 1;
  let columns = Array.from({ length: count }, () => []);
  for (const id of ids) columns[column.get(id)].push(id);
  const { before, after } = sides(ids, steps);
  let best = columns;
  let fewest = crossings(columns, after);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    columns = swept(columns, sweep % 2 === 0 ? before : after, sweep % 2 === 0);
    const now = crossings(columns, after);
    if (now < fewest) [best, fewest] = [columns, now];
  }
  return best;
}

function sides(ids, steps) {
  const before = new Map(ids.map((id) => [id, []]));
  const after = new Map(ids.map((id) => [id, []]));
  for (const [from, to] of steps) {
    before.get(to).push(from);
    after.get(from).push(to);
  }
  return { before, after };
}

/** Each column sorted by where the neighbours on one side stand. */
function swept(columns, near, isForward) {
  const place = new Map();
  const found = [...columns];
  const order = isForward ? [...columns.keys()] : [...columns.keys()].reverse();
  for (const at of order) {
    const ids = columns[at];
    const rank = new Map(
      ids.map((id, i) => {
        const places = near.get(id).map((one) => place.get(one));
        return [id, places.length ? places.reduce((a, b) => a + b, 0) / places.length : i];
      }),
    );
    found[at] = [...ids].sort((a, b) => rank.get(a) - rank.get(b));
    found[at].forEach((id, i) => place.set(id, i));
  }
  return found;
}

/** How many pairs of edges cross between neighbouring columns. */
function crossings(columns, after) {
  let total = 0;
  for (const [at, ids] of columns.entries()) {
    const place = new Map((columns[at + 1] ?? []).map((id, i) => [id, i]));
    const seen = []; // ends of the edges above, in order
    for (const id of ids) {
      const ends = after.get(id).map((to) => place.get(to));
      for (const end of ends) for (const other of seen) if (other > end) total++;
      seen.push(...ends);
    }
  }
  return total;
}

/** The height at which each node stands: near its neighbours, and none upon another. */
function settled(columns, { ids, steps }, room) {
  const { before, after } = sides(ids, steps);
  const y = new Map();
  for (const column of columns) {
    let at = 0;
    for (const id of column) {
      y.set(id, at + room(id) / 2);
      at += room(id);
    }
    for (const id of column) y.set(id, y.get(id) - at / 2);
  }
  for (let pass = 0; pass < SETTLES; pass++) {
    const near = pass % 2 === 0 ? before : after;
    const order = pass % 2 === 0 ? columns : [...columns].reverse();
    for (const column of order) {
      const wanted = column.map((id) => {
        const places = near.get(id).map((one) => y.get(one));
        return places.length ? places.reduce((a, b) => a + b, 0) / places.length : y.get(id);
      });
      spread(column, wanted, room).forEach((at, i) => y.set(column[i], at));
    }
  }
  return y;
}

/** Heights as near to the wanted ones as their order and their room allow. */
function spread(column, wanted, room) {
  const blocks = [];
  column.forEach((id, i) => {
    let block = { first: i, mean: wanted[i], count: 1, offsets: [0], span: 0 };
    while (blocks.length && overlaps(blocks.at(-1), block, column, room))
      block = joined(blocks.pop(), block, column, room);
    blocks.push(block);
  });
  return blocks.flatMap(({ mean, offsets }) => offsets.map((offset) => mean + offset));
}

const distance = (column, i, room) => (room(column[i]) + room(column[i + 1])) / 2;

function overlaps(above, below, column, room) {
  const end = above.mean + above.offsets.at(-1);
  return end + distance(column, below.first - 1, room) > below.mean + below.offsets[0] + 1e-9;
}

/** Two groups as one that stands where both want to stand on the whole. */
function joined(above, below, column, room) {
  const shift = above.offsets.at(-1) + distance(column, below.first - 1, room) - below.offsets[0];
  const count = above.count + below.count;
  const mean = (above.mean * above.count + (below.mean - shift) * below.count) / count;
  const offsets = [...above.offsets, ...below.offsets.map((offset) => offset + shift)];
  return { first: above.first, mean, count, offsets };
}
