"""How a recording ends by a signal, and that two daemons never share a database."""

from __future__ import annotations

import json
import signal
from contextlib import nullcontext

import pytest

RECORDING = "SELECT id, ended, end_sample, source_digest FROM recordings ORDER BY id"
CHUNKS = "SELECT count(*) FROM raw_chunks"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_ends_the_recording_well(daemon, ended, until, rows, sound, bedtick, tmp_path, number):
    """Either signal ends `run` with exit code 0; all samples are stored and nothing is left open."""
    path = tmp_path / "bed.db"
    process = daemon("run", "--bus", "emulated", "--speed", "max", "--seed", 3, "--db", path)
    until(lambda: rows(path, CHUNKS) > [(3,)], process)
    code, out, err = ended(process, number)
    assert code == 0
    assert out == ""
    assert err == f"recording 1: adxl345 at 400 Hz into {path}, place bed\nrecording 1 ended\n"
    sound(path)
    ((_, ended_as, end, _),) = rows(path, RECORDING)
    assert ended_as == "stopped"
    assert rows(path, "SELECT max(first_sample + sample_count) FROM raw_chunks") == [(end,)]
    assert rows(path, "SELECT count(*) FROM events WHERE complete = 0") == [(0,)]
    assert rows(path, "SELECT cause FROM anchors ORDER BY id") == [("start",), ("stop",)]
    assert json.loads(bedtick("summary", "--db", path, "--json").stdout)["ended"] == "stopped"


def test_signal_at_real_speed(daemon, ended, until, rows, sound, tmp_path):
    """A daemon on the machine's own clock ends at once, before its first chunk was due, and loses nothing."""
    path = tmp_path / "bed.db"
    process = daemon("run", "--bus", "emulated", "--db", path)
    until(lambda: rows(path, "SELECT 1 FROM anchors"), process)
    code, _, _ = ended(process, signal.SIGTERM)
    assert code == 0
    sound(path)
    ((_, ended_as, end, _),) = rows(path, RECORDING)
    assert ended_as == "stopped"
    assert end > 0
    assert rows(path, "SELECT max(first_sample + sample_count) FROM raw_chunks") == [(end,)]


def test_night_that_ended_before_its_first_sample(bedtick, restless, monkeypatch, tmp_path):
    """A recording without a single sample spoils no screen."""
    monkeypatch.setattr("bedtick.logger.signals.stop_on_signals", lambda: nullcontext(lambda: True))
    path = tmp_path / "bed.db"
    assert bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path).exit_code == 0
    for command in ("summary", "nights", "events"):
        assert bedtick(command, "--db", path).exit_code == 0, command
        json.loads(bedtick(command, "--db", path, "--json").stdout)


def test_second_daemon_is_refused(daemon, ended, until, rows, sound, bedtick, refused, restless, tmp_path):
    """While one daemon records, another is sent away; readers, `check`, import and replay are not."""
    path = tmp_path / "bed.db"
    process = daemon("run", "--bus", "emulated", "--db", path)
    until(lambda: rows(path, RECORDING), process)
    line = refused("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path)
    assert str(path) in line
    assert "already" in line
    assert json.loads(bedtick("summary", "--db", path, "--json").stdout)["ended"] == "running"
    checked = bedtick("check", "--bus", "emulated", "--db", path)
    assert checked.exit_code == 0
    assert "a recording is running, so the sensor is left alone" in checked.stdout
    assert bedtick("import", restless, "--db", path).exit_code == 0
    assert bedtick("replay", restless, "--chip", "adxl345", "--db", path).exit_code == 0
    assert rows(path, RECORDING)[0][1:3] == (None, None)
    assert ended(process, signal.SIGINT)[0] == 0
    sound(path)
    assert [row[1] for row in rows(path, RECORDING)] == ["stopped"] * 3


def test_killed_daemon_leaves_no_lock(daemon, until, rows, bedtick, restless, tmp_path):
    """After `kill -9` the next daemon starts at once."""
    path = tmp_path / "bed.db"
    process = daemon("run", "--bus", "emulated", "--speed", "max", "--db", path)
    until(lambda: rows(path, CHUNKS) > [(0,)], process)
    process.kill()
    process.wait()
    assert bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path).exit_code == 0


def test_interrupted_replay_is_kept_and_done_again(
    daemon, ended, until, rows, sound, bedtick, long_restless, tmp_path
):
    """Ctrl-C ends a replay with exit code 1; the part is stored and closed, a later replay starts afresh."""
    path = tmp_path / "bed.db"
    process = daemon("replay", long_restless, "--chip", "adxl345", "--db", path)
    until(lambda: rows(path, CHUNKS) > [(3,)], process)
    code, out, err = ended(process, signal.SIGINT)
    assert code == 1
    assert out == ""
    assert err == f"Error: stopped before the end of {long_restless}; recording 1 holds what was done.\n"
    sound(path)
    ((_, ended_as, end, digest),) = rows(path, RECORDING)
    assert ended_as == "stopped"
    assert 0 < end < 180_000
    assert digest is None
    again = bedtick("replay", long_restless, "--chip", "adxl345", "--db", path)
    assert again.exit_code == 0
    assert again.stdout == f"Replayed {long_restless} into {path} as recording 2.\n"
    once_more = bedtick("replay", long_restless, "--chip", "adxl345", "--db", path)
    assert "already, as recording 2; nothing changed" in once_more.stdout
    assert [row[2] for row in rows(path, RECORDING)] == [end, 180_000]


def test_interrupted_demo_says_where_it_is(daemon, ended, until, rows, sound, tmp_path):
    """Ctrl-C ends the demo with exit code 1 and the place of what was done."""
    path = tmp_path / "demo.db"
    process = daemon("demo", "--db", path)
    until(lambda: rows(path, CHUNKS) > [(3,)], process)
    code, out, err = ended(process, signal.SIGINT)
    assert (code, out) == (1, "")
    assert err == f"Error: stopped before the night was over; {path} holds what was done.\n"
    sound(path)
    assert [row[1] for row in rows(path, RECORDING)] == ["stopped"]


def test_interrupted_import_changes_nothing(daemon, ended, until, rows, long_restless, tmp_path):
    """An import is whole or not at all, also where Ctrl-C ends it."""
    path = tmp_path / "bed.db"
    process = daemon("import", long_restless, "--db", path)
    until(path.exists, process)
    code, _, err = ended(process, signal.SIGINT)
    whole = rows(path, "SELECT ended, end_sample FROM recordings")
    assert whole in ([], [("stopped", 180_000)])
    assert code == (0 if whole else 1), err
