"""`bedtick import` and `replay` of good recordings: what is said, what is stored, and real ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

EVENT_KEYS = [
    "id", "night", "recording", "scoring", "start_s", "duration_s", "start_utc", "clock", "kind", "peak_mg",
    "rms_mg", "dominant_hz", "tilt_deg", "snr", "bout", "sub_bursts", "direction_ratio", "train_hz",
]  # fmt: skip
STILL = "mpu6050-still-99hz.npz"
FLOOR = "floorboard-a-64hz.npz"
FLOOR_GAPS_S = 2.0


@pytest.fixture
def events_of(bedtick):
    """Return a function that gives a database's last night's events."""

    def load(db):
        result = bedtick("events", "--db", db, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return load


def test_second_import_changes_nothing(bedtick, contents, restless, tmp_path):
    """What is there already is said to be, with its recording, and not a row changes."""
    db = tmp_path / "bed.db"
    first = bedtick("import", restless, "--db", db)
    assert (first.exit_code, first.stdout) == (0, f"Imported {restless} into {db} as recording 1.\n")
    before = contents(db)
    second = bedtick("import", restless, "--db", db)
    assert second.exit_code == 0
    assert second.stdout == f"{restless} is in {db} already, as recording 1; nothing changed.\n"
    assert contents(db) == before


def test_second_replay_changes_nothing(bedtick, contents, restless, tmp_path):
    """The same holds for a replay."""
    db = tmp_path / "bed.db"
    first = bedtick("replay", restless, "--chip", "adxl345", "--db", db)
    assert (first.exit_code, first.stdout) == (0, f"Replayed {restless} into {db} as recording 1.\n")
    before = contents(db)
    second = bedtick("replay", restless, "--chip", "adxl345", "--db", db)
    assert second.stdout == f"{restless} is in {db} already, as recording 1; nothing changed.\n"
    assert contents(db) == before


def test_import_with_other_settings_scores_beside(bedtick, rows, restless, tmp_path):
    """Other settings make a second scoring of the same recording; the live one stays what is shown."""
    db = tmp_path / "bed.db"
    config = tmp_path / "bedtick.toml"
    config.write_text("[detector]\nhigh_ratio = 20\nlong_ratio = 20\n")
    assert bedtick("import", restless, "--db", db).exit_code == 0
    raw = rows(db, "SELECT count(*) FROM raw_chunks")
    again = bedtick("import", restless, "--config", config, "--db", db)
    assert again.stdout == f"{restless} is in {db} already, as recording 1; scored again beside it.\n"
    assert rows(db, "SELECT id, live FROM scorings") == [(1, 1), (2, 0)]
    assert rows(db, "SELECT count(*) FROM raw_chunks") == raw
    assert rows(db, "SELECT DISTINCT scoring_id FROM events") in ([(1,)], [(1,), (2,)])


def test_events_have_the_keys_of_the_contract(bedtick, events_of, restless, tmp_path):
    """An event is exactly the contract's keys, in its order; times are UTC with Z."""
    db = tmp_path / "bed.db"
    assert bedtick("import", restless, "--start", "2026-02-03T22:00+01:00", "--db", db).exit_code == 0
    events = events_of(db)
    assert len(events) >= 10
    assert [list(event) for event in events] == [EVENT_KEYS] * len(events)
    first = events[0]
    assert first["start_utc"].startswith("2026-02-03T21:00:0")
    assert first["start_utc"].endswith("Z")
    assert (first["clock"], first["night"], first["recording"]) == ("late", "2026-02-03", 1)
    assert first["start_s"] == pytest.approx(3.0, abs=0.1)
    for command in ("nights", "summary"):
        result = bedtick(command, "--db", db, "--json")
        assert result.exit_code == 0
        json.loads(result.stdout)


def test_recording_without_a_clock_is_a_night_of_its_own(bedtick, events_of, restless, tmp_path):
    """Nobody knows when it was: the night is called after its recording, and times are unknown."""
    db = tmp_path / "bed.db"
    assert bedtick("import", restless, "--db", db).exit_code == 0
    event = events_of(db)[0]
    assert (event["night"], event["start_utc"], event["clock"]) == ("r1", None, "none")
    assert bedtick("summary", "r1", "--db", db).exit_code == 0


