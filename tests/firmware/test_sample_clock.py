"""The sample clock against simulated oscillators and against a real recording's arrival times."""

import math

import numpy as np
import pytest

from bedtick.firmware.sample_clock import Reading, SampleClock

BEGAN_NS = 7_000_000_000
READ_NS = 200_000


def observe_span(clock, rate_hz, start_s, end_s, *, seed=1, offset_s=0.0):
    """Feed a perfect oscillator read at slightly irregular times; return the last time."""
    rng = np.random.default_rng(seed)
    time_s = start_s
    while time_s < end_s:
        time_s += 0.03 + rng.exponential(0.005)
        clock.observe(math.floor(time_s * rate_hz), BEGAN_NS + round((time_s + offset_s) * 1e9), READ_NS)
    return time_s


def error_s(clock, rate_hz, time_s):
    """Return by how much the clock misplaces the sample that was complete at a time."""
    index = math.floor(time_s * rate_hz) - 1
    return (clock.time_ns(index) - BEGAN_NS) / 1e9 - (index + 1) / rate_hz


@pytest.mark.parametrize(
    ("nominal_hz", "rate_hz"), [(400, 420), (400, 380), (64.04, 64.04), (100, 99.3171), (100, 64.04)]
)
def test_the_rate_is_found_within_a_minute(nominal_hz, rate_hz):
    """From a rate error of 5 % and more the clock comes within 20 ppm and a third of a sample in a minute."""
    clock = SampleClock(nominal_hz)
    time_s = observe_span(clock, rate_hz, 0.0, 60.0)
    assert clock.rate_hz == pytest.approx(rate_hz, rel=20e-6)
    assert abs(error_s(clock, rate_hz, time_s)) < 0.33 / rate_hz
    assert clock.rejected == 0


def test_the_rate_gets_better_with_time():
    """After ten minutes the rate is known to 2 ppm, and the bias of whole counts is taken out."""
    clock = SampleClock(400)
    time_s = observe_span(clock, 412.3, 0.0, 600.0)
    assert clock.rate_hz == pytest.approx(412.3, rel=2e-6)
    assert abs(error_s(clock, 412.3, time_s)) < 0.1 / 412.3


def test_the_first_observation_gives_usable_times():
    """One pair and the nominal rate already place samples."""
    clock = SampleClock(400)
    clock.observe(16, BEGAN_NS, READ_NS)
    assert clock.rate_hz == pytest.approx(400)
    assert clock.index_at(BEGAN_NS) == pytest.approx(15.5)
    assert clock.time_ns(15) == pytest.approx(BEGAN_NS - 1_250_000, abs=2)


def test_before_any_observation_nothing_is_known():
    """Without evidence times are refused, the rate is nominal and the residual unknown."""
    clock = SampleClock(200)
    assert clock.rate_hz == 200
    assert math.isnan(clock.residual_ns)
    with pytest.raises(ValueError, match="no sample count"):
        clock.time_ns(0)
    with pytest.raises(ValueError, match="no sample count"):
        clock.index_at(0)


@pytest.mark.parametrize("nominal_hz", [0, -1, math.nan, math.inf])
def test_a_senseless_nominal_rate_is_refused(nominal_hz):
    """A rate must be a positive number."""
    with pytest.raises(ValueError, match="positive"):
        SampleClock(nominal_hz)


def test_index_at_undoes_time_ns():
    """Index and time are each other's inverse."""
    clock = SampleClock(400)
    observe_span(clock, 407.0, 0.0, 20.0)
    for index in (0, 123, 8000, 1_000_000):
        assert clock.index_at(clock.time_ns(index)) == pytest.approx(index, abs=1e-5)


def test_slow_reads_are_no_evidence():
    """Reads that took much longer than usual change nothing, however wrong they are."""
    clock = SampleClock(400)
    observe_span(clock, 400.0, 0.0, 20.0)
    before = (clock.rate_hz, clock.time_ns(8000), clock.rejected)
    clock.observe(8010, BEGAN_NS + 20_050_000_000, 20 * READ_NS)
    assert (clock.rate_hz, clock.time_ns(8000), clock.rejected) == (before[0], before[1], before[2] + 1)


