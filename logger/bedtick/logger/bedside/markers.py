"""What a person marks in a night: which marker a press becomes, and which row that becomes.

Markers are `felt` ("I felt one", a short press), `lights_off` and `lights_on` (long presses, by turns). Every
running recording gets a row of its own for the same press, with the same boot time, so that each recording
reads alone and readers of several count a press once.
"""

from __future__ import annotations

from typing import Protocol

from bedtick.logger.bedside.button import Press
from bedtick.logger.store.batch import Batch, Marker

FELT, LIGHTS_OFF, LIGHTS_ON = "felt", "lights_off", "lights_on"
LONGEST_NIGHT_NS = 16 * 3600 * 1_000_000_000  # a long press later than this begins the next night


class SampleIndex(Protocol):
    """Something that knows which sample was taken when, such as a sample clock."""

    def index_at(self, boot_ns: int) -> float:
        """Return the sample index at a boot time."""


class Lights:
    """Whether the lights are off, as far as the button said; each run of the daemon begins with lights on."""

    def __init__(self) -> None:
        self._off_ns: int | None = None

    def kind_of(self, press: Press) -> str:
        """Return which marker a press is; a long one turns the lights."""
        if not press.is_long:
            return FELT
        if self._off_ns is not None and press.boot_ns - self._off_ns < LONGEST_NIGHT_NS:
            self._off_ns = None
            return LIGHTS_ON
        self._off_ns = press.boot_ns
        return LIGHTS_OFF


def marker_batch(kind: str, boot_ns: int, *, next_sample: int, times: SampleIndex) -> Batch:
    """Return the row of one marker in one recording.

    Parameters
    ----------
    kind
        Of the marker.
    boot_ns
        When the button was pressed.
    next_sample
        Index that the recording's next sample will have.
    times
        The recording's sample clock; not asked before the first sample.
    """
    sample = 0 if next_sample == 0 else max(round(times.index_at(boot_ns)), 0)
    return Batch(markers=[Marker(kind, sample, boot_ns, source="button")])
