"""How small raw samples get, beside FLAC, zstd and others, and how long packing and unpacking take.

Every packing gets the same chunks of 8 s, each by itself, and its whole output counts: headers, checksums and
all. Sizes are given as a ratio to the chunk's entropy: of each axis, of the best of its residuals under the
five simple predictions that FLAC calls fixed (none, and differences of order 1 to 4), from the chunk's own
frequencies. A code that knew these frequencies beforehand and predicted no better would have the ratio 1.

The noise is white, drawn with a fixed seed and rounded to counts of the ADXL345 (3.9 mg); real recordings
are rounded to them as well, and once kept as the chip gave them. `flac` and `zstd` are those on the path.
What is not there is left out, and said to be. BEDTICK_DATA names the folder of recordings. Times are of the
processor, one core.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.recording_file import load_recording
from bedtick.logger.importer import as_counts
from bedtick.logger.store.codec import pack, unpack
from bedtick.logger.store.raw import read_raw

RATE_HZ = 400
CHUNK_S = 8
HOURS = 8
NOISES_LSB = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2)
LENGTHS_S = (1, 2, 5, 8, 30)
CHUNKS = 20
MOST_RATIO = 1.08
MOST_DECODE_S = 2.0
REST_COUNTS = (3.3, -7.8, 255.4)
ADXL345_LSB = np.array(
    [1.05, 1.05, 1.56]
)  # data sheet revision G, table 1: 290 and 430 ug/sqrt(Hz), 200 Hz wide
RECORDINGS = (
    ("mpu6050-still-99hz.npz", "adxl345"),
    ("mpu6050-still-99hz.npz", None),
    ("ax3-adxl345-196hz.npz", "adxl345"),
)

Counts = NDArray[np.int32]


def noise(noise_lsb: float | NDArray[np.float64], chunks: int = CHUNKS, sway_counts: float = 0.0) -> Counts:
    """Return white noise of a resting sensor, on slow sway where asked, (n, 3)."""
    count = chunks * CHUNK_S * RATE_HZ
    time_s = np.arange(count) / RATE_HZ
    sway = sway_counts * np.sin(2 * np.pi * 0.25 * time_s)[:, None] * [0.3, 1.0, 0.5]
    drawn = np.random.default_rng(5).normal(size=(count, 3)) * noise_lsb
    return np.rint(drawn + sway + REST_COUNTS).astype(np.int32)


def in_chunks(counts: Counts, rate_hz: float, chunk_s: float = CHUNK_S) -> list[Counts]:
    """Cut samples into chunks; a rest is left out."""
    length = round(chunk_s * rate_hz)
    return [counts[start : start + length] for start in range(0, len(counts) - length + 1, length)]


def entropy_bytes(counts: Counts) -> float:
    """Return the entropy of a chunk under the best simple prediction of each axis."""

    def entropy_bits(values: NDArray[np.int64]) -> float:
        _, times = np.unique(values, return_counts=True)
        return float(times @ np.log2(len(values) / times))

    axes = counts.T.astype(np.int64)
    return sum(min(entropy_bits(np.diff(axis, order)) for order in range(5)) for axis in axes) / 8


def run(command: list[str], data: bytes) -> int:
    """Return how many bytes a program makes of what it is given."""
    return len(subprocess.run(command, input=data, capture_output=True, check=True).stdout)


def flac_bytes(counts: Counts) -> int:
    """Return the size of a FLAC file with three channels of 16 bits, or of 24 where they are needed."""
    wide = np.abs(counts).max() > np.iinfo(np.int16).max
    data = np.ascontiguousarray(counts, "<i4").view(np.uint8).reshape(-1, 4)[:, : 3 if wide else 2].tobytes()
    shape = [
        "--channels=3",
        f"--bps={24 if wide else 16}",
        "--sample-rate=400",
        "--sign=signed",
        "--endian=little",
    ]
    return run(["flac", "--best", "--no-padding", "--silent", "--force-raw-format", *shape, "-"], data)


def zstd_bytes(counts: Counts) -> int:
    """Return the size of a frame without checksum: of rows or of axes, whichever is smaller."""
    narrow = counts.astype(np.int16 if np.abs(counts).max() <= np.iinfo(np.int16).max else np.int32)
    command = ["zstd", "-19", "--no-check", "--stdout", "-q"]
    return min(run(command, narrow.tobytes()), run(command, narrow.T.tobytes()))


def blosc2_bytes(counts: Counts) -> int:
    """Return the size of Blosc2's best: bits shuffled, then zstd at level 9, axis by axis."""
    import blosc2  # noqa: PLC0415  only where it is installed

    narrow = counts.astype(np.int16 if np.abs(counts).max() <= np.iinfo(np.int16).max else np.int32)
    filters = [blosc2.Filter.BITSHUFFLE]
    axes = np.ascontiguousarray(narrow.T)
    return len(
        blosc2.compress2(axes, codec=blosc2.Codec.ZSTD, clevel=9, filters=filters, typesize=axes.itemsize)
    )


def deflate_bytes(counts: Counts) -> int:
    """Return the size of what bedtick 0.2 made: byte planes of values or steps, deflated."""
    values, steps = (counts - counts[0]).T, np.diff(counts, axis=0, prepend=counts[:1]).T
    chosen = np.ascontiguousarray(steps if np.abs(steps).sum() < np.abs(values).sum() else values)
    planes = ((chosen << 1) ^ (chosen >> 31)).view(np.uint8).reshape(-1, 4).T.tobytes()
    squeeze = zlib.compressobj(6, strategy=zlib.Z_RLE)
    return struct.calcsize("<B3i") + len(squeeze.compress(planes) + squeeze.flush())