@pytest.mark.parametrize("second_read_ms", [0.2, 4])
@pytest.mark.parametrize("first_read_ms", [5, 20, 50, 300])
def test_a_first_read_that_takes_long(first_read_ms, second_read_ms):
    """Slow first reads give usable times at once, and leave no trace as soon as quick ones follow."""
    clock = SampleClock(400)
    middle_s = 0.03 - first_read_ms / 2e3
    clock.observe(12, BEGAN_NS + round(middle_s * 1e9), first_read_ms * 1_000_000)
    assert abs(error_s(clock, 400.0, 0.03)) <= first_read_ms / 2e3 + 0.01
    late_s = 0.06 + second_read_ms / 2e3
    clock.observe(24, BEGAN_NS + round(late_s * 1e9), round(second_read_ms * 1e6))
    observe_span(clock, 400.0, 0.06, 1.0)
    assert abs(error_s(clock, 400.0, 1.0)) < 0.5 / 400
    assert clock.rejected == 0


def test_a_bus_that_becomes_slow_for_good_is_accepted_again():
    """When every read takes much longer, the usual time follows and evidence is accepted again."""
    clock = SampleClock(400)
    observe_span(clock, 400.0, 0.0, 5.0)
    rejected = []
    for step in range(2000):
        time_s = 5.0 + 0.04 * step
        clock.observe(math.floor(time_s * 400), BEGAN_NS + round(time_s * 1e9), 100 * READ_NS)
        rejected.append(clock.rejected)
    assert 100 < rejected[-1] < 1500
    assert rejected[-1] == rejected[-500]


SLOW_SHARE, SLOW_S, JITTER_S = 0.01, 0.5, 0.03


def reads_of(rate_hz, seed, place):
    """Yield what reads of an oscillator tell (count, middle, duration) for six minutes, with the true phase.

    Each is up to 30 ms longer than it should be, and one in a hundred up to half a second. `place` says where
    in the excess the count is taken: 0 before it, 1 after it, None anywhere. What is left of the time after a
    read until the next one is due is slept, so that reads come about every 32 ms where that is possible.
    """
    rng, time_s, due_s = np.random.default_rng(seed), 0.0, 0.0
    while time_s < 360.0:
        due_s = max(due_s + 0.032, time_s)
        time_s = due_s + rng.uniform(0.0, 1.0) / rate_hz
        excess_s = rng.uniform(0.0, SLOW_S if rng.random() < SLOW_SHARE else JITTER_S)
        before_s = excess_s * (rng.random() if place is None else place)
        phase = (time_s + READ_NS / 2e9 + before_s) * rate_hz
        end_s = time_s + READ_NS / 1e9 + excess_s
        yield math.floor(phase), (time_s + end_s) / 2, end_s - time_s, phase
        time_s = end_s


@pytest.mark.parametrize("nominal_hz", [200, 400, 800])
@pytest.mark.parametrize("place", [0.0, 1.0, None], ids=["count first", "count last", "count anywhere"])
def test_times_are_right_though_reads_jitter(nominal_hz, place):
    """With 2 % rate error, 30 ms jitter and 1 % slow reads, 99 of 100 times are right within a sample."""
    for seed in range(3):
        clock, errors = SampleClock(nominal_hz), []
        for count, middle_s, read_s, phase in reads_of(nominal_hz * 1.02, seed, place):
            clock.observe(count, BEGAN_NS + round(middle_s * 1e9), round(read_s * 1e9))
            if middle_s > 120.0:
                errors.append(error_s(clock, nominal_hz * 1.02, phase / (nominal_hz * 1.02)))
        assert np.percentile(np.abs(errors), 99) < 1.0 / nominal_hz


