"""What every accelerometer driver offers, and the shapes of what it hands over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.clock import Clock


@dataclass(frozen=True)
class Block:
    """What one drain of a chip's FIFO gave.

    Attributes
    ----------
    counts
        int32, shape (n, 3), oldest first, axes x, y, z; n may be 0.
    overrun
        Samples were lost before or within this block; how many, the sample clock can tell.
    produced
        Sets that were readable when the level was read: with the samples handed over before, the count
        that belongs to `boot_ns`. The sample clock takes this as evidence.
    boot_ns
        The middle of the read that told the level, on the boot clock.
    read_ns
        How long that read took.
    """

    counts: NDArray[np.int32]
    overrun: bool
    produced: int
    boot_ns: int
    read_ns: int


@dataclass(frozen=True)
class Identity:
    """Which part answered.

    Attributes
    ----------
    model
        As printed on the part: "ADXL345".
    remark
        What a person should know about it, such as that it is a clone; empty where all is as it should be.
    """

    model: str
    remark: str = ""


@dataclass(frozen=True)
class SelfTest:
    """The result of a chip's built-in self-test.

    `shift_counts` is the change of the mean per axis, `limits` the allowed (lowest, highest) change per
    axis, both in counts; `sentence` says it for a person.
    """

    passed: bool
    shift_counts: tuple[float, float, float]
    limits: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    sentence: str


class Chip(Protocol):
    """An accelerometer behind the bus.

    The order of use is `identify`, `configure`, `start`, then `drain` again and again, `stop`.

    Attributes
    ----------
    name, addresses
        As `--chip` takes it, and where it may answer, the usual address first.
    rates_hz, ranges_g
        What it offers, rising.
    usual_rates_hz
        The rates nearest to 400, 200 and 100 Hz, in this order: of these the default is chosen.
    usual_range_g
        The range that suits a bed best.
    fifo_depth
        Sets that its FIFO holds.
    full_scale_counts, scale_g
        By range: the count at positive full scale, and the size of one count in g.
    interrupt_pin
        Its pin that is high while a good part of the FIFO waits to be read; None where it has no such pin.
    """

    name: ClassVar[str]
    addresses: ClassVar[tuple[int, ...]]
    rates_hz: ClassVar[tuple[int, ...]]
    usual_rates_hz: ClassVar[tuple[int, int, int]]
    ranges_g: ClassVar[tuple[int, ...]]
    usual_range_g: ClassVar[int]
    fifo_depth: ClassVar[int]
    interrupt_pin: ClassVar[str | None]
    full_scale_counts: ClassVar[Mapping[int, int]]
    scale_g: ClassVar[Mapping[int, float]]

    def __init__(self, bus: I2CBus, address: int, clock: Clock) -> None:
        """Remember where the chip is; nothing is sent."""

    def identify(self) -> Identity:
        """Return which part answers; raise `ChipError` for another chip, `BusError` for none."""

    def configure(self, rate_hz: int, range_g: int) -> None:
        """Reset what can be reset, write every setting and read it back; leaves the chip in standby.

        The interrupt pin is set up too, whether or not it is wired.

        Raises `SettingsError` for a rate or range the chip lacks, `ChipError` where a setting does not
        hold.
        """

    def start(self) -> None:
        """Empty the FIFO and begin to measure."""

    def stop(self) -> None:
        """End measuring."""

    def drain(self) -> Block:
        """Read what the FIFO holds.

        A block may be empty and still say `overrun`: what waited was no longer to be trusted and was thrown
        away. Raises `ConfigurationLostError` where the chip no longer holds its settings, `BusError` where a
        transfer fails.
        """

    def self_test(self) -> SelfTest:
        """Run the built-in self-test in under a second; leaves the chip in standby, configured as before."""

    def measure_set_s(self) -> float:
        """Return the seconds it takes to read one set; call it before `start`."""

    def noise_mg(self, rate_hz: int, range_g: int) -> tuple[float, float, float]:
        """Return the rms noise per axis that the data sheet lets expect, rounding to counts included."""

    def temperature_c(self) -> float | None:
        """Return what the chip's thermometer shows, None where it has none; call it after `configure`."""
