"""The recorder turns samples into rows: each sample in one chunk, each event with its end, tilt, bout."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bedtick.logger.recorder import Recorder
from bedtick.logger.settings import Settings, StoreSettings
from bedtick.logger.store.batch import Batch, WallTime
from bedtick.logger.store.codec import unpack
from bedtick.logger.store.writer import Origin

RATE_HZ = 100.0
ORIGIN = Origin(
    place="bed",
    chip="adxl345",
    bus="emulated",
    address=0x53,
    source="emulated",
    source_digest=None,
    boot_id=None,
    time_zone=None,
    scale_g=1 / 256,
    full_scale_counts=1023,
    nominal_hz=RATE_HZ,
    start_boot_ns=0,
)


class Ticks:
    """Sample `i` is taken at 5 s and `i` hundredths."""

    rate_hz = RATE_HZ

    def time_ns(self, sample_index):
        """Return the boot time of a sample."""
        return 5 * 10**9 + sample_index * 10**7


@pytest.fixture
def recorder():
    """Return a recorder with chunks of 2 s, on a wall clock that is a thousand seconds ahead of boot time."""
    settings = Settings(store=StoreSettings(chunk_s=2.0))
    return Recorder(settings, ORIGIN, Ticks(), lambda boot_ns: WallTime(boot_ns + 10**12, synced=True))


def fed(recorder, counts, length=16):
    """Feed counts in short blocks; return the batches that hold something."""
    batches = [recorder.take(counts[k : k + length].astype(np.int32)) for k in range(0, len(counts), length)]
    return [batch for batch in batches if batch]


def joined(batches, name):
    """All rows of one kind."""
    return [row for batch in batches for row in getattr(batch, name)]


def test_every_sample_is_in_one_chunk(recorder, made):
    """Chunks follow each other without a hole, are as long as set, and hold what was fed."""
    counts = np.rint(made.chip_noise(31.1, RATE_HZ))
    batches = [*fed(recorder, counts), recorder.finish()]
    chunks = joined(batches, "chunks")
    assert [chunk.first_sample for chunk in chunks[1:]] == [
        c.first_sample + c.sample_count for c in chunks[:-1]
    ]
    assert {chunk.sample_count for chunk in chunks[:-1]} == {200}
    assert np.array_equal(np.vstack([unpack(c.data, c.sample_count) for c in chunks]), counts)
    assert batches[-1].end_sample == recorder.next_sample == len(counts)


def test_a_long_block_is_cut_into_chunks(recorder, made):
    """Chunks of one long block are as long as those of short ones; the rest waits for what follows."""
    counts = np.rint(made.chip_noise(31.1, RATE_HZ))
    taken = fed(recorder, counts, length=len(counts))
    assert [chunk.first_sample for chunk in joined(taken, "chunks")] == list(range(0, 3000, 200))
    (rest,) = recorder.finish().chunks
    assert (rest.first_sample, rest.sample_count) == (3000, 110)
    assert np.array_equal(unpack(rest.data, 110), counts[3000:])


def test_a_chunk_is_the_anchor_of_its_first_sample(recorder, made):
    """A chunk says when its first sample was taken, by which rate, and what the wall clock said then."""
    chunks = joined(fed(recorder, np.rint(made.chip_noise(10, RATE_HZ))), "chunks")
    second = chunks[1]
    assert second.boot_ns == 5 * 10**9 + 200 * 10**7
    assert second.wall == WallTime(second.boot_ns + 10**12, synced=True)
    assert second.rate_hz == RATE_HZ


def test_a_loss_ends_the_chunk_and_moves_the_index(recorder):
    """A loss closes the chunk and is a fault at its first lost sample; the next chunk starts after it."""
    flat = np.tile([0, 0, 256], (50, 1)).astype(np.int32)
    recorder.take(flat)
    batch = recorder.lose(30, "overrun", "late")
    (chunk,), (fault,) = batch.chunks, batch.faults
    assert (chunk.first_sample, chunk.sample_count) == (0, 50)
    assert (fault.kind, fault.sample, fault.lost_samples, fault.detail) == ("overrun", 50, 30, "late")
    assert fault.boot_ns == 5 * 10**9 + 50 * 10**7
    recorder.take(flat)
    (chunk,) = recorder.finish().chunks
    assert (chunk.first_sample, chunk.sample_count) == (80, 50)


def test_a_fault_without_a_loss_only_is_noted(recorder):
    """A fault that cost nothing leaves the index where it is."""
    recorder.take(np.zeros((5, 3), np.int32))
    batch = recorder.lose(0, "bus", "no answer")
    assert batch.faults[0].lost_samples == 0
    assert recorder.next_sample == 5


def test_an_anchor_ties_the_newest_sample(recorder):
    """An anchor has the next sample's index, its boot time and the wall clock's."""
    recorder.take(np.zeros((5, 3), np.int32))
    (anchor,) = recorder.anchor("step").anchors
    assert (anchor.sample, anchor.boot_ns, anchor.cause) == (5, 5_050_000_000, "step")
    assert anchor.wall == WallTime(1_005_050_000_000, synced=True)


def test_an_event_comes_within_a_second_of_its_end(recorder, made):
    """An event is handed over before a second has passed since its end; its tilt follows within 10 s."""
    counts = made.chip_noise(30, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 12.0, 100.0)
    ended = handed_over = completed = None
    for k in range(len(counts)):
        batch = recorder.take(np.rint(counts[k : k + 1]).astype(np.int32))
        if batch.events:
            ended, handed_over = batch.events[0].end_sample, k + 1
        if batch.finals:
            completed = k + 1
            assert (batch.finals[0].number, batch.finals[0].kind) == (1, "twitch")
            assert batch.finals[0].tilt_deg == pytest.approx(0, abs=0.3)
    assert handed_over - ended < RATE_HZ
    assert completed - ended < 10 * RATE_HZ


def test_five_jerks_become_a_bout(recorder, made):
    """The bout is told with the fifth event, then grows; a turn between does not count."""
    counts = made.chip_noise(100, RATE_HZ)
    for k in range(7):
        made.add_jerk(counts, RATE_HZ, 15.0 + 8 * k, 120.0)
    made.add_sway(counts, RATE_HZ, 74.0, 2.0, 100.0)
    made.add_tilt(counts, RATE_HZ, 74.5, 3.0)
    batches = [*fed(recorder, np.rint(counts)), recorder.finish()]
    bouts = joined(batches, "bouts")
    assert [(bout.number, bout.event_count, bout.joined) for bout in bouts] == [
        (1, 5, (1, 2, 3, 4, 5)),
        (1, 6, (6,)),
        (1, 7, (7,)),
    ]
    assert bouts[-1].median_interval_s == pytest.approx(8, abs=0.05)
    assert [final.kind for final in joined(batches, "finals")] == ["twitch"] * 7 + ["turn"]


def test_every_event_is_completed_by_the_end(recorder, made):
    """What is open at the end is closed; each event has its final row, with no tilt where none is known."""
    counts = made.chip_noise(20.2, RATE_HZ)
    for onset_s in (10.0, 17.0, 20.0):
        made.add_jerk(counts, RATE_HZ, onset_s, 150.0)
    batches = [*fed(recorder, np.rint(counts)), recorder.finish()]
    assert [event.number for event in joined(batches, "events")] == [1, 2, 3]
    finals = joined(batches, "finals")
    assert [final.number for final in finals] == [1, 2, 3]
    assert [final.tilt_deg is None for final in finals] == [False, True, True]


def test_the_minute_under_way_comes_with_each_chunk(recorder, made):
    """Each chunk brings the minute so far, so that a pulled plug costs no more of it than of raw samples."""
    batches = fed(recorder, np.rint(made.chip_noise(70, RATE_HZ)))
    done_s = 0.0
    for batch in batches:
        for minute in batch.minutes:
            done_s = 60 * minute.minute + sum(minute.seconds.values())
        for chunk in batch.chunks:
            assert 0 <= (chunk.first_sample + chunk.sample_count) / RATE_HZ - done_s < 1


def test_a_recording_of_nothing_ends(recorder):
    """A recording that never had a sample ends at sample 0, with no rows."""
    batch = recorder.finish()
    assert batch == Batch(end_sample=0)
    assert batch


def test_an_empty_batch_is_falsy():
    """A batch is truthy as soon as one kind of row is in it, or the end."""
    assert not Batch()
    names = [field.name for field in dataclasses.fields(Batch) if field.name != "end_sample"]
    assert all(Batch(**{name: ["a row"]}) for name in names)
    assert Batch(end_sample=0)
