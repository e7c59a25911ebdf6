"""How long is waited between tries, what counts as a sign of life, and how often it is spoken of."""

from __future__ import annotations

import errno
import logging
from types import SimpleNamespace

import numpy as np
import pytest

from bedtick.firmware.chips import Block
from bedtick.firmware.emulator import EmulatedClock
from bedtick.firmware.errors import BusError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.sampling.missing import Missing
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.store.batch import Batch

RATE_HZ = 400
SECOND_NS = 10**9


class Counting:
    """Takes samples for a recorder; `losses` are (kind, lost)."""

    def __init__(self):
        self.next_sample = 0
        self.losses = []

    def take(self, counts):
        """Count samples."""
        self.next_sample += len(counts)
        return Batch()

    def lose(self, lost, kind, _detail):
        """Count samples that never came."""
        self.losses.append((kind, lost))
        self.next_sample += lost
        return Batch()


class Chip:
    """A chip that gives one good block and then what `then` returns for the time."""

    fifo_depth = 32

    def __init__(self, clock, then):
        self.clock, self.then = clock, then
        self.set_ups = 0
        self.is_first = True

    def drain(self):
        """Give the next block."""
        if not self.is_first:
            return self.then(self.clock.boot_ns())
        self.is_first = False
        counts = np.ones((12, 3), np.int32)
        return Block(counts, overrun=False, produced=12, boot_ns=self.clock.boot_ns(), read_ns=200_000)

    def start(self):
        """Begin again."""

    def set_up(self):
        """Count how often it was set up."""
        self.set_ups += 1


def empty_overrun(boot_ns):
    """Return what a driver gives that threw away what waited."""
    return Block(np.empty((0, 3), np.int32), overrun=True, produced=0, boot_ns=boot_ns, read_ns=200_000)


def stuck(_boot_ns):
    """Fail as a stuck bus does."""
    raise BusError("stuck", errno=errno.ETIMEDOUT)


def no_answer(_boot_ns):
    """Fail as an unplugged sensor does."""
    raise BusError("no answer", errno=errno.EREMOTEIO)


def sampler_of(chip, clock, recorder, *, others_wait=False):
    """Return a sampler of that chip, which stores nothing."""
    return Sampler(
        chip, clock, set_up=chip.set_up, recorder=recorder, times=SampleClock(RATE_HZ),
        put=lambda _batch: None, others_wait=lambda: others_wait,
    )  # fmt: skip


def test_an_overrun_without_samples_is_no_life():
    """A chip whose blocks are always thrown away is set up anew every 5 s, and its silence is counted."""
    clock, recorder = EmulatedClock(SECOND_NS), Counting()
    chip = Chip(clock, empty_overrun)
    sampler = sampler_of(chip, clock, recorder)
    while clock.boot_ns() < 102 * SECOND_NS:
        clock.sleep_until(sampler.next_poll_ns)
        sampler.poll()
    assert [kind for kind, _ in recorder.losses] == ["overrun", "silent", "silent", "silent", "silent"]
    assert recorder.next_sample == pytest.approx(100 * RATE_HZ, abs=2 * RATE_HZ)
    assert chip.set_ups == pytest.approx(20, abs=1)
    assert sampler.trouble


@pytest.mark.parametrize(
    ("then", "others_wait", "pauses_s"),
    [(stuck, True, [1, 2, 5, 5]), (stuck, False, [1, 1, 1, 1]), (no_answer, True, [1, 1, 1, 1])],
)
def test_pauses_after_faults_in_a_row(then, others_wait, pauses_s):
    """Only a stuck bus is tried ever less often, and only where it keeps others waiting."""
    clock = EmulatedClock(SECOND_NS)
    chip = Chip(clock, then)
    chip.start = chip.set_up = lambda: then(0)
    sampler = sampler_of(chip, clock, Counting(), others_wait=others_wait)
    waited_s = []
    for _ in range(10):
        clock.sleep_until(sampler.next_poll_ns)
        sampler.poll()
        waited_s.append((sampler.next_poll_ns - clock.boot_ns()) / SECOND_NS)
    assert waited_s[-4:] == pytest.approx(pauses_s, abs=0.01)


def test_reminders_get_rarer(caplog):
    """A sensor that is missing for two hours is spoken of at once, and after 1, 4, 16 and 64 minutes."""
    caplog.set_level(logging.WARNING)
    clock = EmulatedClock()
    seat = SimpleNamespace(sensor=SimpleNamespace(place="left"))
    missing = Missing(seat, clock, BusError("no answer"))
    while clock.boot_ns() < 7200 * SECOND_NS:
        clock.sleep_until(missing.next_poll_ns)
        missing.note_failure(BusError("no answer"))
    said = [entry.getMessage() for entry in caplog.records]
    assert said[0] == "place left: no answer; trying again until it answers"
    assert [line.split(" after ")[1].split()[0] for line in said[1:]] == ["1", "4", "16", "64"]
