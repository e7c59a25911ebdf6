"""The kernel gives what a slow and obvious detector gives: every step, every second, every event."""

from __future__ import annotations

import numpy as np
import pytest

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings

RATES_HZ = (50.0, 64.04, 99.317, 100.0, 197.24, 400.0, 800.0)
# A short floor, so that the history goes round within a test; a high bar for peaks: some are too weak.
SETTINGS = DetectorSettings(floor_window_s=10, least_peak_mg=8.0)
FULL_SCALE = 1023
SIGNAL_S = 52.0
MASK = lay.RING_STEPS - 1


@pytest.fixture(scope="module")
def signals(made):
    """Return a function that makes one signal by name; the mixture has everything in it."""

    def make(name, rate_hz):
        counts = made.chip_noise(SIGNAL_S, rate_hz, seed=round(rate_hz))
        if name == "constant":
            counts[:] = made.GRAVITY
        for part, add in PARTS.items():
            if name == part or (name == "mixture" and part in MIXED):
                add(made, counts, rate_hz)
        counts = np.rint(counts)
        if name == "mixture":
            counts[round(24.1 * rate_hz), 1] = -1024
            counts[round(25.6 * rate_hz), 2] = 1023
        if name in {"gaps", "mixture"}:
            cut_gaps(counts, rate_hz)
        if name == "clipped start":
            counts[: round(15 * rate_hz) : round(rate_hz), 0] = 1023
        return counts

    return make


def add_jerks(made, counts, rate_hz):
    """Add jerks of many sizes, two of them close together."""
    for onset_s, peak_mg in ((6.2, 40), (9.4, 150), (10.25, 150), (15.2, 25), (27.3, 80), (30.0, 300)):
        made.add_jerk(counts, rate_hz, onset_s, peak_mg)


def add_noise(made, counts, _rate_hz):
    """Make the noise thirty times as loud, as a chip of finer counts has it."""
    counts += 29 * (counts - made.GRAVITY)


def add_heart(made, counts, rate_hz):
    """Add a heartbeat."""
    made.add_heart(counts, rate_hz, 2.5)


def add_turn(made, counts, rate_hz):
    """Add a movement after which gravity points elsewhere."""
    made.add_sway(counts, rate_hz, 18.0, 3.0, 60.0)
    made.add_tilt(counts, rate_hz, 18.5, 1.5)


def add_train(made, counts, rate_hz):
    """Add pushes that follow each other twice a second, and two twitches of which the second is weaker."""
    for k in range(11):
        made.add_jerk(counts, rate_hz, 37.0 + 0.5 * k, 90.0)
    for onset_s, peak_mg in ((45.0, 60.0), (45.8, 40.0)):
        made.add_jerk(counts, rate_hz, onset_s, peak_mg, damping=0.25)


def add_machine(made, counts, rate_hz):
    """Add a movement out of which a machine goes on, which then grows too loud for anything else."""
    made.add_sway(counts, rate_hz, 12.0, 7.5, 60.0)
    t = np.arange(len(counts)) / rate_hz
    size = np.where(t < 17.0, 0.0, np.where(t < 30.0, 8.0, 90.0))
    counts[:, 2] += size * made.MG * np.sin(2 * np.pi * 9.0 * t)


def add_doubtful(made, counts, rate_hz):
    """Add what is no event: a weak machine that is switched on and off, a faint jerk, a slow swell."""
    t = np.arange(len(counts)) / rate_hz
    size = 6.0 * np.clip(np.minimum(t - 10.0, 16.0 - t) / 0.3, 0.0, 1.0)
    size += 3.0 * np.exp(-(((t - 45.0) / 1.5) ** 2))
    counts[:, 0] += size * made.MG * np.sin(2 * np.pi * 6.0 * t)
    for onset_s in (22.0, 26.0, 30.0):
        made.add_jerk(counts, rate_hz, onset_s, 8.0)
    for k in range(8):
        made.add_jerk(counts, rate_hz, 33.0 + 0.5 * k, 12.0)


