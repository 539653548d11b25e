"""What every check may ask for."""

from tests.conftest import folder, hand_clock

__all__ = ["folder", "hand_clock"]
