"""The detector bench itself: its nights are what their truth says, and its scores follow the rule."""

from __future__ import annotations

import importlib
import itertools
import math
import types
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

FOLDER = Path(__file__).parents[2] / "benchmarks" / "detector"
MODULES = (
    "chips", "ideal", "night", "plans", "run", "scenarios", "scene", "score", "shapes", "sleeper",
    "sta_lta", "surroundings", "sweep", "tables", "trial",
)  # fmt: skip
RATE_HZ = 400.0


@pytest.fixture
def bench(monkeypatch):
    """Import the bench's modules as its scripts do, from their own folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return types.SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})


@pytest.fixture
def scene(bench):
    """Ten minutes in which nothing has happened yet."""
    bed = bench.shapes.draw_bed(np.random.default_rng(4))
    return bench.scene.Scene(bed, np.zeros((round(600 * RATE_HZ), 3), np.float32), RATE_HZ)


def norm_of(acc_mg):
    """Norm over the axes."""
    return np.linalg.norm(acc_mg, axis=1)


# -- nights ----------------------------------------------------------------------------------------------


def test_a_seed_is_one_night_and_another_seed_another(bench):
    """The same scenario and seed give the same samples and truth; the next seed gives others."""
    first, again, other = (bench.night.make_night("turns", seed, 600.0, RATE_HZ, 4.0) for seed in (1, 1, 2))
    assert np.array_equal(first.acc_mg, again.acc_mg)
    assert first.events == again.events
    assert first.events != other.events


@pytest.mark.parametrize("family", ["twitch", "body", "limb", "turn"])
@pytest.mark.parametrize("rate_hz", [100.0, 400.0])
def test_an_event_s_largest_norm_is_its_peak(bench, family, rate_hz):
    """Each event rises to the peak asked for, rings down within its samples, and leaves no velocity."""
    rng = np.random.default_rng(11)
    for _ in range(20):
        moved = bench.shapes.felt_mg(rng, bench.shapes.draw_bed(rng), rate_hz, family, 25.0)
        assert norm_of(moved).max() == pytest.approx(25.0)
        assert norm_of(moved[-5:]).max() < 0.02 * 25.0
        assert np.abs(moved.mean(axis=0)).max() < 0.02 * 25.0


@pytest.mark.parametrize("family", ["twitch", "limb"])
def test_the_truth_is_where_the_motion_is(bench, scene, family):
    """Onset and end are where motion first passes 5 % and last falls below 10 % of the peak."""
    planned = [bench.plans.Planned(100.0 * k, family, 10.0 * k) for k in (1, 2, 3)]
    events, turned = bench.night.add_events(np.random.default_rng(2), scene, planned)
    assert turned == []
    for k, event in enumerate(events, start=1):
        norm = norm_of(scene.acc_mg[round((100.0 * k - 10) * RATE_HZ) : round((100.0 * k + 50) * RATE_HZ)])
        above = np.flatnonzero(norm > 0.05 * norm.max()) / RATE_HZ + 100.0 * k - 10
        ringing = np.flatnonzero(norm > 0.1 * norm.max()) / RATE_HZ + 100.0 * k - 10
        assert norm.max() == pytest.approx(10.0 * k, rel=1e-5)
        assert event.onset_s == pytest.approx(above[0], abs=1 / RATE_HZ)
        assert event.end_s == pytest.approx(ringing[-1], abs=2 / RATE_HZ)


def test_a_turn_leaves_gravity_leaning_by_its_angle(bench, scene):
    """After a turn of 1 degree the mean has moved by 1000 sin 1 degree mg, before it by nothing."""
    turn = bench.plans.Planned(100.0, "turn", 100.0, tilt_deg=1.0)
    _, turned = bench.night.add_events(np.random.default_rng(3), scene, [turn])
    assert np.abs(scene.acc_mg[: round(100.0 * RATE_HZ)]).max() == 0.0
    after = scene.acc_mg[turned[0] + 2000 :].mean(axis=0)
    assert np.linalg.norm(after) == pytest.approx(1000.0 * math.sin(math.radians(1.0)), rel=1e-3)


def test_pairs_are_as_far_apart_and_as_strong_as_they_say(bench):
    """Second twitches come 0.8 to 1.2 s after the first with 0.5 to 1 times the peak."""
    planned = bench.plans.pairs(np.random.default_rng(5), 3600.0, 4.0)
    assert len(planned) > 200
    for first, second in zip(planned[::2], planned[1::2], strict=True):
        assert 0.8 <= second.start_s - first.start_s <= 1.2
        assert 0.5 <= second.peak_mg / first.peak_mg <= 1.0


@pytest.mark.parametrize("name", ["every-3-5s", "every-20-30s", "limb-movements", "bouts"])
def test_no_event_begins_before_the_last_is_over(bench, name):
    """Outside the scenario of pairs, true events of a night do not overlap, and none is before 40 s."""
    events = bench.night.make_night(name, 3, 1800.0, 100.0, 4.0).events
    assert len(events) > 30
    assert events[0].onset_s >= 40.0
    for one, following in itertools.pairwise(events):
        assert following.onset_s > one.end_s


def test_jerks_at_random_leave_each_other_room(bench):
    """Jerks at random come at the rate asked for, never within 1.5 s of each other."""
    planned = bench.plans.poisson(np.random.default_rng(8), 36_000.0, 4.0, per_hour=120.0)
    assert len(planned) == pytest.approx(1200, rel=0.1)
    assert min(after.start_s - one.start_s for one, after in itertools.pairwise(planned)) >= 1.5


def test_jerks_follow_a_turn_within_ten_seconds(bench):
    """Each turn but a last one is followed by a jerk whose force begins 1.5 to 10 s after its end."""
    after_s = [
        each.after_end_s
        for seed in range(20)
        for each in bench.plans.turns(np.random.default_rng(seed), 3600.0, 4.0)
        if each.after_end_s is not None
    ]
    assert len(after_s) > 80
    assert (min(after_s), max(after_s)) == (pytest.approx(1.5, abs=0.3), pytest.approx(10.0, abs=0.3))
    events = bench.night.make_night("turns", 4, 3600.0, 100.0, 4.0).events
    turns = [k for k, event in enumerate(events[:-1]) if event.family == "turn"]
    assert len(turns) >= 4
    for k in turns:
        assert 1.45 <= events[k + 1].onset_s - events[k].end_s <= 10.3


@pytest.mark.parametrize(
    ("name", "most_mg"), [("trucks", 2.0), ("weak_steps", 2.0), ("hum", 6.0), ("washer", 10.0)]
)
def test_what_may_not_fire_stays_as_weak_as_it_says(bench, scene, name, most_mg):
    """Trucks and weak steps stay within 2 mg, two lines of hum within 3 mg each, a washer within 10."""
    for seed in range(20):
        assert bench.surroundings.SURROUNDINGS[name](np.random.default_rng(seed), scene) == []
        assert norm_of(scene.acc_mg).max() <= most_mg + 1e-3
        assert seed or norm_of(scene.acc_mg).max() > 0.05
        scene.acc_mg[:] = 0.0


@pytest.mark.parametrize("name", ["doors", "strong_steps"])
def test_what_counts_neither_way_lies_in_its_spans(bench, scene, name):
    """Outside the spans that doors and strong steps return, nothing was added."""
    spans = bench.surroundings.SURROUNDINGS[name](np.random.default_rng(7), scene)
    assert spans
    norm = norm_of(scene.acc_mg)
    for from_s, to_s in spans:
        part = norm[math.floor(from_s * RATE_HZ) : math.ceil(to_s * RATE_HZ) + 1]
        assert part.max() > 2.0
        part[:] = 0.0
    assert norm.max() == 0.0


def test_the_heart_beats_at_its_rate_and_strength(bench):
    """The heartbeat keeps 45 to 95 beats a minute, 2 to 10 Hz, and its breath within a quarter or so."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        breath, _ = bench.sleeper.breathing_mg(rng, round(300 * RATE_HZ), RATE_HZ)
        beat = bench.sleeper.heartbeat_mg(rng, breath, RATE_HZ, [], 1.0)
        assert 0.8 < norm_of(beat).max() < 1.4
        hertz, power = signal.welch(beat, RATE_HZ, nperseg=4096, axis=0)
        assert power[(hertz > 1.5) & (hertz < 10.0)].sum() > 0.8 * power.sum()
        loud = signal.find_peaks(norm_of(beat), height=0.6, distance=round(0.4 * RATE_HZ))[0]
        assert 42 <= len(loud) / 5.0 <= 100


