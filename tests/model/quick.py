"""How much the property tests of the model try: little, since the rules are small; and no clock decides them."""

from __future__ import annotations

from hypothesis import settings

quick = settings(max_examples=30, deadline=None)
