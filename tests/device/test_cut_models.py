"""What the volatile disk keeps at a power cut: all that was flushed, and of the rest what its model says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

CUTS = Path(__file__).parent / "cuts"
FOLDER, FILE = 1, 2
SECTOR = 512
SEEDS = range(40)


@pytest.fixture
def power_cut(monkeypatch):
    """Return the module that decides what is kept."""
    monkeypatch.syspath_prepend(CUTS)
    import power_cut

    return power_cut


@pytest.fixture
def history(monkeypatch):
    """Return the module that tells what happened to a disk."""
    monkeypatch.syspath_prepend(CUTS)
    import history

    return history


@pytest.fixture
def past(history):
    """Return a function that makes the history of one new file from its operations."""

    def make(*steps):
        made = [history.Operation("link", FOLDER, 0, False, name="file", child=FILE)]
        for kind, node, offset, data in steps:
            made.append(history.Operation(kind, node, 0, False, offset, data))
        return history.History(history.Tree(), made, {FOLDER: "", FILE: "file"}, {FOLDER})

    return make


@pytest.fixture
def kept(power_cut):
    """Return a function that cuts at the last operation, once for each seed, and gives the files left."""

    def cut(past, model):
        cuts = [power_cut.Cut(len(past.operations) - 1, seed, model) for seed in SEEDS]
        return [power_cut.remains(past, one).contents().get("file") for one in cuts]

    return cut


def flushed_sectors(count):
    """Return the steps that write sectors of ones and flush them, and the folder too."""
    return (("write", FILE, 0, b"1" * SECTOR * count), ("flush", FILE, 0, b""), ("flush", FOLDER, 0, b""))


@pytest.mark.parametrize("model", ["dropped", "in order", "reordered", "torn"])
def test_what_was_flushed_is_kept(past, kept, model):
    """Whatever chance does, flushed bytes are as they were where nothing was written over them."""
    disk = past(*flushed_sectors(2), ("write", FILE, SECTOR, b"2" * SECTOR))
    for data in kept(disk, model):
        assert data[:SECTOR] == b"1" * SECTOR
        assert data[SECTOR:] in (b"1" * SECTOR, b"2" * SECTOR)


@pytest.mark.parametrize("model", ["dropped", "in order", "reordered", "torn"])
def test_a_flush_that_is_cut_is_none(past, kept, model):
    """A cut inside the flush itself finds what it should have flushed still on its way."""
    disk = past(*flushed_sectors(1), ("write", FILE, 0, b"2" * SECTOR), ("flush", FILE, 0, b""))
    assert b"1" * SECTOR in kept(disk, model)


def test_models_differ_in_what_they_keep(past, kept):
    """Dropped keeps nothing, in order what came first, reordered also what came later, torn any sector."""
    steps = [("write", FILE, SECTOR * place, b"2" * SECTOR) for place in range(4)]
    disk = past(*flushed_sectors(4), *steps)
    texts = {
        model: {data[::SECTOR].decode() for data in kept(disk, model)}
        for model in ("dropped", "in order", "reordered")
    }
    assert texts["dropped"] == {"1111"}
    assert texts["in order"] <= {"1111", "2111", "2211", "2221", "2222"}
    assert len(texts["in order"]) > 2
    assert texts["reordered"] - texts["in order"]
    whole = kept(past(*flushed_sectors(4), ("write", FILE, 0, b"2" * SECTOR * 4)), "torn")
    assert len({data[::SECTOR] for data in whole}) > 8
    assert all(len(set(data[at : at + SECTOR])) == 1 for data in whole for at in range(0, 2048, SECTOR))


def test_a_new_file_is_there_once_its_folder_is_flushed(past, kept):
    """A file that was flushed may be gone with its name as long as the folder was not."""
    without = past(("write", FILE, 0, b"1"), ("flush", FILE, 0, b""), ("write", FILE, 0, b"2"))
    assert None in kept(without, "reordered")
    assert None not in kept(past(*flushed_sectors(1), ("write", FILE, 0, b"2")), "reordered")


def test_a_disk_that_lies_loses_what_was_flushed(past, power_cut):
    """With a cache that is never flushed, the last operations are on their way whatever was said."""
    disk = past(*flushed_sectors(1), ("write", FILE, 0, b"2"))
    place = len(disk.operations) - 1
    honest = power_cut.any_cut(place, random.Random(1))
    lying = power_cut.any_cut(place, random.Random(1), 10)
    assert power_cut.in_flight(disk, honest) == 1
    assert power_cut.in_flight(disk, lying) == 3
