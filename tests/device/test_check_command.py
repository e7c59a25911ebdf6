"""`bedtick check` where all is well, and `bedtick run` where home or cache can not be written."""

from __future__ import annotations

import pytest

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import Still, build_emulator
from bedtick.logger import rig

RECORDED = "SELECT ended, end_sample FROM recordings"


def test_check_of_a_good_device(bedtick, tmp_path):
    """Each thing that a night needs has its line, none is a failure, and no recording is made."""
    db = tmp_path / "bed.db"
    result = bedtick("check", "--bus", "emulated", "--db", db)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[1] for line in lines] == [
        "database", "sensor", "clock", "self-test", "rate", "signal", "ring-down", "detector",
    ]  # fmt: skip
    states = dict(line.split()[1::-1] for line in lines)
    del states["clock"]  # whether the machine's own is synchronised
    assert set(states.values()) == {"ok"}
    said = " ".join(result.stdout.split())
    assert f"{db} can be written" in said
    assert "adxl345 at 0x53 on emulated" in said
    assert bedtick("nights", "--db", db, "--json").stdout == "[]\n"


def test_check_finds_a_stuck_sensor(bedtick, monkeypatch, tmp_path):
    """A chip that repeats one value is found out, and it is said what to do."""
    emulated = build_emulator(Still(), SystemClock())
    emulated.faults.stuck = True
    monkeypatch.setattr(rig, "open_bus", lambda _number: emulated.bus)
    monkeypatch.setattr("bedtick.logger.check.LISTEN_S", 0.5)
    result = bedtick("check", "--db", tmp_path / "bed.db")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "failure signal stuck" in said
    assert "replace it" in said


def test_run_without_a_home(daemon, ended, rows, restless, tmp_path):
    """Where neither home nor cache can be made, the daemon compiles for itself and records."""
    db = tmp_path / "bed.db"
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache", "XDG_DATA_HOME": ""}
    code, _, err = ended(
        daemon("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", db, **nowhere)
    )
    assert code == 0, err
    ((ended_as, end),) = rows(db, RECORDED)
    assert (ended_as, end) == ("stopped", 6000)


def test_default_database_without_a_home(refused, monkeypatch, restless):
    """Where the default place can not be made, it is named in one line."""
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null/data")
    assert "/dev/null/data/bedtick" in refused("import", restless)


@pytest.mark.long
def test_run_with_a_full_cache(daemon, ended, rows, restless, small_disk, fill, tmp_path):
    """A cache without room costs time, never the night."""
    db, folder = tmp_path / "bed.db", small_disk(400)
    fill(folder, 40)
    code, _, err = ended(
        daemon(
            "run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", db, XDG_CACHE_HOME=str(folder)
        )
    )
    assert code == 0, err
    assert rows(db, RECORDED) == [("stopped", 6000)]


@pytest.mark.long
def test_first_starts_while_another_compiles(daemon, ended, until, rows, restless, tmp_path):
    """Processes that find another's half-filled cache do not stop it, nor themselves."""
    cache = tmp_path / "cache"

    def start(number):
        night = ("--bus", f"emulated:{restless}", "--speed", "max", "--db", tmp_path / f"{number}.db")
        return daemon("run", *night, XDG_CACHE_HOME=str(cache))

    started = [start(0)]
    until(lambda: list(cache.rglob("*.nb*")), started[0])
    started += [start(1), start(2)]
    for number, process in enumerate(started):
        code, _, err = ended(process)
        assert code == 0, err
        assert rows(tmp_path / f"{number}.db", RECORDED) == [("stopped", 6000)]
