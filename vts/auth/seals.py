"""Texts that VTS signs for itself: session cookies, one-time links, and the tokens of its forms.

Each purpose has a key of its own, derived from VTS's session secret, so that one kind of text never passes as another.
The secret is not the one that signs tokens: the host application may know that one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final, Literal

import msgspec

from vts.model.grant import Grant

TEXT_MAX_CHARS: Final = 2048  # several times the longest grant
_MAC_BYTES: Final = 32

Purpose = Literal["session", "login link"]


class Seals:
    """Signs grants, and reads those that it signed. `secret` has 32 bytes or more."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Seals(…)"

    def seal(self, purpose: Purpose, grant: Grant) -> str:
        """Return a grant as text for a cookie or a URL: URL-safe base64 without padding."""
        body = msgspec.msgpack.encode(grant)
        return _encoded(self._mac(purpose, body) + body)

    def read(self, purpose: Purpose, text: str, now_s: float) -> Grant | None:
        """Return the grant in a text; None for one that was not signed here for this purpose, or has expired."""
        if not text.isascii() or len(text) > TEXT_MAX_CHARS:
            return None
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        grant = msgspec.msgpack.decode(body, type=Grant)
        return grant if now_s < grant.expires_s else None

    def form_token(self, cookie: str) -> str:
        """Return what a form has to repeat when it is sent with this cookie: a page of another site cannot know it."""
        return _encoded(self._mac("form", cookie.encode("utf-8", "replace")))

    def is_form_token(self, text: str, cookie: str) -> bool:
        """Whether a form repeats the token of the cookie that came with it."""
        return bool(cookie) and hmac.compare_digest(text.encode("utf-8", "replace"), self.form_token(cookie).encode())

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(hmac.digest(self._secret, purpose.encode(), "sha256"), body, "sha256")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
