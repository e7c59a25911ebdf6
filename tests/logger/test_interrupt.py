"""Drains that wait for the chip's interrupt line: fewer of them, and never a lost sample for it."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.firmware.emulator.pins import EmulatedPins
from bedtick.firmware.pin_trouble import PinsUnavailableError
from bedtick.logger.sampling.interrupt import InterruptClock, with_interrupt
from bedtick.logger.sampling.sampler import DRAIN_SHARE

LINE = 22
MS = 1_000_000
S = 1000 * MS
SECONDS = 20
PACE = {"rise_ns": 40 * MS, "sample_ns": MS}
INT_ENABLE, INT_SOURCE, WATERMARK = 0x2E, 0x30, 0x02


def emulated_line(chip):
    """Return what the chip's INT1 pin shows: the watermark flag, where it is enabled."""

    def is_high():
        levels = []
        for register in (INT_ENABLE, INT_SOURCE):
            chip.write(bytes([register]))
            levels.append(bool(chip.read(1)[0] & WATERMARK))
        return all(levels)

    return is_high


class Drained:
    """Some seconds of drains in a sampler's rhythm; `line` makes the level of the line from the chip."""

    def __init__(self, rate_hz, line):
        clock = EmulatedClock(S)
        rig = build_emulator(Still(), clock)
        chip = CHIPS["adxl345"](rig.bus, rig.address, clock)
        chip.configure(rate_hz, 4)
        pins = None if line is None else EmulatedPins(clock, lines={LINE: line(rig.chip)})
        wait = with_interrupt(clock, pins, LINE, chip, rate_hz)
        chip.start()
        pause_ns = round(DRAIN_SHARE * chip.fifo_depth / rate_hz * 1e9)
        next_ns = clock.boot_ns() + pause_ns
        self.found, self.overruns = [], 0
        while clock.boot_ns() < S + SECONDS * S:
            wait.sleep_until(next_ns)
            block = chip.drain()
            next_ns = max(next_ns + pause_ns, clock.boot_ns())
            self.found.append(len(block.counts))
            self.overruns += block.overrun


def warnings(caplog):
    """Return what the log warns of."""
    return [entry.getMessage() for entry in caplog.records if entry.levelno == logging.WARNING]


@pytest.mark.parametrize("rate_hz", [400, 800])
def test_each_drain_finds_half_a_fifo(rate_hz, caplog):
    """With the line wired every drain waits for 16 sets: fewer drains, and no sample lost."""
    drained, polled = Drained(rate_hz, emulated_line), Drained(rate_hz, None)
    assert min(drained.found[1:]) >= 16
    assert len(drained.found) < len(polled.found)
    assert sum(drained.found) == pytest.approx(SECONDS * rate_hz, abs=20)
    assert drained.overruns == 0
    assert warnings(caplog) == []


@pytest.mark.parametrize("rate_hz", [400, 800])
def test_a_line_that_never_rises_costs_no_sample(rate_hz, caplog):
    """A wire that came off is noticed after 20 drains and named once; the clock takes over."""
    drained, polled = Drained(rate_hz, lambda _chip: lambda: False), Drained(rate_hz, None)
    assert drained.overruns == 0
    assert drained.found[30:60] == pytest.approx(polled.found[30:60], abs=1)
    assert sum(drained.found) == pytest.approx(SECONDS * rate_hz, abs=20)
    (said,) = warnings(caplog)
    assert said.startswith("interrupt line on GPIO22: never rises")


def test_a_line_that_breaks_in_the_night_costs_no_sample(caplog):
    """A wire that breaks after ten seconds is noticed then."""

    def breaking(chip):
        line, asked = emulated_line(chip), []

        def is_high():
            asked.append(1)
            return len(asked) < 5000 and line()

        return is_high

    drained = Drained(400, breaking)
    assert drained.overruns == 0
    assert len(warnings(caplog)) == 1


def test_a_line_that_is_always_high_is_the_clock_s_own_pace(caplog):
    """A line wired to the supply makes no drain earlier than the clock would."""
    assert Drained(400, lambda _chip: lambda: True).found == Drained(400, None).found
    assert warnings(caplog) == []


