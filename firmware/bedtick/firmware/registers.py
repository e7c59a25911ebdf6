"""Register tables: what a chip's registers and their fields are called, and how values are packed.

A value that does not fit its field is refused and never masked: masking writes a wrong setting
that reads back as written.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A run of bits within one register."""

    name: str
    low_bit: int
    width: int
    meaning: str

    @property
    def mask(self) -> int:
        """The field's bits within its register."""
        return ((1 << self.width) - 1) << self.low_bit

    def encode(self, value: int) -> int:
        """Return `value` in the field's place; raise ValueError where it does not fit."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{self.name}: {value} does not fit {self.width} bits")
        return value << self.low_bit

    def decode(self, register_value: int) -> int:
        """Return the field's value within the register's value."""
        return (register_value & self.mask) >> self.low_bit


@dataclass(frozen=True)
class Register:
    """One register of 8 bits.

    `access` is "r" or "rw". `reset` is the value after power-up, None where it is not known for certain.
    """

    address: int
    name: str
    access: str
    reset: int | None
    fields: tuple[Field, ...] = ()

    def encode(self, **values: int) -> int:
        """Pack values by field name, the rest 0; raise ValueError for an unknown field or a bad value."""
        fields = {field.name: field for field in self.fields}
        unknown = sorted(values.keys() - fields.keys())
        if unknown:
            raise ValueError(f"{self.name} has no field {', '.join(unknown)}")
        return sum(fields[name].encode(value) for name, value in values.items())

    def decode(self, register_value: int) -> dict[str, int]:
        """Return every field's value by name."""
        return {field.name: field.decode(register_value) for field in self.fields}


def table_faults(table: Iterable[Register]) -> list[str]:
    """Return what is wrong with a table, one sentence a fault; an empty list where all is well."""
    faults: list[str] = []
    addresses: dict[int, str] = {}
    for register in table:
        faults += _register_faults(register)
        if register.address in addresses:
            faults.append(f"{register.name} and {addresses[register.address]} share 0x{register.address:02X}")
        addresses[register.address] = register.name
    names = list(addresses.values())
    faults += [f"two registers are called {name}" for name in sorted(set(names)) if names.count(name) > 1]
    return faults


def _register_faults(register: Register) -> list[str]:
    faults: list[str] = []
    if not 0 <= register.address <= 0xFF:
        faults.append(f"{register.name}: address {register.address} does not fit a byte")
    if register.access not in {"r", "rw"}:
        faults.append(f"{register.name}: access {register.access!r} is neither r nor rw")
    if register.reset is not None and not 0 <= register.reset <= 0xFF:
        faults.append(f"{register.name}: reset {register.reset} does not fit a byte")
    taken = 0
    for field in register.fields:
        if field.width < 1 or field.low_bit < 0 or field.low_bit + field.width > 8:
            faults.append(f"{register.name}.{field.name} does not fit the register")
        elif taken & field.mask:
            faults.append(f"{register.name}.{field.name} overlaps another field")
        else:
            taken |= field.mask
    return faults
