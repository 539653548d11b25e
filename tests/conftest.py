"""What every test may ask for, and how cases are named."""

from tests.support.clocks import hand_clock
from tests.support.folders import disk_folder, folder
from tests.support.naming import case_name

__all__ = ["disk_folder", "folder", "hand_clock"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case that has no `ids` by what it holds."""
    return case_name(val)
