"""Raw samples are given up oldest first, by budget, by nights and by the disk's room; events never."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bedtick.logger.settings import Settings, StoreSettings
from bedtick.logger.store import retention
from bedtick.logger.store.batch import Anchor, Batch, Chunk, WallTime
from bedtick.logger.store.database import (
    CHECKPOINT_BYTES,
    PAGE_BYTES,
    checkpoint_by_itself,
    immediate,
    open_database,
)
from bedtick.logger.store.disk_space import Room, look_for_room
from bedtick.logger.store.raw import read_raw
from bedtick.logger.store.retention import LEAST_ROOM_BYTES, MEGABYTE, NEWEST_CHUNKS, STEP_CHUNKS, Retention
from bedtick.logger.store.waiting import MOST_BYTES
from bedtick.logger.store.writer import Origin, RecordingWriter, add_recording, add_scoring

CHUNK_S, RATE_HZ = 8, 100
CHUNK_SAMPLES = CHUNK_S * RATE_HZ
CHUNK_NS = CHUNK_S * 10**9
HOUR = 450  # chunks
BERLIN = "Europe/Berlin"
STORED = "SELECT id FROM raw_chunks WHERE data IS NOT NULL ORDER BY id"
SPANS = "SELECT first_sample, first_sample + sample_count FROM raw_chunks WHERE recording_id = ? ORDER BY 1"


class Bed:
    """A database to which recordings are added in chunks that can not be packed any smaller."""

    def __init__(self, path):
        self.path = path
        self.db = open_database(path)
        checkpoint_by_itself(self.db)
        self.noise = np.random.default_rng(4)

    def add(
        self,
        chunks,
        *,
        utc=None,
        boot_s=0.0,
        boot_id="boot",
        synced=True,
        chunk_bytes=40,
        rates_hz=None,
        chunk_s=CHUNK_S,
    ):
        """Add a recording of so many chunks that begins at a local time in Berlin; return its writer."""
        samples = chunk_s * RATE_HZ
        start_ns = round(boot_s * 1e9)
        origin = Origin(
            "bed", "adxl345", "i2c-1", 0x53, "chip", None, boot_id, BERLIN, 1 / 256, 4096, RATE_HZ, start_ns
        )
        utc_ns = (
            None
            if utc is None
            else round(datetime.fromisoformat(utc).replace(tzinfo=ZoneInfo(BERLIN)).timestamp() * 1e9)
        )
        with immediate(self.db):
            recording_id = add_recording(self.db, origin, 0)
            writer = RecordingWriter(
                self.db, recording_id, add_scoring(self.db, recording_id, Settings().detector, live=True)
            )
            at_ns = start_ns
            for number in range(chunks):
                rate_hz = RATE_HZ if rates_hz is None else rates_hz[number]
                wall = WallTime(
                    None if utc_ns is None else utc_ns + at_ns - start_ns, synced and utc_ns is not None
                )
                data = self.noise.bytes(chunk_bytes)
                writer.write_recorded(
                    Batch(chunks=[Chunk(number * samples, samples, at_ns, rate_hz, wall, data)])
                )
                at_ns += round(samples * 1e9 / rate_hz)
        return writer

    def rows(self, query, *values):
        """Ask the database."""
        return self.db.execute(query, values).fetchall()

    def stored(self):
        """Ids of the chunks whose samples are there."""
        return [number for (number,) in self.rows(STORED)]

    def prune(self, **settings):
        """Prune as long as there is something to prune; return how many steps it took."""
        kept = Retention(self.db, self.path, StoreSettings(**settings))
        steps = 0
        while kept.step():
            steps += 1
        return steps


@pytest.fixture
def bed(tmp_path):
    """Make a new database."""
    one = Bed(tmp_path / "bed.db")
    with closing(one.db.conn):
        yield one


@pytest.fixture
def small_budget(monkeypatch):
    """Take a megabyte for 20 kB, so that a budget is soon used up."""
    monkeypatch.setattr(retention, "MEGABYTE", 20_000)


def test_nothing_is_pruned_within_the_bounds(bed):
    """A database below its budget on a disk with room keeps all raw samples, of all nights."""
    bed.add(2 * HOUR, utc="2026-01-10T23:00")
    bed.add(2 * HOUR, utc="2026-02-11T23:00")
    assert bed.prune() == 0
    assert len(bed.stored()) == 4 * HOUR


@pytest.mark.usefixtures("small_budget")
def test_the_budget_takes_the_oldest_first(bed):
    """Past its budget a database loses raw samples from the beginning on, no more than needed."""
    bed.add(HOUR, chunk_bytes=3000)
    bed.add(HOUR, chunk_bytes=3000)
    assert bed.prune(budget_mb=100) > 0
    left = bed.stored()
    assert left == list(range(left[0], 2 * HOUR + 1))
    used = look_for_room(bed.db, bed.path).used_bytes
    assert 2_000_000 - STEP_CHUNKS * 3500 < used <= 2_000_000
    assert bed.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.usefixtures("small_budget")
def test_the_newest_minutes_are_kept_whatever_the_budget(bed):
    """What an event of this moment may need for its tilt is never pruned."""
    bed.add(HOUR, chunk_bytes=30_000)
    bed.prune(budget_mb=100)
    assert bed.stored() == list(range(HOUR - NEWEST_CHUNKS, HOUR + 1))


@pytest.mark.usefixtures("small_budget")
def test_free_pages_are_used_again(bed):
    """At its budget the file goes on from night to night without growing."""
    sizes = []
    for _ in range(6):
        bed.add(HOUR, chunk_bytes=3000)
        bed.prune(budget_mb=100)
        bed.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(bed.path.stat().st_size)
    assert sizes[-1] - sizes[2] < 30_000  # of 4 MB that came meanwhile


def test_nights_are_local_noon_to_noon(bed):
    """`keep_raw` counts nights, with two recordings in one and one recording over two; older ones go."""
    bed.add(100, utc="2026-01-10T23:00")
    first_kept = bed.rows("SELECT max(id) + 1 FROM raw_chunks")[0][0]
    bed.add(100, utc="2026-01-11T22:00")
    bed.add(100, utc="2026-01-12T03:00")  # the same night
    bed.add(
        28 * HOUR // 10, utc="2026-01-12T20:00", chunk_s=80
    )  # to 2026-01-14 00:00: this night and the next
    bed.prune(keep_raw=3)
    assert bed.stored()[0] == first_kept
    bed.prune(keep_raw=1)
    (noon,) = bed.rows(
        "SELECT min(id) FROM raw_chunks WHERE recording_id = 4 AND first_sample >= ?", 16 * 3600 * RATE_HZ
    )
    assert bed.stored()[0] == noon[0]


def test_nights_in_winter_and_summer_time(bed):
    """The noon at which a night begins is that of the house's clock, DST or not."""
    bed.add(48 * HOUR // 10, utc="2026-03-28T13:00", chunk_s=80)  # clocks go forward in the night to the 29th
    bed.prune(keep_raw=2)
    (boundary,) = bed.rows("SELECT first_sample FROM raw_chunks WHERE id = ?", bed.stored()[0])
    assert boundary[0] == 22 * 3600 * RATE_HZ  # noon of the 29th, an hour early


def test_a_wrong_clock_costs_no_night_its_place(bed):
    """What was stored last is newest, though its clock said 1970, or nothing."""
    bed.add(100, utc="2026-01-10T23:00")
    last_of_2026 = bed.rows("SELECT max(id) FROM raw_chunks")[0][0]
    bed.add(100, utc="1970-01-02T01:00", synced=False)
    bed.add(100, boot_id="one")
    bed.add(100, boot_id="one", boot_s=2000)  # the same boot: the same night
    bed.add(100, boot_id="two")
    assert bed.prune(keep_raw=4) == 0
    bed.prune(keep_raw=3)
    assert bed.stored()[0] == last_of_2026 + 1


def test_a_clock_set_late_dates_the_whole_recording(bed):
    """The anchor of a step to the right time counts, not what the clock showed before."""
    writer = bed.add(100, utc="1970-01-01T09:00", synced=False)
    right = WallTime(round(datetime.fromisoformat("2026-01-10T23:30+01:00").timestamp() * 1e9), synced=True)
    writer.write_recorded(Batch(anchors=[Anchor(0, 1800 * 10**9, right, "step")]))
    bed.add(100, utc="2026-01-11T02:00", boot_id="other")  # the same night
    assert bed.prune(keep_raw=1) == 0


def test_a_disk_that_fills_up_makes_room_inside(bed, monkeypatch):
    """Where others take the disk, raw samples go until the file has room of its own."""
    bed.add(HOUR)
    looks = iter([LEAST_ROOM_BYTES - 1, LEAST_ROOM_BYTES - 1, LEAST_ROOM_BYTES])
    monkeypatch.setattr(retention, "look_for_room", lambda _db, _path: Room(0, 0, next(looks)))
    assert bed.prune() == 2
    assert len(bed.stored()) == HOUR - 2 * STEP_CHUNKS


def test_room_is_that_inside_the_file_and_that_of_the_disk(bed):
    """Pages that hold nothing count as room; what is used is the rest of the file."""
    bed.add(HOUR, chunk_bytes=3000)
    before = look_for_room(bed.db, bed.path)
    bed.db.execute("UPDATE raw_chunks SET data = NULL")
    after = look_for_room(bed.db, bed.path)
    freed = after.inside_bytes - before.inside_bytes
    assert freed > 900_000
    assert before.used_bytes - after.used_bytes == freed
    assert after.left_bytes == after.inside_bytes + after.disk_bytes


def test_pruned_rows_tell_which_samples_there_were(bed):
    """Pruned, a recording has few rows that cover what its chunks covered, and reads as pruned."""
    bed.add(HOUR, utc="2026-01-10T23:00")
    bed.add(100, utc="2026-01-12T23:00")
    before = bed.rows("SELECT min(first_sample), sum(sample_count) FROM raw_chunks WHERE recording_id = 1")
    bed.prune(keep_raw=1)
    assert (
        bed.rows("SELECT min(first_sample), sum(sample_count) FROM raw_chunks WHERE recording_id = 1")
        == before
    )
    spans = bed.rows(SPANS, 1)
    assert len(spans) == HOUR / STEP_CHUNKS
    assert [end for _, end in spans[:-1]] == [first for first, _ in spans[1:]]
    chunks = list(read_raw(bed.db.conn, 1, 0, 1 << 40))
    assert all(chunk.counts is None for chunk in chunks)
    assert chunks[-1].end_sample == HOUR * CHUNK_SAMPLES


def test_no_sample_moves_by_more_than_a_millisecond(bed):
    """Rows are joined only where one rate tells the times of all their samples."""
    drift = RATE_HZ * (1 + 2e-3 * np.sin(np.arange(HOUR) / 40))
    bed.add(HOUR, utc="2026-01-10T23:00", rates_hz=drift)
    times = dict(bed.rows("SELECT first_sample, boot_ns FROM raw_chunks"))
    bed.add(100, utc="2026-01-12T23:00")
    bed.prune(keep_raw=1)
    rows = bed.rows(
        "SELECT first_sample, sample_count, boot_ns, rate_hz FROM raw_chunks WHERE recording_id = 1"
    )
    assert HOUR / STEP_CHUNKS < len(rows) < HOUR / 2
    for first, count, boot_ns, rate_hz in rows:
        for sample in range(first, first + count, CHUNK_SAMPLES):
            assert boot_ns + (sample - first) * 1e9 / rate_hz == pytest.approx(times[sample], abs=1_000_000)


def test_rows_on_both_sides_of_a_gap_or_of_a_synchronised_clock_stay_apart(bed):
    """A gap stays a gap, and the first anchor of a clock that was set stays an anchor."""
    writer = bed.add(2, utc="2026-01-10T23:00", synced=False)
    wall = WallTime(1_768_082_400 * 10**9, synced=True)
    for first, at in ((2, 2), (3, 3), (4, 4), (6, 6), (7, 7)):
        there = WallTime(wall.utc_ns + at * CHUNK_NS, synced=True)
        writer.write_recorded(
            Batch(chunks=[Chunk(first * CHUNK_SAMPLES, CHUNK_SAMPLES, at * CHUNK_NS, RATE_HZ, there, b"x")])
        )
    bed.add(100, utc="2026-01-12T23:00")
    bed.prune(keep_raw=1)
    edges = {edge // CHUNK_SAMPLES for span in bed.rows(SPANS, 1) for edge in span}
    assert {0, 2, 5, 6, 8} <= edges
    assert bed.rows("SELECT sum(sample_count) FROM raw_chunks WHERE recording_id = 1") == [
        (7 * CHUNK_SAMPLES,)
    ]


def test_pruning_writes_little(bed):
    """Pages that are freed are not written: the log grows by a small part of what was pruned."""
    bed.add(HOUR, utc="2026-01-10T23:00", chunk_bytes=3000)
    bed.add(100, utc="2026-01-12T23:00")
    bed.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert bed.prune(keep_raw=1) == HOUR / STEP_CHUNKS
    assert bed.path.with_name("bed.db-wal").stat().st_size < 0.2 * HOUR * 3000


@pytest.mark.usefixtures("small_budget")
def test_events_and_minutes_are_never_pruned(bed):
    """Whatever the budget, nothing but raw samples goes."""
    writer = bed.add(HOUR, chunk_bytes=9000)
    scoring = writer.scoring_id
    bed.db.execute(
        "INSERT INTO events (scoring_id, onset_sample, end_sample, kind, peak_mg, rms_mg, snr, complete)"
        " VALUES (?, 10, 20, 'twitch', 5, 3, 5, 1)", (scoring,)
    )  # fmt: skip
    bed.db.execute("INSERT INTO minutes VALUES (?, 0, 1, 1, 7, 60, 0, 0, 0, 0, 0)", (scoring,))
    others = [
        name
        for (name,) in bed.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name != "raw_chunks"
    ]
    before = {name: list(bed.db.table(name).rows) for name in others}
    assert before["events"]
    assert bed.prune(budget_mb=100, keep_raw=1) > 0
    assert {name: list(bed.db.table(name).rows) for name in others} == before


@pytest.mark.usefixtures("small_budget")
def test_a_step_that_is_refused_changes_nothing(bed):
    """A lock that another holds stops a step before it begins; the next one does its work."""
    bed.add(HOUR, chunk_bytes=9000)
    kept = Retention(bed.db, bed.path, StoreSettings(budget_mb=100))
    bed.db.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(bed.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            kept.step()
    assert len(bed.stored()) == HOUR
    assert kept.step()
    assert len(bed.stored()) == HOUR - STEP_CHUNKS


def add_chunks(bed, recording_id, hours, first_utc):
    """Add chunks of 80 s from some hours of a boot to others, as they would be written."""
    utc_ns = round(datetime.fromisoformat(first_utc).replace(tzinfo=ZoneInfo(BERLIN)).timestamp() * 1e9)
    for at_s in range(round(hours[0] * 3600), round(hours[1] * 3600), 80):
        bed.db.conn.execute(
            "INSERT INTO raw_chunks"
            " (recording_id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced, data)"
            " VALUES (?, ?, 8000, ?, 100.0, ?, 1, x'00')",
            (recording_id, at_s * 100, at_s * 10**9, utc_ns + at_s * 10**9),
        )


def two_recordings(bed):
    """Add two recordings without samples; return their ids."""
    return [bed.add(0, utc="2026-01-10T13:00").recording_id for _ in range(2)]


def first_hours(bed):
    """Hour of the boot at which the samples of each recording begin."""
    found = bed.rows(
        "SELECT recording_id, min(boot_ns) / 3600e9 FROM raw_chunks WHERE data IS NOT NULL GROUP BY 1"
    )
    return {recording_id: round(hour, 1) for recording_id, hour in found}


@pytest.mark.parametrize("loose", [0, 1])
def test_a_loose_wire_costs_the_other_sensor_nothing(bed, loose):
    """Of two sensors, one of them silent for most of it, the newest night is kept whole: from hour 23 on."""
    both = two_recordings(bed)
    with immediate(bed.db):
        for hour in range(46):
            for number, recording_id in enumerate(both):
                if number != loose or not 22 <= hour < 40:
                    add_chunks(bed, recording_id, (hour, hour + 1), "2026-01-10T13:00")
    bed.prune(keep_raw=1)
    kept = first_hours(bed)
    assert (kept[both[1 - loose]], kept[both[loose]]) == (23.0, 40.0)


def test_a_sensor_that_is_gone_for_good_does_not_end_pruning(bed):
    """Where one sensor fell silent on the first day, the nights of the other are pruned all the same."""
    left, right = two_recordings(bed)
    with immediate(bed.db):
        for hour in range(100):
            add_chunks(bed, left, (hour, hour + 1), "2026-01-10T13:00")
            if hour < 20:
                add_chunks(bed, right, (hour, hour + 1), "2026-01-10T13:00")
    bed.prune(keep_raw=1)
    assert first_hours(bed) == {left: 95.0}


def test_an_imported_night_costs_tonight_nothing(bed):
    """A file of another year, imported while the daemon records, takes no place of tonight's samples."""
    live, imported = two_recordings(bed)
    with immediate(bed.db):
        add_chunks(bed, live, (9, 18), "2026-01-10T13:00")
        add_chunks(bed, imported, (9, 13), "2019-05-01T13:00")
        add_chunks(bed, live, (18, 19), "2026-01-10T13:00")
    bed.prune(keep_raw=1)
    assert first_hours(bed)[live] == 9.0


def test_nights_without_samples_are_not_counted(bed):
    """Of nights 1, 2, 3 and 9, the newest three are 2, 3 and 9."""
    live, _ = two_recordings(bed)
    with immediate(bed.db):
        for day in (0, 1, 2, 8):
            add_chunks(bed, live, (24 * day + 9, 24 * day + 10), "2026-01-10T13:00")
    bed.prune(keep_raw=3)
    assert first_hours(bed) == {live: 33.0}


def test_a_damaged_page_does_not_end_pruning(bed, monkeypatch, caplog):
    """Samples that can not be read stay, that is said, and all others are pruned as ever."""
    bed.add(300, utc="2026-01-10T13:00", chunk_bytes=3000)
    bed.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    bed.db.conn.close()
    damaged = bytearray(bed.path.read_bytes())
    damaged[60 * PAGE_BYTES : 64 * PAGE_BYTES] = b"\xff" * 4 * PAGE_BYTES
    bed.path.write_bytes(damaged)
    bed.db = open_database(bed.path)
    monkeypatch.setattr(retention, "MEGABYTE", 1)
    bed.prune()
    assert "are damaged and stay" in caplog.text
    left = bed.rows("SELECT count(*) FROM raw_chunks WHERE data IS NOT NULL AND id > 75")[0][0]
    assert left <= NEWEST_CHUNKS + 1


def test_a_link_to_another_disk_is_followed(tmp_path, monkeypatch, bed):
    """Room is looked for where the file lies, not where its name does."""
    asked = []
    real = os.statvfs
    monkeypatch.setattr(os, "statvfs", lambda path: asked.append(Path(path)) or real(path))
    link = tmp_path / "link.db"
    link.symlink_to(bed.path)
    look_for_room(bed.db, link)
    assert asked == [link]


def test_the_page_on_storage_names_the_numbers():
    """What docs/storage.md says of budgets, rests of room, pages and checkpoints is what the code has."""
    page = " ".join((Path(__file__).parents[2] / "docs" / "storage.md").read_text().split())
    defaults = StoreSettings()
    assert f"| `store.budget_mb` | {defaults.budget_mb} MB |" in page
    assert f"| `store.keep_raw` | {defaults.keep_raw}: all" in page
    assert f"| {LEAST_ROOM_BYTES // 10**6} MB, some three nights |" in page
    assert f"| **{PAGE_BYTES}** | **{CHECKPOINT_BYTES // 10**6} MB** |" in page
    assert f"{defaults.chunk_s:.0f} s is the longest chunk" in page
    assert NEWEST_CHUNKS * defaults.chunk_s == STEP_CHUNKS * defaults.chunk_s == 600
    assert f"{MOST_BYTES // 10**6} MB of raw samples of each sensor" in page
    assert MEGABYTE == 10**6
