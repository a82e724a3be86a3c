"""Models of every kind that can be shown, made by hand. Asserts nothing."""

import base64
import json
import struct
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint16)
"""A tetrahedron."""
ELSEWHERE = "https://example.org/skin.png"


def stl() -> bytes:
    """As STL."""
    rows = [struct.pack("<12fH", 0, 0, 0, *CORNERS[face].ravel(), 0) for face in FACES]
    return bytes(80) + struct.pack("<I", len(rows)) + b"".join(rows)


def obj() -> bytes:
    """As OBJ; it names a library of materials, which nobody has."""
    corners = "\n".join("v {} {} {}".format(*corner) for corner in CORNERS)
    faces = "\n".join("f {} {} {}".format(*(face + 1)) for face in FACES)
    return f"mtllib https://example.org/a.mtl\n{corners}\n{faces}\n".encode()


def gltf(picture: str | None = None, buffer: str | None = None) -> bytes:
    """As glTF in two buffers, with a picture on it; `buffer` is where it says its data is."""
    data = [CORNERS.tobytes(), FACES.tobytes()]
    said = _gltf([len(part) for part in data], picture or _picture())
    said["buffers"] = [{"byteLength": len(part), "uri": buffer or _data(part)} for part in data]
    return json.dumps(said).encode()


def glb() -> bytes:
    """As binary glTF."""
    whole = CORNERS.tobytes() + FACES.tobytes()
    said = _gltf([len(CORNERS.tobytes()), len(FACES.tobytes())], _picture())
    said["bufferViews"][1] |= {"buffer": 0, "byteOffset": len(CORNERS.tobytes())}
    said["buffers"] = [{"byteLength": len(whole)}]
    text = json.dumps(said).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(whole), 0x004E4942) + whole
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _gltf(sizes: list[int], picture: str) -> dict[str, Any]:
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [
            {"doubleSided": True, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
        ],
        "textures": [{"source": 0}],
        "images": [{"uri": picture}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(CORNERS),
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [1, 1, 1],
            },
            {"bufferView": 1, "componentType": 5123, "count": FACES.size, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": i, "byteLength": size} for i, size in enumerate(sizes)],
    }


def _picture() -> str:
    out = BytesIO()
    Image.new("RGB", (4, 4), (200, 80, 40)).save(out, "png")
    return _data(out.getvalue(), "image/png")


def _data(content: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