@pytest.mark.parametrize("per_hour", [0.03, -0.03])
def test_a_drifting_rate_is_followed(per_hour):
    """While the rate drifts by 3 % in an hour, times stay right within a tenth of a sample."""
    clock, rng, time_s, errors = SampleClock(400), np.random.default_rng(6), 0.0, []
    while time_s < 3600.0:
        time_s += 0.03 + rng.exponential(0.005)
        phase = 400.0 * (time_s + per_hour / 3600.0 * time_s**2 / 2)
        if time_s > 120.0:
            errors.append(clock.index_at(BEGAN_NS + round(time_s * 1e9)) + 1 - phase)
        clock.observe(math.floor(phase), BEGAN_NS + round(time_s * 1e9), READ_NS)
    assert np.abs(errors).max() < 0.1
    assert clock.rate_hz == pytest.approx(400.0 * (1 + per_hour), rel=5e-6)


def test_drift_is_not_followed_for_ever():
    """A day after the last evidence of a drift, the rate has not run away."""
    clock = SampleClock(400)
    for step in range(20_000):
        time_s = 0.0318 * step
        clock.observe(
            math.floor(400.0 * (time_s + 4e-6 * time_s**2)), BEGAN_NS + round(time_s * 1e9), READ_NS
        )
    day_s = 86_400.0
    passed = clock.index_at(BEGAN_NS + round((time_s + day_s) * 1e9)) - clock.index_at(
        BEGAN_NS + round(time_s * 1e9)
    )
    assert passed / day_s == pytest.approx(clock.rate_hz, rel=2e-3)


def test_a_minutes_outage_is_bridged_though_the_rate_drifts():
    """After five minutes of drift at 3 % an hour, a minute without evidence is foretold to half a sample."""
    clock, drift = SampleClock(400), 0.03 / 3600.0
    for step in range(9375):
        time_s = 0.032 * step + step * 0.618 % 1.0 / 400.0
        phase = 400.0 * (time_s + drift * time_s**2 / 2)
        clock.observe(math.floor(phase), BEGAN_NS + round(time_s * 1e9), READ_NS)
    time_s += 60.0
    phase = 400.0 * (time_s + drift * time_s**2 / 2)
    assert clock.index_at(BEGAN_NS + round(time_s * 1e9)) + 1 == pytest.approx(phase, abs=0.5)


@pytest.mark.parametrize("outage_s", [0.1, 10.0, 60.0])
@pytest.mark.parametrize("lost", [0, 1, 1000])
def test_what_was_lost_is_known_to_the_sample(outage_s, lost):
    """After an outage eight counts tell how many samples they lack, within a quarter of one."""
    clock, rate_hz = SampleClock(400), 404.9
    time_s = observe_span(clock, rate_hz, 0.0, 120.0) + outage_s
    times_s = [time_s + 0.032 * k + (k * 0.618 % 1.0) / rate_hz for k in range(8)]
    readings = [Reading(math.floor(t * rate_hz) - lost, BEGAN_NS + round(t * 1e9), READ_NS) for t in times_s]
    assert clock.shortfall(readings) == pytest.approx(lost, abs=0.25)
    slow = Reading(readings[0].sample_count - 50, readings[0].boot_ns, 1000 * READ_NS)
    assert clock.shortfall([*readings, slow]) == pytest.approx(lost, abs=0.3)


def test_late_time_stamps_do_not_bend_the_clock():
    """One stamp in ten up to half a second late leaves rate and times as they are."""
    clock, rng, time_s = SampleClock(100), np.random.default_rng(5), 0.0
    while time_s < 300.0:
        time_s += 0.03 + rng.exponential(0.005)
        late_s = rng.uniform(0.02, 0.5) if rng.random() < 0.1 else 0.0
        clock.observe(math.floor(time_s * 99.3), BEGAN_NS + round((time_s + late_s) * 1e9), READ_NS)
    assert clock.rate_hz == pytest.approx(99.3, rel=20e-6)
    assert abs(error_s(clock, 99.3, time_s)) < 0.005
    assert clock.rejected > 100


