"""The direct MQTT 5 endpoint: players without a broker. No message goes from player to player."""

from __future__ import annotations

import trio

from vts.capture.listening import listeners_at
from vts.capture.mqtt.direct.handshake import DirectLimits, Handshake
from vts.capture.mqtt.direct.login import Authenticator
from vts.capture.mqtt.direct.server import DirectServer
from vts.capture.players.reports import PlayerReports
from vts.capture.tls import ListenerTls
from vts.capture.vanished_peers import notice_silence
from vts.model.ports import Catalog


class DirectEndpoint:
    """The actor that listens for players. `port` is the real one once it has started."""

    def __init__(
        self,
        address: tuple[str, int],
        limits: DirectLimits,
        reports: PlayerReports,
        catalog: Catalog,
        tls: ListenerTls | None = None,
    ) -> None:
        self._address = address
        self._reports = reports
        self._handshake = Handshake(limits, reports.topics, Authenticator(reports.topics, catalog))
        self._tls = tls
        self._server: DirectServer | None = None
        self._stopping = False
        self.port = address[1]

    @property
    def connections(self) -> int:
        """How many connections there are, those whose CONNECT is not accepted yet included."""
        return self._server.connections if self._server is not None else 0

    def stop(self) -> None:
        """Stop listening; finish what is being journaled, disconnect every player, and let `run` return."""
        self._stopping = True
        if self._server is not None:
            self._server.stop()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`. Raises OSError when the address cannot be listened on."""
        host, port = self._address
        listeners = await listeners_at(host, port, settings=("VTS_MQTT__LISTEN", "VTS_MQTT__LISTEN"), backlog=1024)
        try:
            self.port = listeners[0].socket.getsockname()[1]
            for listener in listeners:
                notice_silence(listener)
            async with trio.open_nursery() as nursery:
                self._server = DirectServer(self._handshake, self._reports, self._tls, nursery)
                task_status.started()
                if self._stopping:
                    self._server.stop()
                await self._server.serve(listeners)
        finally:
            self._server = None
            for listener in listeners:
                await trio.aclose_forcefully(listener)
