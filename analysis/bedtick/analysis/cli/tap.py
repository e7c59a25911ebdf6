"""`bedtick tap`: calibrates a bed from five taps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from bedtick.analysis.cli.night_errors import night_errors
from bedtick.analysis.cli.options import current_look, database_option, json_option, place_option, print_json
from bedtick.analysis.cli.quiet_log import quiet_log
from bedtick.analysis.cli.sensor import bus_option, chip_option, config_option, open_rig

if TYPE_CHECKING:
    from pathlib import Path

    from bedtick.analysis.screen.look import Look
    from bedtick.logger.rig import Rig
    from bedtick.logger.settings import SensorSettings
    from bedtick.logger.tap.judge import Calibration, Measured
    from bedtick.logger.tap.stored import SensorName

ASKING = """\
Lie down as at night: your weight is part of how the bed rings. Keep still for
3 seconds, then tap the mattress {wanted} times with the flat hand, near the sensor,
one tap every 3 seconds or so, and let go at once. It ends by itself, after
{lasts:.0f} seconds at the latest.
"""


@click.command("tap")
@bus_option
@chip_option
@database_option
@config_option
@place_option
@json_option
def command(bus: str, chip: str, *, db: Path, config: Path | None, place: str | None, as_json: bool) -> None:
    """Calibrate a bed: how long it rings after a push, measured from five taps.

    Takes a minute, once for each bed and place of the sensor. The next recording uses it to tell a short
    twitch's ringing from a longer movement. Where the taps do not tell enough, it says why, ends with exit
    code 1, and stores nothing. With --json nothing is asked and nothing said but the result.

    \b
    bedtick tap
    bedtick tap --bus emulated     taps that come by themselves
    """  # noqa: D301  click reads the character, not a backslash
    with night_errors():
        from bedtick.logger.settings import read_settings, sensor_at, with_chip  # noqa: PLC0415  the night's side
        from bedtick.logger.signals import stop_on_signals  # noqa: PLC0415  the same

        with stop_on_signals() as stop:  # first of all: what follows takes a moment to load
            from bedtick.logger.tap.session import Telling, calibrate_bed  # noqa: PLC0415  the same

            settings = with_chip(read_settings(config), chip)
            wanted = sensor_at(settings, place)
            telling = Telling(stop=stop) if as_json else Telling(_ask, _Scale(current_look()).show, stop)
            rig = lambda: _open_rig(bus, wanted)  # noqa: E731
            # A fault that ends the calibration is told in its one line.
            with quiet_log("bedtick.logger.sampling.sampler", logging.ERROR):
                sensor, calibration = calibrate_bed(rig, db, telling)
    if as_json:
        print_json(_as_json(sensor, calibration))
    else:
        click.echo(_result(sensor, calibration, settings.detector.ring_down_s))


def _open_rig(bus: str, sensor: SensorSettings) -> Rig:
    """Open what `--bus` names; on the emulated bed somebody taps."""
    if bus != "emulated":
        return open_rig(bus, sensor, seed=0, at_real_speed=False)
    from bedtick.logger.emulated import emulated_rig, tapped_world  # noqa: PLC0415  the night's side

    return emulated_rig(tapped_world(seed=0), sensor, at_real_speed=False)


def _ask(rate_hz: int) -> None:
    from bedtick.logger.tap.judge import TAPS_WANTED  # noqa: PLC0415  the night's side
    from bedtick.logger.tap.session import LASTS_S  # noqa: PLC0415  the same

    click.echo(f"The sensor samples at {rate_hz} Hz.\n")
    click.echo(ASKING.format(wanted=TAPS_WANTED, lasts=LASTS_S))


class _Scale:
    """Shows each tap as a line; bars are as long as taps are strong, beside the strongest so far."""

    CELLS = 24

    def __init__(self, look: Look) -> None:
        self._look = look
        self._strongest_mg = 0.0

    def show(self, measured: Measured, good: int) -> None:
        """Show one tap: its number where it is good, else what was wrong with it."""
        from bedtick.logger.tap.judge import TAPS_WANTED, WHAT_TO_DO  # noqa: PLC0415  the night's side

        peak_mg = measured.tap.peak_mg
        self._strongest_mg = max(self._strongest_mg, peak_mg)
        if measured.problem is not None:
            told = self._look.warning(WHAT_TO_DO[measured.problem])
            click.echo(f"    -  {peak_mg:6.0f} mg  {told}")
        else:
            bar = self._look.bar(peak_mg / self._strongest_mg, self.CELLS)
            click.echo(f"  {good}/{TAPS_WANTED}  {peak_mg:6.0f} mg  {bar}")


def _result(sensor: SensorName, calibration: Calibration, by_hand_s: float) -> str:
    told = (
        f"\nThis bed rings at {calibration.resonance_hz:.1f} Hz, and dies away to a third (1/e) in "
        f"{calibration.ring_down_s:.2f} s;\n{calibration.taps} taps differ by "
        f"{100 * calibration.ring_down_spread:.0f} %. Stored for place {sensor.place} "
        f"({sensor.chip} on {sensor.bus}):\nthe next recording uses it."
    )
    if by_hand_s:
        told += f"\nNot yet: detector.ring_down_s = {by_hand_s:g} is set by hand and goes first; take it out."
    return told


def _as_json(sensor: SensorName, calibration: Calibration) -> dict[str, object]:
    return {
        "place": sensor.place,
        "chip": sensor.chip,
        "bus": sensor.bus,
        "address": sensor.address,
        "taps": calibration.taps,
        "ring_down_s": round(calibration.ring_down_s, 4),
        "resonance_hz": round(calibration.resonance_hz, 2),
        "ring_down_spread": round(calibration.ring_down_spread, 4),
    }
