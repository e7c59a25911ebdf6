"""From samples to steps: a triangle over two steps, four biquads on each axis, one row of the ring."""

from __future__ import annotations

from bedtick.logger.detector import layout as lay
from bedtick.logger.detector.kernel.jit import inlined, jit

MASK = lay.RING_STEPS - 1  # the ring's length is a power of two
MOTION, SQUARE, RING_STEPS = lay.MOTION, lay.SQUARE, lay.RING_STEPS


@jit
def reaches(block, full_scale):
    """Whether any value of the block is at full scale: nearly never, and quick to know for all at once."""
    values = block.reshape(block.size)
    lowest = highest = values[0]
    for k in range(values.size):
        lowest, highest = min(lowest, values[k]), max(highest, values[k])
    return highest >= full_scale or lowest <= -full_scale


@inlined
def gather(s, block, first, count):
    """Add `count` samples of `block` to the step that is under way.

    Sums of sums weigh the samples by a falling ramp; with the rising ramp of the step before, a triangle
    over two steps comes out (Hogenauer 1981, a cascade of two integrators and combs): it keeps what lies
    above half the rate of steps out of the band.
    """
    px = py = pz = rx = ry = rz = 0
    for r in range(first, first + count):
        px += block[r, 0]
        py += block[r, 1]
        pz += block[r, 2]
        rx += px
        ry += py
        rz += pz
    s.rising[0] += rx + count * s.plain[0]
    s.rising[1] += ry + count * s.plain[1]
    s.rising[2] += rz + count * s.plain[2]
    s.plain[0] += px
    s.plain[1] += py
    s.plain[2] += pz


@jit
def count_clipped(s, p, block, first, count):
    """Count the samples at full scale."""
    for r in range(first, first + count):
        x, y, z = abs(block[r, 0]), abs(block[r, 1]), abs(block[r, 2])
        s.second_clipped += max(x, y, z) >= p.full_scale


@inlined
def section(s, p, axis, k, value):
    """Pass one value through one biquad (direct form II transposed)."""
    out = p.sections[k, 0] * value + s.delays[k, axis, 0]
    s.delays[k, axis, 0] = p.sections[k, 1] * value - p.sections[k, 3] * out + s.delays[k, axis, 1]
    s.delays[k, axis, 1] = p.sections[k, 2] * value - p.sections[k, 4] * out
    return out


@inlined
def filter_axis(s, p, row, axis):
    """Pass one axis of the step through the chain; motion goes into the ring, the band is returned."""
    n = p.samples_per_step
    triangle = s.rising[axis] + n * s.plain_before[axis] - s.rising_before[axis] - n * n * s.offset[axis]
    s.quarter_sum[axis] += s.plain[axis]
    s.plain_before[axis], s.rising_before[axis] = s.plain[axis], s.rising[axis]
    motion = section(s, p, axis, 1, section(s, p, axis, 0, triangle * p.triangle_share))
    row[MOTION + axis] = motion
    return section(s, p, axis, 3, section(s, p, axis, 2, motion))


@inlined
def filter_step(s, p):
    """Turn a whole step into its row of the ring."""
    row, before = s.ring[s.step & MASK], s.ring[(s.step - 1) & MASK]
    x, y, z = filter_axis(s, p, row, 0), filter_axis(s, p, row, 1), filter_axis(s, p, row, 2)
    row[0] = before[0] + x * x
    row[1] = before[1] + y * y
    row[2] = before[2] + z * z
    row[3] = before[3] + x * y
    row[4] = before[4] + x * z
    row[5] = before[5] + y * z
    row[SQUARE] = row[MOTION] ** 2 + row[MOTION + 1] ** 2 + row[MOTION + 2] ** 2
    s.second_sum_squares += row[SQUARE]


@jit
def rebase_sums(s):
    """Let the running sums start anew from the oldest step, so that they stay small and exact."""
    for column in range(6):
        oldest = s.ring[s.step & MASK, column]
        for k in range(RING_STEPS):
            s.ring[k, column] -= oldest
