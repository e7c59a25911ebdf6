"""What is the ADXL355's own in its driver: resets that fail, a FIFO of words, two reads a drain."""

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.chips.adxl355_words import counts_of, in_order, words_before_x
from bedtick.firmware.emulator import RecordingSource, Still
from bedtick.firmware.emulator.chips import adxl355_output
from bedtick.firmware.errors import BusError, ChipError, ConfigurationLostError

ADDRESS = 0x1D
TICK_NS = 10_000_000


@pytest.fixture
def ramp_source(recording_of):
    """Return a recording whose row `k` is k counts on x, -k on y and 256 000 on z, at 2 g."""
    k = np.arange(4000.0)
    counts = np.stack((k, -k, np.full(4000, 256_000.0)), axis=1)
    return RecordingSource(recording_of(counts / 256_000.0))


@pytest.fixture
def begin(make_rig):
    """Return a function that builds a started (driver, rig, clock) at 125 Hz and 2 g."""

    def make(source=None, **options):
        driver, rig, clock = make_rig(source or Still(), "adxl355", **options)
        driver.configure(125, 2)
        driver.start()
        return driver, rig, clock

    return make


def wait(clock, seconds):
    """Let time pass."""
    clock.sleep_until(clock.boot_ns() + round(seconds * 1e9))


def note_reads(rig):
    """Return a list that fills with (register, bytes) of each read."""
    reads, keep = [], rig.chip.read

    def read(length):
        reads.append((rig.chip._pointer, length))
        return keep(length)

    rig.chip.read = read
    return reads


def note_levels(rig):
    """Return a list that fills with each level that is read."""
    levels, keep = [], rig.chip.read

    def read(length):
        is_level = rig.chip._pointer == 0x04
        data = keep(length)
        levels.extend(data[1:] if is_level else b"")
        return data

    rig.chip.read = read
    return levels


def garble(rig, register, position, value):
    """Have one byte of each read from a register arrive as another."""
    keep = rig.chip.read

    def read(length):
        is_hit = rig.chip._pointer == register and length > position
        data = bytearray(keep(length))
        if is_hit:
            data[position] = value
        return bytes(data)

    rig.chip.read = read


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [
        (0x00, 0xE5, r"reads 0xE5, expected 0xAD 0x1D 0xED \(that is an ADXL345: use --chip adxl345\)"),
        (0x00, 0x33, r"reads 0x33, expected .*\(another chip, or SDA and SCL badly connected\)"),
        (0x01, 0x1C, r"reads 0xAD 0x1C 0xED, expected .*\(another chip"),
        (0x02, 0xE9, r"reads 0xAD 0x1D 0xE9, expected .*\(that is an ADXL359"),
    ],
)
def test_relatives_and_strangers_are_told_apart(make_rig, register, value, words):
    """All three identity registers count, and the two likely mistakes are named with what to do."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    garble(rig, register, 0, value)
    if register == 0x02:
        garble(rig, 0x01, 1, value)
    with pytest.raises(ChipError, match=r"0x1D: not an ADXL355.*" + words):
        driver.identify()


def test_a_stranger_is_asked_for_one_register_only(make_rig):
    """What does not begin as an ADXL355 is read no further: it may be no accelerometer at all."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    rig.faults.identity = 0x68
    reads = note_reads(rig)
    with pytest.raises(ChipError):
        driver.identify()
    assert reads == [(0x00, 1)]


def test_a_silent_address_says_where_the_chip_could_be(make_rig):
    """No answer names both addresses and the pin that chooses."""
    _, rig, clock = make_rig(Still(), "adxl355")
    with pytest.raises(BusError, match=r"0x53.*no answer.*0x1D.*ASEL"):
        CHIPS["adxl355"](rig.bus, 0x53, clock).identify()


