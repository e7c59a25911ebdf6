"""Settings: every key has its range, every mistake is named, and what is printed reads back the same."""

from __future__ import annotations

import dataclasses
import math
import tomllib

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bedtick.analysis.cli import main
from bedtick.firmware.errors import SettingsError
from bedtick.logger.printed_settings import print_settings
from bedtick.logger.settings import (
    TABLES,
    DetectorSettings,
    PinSettings,
    SensorSettings,
    Settings,
    effective_ring_down_s,
    parse_settings,
    read_settings,
    sensor_at,
    with_chip,
    with_ring_down,
)

KEYS = [(name, field) for name, kind in TABLES.items() for field in dataclasses.fields(kind)]
NUMBERS = [(name, field) for name, field in KEYS if "low" in field.metadata]
CHOICES = [(name, field) for name, field in KEYS if "choices" in field.metadata]


def ids(pairs):
    """Names for pytest: table and key."""
    return [f"{name}.{field.name}" for name, field in pairs]


def refused(table, key, value):
    """Return the message that one wrong value gives."""
    with pytest.raises(SettingsError) as info:
        parse_settings({table: {key: value}}, "bedtick.toml")
    assert "\n" not in str(info.value)
    return str(info.value)


def test_without_a_file_there_are_defaults(tmp_path):
    """No file, and an empty file, give the defaults."""
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert read_settings(None) == read_settings(empty) == Settings()


def test_the_defaults_are_those_of_the_design():
    """The numbers that the design fixes are the defaults."""
    detector = Settings().detector
    assert (detector.turn_deg, detector.large_s, detector.movement_s) == (0.3, 10.0, 0.5)
    assert (detector.bout_min_events, detector.bout_gap_s) == (5, 30.0)
    assert (effective_ring_down_s(detector), detector.weakest_limit_mg) == (0.2, 50.0)


def test_which_ring_down_is_taken():
    """One set by hand goes before a tapped one, that before the usual 0.2 s; what is taken is written out."""
    by_hand = Settings(detector=DetectorSettings(ring_down_s=0.3))
    taken = [
        with_ring_down(settings, tapped_s).detector.ring_down_s
        for settings in (Settings(), by_hand)
        for tapped_s in (None, 0.4)
    ]
    assert taken == [0.2, 0.4, 0.3, 0.3]
    assert effective_ring_down_s(by_hand.detector) == 0.3
    assert with_ring_down(Settings(), 0.4).sensor == Settings().sensor


@pytest.mark.parametrize(("table", "field"), KEYS, ids=ids(KEYS))
def test_each_default_is_allowed(table, field):
    """Each key may be written out with its default, and that changes nothing."""
    assert parse_settings({table: {field.name: field.default}}, "x") == Settings()


@pytest.mark.parametrize(("table", "field"), NUMBERS, ids=ids(NUMBERS))
def test_each_range_is_kept(table, field):
    """Both ends of a range are allowed; what lies beyond is refused by key, value, range and unit."""
    low, high = field.metadata["low"], field.metadata["high"]
    for value in (low, high):
        read = parse_settings({table: {field.name: value}}, "x")
        assert getattr(getattr(read, table), field.name) == value
    step = 1 if isinstance(field.default, int) else 1e-6
    for value in (low - step, high + step):
        message = refused(table, field.name, value)
        assert message == (
            f"settings bedtick.toml: {table}.{field.name} = {value!r} is outside {low} to {high} "
            f"{field.metadata['unit']}"
        )


@pytest.mark.parametrize(("table", "field"), NUMBERS, ids=ids(NUMBERS))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "4", True, [1], {}, None])
def test_what_is_no_number_is_refused(table, field, value):
    """NaN, infinities, texts, truths and lists are no numbers, and the key is named."""
    assert f"{table}.{field.name} = {value!r} is " in refused(table, field.name, value)


