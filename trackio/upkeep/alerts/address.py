"""Where a webhook may lead: to public addresses. Resolves names, connects to nothing.

A name is resolved once, every address it has is checked, and the connection is made to a checked
address, so that a name cannot answer differently a moment later.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from trackio.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b:1::/48", "2001::/32")))
"""Old ways to write an address of version 4, and tunnels: nothing out there has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be connected to: `address` is one of `host`, which the certificate must name."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


class AddressRefusedError(Exception):
    """A webhook leads where it may not; no trying again helps."""


def check_url(url: str) -> str:
    """`url` itself.

    Raises:
        InvalidInput: it is no address of a webhook.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("a webhook is an http:// or https:// URL with a host")
    if parts.username or parts.password:
        raise InvalidInput("a webhook's URL holds no user name: put the secret into its path")
    try:
        parts.port  # noqa: B018 - it is parsed when it is asked for
    except ValueError as exc:
        raise InvalidInput(f"a webhook's port is a number up to 65535: {exc}") from exc
    return url


def locate(url: str, *, allow_private: bool, resolve: Resolve | None = None) -> Target:
    """Where to connect to for `url`.

    Raises:
        AddressRefusedError: its host has an address that is not public.
        OSError: its host has no address.
    """
    parts = urlsplit(check_url(url))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = list((resolve or _resolve)(host, port))
    if not found:
        raise OSError(f"{host} has no address")
    if not allow_private and (bad := [one for one in found if not is_public(one)]):
        raise AddressRefusedError(
            f"{host} has the address {bad[0]}, which is not public; if this is meant, allow it "
            "with `allow_private = true` beside the webhook's url"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=port, path=path, address=found[0])


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, also inside an address of version 6."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _NEVER):
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]