PARTS = {
    "loud": add_noise,
    "jerks": add_jerks,
    "heart": add_heart,
    "turn": add_turn,
    "train": add_train,
    "machine": add_machine,
    "doubtful": add_doubtful,
}
MIXED = ("jerks", "heart", "turn", "train")


def cut_gaps(counts, rate_hz):
    """Lose samples: the first two, single ones, a second, three seconds, and just after a jerk."""
    counts[:2] = np.nan
    for at_s, samples in ((5.5, 1), (7.45, 3), (11.0, rate_hz), (30.08, 2), (33.333, 3 * rate_hz)):
        counts[round(at_s * rate_hz) : round(at_s * rate_hz + samples)] = np.nan


def near(told, expected):
    """Equal within 1e-6 of the number, and where it is close to 0 within 1e-9 of the largest there is."""
    expected = np.asarray(expected, float)
    size = np.max(np.abs(expected), initial=1e-300, where=np.isfinite(expected))
    return np.allclose(np.asarray(told, float), expected, rtol=1e-6, atol=1e-9 * size, equal_nan=True)


def cases():
    """Name every signal at 100 Hz, and those with most in them at other rates."""
    names = ("noise", "jerks", "heart", "gaps", "constant", "clipped start", "loud")
    names += ("train", "machine", "doubtful")
    others = [("machine", 64.04), ("machine", 400.0), ("doubtful", 400.0)]
    return [(name, 100.0) for name in names] + others + [("mixture", rate_hz) for rate_hz in RATES_HZ]


@pytest.fixture(scope="module", params=cases(), ids=lambda case: f"{case[0]}-{case[1]:g}Hz")
def both(request, signals, naive_detector):
    """Return what the naive detector told about a signal, and what the record held after each step."""
    name, rate_hz = request.param
    counts = signals(name, rate_hz)
    told = naive_detector(counts, rate_hz, SETTINGS, 1 / 256, FULL_SCALE).run()
    return told, stepped(counts, rate_hz)


def held(state):
    """Copy what the record holds after a step."""
    row = state.ring[(state.step - 1) & MASK]
    return {
        "motion": row[lay.MOTION : lay.MOTION + 3].copy(),
        "trace": float(row[lay.TRACE]),
        "floors": state.floors.copy(),
        "inverse": state.inverse.copy(),
        "bars": (float(state.bar), float(state.long_bar)),
    } | {name: state[name] for name in ("is_open", "low", "sight", "history_count", "second")}