def test_a_whole_number_must_be_whole():
    """A key that counts takes no fraction, not even 40.0; a key that measures takes a whole number."""
    assert "is not a whole number" in refused("detector", "floor_window_s", 40.0)
    read = parse_settings({"detector": {"band_low_hz": 3}}, "x").detector.band_low_hz
    assert (read, type(read)) == (3.0, float)


@pytest.mark.parametrize(("table", "field"), CHOICES, ids=ids(CHOICES))
def test_each_choice_is_kept(table, field):
    """Each of the choices is allowed; another is refused with all of them listed."""
    for value in field.metadata["choices"]:
        read = parse_settings({table: {field.name: value}}, "x")
        assert getattr(getattr(read, table), field.name) == value
    wrong = 77 if isinstance(field.default, int) else "bma999"
    message = refused(table, field.name, wrong)
    assert f"{table}.{field.name} = {wrong!r} is none of " in message
    assert ", ".join(str(choice) for choice in field.metadata["choices"]) in message


def test_a_text_must_be_a_text():
    """A place that is a number is refused."""
    assert "sensor.place = 7 is not a text" in refused("sensor", "place", 7)


@pytest.mark.parametrize("place", ["", "  ", "left\nright", "bed\x07", "bed\x1b[2J", "a\u2028b"])
def test_a_place_must_be_a_name_to_see(place):
    """An empty place, and one with control characters or of two lines, is refused."""
    assert f"sensor.place = {place!r} is no name" in refused("sensor", "place", place)


@pytest.mark.parametrize("place", ["left", "my side", "Fuß", "左"])
def test_a_place_may_be_any_word(place):
    """Blanks between words and letters of any script are a name."""
    assert parse_settings({"sensor": {"place": place}}, "x").sensor.place == place


@pytest.mark.parametrize(("one", "other"), [("button", "led"), ("button", "interrupt"), ("led", "interrupt")])
def test_a_pin_is_used_once(one, other):
    """One pin for two things is refused, and both are named; 0 is no pin and may stand twice."""
    with pytest.raises(SettingsError, match=rf"x: pins\.{one} and pins\.{other} are both 17; give each"):
        parse_settings({"pins": {one: 17, other: 17}}, "x")
    assert parse_settings({"pins": {one: 17, other: 0}}, "x").pins == PinSettings(**{one: 17})


@pytest.mark.parametrize(
    "content",
    [
        "[sensor]\n[[sensor]]\nplace = 'left'\n",
        "[[sensor]]\n[store]\n  [ sensor ]\nplace = 'left'\n",
        "[sensor]\nplace = 'left'\n[sensor]\nplace = 'right'\n",
    ],
)
def test_several_sensors_in_the_wrong_brackets(tmp_path, content):
    """[sensor] beside [[sensor]], and [sensor] twice, are told how several are written."""
    path = tmp_path / "bedtick.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"bedtick.toml: several sensors need \[\[sensor\]\] above each"):
        read_settings(path)


