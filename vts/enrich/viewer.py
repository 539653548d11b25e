"""Which key a viewer has: a keyed hash, from which the viewer cannot be found.

Every key is the first 16 bytes of an HMAC-SHA-256 under the viewer secret. Each kind of message has a prefix of its
own, so that no visitor can make an agent whose key equals a user's. Keys of those who have no name here (visitors,
their browsers, video players) are under a rotating key instead, where such keys are to change every few days.
"""

from __future__ import annotations

import hmac
from typing import Final, Literal

from vts.enrich.client_ip import Address
from vts.enrich.rotation import RotatingKey
from vts.model.identity import text_of

SECRET_MIN_BYTES: Final = 32
ViewerIdentity = Literal["agent", "address"]


class ViewerKeys:
    """Makes keys; `identity` "address" ignores the agent.

    The versions name what a key was made with and are stored beside it: `version` with users and players, whose keys
    stay, `rotating_version` with visitors and video players.
    """

    def __init__(self, secret: bytes, version: int = 1, identity: ViewerIdentity = "agent") -> None:
        if len(secret) < SECRET_MIN_BYTES:
            raise ValueError(f"the viewer secret must have at least {SECRET_MIN_BYTES} bytes")
        self._secret = self._rotating = secret
        self._with_agent = identity == "agent"
        self.version = self.rotating_version = version

    def __repr__(self) -> str:
        return f"ViewerKeys(version={self.version}, rotating_version={self.rotating_version})"

    def rotate(self, key: RotatingKey) -> None:
        """Make the keys of visitors and video players with this one from now on."""
        self._rotating = key.key
        self.rotating_version = key.version

    def user(self, user_id: int) -> bytes:
        """Return the key of a signed-in user."""
        return _keyed(self._secret, b"user:%d" % user_id)

    def visitor(self, address: Address, agent: str) -> bytes:
        """Return the key of an anonymous visitor: the subscriber's network and, unless set otherwise, the agent."""
        head = b"visitor:%d:%b:" % (len(address.packed), address.network)
        return _keyed(self._rotating, head + _bytes(agent) if self._with_agent else head)

    def player(self, player_key: bytes) -> bytes:
        """Return the key of a physical player."""
        return _keyed(self._secret, b"player:" + text_of(player_key).encode())

    def client(self, name: str) -> bytes:
        """Return the key of a video player by the name that it gives itself."""
        return _keyed(self._rotating, b"client:" + _bytes(name))

    def address(self, address: Address) -> bytes:
        """Return a key that groups what comes from one customer of a provider, for limits; it is never stored."""
        return _keyed(self._secret, b"address:%d:%b" % (len(address.packed), address.site))

    def agent_hash(self, agent: str) -> bytes:
        """Return the `user_agent_hash`."""
        return _keyed(self._rotating, b"agent:" + _bytes(agent))


def _keyed(secret: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, message, "sha256")[:16]


def _bytes(agent: str) -> bytes:
    return agent.encode("utf-8", "surrogatepass")
