"""Raw samples come back from their packing as they were, or not at all; and the packing is small."""

from __future__ import annotations

import base64
import re
import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bedtick.firmware.recording_file import load_recording
from bedtick.logger.importer import as_counts
from bedtick.logger.store.codec import PACKING, pack, unpack
from bedtick.logger.store.raw import read_raw

LOWEST, HIGHEST = -(2**31), 2**31 - 1
ADXL345_HZ = 400
CHUNK_SAMPLES = 8 * ADXL345_HZ
ROWS = np.arange(40)
# Packed by bedtick 0.2.0: as values less the first row, and as differences.
OLDER = {
    0: (
        "0R8{}|NH;{{{R610C)lI!NCc{Fc1X6VQ7{{7$b!8kJVY+>#9=0rh-icn+i4+Y${}3&urd4S=Te0w@=pf%;xQrbv?5)l}sg5"
        "$y73xOeIsvRPy%|AE_t;*8"
    ),
    1: (
        "0RR9100000002M$0C)joU}EFq6B3h>Q&Q8?GcvQXb8_?Y3kr*hOG?YiD=Mq1YijH2n>1|}LpX7Ofq{XEfq{vEfr){EiGhKM"
        "fq{vEfr){EiGhKMfq{vEfr){EiGhKMfmpyq9AFp)SOEZ0*BOi"
    ),
}
OLDER_SAMPLES = {
    0: np.stack([(ROWS * ROWS) % 7 - 3, (ROWS * 5) % 11 - 5, 256 + (ROWS * 3) % 5], axis=1),
    1: np.stack([ROWS * ROWS, -300 * ROWS, 16384 + ROWS // 3], axis=1),
}


def rows(low, high):
    """Blocks of 1 to 200 samples."""
    shape = st.integers(1, 200).map(lambda n: (n, 3))
    return arrays(np.int32, shape, elements=st.integers(low, high))


def noise(seed, noise_lsb, seconds=8, mean=(3.3, -7.8, 255.4)):
    """Return what a chip at rest gives: white noise of so many counts an axis, rounded."""
    count = seconds * ADXL345_HZ
    drawn = np.random.default_rng(seed).normal(size=(count, 3)) * noise_lsb
    return np.rint(np.clip(drawn + mean, LOWEST, HIGHEST)).astype(np.int32)


def entropy_bytes(values):
    """Return what values take where each costs as many bits as its frequency among them says."""
    _, times = np.unique(values, return_counts=True)
    return float(times @ np.log2(len(values) / times)) / 8


def bound_bytes(counts):
    """Return the entropy of a chunk: of each axis, of the best of its residuals under five predictions."""
    axes = counts.astype(np.int64).T
    return sum(min(entropy_bytes(np.diff(axis, order)) for order in range(5)) for axis in axes)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows(LOWEST, HIGHEST) | rows(-1024, 1023) | rows(-1, 1) | rows(HIGHEST - 3, HIGHEST))
def test_samples_come_back(counts):
    """Any samples of 32 bits come back the same, as int32 in the order in which they lie in memory."""
    back = unpack(pack(counts), len(counts))
    assert back.dtype == np.int32
    assert back.flags.c_contiguous
    assert np.array_equal(back, counts)


@pytest.mark.parametrize("value", [0, 256, HIGHEST, LOWEST])
@pytest.mark.parametrize("count", [1, 2, 2000])
def test_constant_samples_come_back_small(value, count):
    """A stuck sensor packs to next to nothing."""
    counts = np.full((count, 3), value, np.int32)
    data = pack(counts)
    assert np.array_equal(unpack(data, count), counts)
    assert len(data) < 60


def test_the_extremes_in_turn_come_back():
    """Samples that jump from one extreme to the other wrap round on the way there and on the way back."""
    counts = np.tile([[HIGHEST] * 3, [LOWEST] * 3], (50, 1)).astype(np.int32)
    assert np.array_equal(unpack(pack(counts), 100), counts)


@pytest.mark.parametrize("noise_lsb", [0.3, 40.0, 20_000.0, 3e8])
def test_every_width_comes_back(noise_lsb):
    """Chunks whose values need 1, 2 or 4 bytes come back, quiet or swaying, with axes alike or not."""
    for shape in (1.0, [1.0, 1.0, 5.0]):
        counts = noise(4, noise_lsb * np.array(shape), mean=(0, 0, 0))
        swaying = np.cumsum(counts, axis=0, dtype=np.int32)
        assert np.array_equal(unpack(pack(counts), len(counts)), counts)
        assert np.array_equal(unpack(pack(swaying), len(counts)), swaying)


def test_a_very_long_chunk_comes_back():
    """A chunk of far more numbers than pcodec puts on one page by itself comes back whole."""
    counts = np.random.default_rng(6).integers(-5, 6, (200_000, 3), dtype=np.int32)
    assert np.array_equal(unpack(pack(counts), len(counts)), counts)


@pytest.mark.parametrize("louder", [1, 9])
def test_every_length_comes_back(louder):
    """Swaying samples, whose prediction pcodec makes 512 at once, come back at any length near multiples."""
    sway = np.rint(300 * np.sin(np.arange(1100) / 40.0))[:, None] * np.array([1, 1, louder])
    for count in (*range(1, 24), *range(160, 182), *range(330, 352), *range(505, 530), *range(1020, 1040)):
        counts = sway[:count].astype(np.int32) + noise(count, 1.0)[:count]
        assert np.array_equal(unpack(pack(counts), count), counts)


def test_a_view_packs_like_a_copy():
    """A slice, and a block in the other order in memory, pack as their values do."""
    counts = np.random.default_rng(0).integers(-9, 9, (400, 3), dtype=np.int32)
    assert pack(counts[100:200]) == pack(counts[100:200].copy()) == pack(np.asfortranarray(counts[100:200]))


@pytest.mark.parametrize("noise_lsb", [1.0, 1.25, 1.5, 1.75, 2.0, 2.2])
def test_noise_packs_close_to_its_entropy(noise_lsb):
    """8 s of a resting ADXL345 take at most 1.08 of their entropy, all of the chunk's bytes counted."""
    for seed in range(5):
        counts = noise(seed, noise_lsb)
        assert len(pack(counts)) <= 1.08 * bound_bytes(counts)


def test_what_a_chunk_says_of_itself_is_short():
    """Where few values occur, headers, checksum and the code's own table are some 3 % of a chunk."""
    for seed in range(5):
        counts = noise(seed, 1.0)
        assert len(pack(counts)) <= 1.033 * bound_bytes(counts)


def test_a_louder_axis_packs_close_to_its_entropy():
    """So do 8 s with one axis half as loud again, as the ADXL345's z is, and with one four times as loud."""
    for louder in (1.5, 4.0):
        counts = noise(7, np.array([1.05, 1.05, 1.05 * louder]))
        assert len(pack(counts)) <= 1.08 * bound_bytes(counts)


def test_sway_packs_below_the_simple_predictions():
    """Slow sway under the noise costs less than any of five simple predictions leaves."""
    time_s = np.arange(CHUNK_SAMPLES) / ADXL345_HZ
    sway = 40.0 * np.sin(2 * np.pi * 0.25 * time_s)[:, None] * [0.3, 1.0, 0.5]
    counts = noise(9, 1.2) + np.rint(sway).astype(np.int32)
    assert len(pack(counts)) < bound_bytes(counts)


def test_the_header_is_as_documented():
    """Bytes read by the page's table say what a chunk is; the last four are the sum of the rest."""
    page = (Path(__file__).parents[2] / "docs" / "raw-samples.md").read_text()
    layout = page.split("| byte | length | meaning |")[1].split("\n\n")[0]
    fields = [
        (int(at), int(length)) for at, length in re.findall(r"^\| (\d+) \| (\d+) \|", layout, re.MULTILINE)
    ]
    data = pack(np.tile([5, -300, 70_000], (260, 1)).astype(np.int32))
    read = {at: data[at : at + length] for at, length in fields}
    assert (read[0], read[2], read[3]) == (b"\x02", b"\x01", (260).to_bytes(4, "little"))
    assert struct.unpack("<3i", read[7]) == (5, -300, 70_000)
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")


def test_every_changed_byte_is_found():
    """A chunk with any one byte changed, to a few other values and to the older packings', is refused."""
    counts = noise(1, 1.2, seconds=1)
    data = pack(counts)
    for place in range(len(data)):
        for change in {1, 0x80, 0xFF, data[place], data[place] ^ 1} - {0}:
            changed = bytearray(data)
            changed[place] ^= change
            with pytest.raises(ValueError, match="damaged"):
                unpack(bytes(changed), len(counts))


def test_every_cut_is_found():
    """A chunk cut short anywhere, or with a byte too many, is refused."""
    counts = noise(2, 1.2, seconds=1)
    data = pack(counts)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="damaged"):
            unpack(data[:length], len(counts))
    with pytest.raises(ValueError, match="damaged"):
        unpack(data + b"\0", len(counts))


