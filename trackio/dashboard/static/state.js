// What is shown, kept in step with the address: a copied link reproduces the view.

import { PAGES, readQuery, same, writeQuery } from "./address.js";
import { debounce } from "./dom.js";

/** The state of the app mounted at `root`; `isFiles` says that pages are not paths but `page=`. */
export function createState(root, isFiles = false) {
  const base = isFiles ? window.location.pathname : pathOf(root);
  const listeners = new Set();
  const read = () => ({ page: readPage(base, isFiles), ...readQuery(window.location.search) });
  let values = read();

  const address = (wanted) => {
    const path = Object.keys(PAGES).find((key) => PAGES[key] === wanted.page) ?? "";
    const query = new URLSearchParams(window.location.search);
    query.delete("page");
    if (isFiles && path) query.set("page", path);
    return base + (isFiles ? "" : path) + writeQuery(wanted, query);
  };
  const write = (isNewEntry) => {
    const url = address(values);
    if (url === window.location.pathname + window.location.search) return;
    window.history[isNewEntry ? "pushState" : "replaceState"](null, "", url);
  };
  const writeSoon = debounce(() => write(false), 250);

  const notify = (before) => {
    const changed = Object.keys(values).filter((key) => !same(before[key], values[key]));
    if (changed.length) for (const listener of [...listeners]) listener(new Set(changed));
  };

  const onBack = () => {
    const before = values;
    values = read();
    notify(before);
  };
  window.addEventListener("popstate", onBack);
  if (/write_token|oauth_session/.test(window.location.search)) write(false);

  return {
    get: (key) => values[key],
    /** Change some values; `push` makes it an entry of its own in the browser's history. */
    set(patch, { push = false } = {}) {
      const before = values;
      if (push) write(false);
      values = { ...values, ...patch };
      if (push) write(true);
      else writeSoon();
      notify(before);
    },
    /** Call `listener(changed keys)` after each change; returns how to stop that. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** The address of this view with some values changed, for links. */
    href: (patch) => address({ ...values, ...patch }),
    close: () => window.removeEventListener("popstate", onBack),
  };
}

const pathOf = (root) => new URL(`${root}/`, window.location.href).pathname;

function readPage(base, isFiles) {
  const { pathname, search } = window.location;
  if (isFiles) return PAGES[new URLSearchParams(search).get("page") ?? ""] ?? "metrics";
  const path = pathname.startsWith(base) ? pathname.slice(base.length).replace(/\/$/, "") : "";
  return PAGES[path] ?? "metrics";
}
