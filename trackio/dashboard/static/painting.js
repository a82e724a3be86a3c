// Shares out frames among the cards that want to draw: some now, the rest in the next frame, so
// that the first chart is seen early and no frame is held up by all of them.

const BUDGET_MS = 10;

const waiting = new Set();
let asked = 0;

/** Call `act` in one of the next frames; asking again before that changes nothing. */
export function paintSoon(act) {
  waiting.add(act);
  asked ||= requestAnimationFrame(run);
}

/** Do not call `act` after all. */
export function paintNot(act) {
  waiting.delete(act);
}

async function run() {
  asked = 0;
  const end = performance.now() + BUDGET_MS;
  for (const act of waiting) {
    waiting.delete(act);
    act();
    await null; // uPlot paints in a microtask: let it, before looking at the time
    if (performance.now() > end) break;
  }
  if (waiting.size) asked ||= requestAnimationFrame(run);
}
