"""What is peculiar to the LSM6DSOX: reset, words, codes; the rest is the contract of all chips."""

import math

import numpy as np
import pytest

from bedtick.firmware.chips import Identity
from bedtick.firmware.chips import lsm6dsox_registers as reg
from bedtick.firmware.emulator import Still, TappedMattress
from bedtick.firmware.emulator.chips import lsm6dsox_output
from bedtick.firmware.errors import BusError, ChipError, ConfigurationLostError


@pytest.fixture
def rig_of(make_rig):
    """Return a function that builds (driver, rig, clock) with this chip."""

    def make(source=None, **options):
        return make_rig(source or Still(), "lsm6dsox", **options)

    return make


def begin(rig_of, rate_hz=416, range_g=4, source=None):
    """Return a started (driver, rig, clock)."""
    driver, rig, clock = rig_of(source)
    driver.configure(rate_hz, range_g)
    driver.start()
    return driver, rig, clock


def wait(clock, seconds):
    """Let time pass."""
    clock.sleep_until(clock.boot_ns() + round(seconds * 1e9))


def transactions(rig):
    """Count the transactions from now on, in a list that grows."""
    carry, seen = rig.adapter.i2c_rdwr, []

    def counted(*messages):
        seen.append(messages)
        carry(*messages)

    rig.adapter.i2c_rdwr = counted
    return seen


def test_the_table_has_the_chip_s_reset_values(rig_of):
    """A chip that was just switched on holds what the table says."""
    _, rig, _ = rig_of()
    known = [register for register in reg.TABLE if register.reset is not None and register.address != 0x3B]
    assert {r.name: rig.bus.read(0x6A, r.address, 1)[0] for r in known} == {r.name: r.reset for r in known}


def test_both_models_answer_alike(rig_of):
    """The identity of the LSM6DSO is that of the LSM6DSOX."""
    driver, _, _ = rig_of()
    assert driver.identify() == Identity("LSM6DSOX")


@pytest.mark.parametrize(("identity", "part"), [(0x69, "LSM6DS3 "), (0x6A, "LSM6DS3TR-C")])
def test_an_older_part_of_the_family_is_named(rig_of, identity, part):
    """A person reads which part it is and that it is not supported."""
    driver, rig, _ = rig_of()
    rig.faults.identity = identity
    with pytest.raises(
        ChipError, match=rf"0x6A: an {part}.*0x{identity:02X}.*not supported.*LSM6DSOX"
    ) as caught:
        driver.identify()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rate_hz", "code", "watermark"), [(104, 4, 4), (208, 5, 8), (416, 6, 17), (833, 7, 33)]
)
@pytest.mark.parametrize(("range_g", "range_code"), [(2, 0), (4, 2), (8, 3), (16, 1)])
def test_every_setting_reaches_the_chip(rig_of, rate_hz, code, watermark, range_g, range_code):
    """Registers hold rate, range and a watermark of 40 ms on INT2; after the start the FIFO takes it all."""
    driver, rig, _ = rig_of()
    driver.configure(rate_hz, range_g)
    assert rig.bus.read(0x6A, 0x07, 4) == bytes((watermark, 0, code, 0))
    assert rig.bus.read(0x6A, 0x0D, 2) == b"\x00\x08"
    assert rig.bus.read(0x6A, 0x10, 10) == bytes((range_code << 2, 0, 0x44, 0, 0, 0, 0, 0, 0xE2, 0))
    driver.start()
    assert rig.bus.read(0x6A, 0x0A, 1) == b"\x06"
    assert rig.bus.read(0x6A, 0x10, 1)[0] == code << 4 | range_code << 2


def test_what_another_program_left_behind_is_reset(rig_of):
    """An offset, an open bank and an interrupt of another program's do not outlive configuring."""
    driver, rig, _ = rig_of()
    rig.bus.write(0x6A, 0x73, b"\x11\x22\x33")
    rig.bus.write(0x6A, 0x5E, b"\x20")
    rig.bus.write(0x6A, 0x01, b"\x80")
    driver.configure(416, 4)
    assert rig.bus.read(0x6A, 0x73, 3) == bytes(3)
    assert rig.bus.read(0x6A, 0x5E, 1) == rig.bus.read(0x6A, 0x01, 1) == b"\x00"


