"""The speed benches run, on a night of seconds, and print what they promise."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("obspy", reason="the comparison with STA/LTA needs ObsPy: pip install --group bench")

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def speed(monkeypatch):
    """Import the bench of the detector's speed."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("detector_speed")


@pytest.fixture
def work(monkeypatch):
    """Import the work whose instructions are counted."""
    monkeypatch.syspath_prepend(str(FOLDER / "instructions"))
    return importlib.import_module("work")


def test_bare_biquads_filter_as_scipy_does(speed):
    """The compiled pass that the detector is compared with ends on the energy that sosfilt gives."""
    counts = speed.make_counts(0.01)
    sections = speed.design(2.0, 14.0, speed.RATE_HZ, 1)
    energy = speed.band_energy(counts, speed.for_scipy(sections))
    assert speed.bare_biquads(counts, sections) == pytest.approx(energy[-1], rel=1e-9)


def test_both_sizes_of_block_find_the_same_events(speed):
    """Over ten minutes with nine jerks, both runs that are timed find as many events."""
    counts = speed.make_counts(1 / 6)
    found = [speed.detect(counts, block) for block in (speed.LIVE_BLOCK, speed.IMPORT_BLOCK)]
    assert found[0] == found[1] > 5


def test_quiet_blocks_leave_nothing_allocated(speed, monkeypatch, capsys):
    """A thousand quiet blocks leave less than ten bytes each."""
    monkeypatch.setattr(speed, "QUIET_BLOCKS", 1000)
    speed.watch_allocations()
    found = re.search(r"leave (-?\d+) bytes", capsys.readouterr().out)
    assert found is not None
    assert int(found[1]) < 10_000


def test_the_counted_daemon_stores_every_set(work, monkeypatch, tmp_path):
    """The stand-in for the kernel's I2C hands over every set, and none is lost."""
    import sqlite3

    monkeypatch.setitem(sys.modules["smbus2.smbus2"].__dict__, "ioctl", None)
    counts = work.make_counts(20)
    work.run_daemon(counts, tmp_path / "night.db")
    db = sqlite3.connect(tmp_path / "night.db")
    assert db.execute("SELECT sum(sample_count) FROM raw_chunks").fetchone() == (len(counts),)
    assert db.execute("SELECT count(*) FROM faults").fetchone() == (0,)
    db.close()
