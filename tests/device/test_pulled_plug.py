"""The plug pulled at any moment: what is on disk is sound up to the promise, the next start mends the rest.

A killed process stands for the pulled plug: all that it committed is there, and nothing else. That SQLite's
commits reach the medium is another matter: see `test_power_cuts`. On emulated time every batch is committed
before time goes on, so that what is missing is missing by the daemon's doing.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from bedtick.analysis.cli.sensor import open_rig
from bedtick.firmware.emulator import Mattress
from bedtick.logger.daemon import Control, record
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings
from bedtick.logger.store.database import open_database
from bedtick.logger.store.recovery import close_unplugged
from bedtick.logger.store.writer import RecordingWriter

RATE_HZ = 400
EVENTS = "SELECT onset_sample, end_sample, peak_mg FROM events ORDER BY id"
FINALS = "SELECT onset_sample, kind, tilt_deg FROM events ORDER BY id"
BOUTS = "SELECT id, onset_sample, end_sample, event_count, median_interval_s FROM bouts ORDER BY id"
RAW_END = "SELECT coalesce(max(first_sample + sample_count), 0) FROM raw_chunks"
LAST_STORED = (
    "SELECT max(coalesce((SELECT max(first_sample + sample_count) FROM raw_chunks), 0),"
    " coalesce((SELECT max(end_sample) FROM events), 0), coalesce((SELECT max(sample) FROM anchors), 0))"
)
# Ends itself at the N-th statement that SQLite is given, for each N of its arguments, in a file of its own.
CUT_AT_STATEMENTS = """
import os, signal, sqlite3, sys
from pathlib import Path

def cut_at(number):
    count = 0
    def on_statement(_text):
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
    connect = sqlite3.connect
    def traced(*args, **options):
        connection = connect(*args, **options)
        connection.set_trace_callback(on_statement)
        return connection
    sqlite3.connect = traced

def in_child(number, work):
    child = os.fork()
    if child == 0:
        cut_at(number)
        work(Path(sys.argv[1]) / f"{number}.db")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
CUT_THE_FIRST_START = """
from bedtick.logger.store.database import open_database
number = 1
while in_child(number, lambda path: open_database(path).conn.close()):
    number += 1
print(number)
"""
CUT_A_RECORDING = """
from bedtick.analysis.cli.sensor import open_rig
from bedtick.logger.daemon import Control, record
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings
compiled_kernel()
def work(path):
    settings = Settings()
    rig = open_rig("emulated:" + sys.argv[2], settings.sensor, seed=0, at_real_speed=False)
    record(site_of(rig), settings, path, Control())
for number in map(int, sys.argv[3:]):
    print(in_child(number, work))
"""


def emulated_night(path, seed, until_s, stop=lambda _rig: False):
    """Record so many seconds of an emulated night, uninterrupted; `stop` is asked before every drain."""
    settings = Settings()
    rig = open_rig("emulated", settings.sensor, seed=seed, at_real_speed=False)
    end_ns = rig.clock.boot_ns() + round(until_s * 1e9)
    rig = dataclasses.replace(rig, has_ended=lambda: rig.clock.boot_ns() >= end_ns)
    record(site_of(rig), settings, path, Control(stop=lambda: stop(rig)))


def busy_seeds(how_many):
    """Seeds of nights that have plenty of events in their first minutes."""
    seeds = (seed for seed in range(1000) if len(Mattress(seed).truth(0.0, 300.0)) > 30)
    return [next(seeds) for _ in range(how_many)]


@pytest.fixture
def next_start(rows, sound, bedtick, restless):
    """Return a function that lets half a minute pass, starts the daemon again, and checks what it mended."""

    def start(path):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE recordings SET seen_boot_ns = seen_boot_ns - 31000000000")
        assert json.loads(bedtick("summary", "--db", path, "--json").stdout)["ended"] == "unplugged"
        bouts = rows(path, "SELECT id, onset_sample FROM bouts ORDER BY id")
        joined = rows(path, "SELECT id, bout_id FROM events WHERE bout_id IS NOT NULL")
        (raw_end,) = rows(path, RAW_END)[0]
        result = bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path)
        assert result.exit_code == 0, result.output
        assert rows(path, "SELECT ended, end_sample FROM recordings ORDER BY id")[0] == ("unplugged", raw_end)
        assert rows(path, "SELECT count(*) FROM events WHERE complete = 0") == [(0,)]
        assert rows(path, "SELECT id, onset_sample FROM bouts ORDER BY id")[: len(bouts)] == bouts
        assert set(rows(path, "SELECT id, bout_id FROM events")) >= set(joined)
        wrong = (
            "SELECT * FROM bouts b WHERE event_count <> (SELECT count(*) FROM events WHERE bout_id = b.id)"
        )
        assert rows(path, wrong) == []
        sound(path)

    return start


