"""Player credentials and the Basic header that shows them."""

from __future__ import annotations

import base64

import pytest

from vts.auth.credentials import basic_login, credential_hash, is_credential


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


def test_a_credential_is_found_again() -> None:
    credential = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # 256 bits
    assert is_credential(credential, credential_hash(credential))


@pytest.mark.parametrize(
    ("shown", "stored"),
    [
        ("wrong", credential_hash("right")),
        ("right ", credential_hash("right")),
        ("RIGHT", credential_hash("right")),
        ("", credential_hash("right")),
        ("", credential_hash("")),
        ("", None),
        ("anything", None),
        ("x" * 257, credential_hash("x" * 257)),
        ("x" * 300, credential_hash("x" * 256)),
        ("\udcff", credential_hash("right")),
        (credential_hash("right").hex(), credential_hash("right")),
    ],
)
def test_a_wrong_credential_is_refused(shown: str, stored: bytes | None) -> None:
    assert not is_credential(shown, stored)


@pytest.mark.parametrize(
    ("header", "login"),
    [
        (basic(b"name:pass"), ("name", "pass")),
        (basic(b"name:pa:ss"), ("name", "pa:ss")),
        (basic(b":"), ("", "")),
        (basic("né:ü".encode()), ("né", "ü")),
        (basic(b"name:pass").replace("Basic", "bASIC"), ("name", "pass")),
        (basic(b"nocolon"), None),
        (basic(b"\xff:\xff"), None),
        (basic(b"a:" + b"b" * 600), None),
        ("Basic", None),
        ("Basic ", None),
        ("Basic !!!!", None),
        ("Basic YTp", None),
        ("Basic \udcff", None),
        ("Bearer YTpi", None),
        ("", None),
        (None, None),
    ],
)
def test_the_basic_header(header: str | None, login: tuple[str, str] | None) -> None:
    assert basic_login(header) == login


def test_a_login_hides_its_password() -> None:
    login = basic_login(basic(b"name:hidden"))
    assert "hidden" not in repr(login)
    assert "hidden" not in f"{login}"
