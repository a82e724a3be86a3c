// Expressions that choose runs: `lr > 0.01 and status = failed`, `summary.loss < 0.2 or name ~ ^big`.
// Pure: a text in, a test out. What a name means is looked up in the columns of the table of runs.

const TOKEN =
  /\s*(?:(<=|>=|==|!=|!~|=|<|>|~|\(|\)|!|&&|\|\|)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]*)`|([^\s()<>=!~"'`&|]+))/y;
const COMPARE = new Set(["<=", ">=", "==", "!=", "!~", "=", "<", ">", "~"]);
const WORDS = { and: "&&", or: "||", not: "!", "&&": "&&", "||": "||", "!": "!" };

/** The tree of an expression; throws an Error that says what is wrong. */
export function parse(text) {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at];
  const operator = (token) => (token?.isText ? null : WORDS[token?.text.toLowerCase()]);
  const either = () => chain("||", both);
  const both = () => chain("&&", one);

  function chain(wanted, next) {
    const parts = [next()];
    while (operator(peek()) === wanted) {
      at += 1;
      parts.push(next());
    }
    return parts.length === 1 ? parts[0] : { type: wanted, parts };
  }

  function one() {
    if (operator(peek()) === "!") {
      at += 1;
      return { type: "!", parts: [one()] };
    }
    if (peek()?.text === "(" && !peek().isText) {
      at += 1;
      const inner = either();
      if (tokens[at]?.text !== ")") throw new Error("a ) is missing");
      at += 1;
      return inner;
    }
    return comparison();
  }

  function comparison() {
    const name = tokens[at++];
    if (!name) throw new Error("the expression ends too early");
    const compare = tokens[at];
    if (!compare || compare.isText || !COMPARE.has(compare.text))
      return { type: "has", name: name.text };
    at += 1;
    const value = tokens[at++];
    if (!value) throw new Error(`${name.text} ${compare.text} needs a value`);
    return { type: "compare", name: name.text, by: compare.text, value: literal(value) };
  }

  const tree = either();
  if (at < tokens.length) throw new Error(`“${tokens[at].text}” is not expected here`);
  return tree;
}

/** Whether a text looks like an expression rather than like a regular one. */
export const isExpression = (text) =>
  text.includes("~") || (/[<>=]/.test(text) && !/[$^\\[\]]|\.\*|\(\?/.test(text));

function tokenize(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) throw new Error(`“${text.slice(at).trim()}” is not understood`);
    const quoted = found[2] ?? found[3] ?? found[4];
    tokens.push({
      text: quoted === undefined ? (found[1] ?? found[5]) : quoted.replace(/\\(.)/g, "$1"),
      isText: quoted !== undefined,
    });
  }
  return tokens;
}

function literal({ text, isText }) {
  if (isText) return text;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (/^(null|none)$/i.test(text)) return null;
  return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
}

const PLACES = {
  config: "config",
  summary: "last",
  summary_metrics: "last",
  last: "last",
  min: "min",
  max: "max",
  mean: "mean",
  count: "count",
  best: "best",
};
const ALSO = { state: "status", last_step: "step", id: "name" };

/** The id of the column that `name` means among `columns`; null if there is none. */
export function resolve(name, columns) {
  const ids = new Set(columns.map(({ id }) => id));
  const [place, ...rest] = name.split(/[./]/);
  const key = name.slice(place.length + 1);
  if (rest.length && PLACES[place]) {
    for (const said of [key, key.replaceAll(".", "/")]) {
      const id = `${PLACES[place]}/${said}`;
      if (ids.has(id) || (ids.has(`last/${said}`) && PLACES[place] !== "config")) return id;
    }
  }
  const usual = ALSO[name] ?? name;
  return (
    [usual, `config/${name}`, `config/${name.replaceAll(".", "/")}`, `last/${name}`].find((id) =>
      ids.has(id),
    ) ?? null
  );
}

/** The names that a tree mentions. */
export function namesIn(tree) {
  return tree.parts ? tree.parts.flatMap(namesIn) : [tree.name];
}

/** Whether a run passes; `valueOf(name)` gives what it has. */
export function passes(tree, valueOf) {
  switch (tree.type) {
    case "&&":
      return tree.parts.every((part) => passes(part, valueOf));
    case "||":
      return tree.parts.some((part) => passes(part, valueOf));
    case "!":
      return !passes(tree.parts[0], valueOf);
    case "has":
      return ![null, undefined, false].includes(valueOf(tree.name));
    default:
      return compare(valueOf(tree.name), tree.by, tree.value);
  }
}

function compare(own, by, wanted) {
  const is = Array.isArray(own) ? own.includes(wanted) : isEqual(own, wanted);
  if (by === "=" || by === "==") return is;
  if (by === "!=") return !is;
  if (by === "~" || by === "!~")
    return new RegExp(wanted, "i").test(String(own ?? "")) === (by === "~");
  if (own === null || own === undefined || typeof own !== typeof wanted) return false;
  return { "<": own < wanted, "<=": own <= wanted, ">": own > wanted, ">=": own >= wanted }[by];
}

/** A number is also meant by its text, as a version of an option would be: `model = 7`. */
const isEqual = (own, wanted) =>
  own === wanted ||
  (own !== null &&
    own !== undefined &&
    wanted !== null &&
    typeof own !== "boolean" &&
    String(own) === String(wanted)) ||
  ((own ?? null) === null && wanted === null);