@pytest.mark.parametrize(
    ("rate_hz", "code", "words"), [(125, 5, 15), (250, 4, 30), (500, 3, 48), (1000, 2, 48)]
)
@pytest.mark.parametrize(("range_g", "range_code"), [(2, 1), (4, 2), (8, 3)])
def test_every_setting_reaches_the_chip(make_rig, rate_hz, code, words, range_g, range_code):
    """Each register holds what was asked for; the watermark, at most 40 ms, is on INT1, active high."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    for register in (*range(0x1E, 0x2D), 0x2E):
        rig.bus.write(ADDRESS, register, b"\x03")
    driver.configure(rate_hz, range_g)
    assert rig.bus.read(ADDRESS, 0x1E, 10) == bytes(9) + b"\x01"
    settings = bytes((code, words, 0x02, 0x00, 0xC0 | range_code, 0x01, 0x00))
    assert rig.bus.read(ADDRESS, 0x28, 7) == settings


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_a_reset_that_loads_wrongly_is_repeated(make_rig, failing):
    """Up to three bad resets are mended by the next one."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    factory = rig.bus.read(ADDRESS, 0x50, 5)
    rig.chip.failing_resets = failing
    driver.configure(500, 4)
    assert rig.chip.failing_resets == 0
    assert rig.bus.read(ADDRESS, 0x50, 5) == factory


def test_a_chip_that_never_loads_rightly_needs_its_power_cut(make_rig):
    """After four bad resets the error says what to do; with the power cut the same driver goes on."""
    driver, rig, clock = make_rig(Still(), "adxl355")
    rig.chip.failing_resets = 9
    for _ in range(2):
        with pytest.raises(ChipError, match=r"0x1D: .*factory settings after 4 resets: cut its power"):
            driver.configure(500, 4)
    assert rig.chip.failing_resets == 1
    rig.chip.failing_resets = 0
    rig.chip.lose_power()
    driver.configure(500, 4)
    driver.start()
    wait(clock, 0.05)
    assert driver.drain().produced


def test_a_driver_that_starts_again_compares_with_what_it_finds(make_rig):
    """Without the power having been cut, another driver's reset is no fault."""
    driver, rig, clock = make_rig(Still(), "adxl355")
    driver.configure(500, 4)
    another = CHIPS["adxl355"](rig.bus, ADDRESS, clock)
    another.configure(125, 2)
    assert rig.bus.read(ADDRESS, 0x28, 1) == b"\x05"


def garble_once(rig, register, position, value, nth=0):
    """Have one byte of the `nth` read from a register arrive as another."""
    keep, seen = rig.chip.read, []

    def read(length):
        is_hit = rig.chip._pointer == register
        data = bytearray(keep(length))
        if is_hit:
            seen.append(register)
            data[position] = value if len(seen) == nth + 1 else data[position]
        return bytes(data)

    rig.chip.read = read


@pytest.mark.parametrize("nth", [0, 1])
def test_garbled_factory_settings_are_not_believed(make_rig, nth):
    """Two readings that differ are a fault of the bus, and the next try begins anew."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    garble_once(rig, 0x50, 2, 0x77, nth)
    with pytest.raises(BusError, match=r"0x1D: .*factory settings read .*77.* the bus garbles bytes"):
        driver.configure(500, 4)
    for _ in range(2):
        driver.configure(500, 4)


@pytest.mark.parametrize("failing", [0, 9], ids=["at work", "after resets that failed"])
def test_another_part_in_its_place_is_taken(make_rig, failing):
    """The factory settings are another part's own: they are read anew once the power was cut."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    driver.configure(500, 4)
    rig.chip.failing_resets = failing
    if failing:
        with pytest.raises(ChipError, match="cut its power"):
            driver.configure(500, 4)
    rig.chip.failing_resets = 0
    rig.chip.factory = bytes(value ^ 0x11 for value in rig.chip.factory)
    rig.chip.lose_power()
    driver.configure(250, 2)
    assert rig.bus.read(ADDRESS, 0x28, 1) == b"\x04"


