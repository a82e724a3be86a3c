// One trace: the tree of what was done, what a chosen span took and gave, and the conversation.

import { h, iconButton, replace } from "./dom.js";
import { formatDuration, formatValue, group } from "./format.js";
import { markdown } from "./markdown.js";

const DEEPEST = 40;
const INNER = ["input", "output", "error", "model", "usage", "cost_usd", "metadata", "tool_calls"];

/** The element of a trace; `url(reference)` is where a picture in it is. */
export function traceView(said, url, close) {
  const head = h(
    "header.trace-head",
    {},
    h("h2", {}, "Trace"),
    iconButton("close", "Close", close),
  );
  if (said instanceof Error) return [head, h("p", { role: "alert" }, said.message)];
  const spans = (said.spans ?? []).filter((span) => typeof span === "object" && span);
  const inside = h("div.span-inside");
  return [
    head,
    spans.length
      ? h(
          "section.block",
          { "aria-label": "Spans" },
          h("h3", {}, `What was done, ${group(spans.length)}`),
          spanTree(spans, inside),
          inside,
        )
      : null,
    h(
      "section.block",
      { "aria-label": "Conversation" },
      h("h3", {}, "Conversation"),
      (said.messages ?? []).map((message) => messageOf(message, url)),
    ),
    Object.keys(said.metadata ?? {}).length
      ? h("section.block", {}, h("h3", {}, "Metadata"), pre(said.metadata))
      : null,
  ].filter(Boolean);
}

function spanTree(spans, inside) {
  const children = new Map();
  const ids = new Set(spans.map(({ id }) => id));
  for (const span of spans) {
    const parent = ids.has(span.parent_id) && span.parent_id !== span.id ? span.parent_id : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(span);
  }
  const longest = Math.max(...spans.map(lengthOf), 1);
  const seen = new Set();
  const branch = (parent, depth) =>
    (children.get(parent) ?? []).flatMap((span) => {
      if (seen.has(span) || depth > DEEPEST) return [];
      seen.add(span);
      return [row(span, depth, longest, inside), ...branch(span.id, depth + 1)];
    });
  const rows = branch(null, 1);
  for (const span of spans) if (!seen.has(span)) rows.push(row(span, 1, longest, inside)); // a ring
  const tree = h("div.span-tree", { role: "tree", "aria-label": "Spans" }, rows);
  tree.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = rows.indexOf(event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    rows[Math.min(rows.length - 1, Math.max(0, at + by))].focus();
  });
  return tree;
}

const lengthOf = (span) =>
  span.duration_ms ?? (Number(span.end_time) - Number(span.start_time)) * 1000 ?? 0;

function row(span, depth, longest, inside) {
  const length = lengthOf(span);
  const failed = span.error || span.status === "error";
  const show = () => {
    for (const other of element.parentElement.children)
      other.setAttribute("aria-selected", String(other === element));
    replace(inside, details(span));
  };
  const element = h(
    "button.span",
    {
      type: "button",
      role: "treeitem",
      "aria-level": String(depth),
      "aria-selected": "false",
      style: { "--depth": String(depth - 1) },
      on: { click: show },
    },
    h(`span.dot.is-${failed ? "error" : "ok"}`),
    h("span.span-name", {}, String(span.name ?? span.id ?? "span")),
    h("span.span-kind", {}, String(span.kind ?? "")),
    h("span.span-time", {}, Number.isFinite(length) ? formatDuration(length / 1000) : ""),
    h("i.span-bar", {
      style: { "--part": `${(100 * (Number.isFinite(length) ? length : 0)) / longest}%` },
    }),
  );
  return element;
}

function details(span) {
  const parts = INNER.filter(
    (name) => span[name] !== undefined && span[name] !== null && span[name] !== "",
  );
  return h(
    "dl.span-details",
    {},
    parts.flatMap((name) => [
      h("dt", {}, name),
      h("dd", {}, name === "cost_usd" ? `$${formatValue(span[name])}` : pre(span[name])),
    ]),
  );
}

const pre = (value) =>
  h("pre", { tabindex: "0" }, typeof value === "string" ? value : JSON.stringify(value, null, 2));

function messageOf(message, url) {
  const role = String(message.role ?? "message");
  const calls = message.tool_calls
    ? h("div.tool-calls", {}, h("strong", {}, "calls"), pre(message.tool_calls))
    : null;
  return h(
    "div.message",
    { class: `message is-${/^[a-z]+$/.test(role) ? role : "other"}` },
    h("span.role", {}, role),
    h("div.message-body", {}, contentOf(message.content, url), calls),
  );
}

function contentOf(content, url) {
  if (content === null || content === undefined) return [];
  if (typeof content === "string") return h("div.markdown", {}, markdown(content));
  if (Array.isArray(content)) return content.flatMap((part) => contentOf(part, url));
  if (typeof content.text === "string") return h("div.markdown", {}, markdown(content.text));
  if (content._type === "trackio.image")
    return h("img.message-image", {
      src: url(content),
      alt: content.caption ?? "image",
      loading: "lazy",
    });
  return pre(content);
}