@pytest.mark.parametrize("int1_ctrl", [0x00, 0x01, 0x08, 0x38])
def test_a_measuring_chip_survives_its_reset(rig_of, int1_ctrl):
    """Neither words coming in nor a high INT1 make the reset fail: both are silenced first."""
    driver, rig, clock = begin(rig_of)
    rig.bus.write(0x6A, 0x0D, bytes((int1_ctrl,)))
    wait(clock, 2.0)
    driver.configure(208, 4)
    driver.start()
    wait(clock, 0.1)
    assert 15 <= driver.drain().produced <= 25


def test_a_register_that_does_not_hold_is_named(rig_of):
    """A failed read-back is a ChipError with register, wanted, got and a likely cause."""
    driver, rig, _ = rig_of()
    keep = rig.chip._store
    rig.chip._store = lambda register, value: keep(register, 0 if register == 0x18 else value)
    with pytest.raises(ChipError, match=r"CTRL9_XL was set to 0xE2 but reads 0x00 \(bad wiring"):
        driver.configure(416, 4)


@pytest.mark.parametrize(("level", "reads"), [(1, 2), (64, 2), (65, 3), (512, 9)])
def test_a_drain_takes_few_transactions(rig_of, level, reads):
    """One for the level and one for every 64 words."""
    driver, rig, clock = begin(rig_of)
    wait(clock, (level - 0.5) / 416)
    seen = transactions(rig)
    assert abs(len(driver.drain().counts) - level) <= 1
    assert abs(len(seen) - reads) <= (level == 64)


def test_settings_are_read_now_and_then(rig_of):
    """A range that somebody else changed is noticed within 32 drains, for one more read in that time."""
    driver, rig, clock = begin(rig_of)
    seen = transactions(rig)
    for _ in range(64):
        wait(clock, 0.04)
        driver.drain()
    assert len(seen) == 2 * 64 + 2
    rig.bus.write(0x6A, 0x10, b"\x60")
    for _ in range(31):
        wait(clock, 0.04)
        driver.drain()
    wait(clock, 0.04)
    with pytest.raises(ConfigurationLostError, match=r"CTRL1_XL reads 0x60 instead of 0x68"):
        driver.drain()


def test_lost_power_is_noticed_at_once(rig_of):
    """The first drain after it finds an empty FIFO, looks at the settings and names what is wrong."""
    driver, rig, clock = begin(rig_of)
    wait(clock, 0.1)
    rig.chip.lose_power()
    with pytest.raises(ConfigurationLostError, match="0x6A: configuration lost: CTRL3_C reads 0x04"):
        driver.drain()


def test_power_lost_within_a_drain_is_noticed(rig_of):
    """Words that the FIFO no longer holds have no sensor's number: the settings are looked at."""
    driver, rig, clock = begin(rig_of)
    wait(clock, 1.0)
    read, lengths = rig.chip.read, []

    def lose_power_later(length):
        lengths.append(length)
        if len(lengths) == 4:
            rig.chip.lose_power()
        return read(length)

    rig.chip.read = lose_power_later
    with pytest.raises(ConfigurationLostError, match="CTRL3_C"):
        driver.drain()


def test_words_of_other_sensors_are_left_out(rig_of):
    """A word of the gyroscope between those of the accelerometer is no set."""
    driver, rig, clock = begin(rig_of)
    wait(clock, 0.1)
    read = rig.chip.read

    def one_of_the_gyroscope(length):
        data = bytearray(read(length))
        if length % 7 == 0:
            data[7:14] = b"\x09" + bytes((0x7F,)) * 6
        return bytes(data)

    rig.chip.read = one_of_the_gyroscope
    block = driver.drain()
    assert block.produced == len(block.counts) > 30
    assert (block.counts[:, :2] < 1000).all()
    rig.bus.write(0x6A, 0x09, b"\x66")
    wait(clock, 0.1)
    with pytest.raises(ConfigurationLostError, match="FIFO_CTRL3 reads 0x66 instead of 0x06"):
        driver.drain()


