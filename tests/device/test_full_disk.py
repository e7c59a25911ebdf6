"""A disk that is full, or fills up in the night: said once, survived, and nothing spoilt."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest

CAN_NOT = "can not store"


@pytest.fixture
def quick(tmp_path):
    """Write settings that store raw samples every second."""
    path = tmp_path / "bedtick.toml"
    path.write_text("[store]\nchunk_s = 1\n")
    return path


def chunks(rows, path):
    """Raw samples that are stored."""
    return rows(path, "SELECT first_sample, sample_count FROM raw_chunks ORDER BY 1")


def test_import_into_a_full_disk(refused, bedtick, recording_file, small_disk, fill, rows, sound):
    """An import that does not fit is refused whole; with room it succeeds."""
    folder = small_disk(900)
    filler = fill(folder, 300)
    noise = 0.05 * np.random.default_rng(2).standard_normal((120_000, 3)) + (0, 0, 1)
    file, path = recording_file(noise, fs_hz=400.0), folder / "bed.db"
    line = refused("import", file, "--db", path)
    assert line == f"Error: database {path}: the disk is full; make room, or choose another place with --db"
    sound(path)
    assert rows(path, "SELECT count(*) FROM recordings") == [(0,)]
    filler.unlink()
    short = recording_file(noise[:20_000], "short.npz", fs_hz=400.0)
    assert bedtick("import", short, "--db", path).exit_code == 0


@pytest.mark.parametrize("leave_kb", [0, 12, 60])
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--bus", "emulated:{file}", "--speed", "max"),
        ("import", "{file}"),
        ("replay", "{file}", "--chip", "adxl345"),
        ("demo",),
    ],
    ids=["run", "import", "replay", "demo"],
)
def test_start_on_a_full_disk(refused, restless, small_disk, fill, arguments, leave_kb):
    """A new database without room for its tables is refused in one line."""
    folder = small_disk(200)
    fill(folder, leave_kb)
    path = folder / "bed.db"
    line = refused(*[part.format(file=restless) for part in arguments], "--db", path)
    assert line == f"Error: database {path}: the disk is full; make room, or choose another place with --db"


def test_check_on_a_full_disk(bedtick, small_disk, fill):
    """`check` finds a full disk."""
    folder = small_disk(200)
    fill(folder)
    result = bedtick("check", "--bus", "emulated", "--db", folder / "bed.db")
    assert result.exit_code == 1
    assert "the disk is full" in result.stdout


def test_disk_that_fills_up_costs_only_what_does_not_fit(
    daemon, ended, until, rows, sound, small_disk, fill, quick, bedtick, tmp_path, restless
):
    """The daemon samples on, says so once, and at its end how much was lost; what is stored is sound."""
    folder = small_disk(1000)
    path, log = folder / "bed.db", tmp_path / "log.txt"
    with log.open("w") as errors:
        process = daemon("run", "--bus", "emulated", "--config", quick, "--db", path, stderr=errors)
    until(lambda: chunks(rows, path), process)
    fill(folder)
    until(lambda: CAN_NOT in log.read_text(), process)
    stored = chunks(rows, path)
    time.sleep(2.5)  # for two tries more
    assert process.poll() is None
    code, _, _ = ended(process, signal.SIGTERM)
    said = log.read_text()
    assert code == 1
    assert said.count(CAN_NOT) == 1
    last = said.splitlines()[-1]
    assert last.startswith(f"Error: database {path}: the last ")
    assert "raw samples could not be stored" in last
    sound(path)
    assert chunks(rows, path)[: len(stored)] == stored
    (folder / "filler").unlink()
    assert bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path).exit_code == 0
    assert rows(path, "SELECT ended FROM recordings ORDER BY id") == [("unplugged",), ("stopped",)]
    sound(path)


def test_disk_that_gets_room_again_costs_nothing(
    daemon, ended, until, rows, sound, small_disk, fill, quick, tmp_path
):
    """What waited for room is stored once there is some, and the recording ends well."""
    folder = small_disk(1000)
    path, log = folder / "bed.db", tmp_path / "log.txt"
    with log.open("w") as errors:
        process = daemon("run", "--bus", "emulated", "--config", quick, "--db", path, stderr=errors)
    until(lambda: chunks(rows, path), process)
    filler = fill(folder)
    until(lambda: CAN_NOT in log.read_text(), process)
    filler.unlink()
    until(lambda: "storing again" in log.read_text(), process)
    code, _, _ = ended(process, signal.SIGTERM)
    assert code == 0, log.read_text()
    sound(path)
    ((ended_as, end),) = rows(path, "SELECT ended, end_sample FROM recordings")
    assert ended_as == "stopped"
    (first, count) = chunks(rows, path)[-1]
    assert first + count == end


@pytest.mark.parametrize(
    "arguments",
    [("run", "--bus", "emulated", "--speed", "max"), ("replay", "{file}", "--chip", "adxl345")],
    ids=["run", "replay"],
)
def test_emulated_night_does_not_wait_for_room(
    daemon, ended, long_restless, small_disk, sound, rows, arguments
):
    """An emulated night that does not fit ends by itself and says what was lost."""
    path = small_disk(400) / "bed.db"
    code, _, err = ended(daemon(*[part.format(file=long_restless) for part in arguments], "--db", path))
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith(f"Error: database {path}: the last ")
    assert "could not be stored (database or disk is full)" in last
    sound(path)
    assert rows(path, "SELECT count(*) FROM raw_chunks")[0][0] > 0


@pytest.mark.long
def test_old_raw_samples_make_room_for_new_nights(bedtick, long_restless, small_disk, fill, rows, sound):
    """On a disk too small for two nights each goes through whole: older raw samples made room."""
    folder = small_disk(2900)
    path = folder / "bed.db"
    night = ("run", "--bus", f"emulated:{long_restless}", "--speed", "max", "--db", path)
    assert bedtick(*night).exit_code == 0
    fill(folder, leave_kb=2400)
    for number in (2, 3):
        assert bedtick(*night).exit_code == 0
        sound(path)
        events = rows(
            path, "SELECT count(*) FROM events JOIN scorings s ON s.id = scoring_id GROUP BY recording_id"
        )
        assert events == events[:1] * number
        left = rows(path, "SELECT DISTINCT recording_id FROM raw_chunks WHERE data IS NOT NULL")
        assert left == [(number,)]
    assert rows(path, "SELECT DISTINCT kind FROM faults") == []
