"""Which answers the bearer of a verified token may read."""

from __future__ import annotations

from math import inf
from typing import Final, Literal, NamedTuple

ROLES: Final = ("user", "moderator", "owner", "service")
_READS_EVERYTHING: Final = frozenset(("moderator", "owner", "service"))
_ADMINISTERS: Final = frozenset(("owner", "service"))


class Principal(NamedTuple):
    """The bearer of a token. `user_id` is the number of the token's subject, None where it has none.

    `user_text` is the subject where it is a text; the number stands for it (`vts.model.reference`).

    The subject of a service names the account that the host application works with, for the audit log only: what a
    service reports was done by others.

    `expires_s` is when the token ends, in seconds since the epoch: what outlasts a request ends with it.

    `session` is the id of the session or share link that the principal came by, None for the bearer of a token.
    `only` is the one subject of a share link, `("content", 42)` or `("artist", 7)`: its bearer may follow nothing else.
    """

    user_id: int | None
    roles: frozenset[str]
    jti: str | None = None
    expires_s: float = inf
    user_text: str | None = None
    session: bytes | None = None
    only: tuple[Literal["content", "artist"], int] | None = None

    @property
    def is_service(self) -> bool:
        """Whether this is the host application: it writes content and reports on behalf of visitors."""
        return "service" in self.roles

    @property
    def reads_everything(self) -> bool:
        """Whether every answer is open to this bearer."""
        return not self.roles.isdisjoint(_READS_EVERYTHING)

    @property
    def administers(self) -> bool:
        """Whether people's data and the audit log are open to this bearer: to the site's owner and to services."""
        return not self.roles.isdisjoint(_ADMINISTERS)

    def may_read(self, owner_id: int | None) -> bool:
        """Whether answers about something of this owner may be read; without owner, only by readers of everything."""
        return self.reads_everything or (owner_id is not None and owner_id == self.user_id)
