"""The contract of a driver, kept by every chip that bedtick knows.

Each runs on its emulated chip, on both kinds of controller. With the environment variable BEDTICK_REAL_BUS
naming a bus (1 for /dev/i2c-1), what makes sense there runs on the real chips of that bus too: sensors at
rest, no other program using them.
"""

import os

import numpy as np
import pytest

from bedtick.firmware.bus import open_bus
from bedtick.firmware.chips import ADDRESSES, CHIPS
from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, Still, build_emulator
from bedtick.firmware.errors import BusError, ChipError, SettingsError

NAMES = sorted(CHIPS)
RATES = [(name, rate_hz) for name in NAMES for rate_hz in CHIPS[name].rates_hz]
STRANGER = 0x42  # what no known chip answers to the question who it is
TURN = 400  # sets of the ramp after which x begins anew and y takes a step


class Bench:
    """A driver and its clock; the rig is None where the chip is real."""

    def __init__(self, driver, clock, rig=None):
        self.driver, self.clock, self.rig = driver, clock, rig

    def begin(self, rate_hz=None, range_g=None):
        """Configure, with what is usual unless told, and start."""
        self.driver.configure(rate_hz or self.driver.usual_rates_hz[-1], range_g or self.driver.usual_range_g)
        self.driver.start()

    def wait(self, seconds):
        """Let time pass."""
        self.clock.sleep_until(self.clock.boot_ns() + round(seconds * 1e9))

    def drain_twice(self):
        """Drain now and a little later."""
        self.driver.drain()
        self.wait(0.02)
        self.driver.drain()

    def collect(self, sets, pause_s=0.02):
        """Drain until so many sets have come; return them as one array."""
        counts = []
        for _ in range(10_000):
            self.wait(pause_s)
            counts.append(self.driver.drain().counts)
            if sum(map(len, counts)) >= sets:
                return np.concatenate(counts)
        pytest.fail(f"{sum(map(len, counts))} sets came instead of {sets}")


