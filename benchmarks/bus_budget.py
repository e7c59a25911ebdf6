"""How much of the bus each chip takes: calls, messages and bytes a second, beside the least it allows.

Driver, sampler and sample clock are the daemon's own, at its own pace; the bus is the emulated one, where
every message that smbus2 would hand to the kernel is counted. Bytes are those of registers' addresses and
contents. The least is what the samples need: their bytes and one register address a read, in one read a full
FIFO, or in one read a sample on the ADXL345, which has no other. Level, flags and checks are on top.

A message takes a start bit and 9 clocks for the address and for each byte, a call one stop bit. From these
follows the share of the bus, and which rate takes no more than half of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from smbus2 import i2c_msg

from bedtick.firmware.bus import PAIRS_PER_IOCTL, I2CBus
from bedtick.firmware.chips import CHIPS, MOST_BUS_SHARE, Chip
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, Still
from bedtick.firmware.emulator.chips import EMULATED_CHIPS
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.store.batch import Batch

BUS_HZ = 400_000
LASTS_S = 60.0
SECOND_NS = 1_000_000_000
SET_BYTES = {"adxl345": 6, "lis3dh": 6, "lsm6dsox": 7, "adxl355": 9, "mpu6050": 6}
ONE_SET_A_READ = ("adxl345",)
# As set, and as people have measured it on a Pi 3 or Zero W that is set so: 62.5 kHz and 250 kHz.
SPEEDS_HZ = (400_000, 250_000, 100_000, 62_500)
# The makers' word on it, data sheets of ADXL345 and ADXL355; it is taken to hold for slower buses too.
MAKERS_LIMITS_HZ = {("adxl345", 400_000): 800, ("adxl345", 100_000): 200, ("adxl355", 400_000): 800}


@dataclass(frozen=True)
class Traffic:
    """What went over the bus by the second, for how many samples; `clocks` are clocks of the bus."""

    calls: float
    messages: float
    moved_bytes: float
    clocks: float
    samples: float


class CountingAdapter(EmulatedAdapter):
    """An emulated adapter that counts what it carries."""

    calls = messages = moved_bytes = clocks = 0

    def i2c_rdwr(self, *messages: i2c_msg) -> None:
        """Carry the messages and count them."""
        super().i2c_rdwr(*messages)
        lengths = [message.len for message in messages]
        self.calls += 1
        self.messages += len(lengths)
        self.moved_bytes += sum(lengths)
        self.clocks += 1 + sum(10 + 9 * length for length in lengths)

    def forget(self) -> None:
        """Count from here on."""
        self.calls = self.messages = self.moved_bytes = self.clocks = 0


class Counter:
    """Takes samples as a recorder does, and counts them."""

    next_sample = 0

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Count samples, (n, 3)."""
        self.next_sample += len(counts)
        return Batch()

    def lose(self, lost: int, kind: str, detail: str) -> Batch:
        """Refuse: here nothing may be lost."""
        raise RuntimeError(f"{lost} samples lost: {kind}, {detail}")


def measure(name: str, rate_hz: int, *, multi_read: bool) -> Traffic:
    """Sample a chip at rest for a minute of emulated time and return what that took."""
    clock = EmulatedClock()
    kind, address = EMULATED_CHIPS[name]
    adapter = CountingAdapter({address: kind(Still(), clock)}, clock, bus_hz=BUS_HZ, multi_read=multi_read)
    chip = CHIPS[name](I2CBus(adapter, "emulated"), address, clock)
    chip.configure(rate_hz, chip.usual_range_g)
    chip.measure_set_s()  # as the daemon does first; the bus finds out what it can
    counter = Counter()
    sampler = begin(chip, clock, rate_hz, counter)
    adapter.forget()
    end_ns = clock.boot_ns() + round(LASTS_S * SECOND_NS)
    while clock.boot_ns() < end_ns:
        clock.sleep_until(sampler.next_poll_ns)
        sampler.poll()
    return Traffic(
        adapter.calls / LASTS_S,
        adapter.messages / LASTS_S,
        adapter.moved_bytes / LASTS_S,
        adapter.clocks / LASTS_S,
        counter.next_sample / LASTS_S,
    )


