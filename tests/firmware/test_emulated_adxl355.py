"""The emulated ADXL355 at register level, without the driver: what the data sheet says a host must see."""

import numpy as np
import pytest
from smbus2 import i2c_msg

from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.adxl355 import EmulatedAdxl355
from bedtick.firmware.emulator.chips.adxl355_output import Output

TICK_NS = 10_000_000  # of the recordings used here, whatever rate is set
GAP_NS = 1_000  # between the words of one set
NO_OFFSETS = bytes(6)
EMPTY = [0, 2]


class Bench:
    """A chip on a bus so fast that reading takes next to no time, spoken to in registers."""

    def __init__(self, source, **options):
        self.clock = EmulatedClock()
        self.chip = EmulatedAdxl355(source, self.clock, **options)
        self.adapter = EmulatedAdapter({0x1D: self.chip}, self.clock, bus_hz=10**12, faults=self.chip.faults)

    def read(self, register, length=1):
        """Read registers."""
        message = i2c_msg.read(0x1D, length)
        self.adapter.i2c_rdwr(i2c_msg.write(0x1D, [register]), message)
        return bytes(message)

    def write(self, register, *values):
        """Write registers."""
        self.adapter.i2c_rdwr(i2c_msg.write(0x1D, [register, *values]))

    def level(self):
        """Read the FIFO's level in words."""
        return self.read(0x05)[0]

    def status(self):
        """Read STATUS and so clear what reading clears."""
        return self.read(0x04)[0]

    def words(self, count):
        """Read words from the FIFO, each as its count and its marks."""
        raw = self.read(0x11, 3 * count)
        values = [int.from_bytes(raw[index : index + 3], signed=True) for index in range(0, 3 * count, 3)]
        return [[value >> 4, value & 0x0F] for value in values]

    def x_of_sets(self, count):
        """Read whole sets; return their x, having seen the marks."""
        words = self.words(3 * count)
        assert [mark for _, mark in words] == [1, 0, 0] * count
        return [value for value, _ in words[::3]]

    def begin(self):
        """Measure at 2 g."""
        self.write(0x2D, 0x00)

    def wait_ticks(self, ticks, after_ns=TICK_NS // 2):
        """Let the oscillator tick so often, and so long after the last tick."""
        began = self.chip._measuring._began_ns
        passed = (self.clock.boot_ns() - began) // TICK_NS
        self.clock.sleep_until(began + (passed + ticks) * TICK_NS + after_ns)


@pytest.fixture
def bench(recording_of):
    """Return a bench whose chip feels a ramp: tick k is (k, -k, 256 000) counts at 2 g."""
    k = np.arange(4000.0)
    counts = np.stack((k, -k, np.full(4000, 256_000.0)), axis=1)
    return Bench(RecordingSource(recording_of(counts / 256_000.0)))


def test_power_up_values(bench):
    """After power-up every register holds its reset value and nothing is measured."""
    assert bench.read(0x00, 4) == b"\xad\x1d\xed\x01"
    assert bench.read(0x04, 13) == bytes(13)
    assert bench.read(0x1E, 10) == bytes(9) + b"\x01"
    assert bench.read(0x28, 8) == bytes((0x00, 0x60, 0x00, 0x00, 0x81, 0x01, 0x00, 0x00))
    bench.clock.advance(10**9)
    assert bench.level() == 0


def test_the_pointer_rises_to_the_fifo_and_stays(bench):
    """From STATUS on one read comes to the FIFO, which gives word after word; elsewhere it goes on rising."""
    bench.begin()
    bench.wait_ticks(3)
    burst = bench.read(0x0E, 3 + 9)
    assert burst[:3] == (256_000 << 4).to_bytes(3)
    assert burst[3:] == b"\x00\x00\x01\x00\x00\x00" + (256_000 << 4).to_bytes(3)
    assert bench.level() == 9
    bench.write(0x1E, 1, 2, 3)
    assert bench.read(0x1D, 5) == bytes((0, 1, 2, 3, 0))


def test_what_cannot_be_written_stays(bench):
    """Identity, data, FIFO and shadow registers take no writes; RESET takes but its code."""
    before = bench.read(0x00, 4), bench.read(0x50, 5), bench.read(0x1E, 17)
    for register in (0x00, 0x02, 0x05, 0x11, 0x2F, 0x50, 0x54):
        bench.write(register, 0x51)
    assert (bench.read(0x00, 4), bench.read(0x50, 5), bench.read(0x1E, 17)) == before


def test_sets_come_oldest_first_with_x_marked(bench):
    """Words are read axis by axis in the order of the ticks; bit 0 marks x."""
    bench.begin()
    bench.wait_ticks(4)
    assert bench.level() == 15
    assert bench.words(4) == [[0, 1], [0, 0], [256_000, 0], [1, 1]]
    assert bench.words(2) == [[-1, 0], [256_000, 0]]
    assert bench.level() == 9


def test_an_empty_fifo_says_so(bench):
    """Words read from an empty FIFO carry their mark, and a later set is whole."""
    bench.begin()
    bench.wait_ticks(1)
    assert bench.words(8)[6:] == [EMPTY, EMPTY]
    bench.wait_ticks(1)
    assert bench.x_of_sets(1) == [2]


@pytest.mark.parametrize(("length", "words"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 3), (10, 4)])
def test_the_first_byte_of_a_word_takes_it(bench, length, words):
    """Whoever stops within a word has lost the rest of it."""
    bench.begin()
    bench.wait_ticks(9)
    bench.read(0x11, length)
    assert bench.level() == 30 - words


