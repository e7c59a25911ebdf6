"""Register tables: packing, and that the ADXL345's table is sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedtick.firmware.chips import adxl345_registers as reg
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


def test_the_table_of_the_adxl345_is_sound():
    """No register of the driver's table overlaps, repeats or leaves its byte."""
    assert table_faults(reg.TABLE) == []


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