def test_a_loss_is_told_though_the_fifo_is_full_no_more(rig_of):
    """Words that were lost before a failed drain are reported by the next one, and once."""
    driver, rig, clock = begin(rig_of)
    wait(clock, 2.0)
    rig.bus.read(0x6A, 0x78, 7 * 200)
    assert [driver.drain().overrun for _ in range(2)] == [True, False]


def test_an_impossible_level_is_noticed(rig_of):
    """A level of more than 512 can only be a garbled byte."""
    driver, rig, _ = begin(rig_of)
    rig.chip.read = lambda length: b"\xff" * length
    with pytest.raises(ConfigurationLostError, match="1023 sets of at most 512"):
        driver.drain()


def test_a_transfer_that_breaks_off_leaves_the_axes_in_place(rig_of):
    """After lost bytes the next drain begins with a whole word."""
    driver, rig, clock = begin(rig_of)
    wait(clock, 0.5)
    rig.bus.read(0x6A, 0x78, 4)
    rig.faults.short_read_next()
    with pytest.raises(BusError, match="0x6A"):
        driver.drain()
    counts = driver.drain().counts
    assert (abs(counts[:, :2]) < 100).all()
    assert (counts[:, 2] > 8000).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_self_test_passes_whatever_the_direction(rig_of, monkeypatch, sign):
    """The data sheet limits the size of the shift alone, in mg: it is told in counts, and positive."""
    monkeypatch.setattr(lsm6dsox_output, "SELF_TEST_SHIFT_G", sign * lsm6dsox_output.SELF_TEST_SHIFT_G)
    driver, rig, _ = rig_of()
    driver.configure(833, 16)
    result = driver.self_test()
    assert result.passed
    assert result.shift_counts == pytest.approx((800 / 0.122, 850 / 0.122, 900 / 0.122), abs=10)
    assert result.limits == ((pytest.approx(50 / 0.122), pytest.approx(1700 / 0.122)),) * 3
    assert rig.bus.read(0x6A, 0x10, 5) == b"\x04\x00\x44\x00\x00"


@pytest.mark.parametrize("shift_g", [0.04, 1.8])
def test_a_shift_beyond_its_limits_fails(rig_of, monkeypatch, shift_g):
    """Too little and too much both fail, on every axis."""
    monkeypatch.setattr(lsm6dsox_output, "SELF_TEST_SHIFT_G", np.full(3, shift_g))
    driver, _, _ = rig_of()
    result = driver.self_test()
    assert not result.passed
    assert result.sentence.count("moved") == 3


def test_reading_the_temperature_leaves_the_chip_as_it_was(rig_of):
    """In standby the accelerometer is off again afterwards; measuring, no word is lost."""
    driver, rig, clock = rig_of(TappedMattress(3))
    rig.chip.temperature_c = -3.5
    driver.configure(416, 4)
    assert driver.temperature_c() == -3.5
    assert rig.bus.read(0x6A, 0x10, 1) == b"\x08"
    driver.start()
    rig.chip.temperature_c = 31.25
    wait(clock, 0.5)
    before_ns = clock.boot_ns()
    assert driver.temperature_c() == 31.25
    assert clock.boot_ns() - before_ns < 1_000_000
    assert 205 <= driver.drain().produced <= 212


def test_the_noise_is_that_of_half_the_rate(rig_of):
    """The figure is a density times the root of the bandwidth, with the rounding to a count."""
    driver, _, _ = rig_of()
    assert driver.noise_mg(416, 2) == pytest.approx(
        [math.hypot(0.070 * math.sqrt(208), 0.0176)] * 3, rel=1e-3
    )
    assert driver.noise_mg(104, 16) == pytest.approx(
        [math.hypot(0.110 * math.sqrt(52), 0.1409)] * 3, rel=1e-3
    )


def test_the_time_for_a_set_is_that_of_the_bus(rig_of):
    """On an emulated 400 kHz bus: 63 clocks, and a 64th of what a transfer takes besides."""
    driver, _, _ = rig_of()
    driver.configure(416, 4)
    assert driver.measure_set_s() == pytest.approx((63 + 30 / 64) / 400_000, rel=1e-3)
