"""Bearer tokens: whether a JWT is the host's or our own, not expired and not revoked, and for which principal.

Two keys are known: the host application's, which may be public, and our own, for sessions and commands. A token names
ours by its `kid`; the algorithm follows from the kind of the key, never from the token (RFC 8725, section 3.1).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.types import Options

from vts.auth.claims import OWN_CLAIMS, BadToken, Claims, principal_in
from vts.model.principal import ROLES, Principal
from vts.model.reference import NoReferenceKey, References

TOKEN_MAX_CHARS: Final = 8192  # half of what a door takes as headers: no bearer needs more
SECRET_MIN_BYTES: Final = 32  # RFC 7518, section 3.2: an HS256 key is at least as long as its hash
SECRET_MIN_DISTINCT: Final = 4  # a file of zeros, a key held down: what no generator and no sentence makes
OWN_KEY_ID: Final = "vts-own"
OWN_ALGORITHM: Final = "HS256"
RSA_MIN_BITS: Final = 2048  # RFC 7518, section 3.3
VERIFIED_MAX: Final = 4096  # only tokens with a good signature are remembered, so a forger cannot turn this over
CLOCK_LEEWAY_S: Final = 30.0  # RFC 7519, section 4.1.4: for clocks that differ; a host's may be a little ahead

_CURVES: Final[Mapping[str, str]] = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_KNOWN_ROLES: Final = frozenset(ROLES)
# Times are judged by this module with the caller's clock; issuer and audience with the settings.
_SIGNATURE_ONLY: Final[Options] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

__all__ = ["BadKey", "BadToken", "Principal", "Tokens", "bearer", "own_secret"]

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class BadKey(ValueError):
    """The configured secret or public key cannot be used."""


class _Verified(NamedTuple):
    """What a good signature proves; whether it is valid now is checked at every use."""

    principal: Principal
    expires_s: float
    not_before_s: float
    issued_s: float


def own_secret(shared: bytes) -> bytes:
    """Derive our own signing secret, 32 bytes, from one that the host application shares.

    Processes with one `auth.secret` so accept each other's sessions, and the host does not accept our tokens.
    """
    return hmac.digest(shared, b"tokens that VTS signs itself", "sha256")


class Tokens:
    """Verifies tokens of the host application and our own, and issues our own.

    The host's are verified with `secret` (HS256, at least 32 bytes) or `public_key` (PEM: RSA → RS256, a NIST curve →
    ES256, ES384 or ES512, Ed25519 → EdDSA): give one of the two. Ours are signed and verified with `own` (HS256, at
    least 32 bytes); `secret` is that, too, where `own` is not given. `issuer` and `audience` are demanded of both when
    set. `revoked` returns whether a `jti` is revoked; it is called at every use. `claims` are the names in the host's
    tokens; `references` returns what gives texts their numbers, None while there is no key. Raises `BadKey`.
    """

    def __init__(
        self,
        *,
        secret: bytes | None = None,
        public_key: bytes | None = None,
        own: bytes | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        revoked: Callable[[str], bool] = frozenset[str]().__contains__,
        claims: Claims = OWN_CLAIMS,
        references: Callable[[], References | None] = lambda: None,
    ) -> None:
        if (secret is None) == (public_key is None):
            raise BadKey("give either a secret or a public key")
        if own is None and secret is None:
            raise BadKey("a public key signs nothing: a secret of our own is needed beside it")
        self._own = _from_secret(own if own is not None else secret or b"")[0]
        self._key: bytes | PublicKey
        self._key, self._algorithm = _from_secret(secret) if secret is not None else _from_pem(public_key or b"")
        self._issuer = issuer
        self._audience = audience
        self._revoked = revoked
        self._claims = claims
        self._references = references
        self._numbered_by: References | None = None
        self._verified: dict[bytes, _Verified] = {}

    def __repr__(self) -> str:
        return f"Tokens({self._algorithm})"

    def verify(self, token: str, now_s: float) -> Principal:
        """Return the token's principal. Raises `BadToken`, and NoReferenceKey for a text before there is the key."""
        if len(token) > TOKEN_MAX_CHARS:
            raise BadToken("too long")
        if (references := self._references()) is not self._numbered_by:
            self._numbered_by = references
            self._verified.clear()  # their users may have other numbers under this key
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()  # so that no bearer token is kept
        known = self._verified.get(name)
        if known is None:
            known = self._read(token)
            self._remember(name, known)
        self._judge(known, now_s)
        return known.principal

    def holds(self, principal: Principal, now_s: float) -> bool:
        """Whether the token that a principal was read from is still good: neither expired nor revoked."""
        return now_s < principal.expires_s and not (principal.jti is not None and self._revoked(principal.jti))

    def issue(
        self,
        *,
        user_id: int | str | None,
        roles: frozenset[str],
        now_s: float,
        ttl_s: float,
        jti: str | None = None,
    ) -> str:
        """Sign a token of our own that `verify` accepts until `now_s + ttl_s`.

        A user is named as by the host: by a number or a text. Without a `jti` a random one is drawn, so that every
        token can be revoked. Raises ValueError for an unknown role, a lifetime that is not positive, or no principal.
        """
        claims: dict[str, Any] = {
            "roles": [role for role in ROLES if role in roles],
            "jti": jti or secrets.token_hex(16),
            "iat": int(now_s),
            "exp": int(now_s + ttl_s),
        }
        claims |= {} if user_id is None else {"sub": str(user_id)}
        claims |= {} if self._issuer is None else {"iss": self._issuer}
        claims |= {} if self._audience is None else {"aud": self._audience}
        if not roles <= _KNOWN_ROLES or ttl_s <= 0:
            raise ValueError("unknown role, or a lifetime that is not positive")
        try:
            principal_in(claims, OWN_CLAIMS, None)
        except BadToken as fault:
            raise ValueError(fault.reason) from None
        except NoReferenceKey:
            pass  # a text is a good name without its number, too
        return jwt.encode(claims, self._own, algorithm=OWN_ALGORITHM, headers={"kid": OWN_KEY_ID})

    def _read(self, token: str) -> _Verified:
        """Check what does not change with time: signature, issuer, audience, shape of the claims."""
        claims, is_own = self._signed_claims(token)
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise BadToken("wrong issuer")
        if self._audience is not None and not _is_for(self._audience, claims.get("aud")):
            raise BadToken("wrong audience")
        if "exp" not in claims:
            raise BadToken("no expiry")
        expires_s, *since = (_time(claims[name]) if name in claims else 0.0 for name in ("exp", "nbf", "iat"))
        principal = principal_in(claims, OWN_CLAIMS if is_own else self._claims, self._references())
        return _Verified(principal._replace(expires_s=expires_s), expires_s, *since)

    def _signed_claims(self, token: str) -> tuple[dict[str, Any], bool]:
        """Return the claims, and whether VTS signed them itself."""
        try:
            is_own = jwt.get_unverified_header(token).get("kid") == OWN_KEY_ID
            key, algorithm = (self._own, OWN_ALGORITHM) if is_own else (self._key, self._algorithm)
            decoded = jwt.decode_complete(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
        except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
            raise BadToken("wrong algorithm") from None
        except jwt.InvalidSignatureError:
            raise BadToken("wrong signature") from None
        except (jwt.PyJWTError, ValueError, RecursionError):  # RecursionError: deep nesting in the claims
            raise BadToken("unreadable") from None
        if "crit" in decoded["header"]:  # RFC 7515, section 4.1.11: what we do not understand we refuse
            raise BadToken("unknown critical header")
        claims: dict[str, Any] = decoded["payload"]
        return claims, is_own

    def _remember(self, name: bytes, verified: _Verified) -> None:
        if len(self._verified) >= VERIFIED_MAX:
            del self._verified[next(iter(self._verified))]  # the oldest: dicts keep the order of insertion
        self._verified[name] = verified

    def _judge(self, verified: _Verified, now_s: float) -> None:
        """Check what changes with time. An expiry is the first moment at which the token is no longer good."""
        if now_s >= verified.expires_s:
            raise BadToken("expired")
        if now_s < verified.not_before_s:
            raise BadToken("not yet valid")
        if now_s + CLOCK_LEEWAY_S < verified.issued_s:
            raise BadToken("issued in the future")
        if verified.principal.jti is not None and self._revoked(verified.principal.jti):
            raise BadToken("revoked")


def bearer(authorization: str | None) -> str | None:
    """Return the token of an `Authorization: Bearer …` header. None when there is no such header.

    Any other scheme raises `BadToken`: credentials that we cannot read are not the same as none.
    """
    if authorization is None or not authorization.strip():
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken("not a bearer token")
    return token.strip()


def _from_secret(secret: bytes) -> tuple[bytes, str]:
    if len(secret) < SECRET_MIN_BYTES:
        raise BadKey(f"the token secret must have at least {SECRET_MIN_BYTES} bytes")
    if len(set(secret)) < SECRET_MIN_DISTINCT:
        raise BadKey("the token secret repeats a character or two: it can be guessed")
    if b"-----BEGIN" in secret:
        raise BadKey("the token secret is a PEM key: name it as the public key file")
    return secret, "HS256"


def _from_pem(pem: bytes) -> tuple[PublicKey, str]:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("the public key file is not a PEM public key") from None
    match key:
        case rsa.RSAPublicKey() if key.key_size >= RSA_MIN_BITS:
            return key, "RS256"
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return key, _CURVES[key.curve.name]
        case ed25519.Ed25519PublicKey():
            return key, "EdDSA"
        case _:
            raise BadKey(f"the public key must be RSA (≥ {RSA_MIN_BITS} bits), P-256, P-384, P-521 or Ed25519")


def _is_for(audience: str, claim: object) -> bool:
    return audience in claim if isinstance(claim, list) else claim == audience


def _time(claim: object) -> float:
    """Read a NumericDate. Booleans are numbers in Python, and NaN or infinity would never expire."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not abs(claim) < 1e11:
        raise BadToken("a time is not a number")
    return float(claim)
