"""Which sockets a door listens on, and which setting is wrong when an address cannot be listened on."""

from __future__ import annotations

import errno
import socket
from typing import Final

import trio

_WHY: Final = {
    errno.EADDRINUSE: "is in use by another program: end that, or set {port} to another port",
    errno.EACCES: "needs rights that this user does not have: set {port} to a port from 1024",
    errno.EADDRNOTAVAIL: "is no address of this machine: set {host} to one, or to 0.0.0.0 for all",
}


async def listeners_at(
    host: str, port: int, *, settings: tuple[str, str], backlog: int | None = None
) -> list[trio.SocketListener]:
    """Listen on an address. `settings` are the names of the settings of host and port.

    Raises OSError whose `strerror` is a line with the address, the reason and the setting: an outage for the
    supervisor of a running process, the end of one that starts.
    """
    try:
        return list(await trio.open_tcp_listeners(port, host=host, backlog=backlog))
    except OSError as fault:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        unknown = isinstance(fault, socket.gaierror)
        why = "cannot be resolved: set {host} to an address of this machine" if unknown else _WHY.get(fault.errno or 0)
        text = (why or f"cannot be listened on: {fault.strerror}; see {{host}}").format(
            host=settings[0], port=settings[1]
        )
        raise OSError(fault.errno, f"{address} {text}") from fault
