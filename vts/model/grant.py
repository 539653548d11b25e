"""A grant: who may do what, until when. Sessions and one-time links are grants that VTS has signed."""

from __future__ import annotations

from typing import Final

import msgspec

GRANT_ID_BYTES: Final = 16


class Grant(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Times are seconds since 1970. `jti` names the token that it came from.

    `user` is a number, or the text by which the host names the user.
    """

    id: bytes
    user: int | str | None
    roles: tuple[str, ...]
    issued_s: int
    expires_s: int
    jti: str | None = None
