"""The chips bedtick knows: name to driver, name to addresses, and the sampling rate to begin with."""

from collections.abc import Sequence

from bedtick.firmware.chips.adxl345 import Adxl345
from bedtick.firmware.chips.adxl355 import Adxl355
from bedtick.firmware.chips.contract import Block, Chip, Identity, SelfTest
from bedtick.firmware.chips.lis3dh import Lis3dh
from bedtick.firmware.chips.lsm6dsox import Lsm6dsox
from bedtick.firmware.chips.mpu6050 import Mpu6050

__all__ = [
    "ADDRESSES",
    "CHIPS",
    "MOST_BUS_SHARE",
    "Block",
    "Chip",
    "Identity",
    "SelfTest",
    "default_rate_hz",
]

CHIPS: dict[str, type[Chip]] = {
    driver.name: driver for driver in (Adxl345, Lis3dh, Lsm6dsox, Adxl355, Mpu6050)
}
ADDRESSES: dict[str, tuple[int, ...]] = {name: driver.addresses for name, driver in CHIPS.items()}

MOST_BUS_SHARE = 0.5  # the rest is for late wake-ups: what waits in the FIFO must be caught up with


def default_rate_hz(usual_rates_hz: Sequence[int], set_s: float) -> int:
    """Return the highest of a chip's usual rates that takes at most half of the bus time.

    Parameters
    ----------
    usual_rates_hz
        Of the chip: what it has next to 400, 200 and 100 Hz.
    set_s
        Seconds it takes to read one set, from `Chip.measure_set_s`. Where even the lowest rate takes more
        than half of the bus, it is that one all the same.
    """
    fitting = [rate_hz for rate_hz in usual_rates_hz if rate_hz * set_s <= MOST_BUS_SHARE]
    return max(fitting, default=min(usual_rates_hz))
