"""Which answers a token opens."""

from __future__ import annotations

import pytest

from vts.model.principal import ROLES, Principal

SELF, OTHER = 7, 8


@pytest.mark.parametrize("role", ROLES)
def test_every_token_opens_the_answers_about_its_own_user(role: str) -> None:
    assert Principal(SELF, frozenset((role,))).may_read(SELF)


@pytest.mark.parametrize(
    ("roles", "everything"),
    [((), False), (("user",), False), (("moderator",), True), (("owner",), True), (("service",), True),
     (("user", "moderator"), True), (("admin",), False)],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_belongs_to_others_or_to_no_user_is_open_to_readers_of_everything(
    roles: tuple[str, ...], everything: bool
) -> None:
    bearer = Principal(SELF, frozenset(roles))
    assert (bearer.may_read(OTHER), bearer.may_read(None), bearer.reads_everything) == (everything,) * 3
    assert bearer.is_service == ("service" in roles)


def test_a_token_without_a_subject_owns_nothing() -> None:
    assert not Principal(None, frozenset(("user",))).may_read(None)
