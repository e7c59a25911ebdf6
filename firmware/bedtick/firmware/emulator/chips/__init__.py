"""The emulated chips, one file each: name to chip, and the address it answers at."""

from bedtick.firmware.emulator.chips.adxl345 import EmulatedAdxl345
from bedtick.firmware.emulator.chips.contract import EmulatedChip

__all__ = ["EMULATED_CHIPS", "EmulatedChip"]

EMULATED_CHIPS: dict[str, tuple[type[EmulatedChip], int]] = {
    "adxl345": (EmulatedAdxl345, 0x53),
}
