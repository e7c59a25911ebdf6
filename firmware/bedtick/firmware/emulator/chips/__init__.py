"""The emulated chips, one file each: name to chip, and the address it answers at."""

from bedtick.firmware.emulator.chips.adxl345 import EmulatedAdxl345
from bedtick.firmware.emulator.chips.adxl355 import EmulatedAdxl355
from bedtick.firmware.emulator.chips.contract import EmulatedChip
from bedtick.firmware.emulator.chips.lis3dh import EmulatedLis3dh
from bedtick.firmware.emulator.chips.lsm6dsox import EmulatedLsm6dsox
from bedtick.firmware.emulator.chips.mpu6050 import EmulatedMpu6050

__all__ = ["EMULATED_CHIPS", "EmulatedChip"]

EMULATED_CHIPS: dict[str, tuple[type[EmulatedChip], int]] = {
    "adxl345": (EmulatedAdxl345, 0x53),
    "lis3dh": (EmulatedLis3dh, 0x18),
    "lsm6dsox": (EmulatedLsm6dsox, 0x6A),
    "adxl355": (EmulatedAdxl355, 0x1D),
    "mpu6050": (EmulatedMpu6050, 0x68),
}
