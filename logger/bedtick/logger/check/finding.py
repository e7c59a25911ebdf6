"""What a check says of one thing: good, doubtful or bad, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, WARNING, FAILURE = "ok", "warning", "failure"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what
        Its name, one or two words.
    state
        `ok`; `warning`: a night goes on, but is worse than it could be; `failure`: it would cost a night.
    sentence, advice
        What was found, and what to do; the advice may be empty.
    place
        Of the sensor that it is about; None where it is about the device.
    """

    what: str
    state: str
    sentence: str
    advice: str = ""
    place: str | None = None
