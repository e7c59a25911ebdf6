"""`bedtick verify --repair`: whatever happened to a file, what comes out of it stood in it, and nothing else.

Damage is done at seeded places of a good file. SQLite keeps no checksum of a row: a byte that is changed
inside of a number of a row that stands nowhere twice can not be seen by anybody, so flipped bytes have a test
of their own.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bedtick.logger.store.database import open_database

STORED = Path(__file__).parents[1] / "logger" / "databases"
INNER_PAGE, LEAF = 5, 13  # the first byte of pages of a table
BLOCK = 1024  # what is damaged at once; pages of new files are smaller, those of the stored one larger


def zero(data, chance):
    """Let some blocks read as zeros."""
    for _ in range(chance.choice([1, 2, 6])):
        at = chance.randrange(len(data) // BLOCK) * BLOCK
        data[at : at + BLOCK] = bytes(BLOCK)


def rubbish(data, chance):
    """Let some blocks read as anything."""
    for _ in range(chance.choice([1, 2, 6])):
        at = chance.randrange(len(data) // BLOCK) * BLOCK
        data[at : at + BLOCK] = chance.randbytes(BLOCK)


def sectors(data, chance):
    """Let some sectors of 512 bytes read as zeros, ones or anything."""
    for _ in range(chance.choice([1, 2, 5])):
        at = chance.randrange(len(data) // 512) * 512
        data[at : at + 512] = chance.choice([bytes(512), b"\xff" * 512, chance.randbytes(512)])


def erased(data, chance):
    """Erase a whole block of the card."""
    at, size = chance.randrange(len(data) // BLOCK) * BLOCK, chance.choice([4, 16, 64]) * BLOCK
    data[at : at + size] = b"\xff" * len(data[at : at + size])


def cut_off(data, chance):
    """Let the file end too soon."""
    del data[chance.randrange(len(data)) :]


def headless(data, chance):
    """Let the file's header, or its first pages, read as anything."""
    size = chance.choice([16, 100, BLOCK, 4 * BLOCK])
    data[:size] = chance.choice([bytes(size), chance.randbytes(size)])