# -- chips -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "within"),
    # The noise of the LIS3DH is narrow and below its step: what rounding adds is not white.
    [("ADXL345", 0.15), ("MPU6050", 0.15), ("LIS3DH", 0.4), ("LSM6DSOX", 0.15), ("ADXL355", 0.15)],
)
def test_a_chip_s_noise_in_the_band_is_its_density(bench, name, within):
    """Noise of 2 to 14 Hz has the power that the chip's density and its rounding to counts give."""
    chip = bench.chips.CHIPS[name]
    still_mg = np.full((80_000, 3), 101.7, np.float32)
    felt_mg = 1e3 * chip.scale_g * bench.chips.to_counts(still_mg, chip, RATE_HZ, 1)
    hertz, power = signal.welch(felt_mg, RATE_HZ, nperseg=4000, axis=0)
    measured = power[(hertz >= 2.0) & (hertz <= 14.0)].mean(axis=0)
    rounding = (1e3 * chip.scale_g) ** 2 / 12 / (RATE_HZ / 2)
    assert measured == pytest.approx((np.array(chip.noise_ug) / 1e3) ** 2 + rounding, rel=within)


def test_a_chip_clips_at_its_full_scale(bench):
    """Beyond the range the largest count is given, not a wrapped one."""
    chip = bench.chips.CHIPS["ADXL345"]
    counts = bench.chips.to_counts(np.array([[9000.0, -9000.0, 0.0]], np.float32), chip, RATE_HZ, 1)
    assert counts[0, :2].tolist() == [1023, -1024]


