"""The bench of the bus: it counts what is carried, and the chips keep within their limits."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, Still
from bedtick.firmware.emulator.chips import EMULATED_CHIPS

FOLDER = Path(__file__).parents[2] / "benchmarks"
USUAL = [(name, chip.usual_rates_hz[0]) for name, chip in CHIPS.items()]


@pytest.fixture
def bench(monkeypatch):
    """Import the bench, which then looks at ten seconds rather than at a minute."""
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("bus_budget")
    monkeypatch.setattr(module, "LASTS_S", 10.0)
    return module


@pytest.fixture
def counted(bench):
    """Return a counting adapter with an ADXL345 on it, and a bus over that."""
    clock = EmulatedClock()
    kind, address = EMULATED_CHIPS["adxl345"]
    adapter = bench.CountingAdapter({address: kind(Still(), clock)}, clock, bus_hz=bench.BUS_HZ)
    return adapter, I2CBus(adapter, "emulated"), clock


def test_every_message_is_counted(counted):
    """A write and a read of three registers are two calls, three messages and six bytes, in their clocks."""
    adapter, bus, clock = counted
    bus.write(0x53, 0x2D, b"\x00")
    bus.read(0x53, 0x00, 3)
    assert (adapter.calls, adapter.messages, adapter.moved_bytes) == (2, 3, 6)
    assert adapter.clocks == 2 + 3 * 10 + 6 * 9
    assert adapter.clocks * 2500 == clock.boot_ns()


@pytest.mark.parametrize(("multi_read", "most"), [(False, 1.1), (True, 0.13)], ids=["one", "several"])
def test_the_adxl345_keeps_within_its_calls(bench, multi_read, most):
    """At 400 Hz a sample costs at most 1.1 calls, and 0.13 where one call takes several reads."""
    traffic = bench.measure("adxl345", 400, multi_read=multi_read)
    assert traffic.samples == pytest.approx(400, rel=0.01)
    assert traffic.calls <= most * traffic.samples


@pytest.mark.parametrize(("name", "rate_hz"), USUAL)
def test_a_chip_read_in_bursts_needs_two_calls_a_drain(bench, name, rate_hz):
    """A read of the level and one of the sets: few calls, and few bytes beside those of the samples."""
    if name in bench.ONE_SET_A_READ:
        pytest.skip("its sets are read one by one")
    traffic = bench.measure(name, rate_hz, multi_read=False)
    calls, moved_bytes = bench.least(name, rate_hz, multi_read=False)
    assert calls < traffic.calls < 0.17 * traffic.samples
    assert moved_bytes <= traffic.moved_bytes < 1.06 * moved_bytes


def test_the_least_is_that_of_the_samples_alone(bench):
    """The least is data and one register address a read; a call takes 21 reads where it may."""
    assert bench.least("adxl345", 400, multi_read=False) == (400, 2800)
    assert bench.least("adxl345", 420, multi_read=True) == (20, 2940)
    assert bench.least("lis3dh", 320, multi_read=True) == (10, 1930)


def test_the_safe_rate_leaves_half_of_the_bus(bench):
    """The highest rate within half of the bus is the safe one, unless the maker allows less."""
    clocks = {100: 10_000.0, 200: 20_000.0, 400: 40_000.0}
    assert bench.safe_rate_hz("lis3dh", 80_000, clocks) == 400
    assert bench.safe_rate_hz("lis3dh", 79_000, clocks) == 200
    assert bench.safe_rate_hz("lis3dh", 19_000, clocks) is None
    assert bench.safe_rate_hz("adxl345", 100_000, clocks) == 200
    assert bench.safe_rate_hz("adxl345", 90_000, clocks) == 200


def test_both_tables_are_printed(bench, monkeypatch, capsys):
    """Each chip has its lines in the first table and one in the second."""
    monkeypatch.setattr(bench, "LASTS_S", 1.0)
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    for name, chip in CHIPS.items():
        own = [line for line in lines if line.startswith(f"| {name} |")]
        modes = 2 if name in bench.ONE_SET_A_READ else 1
        assert len(own) == modes * len(chip.usual_rates_hz) + 1
