"""Every setting of bedtick: its key, default, unit, allowed range and meaning, each defined once."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass, field, fields
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.errors import SettingsError

USUAL_RING_DOWN_S = 0.2  # of a bed that was never tapped
AUTO = "auto"  # the chip that is found
_SENSOR_HEADINGS = re.compile(r"^[ \t]*(\[{1,2})[ \t]*sensor[ \t]*\]", re.MULTILINE)


def _number(default: float, low: float, high: float, unit: str, meaning: str) -> Any:
    """One numeric setting; a whole default asks for whole numbers."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "meaning": meaning})


def _choice(default: str | int, choices: tuple[str | int, ...], unit: str, meaning: str) -> Any:
    """One setting that is a word or a number out of a few."""
    return field(default=default, metadata={"choices": choices, "unit": unit, "meaning": meaning})


def _text(default: str, meaning: str) -> Any:
    """One setting that is a name: a line with something to see in it."""
    return field(default=default, metadata={"unit": "text", "meaning": meaning})


@dataclass(frozen=True)
class SensorSettings:
    """Where an accelerometer is and how it samples. For several, write [[sensor]] once for each."""

    TABLE: ClassVar[str] = "sensor"
    place: str = _text("bed", "name of the sensor's place; two sensors need two names")
    chip: str = _choice(AUTO, (AUTO, *CHIPS), "name", "auto takes the first known one that answers")
    bus: int = _number(-1, -1, 255, "number of /dev/i2c-N", "-1 takes that of --bus")
    address: int = _number(0, 0, 0x77, "I2C address", "0 takes the chip's own usual addresses")
    rate_hz: int = _number(0, 0, 4000, "Hz", "0 takes the highest near 400, 200, 100 that the bus carries")
    range_g: int = _choice(0, (0, 2, 4, 8, 16), "g", "full scale; 0 takes what suits the chip best, 2 or 4")


@dataclass(frozen=True)
class DetectorSettings:
    """What counts as an event. Ratios are of energies: 4 is twice the amplitude."""

    TABLE: ClassVar[str] = "detector"
    band_low_hz: float = _number(
        2.0, 0.5, 6.0, "Hz", "lower corner of the band in which a bed answers a jerk"
    )
    band_high_hz: float = _number(14.0, 8.0, 25.0, "Hz", "upper corner of that band")
    high_ratio: float = _number(
        3.0, 2.1, 20.0, "energy ratio", "a jerk opens an event this far above the floor"
    )
    long_ratio: float = _number(2.2, 1.3, 20.0, "energy ratio", "the same for weak movement that lasts")
    low_ratio: float = _number(1.6, 1.0, 2.0, "energy ratio", "below this an event is over after 0.5 s")
    least_peak_mg: float = _number(
        1.9, 0.0, 50.0, "mg", "above the noise; weaker ones could be trucks, footsteps or heartbeats"
    )
    floor_window_s: int = _number(40, 10, 120, "s", "seconds from which the noise floor is taken")
    floor_quantile: float = _number(
        0.2, 0.05, 0.5, "share", "which of those seconds, sorted by loudness, is the floor"
    )
    weakest_limit_mg: float = _number(
        50.0, 1.0, 1000.0, "mg", "time in which only stronger jerks show is not valid"
    )
    ring_down_s: float = _number(
        0.0, 0.0, 1.0, "s", "the bed's ring-down time constant; 0 takes what `bedtick tap` measured, else 0.2"
    )
    turn_deg: float = _number(0.3, 0.05, 20.0, "degrees", "a lasting tilt of this much makes an event a turn")
    large_s: float = _number(10.0, 2.0, 60.0, "s", "an event longer than this is a large movement")
    movement_s: float = _number(
        0.5, 0.1, 5.0, "s", "longer than the ring-down by this: a movement, not a twitch"
    )
    bout_min_events: int = _number(5, 2, 50, "events", "fewer twitches and movements are no bout")
    bout_gap_s: float = _number(30.0, 1.0, 600.0, "s", "onset to onset: a longer pause ends a bout")


