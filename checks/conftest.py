"""What every check may ask for."""

from tests.conftest import folder

__all__ = ["folder"]