@pytest.mark.parametrize(
    ("after_ns", "words"), [(-1, 0), (0, 1), (GAP_NS - 1, 1), (GAP_NS, 2), (2 * GAP_NS, 3)]
)
def test_a_level_may_be_caught_within_a_set(bench, after_ns, words):
    """The three words of a set come one after the other, and what is not there yet reads as empty."""
    bench.begin()
    bench.wait_ticks(5, after_ns)
    assert bench.level() == 15 + words
    assert bench.x_of_sets(5) == list(range(5))
    assert bench.words(3)[words:] == [EMPTY] * (3 - words)


def test_words_that_come_during_a_read_are_counted_after_it(recording_of):
    """A slow read of a full FIFO makes room as it goes: nothing is lost by it."""
    k = np.arange(400.0)
    counts = np.stack((k, -k, k), axis=1)
    bench = Bench(RecordingSource(recording_of(counts / 256_000.0)))
    bench.adapter._bit_ns = 10_000  # 100 kHz: 288 bytes take 26 ms
    bench.begin()
    bench.wait_ticks(50)
    bench.status()
    first = bench.x_of_sets(32)
    assert first == list(range(first[0], first[0] + 32))
    assert bench.status() & 0x04 == 0
    assert bench.words(1)[0][0] == first[-1] + 1


def test_a_read_of_more_than_there_is_gives_what_comes_during_it(bench):
    """Words that arrive while a long read goes on are part of it, and only then come empty ones."""
    bench.adapter._bit_ns = 10_000  # 100 kHz: 90 bytes take 8 ms
    bench.begin()
    bench.wait_ticks(1)
    words = bench.words(30)
    assert [value for value, mark in words if mark == 1] == [0, 1, 2]
    assert words[9:] == [EMPTY] * 21


def test_a_full_fifo_drops_the_oldest_words(bench):
    """96 words fit; what comes then pushes the oldest out and sets FIFO_OVR, which reading STATUS clears."""
    bench.begin()
    bench.wait_ticks(31)
    assert (bench.level(), bench.status() & 0x04) == (96, 0)
    bench.wait_ticks(1)
    assert bench.level() == 96
    assert [bench.status() & 0x04 for _ in range(2)] == [0x04, 0]
    assert bench.x_of_sets(32) == list(range(1, 33))


