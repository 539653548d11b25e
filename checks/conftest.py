"""What every check may ask for."""

from tests.conftest import disk_folder, folder, hand_clock

__all__ = ["disk_folder", "folder", "hand_clock"]
