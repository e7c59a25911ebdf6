"""Reads one row as SQLite stores it: a header of types, then the values.

A record begins with the length of its header; each number of the header gives type and length of one value
(SQLite, Database File Format, section 2.1). All of its numbers are varints: seven bits a byte, the highest
first, at most nine bytes, of which the last gives all eight.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = int | float | str | bytes | None
_INT_BYTES = (0, 1, 2, 3, 4, 6, 8)  # of the types 0 to 6
_REAL = struct.Struct(">d")


class DamagedError(Exception):
    """What was read is no page, or no record, that SQLite would write."""


class LostTail:
    """Stands for a last value that was cut off."""


LOST: Final = LostTail()


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place, signed, and the place behind it."""
    value = 0
    for length in range(1, 9):
        if at + length > len(data):
            break
        byte = data[at + length - 1]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + length
    if at + 9 > len(data):
        raise DamagedError("a number is cut off")
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9


def decode(payload: bytes, size: int) -> list[Value | LostTail]:
    """Return the values of a record.

    Parameters
    ----------
    payload
        The record, or as much of it as there is.
    size
        How many bytes it has when it is whole.

    Raises
    ------
    DamagedError
        Where it is no record of this size, or more than the last value is cut off.
    """
    header, _ = varint(payload, 0)
    if not 0 < header <= min(size, len(payload)):
        raise DamagedError("a record's header is longer than the record")
    layout = _layout(payload[:header])
    if header + sum(length for _, length in layout) != size:
        raise DamagedError("a record has another length than its header says")
    at = header
    values: list[Value | LostTail] = []
    for kind, length in layout:
        if at + length > len(payload):
            if len(values) + 1 < len(layout):
                raise DamagedError("a record is cut off")
            values.append(LOST)
        else:
            values.append(_value(kind, payload[at : at + length]))
        at += length
    return values


@lru_cache(maxsize=4096)
def _layout(header: bytes) -> Sequence[tuple[int, int]]:
    """Return type and length of each value; most rows of a table share a few headers."""
    _, at = varint(header, 0)
    layout = []
    while at < len(header):
        kind, at = varint(header, at)
        if kind < 0 or kind in (10, 11):
            raise DamagedError("a record's header holds no types")
        layout.append((kind, _length(kind)))
    if at != len(header):
        raise DamagedError("a record's header is cut off")
    return layout


def _length(kind: int) -> int:
    if kind < 7:
        return _INT_BYTES[kind]
    if kind == 7:
        return 8
    return 0 if kind < 12 else (kind - 12) // 2


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind < 7:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        return _real(data)
    if kind < 12:
        return kind - 8
    if kind % 2 == 0:
        return bytes(data)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DamagedError("a text is no text") from error


def _real(data: bytes) -> float:
    value: float = _REAL.unpack(data)[0]
    if value != value:  # noqa: PLR0124  SQLite never stores what is not a number
        raise DamagedError("a number is none")
    return value
