"""The pieces of sensitivity: quiet spans, planned jerks, their rounding, and whose a detection is."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from bedtick.firmware.emulator.motion import Bed
from bedtick.logger import importer
from bedtick.logger.sensitivity import passes
from bedtick.logger.sensitivity.jerks import Jerk, Rounding, calibrated_bed, draw_jerk
from bedtick.logger.sensitivity.measure import _hit, _window
from bedtick.logger.sensitivity.plan import WANTED, jerks_a_pass, onsets, passes_needed, sizes_mg
from bedtick.logger.sensitivity.quiet import Span, away_from, common, joined, length, without
from bedtick.logger.settings import DetectorSettings, Settings
from bedtick.logger.stored_scoring import load_origin

FINE = Rounding(scale_g=1e-6, rate_hz=400.0, noise_counts=50.0)
COARSE = Rounding(scale_g=1 / 256, rate_hz=400.0, noise_counts=1.1)
STILL = Rounding(scale_g=1 / 256, rate_hz=400.0, noise_counts=0.1)


def test_spans_as_sets_of_samples():
    """Joining, cutting and taking away agree with sets of samples, on random spans."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        one, other = ([Span(a, a + n) for a, n in rng.integers(1, 40, (6, 2)).tolist()] for _ in range(2))
        taken = [Span(first - 30, end) for first, end in other]
        both = [{k for span in spans for k in range(*span)} for spans in (one, other, taken)]
        joint = joined(one)
        assert {k for span in joint for k in range(*span)} == both[0]
        assert length(joint) == len(both[0])
        assert {k for span in common(joint, joined(other)) for k in range(*span)} == both[0] & both[1]
        assert {k for span in without(joint, taken) for k in range(*span)} == both[0] - both[2]
    assert without([], [Span(0, 5)]) == []


def test_events_keep_5_seconds_on_both_sides():
    """What an event makes loud begins 5 s before its onset and ends 5 s after its end."""
    assert away_from([Span(1000, 1100)], 100.0) == [Span(500, 1600)]


@pytest.mark.parametrize("weakest_mg", [0.7, 2.0, 8.3, 37.0])
def test_sizes_lie_around_the_weakest(weakest_mg):
    """Sizes are round numbers from a quarter to four times the weakest, about a dozen of them."""
    sizes = sizes_mg(weakest_mg)
    assert sizes == sorted(set(sizes))
    assert weakest_mg / 4 <= sizes[0] <= weakest_mg / 3
    assert weakest_mg * 3 <= sizes[-1] <= weakest_mg * 4
    assert 11 <= len(sizes) <= 13
    assert all(float(f"{size:.2g}") == size for size in sizes)


