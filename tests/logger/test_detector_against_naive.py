"""The kernel gives what a slow and obvious detector gives: at every sample, every step, every second."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings

RATES_HZ = (50.0, 64.04, 99.317, 100.0, 197.24, 400.0, 800.0)
SETTINGS = DetectorSettings(floor_window_s=10)  # short, so that the history goes round within a test
FULL_SCALE = 1023
SIGNAL_S = 37.0


@pytest.fixture(scope="module")
def signals(made):
    """Return a function that makes one signal by name; the mixture has everything in it."""

    def make(name, rate_hz):
        counts = made.chip_noise(SIGNAL_S, rate_hz, seed=round(rate_hz))
        if name == "constant":
            counts[:] = made.GRAVITY
        for part, add in {"jerks": add_jerks, "heart": add_heart, "turn": add_turn}.items():
            if name in {part, "mixture"}:
                add(made, counts, rate_hz)
        counts = np.rint(counts)
        if name == "mixture":
            counts[round(24.1 * rate_hz), 1] = -1024
            counts[round(25.6 * rate_hz), 2] = 1023
        if name in {"gaps", "mixture"}:
            cut_gaps(counts, rate_hz)
        return counts

    return make


def add_jerks(made, counts, rate_hz):
    """Add jerks of many sizes, two of them close together."""
    for onset_s, peak_mg in ((6.2, 40), (9.4, 150), (10.25, 150), (15.2, 25), (27.3, 80), (30.0, 300)):
        made.add_jerk(counts, rate_hz, onset_s, peak_mg)


def add_heart(made, counts, rate_hz):
    """Add a heartbeat."""
    made.add_heart(counts, rate_hz, 2.5)


def add_turn(made, counts, rate_hz):
    """Add a movement after which gravity points elsewhere."""
    made.add_sway(counts, rate_hz, 18.0, 3.0, 60.0)
    made.add_tilt(counts, rate_hz, 18.5, 1.5)


def cut_gaps(counts, rate_hz):
    """Lose samples: the first two, single ones, a second, three seconds, and just after a jerk."""
    counts[:2] = np.nan
    for at_s, samples in ((5.5, 1), (7.45, 3), (11.0, rate_hz), (30.08, 2), (33.333, 3 * rate_hz)):
        counts[round(at_s * rate_hz) : round(at_s * rate_hz + samples)] = np.nan


def near(told, expected):
    """Equal within 1e-9 of the number, and where it is close to 0 within 1e-10 of the largest there is."""
    expected = np.asarray(expected, float)
    size = np.max(np.abs(expected), initial=1e-300, where=np.isfinite(expected))
    return np.allclose(np.asarray(told, float), expected, rtol=1e-9, atol=1e-10 * size, equal_nan=True)


def cases():
    """Name every signal at 100 Hz, and the one with everything in it at every rate."""
    names = ("noise", "jerks", "heart", "gaps", "constant")
    return [(name, 100.0) for name in names] + [("mixture", rate_hz) for rate_hz in RATES_HZ]


@pytest.fixture(scope="module", params=cases(), ids=lambda case: f"{case[0]}-{case[1]:g}Hz")
def both(request, signals, naive_detector):
    """Return what the naive detector told about a signal, and the kernel's arrays after each step."""
    name, rate_hz = request.param
    counts = signals(name, rate_hz)
    told = naive_detector(counts, rate_hz, SETTINGS, 1 / 256, FULL_SCALE).run()
    return told, stepped(counts, rate_hz)