def ramp_g(driver, range_g, sets):
    """Return rows that tell their own number: x turns from -200 to 199, y falls with each turn, z is 1 g."""
    scale_g = driver.scale_g[range_g]
    k = np.arange(sets)
    return np.stack((k % TURN - TURN // 2, -(k // TURN), np.full(sets, round(1 / scale_g))), axis=1) * scale_g


def ramp_numbers(counts, scale_g):
    """Return the rows' numbers, having seen that each is a row of the ramp at all."""
    assert (counts[:, 2] == round(1 / scale_g)).all()
    assert (np.abs(counts[:, 0] + 0.5) < TURN // 2).all()
    return counts[:, 0] + TURN // 2 - counts[:, 1] * TURN


def emulated_bench(name, source, *, multi_read):
    """Return a bench with an emulated chip."""
    clock = EmulatedClock(5_000_000_000)
    rig = build_emulator(source, clock, chip=name, multi_read=multi_read)
    return Bench(CHIPS[name](rig.bus, rig.address, clock), clock, rig)


def real_bench(name, at_end):
    """Return a bench with a real chip, or skip; what is to be done afterwards is handed to `at_end`."""
    number = os.environ.get("BEDTICK_REAL_BUS")
    if not number:
        pytest.skip("BEDTICK_REAL_BUS does not name a bus with real chips")
    bus, clock = open_bus(int(number)), SystemClock()
    at_end(bus.close)
    for address in ADDRESSES[name]:
        driver = CHIPS[name](bus, address, clock)
        try:
            driver.identify()
        except (BusError, ChipError):
            continue
        at_end(driver.stop)
        return Bench(driver, clock)
    return pytest.skip(f"no {name} answers on {bus.name}")


@pytest.fixture
def emulated(multi_read):
    """Return a function that builds a bench with an emulated chip, at rest unless told."""
    return lambda name, source=None: emulated_bench(name, source or Still(), multi_read=multi_read)


@pytest.fixture(params=["multi_read", "single_read", "hardware"])
def at_rest(request):
    """Return a function that builds a bench with a chip at rest, emulated or real."""
    if request.param == "hardware":
        return lambda name: real_bench(name, request.addfinalizer)
    return lambda name: emulated_bench(name, Still(), multi_read=request.param == "multi_read")


@pytest.fixture
def ramp(emulated, recording_of):
    """Return a function that builds a started bench whose chip feels the ramp, a row a tick."""

    def make(name, rate_hz, sets):
        acc_g = ramp_g(CHIPS[name], CHIPS[name].usual_range_g, sets)
        bench = emulated(name, RecordingSource(recording_of(acc_g, fs_hz=float(rate_hz))))
        bench.begin(rate_hz)
        return bench

    return make


each_chip = pytest.mark.parametrize("name", NAMES)
each_rate = pytest.mark.parametrize(("name", "rate_hz"), RATES)


@each_chip
def test_what_a_driver_says_of_itself_is_of_a_piece(name):
    """Addresses, rates, ranges, scales and the interrupt pin of a driver fit one another."""
    driver = CHIPS[name]
    assert driver.name == name
    assert ADDRESSES[name] == driver.addresses
    assert all(0x08 <= address <= 0x77 for address in driver.addresses)
    assert list(driver.rates_hz) == sorted(set(driver.rates_hz))
    assert list(driver.ranges_g) == sorted(set(driver.ranges_g))
    assert driver.usual_rates_hz == tuple(sorted(driver.usual_rates_hz, reverse=True))
    assert set(driver.usual_rates_hz) <= set(driver.rates_hz)
    assert driver.usual_range_g in driver.ranges_g
    assert driver.fifo_depth > 1
    assert driver.interrupt_pin is None or driver.interrupt_pin.strip()


@each_chip
def test_every_range_has_a_scale_that_fits_it(name):
    """The count at full scale, in g, is about the range; a wider range has no finer step."""
    driver = CHIPS[name]
    assert set(driver.full_scale_counts) == set(driver.scale_g) == set(driver.ranges_g)
    for range_g in driver.ranges_g:
        assert 0.95 <= driver.full_scale_counts[range_g] * driver.scale_g[range_g] / range_g < 1.6
    steps_g = [driver.scale_g[range_g] for range_g in driver.ranges_g]
    assert steps_g == sorted(steps_g)


@each_chip
def test_the_right_chip_is_identified(at_rest, name):
    """The part that answers has a name."""
    bench = at_rest(name)
    identity = bench.driver.identify()
    assert identity.model.strip()
    assert bench.rig is None or not identity.remark


@each_chip
def test_a_stranger_is_refused(emulated, name):
    """Another identity is a ChipError in one line that names the address and what was read."""
    bench = emulated(name)
    bench.rig.faults.identity = STRANGER
    with pytest.raises(ChipError, match=rf"0x{bench.rig.address:02X}.*0x{STRANGER:02X}") as caught:
        bench.driver.identify()
    assert "\n" not in str(caught.value)


@each_chip
def test_where_nobody_answers_it_says_where_the_chip_could_be(emulated, name):
    """No answer is a BusError in one line that names the address and the usual ones."""
    bench = emulated(name)
    silent = next(address for address in CHIPS[name].addresses if address != bench.rig.address)
    with pytest.raises(BusError, match=rf"0x{silent:02X}.*no answer.*0x{bench.rig.address:02X}") as caught:
        CHIPS[name](bench.rig.bus, silent, bench.clock).identify()
    assert "\n" not in str(caught.value)
    assert caught.value.errno == 121


@each_chip
def test_settings_that_the_chip_lacks_are_refused(emulated, name):
    """A rate or range the chip does not have is named, with the choices."""
    driver = emulated(name).driver
    with pytest.raises(SettingsError, match=r"rate 7 Hz.*offers \d"):
        driver.configure(7, driver.usual_range_g)
    with pytest.raises(SettingsError, match=r"range 3 g.*offers \d"):
        driver.configure(driver.rates_hz[0], 3)


@each_rate
def test_gravity_is_1_g_at_every_rate_and_range(at_rest, name, rate_hz):
    """A sensor at rest shows 1 g, whatever the settings; an emulated one on z."""
    bench = at_rest(name)
    for range_g in bench.driver.ranges_g:
        bench.begin(rate_hz, range_g)
        counts = bench.collect(20)
        assert counts.dtype == np.int32
        assert counts.shape[1] == 3
        mean_g = counts.mean(axis=0) * bench.driver.scale_g[range_g]
        assert np.sqrt(mean_g @ mean_g) == pytest.approx(1.0, abs=0.2 if bench.rig is None else 0.03)
        assert bench.rig is None or mean_g == pytest.approx((0.0, 0.0, 1.0), abs=0.03)


@each_rate
def test_the_rate_is_the_one_asked_for(at_rest, name, rate_hz):
    """As many sets come in a second as were asked for; a real oscillator may be off by 15 %."""
    bench = at_rest(name)
    bench.begin(rate_hz)
    bench.collect(1)
    first, sets = None, 0
    for _ in range(50):
        bench.wait(0.02)
        block = bench.driver.drain()
        sets += block.produced if first else 0
        first, last = first or block, block
    measured_hz = sets / (last.boot_ns - first.boot_ns) * 1e9
    assert measured_hz == pytest.approx(rate_hz, rel=0.15 if bench.rig is None else 0.02)


@each_rate
def test_every_sample_arrives_once_and_in_order(ramp, name, rate_hz):
    """Drained in time, all sets come out count for count, whatever the length of the pauses."""
    sets = 3000
    bench = ramp(name, rate_hz, sets)
    longest_s = min(0.6 * bench.driver.fifo_depth / rate_hz, 0.25)
    rng, blocks = np.random.default_rng(rate_hz), []
    while not bench.rig.chip.ended:
        bench.wait(rng.uniform(0.0, longest_s))
        blocks.append(bench.driver.drain())
    numbers = ramp_numbers(
        np.concatenate([block.counts for block in blocks]), CHIPS[name].scale_g[CHIPS[name].usual_range_g]
    )
    assert np.array_equal(numbers, np.arange(numbers[0], sets))
    assert numbers[0] <= 0.3 * rate_hz  # what was measured before the FIFO was on
    assert not any(block.overrun for block in blocks)
    assert all(block.produced == len(block.counts) for block in blocks)


@each_rate
def test_a_drain_tells_level_and_time(ramp, name, rate_hz):
    """The sets produced until each drain fit its time, to within the one that is being measured."""
    bench = ramp(name, rate_hz, 2000)
    rng, produced, ahead = np.random.default_rng(rate_hz), 0, []
    for _ in range(40):
        bench.wait(rng.uniform(0.001, 0.6 * min(bench.driver.fifo_depth / rate_hz, 0.06)))
        before_ns = bench.clock.boot_ns()
        block = bench.driver.drain()
        assert before_ns < block.boot_ns < bench.clock.boot_ns()
        assert 0 < block.read_ns <= 2 * (block.boot_ns - before_ns) + 1
        produced += block.produced
        ahead.append(produced - block.boot_ns * 1e-9 * rate_hz)
    assert np.ptp(ahead) < 1.2


@each_rate
def test_an_empty_drain_is_no_error(at_rest, name, rate_hz):
    """Drains in a row find nothing sooner or later, and say so."""
    bench = at_rest(name)
    bench.begin(rate_hz)
    bench.collect(3)
    blocks = [bench.driver.drain() for _ in range(20)]
    empty = [block for block in blocks if not block.produced]
    assert empty
    assert all(block.counts.shape == (0, 3) and not block.overrun for block in empty)


@each_rate
def test_an_overrun_is_told_apart_and_the_next_drain_is_clean(ramp, name, rate_hz):
    """Drained too late, the block is marked and holds no false set; then all goes on without a gap."""
    depth, scale_g = CHIPS[name].fifo_depth, CHIPS[name].scale_g[CHIPS[name].usual_range_g]
    bench = ramp(name, rate_hz, 4 * depth + 2 * rate_hz)
    bench.wait(3 * depth / rate_hz)
    late = bench.driver.drain()
    assert late.overrun
    assert len(late.counts) <= depth + 1
    following = []
    for _ in range(5):
        bench.wait(0.3 * min(depth / rate_hz, 0.06))
        following.append(bench.driver.drain())
    assert not any(block.overrun for block in following)
    numbers = ramp_numbers(np.concatenate([late.counts, *(block.counts for block in following)]), scale_g)
    assert len(numbers) > 3
    assert (np.diff(numbers) == 1).all()
    assert numbers[0] > depth


@each_rate
def test_starting_again_forgets_what_waited(at_rest, name, rate_hz):
    """A start empties the FIFO and clears an old overrun."""
    bench = at_rest(name)
    bench.begin(rate_hz)
    bench.wait(1.5 * bench.driver.fifo_depth / rate_hz)
    before_ns = bench.clock.boot_ns()
    bench.driver.start()
    bench.wait(5.5 / rate_hz)
    block = bench.driver.drain()
    assert not block.overrun
    assert 0 < len(block.counts) <= 1.2 * (bench.clock.boot_ns() - before_ns) * 1e-9 * rate_hz + 1


@each_chip
def test_a_stopped_chip_produces_nothing(at_rest, name):
    """After stop, time brings no more samples."""
    bench = at_rest(name)
    bench.begin()
    bench.collect(5)
    bench.driver.stop()
    bench.driver.drain()
    bench.wait(0.5)
    assert bench.driver.drain().produced == 0


@each_chip
def test_a_configured_chip_waits_for_the_start(at_rest, name):
    """Configuring leaves the chip in standby: nothing from before the start is handed over."""
    bench = at_rest(name)
    bench.driver.configure(bench.driver.rates_hz[-1], bench.driver.usual_range_g)
    bench.wait(1.5 * bench.driver.fifo_depth / bench.driver.rates_hz[-1])
    before_ns = bench.clock.boot_ns()
    bench.driver.start()
    block = bench.driver.drain()
    assert not block.overrun
    waited_s = (bench.clock.boot_ns() - before_ns) * 1e-9
    assert len(block.counts) <= 1.2 * waited_s * bench.driver.rates_hz[-1] + 1


@each_rate
def test_a_chip_that_lost_power_is_noticed_and_comes_back(emulated, name, rate_hz):
    """Within two drains the loss is an error that names the address; set up again, the chip measures."""
    bench = emulated(name)
    bench.begin(rate_hz)
    bench.collect(5)
    bench.rig.chip.lose_power()
    with pytest.raises(BusError, match=f"0x{bench.rig.address:02X}"):
        bench.drain_twice()
    bench.begin(rate_hz)
    assert len(bench.collect(10))


@each_chip
@pytest.mark.parametrize("switch", ["nack_next", "timeout_next", "short_read_next"])
def test_a_failed_transfer_is_a_bus_error_and_passes(emulated, name, switch):
    """A fault that stays is a BusError that names the address; when it is over, the chip goes on."""
    bench = emulated(name)
    bench.begin()
    bench.collect(5)
    getattr(bench.rig.faults, switch)(20)
    with pytest.raises(BusError, match=f"0x{bench.rig.address:02X}"):
        bench.driver.drain()
    while bench.rig.faults.take():
        pass
    assert len(bench.collect(5))


@each_chip
def test_the_self_test_passes_on_a_sound_chip(at_rest, name):
    """It takes under a second, its shift is within its limits, and the settings are as before."""
    bench = at_rest(name)
    rate_hz, range_g = bench.driver.rates_hz[-1], bench.driver.ranges_g[-1]
    bench.driver.configure(rate_hz, range_g)
    before_ns = bench.clock.boot_ns()
    result = bench.driver.self_test()
    assert bench.clock.boot_ns() - before_ns < 1e9
    assert result.passed
    assert result.sentence.startswith("self-test passed")
    assert all(
        low <= shift <= high for shift, (low, high) in zip(result.shift_counts, result.limits, strict=True)
    )
    bench.driver.start()
    bench.wait(10 / rate_hz)
    mean = bench.collect(10, 5 / rate_hz).mean(axis=0)
    assert np.sqrt(mean @ mean) * bench.driver.scale_g[range_g] == pytest.approx(1.0, abs=0.2)


@each_chip
def test_the_self_test_fails_on_a_stuck_chip(emulated, name):
    """A proof mass that does not move fails, and the sentence says which axis in one line."""
    bench = emulated(name)
    bench.rig.faults.stuck = True
    result = bench.driver.self_test()
    assert not result.passed
    assert result.sentence.startswith("self-test failed: x moved")
    assert "\n" not in result.sentence


@each_rate
def test_the_noise_is_what_the_driver_lets_expect(emulated, name, rate_hz):
    """At rest, an emulated chip is within a quarter of its noise figure on every axis."""
    bench = emulated(name)
    bench.begin(rate_hz)
    range_g = bench.driver.usual_range_g
    noise_mg = bench.collect(4000).std(axis=0) * bench.driver.scale_g[range_g] * 1e3
    assert noise_mg == pytest.approx(bench.driver.noise_mg(rate_hz, range_g), rel=0.25)


@each_chip
def test_the_thermometer_shows_the_chip_s_temperature(at_rest, name):
    """Configured or measuring, it is right within 2 degrees; a chip without one says None."""
    bench = at_rest(name)
    if bench.rig is not None:
        bench.rig.chip.temperature_c = 31.0
    bench.driver.configure(bench.driver.usual_rates_hz[-1], bench.driver.usual_range_g)
    in_standby = bench.driver.temperature_c()
    bench.driver.start()
    bench.collect(20)
    measuring = bench.driver.temperature_c()
    assert (in_standby is None) == (measuring is None)
    for shown in (in_standby, measuring):
        assert shown is None or abs(shown - 31.0) <= (2.0 if bench.rig else 60.0)


@each_chip
def test_reading_a_set_takes_the_bus_as_long_as_its_bytes(at_rest, name):
    """At 400 kHz a set takes the time of 6 to 14 bytes; a real bus is not a hundred times slower."""
    bench = at_rest(name)
    bench.driver.configure(bench.driver.usual_rates_hz[0], bench.driver.usual_range_g)
    set_s = bench.driver.measure_set_s()
    byte_s = 9 / 400_000
    if bench.rig is None:
        assert 0 < set_s < 100 * 14 * byte_s
    else:
        assert 6 * byte_s <= set_s < 14 * byte_s
