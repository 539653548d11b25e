"""How soon the connection of a peer that has vanished ends: the kernel probes it.

A machine that loses its power or its network closes nothing. What we wait to read from it never comes, and what we
write is sent again for a quarter of an hour before Linux gives up. So keep-alive is set on listening sockets; on Linux
and macOS accepted sockets inherit it.
"""

from __future__ import annotations

import socket
from typing import Final

import trio

IDLE_S: Final = 15  # without traffic, before the first probe; live counts send something as often
PROBE_EVERY_S: Final = 5
PROBES: Final = 4
UNANSWERED_S: Final = (
    25  # data or probes without acknowledgement (RFC 5482): the connection ends 40 s after the last packet
)

_OPTIONS: Final = (
    ("TCP_KEEPIDLE", IDLE_S),
    ("TCP_KEEPALIVE", IDLE_S),  # its name on macOS
    ("TCP_KEEPINTVL", PROBE_EVERY_S),
    ("TCP_KEEPCNT", PROBES),
    ("TCP_USER_TIMEOUT", UNANSWERED_S * 1_000),
)


def notice_silence(listener: trio.SocketListener) -> None:
    """Have connections accepted from now on end when their peer is gone: reading and writing then fail.

    An option that the system lacks is left out.
    """
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            listener.socket.setsockopt(socket.IPPROTO_TCP, option, value)
