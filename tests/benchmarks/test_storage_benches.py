"""The benches of wear and size run, and keep the bounds that docs/storage.md states."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def wear(monkeypatch):
    """Import the bench of wear; skip without a C compiler."""
    if shutil.which("cc") is None:
        pytest.skip("the counting disk needs a C compiler (cc)")
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("wear")


@pytest.fixture
def database_size(monkeypatch):
    """Import the bench of sizes."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("database_size")


def quiet(wear, folder, hours):
    """Record so long on the counting disk."""
    shim = wear.load_shim()
    return wear.measure(shim, shim.build_library(folder), folder, hours)


def test_a_quiet_chunk_is_one_flush(wear, tmp_path):
    """Beside what a new file takes, six quiet minutes flush once for each of their 45 chunks."""
    cost = quiet(wear, tmp_path, 0.1)
    assert 45 <= cost.flushes <= 45 + 25
    assert cost.written_bytes < cost.block_bytes < 8 * cost.kept_bytes


@pytest.mark.long
def test_a_quiet_hour_wears_no_more_than_stated(wear, tmp_path):
    """An hour keeps the bounds of the night, though the new file weighs more in it."""
    cost = quiet(wear, tmp_path, 1.0)
    assert cost.flushes_in_10_s <= wear.MOST_FLUSHES
    assert cost.ratio <= wear.MOST_RATIO
    assert cost.block_bytes <= wear.MOST_MB / wear.HOURS * 1e6


def test_pruned_nights_are_small(database_size, tmp_path, capsys):
    """Two nights, extrapolated to 400, and a busy one take what the page says."""
    for nights, events, most_mb in ((2, database_size.EVENTS, 0.5), (1, database_size.BUSY_EVENTS, 1.2)):
        path = tmp_path / f"{events}.db"
        database_size.make_nights(path, nights, events, 1)
        database_size.print_size(path, "nights", most_mb)
        used_mb = float(capsys.readouterr().out.split(" MB in use")[0].rsplit(" ", 1)[1])
        assert 0.1 < used_mb < most_mb


def test_morning_commands_are_timed_side_by_side(database_size, tmp_path, capfd):
    """Each command runs on nights that are there, and costs processor time."""
    morning = importlib.import_module("morning_commands")
    path = tmp_path / "nights.db"
    database_size.make_nights(path, 2, 20, 1)
    taken_s = morning.measure(path, 1)
    assert set(taken_s) >= {"bedtick summary", "bedtick nights", "bedtick events", morning.BESIDE}
    assert all(seconds > 0.0 for seconds in taken_s.values())
    assert "Traceback" not in capfd.readouterr().err
