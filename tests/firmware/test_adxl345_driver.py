"""What the ADXL345 driver does on its own; what every driver does is in `test_chip_contract.py`."""

import numpy as np
import pytest

from bedtick.firmware.chips import ADDRESSES, CHIPS, Identity, default_rate_hz
from bedtick.firmware.chips import adxl345_registers as reg
from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.firmware.errors import BedtickError, BusError, ChipError, ConfigurationLostError, SettingsError


def begin(make_rig, source, rate_hz=100, **options):
    """Return a started (driver, rig, clock)."""
    driver, rig, clock = make_rig(source, **options)
    driver.configure(rate_hz, 16)
    driver.start()
    return driver, rig, clock


def wait(clock, seconds):
    """Let time pass."""
    clock.sleep_until(clock.boot_ns() + round(seconds * 1e9))


def test_the_tables_name_the_driver():
    """The name leads to the driver and to the addresses it may be found at."""
    assert set(CHIPS) == set(ADDRESSES)
    assert ADDRESSES["adxl345"] == (0x53, 0x1D)
    assert CHIPS["adxl345"].full_scale_counts == {2: 511, 4: 1023, 8: 2047, 16: 4095}


def test_identify_accepts_the_right_chip(make_rig):
    """The right identity has its name and no remark."""
    driver, _, _ = make_rig(Still())
    assert driver.identify() == Identity("ADXL345")


def test_identify_refuses_another_chip(make_rig):
    """Another identity is a ChipError that names address, what was read and what was expected."""
    driver, rig, _ = make_rig(Still())
    rig.faults.identity = 0x33
    with pytest.raises(ChipError, match=r"0x53.*0x33.*0xE5"):
        driver.identify()


@pytest.mark.parametrize("rate_hz", [100, 200, 400, 800])
@pytest.mark.parametrize("range_g", [2, 4, 8, 16])
def test_every_setting_reaches_the_chip(make_rig, rate_hz, range_g):
    """After configuring, each register holds the rate, the range and nothing left behind by others."""
    driver, rig, _ = make_rig(Still())
    for register in reg.UNUSED:
        rig.bus.write(0x53, register.address, b"\x11")
    driver.configure(rate_hz, range_g)
    codes = {100: 10, 200: 11, 400: 12, 800: 13}
    assert rig.bus.read(0x53, 0x1D, 14) == bytes(14)
    assert rig.bus.read(0x53, 0x2C, 4) == bytes((codes[rate_hz], 0, 0x02, 0))  # the watermark on INT1
    assert rig.bus.read(0x53, 0x31, 1)[0] == 0x08 | (2, 4, 8, 16).index(range_g)
    assert rig.bus.read(0x53, 0x38, 1)[0] == 0x90


def test_a_register_that_does_not_hold_is_named(make_rig):
    """A failed read-back is a ChipError with register, wanted, got and a likely cause."""
    driver, rig, _ = make_rig(Still())
    keep = rig.chip._store
    rig.chip._store = lambda register, value: keep(register, 0 if register == 0x31 else value)
    with pytest.raises(ChipError, match=r"DATA_FORMAT was set to 0x0B but reads 0x00 \(bad wiring"):
        driver.configure(400, 16)


def test_a_drain_tells_level_and_time(make_rig, ramp_source):
    """A block says how many sets were waiting, when that was read and how long it took."""
    driver, _, clock = begin(make_rig, ramp_source)
    wait(clock, 0.095)
    before_ns = clock.boot_ns()
    block = driver.drain()
    assert block.produced == len(block.counts) == 10
    assert block.read_ns == 120_000  # two bytes of status at 400 kHz
    assert block.boot_ns == before_ns + 60_000


def test_an_overrun_is_told_apart_from_data(make_rig, ramp_source):
    """Drained too late, the block is marked, holds the newest samples, and the next one is clean."""
    driver, _, clock = begin(make_rig, ramp_source)
    wait(clock, 1.0)
    late = driver.drain()
    assert late.overrun
    assert len(late.counts) == 32
    assert late.counts[0, 0] > 60
    assert (np.diff(late.counts[:, 0]) == 1).all()
    following = driver.drain()
    assert not following.overrun
    assert following.counts[0, 0] == late.counts[-1, 0] + 1


