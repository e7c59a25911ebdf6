"""The bench of the smallest jerk takes chips as bedtick runs them, and prints what it found."""

from __future__ import annotations

import importlib
import types
from pathlib import Path

import numpy as np
import pytest

from bedtick.firmware import chips as drivers

FOLDER = Path(__file__).parents[2] / "benchmarks" / "detector"


@pytest.fixture
def bench(monkeypatch):
    """Import the bench as its scripts do, small enough for a test: one bed, two strengths."""
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("smallest")
    for name, value in {"SLEEPERS": 1, "TWITCHES": 12, "STILL_S": 60.0}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_every_chip_is_taken_as_it_is_run(bench):
    """Step, full scale and rate are the driver's own at its usual settings; noise is known for each chip."""
    assert set(bench.NOISE) == set(drivers.CHIPS)
    chip, rate_hz = bench.chip_in_use("lis3dh")
    assert (chip.scale_g, chip.full_scale_counts, rate_hz) == (0.004, 511, 400.0)
    chip, rate_hz = bench.chip_in_use("adxl355")
    assert (chip.scale_g, chip.full_scale_counts, rate_hz) == (1 / 128_000, 524_287, 500.0)


@pytest.mark.parametrize(
    ("shares", "smallest_mg"),
    [
        ((0.0, 0.8, 1.0, 1.0), 3.0),
        ((0.0, 0.95, 0.85, 0.95), 6.0),
        ((0.95, 1.0, 1.0, 1.0), 1.0),
        ((0.0, 0.1, 0.2, 0.8), None),
    ],
)
def test_the_smallest_jerk_is_found_from_there_on(bench, shares, smallest_mg):
    """It lies where the share last passes nine in ten; None where it never does."""
    found = bench.crossing_mg((1.0, 2.0, 4.0, 8.0), list(shares))
    assert found == (None if smallest_mg is None else pytest.approx(smallest_mg))


def test_a_strong_twitch_is_found_and_a_weak_one_is_not(bench):
    """Through an ADXL345 under a sleeper, all twitches of 40 mg are found, and none of 0.5 mg."""
    chip, rate_hz = bench.chip_in_use("adxl345")
    bed = bench.make_bed(np.random.default_rng(3), rate_hz, empty=False)
    assert bed.recall(chip, 40.0, 1) == (1.0, 0)
    assert bed.recall(chip, 0.5, 1) == (0.0, 0)


def test_a_sleeper_breathes_and_an_empty_bed_is_still(bench):
    """Under a sleeper something always moves; without anybody there is gravity alone."""
    beds = types.SimpleNamespace(
        **{
            name: bench.make_bed(np.random.default_rng(3), 400.0, empty=name == "empty").still_mg
            for name in ("empty", "used")
        }
    )
    assert np.ptp(beds.empty, axis=0).max() == 0
    assert np.ptp(beds.used, axis=0).max() > 0.2
    assert np.linalg.norm(beds.used, axis=1) == pytest.approx(1000, abs=10)


def test_a_quiet_chip_shows_a_heartbeat(bench):
    """The weakest beat that stands out is three times white noise of the density, between 1 and 10 Hz."""
    chip, rate_hz = bench.chip_in_use("adxl355")
    shown_mg = bench.visible_heart_mg(chip, rate_hz, 1)
    assert shown_mg == pytest.approx(3 * 0.025 * 9**0.5, rel=0.15)
    assert bench.Smallest("a", 1, 2, 1.0, None, None, 0, 1.0, shown_mg).heart == "yes"
    assert bench.Smallest("a", 1, 2, 1.0, None, None, 0, 1.0, 2.1).heart == "no"


def test_a_line_of_the_table(bench, monkeypatch):
    """A chip's line has its settings and what was found; a jerk beyond the strongest says so."""
    monkeypatch.setattr(bench, "PEAKS_MG", (1.0, 2.0))
    cells = bench.line(bench.look("mpu6050", 1))
    assert cells[:6] == ["mpu6050", "500", "4", "0.122", "over 2", "over 2"]
    assert cells[-1] == "0.00"
