"""The secrets of this installation: from the settings where they are set, else from files in the data folder."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from config.rules import pairs_in
from config.settings import Auth, Settings
from vts.auth.claims import Claims
from vts.auth.revoked import RevokedFile
from vts.auth.secrets import load_or_make
from vts.auth.tokens import BadKey, Tokens, own_secret
from vts.model.faults import BadStart
from vts.model.reference import References
from vts.store.peers.viewer_key_check import viewer_key_name

SECRET_BYTES: Final = 32
TOKENS_END: Final = "tokens that VTS issued, and sessions, end"


ReferencesOf = Callable[[], References | None]
"""Returns what gives texts their numbers, None while the key is not known."""


def no_references() -> None:
    """Return nothing: for commands that give no text a number."""


class SecretOf(Protocol):
    """Returns the secret in a file of the data folder. Raises BadStart."""

    def __call__(self, path: Path, nbytes: int, *, loss: str) -> bytes:
        """`loss`: what is lost when a new secret has to be made, for the log."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets of this installation."""

    tokens: Tokens
    viewer: bytes
    sessions: bytes

    @property
    def identities(self) -> bytes:
        """The key of derived event ids: of the viewer secret, so that both move to another machine together."""
        return hmac.digest(self.viewer, b"event identities", "sha256")


def read_secrets(
    settings: Settings, folder: Path, secret_of: SecretOf = load_or_make, references: ReferencesOf = no_references
) -> Secrets:
    """Return the secrets, taken by `secret_of` from the data folder where none are set. Raises BadStart.

    `references` gives the users whom tokens name by text their numbers.
    """
    viewer = settings.privacy.viewer_secret.encode() or secret_of(
        folder / "viewer.secret", SECRET_BYTES, loss="viewers of before count as new ones"
    )
    sessions = settings.auth.session_secret.encode() or secret_of(
        folder / "session.secret", SECRET_BYTES, loss="everyone has to sign in again"
    )
    tokens = read_tokens(settings, folder, secret_of, references)
    return Secrets(tokens=tokens, viewer=viewer, sessions=sessions)


def read_tokens(
    settings: Settings, folder: Path, secret_of: SecretOf = load_or_make, references: ReferencesOf = no_references
) -> Tokens:
    """Return what verifies the host's tokens and issues our own. Raises BadStart."""
    auth, shared = settings.auth, settings.auth.secret.encode()
    own = own_secret(shared) if shared else secret_of(folder / "token.secret", SECRET_BYTES, loss=TOKENS_END)
    try:
        return Tokens(
            secret=None if auth.public_key_file else shared or own,
            public_key=Path(auth.public_key_file).read_bytes() if auth.public_key_file else None,
            own=own,
            issuer=auth.issuer or None,
            audience=auth.audience or None,
            revoked=_revoked(auth.revoked_file),
            claims=_claims(auth),
            references=references,
        )
    except BadKey as fault:
        raise BadStart(f"{'auth.public_key_file' if auth.public_key_file else 'auth.secret'}: {fault}") from None


def _claims(auth: Auth) -> Claims:
    return Claims(
        user=auth.user_claim,
        roles=auth.roles_claim,
        role_map=pairs_in(auth.role_map),
        role_flags=pairs_in(auth.role_flags),
    )


def viewer_key_name_of(settings: Settings, secrets: Secrets) -> int:
    """Return the name of the viewer keys that these settings make."""
    return viewer_key_name(secrets.viewer, settings.privacy.rotate_days, settings.privacy.viewer_identity)


def _revoked(path: str) -> Callable[[str], bool]:
    """Return the rule of revoked tokens. Raises BadStart."""
    if not path:
        return frozenset[str]().__contains__
    try:
        return RevokedFile(Path(path))
    except OSError as fault:
        raise BadStart(f"auth.revoked_file: {path} cannot be read: {fault.strerror}") from None
