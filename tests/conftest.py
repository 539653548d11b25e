"""What every test may ask for."""

from tests.support.clocks import hand_clock
from tests.support.folders import folder

__all__ = ["folder", "hand_clock"]
