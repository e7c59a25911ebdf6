"""Raw samples come back from their packing as they were, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bedtick.firmware.recording_file import load_recording
from bedtick.logger.importer import as_counts
from bedtick.logger.store.codec import pack, unpack

WIDEST = 2**30 - 1  # a difference of two still fits 32 bits


def rows(low, high):
    """Blocks of 1 to 200 samples."""
    shape = st.integers(1, 200).map(lambda n: (n, 3))
    return arrays(np.int32, shape, elements=st.integers(low, high))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows(-WIDEST, WIDEST) | rows(-1024, 1023) | rows(-1, 1))
def test_samples_come_back(counts):
    """Samples of any size that is allowed come back the same, as int32."""
    back = unpack(pack(counts), len(counts))
    assert back.dtype == np.int32
    assert np.array_equal(back, counts)


@pytest.mark.parametrize("value", [0, 256, WIDEST, -WIDEST])
@pytest.mark.parametrize("count", [1, 2, 2000])
def test_constant_samples_come_back_small(value, count):
    """A stuck sensor packs to next to nothing."""
    counts = np.full((count, 3), value, np.int32)
    data = pack(counts)
    assert np.array_equal(unpack(data, count), counts)
    assert len(data) < 120


def test_the_extremes_in_turn_come_back():
    """Samples that jump from one extreme to the other are the widest differences there are."""
    counts = np.tile([[WIDEST] * 3, [-WIDEST] * 3], (50, 1)).astype(np.int32)
    assert np.array_equal(unpack(pack(counts), 100), counts)


def test_a_view_packs_like_a_copy():
    """A slice, and a block in the other order in memory, pack as their values do."""
    counts = np.random.default_rng(0).integers(-9, 9, (400, 3), dtype=np.int32)
    assert pack(counts[100:200]) == pack(counts[100:200].copy()) == pack(np.asfortranarray(counts[100:200]))


def test_damage_is_found():
    """Data cut short anywhere, or with a byte of its body changed, is refused."""
    counts = np.random.default_rng(1).integers(-20, 20, (60, 3), dtype=np.int32)
    data = pack(counts)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="damaged"):
            unpack(data[:length], 60)
    for place in range(13, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x10
        with pytest.raises(ValueError, match="damaged"):
            unpack(bytes(changed), 60)


@pytest.mark.parametrize("flag", [2, 77, 255])
def test_an_unknown_form_is_refused(flag):
    """A first byte that names no way of packing is damage, not a guess."""
    data = bytes([flag]) + pack(np.zeros((4, 3), np.int32))[1:]
    with pytest.raises(ValueError, match="damaged"):
        unpack(data, 4)


@pytest.mark.parametrize("count", [0, 59, 61])
def test_another_number_of_samples_is_refused(count):
    """Data that holds more or fewer samples than its row says is refused with both numbers."""
    data = pack(np.zeros((60, 3), np.int32))
    with pytest.raises(ValueError, match=f"60 instead of {count}"):
        unpack(data, count)


@pytest.mark.parametrize(
    ("name", "chip", "most_bytes"),
    [
        ("mpu6050-still-99hz.npz", "adxl345", 2.6),
        ("ax3-adxl345-196hz.npz", "adxl345", 3.4),
        ("mpu6050-still-99hz.npz", None, 7.5),
    ],
)
def test_real_samples_pack_well(data_folder, name, chip, most_bytes):
    """Real recordings come back the same and take a fraction of the 12 bytes a sample, in chunks of 5 s."""
    recording = load_recording(data_folder / name)
    counts = as_counts(recording, chip, 4).counts
    chunk = round(5 * recording.nominal_hz)
    size = 0
    for start in range(0, len(counts), chunk):
        part = counts[start : start + chunk]
        data = pack(part)
        size += len(data)
        assert np.array_equal(unpack(data, len(part)), part)
    assert size / len(counts) < most_bytes
