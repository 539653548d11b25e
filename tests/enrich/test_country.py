"""Countries of addresses: both shapes of records, and files that are missing, broken or replaced."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.enrich.mmdb import database
from vts.enrich.client_ip import Address, parse_address
from vts.enrich.country import Countries, country_code

SHIPPED = Path(__file__).parents[2] / "config" / "dbip-country.mmdb"


def at(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


@pytest.fixture(scope="module")
def shipped() -> Countries:
    return Countries(SHIPPED)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("200.147.35.149", "BR"),
        ("193.0.6.139", "NL"),
        ("2804:10:4068::", "BR"),
        ("2001:67c:2e8::1", "NL"),
        ("::ffff:200.147.35.149", "BR"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("192.168.1.1", None),
        ("0.0.0.0", None),
        ("::1", None),
        ("::", None),
        ("fe80::1", None),
        ("fd00::1", None),
    ],
)
def test_the_file_that_the_project_ships(shipped: Countries, address: str, country: str | None) -> None:
    assert shipped.of(at(address)) == country


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country_code": "BR"}, "BR"),
        ({"country": {"iso_code": "BR"}}, "BR"),
        ({"country": {"iso_code": "BR", "names": {"en": "Brazil"}}, "continent": {"code": "SA"}}, "BR"),
        ({"country": "BR", "continent": "SA"}, "BR"),
        ({"country_code": "br"}, "BR"),
        ({"country": {"iso_code": "XK"}}, "XK"),
        ({"country_code": "ZZ"}, None),
        ({"country_code": ""}, None),
        ({"country_code": 55}, None),
        ({"country": {}}, None),
        ({"continent": {"code": "SA"}}, None),
        ({}, None),
        ("BR", None),
        (["BR"], None),
    ],
)
def test_every_shape_of_a_record(tmp_path: Path, record: Any, country: str | None) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database({"203.0.113.0/24": record, "2001:db8::/32": record}))
    countries = Countries(path)
    assert countries.loaded
    assert countries.of(at("203.0.113.7")) == country
    assert countries.of(at("2001:db8::7")) == country
    assert countries.of(at("198.51.100.7")) is None


def test_a_file_of_ipv4_alone_knows_no_ipv6(tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database({"203.0.113.0/24": {"country_code": "BR"}}, ip_version=4))
    countries = Countries(path)
    assert countries.of(at("203.0.113.7")) == "BR"
    assert countries.of(at("2001:db8::7")) is None


@pytest.mark.parametrize("content", [None, b"", b"not a database", SHIPPED.read_bytes()[:1_000_000]])
def test_a_missing_or_broken_file_means_unknown_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    path = tmp_path / "country.mmdb"
    if content is not None:
        path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        countries = Countries(path)
        assert not countries.loaded
        assert not countries.reload()
        assert [countries.of(at("8.8.8.8")) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert str(path) in caplog.text


def test_broken_records_are_logged_once_and_name_no_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "country.mmdb"
    content = database({"203.0.113.0/24": {"country_code": "BR"}})
    # The record becomes a pointer to far behind the end of the file.
    path.write_bytes(content.replace(b"\xe1\x4ccountry_code\x42BR", b"\x38\xff\xff\xff\xff" + bytes(12)))
    with caplog.at_level(logging.WARNING):
        countries = Countries(path)
        assert [countries.of(at("203.0.113.7")) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert "203.0.113.7" not in caplog.text


def test_no_file_at_all_is_a_choice_and_not_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    countries = Countries(None)
    assert countries.of(at("8.8.8.8")) is None
    assert not countries.reload()
    assert not caplog.records


def test_a_new_file_is_swapped_in_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database({"203.0.113.0/24": {"country_code": "BR"}}))
    countries = Countries(path)
    path.write_bytes(database({"203.0.113.0/24": {"country": {"iso_code": "NL"}}}))
    assert countries.of(at("203.0.113.7")) == "BR"
    assert countries.reload()
    assert countries.of(at("203.0.113.7")) == "NL"
    path.write_bytes(b"broken")
    assert not countries.reload()
    assert countries.of(at("203.0.113.7")) == "NL"
    path.unlink()
    assert countries.of(at("203.0.113.7")) == "NL"


def test_a_file_that_is_cut_in_place_does_not_kill_the_process(tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(SHIPPED.read_bytes())
    countries = Countries(path)
    with path.open("r+b") as file:
        file.truncate(0)
    assert countries.of(at("200.147.35.149")) == "BR"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BR", "BR"),
        ("br", "BR"),
        ("XK", "XK"),
        ("XX", None),
        ("T1", None),
        ("ZZ", None),
        ("EU", None),
        ("UK", None),
        ("BRA", None),
        ("B", None),
        ("", None),
        ("ß", None),
        ("\x00\x00", None),
        (None, None),
        (5, None),
    ],
)
def test_country_codes(text: object, code: str | None) -> None:
    assert country_code(text) == code
