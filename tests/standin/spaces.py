"""A stand-in for the Hub that also has Spaces: repositories, commits, variables, volumes.

Files are kept by path; nothing is built and nothing runs.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standin.hub import StandinHub, _Refusal
from standin.web import Answer, Request, json_answer

_MOST_IN_GIT = 10 << 20


@dataclass(slots=True, kw_only=True)
class Space:
    """A Space: what it was made as, its files, and what it was told."""

    sdk: str
    private: bool | None
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    commits: int = 0


class SpacesHub(StandinHub):
    """The stand-in with Spaces, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.spaces: dict[str, Space] = {}

    def _route(self, request: Request) -> Answer:
        if request.path == "/api/repos/create":
            return self._make(request)
        if request.path == "/api/validate-yaml":
            return json_answer({"errors": [], "warnings": []})
        called = re.fullmatch(r"/api/spaces/([^/]+/[^/]+)((?:/.*)?)", request.path)
        if called is None:
            return super()._route(request)
        role, space = self._role(request), self.spaces.get(called[1])
        if space is None:
            raise _Refusal(404, "RepoNotFound", "Repository not found")
        if role is None or not role.can_write or role.user != called[1].partition("/")[0]:
            raise _Refusal(403, "Forbidden", "You don't have the rights.")
        return self._asked_of(space, called[1], called[2], request)

    def _make(self, request: Request) -> Answer:
        role, said = self._role(request), request.json()
        owner = said.get("organization") or (role.user if role else None)
        if role is None or not role.can_write or role.user != owner:
            raise _Refusal(403, "Forbidden", "You don't have the rights to create a Space here.")
        name = f"{owner}/{said['name']}"
        url = {"url": f"{self.url}/spaces/{name}"}
        if name in self.spaces:
            return json_answer({**url, "error": "You already created this space repo"}, 409)
        private = said.get("private")
        if "visibility" in said:
            private = said["visibility"] == "private"
        self.spaces[name] = Space(sdk=said["sdk"], private=private)
        return json_answer(url)

    def _asked_of(self, space: Space, name: str, rest: str, request: Request) -> Answer:
        match request.method, rest.partition("/main")[0]:
            case "POST", "/preupload":
                files = [
                    {"path": file["path"], "uploadMode": _mode(file), "shouldIgnore": False}
                    for file in request.json()["files"]
                ]
                return json_answer({"files": files})
            case "GET", "/xet-write-token":
                return self._xet_token()
            case "POST", "/commit":
                return self._commit(space, name, request)
            case "GET", "/variables":
                return json_answer({k: {"value": v} for k, v in space.variables.items()})
            case "POST", "/variables":
                said = request.json()
                space.variables[said["key"]] = said["value"]
                return json_answer({k: {"value": v} for k, v in space.variables.items()})
            case "PUT", "/volumes":
                space.volumes = request.json()["volumes"]
                return json_answer({})
            case "GET", "/tree":
                files = [
                    {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                    for path, data in sorted(space.files.items())
                ]
                return json_answer(files)
            case "GET", "" | "/revision":
                siblings = [{"rfilename": path} for path in sorted(space.files)]
                private = bool(space.private)
                return json_answer({"id": name, "private": private, "siblings": siblings})
        raise _Refusal(404, "NotFound", "Sorry, we can't find the page you are looking for.")

    def _commit(self, space: Space, name: str, request: Request) -> Answer:
        for line in request.body.splitlines():
            said = json.loads(line)
            if said["key"] == "file":
                content = base64.b64decode(said["value"]["content"])
                space.files[said["value"]["path"]] = content
            elif said["key"] == "lfsFile":
                space.files[said["value"]["path"]] = self._uploaded(said["value"]["oid"])
            elif said["key"] == "deletedFile":
                space.files.pop(said["value"]["path"], None)
        space.commits += 1
        oid = f"{space.commits:040x}"
        return json_answer(
            {"commitUrl": f"{self.url}/spaces/{name}/commit/{oid}", "commitOid": oid}
        )

    def _uploaded(self, sha256: str) -> bytes:
        """What was sent to the content store before the commit that names it."""
        contents = map(self._cas.read, self._cas._files)
        found = (one for one in contents if hashlib.sha256(one).hexdigest() == sha256)
        return next(found)


def _mode(file: dict[str, Any]) -> str:
    """A repository keeps what is large or not text beside Git, as its `.gitattributes` say."""
    is_beside = file["path"].endswith(".parquet") or file["size"] > _MOST_IN_GIT
    return "lfs" if is_beside else "regular"


@contextmanager
def running_spaces_hub() -> Iterator[SpacesHub]:
    """A Hub without buckets and Spaces, served until the end of the block."""
    hub = SpacesHub()
    with hub._server.running():
        try:
            yield hub
        finally:
            for bucket in hub.buckets.values():
                bucket.feed.end()
