"""`vts geoip`: a file is checked before it takes the place of the one in use."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.load import COUNTRIES
from tests.enrich.mmdb import database
from vts.cli.main import main

NESTED = database({"8.8.8.0/24": {"country": {"iso_code": "JP"}}, "1.1.1.0/24": {"country": {"iso_code": "BR"}}})
PLAIN = database({"8.8.8.0/24": {"country_code": "DE"}})


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"VTS_DATA__DIR": str(tmp_path / "data")})


def test_the_shipped_file_is_shown_until_another_takes_its_place(runner: CliRunner, tmp_path: Path) -> None:
    shown = runner.invoke(main, ["geoip", "status"])
    assert shown.exit_code == 0 and f"file: {COUNTRIES}" in shown.output and "lookup: 8.8.8.8 US" in shown.output
    for content, code in ((NESTED, "JP"), (gzip.compress(PLAIN), "DE")):
        (tmp_path / "new.mmdb").write_bytes(content)
        done = runner.invoke(main, ["geoip", "update", str(tmp_path / "new.mmdb")])
        assert done.exit_code == 0 and "the next start reads it" in done.output, done.output
        shown = runner.invoke(main, ["geoip", "status"])
        assert f"file: {tmp_path / 'data' / 'countries.mmdb'}" in shown.output
        assert f"lookup: 8.8.8.8 {code}" in shown.output and "built: 2026-06-01" in shown.output
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["countries.mmdb"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database", "not a MaxMind DB file"),
        (gzip.compress(NESTED)[:40], "not a MaxMind DB file"),
        (b"\x1f\x8b damaged", "a gzip file that is damaged"),
        (database({"8.8.8.0/24": {"continent": {"code": "SA"}}}), "no country in it"),
        (NESTED[:20] + NESTED[-200:], ""),
    ],
    ids=["text", "packed and cut", "damaged gzip", "continents", "cut"],  # a packed file has the time in it
)
def test_a_file_that_is_none_changes_nothing(runner: CliRunner, tmp_path: Path, content: bytes, said: str) -> None:
    target = tmp_path / "used.mmdb"
    target.write_bytes(PLAIN)
    (tmp_path / "bad").write_bytes(content)
    refused = runner.invoke(main, ["geoip", "update", str(tmp_path / "bad")], env={"VTS_GEOIP__FILE": str(target)})
    assert refused.exit_code == 1 and said in refused.output and "the former file stays" in refused.output
    assert target.read_bytes() == PLAIN


def test_a_missing_file_is_said(runner: CliRunner, tmp_path: Path) -> None:
    shown = runner.invoke(main, ["geoip", "status"], env={"VTS_GEOIP__FILE": str(tmp_path / "none.mmdb")})
    assert shown.exit_code == 1 and "No such file" in shown.output
