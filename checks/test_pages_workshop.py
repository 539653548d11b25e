"""The workshop for pages: its sources are clean and typed, what computes is tested, and the built files are theirs."""

from __future__ import annotations

import pytest

from tests.support.node import MODULES, run


@pytest.mark.parametrize("step", ["lint", "types", "test", "compare"])
def test_a_step_of_the_workshop_passes(step: str) -> None:
    assert MODULES.is_dir(), "the workshop has no packages; run: make pages"
    done = run(step)
    assert done.returncode == 0, done.stdout + done.stderr
