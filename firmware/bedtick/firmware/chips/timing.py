"""How long a read takes on the bus at hand: the median of a few, since a host may be interrupted in one."""

from collections.abc import Callable
from statistics import median

from bedtick.firmware.clock import Clock

READS = 5


def median_read_s(read: Callable[[], object], clock: Clock) -> float:
    """Return the seconds that `read` takes."""
    spans_ns = []
    for _ in range(READS):
        before_ns = clock.boot_ns()
        read()
        spans_ns.append(clock.boot_ns() - before_ns)
    return median(spans_ns) / 1e9
