"""How long `bedtick summary` takes on a database of 300 nights, beside `sqlite-utils tables`.

Both run as processes of their own, in turn, so that start-up and imports count and a busy moment of
the machine touches both. Raw chunks have their real number but almost no data: neither command reads it.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from bedtick.logger.store.schema import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

NIGHTS = 300
EVENTS = 500
MINUTES = 480
CHUNK_S = 5
RATE_HZ = 400
RUNS = 7
FIRST_EVENING_NS = 1_735_765_200 * 10**9  # 2025-01-01 21:00 UTC
DAY_NS = 86_400 * 10**9
LENGTH_S = MINUTES * 60


def make_nights(path: Path) -> None:
    """Write a database of `NIGHTS` nights of eight hours with a synchronised clock."""
    database = Database(path)
    database.enable_wal()
    migrations.apply(database)
    source = random.Random(1)  # noqa: S311  not for secrets
    database.execute("INSERT INTO sensors VALUES (1, 'bed', 'adxl345', '1', 83)")
    for night in range(1, NIGHTS + 1):
        _make_night(database, night, source)
        database.conn.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _make_night(database: Database, night: int, source: random.Random) -> None:
    connection = database.conn
    connection.execute(
        "INSERT INTO recordings (id, sensor_id, source, software, time_zone, scale_g, nominal_hz, rate_hz,"
        " start_boot_ns, end_sample, ended)"
        " VALUES (?, 1, 'chip', '0', 'Europe/Berlin', 0.0039, ?, ?, 0, ?, 'unplugged')",
        (night, RATE_HZ, RATE_HZ, LENGTH_S * RATE_HZ),
    )
    connection.execute("INSERT INTO scorings VALUES (?, ?, '0', '{}', 1)", (night, night))
    connection.executemany(
        "INSERT INTO raw_chunks (recording_id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced,"
        " data) VALUES (?, ?, ?, ?, ?, ?, 1, zeroblob(16))",
        _chunks(night),
    )
    connection.executemany(
        "INSERT INTO minutes VALUES (?, ?, 1, 1, 7, 60, 0, 0, 0, 0, 0)",
        ((night, minute) for minute in range(MINUTES)),
    )
    connection.executemany(
        "INSERT INTO events (scoring_id, onset_sample, end_sample, kind, peak_mg, rms_mg, snr, complete)"
        " VALUES (?, ?, ?, ?, ?, 3, 5, 1)",
        _events(night, source),
    )


def _chunks(night: int) -> Iterator[tuple[float, ...]]:
    start_ns = FIRST_EVENING_NS + night * DAY_NS
    for at_s in range(0, LENGTH_S, CHUNK_S):
        boot_ns = at_s * 10**9
        yield night, at_s * RATE_HZ, CHUNK_S * RATE_HZ, boot_ns, RATE_HZ, start_ns + boot_ns


def _events(night: int, source: random.Random) -> Iterator[tuple[float | str, ...]]:
    for onset in sorted(source.sample(range((LENGTH_S - 2) * RATE_HZ), EVENTS)):
        kind = source.choice(("twitch", "twitch", "movement", "turn"))
        yield night, onset, onset + RATE_HZ // 2, kind, source.uniform(5, 300)


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Make the database, time both commands and print the medians and their ratio."""
    programs = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nights.db")
        make_nights(path)
        print(f"{NIGHTS} nights, {path.stat().st_size / 1e6:.0f} MB")
        commands = {
            "bedtick summary": [str(programs / "bedtick"), "summary", "--db", str(path)],
            "sqlite-utils tables": [str(programs / "sqlite-utils"), "tables", str(path)],
        }
        taken_s: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                taken_s[name].append(_seconds(command))
    medians_s = {name: statistics.median(runs) for name, runs in taken_s.items()}
    for name, median_s in medians_s.items():
        print(f"{name:<22}{median_s * 1000:>8.0f} ms (median of {RUNS})")
    print(f"ratio {medians_s['bedtick summary'] / medians_s['sqlite-utils tables']:.2f}")


if __name__ == "__main__":
    main()