def test_a_chip_that_lost_power_is_noticed_and_comes_back(make_rig):
    """Lost settings are an error of their own; configured and started again, the chip measures."""
    driver, rig, clock = begin(make_rig, Still())
    wait(clock, 0.1)
    rig.chip.lose_power()
    with pytest.raises(ConfigurationLostError, match=r"FIFO_CTL reads 0x00 instead of 0x90"):
        driver.drain()
    driver.configure(100, 16)
    driver.start()
    wait(clock, 0.1)
    assert driver.drain().produced


@pytest.mark.parametrize(
    ("position", "value", "words"),
    [(1, 0x00, "DATA_FORMAT reads 0x00"), (8, 0xFF, "FIFO_CTL reads 0xFF")],
)
def test_garbled_constants_within_a_set_are_noticed(make_rig, ramp_source, position, value, words):
    """One wrong constant in one of the sets is enough to refuse the block."""
    driver, rig, clock = begin(make_rig, ramp_source)
    wait(clock, 0.1)
    read = rig.chip.read
    reads = []

    def garble(length):
        data = bytearray(read(length))
        reads.append(length)
        if length == 10 and reads.count(10) == 5:
            data[position] = value
        return bytes(data)

    rig.chip.read = garble
    with pytest.raises(ConfigurationLostError, match=words):
        driver.drain()


def test_an_impossible_level_is_noticed(make_rig, ramp_source):
    """A level of more than 32 can only be a garbled byte."""
    driver, rig, _ = begin(make_rig, ramp_source)
    rig.chip.read = lambda _length: bytes((0x90, 0x3F))
    with pytest.raises(ConfigurationLostError, match="63 sets of at most 32"):
        driver.drain()


def test_the_self_test_passes_on_a_sound_chip(make_rig):
    """The shift is within the limits, the sentence says so, and the settings are as before."""
    driver, rig, _ = make_rig(Still())
    driver.configure(800, 4)
    result = driver.self_test()
    assert result.passed
    assert result.sentence.startswith("self-test passed")
    assert result.shift_counts == pytest.approx((450, -450, 700), abs=3)
    assert (rig.bus.read(0x53, 0x2C, 2), rig.bus.read(0x53, 0x31, 1)) == (b"\x0d\x00", b"\x09")


def test_the_self_test_says_when_nothing_is_measured(make_rig):
    """A chip that never delivers is a ChipError rather than a mean of nothing."""
    driver, rig, _ = make_rig(Still())
    rig.chip._measuring.fifo.catch_up = lambda _time_ns: None
    with pytest.raises(ChipError, match="measures nothing"):
        driver.self_test()


def test_the_time_for_a_set_is_that_of_the_bus(make_rig, multi_read):
    """Measured on an emulated 400 kHz bus, one set takes 119 clocks and its share of stop bits."""
    driver, _, _ = make_rig(Still())
    driver.configure(400, 16)
    assert driver.measure_set_s() == pytest.approx((119 + 1 / 16 if multi_read else 120) / 400_000)


@pytest.mark.parametrize(
    ("set_s", "rate_hz"),
    [(0.0003, 400), (0.00125, 400), (0.00126, 200), (0.0025, 200), (0.0026, 100), (0.02, 100)],
)
def test_the_default_rate_takes_at_most_half_the_bus(set_s, rate_hz):
    """The default is the highest of 400, 200 and 100 Hz that leaves half of the bus free."""
    assert default_rate_hz((400, 200, 100), set_s) == rate_hz


def test_the_emulator_runs_on_the_system_clock_too():
    """On a real clock samples arrive in real time."""
    clock = SystemClock()
    rig = build_emulator(Still(), clock)
    driver = CHIPS["adxl345"](rig.bus, rig.address, clock)
    driver.configure(800, 16)
    driver.start()
    clock.sleep_until(clock.boot_ns() + 20_000_000)
    assert len(driver.drain().counts) >= 15


def test_a_chip_without_an_emulation_is_refused():
    """Only emulated chips can be built, and the choices are named."""
    with pytest.raises(SettingsError, match="adxl345"):
        build_emulator(Still(), EmulatedClock(), chip="bma400")


def test_errors_share_one_root():
    """Every error raised on purpose can be caught as one, and bad values also as ValueError."""
    assert all(issubclass(error, BedtickError) for error in (BusError, ChipError, SettingsError))
    assert issubclass(ConfigurationLostError, BusError)
    assert issubclass(SettingsError, ValueError)
