"""Shares, Wilson's intervals, and the sizes from which half and nine in ten are found."""

from __future__ import annotations

import pytest

from bedtick.analysis.sensitivity import Size, found_from_mg


@pytest.mark.parametrize(
    ("found", "injected", "low", "high"),
    [(0, 40, 0.0, 0.0876), (20, 40, 0.3520, 0.6480), (40, 40, 0.9124, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_interval_is_wilsons(found, injected, low, high):
    """The interval agrees with published and hand-worked values, and stays within 0 and 1."""
    assert Size(5.0, injected, found).interval() == pytest.approx((low, high), abs=2e-4)


def test_shares_are_read_between_two_sizes():
    """Between two sizes the share grows evenly with the logarithm of the size."""
    sizes = [Size(2.0, 10, 0), Size(8.0, 10, 10)]
    assert found_from_mg(sizes, 0.5) == pytest.approx(4.0)
    assert found_from_mg(sizes, 1.0) == pytest.approx(8.0)


def test_share_outside_of_the_sizes_is_unknown():
    """Reached at the smallest size already, or not even at the largest, it is not known."""
    sizes = [Size(2.0, 10, 6), Size(4.0, 10, 7)]
    assert found_from_mg(sizes, 0.5) is None
    assert found_from_mg(sizes, 0.9) is None
    assert found_from_mg([], 0.5) is None


def test_wrong_order_by_chance_is_pooled():
    """A larger size that chance let fewer be found of counts together with the smaller one."""
    sizes = [Size(1.0, 10, 0), Size(2.0, 10, 8), Size(3.0, 10, 4), Size(4.0, 10, 10)]
    assert found_from_mg(sizes, 0.6) == pytest.approx(2.0)
    assert found_from_mg(sizes, 0.8) == pytest.approx(3.0 * (4 / 3) ** 0.5)
