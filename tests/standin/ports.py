"""Ports of loopback that are free now, for servers that have to be told one."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """So many different ports; they stay free unless another program is very quick."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
