// Markdown as DOM nodes: headings, lists, tables, code, quotes, rules, tasks. Lines become blocks
// here, what stands in a line in markdown_inline.js. Markup inside a text is shown as text.

import { h } from "./dom.js";
import { inline } from "./markdown_inline.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const TASK = /^\[([ xX])\]\s+/;
const DIVIDER = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const DEEPEST = 20;

/** The blocks of a text. */
export function markdown(text, depth = 0) {
  if (depth > DEEPEST) return [h("p", {}, text)];
  const lines = text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n");
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const [block, end] = blockAt(lines, at, depth);
    if (block) blocks.push(block);
    at = Math.max(end, at + 1);
  }
  return blocks;
}

function blockAt(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fenced(lines, at);
  const heading = HEADING.exec(line);
  if (heading) return [h(`h${heading[1].length}`, {}, inline(heading[2])), at + 1];
  if (RULE.test(line)) return [h("hr"), at + 1];
  if (QUOTE.test(line)) return quoted(lines, at, depth);
  if (ITEM.test(line)) return listed(lines, at, depth);
  if (
    line.includes("|") &&
    DIVIDER.test(lines[at + 1] ?? "") &&
    (lines[at + 1] ?? "").includes("-")
  )
    return tabled(lines, at);
  if (/^ {4}/.test(line)) return indented(lines, at);
  return paragraph(lines, at);
}

function fenced(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end++;
  const code = h(
    "code",
    { "data-language": language || null },
    lines.slice(at + 1, end).join("\n"),
  );
  return [h("pre", { tabindex: "0" }, code), end + 1];
}

function indented(lines, at) {
  let end = at;
  while (end < lines.length && (/^ {4}/.test(lines[end]) || !lines[end].trim())) end++;
  const code = lines
    .slice(at, end)
    .map((line) => line.slice(4))
    .join("\n")
    .trimEnd();
  return [h("pre", { tabindex: "0" }, h("code", {}, code)), end];
}

function quoted(lines, at, depth) {
  let end = at;
  while (end < lines.length && lines[end].trim() && (QUOTE.test(lines[end]) || end > at)) end++;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [h("blockquote", {}, markdown(inner.join("\n"), depth + 1)), end];
}

function listed(lines, at, depth) {
  const [, , mark] = ITEM.exec(lines[at]);
  const isOrdered = /\d/.test(mark);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || /\d/.test(found[2]) !== isOrdered || RULE.test(lines[end])) break;
    const width = found[0].length;
    const inner = [lines[end].slice(width)];
    end++;
    while (end < lines.length && belongs(lines, end, width, found[1].length))
      inner.push(lines[end++].slice(Math.min(width, indent(lines[end - 1]))));
    items.push(item(inner.join("\n").trimEnd(), depth));
  }
  const start = isOrdered ? Number.parseInt(mark, 10) : 1;
  return [h(isOrdered ? "ol" : "ul", { start: start === 1 ? null : String(start) }, items), end];
}

const indent = (line) => /^ */.exec(line)[0].length;

/** Whether a line goes on with the item above it. */
function belongs(lines, at, width, own) {
  const line = lines[at];
  if (!line.trim()) return indent(lines[at + 1] ?? "") > own && Boolean(lines[at + 1]?.trim());
  if (indent(line) >= Math.min(width, own + 2)) return true;
  return (
    Boolean(lines[at - 1].trim()) && !ITEM.test(line) && !HEADING.test(line) && !FENCE.test(line)
  );
}

function item(text, depth) {
  const task = TASK.exec(text);
  const blocks = markdown(task ? text.replace(TASK, "") : text, depth + 1);
  const isTight = !/\n\s*\n/.test(text);
  const content = blocks.flatMap((block) =>
    isTight && block.tagName === "P" ? [...block.childNodes] : [block],
  );
  const box =
    task &&
    h("input", {
      type: "checkbox",
      disabled: true,
      checked: task[1] !== " ",
      "aria-label": task[1] === " " ? "to do" : "done",
    });
  return h(task ? "li.task" : "li", {}, box, content);
}

function tabled(lines, at) {
  const aligns = cells(lines[at + 1]).map((cell) =>
    /^:.*:$/.test(cell) ? "center" : /:$/.test(cell) ? "right" : "left",
  );
  const row = (line, tag) =>
    h(
      "tr",
      {},
      aligns.map((align, i) =>
        h(tag, { style: { "text-align": align } }, inline(cells(line)[i] ?? "")),
      ),
    );
  let end = at + 2;
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) end++;
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  const table = h("table", {}, h("thead", {}, row(lines[at], "th")), h("tbody", {}, body));
  return [h("div.table-box", { tabindex: "0" }, table), end];
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\|/, "")
    .replace(/(^|[^\\])\|$/, "$1")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !interrupts(lines, end)) end++;
  const under = /^ {0,3}(=+|-+)\s*$/.exec(lines[end] ?? "");
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join("\n");
  if (under && end - at === 1)
    return [h(under[1][0] === "=" ? "h1" : "h2", {}, inline(text)), end + 1];
  return [h("p", {}, inline(text)), end];
}

const interrupts = (lines, at) =>
  [FENCE, HEADING, RULE, QUOTE].some((pattern) => pattern.test(lines[at])) ||
  /^ {0,3}=+\s*$/.test(lines[at]) ||
  /^ {0,3}([-*+]|1[.)])\s+\S/.test(lines[at]);
