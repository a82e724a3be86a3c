// What happened to a registry, newest first: one sentence an event.

import { ago, aliasChips } from "./artifact_parts.js";
import { h, replace } from "./dom.js";
import { group } from "./format.js";

const PAGE = 50;

/** The events as a list; `total` is how many there are in all. */
export function history(app, events, total) {
  let shown = PAGE;
  const list = h("ol.history");
  const more = h("button.text-button", {
    type: "button",
    on: { click: () => ((shown += 10 * PAGE), draw()) },
  });
  const draw = () => {
    replace(
      list,
      events.slice(0, shown).map((event) => item(app, event)),
    );
    more.hidden = shown >= events.length;
    more.textContent = `Show ${group(Math.min(10 * PAGE, events.length - shown))} more`;
  };
  draw();
  return h(
    "section.block",
    { "aria-label": "History" },
    h("h2", {}, "History ", h("span.count", {}, group(total))),
    events.length ? list : h("p.quiet", {}, "Nothing happened yet."),
    more,
  );
}

function item(app, event) {
  return h(
    "li",
    { class: `event is-${event.kind}` },
    h("span.event-said", {}, sentence(event)),
    h("span.event-about", {}, event.actor ? `${event.actor} · ` : "", ago(app, event.time_s)),
  );
}

/** An event in words. */
function sentence(event) {
  const { kind, said } = event;
  const name = (text) => h("strong", {}, text ?? "?");
  const called = said.aliases?.length ? [" as ", aliasChips(said.aliases)] : [];
  switch (kind) {
    case "create":
      return ["Made the registry"];
    case "create_collection":
      return ["Made the collection ", name(said.collection), ` of type ${said.type}`];
    case "link":
      return [
        "Linked ",
        name(`${said.project}/${said.name}${event.source ? `:${event.source}` : ""}`),
        " into ",
        name(event.version ? `${said.collection}:${event.version}` : said.collection),
        ...called,
      ];
    case "promote":
      return [
        "Called ",
        name(`${said.collection}:v${said.number}`),
        " ",
        aliasChips(said.aliases ?? []),
      ];
    case "unlink":
      return ["Took ", name(`${said.collection}:v${said.number}`), " out"];
    case "update":
      return said.collection ? ["Described ", name(said.collection)] : ["Described the registry"];
    default:
      return [kind];
  }
}
