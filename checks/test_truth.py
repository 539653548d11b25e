"""Twelve simulated days against a model of its own: 20 seeds by `make truth`, some of them by `make check`."""

from __future__ import annotations

import os

import pytest
import trio

from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.truth.telling import told

SEEDS = int(os.environ.get("VTS_TRUTH_SEEDS", "6"))
DAYS = 12
STEPS_A_DAY = 30


@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_every_number_is_that_of_the_ledger(postgres_server: Server, seed: int) -> None:  # noqa: F811
    story = trio.run(told, postgres_server, seed, DAYS, STEPS_A_DAY)
    assert story.display.compared > 10_000