def test_an_overrun_within_a_set_leaves_its_rest_in_front(bench):
    """Words are dropped one by one: caught in the act, the oldest word is not x."""
    bench.begin()
    bench.wait_ticks(31)
    bench.wait_ticks(1, after_ns=0)
    assert [mark for _, mark in bench.words(4)] == [0, 0, 1, 0]


def test_full_follows_the_watermark(bench):
    """FIFO_FULL is set from as many words as FIFO_SAMPLES says."""
    bench.write(0x29, 9)
    bench.begin()
    bench.wait_ticks(1)
    assert bench.status() & 0x02 == 0
    bench.wait_ticks(1)
    assert [bench.status() & 0x02 for _ in range(2)] == [0x02, 0x02]
    bench.words(1)
    assert bench.status() & 0x02 == 0


def test_data_ready_is_cleared_by_looking(bench):
    """DATA_RDY is set by a new set, not before the first one, and reading STATUS clears it."""
    bench.write(0x29, 0x60)
    bench.clock.advance(TICK_NS // 2)
    bench.write(0x2D, 0x00)
    bench.wait_ticks(0, 1)
    bench.status()
    assert bench.status() == 0
    bench.wait_ticks(1)
    assert [bench.status() for _ in range(2)] == [1, 0]


def test_the_data_registers_show_the_newest_set(bench):
    """Registers 0x08 to 0x10 hold the newest set without marks, and reading them takes nothing."""
    bench.begin()
    bench.wait_ticks(7)
    assert bench.read(0x08, 9) == (7 << 4).to_bytes(3) + (-7 << 4).to_bytes(3, signed=True) + (
        256_000 << 4
    ).to_bytes(3)
    assert bench.level() == 24
    bench.wait_ticks(1)
    bench.write(0x2D, 0x01)
    assert bench.read(0x0A) == b"\x80"


def test_standby_keeps_what_waits_and_the_oscillator_goes_on(bench):
    """What waits can be read in standby; what happens meanwhile is not measured."""
    bench.begin()
    bench.wait_ticks(1)
    bench.write(0x2D, 0x01)
    bench.wait_ticks(20)
    assert bench.level() == 6
    bench.write(0x2D, 0x00)
    bench.wait_ticks(2)
    assert bench.x_of_sets(4) == [0, 1, 22, 23]


def test_a_set_begun_is_ended_before_settings_change(bench):
    """A change between two words of a set leaves the set whole."""
    bench.begin()
    bench.wait_ticks(2, after_ns=1)
    bench.write(0x2D, 0x01)
    assert bench.level() == 9
    bench.write(0x2D, 0x00)
    bench.wait_ticks(2)
    assert bench.x_of_sets(5) == [0, 1, 2, 3, 4]


def test_words_kept_through_standby_can_be_read_one_by_one(bench):
    """Words of before and after a standby come in one row, wherever a read stops."""
    bench.begin()
    bench.wait_ticks(2)
    bench.write(0x2D, 0x01)
    bench.write(0x2D, 0x00)
    bench.wait_ticks(2)
    values = [bench.words(count) for count in (4, 1, 5, 2)]
    assert [value for group in values for value, mark in group if mark] == [0, 1, 2, 3]
    assert bench.level() == 3


def test_a_reset_brings_back_the_reset_values(bench):
    """The code sets everything back: registers, standby, FIFO."""
    bench.write(0x28, 0x05, 0x30, 0x02, 0x00, 0xC2)
    bench.begin()
    bench.wait_ticks(3)
    bench.write(0x2F, 0x52)
    assert bench.read(0x28, 7) == bytes((0x00, 0x60, 0x00, 0x00, 0x81, 0x01, 0x00))
    bench.clock.advance(10**9)
    assert bench.level() == 0


def test_after_a_reset_the_chip_is_busy_for_5_ms(bench):
    """Until then NVM_BUSY is set, nothing that is written stays and the shadow registers are not there."""
    factory = bench.read(0x50, 5)
    bench.write(0x2F, 0x52)
    bench.clock.advance(4_900_000)
    bench.write(0x28, 0x05)
    assert (bench.status() & 0x10, bench.read(0x28), bench.read(0x50, 5)) == (0x10, b"\x00", bytes(5))
    bench.clock.advance(100_000)
    bench.write(0x28, 0x05)
    assert (bench.status() & 0x10, bench.read(0x28), bench.read(0x50, 5)) == (0, b"\x05", factory)


def test_resets_fail_as_often_as_asked(bench):
    """A failing reset shows in the shadow registers, until one succeeds or the power is cut."""

    def reset():
        bench.write(0x2F, 0x52)
        bench.clock.advance(5_000_000)
        return bench.read(0x50, 5)

    factory = bench.read(0x50, 5)
    bench.chip.failing_resets = 2
    assert [reset() == factory for _ in range(4)] == [False, False, True, True]
    bench.chip.failing_resets = 1
    assert reset() != factory
    bench.chip.lose_power()
    assert bench.read(0x50, 5) == factory


def test_lost_power_resets_everything(bench):
    """After a loss of power the chip is in standby with reset values and an empty FIFO."""
    bench.write(0x28, 0x03)
    bench.begin()
    bench.wait_ticks(5)
    bench.chip.lose_power()
    assert bench.read(0x28, 7) == bytes((0x00, 0x60, 0x00, 0x00, 0x81, 0x01, 0x00))
    bench.clock.advance(10**9)
    assert bench.level() == 0


@pytest.mark.parametrize(
    ("code", "rate_hz"), [(0, 4000), (2, 1000), (3, 500), (5, 125), (10, 3.906), (15, 3.906)]
)
@pytest.mark.parametrize("rate_error", [0.0, -0.031])
def test_the_rate_follows_the_setting_and_its_error(code, rate_hz, rate_error):
    """The number of ticks in a second is the nominal rate with the oscillator's error."""
    bench = Bench(Still(), rate_error=rate_error)
    bench.write(0x28, code)
    bench.begin()
    words = 0
    for _ in range(200):
        bench.clock.advance(5_000_000)
        level = bench.level()
        bench.words(level or 1)
        words += level
    assert abs(words / 3 - rate_hz * (1 + rate_error)) < 2


@pytest.mark.parametrize(
    ("code", "acc_g", "counts"),
    [
        (1, 1.0, 256_000),
        (2, 1.0, 128_000),
        (3, 1.0, 64_000),
        (0, 1.0, 256_000),
        (1, 2.1, 524_287),
        (1, -2.1, -524_288),
        (3, -8.0, -512_000),
        (2, 1.2e-6, 0),
        (1, -3.9e-6, -1),
    ],
)
def test_scale_and_clipping(code, acc_g, counts):
    """A count is 3.9 micro-g at 2 g and twice as much with each range; beyond 20 bits the chip clips."""
    encoded = Output(0, 0x80 | code, 0, NO_OFFSETS).encode(np.full((2, 3), acc_g), None)
    word = (counts << 4).to_bytes(3, signed=True)
    assert encoded == 2 * (word[:2] + bytes((word[2] | 1,)) + word + word)


def test_offsets_are_added_by_the_chip(bench):
    """An offset register has the weight of bits 19 to 4, with a sign."""
    bench.write(0x1E, 0x01, 0x00, 0xFF, 0xFF, 0x00, 0x00)
    bench.begin()
    bench.wait_ticks(0)
    assert [value for value, _ in bench.words(3)] == [4096, -16, 256_000]


@pytest.mark.parametrize(("code", "density"), [(1, 22.5e-6), (2, 25e-6), (3, 25e-6)])
@pytest.mark.parametrize(("filter_code", "rate_hz"), [(3, 500), (5, 125)])
def test_noise_has_the_density_of_the_data_sheet(code, density, filter_code, rate_hz):
    """The noise is that density over a third of the rate, alike on every axis."""
    encoded = Output(filter_code, code, 0, NO_OFFSETS).encode(np.zeros((60_000, 3)), np.random.default_rng(3))
    raw = np.frombuffer(encoded, dtype=np.uint8).reshape(-1, 3).astype(np.int64)
    counts = ((raw[:, 0] << 12 | raw[:, 1] << 4 | raw[:, 2] >> 4) + (1 << 19)) % (1 << 20) - (1 << 19)
    spread_g = counts.reshape(-1, 3).std(axis=0) * 2.0 ** (code - 1) / 256_000
    assert spread_g == pytest.approx(np.full(3, density * np.sqrt(rate_hz / 3)), rel=0.02)


def test_a_recording_gets_no_noise_and_the_same_seed_the_same_noise(bench):
    """Noise comes only with a source that has none, and repeats with its seed."""

    def words(seed):
        still = Bench(Still(), seed=seed)
        still.begin()
        still.clock.advance(5_000_000)
        return still.words(60)

    assert words(1) == words(1) != words(2)
    bench.begin()
    bench.wait_ticks(9)
    assert bench.x_of_sets(10) == list(range(10))


@pytest.mark.parametrize(
    ("bits", "shift"), [(0x01, (0, 0, 0)), (0x02, (0, 0, 0)), (0x03, (76_800, 76_800, 384_000))]
)
def test_only_both_self_test_bits_push_the_proof_mass(recording_of, bits, shift):
    """ST1 alone is the mode, ST2 alone is nothing; with both the output moves by 0.3, 0.3 and 1.5 g."""
    bench = Bench(RecordingSource(recording_of(np.zeros((50, 3)))))
    bench.begin()
    bench.wait_ticks(0)
    bench.write(0x2E, bits)
    bench.wait_ticks(1)
    assert [value for value, _ in bench.words(6)] == [0, 0, 0, *shift]


def test_the_thermometer_works_while_the_chip_measures(bench):
    """1885 counts at 25 degrees, 9.05 fewer a degree; in standby and with TEMP_OFF the last value stays."""

    def counts():
        return int.from_bytes(bench.read(0x06, 2))

    assert counts() == 0
    bench.chip.temperature_c = 25.0
    bench.begin()
    assert counts() == 1885
    bench.chip.temperature_c = -15.0
    assert counts() == 1885 + 362
    bench.chip.temperature_c = 45.0
    bench.write(0x2D, 0x01)
    bench.chip.temperature_c = 125.0
    assert counts() == 1885 - 181
    bench.write(0x2D, 0x02)
    assert counts() == 1885 - 181
    bench.write(0x2D, 0x00)
    assert counts() == 1885 - 905


def test_stuck_values_repeat_while_the_fifo_counts_on(bench):
    """A stuck chip gives one set again and again; switched off it goes on with the true ones."""
    bench.begin()
    bench.wait_ticks(9)
    bench.x_of_sets(1)
    bench.chip.faults.stuck = True
    assert bench.x_of_sets(2) + bench.x_of_sets(3) == [1] * 5
    assert bench.level() == 12
    bench.chip.faults.stuck = False
    assert bench.x_of_sets(4) == [6, 7, 8, 9]
    bench.chip.faults.stuck = True
    assert bench.words(2) == [EMPTY, EMPTY]
    bench.wait_ticks(1)
    assert bench.x_of_sets(1) == [10]


def test_another_identity(bench):
    """The first identity register can be another's, from the start or from now on."""
    assert Bench(Still(), identity=0x33).read(0x00, 3) == b"\x33\x1d\xed"
    bench.chip.faults.identity = 0x00
    assert bench.read(0x00, 3) == b"\x00\x1d\xed"


def test_a_source_that_ends_and_one_that_does_not(recording_of):
    """A recording is over when its last set was read; a still sensor never is."""
    bench = Bench(RecordingSource(recording_of(np.zeros((5, 3)))))
    bench.begin()
    bench.wait_ticks(50)
    assert not bench.chip.ended
    assert bench.level() == 15
    bench.words(15)
    assert bench.chip.ended
    still = Bench(Still())
    still.begin()
    still.clock.advance(10**11)
    assert not still.chip.ended
