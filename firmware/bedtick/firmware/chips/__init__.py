"""The chips bedtick knows: name to driver, name to addresses, and the sampling rate to begin with."""

from bedtick.firmware.chips.adxl345 import Adxl345
from bedtick.firmware.chips.contract import Block, Chip, SelfTest

__all__ = ["ADDRESSES", "CHIPS", "MOST_BUS_SHARE", "Block", "Chip", "SelfTest", "default_rate_hz"]

CHIPS: dict[str, type[Chip]] = {driver.name: driver for driver in (Adxl345,)}
ADDRESSES: dict[str, tuple[int, ...]] = {name: driver.addresses for name, driver in CHIPS.items()}

DEFAULT_RATES_HZ = (400, 200, 100)
MOST_BUS_SHARE = 0.5  # the rest is for late wake-ups: what waits in the FIFO must be caught up with


def default_rate_hz(set_s: float) -> int:
    """Return the highest of 400, 200 and 100 Hz that takes at most half of the bus time.

    Parameters
    ----------
    set_s
        Seconds it takes to read one set, from `Chip.measure_set_s`. Where even 100 Hz takes more than half
        of the bus, it is 100 Hz all the same.
    """
    fitting = [rate_hz for rate_hz in DEFAULT_RATES_HZ if rate_hz * set_s <= MOST_BUS_SHARE]
    return max(fitting, default=min(DEFAULT_RATES_HZ))
