// What keys do.

import { TABS } from "./tabs.js";

/** A map from key to action, for the app. */
export function actions(app) {
  const { state } = app;
  const turn = (page) => () => state.set({ page, open: null, at: null }, { push: true });
  return {
    "/": () => app.page?.search?.focus() ?? app.page?.toolbar?.search?.focus(),
    l: () => state.set({ log: !state.get("log") }),
    c: () => state.set({ clip: !state.get("clip") }),
    f: () => app.page?.toggleLarge?.(),
    t: () => app.page?.attended?.toggleTable(),
    z: () => app.zoom(null),
    ...Object.fromEntries(TABS.map(([page, , key]) => [key, turn(page)])),
    "?": () => app.help.toggle(),
    Escape: () => app.open(null),
  };
}