# -- scores ----------------------------------------------------------------------------------------------


@pytest.fixture
def judge(bench):
    """Score detections, (onset, end) in seconds, on a night of given events, (onset, end, peak)."""

    def judged(events, detected, *, neither=(), heart_mg=0.0, bound_mg=8.0):
        true = [bench.night.TrueEvent(*event, "twitch") for event in events]
        night = bench.night.Night(np.zeros((36_000, 3), np.float32), 10.0, true, list(neither), heart_mg)
        spans = np.array(detected, dtype=float).reshape(-1, 2)
        heard = bench.score.Detections(spans[:, 0], spans[:, 1], 3600.0, {})
        return bench.score.tally(night, heard, bound_mg)

    return judged


@pytest.mark.parametrize(
    ("onset_s", "end_s", "found"),
    [
        (99.51, 99.6, True),
        (99.49, 99.6, False),
        (100.79, 101.0, True),
        (100.81, 101.0, False),
        (95.0, 100.1, True),
        (95.0, 99.9, False),
    ],
)
def test_a_detection_matches_by_its_onset_or_by_overlap(judge, onset_s, end_s, found):
    """An onset from 0.5 s before to 0.8 s after the true one, or any overlap, is a match; else false."""
    result = judge([(100.0, 100.3, 20.0)], [(onset_s, end_s)])
    assert result.found.tolist() == [found]
    assert result.false == (not found)
    assert result.recall == found


def test_each_detection_finds_one_event_only(judge):
    """One long detection over two events finds the nearer of them; the other is missed."""
    result = judge([(100.0, 100.3, 20.0), (101.0, 101.3, 20.0)], [(100.1, 101.5)])
    assert result.found.tolist() == [True, False]
    assert result.onset_error_s[0] == pytest.approx(0.1)
    assert math.isnan(result.onset_error_s[1])
    assert (result.recall, result.precision) == (0.5, 1.0)
    assert result.f1 == pytest.approx(2 / 3)


def test_more_detections_of_one_event_are_fragments_not_false(judge):
    """Of three detections on one long event the nearest onset has it, and two are fragments."""
    result = judge([(100.0, 104.0, 20.0)], [(100.1, 101.0), (101.8, 102.0), (103.0, 104.5)])
    assert (result.fragments, result.false, result.precision) == (2, 0, 1.0)


def test_events_below_the_bound_and_their_detections_count_neither_way(judge):
    """A found event of 7 mg is no hit and no false one, and a missed one no miss."""
    result = judge([(100.0, 100.3, 7.9), (200.0, 200.3, 5.0), (300.0, 300.3, 8.1)], [(100, 101), (300, 301)])
    assert result.counted.tolist() == [False, False, True]
    assert (result.recall, result.precision, result.false) == (1.0, 1.0, 0)


def test_a_strong_heart_raises_the_bound(judge):
    """Where one and a half heartbeats are more than the bound, events count from there on."""
    result = judge([(100.0, 100.3, 3.5), (200.0, 200.3, 4.6)], [], heart_mg=3.0, bound_mg=3.0)
    assert result.counted.tolist() == [False, True]