def stepped(counts, rate_hz):
    """Push a signal step by step and copy what the record holds after each; then end it."""
    detector = Detector(SETTINGS, 1 / 256, rate_hz, FULL_SCALE)
    rows = {"steps": [], "events": [], "tilts": [], "minutes": [], "reasons": [], "windows": []}
    collect = detector._collect

    def copy_rows(found):
        state = detector._state[0]
        rows["events"] += [
            dict(zip(lay.EVENT_ROW.names, row, strict=True)) for row in copied(state.events, state.events_out)
        ]
        rows["tilts"] += copied(state.tilts, state.tilts_out)
        rows["minutes"] += copied(state.minutes, state.minutes_out)
        collect(found)

    detector._collect = copy_rows
    n = max(1, round(rate_hz / 100))
    for k in range(len(counts) // n):
        detector.push(counts[k * n : (k + 1) * n])
        state = detector._state[0]
        rows["steps"].append(held(state))
        rows["reasons"].append(state.minute.seconds.tolist())
        if state.history_count > len(rows["windows"]):
            slot = (state.history_count - 1) % detector._params[0].floor_windows
            rows["windows"].append(state.history[slot].tolist())
    detector.push(counts[len(counts) // n * n :])
    detector.finish()
    return rows


def copied(records, count):
    """Rows that the kernel left, as plain values."""
    return records[:count].tolist()


def column(rows, name):
    """One thing that the record held after each step."""
    return np.array([row[name] for row in rows["steps"]])


def test_motion_agrees_at_every_step(both):
    """Each step's motion is what scipy makes of the weighted sum, and 0 where a sample is missing."""
    told, rows = both
    assert near(column(rows, "motion"), told.motion)


def test_envelopes_agree_at_every_step(both):
    """The envelope of an open event is the naive one after each step."""
    told, rows = both
    followed = ~np.isnan(told.trace)
    assert near(column(rows, "trace")[followed], np.array(told.trace)[followed])


def test_floors_agree_after_every_step(both):
    """Windows, floors, each axis's noise, thresholds and whether an event is open are the naive ones."""
    told, rows = both
    assert near(rows["windows"], told.windows)
    for name, expected in (("floors", told.floors), ("bars", told.bars), ("inverse", told.inverse)):
        assert near(column(rows, name), expected)
    assert near(column(rows, "sight"), told.sight)
    assert column(rows, "history_count").tolist() == told.known
    assert column(rows, "is_open").tolist() == told.is_open
    is_open = np.array(told.is_open)
    assert near(column(rows, "low")[is_open], np.array(told.low)[is_open])


def test_seconds_agree(both):
    """Each second's reason, and the minute's activity, floor and smallest jerk, are the naive ones."""
    told, rows = both
    seconds = column(rows, "second")
    sums = np.cumsum(
        [[s["samples"] * (s["reason"] == name) for name in lay.REASONS] for s in told.seconds], 0
    )
    for k in np.flatnonzero(np.diff(seconds)) + 1:
        assert rows["reasons"][k] == sums[seconds[k] - 1].tolist()
    (minute,) = [dict(zip(lay.MINUTE_ROW.names, row, strict=True)) for row in rows["minutes"]]
    assert minute["seconds"].tolist() == sums[-1].tolist()
    known = [s for s in told.seconds if s["weakest"] < np.inf]
    assert (minute["minute"], minute["known"]) == (0, len(known))
    assert minute["steps"] == sum(s["steps"] for s in told.seconds)
    assert near(minute["sum_squares"], sum(s["sum_squares"] for s in told.seconds))
    assert near(minute["sum_floor"], sum(s["floor"] for s in known))
    assert near(minute["sum_weakest"], sum(s["weakest"] for s in known))


def test_events_agree(both):
    """Onsets and ends are the very same samples as the naive ones; features agree within 1e-6."""
    told, rows = both
    for name in ("onset", "end", "sub_bursts"):
        assert [row[name] for row in rows["events"]] == [e[name] for e in told.events]
    assert [row["number"] for row in rows["events"]] == list(range(1, len(told.events) + 1))
    names = ("peak_square", "mean_square", "floor_square", "dominant_hz", "top_to_low")
    for name in (*names, "direction_ratio", "train_hz"):
        assert near([row[name] for row in rows["events"]], [e[name] for e in told.events])
    tilts = dict(rows["tilts"])
    assert near([tilts[row["number"]] for row in rows["events"]], [e["tilt_deg"] for e in told.events])


@pytest.mark.parametrize("count", [0, 1, 3, 4, 399, 799])
def test_short_signals_agree(signals, naive_detector, count):
    """Of no sample, one, less than a step, a step, and a bit more, both say the same."""
    counts = signals("jerks", 400.0)[2400 : 2400 + count]
    told = naive_detector(counts, 400.0, SETTINGS, 1 / 256, FULL_SCALE).run()
    rows = stepped(counts, 400.0)
    assert rows["events"] == told.events == []
    assert near(column(rows, "motion").reshape(-1, 3), told.motion)
    assert sum(row[1][lay.SETTLING] for row in rows["minutes"]) == count


def test_the_signals_hold_what_they_are_for(signals, naive_detector):
    """Every rule is at work in one of the signals, else the comparison would show little."""

    def told_of(name):
        return naive_detector(signals(name, 400.0), 400.0, SETTINGS, 1 / 256, FULL_SCALE).run()

    mixture, doubtful, machine = told_of("mixture"), told_of("doubtful"), told_of("machine")
    assert len(mixture.events) >= 10
    assert any(e["tilt_deg"] > 1 for e in mixture.events)
    assert any(1.9 < e["train_hz"] < 2.1 for e in mixture.events)
    assert {s["reason"] for s in mixture.seconds} == {"valid", "gap", "saturated", "settling"}
    assert {"a machine", "too weak"} <= set(doubtful.dropped)
    assert "hum" in {s["reason"] for s in machine.seconds}