def test_lost_samples_not_yet_counted_leave_the_prediction_standing():
    """A count that lacks samples is refused for some seconds, so the prediction tells how many are lost."""
    clock = SampleClock(400)
    observe_span(clock, 400.0, 0.0, 30.0)
    for step in range(100):
        time_s = 30.1 + 0.04 * step
        clock.observe(math.floor(time_s * 400) - 80, BEGAN_NS + round(time_s * 1e9), READ_NS)
    time_s = 34.5
    assert clock.index_at(BEGAN_NS + round(time_s * 1e9)) + 1 == pytest.approx(time_s * 400, abs=0.5)


def test_a_lasting_change_is_taken_over_with_the_rate_kept():
    """After ten seconds of refusals the clock starts again at the new offset."""
    clock = SampleClock(400)
    observe_span(clock, 409.0, 0.0, 60.0)
    time_s = observe_span(clock, 409.0, 60.0, 75.0, offset_s=0.5)
    assert abs(error_s(clock, 409.0, time_s) - 0.5) < 0.002
    assert clock.rate_hz == pytest.approx(409.0, rel=300e-6)


def test_a_settled_clock_does_not_follow_a_runaway_count():
    """Counts that drift away ever faster for two minutes do not pull the rate out of its band."""
    clock, rng = SampleClock(400), np.random.default_rng(2)
    observe_span(clock, 400.0, 0.0, 60.0)
    for step in range(3000):
        time_s = 60.0 + 0.04 * step + rng.uniform(0.0, 0.02)
        excess = (time_s - 60.0) ** 2
        clock.observe(math.floor(time_s * 400 + excess), BEGAN_NS + round(time_s * 1e9), READ_NS)
        assert abs(clock.rate_hz / 400 - 1) <= 0.15


def test_a_long_silence_does_not_make_the_clock_forget_its_rate():
    """After a day without evidence one more pair leaves the measured rate standing."""
    clock, day_s = SampleClock(400), 86_400.0
    observe_span(clock, 409.0, 0.0, 60.0)
    clock.observe(math.floor((day_s + 60.0) * 409.0), BEGAN_NS + round((day_s + 60.0) * 1e9), READ_NS)
    assert clock.rate_hz == pytest.approx(409.0, rel=20e-6)


def test_weeks_do_not_wear_the_clock_out():
    """After four weeks of sparse evidence times are still right to a fraction of a sample."""
    clock, rate_hz, week_s = SampleClock(400), 403.217, 604_800.0
    for week in range(4):
        time_s = observe_span(clock, rate_hz, week * week_s, week * week_s + 30.0, seed=week)
    time_s = observe_span(clock, rate_hz, 4 * week_s, 4 * week_s + 120.0)
    assert clock.rate_hz == pytest.approx(rate_hz, rel=10e-6)
    assert abs(error_s(clock, rate_hz, time_s)) < 0.33 / rate_hz


def test_the_residual_is_the_spread_of_whole_counts():
    """With perfect time stamps the residual is that of rounding: a sample over the root of twelve."""
    clock = SampleClock(400)
    observe_span(clock, 401.7, 0.0, 120.0)
    assert clock.residual_ns == pytest.approx(1e9 / 401.7 / math.sqrt(12), rel=0.15)


def test_real_arrival_times_give_the_real_rate(data_folder):
    """Arrival times that wander by a fifth of a second still give the rate of a real chip."""
    with np.load(data_folder / "mpu6050-still-99hz.npz", allow_pickle=False) as recording:
        arrived_ns = np.rint(recording["host_time_s"] * 1e9).astype(np.int64) + BEGAN_NS
        fs_hz = float(recording["fs_hz"])
    clock, errors_s = SampleClock(100), []
    for index, boot_ns in enumerate(arrived_ns.tolist()):
        clock.observe(index + 1, boot_ns, READ_NS)
        if index % 500 == 499:
            errors_s.append((clock.time_ns(index) - boot_ns) / 1e9)
    assert clock.rate_hz == pytest.approx(fs_hz, rel=1e-3)
    assert np.abs(errors_s).max() < 0.3
    assert np.median(np.abs(errors_s)) < 0.05
