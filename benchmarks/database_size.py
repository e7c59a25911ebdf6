"""How large the database is: 400 nights of 8 h whose raw samples were pruned, and one night of 7,200 events.

Synthetic and seeded: numbers of every event and minute are drawn at random, so that nothing in them is short
by chance. Rows are written by SQL as the daemon writes them. The raw chunks are pruned by the daemon's own
retention: only those of the newest night are there, and their samples take no room here.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlite_utils

from bedtick.logger.settings import DetectorSettings, StoreSettings
from bedtick.logger.store.database import immediate, open_database
from bedtick.logger.store.disk_space import look_for_room
from bedtick.logger.store.retention import Retention
from bedtick.logger.store.writer import Origin, add_recording, add_scoring

NIGHTS, EVENTS, MOST_MB = 400, 400, 100.0
BUSY_EVENTS, BUSY_MOST_MB = 7200, 1.2
LENGTH_S, CHUNK_S, RATE_HZ = 8 * 3600, 8, 400
NEXT_S = 720  # of the evening after, so that the raw samples of the nights before are pruned
DAY_NS = 86_400 * 10**9
FIRST_EVENING_NS = 1_735_765_200 * 10**9  # 2025-01-01 21:00 UTC
KINDS = ("twitch", "twitch", "twitch", "movement", "turn", "large")


def add_night(
    db: sqlite_utils.Database, number: int, events: int, chance: random.Random, length_s: int = LENGTH_S
) -> None:
    """Add a night of eight hours, or another length."""
    origin = Origin(
        "bed", "adxl345", "i2c-1", 0x53, "chip", None, f"{number:08x}-8c1f-4d7a-9a55-2f0e6a1d3c77",
        "Europe/Berlin", 0.00390625, 4096, float(RATE_HZ), 12_345_678_901,
    )  # fmt: skip
    with immediate(db):
        recording = add_recording(db, origin, 40_000_000_000_000)
        scoring = add_scoring(db, recording, DetectorSettings(), live=True)
        db.conn.execute(
            "UPDATE recordings SET end_sample = ?, ended = 'unplugged', rate_hz = ? WHERE id = ?",
            (length_s * RATE_HZ, chance.gauss(400, 1), recording),
        )
        db.conn.executemany(_CHUNK, _chunks(recording, number, length_s))
        db.conn.executemany(_MINUTE, _minutes(scoring, length_s // 60, chance))
        db.conn.executemany(_BOUT, _bouts(scoring, events, chance))
        db.conn.executemany(_EVENT, _events(scoring, events, chance))


_CHUNK = (
    "INSERT INTO raw_chunks"
    " (recording_id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced, data)"
    " VALUES (?, ?, ?, ?, ?, ?, 1, x'00')"
)
_MINUTE = "INSERT INTO minutes VALUES (?, ?, ?, ?, ?, ?, 0.0, 0.0, 0.0, 0.0, ?)"
_BOUT = (
    "INSERT INTO bouts (scoring_id, onset_sample, end_sample, event_count, median_interval_s)"
    " VALUES (?, ?, ?, 10, ?)"
)
_EVENT = (
    "INSERT INTO events (scoring_id, onset_sample, end_sample, kind, peak_mg, rms_mg, dominant_hz, snr,"
    " tilt_deg, bout_id, complete, sub_bursts, direction_ratio, train_hz)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT max(id) FROM bouts), 1, ?, ?, ?)"
)


def _chunks(recording: int, night: int, length_s: int) -> Iterator[tuple[float, ...]]:
    start_ns = FIRST_EVENING_NS + night * DAY_NS
    for at_s in range(0, length_s, CHUNK_S):
        boot_ns = at_s * 10**9
        rate_hz = 400.0 + 1e-6 * (at_s % 97)
        yield recording, at_s * RATE_HZ, CHUNK_S * RATE_HZ, boot_ns, rate_hz, start_ns + boot_ns


def _minutes(scoring: int, minutes: int, chance: random.Random) -> Iterator[tuple[float, ...]]:
    for minute in range(minutes):
        yield scoring, minute, *(chance.uniform(0.5, 9.0) for _ in range(3)), 59.5, 0.5


def _bouts(scoring: int, events: int, chance: random.Random) -> Iterator[tuple[float, ...]]:
    for onset in sorted(chance.sample(range(LENGTH_S * RATE_HZ), events // 10)):
        yield scoring, onset, onset + 40 * RATE_HZ, chance.uniform(3, 30)


def _events(scoring: int, events: int, chance: random.Random) -> Iterator[tuple[float | str | None, ...]]:
    for onset in sorted(chance.sample(range(LENGTH_S * RATE_HZ), events)):
        end = onset + round(RATE_HZ * chance.uniform(0.2, 3))
        features = [chance.uniform(1, 300) for _ in range(5)]
        train_hz = chance.uniform(0.3, 4) if chance.random() < 0.2 else None
        last = (chance.randrange(1, 9), chance.random(), train_hz)
        yield scoring, onset, end, chance.choice(KINDS), *features, *last


def make_nights(path: Path, nights: int, events: int, seed: int) -> None:
    """Write a database of so many nights, and prune the raw samples of all of them."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    db = open_database(path)
    with closing(db.conn):
        db.execute("PRAGMA synchronous = OFF")  # only the size is of interest
        retention = Retention(db, path, StoreSettings(keep_raw=1))
        for night in range(nights):
            add_night(db, night, events, chance)
            _prune(retention)
        add_night(db, nights, 0, chance, NEXT_S)
        _prune(retention)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _prune(retention: Retention) -> None:
    while retention.step():
        pass


def print_size(path: Path, what: str, most_mb: float) -> None:
    """Print what a database uses, and what in it takes how much."""
    db = sqlite_utils.Database(path)
    with closing(db.conn):
        room = look_for_room(db, path)
        parts = db.execute(
            "SELECT name, sum(pgsize) / 1e6 FROM dbstat GROUP BY 1 ORDER BY 2 DESC LIMIT 6"
        ).fetchall()
    print(f"{what}: {room.used_bytes / 1e6:.2f} MB in use (less than {most_mb} MB)")
    print(f"  and {room.inside_bytes / 1e6:.2f} MB that pruned samples left free for the next night")
    print("  " + ", ".join(f"{name} {mb:.2f}" for name, mb in parts))


def main() -> None:
    """Make both databases and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=NIGHTS, help="how many nights to make")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many, busy = Path(folder) / "many.db", Path(folder) / "busy.db"
        make_nights(many, options.nights, EVENTS, options.seed)
        print_size(many, f"{options.nights} nights of 8 h with {EVENTS} events", MOST_MB)
        make_nights(busy, 1, BUSY_EVENTS, options.seed)
        print_size(busy, f"one night of {BUSY_EVENTS} events", BUSY_MOST_MB)


if __name__ == "__main__":
    main()
