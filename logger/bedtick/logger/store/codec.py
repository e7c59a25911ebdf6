"""Packs raw samples losslessly: differences, zigzag, byte planes, then deflate with runs and Huffman only.

A resting sensor gives a few counts of noise, so nearly every value fits one byte and Huffman's code
comes close to its entropy; matching strings, which is what makes deflate slow, would find nothing.
The noise of a coarse chip packs better as it is, the slow sway of a fine one as differences: the
first byte says which was smaller.

    byte 0        0: values less the first row, 1: differences from row to row
    bytes 1-12    first row, three little-endian int32
    bytes 13-     deflate of four byte planes (lowest first) of the zigzag values, axis by axis
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<B3i")
_LEVEL = 6


def pack(counts: NDArray[np.int32]) -> bytes:
    """Pack samples, (n, 3) int32 with n at least 1, whose values and differences fit 32 bits."""
    first = counts[0]
    values = (counts - first).T
    steps = np.diff(counts, axis=0, prepend=counts[:1]).T
    differs = int(np.abs(steps).sum(dtype=np.int64) < np.abs(values).sum(dtype=np.int64))
    chosen = np.ascontiguousarray(steps if differs else values)
    zigzag = ((chosen << 1) ^ (chosen >> 31)).view(np.uint8).reshape(-1, 4)
    squeeze = zlib.compressobj(_LEVEL, strategy=zlib.Z_RLE)
    return _HEADER.pack(differs, *first.tolist()) + squeeze.compress(zigzag.T.tobytes()) + squeeze.flush()


def unpack(data: bytes, sample_count: int) -> NDArray[np.int32]:
    """Return the samples, (sample_count, 3) int32, that `pack` was given.

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
    if differs > 1:
        raise ValueError(f"raw samples are damaged: no packing is numbered {differs}")
    if len(planes) != sample_count * 12:
        raise ValueError(f"raw samples are damaged: {len(planes) // 12} instead of {sample_count}")
    zigzag = np.frombuffer(planes, np.uint8).reshape(4, -1).T.copy().view(np.uint32).reshape(3, -1)
    values = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
    if differs:
        values = np.cumsum(values, axis=1, dtype=np.int32)
    return np.ascontiguousarray(values.T) + np.array(first, np.int32)