def test_what_happens_near_a_door_counts_neither_way(judge):
    """Detections within 1 s of a span are counted apart, and events there are not asked for."""
    spans = [(50.0, 51.0)]
    result = judge([(51.9, 52.2, 20.0), (60.0, 60.3, 20.0)], [(48.2, 49.1), (52.5, 53.0)], neither=spans)
    assert result.counted.tolist() == [False, True]
    assert (result.neither, result.false) == (1, 0)
    assert judge([], [(47.0, 48.9)], neither=spans).false == 1


def test_nights_add_up(bench, judge):
    """Two nights together have the events, detections and hours of both."""
    one = judge([(100.0, 100.3, 20.0)], [(100.0, 100.4), (500.0, 501.0)])
    other = judge([(100.0, 100.3, 20.0)], [])
    both = bench.score.add([one, other])
    assert (both.recall, both.precision, both.false_per_hour) == (0.5, 0.5, 0.5)
    assert both.false_s.tolist() == [500.0]


# -- detectors -------------------------------------------------------------------------------------------


def test_the_detector_holds_on_a_slice_of_the_bench(bench):
    """Ten minutes of jerks each 3 to 5 s: F1 at least 0.97, onsets within 40 ms; ten still ones: nothing."""
    result = bench.trial.run(bench.trial.Trial("every-3-5s", hours=1 / 6, seed=9))
    assert result.counted.sum() > 80
    assert result.f1 >= 0.97
    assert bench.tables.onset_errors_ms(result, 20.0)[0] < 40.0
    assert result.valid_s > 590.0
    assert bench.trial.run(bench.trial.Trial("quiet", hours=1 / 6, seed=9)).false == 0


def test_sta_lta_hears_rare_jerks_and_is_deaf_to_frequent_ones(bench):
    """The comparison is real: good where jerks are 20 to 30 s apart, and worse where they are 3 to 5 s."""
    pytest.importorskip("obspy", reason="ObsPy is installed by `make bench-detector`")
    best = {}
    for name in ("every-20-30s", "every-3-5s"):
        trial = bench.trial.Trial(name, hours=1 / 4, seed=9)
        night, counts = trial.make()
        found = bench.sta_lta.outcomes(night, counts, bench.chips.CHIPS["ADXL345"])
        assert found.shape == (len(bench.sta_lta.GRID), 3)
        best[name] = bench.sta_lta.f1_of(found).max()
    assert best["every-20-30s"] > 0.95
    assert best["every-3-5s"] < best["every-20-30s"] - 0.05


def test_the_limit_rises_from_chance_to_certainty(bench, monkeypatch):
    """An ideal energy detector hears nothing at 0.1 mg, everything at 50 mg, and more at more."""
    monkeypatch.setattr(bench.ideal, "DRAWS", 12)
    monkeypatch.setitem(bench.ideal.AMPLITUDES_MG, "ADXL345", (0.1, 4.0, 6.0, 50.0))
    limit = bench.ideal.limit("ADXL345", 1)
    assert limit.ideal[0] < 0.001
    assert limit.ideal == tuple(sorted(limit.ideal))
    assert limit.ideal[-1] == pytest.approx(1.0)
    assert limit.bedtick[0] == 0.0
    assert limit.bedtick[-1] == 1.0


def test_the_sweep_moves_one_number_and_puts_it_back(bench):
    """A variant changes its setting, or its constant for the time of one detection, by its factor."""
    variant = bench.sweep.Variant
    settings, constants = bench.sweep.moved(variant("high_ratio", 1.2))
    assert settings.high_ratio == pytest.approx(1.2 * bench.sweep.DetectorSettings().high_ratio)
    assert constants == {}
    name = bench.sweep.constants()[0]
    before = getattr(bench.sweep.parameters, name)
    with bench.sweep.variant_in_force(variant(name, 0.8)):
        assert getattr(bench.sweep.parameters, name) == pytest.approx(0.8 * before)
    assert getattr(bench.sweep.parameters, name) == before


# -- what comes of it ------------------------------------------------------------------------------------


def test_the_tables_replace_only_their_part_of_a_page(bench, tmp_path):
    """Text before and after the marks stays; running twice gives the same page."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n")
    for _ in range(2):
        bench.run.into_page(page, "new\n")
        assert page.read_text() == "before\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nafter\n"


def test_numbers_that_are_not_are_null_in_json(bench):
    """A night without events has no recall: null, never NaN."""
    assert bench.run.known({"recall": math.nan, "false_per_hour": 0.5, "events": 0}) == {
        "recall": None,
        "false_per_hour": 0.5,
        "events": 0,
    }