@pytest.mark.parametrize("quiet_s", [300, 1500, 20000])
def test_jerks_have_room(quiet_s):
    """Jerks are at least 6 s apart, within the quiet, and as many as are wanted where there is room."""
    quiet = [
        Span(0, 100 * quiet_s // 3),
        Span(10**7, 10**7 + 200 * quiet_s // 3),
        Span(2 * 10**7, 2 * 10**7 + 400),
    ]
    placed = list(onsets(np.random.default_rng(1), quiet, 100.0, 12))
    assert min(np.diff(placed)) >= 600
    assert all(any(first + 100 <= onset <= end - 500 for first, end in quiet) for onset in placed)
    room = jerks_a_pass(quiet, 100.0, 12)
    assert room == pytest.approx(len(placed), abs=3)
    assert room * passes_needed(room, 12) >= WANTED * 12 * 0.9
    assert passes_needed(0, 12) == 0


@pytest.mark.parametrize("bed", [None, Bed(5.0, 0.12)])
def test_jerk_has_its_peak(bed):
    """The largest norm of a jerk is its size, it begins at its onset, and it dies away."""
    rng = np.random.default_rng(2)
    for size in (3.0, 40.0):
        jerk = draw_jerk(rng, bed, FINE, 1000, size)
        norms_mg = np.linalg.norm(jerk.counts, axis=1) * 1e-3
        assert norms_mg.max() == pytest.approx(size, rel=0.01)
        assert norms_mg[0] < 0.01 * size
        assert norms_mg[-20:].max() < 0.03 * size
        assert norms_mg[jerk.end_sample - 1000 :].max() < 0.2 * size


def test_directions_are_any():
    """Over many jerks no axis and no sign is preferred."""
    rng = np.random.default_rng(6)
    firsts = np.array([draw_jerk(rng, None, FINE, 0, 10.0).counts[8] for _ in range(400)], float)
    units = firsts / np.linalg.norm(firsts, axis=1)[:, None]
    assert np.abs(units.mean(axis=0)).max() < 0.12
    assert (units**2).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.06)


def test_rounding_keeps_the_mean():
    """With noise in the samples, a jerk below a count is there on the mean, and whole where it is nothing."""
    shape = draw_jerk(np.random.default_rng(9), Bed(6.0, 0.2), FINE, 0, 1.5).counts * 1e-6 * 256
    drawn = [draw_jerk(np.random.default_rng(9), Bed(6.0, 0.2), COARSE, 0, 1.5).counts]
    rng = np.random.default_rng(0)
    for _ in range(2000):
        state = np.random.default_rng(9)
        jerk = draw_jerk(_SameDraw(state, rng), Bed(6.0, 0.2), COARSE, 0, 1.5)
        drawn.append(jerk.counts)
    assert np.abs(shape).max() < 0.4
    assert np.mean(drawn, axis=0) == pytest.approx(shape, abs=0.06)


class _SameDraw:
    """Draws the same jerk each time, and rounds it by other chance."""

    def __init__(self, jerk, rounding):
        self.standard_normal, self.uniform, self.random = jerk.standard_normal, jerk.uniform, rounding.random


def test_sensor_without_noise_loses_what_is_below_a_count():
    """Without noise one place within a count is drawn a jerk: most jerks far below a count leave nothing."""
    rng = np.random.default_rng(4)
    jerks = [draw_jerk(rng, Bed(6.0, 0.2), STILL, 0, 0.3).counts for _ in range(200)]
    assert 0.6 < np.mean([not jerk.any() for jerk in jerks]) < 0.95


def test_tapped_bed_rings_as_it_was_tapped():
    """A bed's damping is what makes its ringing fall to 1/e in the time that was tapped."""
    bed = calibrated_bed(0.2, 5.0)
    assert (bed.resonance_hz, bed.decay_s) == (5.0, pytest.approx(0.2))
    assert calibrated_bed(0.02, 2.0).damping < 1.0


@pytest.mark.parametrize(
    ("event", "hit"),
    [
        (Span(949, 990), []),  # too early, and over before the first
        (Span(950, 990), [0]),  # half a second early
        (Span(1080, 1100), [0]),  # 0.8 s late
        (Span(1090, 1100), [0]),  # later, but the jerk still rings
        (Span(1150, 1160), []),  # later than that
        (Span(900, 1001), [0]),  # began before, and goes on into it
        (Span(1000, 1650), [0, 1]),  # both in one
        (Span(1300, 1650), [1]),
        (Span(1770, 1790), []),
    ],
)
def test_whose_a_detection_is(event, hit):
    """A detection is a jerk's from 0.5 s before to 0.8 s after its onset, or where it overlaps it."""
    none = np.zeros((1, 3), np.int32)
    jerks = [Jerk(1000, 1140, 5.0, none), Jerk(1600, 1620, 5.0, none)]
    assert _hit(event, [_window(jerk, 100.0) for jerk in jerks], jerks) == hit


def test_jerks_are_added_whole_however_chunks_fall(recording_of, made, tmp_path, monkeypatch):
    """What a pass hears is the stored samples and its jerks, across chunks, clipped at full scale."""
    monkeypatch.setattr(importer, "BLOCK_SAMPLES", 100)
    monkeypatch.setattr(passes, "_Listener", Heard)
    counts = np.rint(made.chip_noise(20, 100.0, seed=3))
    recording = recording_of(counts / 256, fs_hz=100.0, scale_g=1 / 256)
    done = importer.import_recording(recording, Settings(), tmp_path / "bed.db", chip="adxl345")
    rng = np.random.default_rng(1)
    jerks = [
        Jerk(onset, onset + 90, 9.0, rng.integers(-3000, 3000, (length, 3)).astype(np.int32))
        for onset, length in ((150, 120), (480, 330), (1200, 100))
    ]
    with closing(sqlite3.connect(tmp_path / "bed.db")) as connection:
        origin = load_origin(connection, done.recording_id)
        stretch = passes.Stretch(done.recording_id, 1, 0, len(counts), origin, DetectorSettings())
        jerky, plain = passes.with_jerks(connection, stretch, [jerks, []], lambda _done: None)
    expected = counts.copy()
    for jerk in jerks:
        expected[jerk.onset_sample : jerk.onset_sample + len(jerk.counts)] += jerk.counts
    full = origin.full_scale_counts
    assert np.array_equal(jerky, np.clip(expected, -full - 1, full))
    assert np.abs(expected).max() > full
    assert np.array_equal(plain, counts)


class Heard:
    """Keeps the samples that a listener is given."""

    def __init__(self, _stretch):
        self.parts = []

    def hear(self, first_sample, counts):
        """Take samples that follow the last ones."""
        assert first_sample == sum(map(len, self.parts))
        self.parts.append(counts)

    def end(self):
        """Return all of them."""
        return np.vstack(self.parts)