def test_a_pause_after_a_fault_is_not_cut_short():
    """A full FIFO holds the line high; a pause of a second stays one."""
    clock = EmulatedClock(S)
    wait = InterruptClock(
        clock, EmulatedPins(clock, lines={LINE: lambda: True}), LINE, rise_ns=40 * MS, sample_ns=MS
    )
    wait.sleep_until(2 * S)
    assert clock.boot_ns() == 2 * S


def test_pins_that_fail_in_the_night_are_given_up(caplog, monkeypatch):
    """Where the library refuses, the clock takes over at once and for good."""
    clock = EmulatedClock(S)

    def refuse(*_):
        raise PinsUnavailableError("GPIO22: gone")

    pins = EmulatedPins(clock, lines={LINE: lambda: False})
    monkeypatch.setattr(pins, "wait_until_high", refuse)
    wait = InterruptClock(clock, pins, LINE, **PACE)
    for k in range(1, 4):
        wait.sleep_until(S + k * 32 * MS)
        assert clock.boot_ns() == S + k * 32 * MS
    assert len(warnings(caplog)) == 1


def test_even_without_a_rise_the_drain_comes_in_time():
    """A line that does not rise is given half as long again as it should need."""
    clock = EmulatedClock(S)
    wait = InterruptClock(
        clock, EmulatedPins(clock, lines={LINE: lambda: False}), LINE, rise_ns=40 * MS, sample_ns=MS
    )
    wait.sleep_until(S + 32 * MS)
    assert clock.boot_ns() == S + 60 * MS


@pytest.mark.parametrize(("fifo_depth", "rate_hz"), [(32, 200), (512, 833)])
def test_a_rate_at_which_the_line_is_of_no_use_is_named(caplog, fifo_depth, rate_hz):
    """Where the clock is quicker than half of the FIFO, it is used, and the log says why."""
    clock = EmulatedClock()
    chip = SimpleNamespace(name="deep", interrupt_pin="INT1", fifo_depth=fifo_depth)
    assert with_interrupt(clock, EmulatedPins(clock), LINE, chip, rate_hz) is clock
    assert f"no use with the deep at {rate_hz} Hz" in warnings(caplog)[0]


def test_a_chip_without_such_a_pin_is_named(caplog):
    """Where the chip has no pin for it, the setting is named and the clock is used."""
    clock = EmulatedClock()
    chip = SimpleNamespace(name="mpu6050", interrupt_pin=None, fifo_depth=170)
    assert with_interrupt(clock, EmulatedPins(clock), LINE, chip, 400) is clock
    assert "the mpu6050 has no pin for it" in warnings(caplog)[0]


def test_nothing_wired_is_nothing_said(caplog):
    """Without a pin in the settings, or without a header, the clock is used without a word."""
    clock = EmulatedClock()
    chip = SimpleNamespace(name="adxl345", interrupt_pin="INT1", fifo_depth=32)
    assert with_interrupt(clock, EmulatedPins(clock), 0, chip, 400) is clock
    assert with_interrupt(clock, None, LINE, chip, 400) is clock
    assert warnings(caplog) == []


def test_a_line_that_can_not_be_had_is_named(caplog, monkeypatch):
    """Where the pin is taken or edges can not be heard, one line says so and the clock is used."""
    clock = EmulatedClock()
    chip = SimpleNamespace(name="adxl345", interrupt_pin="INT1", fifo_depth=32)

    def refuse(_self, _pin):
        raise PinsUnavailableError("GPIO22: another program holds it")

    monkeypatch.setattr(EmulatedPins, "expect", refuse)
    assert with_interrupt(clock, EmulatedPins(clock), LINE, chip, 400) is clock
    assert warnings(caplog)[0].startswith("interrupt line: GPIO22: another program holds it")


def test_drains_after_a_rise_come_at_every_fraction_of_a_sample():
    """The line rises with a sample: what follows is spread over the whole interval to the next one."""
    clock = EmulatedClock(S)
    rises_ns = [S + k * 40 * MS + 5 * MS for k in range(1, 65)]
    pins = EmulatedPins(clock, lines={LINE: lambda: clock.boot_ns() >= rises_ns[0]})
    wait, late = InterruptClock(clock, pins, LINE, **PACE), []
    while rises_ns:
        wait.sleep_until(rises_ns[0] - 5 * MS)
        late.append((clock.boot_ns() - rises_ns.pop(0)) / PACE["sample_ns"])
    assert all(abs(part - (k + 0.5) / 64) < 0.05 for k, part in enumerate(sorted(late)))
