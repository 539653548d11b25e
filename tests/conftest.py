"""What every test may ask for."""

from tests.support.folders import folder

__all__ = ["folder"]