def packings() -> dict[str, Callable[[Counts], int]]:
    """Return what can be measured here, and say what can not."""
    found: dict[str, Callable[[Counts], int]] = {"bedtick": lambda counts: len(pack(counts))}
    for name, size_of in (("flac", flac_bytes), ("zstd", zstd_bytes)):
        if shutil.which(name):
            found[f"{name} {'--best' if name == 'flac' else '-19'}"] = size_of
        else:
            print(f"{name} is not on the path: left out (the package of the system is called {name})")
    if importlib.util.find_spec("blosc2"):
        found["Blosc2"] = blosc2_bytes
    else:
        print("Blosc2 is not installed: left out")
    return found | {"bedtick 0.2": deflate_bytes}


def inputs() -> Iterator[tuple[str, list[Counts]]]:
    """Give the name and the chunks of each line of the table."""
    for noise_lsb in NOISES_LSB:
        yield f"white noise, {noise_lsb} LSB", in_chunks(noise(noise_lsb), RATE_HZ)
    yield "ADXL345's own noise", in_chunks(noise(ADXL345_LSB), RATE_HZ)
    yield "the same on sway of 4 LSB", in_chunks(noise(ADXL345_LSB, sway_counts=4.0), RATE_HZ)
    folder = os.environ.get("BEDTICK_DATA")
    for name, chip in RECORDINGS if folder else ():
        recording = load_recording(Path(folder or "") / name)
        counts = as_counts(recording, chip, 4).counts
        yield f"{name}, {chip or 'its own counts'}", in_chunks(counts, recording.nominal_hz)
    if not folder:
        print("BEDTICK_DATA is not set: no real recordings")


def print_sizes() -> bool:
    """Print the table of sizes; return whether bedtick's are within their bound and the smallest."""
    table = packings()
    print("| input | entropy, bits a value | " + " | ".join(table) + " |\n|---|--:|" + "--:|" * len(table))
    good = True
    for name, chunks in inputs():
        bound = sum(map(entropy_bytes, chunks))
        ratios = [sum(map(size_of, chunks)) / bound for size_of in table.values()]
        values = sum(chunk.size for chunk in chunks)
        cells = " | ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"| {name} | {bound * 8 / values:.2f} | {cells} |", flush=True)
        good &= ratios[0] == min(ratios) and (not name.startswith("white") or ratios[0] <= MOST_RATIO)
    return good


def print_lengths() -> None:
    """Print what a night takes in chunks of other lengths."""
    print(f"\n| length of a chunk, s | {HOURS} h of the ADXL345's own noise at {RATE_HZ} Hz, MB |\n|--:|--:|")
    counts = noise(ADXL345_LSB, chunks=30)
    for chunk_s in LENGTHS_S:
        chunks = in_chunks(counts, RATE_HZ, chunk_s)
        per_sample = sum(len(pack(chunk)) for chunk in chunks) / sum(map(len, chunks))
        print(f"| {chunk_s} | {per_sample * RATE_HZ * HOURS * 3600 / 1e6:.1f} |")


def print_times(name: str, counts: Counts) -> bool:
    """Print how long packing, unpacking and reading 8 h take; return whether reading is within its bound."""
    chunks = in_chunks(counts, RATE_HZ)
    start = time.process_time()
    packed = [pack(chunk) for chunk in chunks]
    pack_s = time.process_time() - start
    start = time.process_time()
    for data in packed:
        unpack(data, len(chunks[0]))
    unpack_s = time.process_time() - start
    read_s = read_night_s(packed)
    samples = sum(map(len, chunks))
    print(
        f"| {name} | {pack_s / samples * 1e9:.0f} | {unpack_s / samples * 1e9:.0f} | {read_s:.2f} |",
        flush=True,
    )
    return read_s < MOST_DECODE_S


def read_night_s(packed: list[bytes]) -> float:
    """Return how long it takes to read 8 h of such chunks out of a database, every sample unpacked."""
    length = CHUNK_S * RATE_HZ
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE raw_chunks (recording_id, first_sample, sample_count, data)")
    chunks = ((1, k * length, length, packed[k % len(packed)]) for k in range(HOURS * 3600 // CHUNK_S))
    connection.executemany("INSERT INTO raw_chunks VALUES (?, ?, ?, ?)", chunks)
    start = time.process_time()
    read = sum(len(chunk.counts) for chunk in read_raw(connection, 1, 0, 1 << 40) if chunk.counts is not None)
    took_s = time.process_time() - start
    connection.close()
    if read != HOURS * 3600 * RATE_HZ:
        raise SystemExit(f"{read} samples came back")
    return took_s


def main() -> None:
    """Print the tables, and whether the bounds are kept."""
    small = print_sizes()
    print_lengths()
    print(
        f"\n| 400 Hz, three axes | pack, ns a sample | unpack, ns a sample | {HOURS} h out of a database, s |"
    )
    print("|---|--:|--:|--:|")
    quick = print_times("ADXL345's own noise", noise(ADXL345_LSB, chunks=200))
    quick &= print_times("the same on sway of 4 LSB", noise(ADXL345_LSB, chunks=200, sway_counts=4.0))
    print(f"\nat most {MOST_RATIO} on white noise, and the smallest throughout: {'yes' if small else 'NO'}")
    print(f"{HOURS} h unpacked in under {MOST_DECODE_S:.0f} s: {'yes' if quick else 'NO'}")


if __name__ == "__main__":
    main()
