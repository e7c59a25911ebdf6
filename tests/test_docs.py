"""What the documents say is what there is: schema, commands, options, settings and the demo's output."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest
import sqlite_utils
from click.testing import CliRunner

from bedtick.analysis.cli import COMMANDS, main
from bedtick.firmware.chips import CHIPS
from bedtick.firmware.linux_i2c import TIMEOUT_MS
from bedtick.firmware.retries import PAUSES_S, TREATMENTS, UNKNOWN
from bedtick.logger.check.finding import Finding
from bedtick.logger.detector import filters, parameters
from bedtick.logger.detector.events import LARGE, MOVEMENT, TURN, TWITCH
from bedtick.logger.detector.kernel import bursts, closing, splitting
from bedtick.logger.detector.layout import REASONS
from bedtick.logger.sampling.held_back import EVIDENCE_WANTED, HOLD_NS
from bedtick.logger.settings import TABLES, parse_settings
from bedtick.logger.store.schema import APPLICATION_ID, SCHEMA_VERSION, migrations

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SCHEMA = (ROOT / "docs" / "schema.md").read_text()
BUS_FAULTS = (ROOT / "docs" / "bus-faults.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ACCOUNT = (
    (ROOT / "docs" / "how-a-sample-becomes-an-event.md").read_text().split("\n## 4. ")[1].split("\n## ")[0]
)
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def described_tables() -> dict[str, dict[str, str]]:
    """Tables, columns and types as `docs/schema.md` lists them."""
    tables: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", SCHEMA, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \S", section, flags=re.MULTILINE)
        tables[section.split("\n", 1)[0].strip()] = dict(rows)
    return tables


@pytest.fixture
def db():
    """Make a new database in memory."""
    database = sqlite_utils.Database(memory=True)
    migrations.apply(database)
    return database


def test_the_schema_page_names_every_table_and_column(db):
    """Tables, columns and types of the page are those of the file, none more and none less."""
    real = {
        name: {column.name: column.type for column in db.table(name).columns} for name in db.table_names()
    }
    assert described_tables() == real


def test_the_schema_page_names_the_file_s_identity(db):
    """Application id and version stand in the page as they stand in the file."""
    assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert f"0x{APPLICATION_ID:X}" in SCHEMA
    assert f"version {SCHEMA_VERSION}" in SCHEMA


def test_the_readme_names_every_command():
    """A command that exists is shown in the README."""
    for entry in COMMANDS:
        assert f"bedtick {entry.name}" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_in_the_documents_exist(page):
    """Each `bedtick COMMAND --option` in a page is one that the command knows."""
    for line in re.findall(r"\bbedtick (?=[a-z-])([^`\n|>]*)", page.read_text()):
        name, *words = line.split()
        command = main.get_command(click.Context(main), name)
        if command is None:
            assert name not in {entry.name for entry in COMMANDS}
            continue
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0].rstrip(".,;:)") in known, f"{page.name}: bedtick {line}"


def test_settings_named_in_the_readme_exist():
    """Each `table.key` in the README is a setting."""
    known = {f"{name}.{f.name}" for name, kind in TABLES.items() for f in fields(kind)}
    for name in re.findall(r"`((?:sensor|detector|store|pins)\.\w+)`", README):
        assert name in known


def table_rows(page, first_heading):
    """Return the cells of the table of a page whose first column has a heading, row by row, without marks."""
    table = re.search(
        rf"^\| {re.escape(first_heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, flags=re.MULTILINE
    )
    assert table is not None
    return [
        tuple(cell.strip() for cell in row.replace("`", "").strip("|").split("|"))
        for row in table[1].splitlines()
    ]


def test_the_readme_names_every_chip_with_its_addresses_and_rates():
    """The table of chips has one row for each driver, with its name, addresses and rates."""
    told = {
        name: (tuple(int(one, 16) for one in addresses.split(", ")), tuple(map(int, rates.split(", "))))
        for name, _, addresses, rates in table_rows(README, "`--chip`")
    }
    assert told == {name: (chip.addresses, chip.rates_hz) for name, chip in CHIPS.items()}


def count_told(cell):
    """Return the number that a cell of the table of failures stands for, 0 for a dash."""
    return {"-": 0, "every one": 1}.get(cell) or int("".join(filter(str.isdigit, cell)) or 0)


def test_the_table_of_failures_is_the_one_that_the_daemon_reads():
    """Each failure stands in the page with its error numbers, words and counts, in the table's order."""
    told = [
        (
            name,
            tuple(getattr(errno, word, word) for word in names.split(", ")),
            words,
            *map(count_told, counts),
        )
        for name, names, words, *counts in table_rows(BUS_FAULTS, "failure")
    ]
    wanted = [(row, row.errnos, row.meaning) for row in TREATMENTS]
    wanted.append((UNKNOWN, ("any other",), "what the kernel says"))
    assert told == [
        (row.name, errnos, words, row.at_once, row.restart_at, row.set_up_at, row.reopen_at)
        for row, errnos, words in wanted
    ]


def test_the_times_of_the_page_on_faults_are_those_of_the_code():
    """Pauses, time-out, and how long samples are held back stand in the page as in the code."""
    page = " ".join(BUS_FAULTS.split())
    *pauses_ms, longest_ms = (round(1000 * pause_s) for pause_s in PAUSES_S)
    assert f"waits: {', '.join(map(str, pauses_ms))} and {longest_ms} ms" in page
    assert f"asks for {TIMEOUT_MS} ms" in page
    assert f"held back until {EVIDENCE_WANTED} drains" in page
    assert f"or for {HOLD_NS / 1e9:g} s, whichever" in page


