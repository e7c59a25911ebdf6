"""The tables of a bedtick database, one migration a change.

The database file is the contract between night and morning: the daemon writes it, every
review tool reads it, and `docs/schema.md` describes each column. A sample index counts the
samples of one recording from 0 on, lost ones included; columns named `*_sample` hold such an
index. A `boot_ns` is CLOCK_BOOTTIME in nanoseconds (of the emulated clock where a recording is
emulated, 0 at the first row where it is imported). A `utc_ns` counts from 1970 without leap seconds.
All intervals are half-open: an `end_sample` is one past the last sample.

A released migration is never changed, and a column is only ever added at the end of its table: `verify
--repair` reads the rows of older files as beginnings of today's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x6274696B  # "btik": tells a bedtick file from any other SQLite file
SCHEMA_VERSION = 4  # PRAGMA user_version: how many migrations have run

migrations = Migrations("bedtick")


@migrations()
def v1_nights(db: Database) -> None:
    """Sensors, recordings and everything one detector pass knows about them."""
    for statement in _V1:
        db.execute(statement)


@migrations()
def v2_features(db: Database) -> None:
    """Add what an event was made of, and what taps told about a bed."""
    for statement in _V2:
        db.execute(statement)


@migrations()
def v3_markers(db: Database) -> None:
    """Add what a person marks with the button."""
    for statement in _V3:
        db.execute(statement)


@migrations()
def v4_second_copies(db: Database) -> None:
    """Keep what all else hangs on, and what people said, a second time: one bad page costs none of it."""
    for statement in _V4:
        db.execute(statement)


_V1 = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    """CREATE TABLE sensors (
        id INTEGER PRIMARY KEY,
        place TEXT NOT NULL,
        chip TEXT NOT NULL,
        bus TEXT NOT NULL,
        address INTEGER,
        UNIQUE (place, chip, bus, address)
    ) STRICT""",
    """CREATE TABLE recordings (
        id INTEGER PRIMARY KEY,
        sensor_id INTEGER NOT NULL REFERENCES sensors (id),
        source TEXT NOT NULL CHECK (source IN ('chip', 'emulated', 'import', 'replay')),
        source_digest TEXT,
        software TEXT NOT NULL,
        boot_id TEXT,
        time_zone TEXT,
        scale_g REAL NOT NULL,
        full_scale_counts INTEGER,
        nominal_hz REAL NOT NULL,
        rate_hz REAL,
        start_boot_ns INTEGER NOT NULL,
        end_sample INTEGER,
        ended TEXT CHECK (ended IN ('stopped', 'unplugged')),
        seen_boot_ns INTEGER
    ) STRICT""",
    "CREATE INDEX recordings_by_digest ON recordings (source_digest)",
    """CREATE TABLE anchors (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        sample INTEGER NOT NULL,
        boot_ns INTEGER NOT NULL,
        utc_ns INTEGER,
        synced INTEGER NOT NULL CHECK (synced IN (0, 1)),
        cause TEXT NOT NULL CHECK (cause IN ('start', 'step', 'hand', 'stop'))
    ) STRICT""",
    "CREATE INDEX anchors_by_recording ON anchors (recording_id, sample)",
    """CREATE TABLE scorings (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        software TEXT NOT NULL,
        settings TEXT NOT NULL,
        live INTEGER NOT NULL CHECK (live IN (0, 1))
    ) STRICT""",
    "CREATE INDEX scorings_by_recording ON scorings (recording_id)",
    """CREATE TABLE bouts (
        id INTEGER PRIMARY KEY,
        scoring_id INTEGER NOT NULL REFERENCES scorings (id),
        onset_sample INTEGER NOT NULL,
        end_sample INTEGER NOT NULL,
        event_count INTEGER NOT NULL,
        median_interval_s REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX bouts_by_scoring ON bouts (scoring_id, onset_sample)",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        scoring_id INTEGER NOT NULL REFERENCES scorings (id),
        onset_sample INTEGER NOT NULL,
        end_sample INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('turn', 'large', 'movement', 'twitch')),
        peak_mg REAL NOT NULL,
        rms_mg REAL NOT NULL,
        dominant_hz REAL,
        snr REAL NOT NULL,
        tilt_deg REAL,
        bout_id INTEGER REFERENCES bouts (id),
        complete INTEGER NOT NULL CHECK (complete IN (0, 1))
    ) STRICT""",
    "CREATE INDEX events_by_scoring ON events (scoring_id, onset_sample)",
    "CREATE INDEX events_by_bout ON events (bout_id)",
    """CREATE TABLE minutes (
        scoring_id INTEGER NOT NULL REFERENCES scorings (id),
        minute INTEGER NOT NULL,
        activity_mg REAL,
        floor_mg REAL,
        weakest_mg REAL,
        valid_s REAL NOT NULL,
        gap_s REAL NOT NULL,
        saturated_s REAL NOT NULL,
        settling_s REAL NOT NULL,
        hum_s REAL NOT NULL,
        floor_s REAL NOT NULL,
        PRIMARY KEY (scoring_id, minute)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE raw_chunks (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        first_sample INTEGER NOT NULL,
        sample_count INTEGER NOT NULL,
        boot_ns INTEGER NOT NULL,
        rate_hz REAL NOT NULL,
        utc_ns INTEGER,
        synced INTEGER NOT NULL CHECK (synced IN (0, 1)),
        data BLOB
    ) STRICT""",
    # Covering: the anchors of a night are read without touching its raw data.
    """CREATE UNIQUE INDEX raw_chunks_anchors ON raw_chunks
        (recording_id, first_sample, sample_count, boot_ns, rate_hz, utc_ns, synced)""",
    """CREATE TABLE faults (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        kind TEXT NOT NULL,
        sample INTEGER NOT NULL,
        boot_ns INTEGER NOT NULL,
        lost_samples INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX faults_by_recording ON faults (recording_id, sample)",
    "PRAGMA user_version = 1",
)

_V2 = (
    "ALTER TABLE events ADD COLUMN sub_bursts INTEGER",
    "ALTER TABLE events ADD COLUMN direction_ratio REAL",
    "ALTER TABLE events ADD COLUMN train_hz REAL",
    """CREATE TABLE calibrations (
        id INTEGER PRIMARY KEY,
        sensor_id INTEGER NOT NULL REFERENCES sensors (id),
        utc_ns INTEGER,
        software TEXT NOT NULL,
        taps INTEGER NOT NULL,
        ring_down_s REAL NOT NULL,
        resonance_hz REAL NOT NULL,
        ring_down_spread REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX calibrations_by_sensor ON calibrations (sensor_id)",
    "PRAGMA user_version = 2",
)

_V3 = (
    """CREATE TABLE markers (
        id INTEGER PRIMARY KEY,
        recording_id INTEGER NOT NULL REFERENCES recordings (id),
        kind TEXT NOT NULL CHECK (kind IN ('felt', 'lights_off', 'lights_on')),
        sample INTEGER NOT NULL,
        boot_ns INTEGER NOT NULL,
        source TEXT NOT NULL CHECK (source IN ('button', 'hand'))
    ) STRICT""",
    "CREATE INDEX markers_by_recording ON markers (recording_id, sample)",
    "PRAGMA user_version = 3",
)

# Each holds every column but the id, so that `verify --repair` can bring a row back. They are made last, so
# their pages lie away from those of the tables. Of a recording, it is what is known from its beginning on:
# the rest changes with every commit.
_V4 = (
    # With the kind: a list of nights counts events without reading one of them.
    "DROP INDEX events_by_scoring",
    "CREATE INDEX events_by_scoring ON events (scoring_id, onset_sample, kind)",
    "CREATE INDEX sensors_again ON sensors (place, chip, bus, address)",
    """CREATE INDEX recordings_again ON recordings (sensor_id, source, source_digest, software, boot_id,
        time_zone, scale_g, full_scale_counts, nominal_hz, start_boot_ns)""",
    "CREATE INDEX scorings_again ON scorings (recording_id, software, settings, live)",
    "CREATE INDEX anchors_again ON anchors (recording_id, sample, boot_ns, utc_ns, synced, cause)",
    "CREATE INDEX markers_again ON markers (recording_id, kind, sample, boot_ns, source)",
    "PRAGMA user_version = 4",
)
