// Which colour a run has. It follows from the run's id and the runs created before it, so it is
// the same on every page, after every reload and on every machine, and ten runs in a row differ.

/**
 * Each colour for a light and for a dark page, of like hue. Found by a search: every one has 3:1
 * against the card it is drawn on, and any two are at least 0.09 apart in OKLab, also as people
 * without red or green cones see them.
 */
export const PALETTE = [
  ["#ee5a69", "#cc3f66"],
  ["#703413", "#f3690c"],
  ["#736111", "#c9ba83"],
  ["#52910e", "#e3df2f"],
  ["#11a192", "#6af5c8"],
  ["#18708e", "#57cefe"],
  ["#548ff4", "#8296fd"],
  ["#193fa9", "#2775e8"],
  ["#7a50df", "#9365a6"],
  ["#781664", "#db8dbc"],
];

/** Dashes tell apart the runs that share a colour: the second gets the second pattern, and so on. */
export const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** For each run, oldest first, the number of its colour: its own, or the next that is free. */
export function assignColors(ids) {
  const recent = [];
  return ids.map((id) => {
    let color = hash(id) % PALETTE.length;
    while (recent.includes(color)) color = (color + 1) % PALETTE.length;
    recent.push(color);
    if (recent.length === PALETTE.length) recent.shift();
    return color;
  });
}

/** FNV-1a, 32 bits. */
function hash(text) {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  }
  return state >>> 8;
}

/** The dash number of each of these colour numbers, in their order. */
export function assignDashes(colors) {
  const used = new Map();
  return colors.map((color) => {
    const before = used.get(color) ?? 0;
    used.set(color, before + 1);
    return before % DASHES.length;
  });
}

/** The colour to draw with. */
export const colorOf = (number, isDark) => PALETTE[number][isDark ? 1 : 0];
