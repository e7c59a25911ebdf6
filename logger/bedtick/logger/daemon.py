"""The daemon: every sensor of the settings, from the first sample to the signal that ends it.

Two threads, however many sensors. This one, the sampling thread, drains the chips, each when it is due, runs
their detectors and packs raw samples; the other, in `store.thread`, commits. Nothing here waits for the disk.

A sensor that does not answer is tried again with pauses, and its recording begins when it measures. Others
are recorded meanwhile, also in the waits of a chip's set-up. Only a bus that is stuck takes its 200 ms a try
from all of them, whichever bus they are on; what they lose by it is counted, and the pauses grow to 5 s.

Until the first sensor answers, the database is not touched, so that `bedtick check` can look at the sensors
meanwhile. What waiting can not cure ends the start with one line: settings that are wrong, and another chip
than the one named, where it is the only sensor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from bedtick.firmware.errors import BedtickError, BusError, ChipError, SettingsError, StoreError
from bedtick.firmware.pins import Pins
from bedtick.logger.bedside.bedside import Bedside, header
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.journal import Journal
from bedtick.logger.rig import Rig, Seat, Site
from bedtick.logger.sampling.missing import Missing
from bedtick.logger.sampling.station import Station
from bedtick.logger.settings import Settings
from bedtick.logger.store.database import (
    checkpoint_by_itself,
    open_database,
    recording_lock,
    store_errors,
)
from bedtick.logger.store.recovery import close_unplugged
from bedtick.logger.store.retention import Retention
from bedtick.logger.wall_clock import StepWatch

SECOND_NS = 1_000_000_000
LONGEST_SLEEP_NS = SECOND_NS // 5  # so that a signal is answered while no sensor samples

Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Control:
    """How others reach into a running recording.

    `stop` is asked before every drain; `progress` is told once a second how many ns have passed on the
    site's clock.
    """

    stop: Callable[[], bool] = lambda: False
    progress: Callable[[int], None] = lambda _ns: None


def record(site: Site, settings: Settings, path: Path, control: Control) -> list[int]:
    """Record until `control` says so or every sensor comes to its end; return the recordings' ids.

    Parameters
    ----------
    site
        What to sample.
    settings
        All settings.
    path
        The database.
    control
        Ends the recordings, and is told how far they are.

    Raises
    ------
    StoreError
        Where the database can not be opened, or did not take everything at the end.
    ChipError
        Where the only sensor is another than the one that was named.
    SettingsError
        Where a chip does not offer what is set, or two sensors share a name.
    """
    with ExitStack() as held:
        wired = settings.pins
        pins = held.enter_context(header(site.clock, wired.button, wired.led, wired.interrupt))
        sensors = _Sensors(site, settings, pins)
        if not sensors.find_the_first(control.stop):
            return []
        # A replay is no daemon: neither does it wait for one, nor may a service wait for it.
        is_daemon = site.source != "replay"
        if is_daemon and not held.enter_context(recording_lock(path)):
            raise StoreError(
                f"database {path}: bedtick records into it already; stop that, or use another --db"
            )
        db = open_database(path)
        held.callback(db.conn.close)
        if not is_daemon:
            return sensors.work(Journal(db, path, site.clock, control.stop), control)
        with store_errors(path):
            checkpoint_by_itself(db)
            close_unplugged(db)
            retention = Retention(db, path, settings.store)
        return sensors.work(Journal(db, path, site.clock, control.stop, retention.step), control)


class _Sensors:
    """All sensors of one daemon, found, at work or missing, and the button and light beside the bed."""

    def __init__(self, site: Site, settings: Settings, pins: Pins | None) -> None:
        self._site = site
        self._settings = settings
        self._found: list[tuple[Seat, Rig]] = []
        self._stations: list[Station] = []
        self._missing: list[Missing] = []
        self._line_pins = pins
        if settings.pins.interrupt and len(site.seats) > 1:
            log.warning("pins.interrupt is for one sensor: with several, all are drained by the clock")
            self._line_pins = None
        self._journal: Journal | None = None
        self._bedside = Bedside(
            pins,
            site.clock,
            button=settings.pins.button,
            led=settings.pins.led,
            put_marker=self._mark,
            is_trouble=self._is_in_trouble,
        )

    def find_the_first(self, stop: Callable[[], bool]) -> bool:
        """Look for every sensor; where none answers wait for one. False where `stop` came before."""
        attempts = [(seat, partial(_find, seat)) for seat in self._site.seats]
        self._found = self._attempt(attempts, may_give_up=True)
        while not self._found and not stop():
            due = self._wait_for(self._missing)
            if isinstance(due, Missing) and (found := self._again(due, _find)):
                self._found.append(found)
        return bool(self._found)

    def work(self, journal: Journal, control: Control) -> list[int]:
        """Record what was found, and what is found later; return the recordings' ids at the end."""
        compiled_kernel()  # may take a while, so before the chips begin to fill their FIFOs
        self._journal = journal
        set_up = partial(self._set_up, journal)
        ready = self._attempt([(seat, partial(set_up, seat, rig)) for seat, rig in self._found])
        self._stations = self._attempt([(seat, partial(_start, station)) for seat, station in ready])
        journal.start()
        recordings: list[int] = []
        with ExitStack() as ends:  # each is carried out whatever becomes of the others
            ends.callback(lambda: recordings.extend(journal.close()))
            ends.callback(self._end)
            if self._site.driver_clock:
                self._site.driver_clock.wait = self._poll_others_until
            self._sample(journal, control)
        return recordings

    def _end(self) -> None:
        with ExitStack() as ends:
            for station in reversed(self._stations):
                ends.callback(station.end)

    def _sample(self, journal: Journal, control: Control) -> None:
        """Poll whoever is due, and look each time whether the wall clock stepped."""
        clock = self._site.clock
        start_ns = next_second_ns = clock.boot_ns()
        watch = StepWatch(self._site.wall, start_ns)
        while not journal.should_stop() and (waiting := self._waiting()):
            due = self._wait_for(waiting)
            if isinstance(due, Station):
                due.poll()
            elif due and (station := self._again(due, partial(self._begin_late, journal))):
                self._stations.append(station)
            now_ns = clock.boot_ns()
            if watch.stepped(now_ns):
                self._note_step()
            if now_ns >= next_second_ns:
                next_second_ns = now_ns + SECOND_NS
                control.progress(now_ns - start_ns)

    def _set_up(self, journal: Journal, seat: Seat, rig: Rig) -> tuple[Seat, Station]:
        return seat, Station(rig, self._settings, journal, self._line_pins, self._does_any_sample)

    def _begin_late(self, journal: Journal, seat: Seat) -> Station:
        return _start(self._set_up(journal, seat, seat.open_rig())[1])

    def _does_any_sample(self) -> bool:
        return any(not (station.has_ended or station.is_in_trouble) for station in self._stations)

    def _poll_others_until(self, boot_ns: int) -> None:
        """Wait for a chip that is being set up; whoever is due meanwhile and not busy itself is polled."""
        clock = self._site.clock
        free = [station for station in self._stations if not (station.is_busy or station.has_ended)]
        while (due := min(free, key=_due_ns, default=None)) and due.next_poll_ns < boot_ns:
            clock.sleep_until(due.next_poll_ns)
            due.poll()
        clock.sleep_until(boot_ns)

    def _waiting(self) -> list[Station | Missing]:
        return [*(station for station in self._stations if not station.has_ended), *self._missing]

    def _wait_for(self, waiting: Sequence[Station | Missing]) -> Station | Missing | None:
        """Wait for whoever is due next; None after a short while in which nobody was, or for the bedside."""
        clock = self._site.clock
        due = min(waiting, key=_due_ns)
        if isinstance(due, Station) and due.next_poll_ns <= self._bedside.next_poll_ns:
            due.wait()
            return due
        next_ns = min(due.next_poll_ns, self._bedside.next_poll_ns)
        clock.sleep_until(min(next_ns, clock.boot_ns() + LONGEST_SLEEP_NS))
        if clock.boot_ns() >= self._bedside.next_poll_ns:
            self._bedside.poll()
        return due if isinstance(due, Missing) and clock.boot_ns() >= due.next_poll_ns else None

    def _note_step(self) -> None:
        for station in self._stations:
            station.note_step()

    def _mark(self, kind: str, boot_ns: int) -> bool:
        """Store a marker with every recording; False where none runs yet."""
        for station in self._stations:
            station.mark(kind, boot_ns)
        return bool(self._stations)

    def _is_in_trouble(self) -> bool:
        is_refused = self._journal is not None and self._journal.is_in_trouble
        is_silent = any(station.is_in_trouble for station in self._stations)
        return bool(self._missing) or is_silent or is_refused

    def _attempt(
        self, attempts: Sequence[tuple[Seat, Callable[[], Result]]], *, may_give_up: bool = False
    ) -> list[Result]:
        """Return what could be had; what could not is missing from now on.

        Where chips are looked for, raises the first error if nothing is left that waiting could bring: each
        is another one than was named. A chip that was found and does not keep a setting may do so later.
        """
        done: list[Result] = []
        failed: list[tuple[Seat, BedtickError]] = []
        for seat, attempt in attempts:
            try:
                done.append(attempt())
            except (BusError, ChipError) as error:
                failed.append((seat, error))
        if may_give_up and not done and all(isinstance(error, ChipError) for _, error in failed):
            raise failed[0][1]
        self._missing += [Missing(seat, self._site.clock, error) for seat, error in failed]
        return done

    def _again(self, missing: Missing, attempt: Callable[[Seat], Result]) -> Result | None:
        """Try once more to have a missing sensor; None where that fails."""
        try:
            result = attempt(missing.seat)
        except (BusError, ChipError) as error:
            missing.note_failure(error)
            return None
        except SettingsError as error:
            if not self._stations:
                raise
            log.warning("place %s is not recorded: %s", missing.seat.sensor.place, error)
            self._missing.remove(missing)
            return None
        self._missing.remove(missing)
        return result


def _find(seat: Seat) -> tuple[Seat, Rig]:
    return seat, seat.open_rig()


def _start(station: Station) -> Station:
    station.start()
    return station


def _due_ns(one: Station | Missing) -> int:
    return one.next_poll_ns
