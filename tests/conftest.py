"""What every test may ask for."""

from tests.support.clocks import hand_clock
from tests.support.folders import disk_folder, folder

__all__ = ["disk_folder", "folder", "hand_clock"]