def test_database_from_the_environment(bedtick, monkeypatch, restless, tmp_path):
    """Without `--db` the night goes where $BEDTICK_DB says, else to the user's data folder."""
    monkeypatch.setenv("BEDTICK_DB", str(tmp_path / "named" / "bed.db"))
    assert bedtick("import", restless).exit_code == 0
    assert (tmp_path / "named" / "bed.db").is_file()


@pytest.mark.parametrize(
    "arguments", [("import",), ("import", "--as", "adxl345"), ("replay", "--chip", "adxl345")], ids=str
)
def test_sensor_at_rest_gives_no_event(bedtick, events_of, rows, data_folder, tmp_path, arguments):
    """Eleven minutes of a real sensor that nobody moved hold no event, and nearly all of it is valid."""
    db = tmp_path / "bed.db"
    command, *options = arguments
    assert bedtick(command, data_folder / STILL, *options, "--db", db).exit_code == 0
    assert events_of(db) == []
    ((valid_s, recorded_s),) = rows(
        db, "SELECT sum(valid_s), (SELECT end_sample / nominal_hz FROM recordings) FROM minutes"
    )
    assert valid_s > 0.95 * recorded_s


@pytest.mark.parametrize("arguments", [("import",), ("replay", "--chip", "adxl345")], ids=str)
def test_walking_stamping_and_shaking_show(bedtick, rows, data_folder, tmp_path, arguments):
    """On the floorboard the quiet start shows little activity, what follows much, and gaps are not valid."""
    db = tmp_path / "bed.db"
    command, *options = arguments
    assert bedtick(command, data_folder / FLOOR, *options, "--db", db).exit_code == 0
    minutes = rows(db, "SELECT activity_mg, valid_s, gap_s FROM minutes ORDER BY minute")
    assert len(minutes) > 3
    assert max(row[0] or 0.0 for row in minutes[1:]) > 5 * (minutes[0][0] or 0.1)
    lost = rows(db, "SELECT sum(lost_samples) FROM faults")[0][0]
    assert lost > 0
    assert sum(row[2] for row in minutes) >= lost / 64.0
    result = bedtick("summary", "--db", db, "--json")
    assert json.loads(result.stdout)["invalid_s"]["gap"] >= lost / 64.0


def test_chip_and_import_as_chip_find_the_same(bedtick, rows, data_folder, tmp_path):
    """`import --as adxl345` and `replay --chip adxl345` agree on every event, onsets within two samples."""
    found = {}
    for command, option in (("import", "--as"), ("replay", "--chip")):
        db = tmp_path / f"{command}.db"
        assert bedtick(command, data_folder / FLOOR, option, "adxl345", "--db", db).exit_code == 0
        found[command] = rows(db, "SELECT onset_sample, kind FROM events ORDER BY 1")
    assert len(found["import"]) == len(found["replay"]) > 3
    for (imported, kind), (replayed, other_kind) in zip(found["import"], found["replay"], strict=True):
        assert abs(imported - replayed) <= 2
        assert kind == other_kind


@pytest.mark.parametrize(("factor", "words"), [(9.80665, "9.8"), (1000.0, "1000 g")])
def test_other_units_are_doubted(bedtick, tmp_path, factor, words):
    """A file in m/s^2 or mg is taken, with a warning in one line; one in g is taken in silence."""
    acc = np.tile((0.0, 0.0, 1.0), (500, 1))
    for name, scale in (("doubted", factor), ("good", 1.0)):
        np.savez(tmp_path / f"{name}.npz", acc_g=acc * scale, fs_hz=100.0)
    doubted = bedtick("import", tmp_path / "doubted.npz", "--db", tmp_path / "bed.db")
    assert doubted.exit_code == 0
    assert doubted.stderr.startswith("Warning: ")
    assert words in doubted.stderr
    assert doubted.stderr.count("\n") == 1
    assert bedtick("import", tmp_path / "good.npz", "--db", tmp_path / "bed.db").stderr == ""
