"""Runs a recording through the emulated chip, the bus and the whole daemon, as fast as it can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bedtick.firmware.recording_file import Recording
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import emulated_rig, recording_world
from bedtick.logger.importer import find_scored
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings, with_chip, with_ring_down
from bedtick.logger.store.database import immediate, open_database, store_errors


@dataclass(frozen=True)
class Replayed:
    """What a replay did: the recording, whether it is new, and whether it was stopped before its end."""

    recording_id: int
    is_new: bool
    is_whole: bool


def replay_recording(
    recording: Recording,
    settings: Settings,
    path: Path,
    *,
    chip: str,
    control: Control,
) -> Replayed:
    """Replay a recording into the database; what is there already with the same settings stays as it is.

    Parameters
    ----------
    recording
        Its rows become the chip's samples, one each, at the recording's own times.
    settings, path
        All settings, and the database.
    chip
        The emulated chip to run it through.
    control
        Ends the replay early, and is told how far it is.

    Raises
    ------
    SettingsError, StoreError
        For an unknown chip, or where the database does not take it.
    """
    # Taps on the emulated bed were not on this recording's.
    settings = with_ring_down(with_chip(settings, chip), None)
    rig = emulated_rig(recording_world(recording, "replay"), settings.sensor, at_real_speed=False)
    digest = f"replay:{rig.chip.name}-{rig.range_g}g:{recording.digest}"
    known = _known(path, digest, settings)
    if known is not None:
        return Replayed(known, is_new=False, is_whole=True)
    (recording_id,) = record(site_of(rig), settings, path, control)
    is_whole = rig.has_ended()
    if is_whole:  # only a whole replay counts as "there already"
        _remember(path, recording_id, digest)
    return Replayed(recording_id, is_new=True, is_whole=is_whole)


def _known(path: Path, digest: str, settings: Settings) -> int | None:
    db = open_database(path)
    try:
        with store_errors(path):
            return find_scored(db, digest, settings)
    finally:
        db.conn.close()


def _remember(path: Path, recording_id: int, digest: str) -> None:
    db = open_database(path)
    try:
        with store_errors(path), immediate(db):
            db.table("recordings").update(recording_id, {"source_digest": digest})
    finally:
        db.conn.close()
