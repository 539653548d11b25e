"""`vts token`: users are named by numbers or by texts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from vts.auth.tokens import Tokens, own_secret
from vts.cli.main import main
from vts.model.reference import HASHED_MIN, ReferenceKey, References

SECRET = "a secret of the tests, 32 bytes long"
NAMES = References(ReferenceKey(bytes(32)))


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"VTS_DATA__DIR": str(tmp_path), "VTS_AUTH__SECRET": SECRET})


@pytest.mark.parametrize(("user", "number", "text"), [("7", 7, None), ("ann", NAMES.user("ann"), "ann")])
def test_a_token_speaks_for_a_user_of_either_name(runner: CliRunner, user: str, number: int, text: str | None) -> None:
    printed = runner.invoke(main, ["token", "--user", user]).output.strip()
    tokens = Tokens(secret=SECRET.encode(), own=own_secret(SECRET.encode()), references=lambda: NAMES)
    who = tokens.verify(printed, time.time())
    assert (who.user_id, who.user_text, who.roles) == (number, text, {"user"})


@pytest.mark.parametrize("user", ["0", "-7", str(HASHED_MIN), "", "x" * 129, "a\nb"])
def test_a_name_that_is_none_gets_no_token(runner: CliRunner, user: str) -> None:
    refused = runner.invoke(main, ["token", f"--user={user}"])
    assert refused.exit_code == 2
    assert "--user: a positive integer" in refused.output
