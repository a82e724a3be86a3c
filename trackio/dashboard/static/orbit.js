// Where the eye stands that looks at a thing, and how pointers and keys move it. Pure but for
// `steer`, which listens.

const LIMIT = 1.5; // almost straight up or down: beyond it the picture would turn over
const TURN = 0.0065; // radians a pixel
const STEP = Math.PI / 18; // a turn by a key
const [NEAREST, FARTHEST] = [0.15, 8]; // of the distance from which all is seen

/** The eye as it first looks: from the front, a little from the side and above. */
export const START = Object.freeze({ turn: 0.6, tilt: 0.42, distance: 1, x: 0, y: 0, up: "y" });

/** The eye after a turn by angles. */
export const turned = (eye, by, up) => ({
  ...eye,
  turn: eye.turn + by,
  tilt: clamp(eye.tilt + up, -LIMIT, LIMIT),
});

/** The eye nearer or farther; `by` multiplies the distance. */
export const moved = (eye, by) => ({
  ...eye,
  distance: clamp(eye.distance * by, NEAREST, FARTHEST),
});

/** The eye and what it looks at moved aside, by parts of what is seen. */
export const shifted = (eye, x, y) => ({
  ...eye,
  x: clamp(eye.x + x * eye.distance, -2, 2),
  y: clamp(eye.y + y * eye.distance, -2, 2),
});

/** The eye for things whose other axis points up. */
export const upended = (eye) => ({ ...eye, up: eye.up === "y" ? "z" : "y" });

/** The eye as at first, for a thing whose axis points up as it did. */
export const fitted = (eye) => ({ ...START, up: eye.up });

/** The eye after a key, or null if the key does nothing. */
export function keyed(eye, key, isShift) {
  if (isShift) {
    const [x, y] =
      { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[
        key
      ] ?? [];
    if (x !== undefined) return shifted(eye, x, y);
  }
  switch (key) {
    case "ArrowLeft":
      return turned(eye, -STEP, 0);
    case "ArrowRight":
      return turned(eye, STEP, 0);
    case "ArrowUp":
      return turned(eye, 0, STEP);
    case "ArrowDown":
      return turned(eye, 0, -STEP);
    case "+":
    case "=":
      return moved(eye, 1 / 1.2);
    case "-":
      return moved(eye, 1.2);
    case "0":
    case "Home":
      return fitted(eye);
    case "u":
      return upended(eye);
    default:
      return null;
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * Let pointers, the wheel and keys over `element` move the eye: one finger or the button turns,
 * two fingers pinch and shift, as does the other button. `look()` is the eye, `see(eye)` moves it.
 * The wheel turns pages until the element has the focus, or with Ctrl.
 */
export function steer(element, look, see) {
  const fingers = new Map();
  const onDown = (event) => {
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
  };
  const onMove = (event) => {
    const from = fingers.get(event.pointerId);
    if (!from) return;
    const before = spread(fingers);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    if (fingers.size > 1) see(pinched(look(), before, spread(fingers), element.clientHeight));
    else if (event.shiftKey || (event.buttons & 6) !== 0)
      see(shifted(look(), -x / element.clientHeight, y / element.clientHeight));
    else see(turned(look(), -x * TURN, y * TURN));
  };
  const onUp = (event) => fingers.delete(event.pointerId);
  const onWheel = (event) => {
    if (!event.ctrlKey && element.getRootNode().activeElement !== element) return;
    event.preventDefault();
    see(moved(look(), Math.exp(clamp(event.deltaY, -100, 100) * 0.002)));
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = keyed(look(), event.key, event.shiftKey);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    see(next);
  };
  element.addEventListener("pointerdown", onDown);
  element.addEventListener("pointermove", onMove);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    element.addEventListener(end, onUp);
  element.addEventListener("wheel", onWheel, { passive: false });
  element.addEventListener("keydown", onKey);
  element.addEventListener("contextmenu", (event) => event.preventDefault());
}

/** How far apart two fingers are, and the middle between them. */
function spread(fingers) {
  const [[x1, y1], [x2, y2]] = [...fingers.values(), [0, 0]];
  return { apart: Math.hypot(x1 - x2, y1 - y2), x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

function pinched(eye, before, after, height) {
  const nearer = moved(eye, before.apart / Math.max(1, after.apart));
  return shifted(nearer, (before.x - after.x) / height, (after.y - before.y) / height);
}