@dataclass(frozen=True)
class StoreSettings:
    """How the night is kept."""

    TABLE: ClassVar[str] = "store"
    chunk_s: float = _number(8.0, 1.0, 8.0, "s", "raw samples are stored this often")
    budget_mb: int = _number(
        2000, 100, 1_000_000, "MB", "size of the database past which the oldest raw samples are given up"
    )
    keep_raw: int = _number(
        0, 0, 10_000, "nights", "raw samples of older nights are given up; 0 keeps what fits the budget"
    )


@dataclass(frozen=True)
class PinSettings:
    """What is wired to the header, by BCM numbers (GPIO17 is 17); 0 is nothing."""

    TABLE: ClassVar[str] = "pins"
    button: int = _number(
        0, 0, 27, "BCM number", "marker button: short is I felt one, long is lights off or on"
    )
    led: int = _number(0, 0, 27, "BCM number", "status light: dark at night, blinks for trouble or a press")
    interrupt: int = _number(0, 0, 27, "BCM number", "the sensor's interrupt pin, where there is one sensor")


@dataclass(frozen=True)
class Settings:
    """All settings, by table of the file; there is at least one sensor."""

    sensors: tuple[SensorSettings, ...] = (SensorSettings(),)
    detector: DetectorSettings = DetectorSettings()
    store: StoreSettings = StoreSettings()
    pins: PinSettings = PinSettings()

    @property
    def sensor(self) -> SensorSettings:
        """The first sensor: the one that is meant where there is only one."""
        return self.sensors[0]


def effective_ring_down_s(settings: DetectorSettings) -> float:
    """Return the ring-down time constant that detection takes: the one that was set, else 0.2 s."""
    return settings.ring_down_s or USUAL_RING_DOWN_S


def with_ring_down(settings: Settings, tapped_s: float | None) -> Settings:
    """Return the settings with the ring-down that detection is to take written out.

    What a scoring stores must say what it was made with, whatever is tapped later.

    Parameters
    ----------
    settings
        All settings; a ring-down above 0 was set by hand and is kept.
    tapped_s
        What `bedtick tap` last measured with this sensor, in seconds; None where it never did.
    """
    ring_down_s = settings.detector.ring_down_s or tapped_s or USUAL_RING_DOWN_S
    detector = dataclasses.replace(settings.detector, ring_down_s=ring_down_s)
    return dataclasses.replace(settings, detector=detector)


def with_chip(settings: Settings, chip: str) -> Settings:
    """Return the settings with a chip named by hand for every sensor; `auto` leaves them as they are.

    Raises SettingsError for a name that is no chip's.
    """
    if chip == AUTO:
        return settings
    if chip not in CHIPS:
        raise SettingsError(f"no chip is called {chip!r}; there are auto, {', '.join(CHIPS)}")
    sensors = tuple(dataclasses.replace(sensor, chip=chip) for sensor in settings.sensors)
    return dataclasses.replace(settings, sensors=sensors)


def sensor_at(settings: Settings, place: str | None) -> SensorSettings:
    """Return the sensor of a place; None means the only one there is.

    Raises SettingsError where no sensor has this place, or several could be meant.
    """
    places = _listed(sensor.place for sensor in settings.sensors)
    if place is None and len(settings.sensors) > 1:
        raise SettingsError(f"the settings have several sensors; choose one with --place: {places}")
    for sensor in settings.sensors:
        if place in (None, sensor.place):
            return sensor
    raise SettingsError(f"no sensor of the settings has place {place!r}; there is {places}")


TABLES = {kind.TABLE: kind for kind in (SensorSettings, DetectorSettings, StoreSettings, PinSettings)}


