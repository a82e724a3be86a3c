// Reads a file of a model or of points into what three.js draws. It asks nobody for anything: what
// a file refers to elsewhere is left out.

import { asGlb } from "./gltf.js";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
const PLAIN = 0xb9c2d0;

/** The endings of the files that can be shown. */
export const SHOWN = ["glb", "gltf", "obj", "stl", "ply"];

/** What the bytes of a file with this ending are, as an object of three.js, and what to say of it. */
export async function readSolid(three, extension, bytes, palette) {
  const reader = { glb: readScene, gltf: readScene, obj: readObj, stl: readStl, ply: readPly }[
    extension
  ];
  const found = await reader(three, bytes, palette);
  const counts = counted(found);
  if (counts.points + counts.faces === 0)
    throw new Error("there is nothing in it that can be seen");
  return { object: found, ...counts };
}

async function readScene(three, bytes) {
  const manager = new three.LoadingManager();
  manager.setURLModifier((url) => (/^(data|blob):/.test(url) ? url : PIXEL));
  const loader = new three.GLTFLoader(manager);
  const { scene } = await loader.parseAsync(asGlb(bytes), "");
  return scene;
}

function readObj(three, bytes) {
  const found = new three.OBJLoader().parse(new TextDecoder().decode(bytes));
  found.traverse((part) => {
    if (part.isMesh) part.material = plain(three, part.geometry);
  });
  return found;
}

const readStl = (three, bytes) => mesh(three, new three.STLLoader().parse(bytes));

function readPly(three, bytes, palette) {
  const loader = new three.PLYLoader();
  const isSorted = /^property \w+ category$/m.test(headerOf(bytes));
  if (isSorted) loader.setCustomPropertyNameMapping({ category: ["category"] });
  const geometry = loader.parse(bytes);
  if (geometry.index) return mesh(three, geometry);
  if (isSorted)
    geometry.setAttribute("color", colors(three, geometry.getAttribute("category"), palette));
  const isColored = geometry.hasAttribute("color");
  const material = new three.PointsMaterial({
    size: 2.4,
    sizeAttenuation: false,
    vertexColors: isColored,
    color: isColored ? 0xffffff : palette[0],
  });
  return new three.Points(geometry, material);
}

/** The lines at the beginning that say what a PLY file holds. */
function headerOf(bytes) {
  const [header] = new TextDecoder("latin1").decode(bytes.slice(0, 4096)).split("end_header");
  return header.replaceAll("\r", "");
}

/** The colour of each point by its category. */
function colors(three, category, palette) {
  const known = palette.map((text) => new three.Color(text));
  const values = new Float32Array(3 * category.count);
  for (let i = 0; i < category.count; i++) {
    const at = Math.abs(Math.round(category.getX(i))) % known.length;
    known[at].toArray(values, 3 * i);
  }
  return new three.Float32BufferAttribute(values, 3);
}

function mesh(three, geometry) {
  if (!geometry.hasAttribute("normal")) geometry.computeVertexNormals();
  return new three.Mesh(geometry, plain(three, geometry));
}

const plain = (three, geometry) => {
  const vertexColors = geometry.hasAttribute("color");
  return new three.MeshStandardMaterial({
    color: vertexColors ? 0xffffff : PLAIN,
    vertexColors,
    roughness: 0.7,
    metalness: 0.05,
    side: three.DoubleSide,
  });
};

/** How many points and faces are drawn. */
function counted(object) {
  let [points, faces] = [0, 0];
  object.traverse(({ geometry, isMesh, isPoints, isLine }) => {
    if (!geometry?.getAttribute("position")) return;
    const drawn = geometry.index?.count ?? geometry.getAttribute("position").count;
    if (isMesh) faces += Math.floor(drawn / 3);
    else if (isPoints || isLine) points += drawn;
  });
  return { points, faces };
}
