"""A bus: how fast it really is, whether its wires carry every transfer, and who else answers on it.

The speed is measured by reads of one sensor's first registers, which change nothing while it rests. A long
read takes longer than a short one by the bits of the bytes between, 9 each; what the kernel and Python take
is the same for both and drops out. Medians of many reads are compared: a busy moment does not matter.

The same reads tell of the wires. The bus tries again what failed, so weak pull-ups do not show in a night
until it is too late; the count of failed tries shows them now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import BusError
from bedtick.firmware.linux_i2c import owned_words
from bedtick.firmware.scan import Scan, explain_several, scan
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING, Finding

ADAPTERS = Path("/sys/class/i2c-adapter")
READS = 100  # of each length: 3400 bytes, half a second at 62 kHz
SHORT_BYTES, LONG_BYTES = 1, 33
BITS_PER_BYTE = 9  # with the acknowledgement
FASTEST_HZ = 5e6  # the fastest I2C there is; what looks faster is no wire
MOST_IN_A_ROW = 5  # reads that fail: a stuck bus takes 0.2 s for each
MOST_FAILED = 0.1
SLOW_SHARE = 0.8
WIRES = (
    "use short wires and strong pull-ups (about 2 kOhm from SDA and SCL to 3.3 V; two boards on one bus have "
    "theirs in parallel), or a slower bus: dtparam=i2c_arm_baudrate=100000"
)
SPEED_VARIES = "usual on a Pi Zero to 4, whose bus slows down with the core clock; the line 'bus load' counts"


@dataclass(frozen=True)
class Trial:
    """What some hundred reads told.

    Attributes
    ----------
    speed_hz
        Clock rate of the bus; None where it can not be told.
    transfers, failures
        Tries, and those of them that failed.
    given_up
        Reads that failed in spite of being tried again.
    """

    speed_hz: float | None
    transfers: int
    failures: int
    given_up: int


def check_bus(bus: I2CBus, address: int, clock: Clock, sensors: int) -> Iterator[Finding]:
    """Look at a bus on which a sensor was found; its chip is at rest.

    Parameters
    ----------
    bus, address
        The bus, and where the sensor is.
    clock
        The boot clock that reads are timed by.
    sensors
        How many sensors of the settings are on this bus.
    """
    trial = try_bus(bus, address, clock)
    yield judge_speed(bus.name, trial, asked_hz(bus.name))
    yield judge_wires(trial)
    yield judge_neighbours(scan(bus, clock), sensors)


def try_bus(bus: I2CBus, address: int, clock: Clock) -> Trial:
    """Read a chip's first registers many times, in short reads and in long ones."""
    transfers, failures, given_up, in_a_row = bus.transfers, bus.failures, 0, 0
    spans_ns: dict[int, list[int]] = {SHORT_BYTES: [], LONG_BYTES: []}
    for length in [SHORT_BYTES, LONG_BYTES] * READS:
        began_ns = clock.boot_ns()
        try:
            bus.read(address, 0, length)
        except BusError:
            given_up, in_a_row = given_up + 1, in_a_row + 1
            if in_a_row == MOST_IN_A_ROW:
                break
            continue
        in_a_row = 0
        spans_ns[length].append(clock.boot_ns() - began_ns)
    return Trial(
        speed_hz_from(spans_ns[SHORT_BYTES], spans_ns[LONG_BYTES]),
        bus.transfers - transfers,
        bus.failures - failures,
        given_up,
    )


def speed_hz_from(short_ns: list[int], long_ns: list[int]) -> float | None:
    """Return the clock rate of a bus from what short and long reads took; None where it can not be told."""
    if not short_ns or not long_ns:
        return None
    between_s = (median(long_ns) - median(short_ns)) / 1e9
    bits = BITS_PER_BYTE * (LONG_BYTES - SHORT_BYTES)
    return bits / between_s if between_s > bits / FASTEST_HZ else None


def asked_hz(bus_name: str, adapters: Path = ADAPTERS) -> int | None:
    """Return the clock rate that the device tree asks for; None where it does not say.

    Parameters
    ----------
    bus_name
        Such as `/dev/i2c-1`.
    adapters
        Where the kernel lists its adapters. The file is a cell of the device tree: 32 bits, highest first.
    """
    path = adapters / bus_name.rpartition("/")[2] / "of_node" / "clock-frequency"
    try:
        cell = path.read_bytes()
    except OSError:
        return None
    return int.from_bytes(cell, "big") if len(cell) == 4 else None


def judge_speed(bus_name: str, trial: Trial, wanted_hz: int | None) -> Finding:
    """Say how fast the bus is; whether that is enough depends on the rate, and is judged with the sensor."""
    asked = f" of {wanted_hz / 1e3:.0f} kHz asked for" if wanted_hz else ""
    if trial.speed_hz is None:
        return Finding("bus", GOOD, f"{bus_name} answers; its speed can not be told")
    is_slow = wanted_hz is not None and trial.speed_hz < SLOW_SHARE * wanted_hz
    sentence = f"{bus_name} runs at about {trial.speed_hz / 1e3:.0f} kHz{asked}"
    return Finding("bus", GOOD, sentence, SPEED_VARIES if is_slow else "")


def judge_wires(trial: Trial) -> Finding:
    """Judge the wires by how many transfers failed, those included that went well when tried again."""
    if not trial.failures:
        return Finding("wires", GOOD, f"{trial.transfers} transfers, none failed")
    sentence = f"{trial.failures} of {trial.transfers} transfers failed"
    sentence += f", {trial.given_up} for good" if trial.given_up else ", all went well when tried again"
    state = FAILURE if trial.failures > MOST_FAILED * trial.transfers else WARNING
    return Finding("wires", state, sentence, WIRES)


def judge_neighbours(seen: Scan, sensors: int) -> Finding:
    """Say who answers where a sensor could be; `sensors` of them are in the settings."""
    if seen.owned:
        owned = [owned_words(seen.bus_name, one.address, one.driver) for one in seen.owned]
        return Finding("others", WARNING, "; ".join(owned))
    others = [one.sentence for one in seen.strangers]
    if len(seen.found) > sensors:
        return Finding("others", WARNING, explain_several(seen))
    if others:
        return Finding("others", GOOD, f"left alone: {'; '.join(others)}")
    return Finding("others", GOOD, "nobody else has an address that a sensor may have")
