"""Player credentials: 256 random bits that a player shows, of which VTS keeps only the SHA-256.

Plain SHA-256 is enough for a random secret; a slow hash would only slow down the door.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final, NamedTuple

CREDENTIAL_MAX_CHARS: Final = 256
BASIC_MAX_CHARS: Final = 512  # base64 of a player's key, a colon and the longest credential
_NO_PLAYER: Final = hashlib.sha256(b"").digest()


class Login(NamedTuple):
    """The user and password of an `Authorization: Basic` header. Its repr has no password."""

    name: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"


def credential_hash(credential: str) -> bytes:
    """Return the 32 bytes that are stored."""
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()


def is_credential(shown: str, stored_hash: bytes | None) -> bool:
    """Whether the shown credential is the stored one, in a time that depends neither on which part of it is wrong nor
    whether the player is known. A player without a credential (None) has no right one, and so has an empty text.
    """
    right = hmac.compare_digest(credential_hash(shown[:CREDENTIAL_MAX_CHARS]), stored_hash or _NO_PLAYER)
    return right and stored_hash is not None and 0 < len(shown) <= CREDENTIAL_MAX_CHARS


def player_login(authorization: str | None, player_key: str | None) -> Login | None:
    """Read what a player shows over HTTP: `Authorization: Basic`, or `Bearer` (RFC 6750) with its key in a header of
    its own. None when the header is absent, of another scheme or unreadable, or a bearer comes without a key.
    """
    scheme, _, credential = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return basic_login(authorization)
    return Login(player_key.strip(), credential.strip()) if player_key is not None else None


def bearer_credential_hash(authorization: str | None) -> bytes | None:
    """Return the hash of the credential of an `Authorization: Bearer` header (RFC 6750), None when there is none."""
    scheme, _, shown = (authorization or "").strip().partition(" ")
    shown = shown.strip()
    if scheme.lower() != "bearer" or not 0 < len(shown) <= CREDENTIAL_MAX_CHARS:
        return None
    return credential_hash(shown)


def basic_login(authorization: str | None) -> Login | None:
    """Read an `Authorization: Basic` header (RFC 7617); None when it is absent, of another scheme or unreadable."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > BASIC_MAX_CHARS:
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return Login(name, password) if colon else None
