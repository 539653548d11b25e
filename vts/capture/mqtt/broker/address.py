"""Which address a broker has, and how to connect to it: the only lines of MQTT about TCP and TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import trio

from vts.capture.tls import broker_tls
from vts.model.faults import BadStart

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """An address with the credentials and certificates to connect. `tls` is None for a connection in clear."""

    host: str
    port: int
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    async def dial(self) -> trio.abc.Stream:
        """Open a connection, TLS included. Raises OSError or trio.BrokenResourceError."""
        tcp = await trio.open_tcp_stream(self.host, self.port)
        if self.tls is None:
            return tcp
        stream = trio.SSLStream(tcp, self.tls, server_hostname=self.host, https_compatible=True)
        try:
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream


def broker_of(url: str, ca_file: str = "") -> Broker:
    """Read `mqtt://user:pass@host:1883` or `mqtts://…` (user and password percent-encoded). Raises BadStart.

    With TLS the broker's certificate is checked against `ca_file`, else against the system's authorities.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadStart("mqtt.url: not a URL; write mqtt://user:password@host:1883 or mqtts://…") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadStart("mqtt.url: write mqtt://user:password@host:1883 or mqtts://…")
    return Broker(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password).encode() if parts.password is not None else None,
        tls=broker_tls(ca_file) if parts.scheme == "mqtts" else None,
    )