def test_examples_of_settings_in_the_documents_are_taken():
    """Each TOML example in a page is a settings file without a mistake; README and pins.md have one."""
    pages_with_one = set()
    for page in PAGES:
        for example in re.findall(r"^```toml\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            parse_settings(tomllib.loads(example), page.name)
            pages_with_one.add(page.name)
    assert {"README.md", "pins.md"} <= pages_with_one


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_documents_lead_somewhere(page):
    """Each link to another file of the project leads to one that is there, and to a heading that it has."""
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: {link}"
        headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE) if heading else []
        anchors = {re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-") for words in headings}
        assert not heading or heading in anchors, f"{page.name}: {link}"


def test_make_targets_named_in_the_readme_exist():
    """Each `make TARGET` in the README is one of the Makefile's."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_the_screen_in_the_readme_is_what_the_demo_prints():
    """The README shows the demo's own output, to the letter, but for the name of the temporary file."""
    shown = re.search(r"```\n\$ make demo\n(.*?)```", README, flags=re.DOTALL)
    assert shown is not None
    environment = os.environ | {"TZ": "Etc/UTC", "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    command = [str(Path(sys.executable).with_name("bedtick")), "demo", "--seed", "1"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    printed = printed.replace(command[0], ".venv/bin/bedtick")
    said = re.sub(r"/\S*bedtick-demo-\w+/", "/tmp/bedtick-demo-abcdefgh/", printed)  # noqa: S108  only a name
    assert said.strip() == "\n".join(
        line for line in shown[1].strip().splitlines() if not line.startswith("== ")
    )


def glossary_column(heading, number):
    """Return the names in one column of the table under a heading of the glossary, without empty cells."""
    section = re.split(r"^## ", GLOSSARY.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (?!word)(\w.*)$", section, flags=re.MULTILINE)
    return sorted(filter(None, (row.split("|")[number].strip(" `") for row in rows)))


@pytest.mark.parametrize(
    ("heading", "table"), [("An event", "events"), ("A bout", "bouts"), ("A minute", "minutes")]
)
def test_the_glossary_has_every_column(db, heading, table):
    """Each column of events, bouts and minutes has one entry, and no entry names another."""
    assert glossary_column(heading, 1) == sorted(column.name for column in db.table(table).columns)


def test_the_glossary_has_every_key_of_an_event(tmp_path):
    """Each key of `events --json` has one entry, and no entry names another."""
    write_short_night(tmp_path / "bed.db")
    result = CliRunner().invoke(main, ["events", "--db", str(tmp_path / "bed.db"), "--json"])
    assert glossary_column("An event", 2) == sorted(json.loads(result.stdout)[0])


def test_the_glossary_has_every_kind_and_reason():
    """The kinds stand in their order, and each reason for invalid time has a word."""
    kinds = re.findall(r"^\| `(\w+)` \|", GLOSSARY.split("\n## Kinds\n")[1], flags=re.MULTILINE)[:4]
    assert kinds == [TURN, LARGE, MOVEMENT, TWITCH]
    assert set(glossary_column("A minute", 1)) >= {f"{reason}_s" for reason in REASONS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_with_a_value_in_the_documents_have_that_default(page):
    """Each `table.key` = value in a page is a setting, and that is its default."""
    for name, key, value in re.findall(r"`(\w+)\.(\w+)`? =\s([\d.]*\d)", page.read_text()):
        assert getattr(TABLES[name](), key) == float(value), f"{page.name}: {name}.{key}"


def test_the_numbers_of_the_detector_are_those_of_its_code():
    """Each number before a constant's name in the account of the detector is that constant's value."""
    constants = {
        k: v for module in (filters, parameters, bursts, splitting, closing) for k, v in vars(module).items()
    }
    told = re.findall(r"([\d.]*\d)(?: s| Hz)?(?: or more)?,?\s\(?`([A-Z_]+)`", ACCOUNT)
    assert len(told) == len(re.findall(r"`[A-Z_]{3,}`", ACCOUNT)) > 20
    for value, name in told:
        assert constants[name] == float(value), name


def test_every_key_of_the_json_is_explained(tmp_path):
    """Each key that the three commands print stands in `docs/json.md`."""
    page = (ROOT / "docs" / "json.md").read_text()
    write_short_night(tmp_path / "bed.db")
    for command in ("events", "nights", "summary"):
        result = CliRunner().invoke(main, [command, "--db", str(tmp_path / "bed.db"), "--json"])
        value = json.loads(result.stdout)
        for key in value[0] if isinstance(value, list) else value:
            assert f"`{key}`" in page, f"{command}: {key}"


def test_every_key_of_a_check_is_explained():
    """The page on JSON has one entry for each key of a line of `bedtick check --json`."""
    page = (ROOT / "docs" / "json.md").read_text().split("\n## A line of a check\n")[1]
    assert [row[0] for row in table_rows(page, "key")] == [f.name for f in fields(Finding)]


def write_short_night(path):
    """Import ten seconds of rest and a jerk into a new database."""
    rng = np.random.default_rng(5)
    acc_g = rng.normal((0, 0, 1), 0.004, (2000, 3))
    acc_g[1200:1300, 2] += 0.2 * np.sin(np.arange(100) * 0.4)
    np.savez(path.with_suffix(".npz"), acc_g=acc_g, fs_hz=100.0)
    assert (
        CliRunner().invoke(main, ["import", str(path.with_suffix(".npz")), "--db", str(path)]).exit_code == 0
    )
