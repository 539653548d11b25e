"""Which bearer tokens are accepted, and what each claim of a token must be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from vts.auth.tokens import (
    CLOCK_LEEWAY_S,
    OWN_KEY_ID,
    SECRET_MIN_BYTES,
    TOKEN_MAX_CHARS,
    VERIFIED_MAX,
    BadKey,
    BadToken,
    Principal,
    Tokens,
    bearer,
    own_secret,
)
from vts.model.reference import ReferenceKey, References

NOW = 1_800_000_000.0
SECRET = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"
SIGNATURE: Any = {"verify_exp": False, "verify_iat": False}
NAMES = References(ReferenceKey(b"of these tests, 32 bytes long ok"))
GOOD = {"sub": "7", "roles": ["user"], "exp": NOW + 60}


def signed(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    """Sign any claims, also those of a dishonest issuer."""
    header = {"typ": "JWT", "alg": algorithm, **headers}
    if algorithm != "HS256":
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
    return assembled(header, json.dumps(claims).encode(), key)


def assembled(header: dict[str, Any], payload: bytes, key: bytes | None) -> str:
    """Put a token together by hand: libraries refuse to write half of these."""
    parts = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), payload))
    signature = hmac.digest(key, parts, "sha256") if key is not None else b""
    return (parts + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def pem(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_principal_holds_as_long_as_its_token() -> None:
    revoked: set[str] = set()
    tokens = Tokens(secret=SECRET, revoked=revoked.__contains__)
    who = tokens.verify(signed(GOOD | {"jti": "a1", "exp": NOW + 60}), NOW)
    assert tokens.holds(who, NOW + 59)
    assert not tokens.holds(who, NOW + 60)
    revoked.add("a1")
    assert not tokens.holds(who, NOW)


@pytest.mark.parametrize(
    ("claims", "who"),
    [
        (GOOD, Principal(7, frozenset({"user"}))),
        (GOOD | {"sub": 7}, Principal(7, frozenset({"user"}))),
        ({"sub": "7", "exp": NOW + 60}, Principal(7, frozenset({"user"}))),
        (GOOD | {"roles": ["moderator", "editor"]}, Principal(7, frozenset({"moderator"}))),
        (GOOD | {"roles": []}, Principal(7, frozenset())),
        ({"roles": ["service"], "exp": NOW + 60}, Principal(None, frozenset({"service"}))),
        ({"roles": ["owner"], "exp": NOW + 60}, Principal(None, frozenset({"owner"}))),
        (GOOD | {"jti": "a1"}, Principal(7, frozenset({"user"}), "a1")),
        (GOOD | {"nbf": NOW}, Principal(7, frozenset({"user"}))),
        (GOOD | {"iat": NOW + CLOCK_LEEWAY_S}, Principal(7, frozenset({"user"}))),
        (GOOD | {"iss": "anyone", "aud": "anything"}, Principal(7, frozenset({"user"}))),
        (GOOD | {"sub": str(2**63 - 1)}, Principal(2**63 - 1, frozenset({"user"}))),
    ],
)
def test_a_valid_token_names_its_principal(claims: dict[str, Any], who: Principal) -> None:
    found = Tokens(secret=SECRET).verify(signed(claims), NOW)
    assert found == who._replace(expires_s=claims["exp"])


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "unreadable"),
        ("x", "unreadable"),
        ("a.b", "unreadable"),
        ("a.b.c.d", "unreadable"),
        ("…", "unreadable"),
        ("\udcff.\udcff.\udcff", "unreadable"),
        ("\x00", "unreadable"),
        ("A" * 100_000, "too long"),
        (signed(GOOD | {"pad": "x" * 100_000}), "too long"),
        (signed(GOOD | {"exp": NOW}), "expired"),
        (signed(GOOD | {"exp": NOW - 1}), "expired"),
        (signed(GOOD | {"exp": 0}), "expired"),
        (signed(GOOD | {"nbf": NOW + 1}), "not yet valid"),
        (signed({"sub": "7"}), "no expiry"),
        (signed(GOOD | {"exp": None}), "a time is not a number"),
        (signed(GOOD | {"exp": True}), "a time is not a number"),
        (signed(GOOD | {"exp": str(NOW + 60)}), "a time is not a number"),
        (signed(GOOD | {"exp": float("inf")}), "a time is not a number"),
        (signed(GOOD | {"exp": float("nan")}), "a time is not a number"),
        (signed(GOOD | {"exp": 10**400}), "a time is not a number"),
        (signed(GOOD | {"exp": (NOW + 60) * 1000}), "a time is not a number"),
        (signed(GOOD | {"nbf": "now"}), "a time is not a number"),
        (signed({"exp": NOW + 60}), "no subject"),
        (signed({"exp": NOW + 60, "roles": ["user"]}), "no subject"),
        (signed(GOOD | {"sub": str(2**61)}), "the subject is not a user id"),
        (signed(GOOD | {"sub": 2**62 - 1}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "x" * 129}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "seven\n"}), "the subject is not a user id"),
        (signed(GOOD | {"sub": ""}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "-7"}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "0"}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "٧"}), "the subject is not a user id"),
        (signed(GOOD | {"sub": True}), "the subject is not a user id"),
        (signed(GOOD | {"sub": 7.0}), "the subject is not a user id"),
        (signed(GOOD | {"sub": 2**63}), "the subject is not a user id"),
        (signed(GOOD | {"sub": "9" * 5_000}), "the subject is not a user id"),
        (signed(GOOD | {"roles": "owner"}), "roles are not a list of words"),
        (signed(GOOD | {"roles": [1]}), "roles are not a list of words"),
        (signed(GOOD | {"roles": {"owner": 1}}), "roles are not a list of words"),
        (signed(GOOD | {"jti": 5}), "the token's id is not a short text"),
        (signed(GOOD | {"jti": ""}), "the token's id is not a short text"),
        (signed(GOOD | {"jti": "x" * 300}), "the token's id is not a short text"),
        (signed(GOOD, OTHER), "wrong signature"),
        (signed(GOOD)[:-1], "unreadable"),
        (signed(GOOD).rpartition(".")[0] + ".", "wrong signature"),
        (signed(GOOD, crit=["exp"], exp=1), "unreadable"),
        (signed(GOOD, crit=["b64"], b64=True), "unknown critical header"),
        (assembled({"alg": "HS256", "b64": False, "crit": ["b64"]}, b"", SECRET), "unreadable"),
        (assembled({"alg": "none"}, json.dumps(GOOD).encode(), None), "wrong algorithm"),
        (assembled({"alg": "None"}, json.dumps(GOOD).encode(), None), "wrong algorithm"),
        (assembled({"alg": ""}, json.dumps(GOOD).encode(), SECRET), "wrong algorithm"),
        (assembled({}, json.dumps(GOOD).encode(), SECRET), "wrong algorithm"),
        (assembled({"alg": ["HS256"]}, json.dumps(GOOD).encode(), SECRET), "wrong algorithm"),
        (assembled({"alg": "HS256"}, b"[]", SECRET), "unreadable"),
        (assembled({"alg": "HS256"}, b"not json", SECRET), "unreadable"),
        (assembled({"alg": "HS256"}, b"\xff\xfe", SECRET), "unreadable"),
        (assembled({"alg": "HS256"}, b"[" * 5_000, SECRET), "unreadable"),
        (jwt.encode(GOOD, SECRET * 2, algorithm="HS512"), "wrong algorithm"),
        (jwt.encode(GOOD, RSA_KEY, algorithm="RS256"), "wrong algorithm"),
    ],
)
def test_a_bad_token_is_refused_by_a_fixed_word(token: str, reason: str) -> None:
    tokens = Tokens(secret=SECRET)
    for _ in range(2):  # a refusal is not remembered as a success
        with pytest.raises(BadToken) as refusal:
            tokens.verify(token, NOW)
        assert str(refusal.value) == reason


def test_the_public_key_does_not_serve_as_a_shared_secret() -> None:
    public = pem(RSA_KEY)
    forged = assembled({"alg": "HS256"}, json.dumps(GOOD).encode(), public)
    with pytest.raises(BadToken, match="wrong algorithm"):
        Tokens(public_key=public, own=OTHER).verify(forged, NOW)


@pytest.mark.parametrize(
    ("key", "algorithm", "others"),
    [
        (RSA_KEY, "RS256", ["RS512", "PS256"]),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", []),
        (ec.generate_private_key(ec.SECP384R1()), "ES384", []),
        (ec.generate_private_key(ec.SECP521R1()), "ES512", []),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA", []),
    ],
)
def test_the_kind_of_the_key_fixes_the_algorithm(key: Any, algorithm: str, others: list[str]) -> None:
    tokens = Tokens(public_key=pem(key), own=OTHER)
    assert repr(tokens) == f"Tokens({algorithm})"
    assert tokens.verify(jwt.encode(GOOD, key, algorithm=algorithm), NOW).user_id == 7
    for other in others:
        with pytest.raises(BadToken, match="wrong algorithm"):
            tokens.verify(jwt.encode(GOOD, key, algorithm=other), NOW)


@pytest.mark.parametrize("host", [{"public_key": pem(RSA_KEY)}, {"secret": SECRET}])
def test_we_sign_with_a_secret_of_our_own_whatever_verifies_the_host_s_tokens(host: dict[str, Any]) -> None:
    tokens = Tokens(**host, own=OTHER, issuer="us", audience="vts")
    session = tokens.issue(user_id=7, roles=frozenset({"owner"}), now_s=NOW, ttl_s=60)
    assert tokens.verify(session, NOW).user_id == 7
    assert jwt.decode(session, OTHER, algorithms=["HS256"], audience="vts", options=SIGNATURE)["iss"] == "us"
    with pytest.raises(jwt.InvalidSignatureError):  # so the host does not take our tokens for its own
        jwt.decode(session, SECRET, algorithms=["HS256"], audience="vts", options=SIGNATURE)


def test_a_token_that_names_our_key_needs_our_signature() -> None:
    tokens = Tokens(public_key=pem(RSA_KEY), own=OTHER)
    for secret, headers in ((SECRET, {"kid": OWN_KEY_ID}), (pem(RSA_KEY), {"kid": OWN_KEY_ID})):
        with pytest.raises(BadToken, match="wrong signature"):
            tokens.verify(assembled({"alg": "HS256", **headers}, json.dumps(GOOD).encode(), secret), NOW)
    with pytest.raises(BadToken, match="wrong algorithm"):
        tokens.verify(jwt.encode(GOOD, RSA_KEY, algorithm="RS256", headers={"kid": OWN_KEY_ID}), NOW)
    with pytest.raises(BadToken, match="wrong algorithm"):  # ours is known by its name only
        tokens.verify(signed(GOOD, OTHER), NOW)


def test_our_secret_comes_from_a_shared_one_and_does_not_give_it_away() -> None:
    assert own_secret(SECRET) == own_secret(SECRET) != own_secret(OTHER)
    assert len(own_secret(SECRET)) >= SECRET_MIN_BYTES


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iat": NOW + CLOCK_LEEWAY_S + 1}, "issued in the future"),
        ({"iat": 10**10}, "issued in the future"),
        ({"iat": "now"}, "a time is not a number"),
        ({"iat": True}, "a time is not a number"),
    ],
)
def test_a_token_of_the_future_is_refused_until_then(claims: dict[str, Any], reason: str) -> None:
    tokens, token = Tokens(secret=SECRET), signed(GOOD | {"exp": 10**10 + 60} | claims)
    with pytest.raises(BadToken) as refusal:
        tokens.verify(token, NOW)
    assert refusal.value.reason == reason
    if reason == "issued in the future":
        assert tokens.verify(token, claims["iat"]).user_id == 7


def test_another_key_of_the_same_kind_is_refused() -> None:
    other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(BadToken, match="wrong signature"):
        Tokens(public_key=pem(RSA_KEY), own=OTHER).verify(jwt.encode(GOOD, other_key, algorithm="RS256"), NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "us", "aud": "vts"}, None),
        ({"iss": "us", "aud": ["other", "vts"]}, None),
        ({"aud": "vts"}, "wrong issuer"),
        ({"iss": "them", "aud": "vts"}, "wrong issuer"),
        ({"iss": ["us"], "aud": "vts"}, "wrong issuer"),
        ({"iss": "us"}, "wrong audience"),
        ({"iss": "us", "aud": "vt"}, "wrong audience"),
        ({"iss": "us", "aud": "vts2"}, "wrong audience"),
        ({"iss": "us", "aud": ["vts2"]}, "wrong audience"),
        ({"iss": "us", "aud": {"vts": 1}}, "wrong audience"),
    ],
)
def test_issuer_and_audience_are_demanded_when_set(claims: dict[str, Any], reason: str | None) -> None:
    tokens = Tokens(secret=SECRET, issuer="us", audience="vts")
    if reason is None:
        assert tokens.verify(signed(GOOD | claims), NOW).user_id == 7
        return
    with pytest.raises(BadToken) as refusal:
        tokens.verify(signed(GOOD | claims), NOW)
    assert refusal.value.reason == reason


def test_what_was_once_verified_still_expires_and_is_still_revoked() -> None:
    revoked: set[str] = set()
    tokens = Tokens(secret=SECRET, revoked=revoked.__contains__)
    token = signed(GOOD | {"jti": "a1", "nbf": NOW - 60})
    assert tokens.verify(token, NOW).jti == "a1"
    with pytest.raises(BadToken, match="not yet valid"):
        tokens.verify(token, NOW - 61)
    with pytest.raises(BadToken, match="expired"):
        tokens.verify(token, NOW + 60)
    revoked.add("a1")
    with pytest.raises(BadToken, match="revoked"):
        tokens.verify(token, NOW)
    revoked.clear()
    assert tokens.verify(token, NOW).jti == "a1"


def test_tokens_that_are_remembered_are_bounded() -> None:
    tokens = Tokens(secret=SECRET)
    for number in range(VERIFIED_MAX + 10):
        tokens.verify(signed(GOOD | {"jti": str(number)}), NOW)
    assert len(tokens._verified) == VERIFIED_MAX


def test_no_token_and_no_secret_shows_in_a_repr_or_a_refusal() -> None:
    tokens = Tokens(secret=SECRET)
    token = signed(GOOD, OTHER)
    with pytest.raises(BadToken) as refusal:
        tokens.verify(token, NOW)
    shown = repr(tokens) + repr(refusal.value) + repr(refusal.value.__cause__)
    assert SECRET.decode() not in shown
    assert token not in shown
    tokens.verify(signed(GOOD), NOW)
    assert signed(GOOD) not in repr(vars(tokens))


@pytest.mark.parametrize(
    ("user_id", "roles"),
    [(7, {"user"}), (7, {"user", "moderator"}), (None, {"service"}), (None, {"owner"}), (2**63 - 1, {"service"})],
)
def test_an_issued_token_is_accepted(user_id: int | None, roles: set[str]) -> None:
    tokens = Tokens(secret=SECRET, issuer="us", audience="vts")
    token = tokens.issue(user_id=user_id, roles=frozenset(roles), now_s=NOW, ttl_s=60)
    who = tokens.verify(token, NOW + 59)
    assert (who.user_id, who.roles) == (user_id, roles)
    assert who.jti
    with pytest.raises(BadToken, match="expired"):
        tokens.verify(token, NOW + 60)
    assert len(token) < TOKEN_MAX_CHARS


@pytest.mark.parametrize(
    ("user_id", "roles", "ttl_s"),
    [
        (None, {"user"}, 60),
        (None, set(), 60),
        (0, {"user"}, 60),
        (2**63, {"user"}, 60),
        (7, {"root"}, 60),
        (7, {"user"}, 0),
    ],
)
def test_a_token_that_would_not_be_accepted_is_not_issued(user_id: int | None, roles: set[str], ttl_s: float) -> None:
    with pytest.raises(ValueError, match=r"role|subject"):
        Tokens(secret=SECRET).issue(user_id=user_id, roles=frozenset(roles), now_s=NOW, ttl_s=ttl_s)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"secret": SECRET, "public_key": pem(RSA_KEY)},
        {"secret": b""},
        {"secret": SECRET[:-1]},
        {"secret": bytes(65)},
        {"secret": b"s" * 64},
        {"secret": b"ab" * 32},
        {"secret": SECRET, "own": bytes(64)},
        {"public_key": pem(RSA_KEY)},
        {"secret": pem(RSA_KEY)},
        {"public_key": b"", "own": SECRET},
        {"public_key": b"not a key", "own": SECRET},
        {"public_key": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "own": SECRET},
        {"public_key": pem(ec.generate_private_key(ec.SECP256K1())), "own": SECRET},
        {"public_key": pem(dsa.generate_private_key(2048)), "own": SECRET},
    ],
)
def test_a_key_that_is_unfit_is_refused_at_start(keys: dict[str, bytes]) -> None:
    with pytest.raises(BadKey):
        Tokens(**keys)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
    ],
)
def test_the_bearer_header(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "abc", "Token abc"])
def test_credentials_of_another_kind_are_not_anonymous(header: str) -> None:
    with pytest.raises(BadToken):
        bearer(header)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["header", "payload", "signature", "whole"]))
def test_garbage_is_refused_and_never_an_error(garbage: bytes, where: str) -> None:
    header, payload, signature = signed(GOOD).split(".")
    text = base64.urlsafe_b64encode(garbage).decode().rstrip("=")
    token = {
        "header": f"{text}.{payload}.{signature}",
        "payload": f"{header}.{text}.{signature}",
        "signature": f"{header}.{payload}.{text}",
        "whole": garbage.decode("latin-1"),
    }[where]
    with pytest.raises(BadToken):
        Tokens(secret=SECRET).verify(token, NOW)


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=3),
    st.sampled_from(["sub", "roles", "exp", "nbf", "iat", "jti", "iss", "aud"]),
)
def test_any_signed_claim_is_read_or_refused(value: Any, claim: str) -> None:
    token = signed(GOOD | {claim: value})
    try:
        assert isinstance(Tokens(secret=SECRET, references=lambda: NAMES).verify(token, NOW), Principal)
    except BadToken as refusal:
        assert refusal.reason


@pytest.mark.parametrize(
    ("who", "of_seven", "of_eight", "of_no_user"),
    [
        (Principal(7, frozenset({"user"})), True, False, False),
        (Principal(8, frozenset({"user"})), False, True, False),
        (Principal(7, frozenset()), True, False, False),
        (Principal(None, frozenset({"user"})), False, False, False),
        (Principal(9, frozenset({"moderator"})), True, True, True),
        (Principal(9, frozenset({"user", "owner"})), True, True, True),
        (Principal(None, frozenset({"service"})), True, True, True),
    ],
)
def test_who_may_read_what(who: Principal, of_seven: bool, of_eight: bool, of_no_user: bool) -> None:
    assert (who.may_read(7), who.may_read(8), who.may_read(None)) == (of_seven, of_eight, of_no_user)
    assert who.is_service == ("service" in who.roles)


def test_the_secret_is_compared_as_given() -> None:
    token = assembled({"alg": "HS256"}, json.dumps(GOOD).encode(), hashlib.sha256(SECRET).digest())
    with pytest.raises(BadToken, match="wrong signature"):
        Tokens(secret=SECRET).verify(token, NOW)