@pytest.mark.parametrize("packing", [3, 77, 255])
def test_a_newer_packing_is_refused(packing):
    """A first byte that names no way of packing is refused, though the checksum fits."""
    changed = bytes([packing]) + pack(np.zeros((4, 3), np.int32))[1:-4]
    with pytest.raises(ValueError, match=f"newer bedtick.* {packing}"):
        unpack(changed + struct.pack("<I", zlib.crc32(changed)), 4)


def test_what_pcodec_refuses_is_refused():
    """A chunk whose checksum fits and whose streams are none is refused like a damaged one."""
    header = pack(np.zeros((4, 3), np.int32))[:19]
    changed = header + b"\xff" * 30
    with pytest.raises(ValueError, match="can not be unpacked"):
        unpack(changed + struct.pack("<I", zlib.crc32(changed)), 4)


@pytest.mark.parametrize("count", [0, 59, 61])
def test_another_number_of_samples_is_refused(count):
    """Data that holds more or fewer samples than its row says is refused with both numbers."""
    data = pack(np.zeros((60, 3), np.int32))
    assert data[0] == PACKING
    with pytest.raises(ValueError, match=f"60 instead of {count}"):
        unpack(data, count)


@pytest.mark.parametrize("form", OLDER)
def test_older_packings_are_still_read(form):
    """What bedtick 0.2.0 packed comes back, in either of its forms."""
    data = base64.b85decode(OLDER[form])
    assert data[0] == form
    assert np.array_equal(unpack(data, 40), OLDER_SAMPLES[form])


