"""Packs raw samples losslessly, a chunk at a time: each axis less its median, then pcodec, then a checksum.

pcodec (Pco) predicts each number from those before it, where that helps, sorts what is left into bins,
codes the bins by their frequency (tANS) and packs the place inside the bin as plain bits. That comes within
a few percent of the entropy of a sensor's noise. What is bedtick's own part: the narrowest integers that
hold the values, so that bins are described in few bytes; all axes in one stream where they are about
equally loud, so that there is one description for three; and the choice of a prediction: none for white
noise, else the smallest of none, differences, and a linear one from the last four values.

    byte 0        2: packed as here; 0 and 1 are older, see codec_deflate.py
    byte 1        bytes of one value: 1, 2 or 4, two's complement
    byte 2        streams: 1 for all axes one after the other, 3 for one an axis
    bytes 3-6     number of samples, little-endian uint32
    bytes 7-18    medians of the three axes, little-endian int32
    bytes 19-     Pco's header, then of each stream its metadata and its one page (Pco's wrapped format)
    last 4        CRC-32 of all bytes before, little-endian

The checksum is looked at first: any change within 32 bits in a row is found for certain, of wider damage
all but one in four thousand million. Pco never sees damaged data.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, DeltaSpec, ModeSpec, PagingSpec, wrapped

from bedtick.logger.store import codec_deflate

PACKING = 2

_HEADER = struct.Struct("<BBBI3i")
_CHECKSUM = struct.Struct("<I")
_MOST_NUMBERS = 1 << 24  # in a Pco chunk: with pages as long, one page is all of it
_WIDTHS = (np.int8, np.int16, np.int32)
_ALIKE = 2.0  # loudest axis over quietest; further apart, a table for each is worth its bytes
_WHITE = 1.3  # steps over spread: 1.41 in white noise, less where the last value tells about the next


def _way(delta: DeltaSpec) -> ChunkConfig:
    return ChunkConfig(
        mode_spec=ModeSpec.auto(),  # finds a common divisor, which imported files often have
        delta_spec=delta,
        paging_spec=PagingSpec.equal_pages_up_to(_MOST_NUMBERS),
        enable_8_bit=True,
    )


_AS_THEY_ARE = _way(DeltaSpec.no_op())
_AS_STEPS = _way(DeltaSpec.try_consecutive(1))
_PREDICTED_FROM = 4
_PREDICTED = _way(DeltaSpec.try_conv1(_PREDICTED_FROM))
_PREDICTED_AT_ONCE = 512  # values; a batch of pcodec's


def pack(counts: NDArray[np.int32]) -> bytes:
    """Pack samples, (n, 3) int32 of any size; n from 1 to 5.5 million."""
    medians = np.partition(counts, len(counts) // 2, axis=0)[len(counts) // 2]
    offsets = np.ascontiguousarray((counts - medians).T)  # may wrap round; so does the sum in `unpack`
    spreads, steps = _mean_sizes(offsets)
    loudness = np.minimum(spreads, steps)
    alike = float(loudness.max()) <= _ALIKE * float(loudness.min())
    white = float(steps.sum()) > _WHITE * float(spreads.sum())
    numbers = _narrowed(offsets)
    streams = [numbers.ravel()] if alike else list(numbers)
    ways = (_AS_THEY_ARE,) if white else _ways(len(streams[0]))
    body = min((_packed(streams, way) for way in ways), key=len)
    header = _HEADER.pack(PACKING, numbers.itemsize, len(streams), len(counts), *medians.tolist())
    return header + body + _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(header)))


def unpack(data: bytes, sample_count: int) -> NDArray[np.int32]:
    """Return the samples, (sample_count, 3) int32, that `pack` of this or an older version was given.

    Raises
    ------
    ValueError
        Where the data is damaged, holds another number of samples, or is of a newer version.
    """
    if data and data[0] in codec_deflate.FORMS:
        return codec_deflate.unpack_deflate(data, sample_count)
    width, stream_count, count, medians = _read_header(data)
    if count != sample_count:
        raise ValueError(f"raw samples are damaged: {count} instead of {sample_count}")
    offsets = np.empty((3, count), f"i{width}")
    try:
        _unpack_streams(data[_HEADER.size : -_CHECKSUM.size], offsets.reshape(stream_count, -1))
    except RuntimeError as error:
        raise ValueError(f"raw samples can not be unpacked: {error}") from error
    counts = np.empty((count, 3), np.int32)
    np.add(offsets.T, medians, out=counts)
    return counts


def _mean_sizes(offsets: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how large, by axis, the values are on average, and the steps from one to the next."""
    values = offsets.astype(np.float64)
    steps = np.diff(values, axis=1, prepend=values[:, :1])
    return np.abs(values).mean(axis=1), np.abs(steps).mean(axis=1)


def _narrowed(offsets: NDArray[np.int32]) -> NDArray[np.signedinteger]:
    low, high = int(offsets.min()), int(offsets.max())
    fitting = (width for width in _WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return offsets.astype(next(fitting))


def _ways(length: int) -> tuple[ChunkConfig, ...]:
    """Return what is worth trying with streams of this length that are not white."""
    # pcodec 1.1.0 breaks off where its last batch is shorter than what it predicts from.
    if 0 < length % _PREDICTED_AT_ONCE < _PREDICTED_FROM:
        return _AS_THEY_ARE, _AS_STEPS
    return _AS_THEY_ARE, _AS_STEPS, _PREDICTED


def _packed(streams: list[NDArray[np.signedinteger]], way: ChunkConfig) -> bytes:
    file = wrapped.FileCompressor()
    chunks = [file.chunk_compressor(stream, way) for stream in streams]
    parts = [part for chunk in chunks for part in (chunk.write_meta(), chunk.write_page(0))]
    return b"".join([file.write_header(), *parts])


def _read_header(data: bytes) -> tuple[int, int, int, NDArray[np.int32]]:
    """Return bytes of a value, number of streams, number of samples and medians, once the checksum fits."""
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise ValueError(f"raw samples are damaged: {len(data)} bytes are no chunk")
    if data[0] != PACKING:
        raise ValueError(f"raw samples are damaged, or of a newer bedtick: no packing is numbered {data[0]}")
    (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
    if checksum != zlib.crc32(memoryview(data)[: -_CHECKSUM.size]):
        raise ValueError("raw samples are damaged: the checksum does not fit")
    _, width, stream_count, count, *medians = _HEADER.unpack_from(data)
    return width, stream_count, count, np.array(medians, np.int32)


def _unpack_streams(body: bytes, streams: NDArray[np.signedinteger]) -> None:
    """Fill the streams, one a row."""
    file, at = wrapped.FileDecompressor.new(body)
    for stream in streams:
        chunk, meta_bytes = file.chunk_decompressor(body[at:], f"i{8 * stream.itemsize}")
        at += meta_bytes
        _, page_bytes = chunk.read_page_into(body[at:], len(stream), stream)
        at += page_bytes