def same_finals(mended, reference, unknown_allowed):
    """Check tilts and kinds that were completed late against those found in time."""
    unknown = 0
    for (onset, kind, tilt), (true_onset, true_kind, true_tilt) in zip(mended, reference, strict=False):
        assert onset == true_onset
        if tilt is None and true_tilt is not None:
            unknown += 1
        else:
            assert tilt == pytest.approx(true_tilt, abs=1e-6)
            assert kind == true_kind
    assert unknown <= unknown_allowed


def cut(script, folder, *arguments):
    """Run a script that kills its own children; give what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", CUT_AT_STATEMENTS + script, str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


def test_first_start_may_be_cut_at_any_statement(tmp_path, bedtick, restless, sound, rows):
    """Whatever statement the very first start is cut at, the next one makes a good database of the file."""
    (statements,) = cut(CUT_THE_FIRST_START, tmp_path)
    assert statements > 20
    for number in range(1, statements):
        path = tmp_path / f"{number}.db"
        assert bedtick("nights", "--db", path).exit_code in (0, 1)
        result = bedtick("import", restless, "--db", path)
        assert result.exit_code == 0, (number, result.output)
        sound(path)
        assert rows(path, "SELECT count(*) FROM recordings") == [(1,)]


def test_recording_may_be_cut_at_any_statement(tmp_path, bedtick, restless, sound, rows):
    """Cut between any two statements, a recording holds the events so far; the next start closes it."""
    whole = tmp_path / "whole.db"
    assert bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", whole).exit_code == 0
    reference = rows(whole, EVENTS)
    assert len(reference) >= 10
    numbers = random.Random(8).sample(range(90, 400), 12)
    codes = cut(CUT_A_RECORDING, tmp_path, restless, *numbers)
    assert codes.count(-signal.SIGKILL) > 8
    for number in numbers:
        path = tmp_path / f"{number}.db"
        sound(path)
        stored = rows(path, EVENTS)
        assert stored == reference[: len(stored)]
        assert bedtick("summary", "--db", path).exit_code == 0
        assert bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path).exit_code == 0
        assert rows(path, "SELECT count(*) FROM recordings WHERE ended IS NULL") == [(0,)]
        assert rows(path, "SELECT count(*) FROM events WHERE complete = 0") == [(0,)]
        assert rows(path, EVENTS)[-len(reference) :] == reference


def test_nothing_older_than_promised_is_ever_missing(tmp_path, rows):
    """Before every drain of a night, events older than 1 s and raw samples older than 10 s are committed."""
    (seed,) = busy_seeds(1)
    path = tmp_path / "bed.db"
    looks = []
    start_ns = []
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:

        def look(rig):
            start_ns.append(rig.clock.boot_ns())
            now_s = (rig.clock.boot_ns() - start_ns[0]) / 1e9
            (events,) = reader.execute("SELECT count(*) FROM events").fetchone()
            looks.append((now_s, events, reader.execute(RAW_END).fetchone()[0] / RATE_HZ))
            return False

        emulated_night(path, seed, 300.0, look)
    ends_s = [end / RATE_HZ for (_, end, _) in rows(path, EVENTS)]
    assert len(ends_s) > 20
    assert len(looks) > 5000
    slack_s = 0.04  # from one drain to the next
    late = [look for look in looks if any(end_s < look[0] - 1.0 - slack_s for end_s in ends_s[look[1] :])]
    assert late == []
    assert max(now_s - raw_s for now_s, _, raw_s in looks) <= 10.0


def test_next_start_completes_as_the_detector_would_have(bedtick, turning, tmp_path, rows):
    """Where raw samples are there, tilts, kinds and bouts completed late are those found in time."""
    path = tmp_path / "bed.db"
    assert bedtick("run", "--bus", f"emulated:{turning}", "--speed", "max", "--db", path).exit_code == 0
    finals, bouts, joined = (rows(path, query) for query in (FINALS, BOUTS, "SELECT id, bout_id FROM events"))
    assert {"turn", "twitch"} <= {kind for _, kind, _ in finals}
    assert len(bouts) == 2
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE recordings SET ended = NULL, end_sample = NULL")
        connection.execute(
            "UPDATE events SET complete = 0, tilt_deg = NULL, bout_id = NULL,"
            " kind = CASE kind WHEN 'turn' THEN 'movement' ELSE kind END"
        )
        connection.execute("DELETE FROM bouts WHERE id > 1")
    db = open_database(path)
    assert close_unplugged(db) == [1]
    db.conn.close()
    same_finals(rows(path, FINALS), finals, unknown_allowed=0)
    assert rows(path, BOUTS) == bouts
    assert rows(path, "SELECT id, bout_id FROM events") == joined


def test_refused_batches_are_stored_later_as_they_were(tmp_path, rows, sound, monkeypatch):
    """Where the disk refuses more than half of all tries half-way, what is stored in the end is the same."""
    (seed,) = busy_seeds(1)
    smooth, rough = tmp_path / "smooth.db", tmp_path / "rough.db"
    emulated_night(smooth, seed, 300.0)
    chance = random.Random(3)
    update = RecordingWriter._update_recording
    refusals = []

    def moody(writer, **values):
        if "seen_boot_ns" in values and chance.random() < 0.6:
            refusals.append(values)
            raise sqlite3.OperationalError("database or disk is full")
        update(writer, **values)

    monkeypatch.setattr(RecordingWriter, "_update_recording", moody)
    monkeypatch.setattr("bedtick.logger.store.thread.RETRY_S", (0.0,))
    monkeypatch.setattr("bedtick.logger.store.thread.LAST_TRIES", 30)
    monkeypatch.setattr("bedtick.logger.journal.EMULATED_TRIES", 30)
    emulated_night(rough, seed, 300.0)
    assert len(refusals) >= 15
    sound(rough)
    for query in (
        EVENTS,
        FINALS,
        BOUTS,
        "SELECT * FROM minutes",
        "SELECT first_sample, data FROM raw_chunks",
    ):
        assert rows(rough, query) == rows(smooth, query)
        assert rows(rough, query)


def check_kills(words, kills):
    """Check that so many kills were made and broke nothing, and that the nights had events to lose."""
    counted = re.search(r"(\d+) kills, (\d+) broken promises$", words, re.MULTILINE)
    assert tuple(map(int, counted.groups())) == (kills, 0), words
    assert sum(int(events) for events in re.findall(r": kept, (\d+) events", words)) > 5 * kills


def test_twenty_kills(campaign):
    """Killed at random moments, the daemon leaves all that it owed, and the next start mends the rest."""
    check_kills(campaign("kills.py", "--seed", 1, "--count", 20), 20)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1000, 1100, 1200, 1300])
def test_four_hundred_kills(campaign, seed):
    """The same, twenty times as often."""
    check_kills(campaign("kills.py", "--seed", seed, "--count", 100), 100)


def test_kill_at_real_speed(daemon, until, rows, tmp_path, restless, sound, bedtick, next_start):
    """A daemon on the machine's own clock has its first events and samples on disk when it is killed."""
    path = tmp_path / "bed.db"
    config = tmp_path / "bedtick.toml"
    config.write_text("[store]\nchunk_s = 1\n")
    process = daemon("run", "--bus", f"emulated:{restless}", "--config", config, "--db", path)
    until(lambda: rows(path, EVENTS), process)
    process.kill()
    process.wait()
    sound(path)
    (_, end, peak_mg), *_ = rows(path, EVENTS)
    assert 250 <= end < 500  # what came while it was getting ready is not part of the recording
    assert peak_mg > 40
    (last,) = rows(path, LAST_STORED)[0]
    assert last - rows(path, RAW_END)[0][0] <= 200
    assert json.loads(bedtick("summary", "--db", path, "--json").stdout)["ended"] == "running"
    next_start(path)