@pytest.mark.parametrize("form", OLDER)
def test_cut_older_packings_are_found(form):
    """Their data cut short anywhere, or with another number of samples, is refused."""
    data = base64.b85decode(OLDER[form])
    for length in range(len(data)):
        with pytest.raises(ValueError, match="damaged"):
            unpack(data[:length], 40)
    with pytest.raises(ValueError, match="40 instead of 39"):
        unpack(data, 39)


@pytest.mark.parametrize("form", OLDER)
def test_changes_in_older_packings_give_no_other_samples(form):
    """A byte changed behind their first thirteen is refused, or was one that says nothing."""
    data = base64.b85decode(OLDER[form])
    refused = 0
    for place in range(13, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x10
        try:
            back = unpack(bytes(changed), 40)
        except ValueError:
            refused += 1
        else:
            assert np.array_equal(back, OLDER_SAMPLES[form])
    assert refused > len(data) - 16


def test_damaged_chunks_are_read_as_gaps():
    """A damaged and a pruned chunk are handed out without counts, whole ones beside them with theirs."""
    chunks = [noise(seed, 1.1, seconds=1) for seed in range(4)]
    data = [pack(counts) for counts in chunks]
    data[1] = data[1][:60] + b"\x55" + data[1][61:]
    data[2] = None
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE raw_chunks (recording_id, first_sample, sample_count, data)")
        stored = [(1, number * ADXL345_HZ, ADXL345_HZ, blob) for number, blob in enumerate(data)]
        connection.executemany("INSERT INTO raw_chunks VALUES (?, ?, ?, ?)", stored)
        read = list(read_raw(connection, 1, 0, 4 * ADXL345_HZ))
    assert [chunk.counts is None for chunk in read] == [False, True, True, False]
    assert [chunk.first_sample for chunk in read] == [0, 400, 800, 1200]
    assert np.array_equal(read[0].counts, chunks[0])
    assert np.array_equal(read[3].counts, chunks[3])


@pytest.mark.parametrize(
    ("name", "chip", "most_bytes"),
    [
        ("mpu6050-still-99hz.npz", "adxl345", 0.90),
        ("ax3-adxl345-196hz.npz", "adxl345", 0.98),
        ("mpu6050-still-99hz.npz", None, 2.42),
    ],
)
def test_real_samples_pack_well(data_folder, name, chip, most_bytes):
    """Real recordings come back the same and take few of the 12 bytes a sample, in chunks of 8 s."""
    recording = load_recording(data_folder / name)
    counts = as_counts(recording, chip, 4).counts
    chunk = round(8 * recording.nominal_hz)
    size = 0
    for start in range(0, len(counts), chunk):
        part = counts[start : start + chunk]
        data = pack(part)
        size += len(data)
        assert np.array_equal(unpack(data, len(part)), part)
    assert size / len(counts) < most_bytes
