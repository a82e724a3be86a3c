// The inside of a line of Markdown as DOM nodes: emphasis, code, links. Whatever somebody wrote
// becomes text and a few known elements: there is no way from here to markup or to a script.

import { h } from "./dom.js";

const SAFE_LINK = /^(https?:|mailto:|#|\/|\.{0,2}\/)/i;
const SAFE_IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,/i;
const RULES = [
  [/^\\([\\`*_{}[\]()#+\-.!|~<>])/, (m) => m[1]],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (m) => h("code", {}, m[2].replace(/^ (.*) $/, "$1"))],
  [/^!\[([^\]]*)\]\(\s*<?([^\s>)]+)>?(?:\s+"([^"]*)")?\s*\)/, (m) => image(m[2], m[1], m[3])],
  [
    /^\[((?:[^[\]]|\[[^\]]*\])*)\]\(\s*<?([^\s>)]*)>?(?:\s+"([^"]*)")?\s*\)/,
    (m, depth) => link(m[2], inline(m[1], depth), m[3]),
  ],
  [/^<((?:https?:|mailto:)[^\s>]+)>/, (m) => link(m[1], [m[1]])],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*/, (m, depth) => h("strong", {}, inline(m[1], depth))],
  [/^__(?=\S)([\s\S]*?\S)__(?!\w)/, (m, depth) => h("strong", {}, inline(m[1], depth))],
  [/^\*(?=\S)([\s\S]*?[^\s*])\*(?!\*)/, (m, depth) => h("em", {}, inline(m[1], depth))],
  [/^_(?=\S)([\s\S]*?[^\s_])_(?!\w)/, (m, depth) => h("em", {}, inline(m[1], depth))],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (m, depth) => h("del", {}, inline(m[1], depth))],
  [/^(?: {2,}|\\)\n/, () => h("br")],
  [/^https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?]/, (m) => link(m[0], [m[0]])],
];
const PLAIN = /^(?:[^\\`*_![<~\nh ]+|[\s\S])/;
const DEEPEST = 12;

/** The nodes of a text without blocks. */
export function inline(text, depth = 0) {
  if (depth > DEEPEST) return [text];
  const nodes = [];
  let rest = text;
  let isWord = false;
  while (rest) {
    const [node, length] = next(rest, depth, isWord);
    isWord = /\w$/.test(rest.slice(0, length));
    rest = rest.slice(length);
    if (typeof node === "string" && typeof nodes.at(-1) === "string")
      nodes[nodes.length - 1] += node;
    else nodes.push(node);
  }
  return nodes;
}

function next(rest, depth, isWord) {
  for (const [pattern, make] of RULES) {
    if (isWord && rest[0] === "_") break; // snake_case is no emphasis
    const found = pattern.exec(rest);
    if (found) return [make(found, depth + 1), found[0].length];
  }
  const [plain] = PLAIN.exec(rest);
  return [plain, plain.length];
}

function link(href, children, title = null) {
  if (!SAFE_LINK.test(href)) return h("span", { title: href }, children);
  return h("a", { href, title, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

/** A picture that stands in the text is shown; one from elsewhere is a link: nothing is fetched. */
function image(src, alt, title = null) {
  if (SAFE_IMAGE.test(src)) return h("img", { src, alt, title, loading: "lazy" });
  return link(src, [`🖼 ${alt || src}`], title);
}