def read_settings(path: Path | None) -> Settings:
    """Return the settings of a TOML file, or the defaults where `path` is None.

    Raises
    ------
    SettingsError
        For a file that is not there or no TOML, for unknown tables or keys, and for values outside
        their range; the message names the key.
    """
    if path is None:
        return Settings()
    try:
        content = path.read_bytes().decode()
    except OSError as error:
        raise SettingsError(f"settings {path}: can not be read ({error.strerror}); check --config") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"settings {path}: not valid TOML: {error}") from error
    try:
        return parse_settings(tomllib.loads(content), str(path))
    except tomllib.TOMLDecodeError as error:
        headings = _SENSOR_HEADINGS.findall(content)
        if "[" in headings and len(headings) > 1:  # what the parser says of these helps nobody
            wrong = "several sensors need [[sensor]] above each, and no [sensor]"
        else:
            wrong = f"not valid TOML: {error}"
        raise SettingsError(f"settings {path}: {wrong}") from error


def parse_settings(tables: dict[str, Any], origin: str) -> Settings:
    """Return the settings that `tables` (as read from TOML) asks for; `origin` names them in errors."""
    for name in tables:
        if name not in TABLES:
            raise SettingsError(f"settings {origin}: unknown table [{name}]; there are {_listed(TABLES)}")
    others = {
        name: _parse_table(kind, tables.get(name, {}), origin)
        for name, kind in TABLES.items()
        if kind is not SensorSettings
    }
    _check_pins(others[PinSettings.TABLE], origin)
    return Settings(sensors=_parse_sensors(tables.get(SensorSettings.TABLE, {}), origin), **others)


def _check_pins(pins: PinSettings, origin: str) -> None:
    wired = [(f.name, getattr(pins, f.name)) for f in fields(pins)]
    for (one, number), (other, other_number) in combinations(wired, 2):
        if number == other_number != 0:
            raise SettingsError(
                f"settings {origin}: pins.{one} and pins.{other} are both {number}; give each its own pin"
            )


def _parse_sensors(values: object, origin: str) -> tuple[SensorSettings, ...]:
    """One table, or several: then each error says which, counted from 1, and places must differ."""
    if not isinstance(values, list):
        return (_parse_table(SensorSettings, values, origin),)
    sensors: dict[str, SensorSettings] = {}
    for number, table in enumerate(values, 1):
        which = f"{origin}: [[sensor]] {number}"
        sensor = _parse_table(SensorSettings, table, which)
        if sensor.place in sensors:
            raise SettingsError(f"settings {which}: place {sensor.place!r} is taken; give each its own name")
        sensors[sensor.place] = sensor
    if not sensors:
        raise SettingsError(f"settings {origin}: sensor = [] names no sensor; take it out, or write [sensor]")
    return tuple(sensors.values())


def _parse_table(kind: type[Any], values: object, origin: str) -> Any:
    if not isinstance(values, dict):
        raise SettingsError(f"settings {origin}: {kind.TABLE} must be a table: write [{kind.TABLE}]")
    known = {f.name: f for f in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise SettingsError(
                f"settings {origin}: unknown key {kind.TABLE}.{key}; there are {_listed(known)}"
            )
        _check(known[key], value, f"settings {origin}: {kind.TABLE}.{key}")
    return kind(**{k: float(v) if isinstance(known[k].default, float) else v for k, v in values.items()})


def _check(setting: dataclasses.Field[Any], value: object, where: str) -> None:
    wanted = (int, float) if isinstance(setting.default, float) else type(setting.default)
    if isinstance(value, bool) or not isinstance(value, wanted):
        kind = {int: "a whole number", float: "a number", str: "a text"}[type(setting.default)]
        raise SettingsError(f"{where} = {value!r} is not {kind}")
    if "choices" in setting.metadata and value not in setting.metadata["choices"]:
        raise SettingsError(f"{where} = {value!r} is none of {_listed(setting.metadata['choices'])}")
    if isinstance(value, str) and not (value.strip() and value.isprintable()):
        raise SettingsError(f"{where} = {value!r} is no name: write one line of letters you can see")
    if "low" in setting.metadata and not setting.metadata["low"] <= value <= setting.metadata["high"]:
        low, high, unit = (setting.metadata[k] for k in ("low", "high", "unit"))
        raise SettingsError(f"{where} = {value!r} is outside {low} to {high} {unit}")


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names)
