"""The marker button: from the changes of a bouncing contact to short and long presses.

A contact bounces for 5 to 20 ms when it closes and when it opens. Changes less than `BOUNCE_NS` apart are one
train; the contact counts as changed once it has been still for that long, and as changed since the train
began. So a press has the time at which the finger arrived, and a spark on the wire is no press.

A short press is told when the button is let go, a long one as soon as it was held for `LONG_NS`, so that
whoever presses can be told to let go. A button that is down from the start, as a wrongly wired one is, shows
no change until it is let go, and so is no press.
"""

from __future__ import annotations

from dataclasses import dataclass

BOUNCE_NS = 25_000_000
LONG_NS = 1_500_000_000
NEVER_NS = 2**63 - 1


@dataclass(frozen=True)
class Press:
    """One press of the button, `boot_ns` being when it began."""

    boot_ns: int
    is_long: bool


class Button:
    """What the contact did last, and what it is taken for; at first it is taken for open."""

    def __init__(self) -> None:
        self._contact = self._taken = False
        self._changed_ns = 0  # the contact's last change
        self._train_ns = 0  # the first change of the train that belongs to
        self._pressed_ns = 0
        self._is_over = False  # this press was told already

    @property
    def due_ns(self) -> int:
        """When `look` will have something to say even though nothing changes; `NEVER_NS` for never."""
        if self._contact != self._taken:
            return self._changed_ns + BOUNCE_NS
        return self._pressed_ns + LONG_NS if self._taken and not self._is_over else NEVER_NS

    def change(self, boot_ns: int, *, is_down: bool) -> list[Press]:
        """Take a change of the contact at a boot time; return the presses known by then."""
        presses = self.look(boot_ns)
        if is_down != self._contact:
            if boot_ns - self._changed_ns >= BOUNCE_NS:
                self._train_ns = boot_ns
            self._contact, self._changed_ns = is_down, boot_ns
        return presses

    def look(self, boot_ns: int) -> list[Press]:
        """Return the presses known by a boot time up to which nothing more changed."""
        ended = self._settle() if boot_ns - self._changed_ns >= BOUNCE_NS else []
        if self._taken and not self._is_over and boot_ns - self._pressed_ns >= LONG_NS:
            self._is_over = True
            return [*ended, Press(self._pressed_ns, is_long=True)]
        return ended

    def _settle(self) -> list[Press]:
        """Take the contact for what it is, now that it is still."""
        if self._contact == self._taken:
            return []
        self._taken = self._contact
        if self._taken:
            self._pressed_ns, self._is_over = self._train_ns, False
            return []
        was_over, self._is_over = self._is_over, True
        return [] if was_over else [Press(self._pressed_ns, is_long=False)]
