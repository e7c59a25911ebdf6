"""Register tables: packing, and that the table of each chip is sound and kept to."""

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.chips import adxl345_registers as reg
from bedtick.firmware.emulator import Still
from bedtick.firmware.registers import Field, Register, table_faults

PACKED = Register(
    0x10, "PACKED", "rw", 0, (Field("HIGH", 5, 3, "h"), Field("MIDDLE", 2, 2, "m"), Field("LOW", 0, 1, "l"))
)


@given(high=st.integers(0, 7), middle=st.integers(0, 3), low=st.integers(0, 1))
def test_decoding_undoes_encoding(high, middle, low):
    """Whatever fits its fields comes back as it was packed."""
    packed = PACKED.encode(HIGH=high, MIDDLE=middle, LOW=low)
    assert PACKED.decode(packed) == {"HIGH": high, "MIDDLE": middle, "LOW": low}
    assert packed == high * 32 + middle * 4 + low


@pytest.mark.parametrize("value", [-1, 4, 256])
def test_a_value_that_does_not_fit_is_refused_by_name(value):
    """A value too large or negative is refused rather than masked."""
    with pytest.raises(ValueError, match="MIDDLE"):
        PACKED.encode(MIDDLE=value)


def test_an_unknown_field_is_refused_by_name():
    """A field that the register lacks is refused."""
    with pytest.raises(ValueError, match="PACKED has no field WRONG"):
        PACKED.encode(WRONG=1)


def table_of(name):
    """Return the register table of a chip's driver."""
    return import_module(f"bedtick.firmware.chips.{name}_registers").TABLE


@pytest.mark.parametrize("name", CHIPS)
def test_the_table_of_each_chip_is_sound(name):
    """No register of a driver's table overlaps, repeats or leaves its byte."""
    assert table_faults(table_of(name)) == []


@pytest.mark.parametrize("name", CHIPS)
def test_a_driver_writes_only_what_can_be_written(make_rig, name):
    """Whatever is asked of a driver, each register it writes to is in its table, as one to be written."""
    driver, rig, clock = make_rig(Still(), name)
    keep, written = rig.chip.write, set()

    def note(data):
        written.update(range(data[0], data[0] + len(data) - 1))
        keep(data)

    rig.chip.write = note
    driver.self_test()
    driver.configure(driver.rates_hz[0], driver.usual_range_g)
    driver.temperature_c()
    driver.start()
    clock.sleep_until(clock.boot_ns() + 50_000_000)
    driver.drain()
    driver.stop()
    assert written
    assert written <= {register.address for register in table_of(name) if register.access == "rw"}


@pytest.mark.parametrize(
    ("register", "fault"),
    [
        (Register(0x100, "FAR", "rw", 0), "does not fit a byte"),
        (Register(0x11, "ODD", "w", 0), "neither r nor rw"),
        (Register(0x11, "BIG", "rw", 256), "reset 256"),
        (Register(0x11, "WIDE", "rw", 0, (Field("A", 6, 3, "a"),)), "WIDE.A does not fit"),
        (
            Register(0x11, "TWICE", "rw", 0, (Field("A", 0, 2, "a"), Field("B", 1, 1, "b"))),
            "TWICE.B overlaps",
        ),
        (Register(0x10, "OTHER", "rw", 0), "share 0x10"),
        (Register(0x11, "PACKED", "rw", 0), "two registers are called PACKED"),
    ],
)
def test_each_fault_of_a_table_is_named(register, fault):
    """The table check finds every kind of fault it is there for."""
    assert fault in " ".join(table_faults((PACKED, register)))


def test_unused_registers_are_all_writable():
    """What the driver clears before use can be written."""
    assert {register.access for register in reg.UNUSED} == {"rw"}
