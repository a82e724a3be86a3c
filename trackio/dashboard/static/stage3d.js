// Draws things in space, all with one WebGL context: browsers give a page only a few. Each viewer
// has a flat canvas, onto which its picture is copied; nothing is drawn unless something moved.

const FIELD = 36; // degrees
const GONE = 1e-6;

let shared = null;

/** three.js and the one renderer of the page; rejects where there is no WebGL. */
export function stage() {
  shared ??= make();
  shared.catch(() => (shared = null));
  return shared;
}

async function make() {
  const three = await import("./vendor/three/three.min.js");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { alpha: true, antialias: true });
  if (!context) throw new Error("this browser has no WebGL");
  const renderer = new three.WebGLRenderer({ canvas, context, alpha: true, antialias: true });
  renderer.setClearColor(0, 0);
  return { three, renderer };
}

/** One thing with its light and its eye, drawn onto `canvas` from wherever one looks. */
export class Scene3D {
  #three;
  #renderer;
  #canvas;
  #scene;
  #camera;
  #holder;
  #radius;

  constructor({ three, renderer }, object, canvas) {
    [this.#three, this.#renderer, this.#canvas] = [three, renderer, canvas];
    const center = new three.Box3().setFromObject(object).getCenter(new three.Vector3());
    this.#radius = Math.max(farthest(three, object, center), GONE);
    this.#scene = new three.Scene();
    this.#holder = new three.Group();
    object.position.sub(center);
    this.#holder.add(object);
    this.#camera = new three.PerspectiveCamera(FIELD, 1, 0.01, 100);
    this.#camera.add(this.#light(1.6, -0.6, 0.8), this.#light(0.5, 0.8, -0.3));
    const sky = new three.HemisphereLight(0xffffff, 0x8d93a0, 1.5);
    this.#scene.add(this.#holder, this.#camera, sky);
  }

  /** A lamp that moves with the eye, so that the side one looks at is never dark. */
  #light(strength, x, y) {
    const lamp = new this.#three.DirectionalLight(0xffffff, strength);
    lamp.position.set(x, y, 1);
    lamp.target = this.#camera;
    return lamp;
  }

  /** Draw it as `eye` sees it. */
  draw(eye) {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.max(1, Math.round(this.#canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.#canvas.clientHeight * ratio));
    if (this.#canvas.width !== width || this.#canvas.height !== height)
      Object.assign(this.#canvas, { width, height });
    this.#holder.rotation.x = eye.up === "z" ? -Math.PI / 2 : 0;
    this.#look(eye, width / height);
    this.#renderer.setPixelRatio(1);
    this.#renderer.setSize(width, height, false);
    this.#renderer.render(this.#scene, this.#camera);
    const flat = this.#canvas.getContext("2d");
    flat.clearRect(0, 0, width, height);
    flat.drawImage(this.#renderer.domElement, 0, 0);
  }

  #look({ turn, tilt, distance, x, y }, aspect) {
    const camera = this.#camera;
    const half = Math.tan(((FIELD / 2) * Math.PI) / 180) * Math.min(1, aspect);
    const whole = (this.#radius / Math.sin(Math.atan(half))) * 1.04;
    const away = whole * distance;
    camera.aspect = aspect;
    camera.near = away / 200 + Math.max(0, away - 3 * this.#radius) / 2;
    camera.far = away + 4 * this.#radius;
    camera.position.set(
      Math.sin(turn) * Math.cos(tilt) * away,
      Math.sin(tilt) * away,
      Math.cos(turn) * Math.cos(tilt) * away,
    );
    camera.lookAt(0, 0, 0);
    camera.translateX(x * whole);
    camera.translateY(y * whole);
    camera.updateProjectionMatrix();
  }

  /** Give back what the graphics card holds of it. */
  close() {
    this.#scene.traverse(({ geometry, material }) => {
      geometry?.dispose();
      for (const one of [material].flat())
        if (one) {
          one.map?.dispose();
          one.dispose();
        }
    });
  }
}

/** How far from the middle the farthest point is. */
function farthest(three, object, center) {
  const point = new three.Vector3();
  let most = 0;
  object.traverse((part) => {
    const places = part.geometry?.getAttribute("position");
    for (let i = 0; i < (places?.count ?? 0); i++) {
      point.fromBufferAttribute(places, i).applyMatrix4(part.matrixWorld);
      most = Math.max(most, point.distanceToSquared(center));
    }
  });
  return Math.sqrt(most);
}
