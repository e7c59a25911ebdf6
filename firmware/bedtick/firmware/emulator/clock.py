"""A clock that moves only when it is told to: by waiting, and by the bus time of emulated transfers."""


class EmulatedClock:
    """Boot time that jumps over every wait, so that a night takes no longer than its work.

    Parameters
    ----------
    start_boot_ns
        What the clock reads at first.
    """

    is_real = False

    def __init__(self, start_boot_ns: int = 0) -> None:
        self._boot_ns = start_boot_ns

    def boot_ns(self) -> int:
        """Return nanoseconds since the emulated boot."""
        return self._boot_ns

    def sleep_until(self, boot_ns: int) -> None:
        """Jump to `boot_ns`; a time already past changes nothing."""
        self._boot_ns = max(self._boot_ns, boot_ns)

    def advance(self, duration_ns: int) -> None:
        """Let `duration_ns` pass; raise ValueError for a negative duration."""
        if duration_ns < 0:
            raise ValueError(f"{duration_ns} ns: a clock does not run backwards")
        self._boot_ns += duration_ns
