"""The emulated LSM6DSOX at register level, without the driver: what a host must see."""

import os

import numpy as np
import pytest
from smbus2 import i2c_msg

from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.lsm6dsox import EmulatedLsm6dsox
from bedtick.firmware.emulator.chips.lsm6dsox_output import Output

TICK_NS = 10_000_000  # of the recordings used here
ON_2_G = 0x60  # CTRL1_XL: 416 Hz, 2 g
NO_ANSWER = os.strerror(121)


class Bench:
    """A chip on a bus, spoken to in registers."""

    def __init__(self, source, **options):
        self.clock = EmulatedClock()
        self.chip = EmulatedLsm6dsox(source, self.clock, **options)
        self.adapter = EmulatedAdapter({0x6A: self.chip}, self.clock, bus_hz=10**9, faults=self.chip.faults)

    def read(self, register, length=1):
        """Read registers."""
        message = i2c_msg.read(0x6A, length)
        self.adapter.i2c_rdwr(i2c_msg.write(0x6A, [register]), message)
        return bytes(message)

    def write(self, register, *values):
        """Write registers in a row."""
        self.adapter.i2c_rdwr(i2c_msg.write(0x6A, [register, *values]))

    def status(self):
        """Read the FIFO's level and its flags."""
        low, high = self.read(0x3A, 2)
        return (high & 0x03) << 8 | low, high & 0xF8

    def level(self):
        """Read the FIFO's level."""
        return self.status()[0]

    def words(self, count):
        """Read words in one burst; return their first bytes and their counts."""
        raw = np.frombuffer(self.read(0x78, 7 * count), dtype=[("tag", "u1"), ("counts", "<i2", (3,))])
        return raw["tag"].tolist(), raw["counts"].tolist()

    def pop(self):
        """Read one word as its count on x."""
        return self.words(1)[1][0][0]

    def begin(self, mode=6, ctrl1_xl=ON_2_G):
        """Batch every set, choose the FIFO's mode, then measure."""
        self.write(0x09, 0x0A)
        self.write(0x0A, mode)
        self.write(0x10, ctrl1_xl)

    def wait_ticks(self, ticks):
        """Let the recording tick so often; half a tick's margin."""
        began = self.chip._measuring._began_ns
        passed = (self.clock.boot_ns() - began) // TICK_NS
        self.clock.sleep_until(began + (passed + ticks) * TICK_NS + TICK_NS // 2)


@pytest.fixture
def fine_ramp(recording_of):
    """Return a recording whose row `k` is (k, -k, 16000) counts of 0.061 mg."""
    k = np.arange(2000.0)
    counts = np.stack((k, -k, np.full(2000, 16000.0)), axis=1)
    return RecordingSource(recording_of(counts * 0.061e-3))


@pytest.fixture
def bench(fine_ramp):
    """Return a bench whose chip feels the ramp."""
    return Bench(fine_ramp)


def test_power_up_values(bench):
    """After power-up every register holds its reset value and nothing is measured."""
    assert bench.read(0x0F) == b"\x6c"
    assert bench.read(0x07, 8) == bytes(8)
    assert bench.read(0x10, 10) == b"\x00\x00\x04\x00\x00\x00\x00\x00\xe0\x00"
    bench.clock.advance(10**9)
    assert bench.status() == (0, 0x80)  # a threshold of 0 is always reached


def test_read_only_registers_keep_their_values(bench):
    """Writing identity, status, temperature or the FIFO's output changes nothing."""
    registers = (0x0F, 0x1E, 0x20, 0x3A, 0x63, 0x78)
    before = [bench.read(register) for register in registers]
    for register in registers:
        bench.write(register, 0x55)
    assert [bench.read(register) for register in registers] == before


def test_the_pointer_moves_on_by_itself_unless_told_not_to(bench):
    """Bursts go on from the pointer; without IF_INC they stay at one register."""
    bench.write(0x07, 1, 0, 3)
    assert bench.read(0x06, 5) == bytes((0, 1, 0, 3, 0))
    bench.write(0x12, 0x00)
    assert bench.read(0x07, 3) == b"\x01\x01\x01"


def test_a_word_tells_what_it_is(bench):
    """The first byte holds the accelerometer's number, a count of two bits and even parity."""
    bench.begin()
    bench.wait_ticks(5)
    tags, counts = bench.words(6)
    assert [tag >> 3 for tag in tags] == [2] * 6
    assert [tag >> 1 & 0x03 for tag in tags] == [0, 1, 2, 3, 0, 1]
    assert [tag.bit_count() % 2 for tag in tags] == [0] * 6
    assert counts == [[k, -k, 16000] for k in range(6)]


@pytest.mark.parametrize("lengths", [[7] * 20, [140], [1] * 140, [3, 4] * 20, [5, 9] * 10, [6, 1, 70, 63]])
def test_reads_of_any_length_give_the_same_bytes(fine_ramp, lengths):
    """After the last byte of a word comes the first of the next, within a read and from read to read."""
    bench = Bench(fine_ramp)
    bench.begin()
    bench.wait_ticks(30)
    whole = Output(ON_2_G).encode(fine_ramp.acceleration_g(0, 20, 100.0), None)
    got = bench.read(0x78, lengths[0])
    for length in lengths[1:]:
        message = i2c_msg.read(0x6A, length)
        bench.adapter.i2c_rdwr(message)
        got += bytes(message)
    assert got == whole
    assert bench.level() == 11


def test_a_word_leaves_with_its_last_byte(bench):
    """Reading the beginning of a word, even again and again, does not remove it."""
    bench.begin()
    bench.wait_ticks(2)
    assert [bench.read(0x79, 2) for _ in range(3)] == [b"\x00\x00"] * 3
    assert bench.level() == 3
    bench.read(0x7E)
    assert bench.level() == 2
    assert bench.read(0x79) == b"\x01"


def test_an_empty_fifo_gives_zeros(bench):
    """What is read beyond the last word has no sensor's number, and the level stays 0."""
    bench.begin()
    bench.wait_ticks(1)
    tags, _ = bench.words(4)
    assert [tag >> 3 for tag in tags] == [2, 2, 0, 0]
    assert bench.read(0x78, 3) == bytes(3)
    assert bench.level() == 0


def test_no_more_is_taken_than_there_is(bench):
    """The FIFO behind the registers gives the words it has, whatever it is asked for."""
    bench.begin()
    bench.wait_ticks(2)
    assert bench.level() == 3
    assert [len(bench.chip._measuring.fifo.take(count)) for count in (2, 9, 9)] == [14, 7, 0]


def test_continuous_mode_keeps_the_newest_512(bench):
    """When full, the oldest words are lost, word by word: the axes stay where they are."""
    bench.begin()
    bench.wait_ticks(699)
    level, flags = bench.status()
    assert (level, flags) == (512, 0xE8)
    _, counts = bench.words(512)
    assert counts == [[k, -k, 16000] for k in range(188, 700)]
    assert bench.status() == (0, 0x80)


def test_fifo_mode_keeps_the_oldest(bench):
    """In FIFO mode what comes when it is full is lost."""
    bench.begin(mode=1)
    bench.wait_ticks(699)
    assert [counts[0] for counts in bench.words(512)[1]] == list(range(512))


def test_the_flags_follow_the_level(bench):
    """Threshold, nearly full and full are told by the level alone."""
    bench.write(0x07, 0x2C, 0x01)  # a threshold of 300 words
    bench.begin()
    seen = []
    for ticks in (298, 1, 210, 1, 1):
        bench.wait_ticks(ticks)
        seen.append(bench.status())
    assert seen == [(299, 0), (300, 0x80), (510, 0x80), (511, 0xA0), (512, 0xE0)]


def test_the_latched_overrun_is_cleared_by_reading_it(bench):
    """A loss stays visible after the words were read, until FIFO_STATUS2 is."""
    bench.begin()
    bench.wait_ticks(600)
    bench.words(512)
    assert bench.read(0x3A) == b"\x00"
    assert bench.status() == (0, 0x88)
    assert bench.status() == (0, 0x80)


def test_words_that_are_read_make_room_for_those_that_come_meanwhile(fine_ramp):
    """With the FIFO full, a long read that takes several ticks loses nothing."""
    bench = Bench(fine_ramp)
    bench.adapter._bit_ns = 1e9 / 100_000
    bench.begin()
    bench.wait_ticks(511)
    assert bench.level() == 512
    numbers = [counts[0] for counts in bench.words(64)[1]]
    assert bench.status() == (452, 0x80)  # four ticks in the 41 ms of the read
    numbers += [counts[0] for counts in bench.words(400)[1]]
    assert numbers == list(range(464))


def test_bypass_empties_the_fifo_and_holds_nothing(bench):
    """Going to bypass drops what waits; leaving it begins with an empty FIFO."""
    bench.begin()
    bench.wait_ticks(4)
    bench.write(0x0A, 0)
    bench.wait_ticks(4)
    assert bench.level() == 0
    assert bench.words(1)[0] == [0]
    bench.write(0x0A, 6)
    assert bench.level() == 0
    bench.wait_ticks(2)
    assert [bench.pop() for _ in range(2)] == [9, 10]


def test_power_down_keeps_what_waits(bench):
    """Switched off, the accelerometer adds nothing and the words stay."""
    bench.begin()
    bench.wait_ticks(4)
    bench.write(0x10, 0x00)
    bench.wait_ticks(20)
    assert bench.level() == 5
    bench.write(0x10, ON_2_G)
    bench.wait_ticks(2)
    assert [bench.pop() for _ in range(7)] == [0, 1, 2, 3, 4, 25, 26]


def test_nothing_is_batched_without_a_batch_rate(bench):
    """A measuring chip whose FIFO_CTRL3 is 0 leaves its FIFO empty."""
    bench.write(0x0A, 6)
    bench.write(0x10, ON_2_G)
    bench.clock.advance(10**9)
    assert bench.level() == 0


def test_a_reset_brings_the_reset_values_back(bench):
    """SW_RESET puts every setting back, for which it takes 50 us, and reads as 1 until then."""
    bench.write(0x07, 5)
    bench.write(0x10, ON_2_G)
    bench.write(0x12, 0x45)
    assert bench.read(0x12) == b"\x05"
    bench.write(0x07, 9)
    bench.clock.advance(50_000)
    assert (bench.read(0x12), bench.read(0x07), bench.read(0x10)) == (b"\x04", b"\x00", b"\x00")


def test_what_is_written_while_it_boots_is_lost(bench):
    """BOOT takes 10 ms and reads as 1; the settings from before it stay."""
    bench.write(0x07, 5)
    bench.write(0x12, 0x84)
    bench.write(0x07, 9)
    assert bench.read(0x12) == b"\x84"
    bench.clock.advance(10_000_000)
    assert (bench.read(0x12), bench.read(0x07)) == (b"\x04", b"\x05")
    bench.write(0x07, 9)
    assert bench.read(0x07) == b"\x09"


def test_a_reset_with_words_coming_in_is_not_acknowledged(bench):
    """The reset fails and does nothing; with the FIFO in bypass it works."""
    bench.begin()
    with pytest.raises(OSError, match=NO_ANSWER):
        bench.write(0x12, 0x05)
    assert bench.read(0x10) == bytes((ON_2_G,))
    bench.write(0x0A, 0)
    bench.write(0x12, 0x05)
    assert bench.read(0x10) == b"\x00"


@pytest.mark.parametrize(("int1_ctrl", "ticks"), [(0x01, 1), (0x08, 3), (0x10, 512), (0x20, 511)])
def test_a_reset_while_int1_is_high_leaves_a_chip_that_does_not_answer(bench, int1_ctrl, ticks):
    """Data ready, threshold, full or overrun on INT1: only taking the power away helps."""
    bench.write(0x07, 3)
    bench.write(0x0D, int1_ctrl)
    bench.begin()
    bench.wait_ticks(ticks)
    bench.write(0x12, 0x05)
    with pytest.raises(OSError, match=NO_ANSWER):
        bench.read(0x0F)
    with pytest.raises(OSError, match=NO_ANSWER):
        bench.write(0x12, 0x05)
    bench.chip.lose_power()
    assert bench.read(0x0F) == b"\x6c"


def test_lost_power_resets_everything(bench):
    """After a loss of power the chip is off with reset values and an empty FIFO."""
    bench.begin()
    bench.wait_ticks(600)
    bench.chip.lose_power()
    assert bench.read(0x09, 8) == b"\x00\x00\x00\x00\x00\x00\x6c\x00"
    bench.wait_ticks(5)
    assert bench.status() == (0, 0x80)


def test_an_open_bank_hides_the_registers(bench):
    """While a bank of the embedded functions is open, nothing but FUNC_CFG_ACCESS is reached."""
    bench.write(0x01, 0x80)
    bench.write(0x07, 5)
    assert (bench.read(0x0F), bench.read(0x01)) == (b"\x00", b"\x80")
    bench.write(0x01, 0x00)
    assert (bench.read(0x0F), bench.read(0x07)) == (b"\x6c", b"\x00")


@pytest.mark.parametrize(
    ("code", "rate_hz"), [(1, 12.5), (3, 52), (4, 104), (5, 208), (6, 416), (7, 833), (10, 6667), (11, 1.6)]
)
@pytest.mark.parametrize("rate_error", [0.0, 0.05, -0.031])
def test_the_rate_follows_the_setting_and_its_error(code, rate_hz, rate_error):
    """The number of words in a time is the nominal rate with the oscillator's error."""
    bench = Bench(Still(), rate_error=rate_error)
    bench.begin(ctrl1_xl=code << 4)
    words = 0
    for _ in range(200):
        bench.clock.advance(50_000_000)
        level = bench.level()
        passed_s = (bench.clock.boot_ns() - bench.chip._measuring._began_ns) / 1e9
        bench.words(max(level, 1))
        words += level
    assert abs(words - passed_s * rate_hz * (1 + rate_error)) <= 1


@pytest.mark.parametrize(("batch", "rate_hz"), [(4, 104), (6, 416), (7, 416)])
def test_the_batch_rate_is_at_most_the_accelerometer_s(batch, rate_hz):
    """FIFO_CTRL3 may ask for fewer words than there are sets, not for more."""
    assert Output(ON_2_G, fifo_ctrl3=batch).rate_hz == rate_hz


@pytest.mark.parametrize(("rate_error", "steps"), [(0.0, 0), (0.03, 20), (-0.0046, -3), (0.5, 127)])
def test_the_chip_tells_its_rate_error(rate_error, steps):
    """INTERNAL_FREQ_FINE holds it in steps of 0.15 %, signed."""
    bench = Bench(Still(), rate_error=rate_error)
    assert int.from_bytes(bench.read(0x63), signed=True) == steps


@pytest.mark.parametrize(
    ("ctrl1_xl", "acc_g", "counts"),
    [
        (0x40, 1.0, 16393),
        (0x48, 1.0, 8197),
        (0x4C, 1.0, 4098),
        (0x44, 1.0, 2049),
        (0x40, 2.1, 32767),
        (0x48, -4.1, -32768),
        (0x44, 15.9, 32582),
    ],
)
def test_scale_and_clipping(ctrl1_xl, acc_g, counts):
    """Counts follow the range, whose codes are 0, 2, 3, 1 for 2, 4, 8, 16 g, and clip at 16 bits."""
    word = Output(ctrl1_xl).encode(np.full((1, 3), acc_g), None)
    assert np.frombuffer(word[1:], dtype="<i2").tolist() == [counts] * 3


@pytest.mark.parametrize(
    ("ctrl1_xl", "ctrl6_c", "noise_mg"),
    [(0x40, 0, 0.505), (0x68, 0, 1.082), (0x74, 0, 2.249), (0x40, 0x10, 1.8), (0x74, 0x10, 3.0)],
)
def test_noise_depends_on_mode_rate_and_range(ctrl1_xl, ctrl6_c, noise_mg):
    """High performance: a density over half the rate; low power: so much at any rate."""
    words = Output(ctrl1_xl, ctrl6_c=ctrl6_c).encode(np.zeros((100_000, 3)), np.random.default_rng(3))
    raw = np.frombuffer(words, dtype=[("tag", "u1"), ("counts", "<i2", (3,))])
    step_mg = {0x40: 0.061, 0x68: 0.122, 0x74: 0.488}[ctrl1_xl]
    assert raw["counts"].std(axis=0) * step_mg == pytest.approx(noise_mg, rel=0.02)


@pytest.mark.parametrize(("ctrl5_c", "sign"), [(0, 0), (1, 1), (2, -1)])
def test_the_self_test_bits_push_the_proof_mass(ctrl5_c, sign):
    """The output moves by what the data sheet allows, to the side that the bits say."""
    still = np.zeros((1, 3))
    word = Output(0x38, ctrl5_c=ctrl5_c).encode(still, None)
    shift_mg = np.frombuffer(word[1:], dtype="<i2") * 0.122 * sign
    assert ((shift_mg > 50) & (shift_mg < 1700)).all() if sign else not shift_mg.any()
    assert not still.any()


def test_the_thermometer_runs_with_the_accelerometer():
    """It shows 25 degrees at first, the true value a 52nd of a second after the start, then the last one."""
    bench = Bench(Still())
    bench.chip.temperature_c = -3.5

    def shown_c():
        return 25 + int.from_bytes(bench.read(0x20, 2), "little", signed=True) / 256

    bench.clock.advance(10**9)
    assert shown_c() == 25.0
    bench.write(0x10, ON_2_G)
    bench.clock.advance(15_000_000)
    assert shown_c() == 25.0
    bench.clock.advance(5_000_000)
    assert shown_c() == -3.5
    bench.chip.temperature_c = 30.25
    bench.write(0x10, 0x00)
    bench.chip.temperature_c = 60.0
    bench.clock.advance(10**9)
    assert shown_c() == 30.25


def test_a_still_sensor_never_ends_and_a_recording_does(bench):
    """A recording is over when its last word was read or lost."""
    endless = Bench(Still())
    endless.begin()
    endless.clock.advance(10**12)
    assert not endless.chip.ended
    bench.begin()
    bench.wait_ticks(2000)
    assert not bench.chip.ended
    assert bench.words(512)[1][-1][0] == 1999
    assert bench.chip.ended


def test_the_same_seed_gives_the_same_noise(fine_ramp):
    """Noise repeats with its seed; a recording gets none."""

    def words(source, seed):
        bench = Bench(source, seed=seed)
        bench.begin()
        bench.clock.advance(10**9)
        return bench.words(20)

    assert words(Still(), 1) == words(Still(), 1)
    assert words(Still(), 1) != words(Still(), 2)
    assert words(fine_ramp, 1) == words(fine_ramp, 2)


def test_a_short_read_loses_its_words_and_a_nack_does_not(bench):
    """A transfer that breaks off has taken its words; one that nobody answered has not."""
    bench.begin()
    bench.wait_ticks(9)
    bench.chip.faults.nack_next()
    with pytest.raises(OSError, match=NO_ANSWER):
        bench.words(3)
    bench.chip.faults.short_read_next()
    with pytest.raises(OSError, match=os.strerror(5)):
        bench.words(3)
    assert bench.pop() == 3


def test_stuck_values_repeat_while_the_fifo_counts_on(bench):
    """A stuck chip gives one set again and again; switched off it goes on with the true ones."""
    bench.begin()
    bench.wait_ticks(9)
    bench.chip.faults.stuck = True
    assert [counts[0] for counts in bench.words(3)[1]] == [0, 0, 0]
    assert bench.pop() == 0
    assert bench.level() == 6
    bench.chip.faults.stuck = False
    assert bench.pop() == 4


def test_another_identity(bench):
    """The identity can be another's, from the start or from now on."""
    assert Bench(Still(), identity=0x69).read(0x0F) == b"\x69"
    bench.chip.faults.identity = 0x00
    assert bench.read(0x0F) == b"\x00"