def test_a_reset_that_the_bus_cut_short_is_not_taken_for_a_loss_of_power(make_rig):
    """Where nobody knows how a reset went, its factory settings are not believed: it is done again."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    factory = rig.bus.read(ADDRESS, 0x50, 5)
    driver.configure(500, 4)
    rig.chip.failing_resets = 2
    keep = rig.chip.read

    def read(length):
        if rig.chip._pointer == 0x50:
            raise OSError(121, "no answer")
        return keep(length)

    rig.chip.read = read
    with pytest.raises(BusError):
        driver.configure(500, 4)
    rig.chip.read = keep
    driver.configure(500, 4)
    assert rig.bus.read(ADDRESS, 0x50, 5) == factory


def test_a_drain_is_two_reads(begin):
    """Status and level in one, all words in the other; settings are not read where samples come."""
    driver, rig, clock = begin()
    wait(clock, 0.2)
    reads = note_reads(rig)
    block = driver.drain()
    assert block.produced > 20
    assert reads == [(0x04, 2), (0x11, 9 * block.produced)]


def test_a_drain_that_finds_nothing_looks_at_the_settings(begin):
    """An empty FIFO is what a chip that lost its power has, so only then are the settings read."""
    driver, rig, clock = begin()
    wait(clock, 0.1)
    driver.drain()
    reads = note_reads(rig)
    assert driver.drain().produced == 0
    assert reads == [(0x04, 2), (0x28, 7)]
    rig.chip.lose_power()
    with pytest.raises(ConfigurationLostError, match="FILTER reads 0x00 instead of 0x05"):
        driver.drain()


@pytest.mark.parametrize(
    ("position", "register"),
    list(enumerate(("FILTER", "FIFO_SAMPLES", "INT_MAP", "SYNC", "RANGE", "POWER_CTL"))),
)
def test_each_setting_that_changed_is_named(begin, position, register):
    """Any of the settings that reads otherwise is a loss, and the error says which."""
    driver, rig, _ = begin()
    driver.drain()
    garble(rig, 0x28, position, 0x7F)
    with pytest.raises(ConfigurationLostError, match=f"{register} reads 0x7F"):
        driver.drain()


def test_a_level_within_a_set_loses_nothing(begin, ramp_source):
    """Words that are written one by one are left until their set is whole; all sets arrive once."""
    driver, rig, clock = begin(ramp_source)
    rig.chip._measuring.fifo._gap_ns = 3_000_000  # of 10 ms, so that most levels are within a set
    reads = note_reads(rig)
    rng, blocks = np.random.default_rng(1), []
    while not rig.chip.ended:
        wait(clock, rng.uniform(0.0, 0.06))
        blocks.append(driver.drain())
    counts = np.concatenate([block.counts for block in blocks])
    k = np.arange(4000)
    assert np.array_equal(counts, np.stack((k, -k, np.full(4000, 256_000)), axis=1))
    assert counts.dtype == np.int32
    assert not any(block.overrun for block in blocks)
    assert all(length % 9 == 0 for register, length in reads if register == 0x11)
    assert all(block.produced == len(block.counts) for block in blocks)


@pytest.mark.parametrize("lost_words", [1, 2])
@pytest.mark.parametrize("words_there", [0, 1, 2])
def test_a_torn_set_costs_that_set_alone(begin, ramp_source, lost_words, words_there):
    """Words gone astray are noticed by the mark of x: one set is missing, and the block says so.

    So it is where the level is caught within another set.
    """
    driver, rig, clock = begin(ramp_source)
    fifo = rig.chip._measuring.fifo
    fifo._gap_ns = 60_000  # less than the shortest read takes
    wait(clock, 0.1)
    first = driver.drain()
    wait(clock, 0.1)
    rig.bus.read(ADDRESS, 0x11, 3 * lost_words)
    tick_ns = fifo._next_ns + rig.chip._measuring._began_ns
    level_ns = tick_ns - 10_000 + words_there * 60_000
    clock.sleep_until(level_ns - 117_500)  # what the read of the level takes
    levels = note_levels(rig)
    torn = driver.drain()
    assert levels[0] % 3 == (words_there - lost_words) % 3
    wait(clock, 0.1)
    after = driver.drain()
    assert (first.overrun, torn.overrun, after.overrun) == (False, True, False)
    assert torn.produced == len(torn.counts)
    x = np.concatenate((first.counts, torn.counts, after.counts))[:, 0]
    lost = first.counts[-1, 0] + 1
    assert np.array_equal(x, np.delete(np.arange(x[-1] + 1), lost))


@pytest.mark.parametrize(
    ("position", "value"),
    [(2, 0x00), (5, 0x01), (8, 0x02), (11, 0x03)],
    ids=["no x", "x twice", "empty", "both"],
)
def test_marks_that_are_out_of_step_are_noticed(begin, position, value):
    """Words whose marks do not fit are refused: they would turn the axes."""
    driver, rig, clock = begin()
    wait(clock, 0.1)
    garble(rig, 0x11, position, value)
    with pytest.raises(
        ConfigurationLostError, match="0x1D: FIFO_DATA gives words out of order: the bus garbles"
    ):
        driver.drain()


@pytest.mark.parametrize(("words", "sets"), [(97, 33), (255, 85)])
def test_an_impossible_level_is_noticed(begin, words, sets):
    """More than 96 words can only be a garbled byte."""
    driver, rig, _ = begin()
    garble(rig, 0x04, 1, words)
    with pytest.raises(ConfigurationLostError, match=f"FIFO_ENTRIES reads {sets} sets of at most 32"):
        driver.drain()


def test_a_start_clears_the_fifo_and_its_flag(begin, ramp_source):
    """What waited, a torn set in front included, is gone after a start, and so is the overrun."""
    driver, rig, clock = begin(ramp_source)
    wait(clock, 1.0)
    rig.bus.read(ADDRESS, 0x11, 3)
    driver.start()
    wait(clock, 0.1)
    block = driver.drain()
    assert not block.overrun
    assert 9 <= len(block.counts) <= 11
    assert (np.diff(block.counts[:, 0]) == 1).all()


@pytest.mark.parametrize("range_g", [2, 4, 8])
def test_both_ends_of_the_scale_arrive(make_rig, recording_of, range_g):
    """The largest and the smallest count survive the 20 bits, and beyond them the chip clips."""
    acc_g = np.tile((range_g * 1.02, -range_g * 1.02, range_g * 2.0), (40, 1))
    driver, _, clock = make_rig(RecordingSource(recording_of(acc_g)), "adxl355")
    driver.configure(125, range_g)
    driver.start()
    wait(clock, 0.1)
    counts = driver.drain().counts
    assert (counts == (522_240, -522_240, 524_287)).all()
    assert driver.full_scale_counts[range_g] == 524_287


@pytest.mark.parametrize("range_g", [2, 4, 8])
def test_a_sensor_at_rest_shows_one_g_at_every_range(make_rig, range_g):
    """The step is that of the range: 3.9, 7.8 or 15.6 micro-g."""
    driver, _, clock = make_rig(Still(), "adxl355")
    driver.configure(125, range_g)
    driver.start()
    wait(clock, 0.2)
    mean_g = driver.drain().counts.mean(axis=0) * driver.scale_g[range_g]
    assert mean_g == pytest.approx((0, 0, 1), abs=0.001)


def test_the_usual_rates_are_those_nearest_to_400_200_and_100_hz():
    """Of these the default is chosen, and each of them is on offer."""
    driver = CHIPS["adxl355"]
    assert driver.usual_rates_hz == (500, 250, 125)
    assert driver.rates_hz == (125, 250, 500, 1000)


def test_the_temperature_in_standby_is_a_measured_one(make_rig):
    """In standby the chip measures briefly and is in standby again; while it measures it goes on."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    driver.configure(125, 4)
    rig.chip.temperature_c = 38.5
    assert driver.temperature_c() == pytest.approx(38.5, abs=0.1)
    assert rig.bus.read(ADDRESS, 0x2D, 1) == b"\x01"
    driver.start()
    rig.chip.temperature_c = 14.0
    assert driver.temperature_c() == pytest.approx(14.0, abs=0.1)
    assert rig.bus.read(ADDRESS, 0x2D, 1) == b"\x00"


