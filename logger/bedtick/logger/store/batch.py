"""What a recording gives the store at once: plain rows, in the order in which they belong on disk."""

from __future__ import annotations

from dataclasses import dataclass, field

from bedtick.logger.detector.bouts import Bout
from bedtick.logger.detector.events import Event, Minute


@dataclass(frozen=True)
class WallTime:
    """What the wall clock said: UTC in ns, None where there is no clock, and whether it was synchronised."""

    utc_ns: int | None
    synced: bool


@dataclass(frozen=True)
class Chunk:
    """An unbroken run of packed samples, with the anchor of its first one."""

    first_sample: int
    sample_count: int
    boot_ns: int
    rate_hz: float
    wall: WallTime
    data: bytes


@dataclass(frozen=True)
class Anchor:
    """A sample index, its boot time and what the wall clock said then; `cause` as in the schema."""

    sample: int
    boot_ns: int
    wall: WallTime
    cause: str


@dataclass(frozen=True)
class Fault:
    """Something that went wrong, and what it cost."""

    kind: str
    sample: int
    boot_ns: int
    lost_samples: int
    detail: str


@dataclass(frozen=True)
class Marker:
    """Something that a person marked: `kind` and `source` as in the schema."""

    kind: str
    sample: int
    boot_ns: int
    source: str


@dataclass(frozen=True)
class Final:
    """What is final about event `number`: its tilt in degrees, None where unknown, and its kind."""

    number: int
    tilt_deg: float | None
    kind: str


@dataclass
class Batch:
    """Rows of one recording that are written in one transaction."""

    chunks: list[Chunk] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    bouts: list[Bout] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)
    end_sample: int | None = None  # set when the recording ends

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        recorded = (self.chunks, self.anchors, self.faults, self.markers)
        scored = (self.events, self.finals, self.bouts, self.minutes)
        return any((*recorded, *scored)) or self.end_sample is not None
