"""Unpacks raw samples as bedtick 0.2 and older packed them: differences, zigzag, byte planes, deflate.

Nothing is packed so any more; nights of that time are still read.

    byte 0        0: values less the first row, 1: differences from row to row
    bytes 1-12    first row, three little-endian int32
    bytes 13-     deflate of four byte planes (lowest first) of the zigzag values, axis by axis

The sum at the end of the deflate stream covers the planes alone: a byte changed in the first thirteen goes
unnoticed.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

FORMS = (0, 1)  # what byte 0 may be

_HEADER = struct.Struct("<B3i")


def unpack_deflate(data: bytes, sample_count: int) -> NDArray[np.int32]:
    """Return the samples, (sample_count, 3) int32, of a chunk whose first byte is one of `FORMS`.

    Raises
    ------
    ValueError
        Where the data is damaged or holds another number of samples.
    """
    try:
        differs, *first = _HEADER.unpack_from(data)
        planes = zlib.decompress(data[_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"raw samples are damaged: {error}") from error
    if len(planes) != sample_count * 12:
        raise ValueError(f"raw samples are damaged: {len(planes) // 12} instead of {sample_count}")
    zigzag = np.frombuffer(planes, np.uint8).reshape(4, -1).T.copy().view(np.uint32).reshape(3, -1)
    values = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
    if differs:
        values = np.cumsum(values, axis=1, dtype=np.int32)
    return np.ascontiguousarray(values.T) + np.array(first, np.int32)