@pytest.mark.parametrize("torn", [0, 1, 2])
def test_one_torn_temperature_does_no_harm(begin, torn):
    """Two bytes of different values, 28 degrees off, are outvoted by the other readings."""
    driver, rig, _ = begin()
    keep, readings = rig.chip.read, []

    def read(length):
        is_temperature = rig.chip._pointer == 0x06
        data = bytearray(keep(length))
        if is_temperature:
            data[0] ^= 0x01 if len(readings) == torn else 0x00
            readings.append(data)
        return bytes(data)

    rig.chip.read = read
    assert driver.temperature_c() == pytest.approx(21.0, abs=0.1)
    assert len(readings) == 3


def test_the_self_test_leaves_nothing_behind(make_rig):
    """After 0.7 s the push is off, the chip is in standby, and the settings are as before."""
    driver, rig, clock = make_rig(Still(), "adxl355")
    driver.configure(1000, 2)
    before_ns = clock.boot_ns()
    result = driver.self_test()
    assert clock.boot_ns() - before_ns < 700_000_000
    assert result.shift_counts == pytest.approx((0.3 * 64_000, 0.3 * 64_000, 1.5 * 64_000), abs=100)
    assert rig.bus.read(ADDRESS, 0x28, 7) == bytes((0x02, 48, 0x02, 0x00, 0xC1, 0x01, 0x00))