def stepped(counts, rate_hz):
    """Push a signal step by step and copy what the kernel's arrays hold after each; then end it."""
    detector = Detector(SETTINGS, 1 / 256, rate_hz, FULL_SCALE)
    rows = {name: [] for name in ("ring", "state", "inverse", "history", "events", "tilts", "seconds")}
    collect = detector._collect

    def copy_rows(found):
        state = detector._state[0]
        rows["events"] += detector._events[: state.events_out].tolist()
        rows["tilts"] += detector._tilts[: state.tilts_out].tolist()
        rows["seconds"] += detector._seconds[: state.seconds_out].tolist()
        before = len(rows["history"])
        for k in range(before, state.history_count):
            rows["history"].append(detector._history[k % SETTINGS.floor_window_s].tolist())
        collect(found)

    detector._collect = copy_rows
    n = max(1, round(rate_hz / 100))
    for k in range(len(counts) // n):
        detector.push(counts[k * n : (k + 1) * n])
        rows["ring"].append(detector._ring[k % lay.RING_STEPS].copy())
        if detector._state[0].history_count == 1:  # the first floor whitens what came before it
            rows["ring"] = [*detector._ring[: k + 1].copy()]
        rows["state"].append(detector._state[0].copy())
        rows["inverse"].append(detector._inverse.copy())
    detector.push(counts[len(counts) // n * n :])
    detector.finish()
    return rows


def column(rows, name):
    """One field of the state after each step."""
    return [getattr(state, name) for state in rows["state"]]


def test_steps_hold_the_products_of_the_band(both):
    """Each step's products, sums and peaks are those of scipy's filters, and 0 where a sample is missing."""
    told, rows = both
    ring = np.array(rows["ring"])
    assert near(ring[:, :6], told.products)
    n = len(told.motion) // len(ring)
    motion = told.motion[: len(ring) * n].reshape(-1, n, 3)
    squares = (motion**2).sum(axis=2)
    assert near(ring[:, lay.MOTION : lay.MOTION + 3], np.nan_to_num(motion.mean(axis=1)))
    assert near(ring[:, lay.SUM_SQUARES], np.nan_to_num(squares.sum(axis=1)))
    assert near(ring[:, lay.PEAK_SQUARE], np.nan_to_num(squares.max(axis=1)))


def test_levels_agree_at_every_step(both):
    """Envelope and long level are the naive ones after each step, and the maxima within each second too."""
    told, rows = both
    assert near(np.array(rows["ring"])[:, lay.ENVELOPE], told.envelope)
    assert near(column(rows, "long_level"), told.long_level)
    loudest = zip(*(column(rows, f"second_{name}") for name in ("jerk", "long", "envelope")), strict=True)
    seconds = column(rows, "second")
    within = [k for k in range(1, len(seconds)) if seconds[k] == seconds[k - 1]]
    assert near(np.array(list(loudest))[within], np.array(told.loudest)[within])


def test_floors_agree_after_every_step(both):
    """Floors, noise of each axis, thresholds and whether an event is open are the naive ones at each step."""
    told, rows = both
    floors = zip(*(column(rows, f"floor_{name}") for name in ("jerk", "long", "envelope")), strict=True)
    assert near(list(floors), told.floors)
    assert near(rows["inverse"], told.inverse)
    assert near(column(rows, "low"), told.low)
    assert column(rows, "is_open") == told.is_open


def test_history_and_seconds_agree(both):
    """Each second's levels, its reason, its activity and its smallest jerk are the naive ones."""
    told, rows = both
    assert near(rows["history"], told.history)
    exact = [(s["second"], s["start"], s["end"], s["arrived"], s["reason"]) for s in told.seconds]
    assert [(*row[:4], lay.REASONS[row[4]]) for row in rows["seconds"]] == exact
    expected = [(s["sum_squares"], s["weakest"], s["floor_square"]) for s in told.seconds]
    for number in range(3):
        assert near([row[5 + number] for row in rows["seconds"]], [row[number] for row in expected])


def test_events_agree(both):
    """Onsets and ends are the very same samples as the naive ones; features agree within 1e-9."""
    told, rows = both
    assert [row[1:3] for row in rows["events"]] == [(e["onset"], e["end"]) for e in told.events]
    names = ("peak_square", "mean_square", "floor_square", "dominant_hz", "top_to_low")
    for number, name in enumerate(names):
        assert near([row[3 + number] for row in rows["events"]], [e[name] for e in told.events])
    tilts = dict(rows["tilts"])
    assert near([tilts[row[0]] for row in rows["events"]], [e["tilt_deg"] for e in told.events])


def test_the_signals_hold_what_they_are_for(signals, naive_detector):
    """The mixture has events, a tilt, gaps and clipping in it, else the comparison would show little."""
    told = naive_detector(signals("mixture", 100.0), 100.0, SETTINGS, 1 / 256, FULL_SCALE).run()
    assert len(told.events) >= 5
    assert any(e["tilt_deg"] > 1 for e in told.events)
    assert {s["reason"] for s in told.seconds} == {"valid", "gap", "saturated", "settling"}


@pytest.mark.parametrize("rate_hz", [64.04, 400.0])
def test_every_sample_passes_the_filters_as_in_scipy(signals, naive_detector, rate_hz):
    """After each single sample the sums have grown by just its products, as scipy filters them."""
    counts = signals("mixture", rate_hz)[: round(4 * rate_hz)]
    told = naive_detector(counts, rate_hz, SETTINGS, 1 / 256).run()
    detector = Detector(SETTINGS, 1 / 256, rate_hz)
    n = max(1, round(rate_hz / 100))
    for k, row in enumerate(counts):
        detector.push(row[None])
        if (k + 1) % n and not math.isnan(row[0]):
            since = slice(k // n * n, k + 1)
            there = ~np.isnan(told.band[since, 0])
            band, motion = told.band[since][there], told.motion[since][there]
            assert near(detector._sums[:3], (band**2).sum(axis=0))
            assert near(detector._sums[9], (motion**2).sum())