def misplaced(data, chance):
    """Write a block in the place of another, or let two change places."""
    one, other = (at * BLOCK for at in chance.sample(range(len(data) // BLOCK), 2))
    first, second = bytes(data[one : one + BLOCK]), bytes(data[other : other + BLOCK])
    data[one : one + BLOCK] = second
    if chance.random() < 0.5:
        data[other : other + BLOCK] = first


def flipped(data, chance):
    """Change some bytes."""
    for _ in range(chance.choice([1, 3, 20])):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)


DAMAGE = (zero, rubbish, sectors, erased, cut_off, headless, misplaced)


@pytest.fixture(scope="module")
def originals():
    """Keep good files, each made once: their bytes, and their rows."""
    return {}


@pytest.fixture
def original(bedtick, long_restless, originals, tmp_path):
    """Return a function that gives bytes and rows of a good file: half an hour, or an old one."""

    def make(name):
        if name not in originals:
            path = tmp_path / f"{name}.db"
            if name == "stored":
                path.write_bytes(gzip.decompress((STORED / "v3.db.gz").read_bytes()))
                open_database(path).conn.close()
            else:
                assert bedtick("import", long_restless, "--db", path).exit_code == 0
            originals[name] = (path.read_bytes(), tables(path))
        return originals[name]

    return make


def tables(path):
    """All rows of all tables of bedtick, as dictionaries."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
        ).fetchall()
        return {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]  # noqa: S608  our own names
            for (name,) in names
        }


def as_it_may_be(name, row):
    """Return a row without what a salvage may leave out of it, each time as NULL."""
    may_be_null = {
        "raw_chunks": ("data",),
        "events": ("bout_id",),
        "recordings": ("rate_hz", "end_sample", "ended", "seen_boot_ns"),
    }
    left_out = [key for key in may_be_null.get(name, ()) if row[key] is None]
    return lambda other: {key: None if key in left_out else value for key, value in other.items()} == row


def strangers(found, known):
    """Rows that a salvage gave and the original does not have."""
    by_key = {
        name: {(row.get("id"), row.get("scoring_id"), row.get("minute")): row for row in rows}
        for name, rows in known.items()
    }
    strange = []
    for name, rows in found.items():
        for row in rows:
            if name == "faults" and row["kind"] == "salvaged":
                continue
            twin = by_key[name].get((row.get("id"), row.get("scoring_id"), row.get("minute")))
            if twin is None or not as_it_may_be(name, row)(twin):
                strange.append((name, row, twin))
    return strange


@pytest.fixture
def salvaged(bedtick, sound, tmp_path):
    """Return a function that reads damaged bytes out, checks the new file and gives its rows."""

    def run(data, log=b""):
        damaged, new = tmp_path / "damaged.db", tmp_path / "new.db"
        damaged.write_bytes(data)
        Path(f"{damaged}-wal").write_bytes(log)
        for path in tmp_path.glob("new.db*"):
            path.unlink()
        result = bedtick("verify", "--db", damaged, "--repair", new, "--json")
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert damaged.read_bytes() == bytes(data)
        made = [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "new"))]
        assert made == ([] if result.exit_code else ["new.db"])
        if result.exit_code:
            assert result.stderr.count("\n") == 1
            return {}
        told = json.loads(result.stdout)["tables"]
        found = tables(new)
        kept = {name: len(rows) for name, rows in found.items()}
        kept["faults"] -= sum(row["kind"] == "salvaged" for row in found["faults"])
        assert {name: tally["kept"] for name, tally in told.items()} == kept
        verified = bedtick("verify", "--db", new)
        assert verified.exit_code == 0, verified.output
        sound(new)
        return found

    return run


def check_damage(original, salvaged, damage, seeds):
    """Damage both files at seeded places and look at what comes out."""
    for seed in seeds:
        for name in ("long", "stored"):
            data, known = original(name)
            damaged = bytearray(data)
            damage(damaged, random.Random(f"{damage.__name__} {seed}"))
            assert strangers(salvaged(bytes(damaged)), known) == [], f"seed {seed}"


@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_is_made_up(original, salvaged, damage):
    """Each row of a salvaged file stood in the original, whatever happened to some of its pages."""
    check_damage(original, salvaged, damage, range(1))


@pytest.mark.long
@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_is_made_up_in_many_files(original, salvaged, damage):
    """The same with sixty more seeds for each kind of damage."""
    check_damage(original, salvaged, damage, range(1, 61))


def test_a_flipped_byte_costs_at_most_a_number(original, salvaged):
    """Of flipped bytes at most one number of a row goes unnoticed, and never one that stands twice."""
    data, known = original("long")
    for seed in range(4):
        damaged = bytearray(data)
        flipped(damaged, random.Random(seed))
        for name, row, twin in strangers(salvaged(bytes(damaged)), known):
            changed = [key for key in row if row[key] != twin[key]]
            assert len(changed) == 1, seed
            assert (name, changed[0]) not in {("events", "onset_sample"), ("events", "bout_id")}
            assert name != "raw_chunks"


def test_a_sound_file_comes_out_whole(original, salvaged):
    """Of a file that nothing happened to, every row is in the new one."""
    for name in ("long", "stored"):
        data, known = original(name)
        assert salvaged(data) == known


def root_page(path, name):
    """Return place and size of the first page of a table or an index."""
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return (page - 1) * size, size


@pytest.fixture
def without(original, tmp_path):
    """Return a function that gives the stored file without the first pages with rows of some tables."""

    def lose(*names):
        data, known = original("stored")
        whole = tmp_path / "stored.db"
        whole.write_bytes(data)
        damaged = bytearray(data)
        for name in names:
            at, size = root_page(whole, name)
            if data[at] == INNER_PAGE:
                cell = at + int.from_bytes(data[at + 12 : at + 14], "big")
                at = (int.from_bytes(data[cell : cell + 4], "big") - 1) * size
            assert data[at] == LEAF
            damaged[at : at + size] = bytes(size)
        return bytes(damaged), known

    return lose


@pytest.mark.parametrize("table", ["sensors", "recordings", "scorings", "anchors", "markers"])
def test_what_all_else_hangs_on_stands_twice(without, salvaged, table):
    """Without their page, sensors, recordings, scorings, anchors and marks come back from a second copy."""
    data, known = without(table)
    found = salvaged(data)
    assert len(found[table]) == len(known[table]) > 0
    assert strangers(found, known) == []
    assert found["events"] == known["events"]
    assert found["minutes"] == known["minutes"]


def test_leaves_are_found_without_the_pages_above_them(original, salvaged, tmp_path):
    """Events and raw samples are all there without the inner pages of their tables."""
    data, known = original("long")
    whole = tmp_path / "long.db"
    whole.write_bytes(data)
    damaged = bytearray(data)
    for name in ("events", "raw_chunks"):
        at, size = root_page(whole, name)
        assert data[at] == INNER_PAGE
        damaged[at : at + size] = bytes(size)
    found = salvaged(bytes(damaged))
    assert found["events"] == known["events"]
    assert found["raw_chunks"] == known["raw_chunks"]


def test_lost_rows_are_counted_and_marked(without, salvaged, bedtick, tmp_path):
    """Lost events are counted by their index; the recording's faults say that it is not whole any more."""
    data, known = without("events", "raw_chunks")
    found = salvaged(data)
    told = json.loads(
        bedtick("verify", "--db", tmp_path / "damaged.db", "--repair", tmp_path / "again.db", "--json").stdout
    )
    lost = len(known["events"]) - len(found["events"])
    assert lost > 0
    assert told["tables"]["events"]["gone"] == lost
    assert told["chunks_without_samples"] == sum(row["data"] is None for row in found["raw_chunks"]) > 0
    marked = {row["recording_id"] for row in found["faults"] if row["kind"] == "salvaged"}
    assert len(marked) == told["incomplete_recordings"] > 0
    text = bedtick("summary", f"r{max(marked)}", "--db", tmp_path / "new.db").stdout
    assert "Faults: salvaged 1x" in text


def test_an_event_without_its_bout_stays(without, salvaged):
    """Where the bouts are lost, their events are kept, in none."""
    data, known = without("bouts")
    found = salvaged(data)
    assert found["bouts"] == []
    assert [row | {"bout_id": None} for row in known["events"]] == found["events"]


@pytest.fixture
def with_log(tmp_path):
    """Make a file whose last rows are only in the log beside it; give both as bytes, and all rows."""
    path = tmp_path / "stored.db"
    path.write_bytes(gzip.decompress((STORED / "v3.db.gz").read_bytes()))
    open_database(path).conn.close()
    db = open_database(path)
    for number in range(100, 160):
        db.execute("INSERT INTO faults VALUES (?, 1, 'bus', 5, 5, 0, 'a test')", [number])
    rows = tables(path)
    data, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    db.conn.close()
    return data, log, rows


def faults(found):
    """Ids of the faults that the log holds."""
    return [row["id"] for row in found["faults"] if row["id"] >= 100]


def test_the_log_beside_the_file_is_read_too(with_log, salvaged):
    """What was committed and not yet moved into the file is read out as well."""
    data, log, known = with_log
    assert salvaged(data, log) == known


def test_a_lost_log_costs_what_was_in_it(with_log, salvaged):
    """Without the log, what was moved into the file before is there."""
    data, _, known = with_log
    found = salvaged(data)
    assert faults(found) == []
    assert found["events"] == known["events"]


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_log_is_read_up_to_the_damage(with_log, salvaged, seed):
    """Of a log that is damaged or cut off, all transactions before the damage count, and none after it."""
    data, log, known = with_log
    at = random.Random(seed).randrange(len(log) // 4, len(log))
    for damaged in (log[:at], log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]):
        found = salvaged(data, damaged)
        assert faults(found) == list(range(100, 100 + len(faults(found))))
        assert len(faults(found)) < 60
        assert strangers(found, known) == []


def test_a_sector_that_can_not_be_read_costs_its_page(original, salvaged, monkeypatch):
    """Where the card gives an error instead of a page, the rest of the file is read out."""
    data, known = original("long")
    read = os.pread
    failures = []

    def failing(handle, length, start):
        if 50 <= start // BLOCK < 53:
            failures.append(start)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(handle, length, start)

    monkeypatch.setattr(os, "pread", failing)
    found = salvaged(data)
    assert failures
    assert strangers(found, known) == []
    assert len(found["events"]) > 0.9 * len(known["events"])


@pytest.fixture
def damaged(without, tmp_path):
    """Write a file that lost a page of events; give its path."""
    path = tmp_path / "damaged.db"
    path.write_bytes(without("events")[0])
    return path


def test_a_file_that_is_there_is_not_replaced(refused, bedtick, damaged, tmp_path):
    """The new file is a new one, unless `--force` says otherwise; the damaged one itself never is."""
    new = tmp_path / "new.db"
    new.write_text("a letter")
    Path(f"{new}-wal").write_text("of old")
    assert "--force" in refused("verify", "--db", damaged, "--repair", new)
    assert new.read_text() == "a letter"
    assert bedtick("verify", "--db", damaged, "--repair", new, "--force").exit_code == 0
    assert not Path(f"{new}-wal").exists()
    assert bedtick("verify", "--db", new).exit_code == 0
    before = damaged.read_bytes()
    (tmp_path / "link.db").symlink_to(damaged)
    for same in (damaged, tmp_path / "link.db"):
        assert "itself" in refused("verify", "--db", damaged, "--repair", same, "--force")
    assert damaged.read_bytes() == before


def test_a_log_is_not_thrown_away(refused, bedtick, damaged, tmp_path):
    """A log whose database is not there is kept, for it may be the damaged one's; `--force` lets it go."""
    for ending in ("-wal", "-journal"):
        log = tmp_path / f"new.db{ending}"
        log.write_text("rows")
        line = refused("verify", "--db", damaged, "--repair", tmp_path / "new.db")
        assert str(log) in line
        assert log.read_text() == "rows"
        log.unlink()
    log.write_text("rows")
    assert bedtick("verify", "--db", damaged, "--repair", tmp_path / "new.db", "--force").exit_code == 0
    assert not log.exists()


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_the_own_log_is_never_replaced(refused, damaged, ending):
    """The damaged file's own log is refused as the new file, whether it is there or not."""
    own = Path(f"{damaged}{ending}")
    assert "itself, or its log" in refused("verify", "--db", damaged, "--repair", own, "--force")
    assert not own.exists()
    own.write_text("rows")
    assert "itself, or its log" in refused("verify", "--db", damaged, "--repair", own, "--force")
    assert own.read_text() == "rows"


def test_a_name_that_is_too_long(refused, damaged, tmp_path):
    """A name that no file can have is refused in one line."""
    assert "can not be written" in refused("verify", "--db", damaged, "--repair", tmp_path / ("n" * 300))


def test_nobody_may_be_recording(refused, damaged, tmp_path):
    """While a daemon holds the database, or the file to be replaced, nothing is read out."""
    new = tmp_path / "new.db"
    new.touch()
    for held in (damaged, new):
        with held.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            line = refused("verify", "--db", damaged, "--repair", new, "--force")
        assert str(held) in line
        assert "stop it first" in line
    assert new.stat().st_size == 0


def test_other_files_are_refused(refused, tmp_path):
    """Another program's database, a newer bedtick's, a letter and an empty file give a line and no file."""
    nothing = "nothing of a bedtick database"
    refusals = {
        "other": "is no bedtick database",
        "newer": "newer bedtick",
        "letter": nothing,
        "empty": nothing,
    }
    for name, says in refusals.items():
        path = tmp_path / f"{name}.db"
        with closing(sqlite3.connect(path)) as connection:
            if name == "newer":
                connection.execute(f"PRAGMA application_id = {0x6274696B}")
                connection.execute("PRAGMA user_version = 99")
            if name in ("newer", "other"):
                connection.execute("CREATE TABLE recipes (name TEXT)")
        if name == "letter":
            path.write_text("Dear doctor,\n" * 1000)
        assert says in refused("verify", "--db", path, "--repair", tmp_path / "new.db")
        assert not (tmp_path / "new.db").exists()


def test_no_half_file_is_left(refused, damaged, small_disk):
    """Where the disk is full half-way, one line says so, and nothing of the new file is there."""
    folder = small_disk(60)
    line = refused("verify", "--db", damaged, "--repair", folder / "new.db")
    assert str(folder / "new.db") in line
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there(refused, damaged, tmp_path):
    """A new file in a folder that does not exist can not be made."""
    assert "no-such" in refused("verify", "--db", damaged, "--repair", tmp_path / "no-such" / "new.db")


def test_what_was_lost_is_said(bedtick, damaged, tmp_path):
    """People get a table of rows, and what was lost in words."""
    result = bedtick("verify", "--db", damaged, "--repair", tmp_path / "new.db")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"Read out of {damaged} into {tmp_path / 'new.db'}:"
    assert lines[1].split() == ["kept", "lost"]
    assert any(line.startswith("Pages that could not be read") for line in lines)
    assert lines[-1] == f"Look it over: bedtick verify --db {tmp_path / 'new.db'}"


@pytest.fixture
def changed(original, tmp_path):
    """Return a function that runs SQL on a good file and gives its bytes and rows then."""

    def run(name, script):
        path = tmp_path / f"changed-{name}.db"
        path.write_bytes(original(name)[0])
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        return path, tables(path)

    return run


def test_deleted_rows_stay_deleted(changed, salvaged):
    """Pages that are free still hold rows that were deleted: they are left there."""
    path, known = changed("long", "PRAGMA secure_delete = OFF; DELETE FROM events WHERE id > 100")
    data = bytearray(path.read_bytes())
    at, size = root_page(path, "events")
    assert data[at] == INNER_PAGE
    data[at : at + size] = bytes(size)
    assert salvaged(bytes(data))["events"] == known["events"]


def test_a_table_without_rows_loses_nothing(changed, bedtick, tmp_path):
    """Where there are no bouts, no event has lost one."""
    path, _ = changed("stored", "UPDATE events SET bout_id = NULL; DELETE FROM bouts")
    result = bedtick("verify", "--db", path, "--repair", tmp_path / "new.db")
    assert result.stdout.splitlines()[-1] == "Nothing was lost."


def test_an_index_that_contradicts_much_is_not_believed(original, salvaged, tmp_path):
    """An index whose page is another's costs no rows: it is the index that is damaged."""
    data, known = original("stored")
    whole = tmp_path / "stored.db"
    whole.write_bytes(data)
    damaged = bytearray(data)
    at, size = root_page(whole, "events_by_scoring")
    empty, _ = root_page(whole, "markers_by_recording")
    damaged[at : at + size] = data[empty : empty + size]
    assert salvaged(bytes(damaged))["events"] == known["events"]


def test_of_two_copies_that_differ_neither_is_believed(original, changed, salvaged):
    """An event whose onset is another in the index than in the table is left out."""
    data, known = original("stored")
    path, _ = changed("stored", "UPDATE events SET onset_sample = onset_sample + 1 WHERE id = 5")
    damaged = bytearray(path.read_bytes())
    at, size = root_page(path, "events_by_scoring")
    damaged[at : at + size] = data[at : at + size]
    found = salvaged(bytes(damaged))
    assert found["events"] == [row for row in known["events"] if row["id"] != 5]


def leaves(data, at, size):
    """Places of the leaves below the inner page at a place, in the order of their rows."""
    count = int.from_bytes(data[at + 3 : at + 5], "big")
    cells = [int.from_bytes(data[at + 12 + 2 * n : at + 14 + 2 * n], "big") for n in range(count)]
    children = [data[at + cell : at + cell + 4] for cell in cells] + [data[at + 8 : at + 12]]
    return [(int.from_bytes(child, "big") - 1) * size for child in children]


def test_an_old_copy_in_a_wrong_place_is_not_believed(original, changed, salvaged):
    """A page of rows as they once were, in the place of another, does not hide the rows as they are now."""
    data, _ = original("stored")
    path, known = changed("stored", "UPDATE events SET peak_mg = peak_mg + 1")
    damaged = bytearray(path.read_bytes())
    at, size = root_page(path, "events")
    first, second, *_ = leaves(data, at, size)
    damaged[first : first + size] = data[second : second + size]
    found = salvaged(bytes(damaged))["events"]
    assert found
    assert strangers({"events": found}, known) == []


# Ten minutes of pruned samples become one row; the pages of the others are free, and hold what they held.
PRUNED = """
    PRAGMA secure_delete = OFF;
    UPDATE raw_chunks SET data = NULL, sample_count = (
        SELECT sum(sample_count) FROM raw_chunks WHERE id <= 75
    ) WHERE id = 1;
    DELETE FROM raw_chunks WHERE id BETWEEN 2 AND 75;
"""


@pytest.mark.parametrize("size", [16, 100, 600, 5000])
def test_pruned_samples_stay_pruned(changed, salvaged, size):
    """Without the file's beginning, free pages with rows that were pruned are not taken for the table's."""
    path, known = changed("long", PRUNED)
    data = bytearray(path.read_bytes())
    data[:size] = bytes(size)
    found = salvaged(bytes(data))
    assert strangers(found, known) == []
    assert found["raw_chunks"] == known["raw_chunks"]
    assert found["events"] == known["events"]


def test_a_file_without_beginning_and_trunk(changed, salvaged):
    """Without the list of tables and the root of raw samples, their leaves are there, and no old one."""
    path, known = changed("long", PRUNED)
    data = bytearray(path.read_bytes())
    at, size = root_page(path, "raw_chunks")
    data[at : at + size] = bytes(size)
    data[:2000] = bytes(2000)
    found = salvaged(bytes(data))
    assert strangers(found, known) == []
    assert len(found["raw_chunks"]) > 0.8 * len(known["raw_chunks"])