def begin(chip: Chip, clock: EmulatedClock, rate_hz: int, counter: Counter) -> Sampler:
    """Start a chip, and a sampler for it."""
    chip.start()
    return Sampler(
        chip,
        clock,
        set_up=chip.start,
        recorder=counter,
        times=SampleClock(float(rate_hz)),
        put=lambda _batch: None,
    )


def least(name: str, rate_hz: int, *, multi_read: bool) -> tuple[float, float]:
    """Return the calls and the bytes a second that the samples alone need."""
    reads = rate_hz if name in ONE_SET_A_READ else rate_hz / CHIPS[name].fifo_depth
    reads_a_call = PAIRS_PER_IOCTL if multi_read and name in ONE_SET_A_READ else 1
    return reads / reads_a_call, rate_hz * SET_BYTES[name] + reads


def safe_rate_hz(name: str, bus_hz: int, clocks: dict[int, float]) -> int | None:
    """Return the highest rate that takes at most half of a bus, and that the maker allows; None for none.

    Parameters
    ----------
    name
        The chip.
    bus_hz
        The bus's true speed.
    clocks
        By rate, the clocks of the bus that it takes a second.
    """
    said_hz = [
        limit_hz
        for (chip, up_to_hz), limit_hz in MAKERS_LIMITS_HZ.items()
        if chip == name and bus_hz <= up_to_hz
    ]
    most_hz = min(said_hz, default=math.inf)
    fitting = [
        rate_hz
        for rate_hz, taken in clocks.items()
        if taken <= MOST_BUS_SHARE * bus_hz and rate_hz <= most_hz
    ]
    return max(fitting, default=None)


def budget_line(name: str, rate_hz: int, traffic: Traffic, *, multi_read: bool) -> str:
    """Return one line of the table of the budget."""
    least_calls, least_bytes = least(name, rate_hz, multi_read=multi_read)
    return (
        f"| {name} | {rate_hz} | {'several' if multi_read else 'one'} | {traffic.calls:.0f} | "
        f"{least_calls:.1f} | {traffic.calls / traffic.samples:.3f} | {traffic.messages:.0f} | "
        f"{traffic.moved_bytes:.0f} | {least_bytes:.0f} | {traffic.clocks / BUS_HZ:.1%} |"
    )


def print_budget() -> None:
    """Print the table of the budget: each chip at its usual rates, where it matters on both kinds of bus."""
    print(
        "| chip | Hz | reads a call | calls/s | least | calls a sample | messages/s | bytes/s | least | ",
        end="",
    )
    print("share of 400 kHz |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, chip in CHIPS.items():
        for rate_hz in sorted(chip.usual_rates_hz):
            for multi_read in (False, True) if name in ONE_SET_A_READ else (False,):
                traffic = measure(name, rate_hz, multi_read=multi_read)
                print(budget_line(name, rate_hz, traffic, multi_read=multi_read), flush=True)


def print_safe_rates() -> None:
    """Print the highest safe rates, on a controller that takes one read a call, as most Pis have."""
    print("\n| chip | " + " | ".join(f"{speed / 1000:g} kHz" for speed in SPEEDS_HZ) + " |")
    print("|---|" + "--:|" * len(SPEEDS_HZ))
    for name, chip in CHIPS.items():
        clocks = {rate_hz: measure(name, rate_hz, multi_read=False).clocks for rate_hz in chip.rates_hz}
        rates = [safe_rate_hz(name, speed, clocks) or "none" for speed in SPEEDS_HZ]
        print(f"| {name} | " + " | ".join(map(str, rates)) + " |", flush=True)


def main() -> None:
    """Print both tables."""
    print_budget()
    print_safe_rates()


if __name__ == "__main__":
    main()
