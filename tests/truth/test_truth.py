"""Simulated days against a ledger of its own: a short story here, twelve days for twenty seeds by `make truth`."""

from __future__ import annotations

import trio

from tests.support.postgres import Server
from tests.truth.telling import told


def test_six_days_are_displayed_as_they_were(postgres_server: Server) -> None:
    story = trio.run(told, postgres_server, 2, 6, 8, 3)
    assert story.display.compared > 1_000
