"""The ADXL355's reset, which may load the factory settings wrongly, and how that is noticed.

The data sheet ("Reset register" in the Analog Devices data sheet ADXL354/ADXL355, revision D) says that only
parts of revision 1 and earlier do this. Five registers show it: they are compared with what they read before
the driver's first reset, which is right as long as the power was not cut in mid-load, and the chip is reset
again where they differ.

The power may be cut later, and it may even be another part that comes back. The driver leaves INT_MAP other
than 0, so where that reads 0 the five registers are read anew.
"""

from bedtick.firmware.chips import adxl355_registers as reg
from bedtick.firmware.chips.access import RegisterAccess
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError, ChipError

RESET_CODE = 0x52
RESET_NS = 5_000_000
MOST_RESETS = 4
WATERMARK_ON_INT1 = reg.INT_MAP.encode(FULL_EN1=1)


class Adxl355Reset:
    """Resets one chip, and knows its factory settings."""

    def __init__(self, chip: RegisterAccess, clock: Clock) -> None:
        self._chip = chip
        self._clock = clock
        self._factory: bytes | None = None
        self._is_under_way = False  # so that INT_MAP reads 0 because of the reset

    def reset(self) -> None:
        """Reset the chip until it has its factory settings.

        Raises
        ------
        ChipError
            Where no reset loads them.
        BusError
            Where a transfer fails, or the factory settings read differently each time.
        """
        if self._factory is None or not (self._is_under_way or self._chip.read(reg.INT_MAP)):
            self._factory = self._read_factory()
        self._is_under_way = True
        is_loaded = any(self._loads() for _ in range(MOST_RESETS))
        if not is_loaded:  # a mark, by which the next try sees whether the power was cut
            self._chip.write(reg.INT_MAP, WATERMARK_ON_INT1)
        self._is_under_way = False
        if not is_loaded:
            raise ChipError(
                f"address 0x{self._chip.address:02X}: the ADXL355 does not load its factory settings after "
                f"{MOST_RESETS} resets: cut its power for a second, then start again"
            )

    def _loads(self) -> bool:
        """Reset once, and return whether the factory settings are there."""
        self._chip.command(reg.RESET, RESET_CODE)
        self._clock.sleep_until(self._clock.boot_ns() + RESET_NS)
        return self._read_shadow() == self._factory

    def _read_factory(self) -> bytes:
        """Read the factory settings twice: one garbled byte would spoil every later reset."""
        first, second = self._read_shadow(), self._read_shadow()
        if first != second:
            raise BusError(
                f"address 0x{self._chip.address:02X}: the ADXL355's factory settings read {first.hex(' ')}, "
                f"then {second.hex(' ')}: the bus garbles bytes (loose wire or weak pull-ups?)",
                address=self._chip.address,
            )
        return first

    def _read_shadow(self) -> bytes:
        return self._chip.read_run(reg.SHADOW[0], len(reg.SHADOW))
