// A model or a cloud of points that can be turned: by mouse, by fingers, by keys. The code that
// draws it is fetched when the first one is seen. Without WebGL the file is there to take away.

import { h, icon, iconButton, onFrame, replace, setText } from "./dom.js";
import { formatBytes, group } from "./format.js";
import { START, fitted, moved, steer, upended } from "./orbit.js";

const HELP =
  "Arrow keys turn it, with Shift they move it; plus and minus change the size, 0 fits it, u lets the other axis point up.";
const AHEAD = "200px";
const LARGEST_BYTES = 200e6;

/**
 * The element that shows `item`, whose bytes are at `url`. Categories of points have the colours
 * of `palette`; `enlarge` shows it on its own.
 */
export function viewer3d(item, { url, palette, enlarge }) {
  const extension = item.file?.split(".").pop() ?? "";
  const name = item.caption || item.key;
  const canvas = h("canvas.solid-canvas", {
    tabindex: "0",
    role: "img",
    "aria-label": `${name}: a thing in space. ${HELP}`,
    hidden: true,
  });
  const said = h("span.count", { role: "status" });
  const wait = h("div.solid-wait", {}, "Loading …");
  const frame = h("div.solid-frame", {}, canvas, wait);
  const bar = h("div.solid-bar", {}, said);
  const box = h("div.solid", {}, frame, bar);
  const take = h(
    "a.icon-button",
    {
      href: url,
      download: `${name}.${extension}`,
      title: `Download (${formatBytes(item.size)})`,
      "aria-label": `Download ${name}, ${formatBytes(item.size)}`,
    },
    icon("save"),
  );
  whenSeen(box, async () => {
    try {
      const { Scene3D, stage, readSolid, SHOWN } = await code();
      if (!SHOWN.includes(extension)) throw new Error(`${extension} files are not drawn here`);
      if (item.size > LARGEST_BYTES) throw new Error("it is too large to be drawn here");
      const [tools, bytes] = await Promise.all([stage(), fetched(url)]);
      const read = await readSolid(tools.three, extension, bytes, palette);
      show(canvas, new Scene3D(tools, read.object, canvas), bar, enlarge);
      wait.remove();
      setText(said, told(read));
      canvas.setAttribute("aria-label", `${name}: ${told(read)} in space. ${HELP}`);
      bar.append(take);
    } catch (error) {
      replace(box, fallback(name, extension, url, item.size, error.message));
    }
  });
  return box;
}

async function code() {
  const [{ Scene3D, stage }, { readSolid, SHOWN }] = await Promise.all([
    import("./stage3d.js"),
    import("./solid.js"),
  ]);
  return { Scene3D, stage, readSolid, SHOWN };
}

async function fetched(url) {
  const response = await fetch(url, { referrerPolicy: "no-referrer" });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.arrayBuffer();
}

/** Call `act` once the element is about to be seen. */
function whenSeen(element, act) {
  const watch = new IntersectionObserver(
    (seen) => {
      if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
      watch.disconnect();
      act();
    },
    { rootMargin: AHEAD, scrollMargin: AHEAD },
  );
  watch.observe(element);
}

/** Draw the scene, and again whenever the eye or the size changes, until the element is gone. */
function show(canvas, scene, bar, enlarge) {
  let eye = START;
  canvas.hidden = false;
  const draw = onFrame(() => canvas.isConnected && canvas.clientWidth > 0 && scene.draw(eye));
  const see = (next) => {
    eye = next;
    up.setAttribute("aria-pressed", String(eye.up === "z"));
    draw();
  };
  steer(canvas, () => eye, see);
  const size = new ResizeObserver(() => {
    if (canvas.isConnected) return draw();
    size.disconnect();
    return scene.close();
  });
  size.observe(canvas);
  const up = button("Z↑", "Let the z axis point up", () => see(upended(eye)));
  up.setAttribute("aria-pressed", "false");
  bar.append(
    up,
    button("−", "Smaller", () => see(moved(eye, 1.25))),
    button("+", "Larger", () => see(moved(eye, 0.8))),
    button("Fit", "Show all of it", () => see(fitted(eye))),
    iconButton("expand", "Show it large", enlarge),
  );
}

const button = (text, label, act) =>
  h(
    "button.text-button",
    { type: "button", title: label, "aria-label": label, on: { click: act } },
    text,
  );

const told = ({ points, faces }) =>
  [
    faces ? `${group(faces)} ${faces === 1 ? "face" : "faces"}` : "",
    points ? `${group(points)} ${points === 1 ? "point" : "points"}` : "",
  ]
    .filter(Boolean)
    .join(", ");

/** What stands in place of a picture: why there is none, and the file. */
function fallback(name, extension, url, size, why) {
  return [
    h("p.quiet", { role: "status" }, `No picture: ${why}.`),
    h(
      "a.file-link",
      { href: url, download: `${name}.${extension}` },
      `Download ${extension} · ${formatBytes(size)}`,
    ),
  ];
}
