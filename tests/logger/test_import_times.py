"""Times of an imported recording hold late in the night, however coarsely its file rounds them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main
from bedtick.logger.importer import import_recording
from bedtick.logger.settings import Settings

LASTS_S = 1200
JERKS_S = (600.0, 1150.0, 1190.0)


@pytest.fixture
def imported(recording_of, made, tmp_path):
    """Return a function that imports twenty minutes at a true rate whose times are rounded to `tick_s`."""

    def run(rate_hz, tick_s, without=None):
        counts = made.chip_noise(LASTS_S, rate_hz, seed=3)
        for onset_s in JERKS_S:
            made.add_jerk(counts, rate_hz, onset_s, 120.0)
        t_s = np.rint(np.arange(len(counts)) / rate_hz / tick_s) * tick_s
        keep = np.ones(len(t_s), bool)
        keep[slice(*(round(edge_s * rate_hz) for edge_s in without or (0.0, 0.0)))] = False
        recording = recording_of(np.rint(counts[keep]) / 256, t_s=t_s[keep])
        import_recording(recording, Settings(), tmp_path / "bed.db")
        return recording, tmp_path / "bed.db"

    return run


def shown_starts_s(path):
    """When events began, as a reader is told, and their onset samples."""
    shown = CliRunner().invoke(main, ["events", "--db", str(path), "--json"], catch_exceptions=False)
    with closing(sqlite3.connect(path)) as connection:
        onsets = connection.execute("SELECT onset_sample FROM events ORDER BY onset_sample").fetchall()
    return [event["start_s"] for event in json.loads(shown.stdout)], [onset for (onset,) in onsets]


@pytest.mark.parametrize(
    ("rate_hz", "tick_s"),
    [(64.0, 0.001), (60.0, 0.001), (400 / 3, 0.001), (197.24, 0.001), (64.0, 0.01), (62.5, 0.01)],
    ids=str,
)
def test_rounded_times_do_not_drift(imported, rate_hz, tick_s):
    """Though the median interval is off by percents, each event is within 20 ms of its sample's true time."""
    recording, path = imported(rate_hz, tick_s)
    starts_s, onsets = shown_starts_s(path)
    assert abs(recording.nominal_hz / rate_hz - 1) > 1e-3
    assert starts_s == pytest.approx(JERKS_S, abs=0.12)
    assert starts_s == pytest.approx([onset / rate_hz for onset in onsets], abs=0.02)


def test_rounded_times_hold_after_a_gap(imported):
    """However many samples a gap is taken for, what follows it is at its own time."""
    recording, path = imported(64.0, 0.001, without=(700.0, 790.0))
    starts_s, _ = shown_starts_s(path)
    assert len(recording.gaps()) == 1
    assert starts_s == pytest.approx(JERKS_S, abs=0.12)