def test_the_push_is_compared_with_the_self_test_mode_at_rest(make_rig):
    """First ST1 alone, then ST2 with it: the limits are for that change and no other."""
    driver, rig, _ = make_rig(Still(), "adxl355")
    driver.configure(500, 4)
    keep, written = rig.chip.write, []

    def note(data):
        written.extend(data[1:] if data[0] == 0x2E else b"")
        keep(data)

    rig.chip.write = note
    driver.self_test()
    assert [value for value in written if value] == [0x01, 0x03]


@pytest.mark.parametrize(
    ("push_g", "failing"),
    [
        ((0.11, 0.59, 0.51), ""),
        ((0.11, 0.59, 2.99), ""),
        ((0.09, 0.3, 1.5), "x"),
        ((0.3, 0.61, 1.5), "y"),
        ((0.3, 0.3, 0.49), "z"),
        ((0.3, 0.3, 3.01), "z"),
    ],
)
def test_the_self_test_keeps_to_the_limits_of_the_data_sheet(make_rig, monkeypatch, push_g, failing):
    """Between 0.1 and 0.6 g on x and y, between 0.5 and 3.0 g on z; the sentence names the axis."""
    monkeypatch.setattr(adxl355_output, "PUSH_G", np.array(push_g))
    driver, _, _ = make_rig(Still(), "adxl355")
    result = driver.self_test()
    assert result.passed == (not failing)
    assert result.sentence.startswith(f"self-test failed: {failing} moved" if failing else "self-test passed")


@pytest.mark.parametrize(
    ("rate_hz", "range_g", "noise_mg"),
    [(500, 2, 0.2905), (500, 8, 0.3228), (125, 4, 0.1614), (1000, 2, 0.4108)],
)
def test_the_noise_is_that_of_the_data_sheet(make_rig, rate_hz, range_g, noise_mg):
    """22.5 micro-g per root hertz at 2 g and 25 above it, over a third of the rate."""
    driver, _, _ = make_rig(Still(), "adxl355")
    assert driver.noise_mg(rate_hz, range_g) == pytest.approx((noise_mg,) * 3, rel=1e-3)


def test_words_make_counts():
    """20 bits at the top of three bytes, with a sign; whatever is in the low bits does not count."""
    words = np.array([[0x7F, 0xFF, 0xF1], [0x80, 0x00, 0x00], [0xFF, 0xFF, 0xFC]], dtype=np.uint8)
    assert counts_of(words).tolist() == [[524_287, -524_288, -1]]
    assert in_order(words)
    assert not in_order(words[[1, 0, 2]])
    assert [words_before_x(words[order]) for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0], [1, 2, 1])] == [
        0,
        1,
        2,
        0,
    ]
