"""Who may read, decided before anything is served. Opens no port and asks for no password itself.

On this machine alone everybody who can reach it may. Elsewhere nobody may without a password or,
on a Space, without having signed in at Hugging Face, unless somebody said that all may.
"""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

USER: Final = "trackio"
_OAUTH: Final = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
"""Without the secret anybody could sign a session of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How reading is gated.

    `auth` is what Gradio's login is given, `readers` are the users and organisations of
    Hugging Face that may read once they signed in there, `told` is to be said at the start;
    `is_public` says that somebody chose to let everybody read.
    """

    auth: Any = None
    readers: frozenset[str] | None = None
    told: str | None = None
    is_public: bool = False


def choose_access(
    *,
    host: str,
    is_shared: bool,
    auth: Any,
    environ: Mapping[str, str],
    is_private_space: bool = False,
) -> Access:
    """How reading is gated where the dashboard listens at `host`.

    Args:
        host: the address it listens at.
        is_shared: whether it gets a public link.
        auth: what the caller wants; it is taken as it is.
        environ: TRACKIO_PASSWORD sets one for the user `trackio`; TRACKIO_PUBLIC=1 lets all
            read; TRACKIO_READERS names who may, beside the owner, on a Space with OAuth.
        is_private_space: whether the Hub itself lets only some people come here.
    """
    if auth is not None:
        return Access(auth=auth)
    if password := environ.get("TRACKIO_PASSWORD"):
        return Access(auth=(USER, password))
    if environ.get("TRACKIO_PUBLIC", "").strip() == "1":
        return Access(is_public=True)
    if environ.get("SPACE_ID") and all(map(environ.get, _OAUTH)):
        return Access(readers=_readers(environ))
    if is_private_space or (is_loopback(host) and not is_shared):
        return Access()
    password = secrets.token_urlsafe(9)
    told = (
        f"Reached from elsewhere it asks for user {USER!r} and password {password!r}; "
        "set TRACKIO_PASSWORD to choose one, or TRACKIO_PUBLIC=1 to let everybody read"
    )
    return Access(auth=(USER, password), told=told)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_reader(session: Mapping[str, Any], readers: frozenset[str], now_s: float) -> bool:
    """Whether who signed in at Hugging Face, by what the session says, is one of these.

    A user counts by name and by the organisations that the sign-in told of.
    """
    info = session.get("oauth_info")
    if not isinstance(info, Mapping) or float(info.get("expires_at", now_s + 1)) < now_s:
        return False
    user = info.get("userinfo") or {}
    names = [user.get("preferred_username")]
    names += [org.get("preferred_username") or org.get("name") for org in user.get("orgs") or ()]
    return any(str(name).casefold() in readers for name in names if name)


def _readers(environ: Mapping[str, str]) -> frozenset[str]:
    owner = environ.get("SPACE_AUTHOR_NAME") or environ["SPACE_ID"].partition("/")[0]
    named = environ.get("TRACKIO_READERS", "").replace(",", " ").split()
    return frozenset(name.casefold() for name in (owner, *named))
