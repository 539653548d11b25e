"""What every check may ask for, and how cases are named."""

from tests.conftest import disk_folder, folder, hand_clock, pytest_make_parametrize_id

__all__ = ["disk_folder", "folder", "hand_clock", "pytest_make_parametrize_id"]