def test_unknown_names_are_refused():
    """An unknown table, an unknown key, and a key that stands in no table are named, with what there is."""
    with pytest.raises(
        SettingsError, match=r"unknown table \[detectors\]; there are sensor, detector, store, pins"
    ):
        parse_settings({"detectors": {}}, "x")
    assert "unknown key detector.high_ration; there are band_low_hz, " in refused(
        "detector", "high_ration", 3
    )
    with pytest.raises(SettingsError, match=r"unknown table \[high_ratio\]"):
        parse_settings({"high_ratio": 3}, "x")
    with pytest.raises(SettingsError, match=r"detector must be a table: write \[detector\]"):
        parse_settings({"detector": 3}, "x")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"high_ratio = ", "not valid TOML"),
        (b"[sensor]\nplace =", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        (None, "can not be read"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, content, complaint):
    """A file that is not there, or is no TOML, is named in one line."""
    path = tmp_path / "bedtick.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=complaint) as info:
        read_settings(path)
    assert str(path) in str(info.value)


def test_a_folder_is_no_settings_file(tmp_path):
    """A folder given for the file is refused in one line."""
    with pytest.raises(SettingsError, match="can not be read"):
        read_settings(tmp_path)


def values_of(field):
    """Strategy for the values of one key."""
    if "choices" in field.metadata:
        return st.sampled_from(field.metadata["choices"])
    if isinstance(field.default, str):
        return st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
    low, high = field.metadata["low"], field.metadata["high"]
    return st.integers(low, high) if isinstance(field.default, int) else st.floats(low, high)


def tables():
    """Strategy for whole settings."""
    kinds = {
        name: st.builds(kind, **{field.name: values_of(field) for field in dataclasses.fields(kind)})
        for name, kind in TABLES.items()
    }
    numbers = st.lists(st.integers(1, 27), min_size=3, max_size=3, unique=True)
    kinds["pins"] = numbers.map(lambda pins: PinSettings(*pins))
    sensors = st.lists(kinds.pop("sensor"), min_size=1, max_size=3, unique_by=lambda sensor: sensor.place)
    return st.builds(Settings, sensors=sensors.map(tuple), **kinds)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(tables())
def test_what_is_printed_reads_back_the_same(wanted):
    """Any settings, printed as TOML and read again, are the same, odd places included."""
    assert parse_settings(tomllib.loads(print_settings(wanted)), "x") == wanted


TWO = Settings(sensors=(SensorSettings("left", address=0x53), SensorSettings("right", "lis3dh", rate_hz=100)))


def test_several_sensors_are_read_and_printed():
    """Each [[sensor]] has its own keys; only above the first is printed what they mean."""
    printed = print_settings(TWO)
    assert parse_settings(tomllib.loads(printed), "x") == TWO
    assert printed.count("[[sensor]]\n") == 2
    assert printed.count("# name of the sensor's place") == 1


def test_the_sensor_of_a_place():
    """The only sensor is meant without a name; of several one must be named, and must be there."""
    assert sensor_at(Settings(), None) == SensorSettings()
    assert sensor_at(TWO, "right") == TWO.sensors[1]
    with pytest.raises(SettingsError, match="choose one with --place: left, right"):
        sensor_at(TWO, None)
    with pytest.raises(SettingsError, match="has place 'foot'; there is left, right"):
        sensor_at(TWO, "foot")


def test_chip_by_hand():
    """`--chip NAME` goes before the settings of every sensor, `auto` leaves them, others are refused."""
    assert with_chip(TWO, "auto") == TWO
    assert [sensor.chip for sensor in with_chip(TWO, "adxl345").sensors] == ["adxl345", "adxl345"]
    with pytest.raises(SettingsError, match="no chip is called 'bma999'"):
        with_chip(TWO, "bma999")


def test_print_config_names_everything():
    """`run --print-config` has a line for each key, under its table, with unit, range and default."""
    result = CliRunner().invoke(main, ["run", "--print-config"], env={"BEDTICK_CONFIG": None})
    assert result.exit_code == 0
    blocks = result.output.split("\n\n")
    for block, (name, kind) in zip(blocks, TABLES.items(), strict=True):
        lines = block.strip().splitlines()
        assert lines[1] == f"[{name}]"
        for number, field in enumerate(dataclasses.fields(kind)):
            about, value = lines[2 + 2 * number : 4 + 2 * number]
            assert value.startswith(f"{field.name} = ")
            assert field.metadata["meaning"] in about
            assert field.metadata["unit"] in about
            assert f"default {field.default!r}" in about
            if "low" in field.metadata:
                assert f"{field.metadata['low']} to {field.metadata['high']}" in about
            for choice in field.metadata.get("choices", ()):
                assert str(choice) in about


def test_the_low_threshold_can_not_be_above_the_high_one():
    """Their ranges do not meet: an event never ends above where it begins."""
    ranges = {f.name: f.metadata for f in dataclasses.fields(TABLES["detector"])}
    assert ranges["low_ratio"]["high"] < ranges["high_ratio"]["low"]
