"""The detector gives the same for every chunking, compiled or not, and for whole numbers or float."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedtick.logger.detector import detector as detector_module

RATE_HZ = 400.0
COUNT = 18_001  # 45 s, and a bit that fits no chunk

UNCOMPILED = """
import json, sys
from dataclasses import asdict
import numpy as np
from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings
detector = Detector(DetectorSettings(), 1 / 256, 400.0, 1023)
assert not hasattr(detector._kernel.run, "signatures")
founds = [detector.push(np.load(sys.argv[1])), detector.finish()]
print(json.dumps([
    [asdict(x) for found in founds for x in getattr(found, name)]
    for name in ("events", "completions", "minutes")
]))
"""


@pytest.fixture(scope="module")
def night(made):
    """Return 45 s with everything in them: close jerks, a heart, a turn, gaps and a clipped sample."""
    counts = made.chip_noise(COUNT / RATE_HZ, RATE_HZ, seed=3)
    made.add_heart(counts, RATE_HZ, 2.5)
    for onset_s, peak_mg in ((5.0, 40), (8.0, 150), (8.9, 150), (12.0, 15), (33.0, 60), (44.8, 300)):
        made.add_jerk(counts, RATE_HZ, onset_s, peak_mg)
    made.add_sway(counts, RATE_HZ, 17.0, 3.0, 60.0)
    made.add_tilt(counts, RATE_HZ, 17.5, 1.5)
    counts = np.rint(counts)
    for first, lost in ((5 * 400, 1), (26 * 400 + 17, 9), (33 * 400 + 33, 1000)):
        counts[first : first + lost] = np.nan
    counts[30 * 400, 2] = 1023
    return counts


@pytest.fixture(scope="module")
def whole(hear, night):
    """Return what the detector makes of the night in one piece."""
    heard = hear(night, RATE_HZ, full_scale=1023)
    assert len(heard.events) >= 6
    assert "turn" in heard.kinds
    return heard


def assert_same(heard, expected):
    """Check for the very same events, tilts and minutes, to the last bit."""
    assert heard.events == expected.events
    assert heard.kinds == expected.kinds
    assert heard.tilts_deg == expected.tilts_deg
    assert heard.minutes == expected.minutes


def pieces(length, count=COUNT):
    """Chunk lengths for chunks of one size, the last one shorter."""
    return [min(length, count - start) for start in range(0, count, length)]


@pytest.mark.parametrize("length", [1, 7, 32, 400, 17_000])
def test_chunks_of_any_one_size_give_the_same(hear, night, whole, length):
    """Chunks of 1, 7, 32 and 400 samples, and of just a slice, give what the whole gives."""
    assert_same(hear(night, RATE_HZ, full_scale=1023, chunks=pieces(length)), whole)


def test_a_long_push_is_taken_in_slices(hear, night, whole, monkeypatch):
    """What one call of the kernel can not take is given to it in slices, and the result stays the same."""
    monkeypatch.setattr(detector_module, "SLICE_S", 7.3)
    assert_same(hear(night, RATE_HZ, full_scale=1023), whole)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, COUNT), max_size=60))
def test_chunks_with_any_edges_give_the_same(hear, night, whole, edges):
    """Wherever the signal is cut, empty pieces included, the result stays the same."""
    chunks = np.diff([0, *sorted(edges), COUNT]).tolist()
    assert_same(hear(night, RATE_HZ, full_scale=1023, chunks=chunks), whole)


def test_lost_samples_are_the_same_pushed_or_skipped(hear, night, whole, monkeypatch):
    """Skipping lost samples is the same as pushing rows of NaN."""
    from bedtick.logger.detector.detector import Detector

    push = Detector.push

    def push_or_skip(detector, counts):
        found = push(detector, counts[:0])
        edges = np.flatnonzero(np.diff(np.isnan(counts[:, 0]))) + 1
        for part in np.split(counts, edges):
            is_lost = np.isnan(part[0, 0])
            more = detector.skip(len(part)) if is_lost else push(detector, part)
            for name in ("events", "completions", "minutes"):
                getattr(found, name).extend(getattr(more, name))
        return found

    monkeypatch.setattr(Detector, "push", push_or_skip)
    assert_same(hear(night, RATE_HZ, full_scale=1023), whole)


def test_whole_numbers_and_float_agree(hear, night):
    """Counts as int16, int32, lists or float give the same to the last bit."""
    counts = np.nan_to_num(night)
    expected = hear(counts, RATE_HZ)
    for other in (counts.astype(np.int32), counts.astype(np.int16), counts.astype(np.float32)):
        heard = hear(other, RATE_HZ)
        assert (heard.events, heard.minutes) == (expected.events, expected.minutes)
    some = counts[: 12 * 400].astype(int)
    assert hear(some.tolist(), RATE_HZ).events == hear(some, RATE_HZ).events


def test_uncompiled_gives_the_same(night, whole, tmp_path):
    """The kernel as plain Python gives the very same events, tilts and minutes, to the last bit."""
    np.save(tmp_path / "night.npy", night)
    done = subprocess.run(
        [sys.executable, "-c", UNCOMPILED, tmp_path / "night.npy"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events, completions, minutes = json.loads(done.stdout)
    assert events == [asdict(event) for event in whole.events]
    tilts = {told["number"]: told["tilt_deg"] for told in completions}
    assert [tilts[event.number] for event in whole.events] == whole.tilts_deg
    assert minutes == [asdict(minute) for minute in whole.minutes]
