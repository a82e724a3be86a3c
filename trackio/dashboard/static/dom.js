// Builds DOM nodes. Names that users log reach the page through here, as text and never as markup:
// no function of this file, and no other file, assigns innerHTML.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  expand: "M9.5 2.5h4v4 M13.5 2.5 9 7 M6.5 13.5h-4v-4 M2.5 13.5 7 9",
  table: "M2.5 3.5h11v9h-11z M2.5 6.5h11 M6.5 3.5v9",
  save: "M8 2.5v7.5 M4.8 7.2 8 10.4l3.2-3.2 M2.8 13.3h10.4",
  sliders:
    "M2.5 4.5h6 M11.5 4.5h2 M2.5 11.5h2 M7.5 11.5h6 M10 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z M6 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z",
  pin: "M6 2.5h4l-.6 4.2 2.1 2.3h-7l2.1-2.3z M8 9v4.5",
  base: "M3 13.5v-11 M3 3h9.5l-2.4 3 2.4 3H3",
  open: "M6.5 3.5h-3v9h9v-3 M9 3h4v4 M13 3 7.5 8.5",
  more: "M3.5 8h.01 M8 8h.01 M12.5 8h.01",
  close: "M4 4l8 8 M12 4l-8 8",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z M10.3 10.3 13.5 13.5",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z M8 1.5v1.4 M8 13.1v1.4 M1.5 8h1.4 M13.1 8h1.4 M3.4 3.4l1 1 M11.6 11.6l1 1 M12.6 3.4l-1 1 M4.4 11.6l-1 1",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  chevron: "M6 4l4 4-4 4",
  reset: "M3 8a5 5 0 1 0 1.6-3.7 M3 2.5v2.7h2.7",
  columns: "M2.5 3h11v10h-11z M6.2 3v10 M9.8 3v10",
  list: "M5.5 4h8 M5.5 8h8 M5.5 12h8 M2.5 4h.01 M2.5 8h.01 M2.5 12h.01",
  running: "M8 13a5 5 0 1 0 0-10 5 5 0 0 0 0 10z M8 9.6a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2z",
  finished: "M3.5 8.5l3 3 6-7",
  failed: "M4 4l8 8 M12 4l-8 8",
  crashed: "M8 2.5 14 13H2z M8 6.5v3 M8 11.2v.01",
};

/** A new element: `h("a.link", {href, on: {click}}, "text", child)`. Null children are left out. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) assign(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function assign(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "on") {
    for (const [event, listener] of Object.entries(value))
      element.addEventListener(event, listener);
  } else if (key === "style") {
    for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
  } else if (key in element && key !== "list" && typeof value !== "string") {
    element[key] = value;
  } else {
    element.setAttribute(key, value === true ? "" : String(value));
  }
}

/** One of the drawn icons, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon; `label` is what it is called. */
export function iconButton(name, label, onClick, extra = {}) {
  return h(
    "button.icon-button",
    { type: "button", title: label, "aria-label": label, ...extra, on: { click: onClick } },
    icon(name),
  );
}

/** Show exactly these children. */
export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null));
  return parent;
}

/** Set the text of an element if it says something else. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Call `act` once, a little after the last call. */
export function debounce(act, delayMs) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), delayMs);
  };
}

/** Call `act` at most once a frame. */
export function onFrame(act) {
  let asked = 0;
  return () => {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      act();
    });
  };
}

/** A test of names from what was typed: a regular expression, or plain text if it is none. */
export function matcher(text) {
  if (!text) return { test: () => true, isValid: true };
  try {
    const pattern = new RegExp(text, "im");
    return { test: (name) => pattern.test(name), isValid: true };
  } catch {
    const plain = text.toLowerCase();
    return { test: (name) => name.toLowerCase().includes(plain), isValid: false };
  }
}
