"""The emulated LIS3DH at register level, without the driver: what the data sheet says a host must see."""

import numpy as np
import pytest
from smbus2 import i2c_msg

from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.lis3dh import EmulatedLis3dh
from bedtick.firmware.emulator.chips.lis3dh_output import Output

ADDRESS = 0x18
TICK_NS = 10_000_000  # of the ramp, and of the chip's 100 Hz
STREAM, BYPASS, FIFO = 0x80, 0x00, 0x40


class Bench:
    """A chip on a bus, spoken to in registers; `several` sets bit 7 of the register address."""

    def __init__(self, source, **options):
        self.clock = EmulatedClock()
        self.chip = EmulatedLis3dh(source, self.clock, **options)
        self.adapter = EmulatedAdapter(
            {ADDRESS: self.chip}, self.clock, bus_hz=10**9, faults=self.chip.faults
        )

    def read(self, register, length=1, *, several=True):
        """Read registers."""
        message = i2c_msg.read(ADDRESS, length)
        pointer = register | 0x80 if several else register
        self.adapter.i2c_rdwr(i2c_msg.write(ADDRESS, [pointer]), message)
        return bytes(message)

    def write(self, register, *values):
        """Write registers from one on."""
        self.adapter.i2c_rdwr(i2c_msg.write(ADDRESS, [register | 0x80, *values]))

    def begin(self, fifo_ctrl=STREAM, ctrl1=0x57, ctrl4=0x80):
        """Turn the FIFO on and measure."""
        self.write(0x24, 0x40)
        self.write(0x23, ctrl4)
        self.write(0x2E, fifo_ctrl)
        self.write(0x20, ctrl1)

    def state(self):
        """Read FIFO_SRC_REG as watermark, full, empty, level."""
        value = self.read(0x2F)[0]
        return value >> 7, value >> 6 & 1, value >> 5 & 1, value & 0x1F

    def level(self):
        """Read the level that FIFO_SRC_REG shows."""
        return self.state()[3]

    def pop(self, sets=1):
        """Read sets in one go, as rows of counts of 10 bits."""
        return (np.frombuffer(self.read(0x28, 6 * sets), dtype="<i2") >> 6).reshape(-1, 3).tolist()

    def wait_ticks(self, ticks):
        """Let the oscillator tick so often; half a tick's margin."""
        began = self.chip._measuring._began_ns
        passed = (self.clock.boot_ns() - began) // TICK_NS
        self.clock.sleep_until(began + (passed + ticks) * TICK_NS + TICK_NS // 2)


@pytest.fixture
def bench(recording_of):
    """Return a bench whose chip feels a ramp: tick k is (k, -k, 250) counts of 4 mg."""
    k = np.arange(400.0)
    return Bench(RecordingSource(recording_of(np.stack((k, -k, np.full(400, 250.0)), axis=1) * 0.004)))


def encoded(acc_g, ctrl1=0x57, ctrl4=0x80, *, through_fifo=True):
    """Return the words that one acceleration on all axes becomes."""
    output = Output(ctrl1, ctrl4, through_fifo)
    return np.frombuffer(output.encode(np.full((1, 3), acc_g), None), dtype="<i2").tolist()


def test_power_up_values(bench):
    """After power-up the chip is in power-down, its FIFO off and empty, and nothing is measured."""
    assert bench.read(0x0F) == b"\x33"
    assert bench.read(0x1F) == b"\x00"
    assert bench.read(0x20)[0] >> 4 == 0
    assert bench.read(0x21, 6) == bytes(6)
    assert bench.read(0x2E) == b"\x00"
    assert bench.read(0x30, 16) == bytes(16)
    bench.clock.advance(10**9)
    assert bench.state()[2:] == (1, 0)


def test_read_only_registers_keep_their_values(bench):
    """Writing identity, status or data registers changes nothing."""
    registers = (0x07, 0x0C, 0x0F, 0x27, 0x28, 0x2D, 0x2F, 0x31)
    before = [bench.read(register) for register in registers]
    for register in registers:
        bench.write(register, 0x55)
    assert [bench.read(register) for register in registers] == before


def test_the_pointer_moves_on_only_where_bit_7_says_so(bench):
    """With bit 7 a burst goes through the registers; without it stays where it is, reading and writing."""
    bench.write(0x32, 1, 2)
    assert bench.read(0x32, 2) == b"\x01\x02"
    assert bench.read(0x32, 3, several=False) == b"\x01\x01\x01"
    bench.adapter.i2c_rdwr(i2c_msg.write(ADDRESS, [0x3A, 7, 8]))
    assert bench.read(0x3A, 2) == b"\x08\x00"


def test_the_pointer_goes_on_where_it_was(bench):
    """A read without a register address continues after the one before."""
    bench.write(0x3A, 1, 2, 3)
    bench.read(0x3A, 2)
    message = i2c_msg.read(ADDRESS, 1)
    bench.adapter.i2c_rdwr(message)
    assert bytes(message) == b"\x03"


def test_one_long_read_brings_all_sets(bench):
    """The pointer goes back from 0x2D to 0x28, and each round is the next set, oldest first."""
    bench.begin()
    bench.wait_ticks(9)
    assert bench.level() == 10
    assert bench.pop(7) == [[k, -k, 250] for k in range(7)]
    assert bench.pop(3) == [[k, -k, 250] for k in range(7, 10)]
    assert bench.state()[2:] == (1, 0)


def test_reading_on_behind_the_data_does_not_reach_the_fifo_registers(bench):
    """A burst that begins before the data meets the wrap; 0x2E follows 0x2D only while the FIFO is off."""
    bench.begin()
    bench.wait_ticks(3)
    burst = bench.read(0x27, 13)
    assert np.frombuffer(burst[1:], dtype="<i2")[[0, 3]].tolist() == [0, 1 << 6]
    bench.write(0x24, 0x00)
    assert bench.read(0x28, 12)[6] == STREAM


def test_without_bit_7_a_read_of_data_stays_on_one_byte(bench):
    """A host that forgets the bit reads the same byte again and again."""
    bench.begin()
    bench.wait_ticks(9)
    assert len(set(bench.read(0x2C, 6, several=False))) == 1


def test_what_is_left_of_a_partly_read_set_is_lost(bench):
    """A read that ends within a set takes that set out."""
    bench.begin()
    bench.wait_ticks(9)
    assert np.frombuffer(bench.read(0x28, 8), dtype="<i2")[[0, 3]].tolist() == [0, 1 << 6]
    assert bench.pop() == [[2, -2, 250]]


def test_the_quick_read_equals_the_general_one(recording_of):
    """Sets read from 0x28 are those that a burst from 0x27 reaches behind the status."""
    acc_g = np.random.default_rng(2).uniform(-2, 2, (300, 3))
    quick, general = (Bench(RecordingSource(recording_of(acc_g))) for _ in range(2))
    for bench in (quick, general):
        bench.begin()
        bench.wait_ticks(40)
    for sets in (1, 5, 26, 3):
        assert quick.read(0x28, 6 * sets) == general.read(0x27, 1 + 6 * sets)[1:]
    assert quick.state() == general.state()


def test_an_empty_fifo_repeats_the_latest_set(bench):
    """Reading more than there is gives the last set again."""
    bench.begin()
    bench.wait_ticks(1)
    assert [x for x, _, _ in bench.pop(4)] == [0, 1, 1, 1]
    assert bench.pop()[0][0] == 1


def test_the_level_stops_at_31_and_the_32nd_set_shows_as_full(bench):
    """31, then 31 and full with nothing lost, then the oldest is overwritten, set by set."""
    bench.begin()
    bench.wait_ticks(30)
    assert bench.state()[1:] == (0, 0, 31)
    bench.wait_ticks(1)
    assert bench.state()[1:] == (1, 0, 31)
    bench.wait_ticks(3)
    assert bench.state()[1:] == (1, 0, 31)
    assert [x for x, _, _ in bench.pop(32)] == list(range(3, 35))


def test_full_is_cleared_by_reading_a_set_and_not_by_looking(bench):
    """Reading FIFO_SRC_REG leaves the flag; the first set read clears it."""
    bench.begin()
    bench.wait_ticks(50)
    assert [bench.state()[1] for _ in range(2)] == [1, 1]
    bench.pop()
    assert bench.state()[1:] == (0, 0, 31)


def test_fifo_mode_keeps_the_oldest(bench):
    """When full, FIFO mode drops what comes."""
    bench.begin(FIFO)
    bench.wait_ticks(59)
    assert [x for x, _, _ in bench.pop(32)] == list(range(32))


def test_the_watermark_comes_with_a_set_and_goes_with_a_read(bench):
    """At the threshold the flag is up when the last thing was a new set, and down when it was a read."""
    bench.begin(STREAM | 5)
    bench.wait_ticks(3)
    assert bench.state() == (0, 0, 0, 4)
    bench.wait_ticks(1)
    assert bench.state() == (1, 0, 0, 5)
    bench.wait_ticks(1)
    bench.pop()
    assert bench.state() == (0, 0, 0, 5)
    bench.wait_ticks(1)
    assert bench.state() == (1, 0, 0, 6)
    bench.pop()
    bench.write(0x2E, BYPASS, STREAM | 5)
    bench.write(0x2E, STREAM | 5)
    bench.wait_ticks(5)
    assert bench.state() == (1, 0, 0, 5)


def test_bypass_empties_the_fifo(bench):
    """Going to bypass and back drops what waited; so does turning the FIFO off."""
    for register, off, on in ((0x2E, BYPASS, STREAM), (0x24, 0x00, 0x40)):
        bench.begin()
        bench.wait_ticks(40)
        bench.write(register, off)
        bench.write(register, on)
        assert bench.state()[1:] == (0, 1, 0)
        assert bench.read(0x27)[0] & 0x88 == 0
        bench.wait_ticks(2)
        assert bench.level() == 2


def test_without_the_fifo_the_newest_set_is_read(bench):
    """In bypass, or with the FIFO off, the level stays 0, and the status tells new and overwritten sets."""
    bench.begin(BYPASS)
    bench.wait_ticks(7)
    assert bench.level() == 0
    assert bench.read(0x27)[0] & 0x88 == 0x88
    assert bench.pop()[0][0] == 7
    assert bench.read(0x27)[0] & 0x88 == 0x00
    bench.wait_ticks(1)
    assert bench.read(0x27)[0] & 0x88 == 0x08


def test_12_bits_are_to_be_had_without_the_fifo_only(recording_of):
    """With 12 bits chosen, the FIFO keeps the 10 highest: counts that are multiples of 4."""
    acc_g = np.stack((np.arange(30), -np.arange(30), np.full(30, 999)), axis=1) / 1000
    for fifo_ctrl, step in ((BYPASS, 1), (STREAM, 4)):
        bench = Bench(RecordingSource(recording_of(acc_g)))
        bench.begin(fifo_ctrl, ctrl4=0x88)
        sets = []
        for _ in range(29):
            bench.wait_ticks(1)
            sets.append((np.frombuffer(bench.read(0x28, 6), dtype="<i2") >> 4).tolist())
        wanted = [[k // step * step, -k // step * step, 999 // step * step] for k in range(30)]
        assert sets == (wanted[1:] if fifo_ctrl == BYPASS else wanted[:29])


def test_power_down_keeps_what_waits_and_measures_nothing(bench):
    """Sets from before stay readable, and what happens meanwhile is not measured."""
    bench.begin()
    bench.wait_ticks(1)
    bench.write(0x20, 0x07)
    bench.wait_ticks(20)
    assert bench.level() == 2
    bench.write(0x20, 0x57)
    bench.wait_ticks(2)
    assert [x for x, _, _ in bench.pop(4)] == [0, 1, 22, 23]


def test_lost_power_resets_everything(bench):
    """After a loss of power the chip is in power-down with reset values and an empty FIFO."""
    bench.write(0x1F, 0xC0)
    bench.begin()
    bench.wait_ticks(5)
    assert bench.read(0x0C, 2) != bytes(2)
    bench.chip.lose_power()
    assert bench.read(0x0C, 2) == bytes(2)
    assert bench.read(0x20)[0] >> 4 == 0
    assert bench.read(0x23, 2) + bench.read(0x2E) == bytes(3)
    bench.wait_ticks(5)
    assert bench.state()[1:] == (0, 1, 0)


def test_booting_takes_5_ms_and_keeps_the_settings(bench):
    """The bit clears itself after 5 ms; other registers stay as they are."""
    bench.write(0x22, 0x04)
    bench.write(0x24, 0xC0)
    bench.clock.advance(4_900_000)
    assert bench.read(0x24) == b"\xc0"
    bench.clock.advance(200_000)
    assert bench.read(0x24) == b"\x40"
    assert bench.read(0x22) == b"\x04"


@pytest.mark.parametrize(
    ("ctrl1", "rate_hz"),
    [(0x27, 10), (0x47, 50), (0x57, 100), (0x67, 200), (0x77, 400), (0x97, 1344), (0x8F, 1620), (0x9F, 5376)],
)
@pytest.mark.parametrize("rate_error", [0.0, 0.05, -0.031])
def test_the_rate_follows_the_setting_and_its_error(ctrl1, rate_hz, rate_error):
    """The number of ticks in the time is that of the nominal rate with the oscillator's error."""
    bench = Bench(Still(), rate_error=rate_error)
    bench.begin(ctrl1=ctrl1)
    began_ns, ticks = bench.chip._measuring._began_ns, 0
    for _ in range(200):
        bench.clock.advance(5_000_000)
        level = bench.level()
        passed_s = (bench.clock.boot_ns() - began_ns) * 1e-9
        bench.pop(level) if level else None
        ticks += level
    assert abs(ticks - passed_s * rate_hz * (1 + rate_error)) < 1.1


def test_a_code_that_the_mode_lacks_measures_nothing():
    """1620 Hz is of the low-power mode only."""
    bench = Bench(Still())
    bench.begin(ctrl1=0x87)
    bench.clock.advance(10**9)
    assert bench.state()[2:] == (1, 0)


@pytest.mark.parametrize(
    ("ctrl1", "ctrl4", "acc_g", "counts", "bits"),
    [
        (0x57, 0x80, 1.0, 250, 10),
        (0x57, 0x90, 1.0, 125, 10),
        (0x57, 0xA0, -1.0, -62, 10),
        (0x57, 0xB0, 1.0, 21, 10),
        (0x57, 0x80, 3.0, 511, 10),
        (0x57, 0x80, -3.0, -512, 10),
        (0x57, 0x88, 1.0, 1000, 12),
        (0x57, 0xB8, 1.0, 83, 12),
        (0x5F, 0x80, 1.0, 62, 8),
        (0x5F, 0x80, 9.0, 127, 8),
    ],
)
def test_scale_and_clipping(ctrl1, ctrl4, acc_g, counts, bits):
    """Counts follow range and mode, clip at the converter's ends and stand at the left of 16 bits."""
    assert encoded(acc_g, ctrl1, ctrl4, through_fifo=False) == [counts << (16 - bits)] * 3


def test_axes_that_are_off_read_0_and_bytes_may_change_places():
    """Each axis has its bit; with BLE the high byte comes first."""
    assert encoded(1.0, ctrl1=0x52) == [0, 250 << 6, 0]
    assert np.array(encoded(1.0, ctrl4=0xC0), dtype="<i2").byteswap().tolist() == [250 << 6] * 3


@pytest.mark.parametrize(("mode", "direction"), [(0, 0), (1, 1), (2, -1)])
def test_the_self_test_bits_push_the_proof_mass(mode, direction):
    """With the bits set every axis moves by what the data sheet allows: 17 to 360 counts."""
    shift = encoded(0.0, ctrl4=0x80 | mode << 1)[0] >> 6
    assert np.sign(shift) == direction
    assert mode == 0 or 17 <= abs(shift) <= 360


@pytest.mark.parametrize(
    ("ctrl1", "ctrl4", "bandwidth_hz", "step_mg"), [(0x57, 0x80, 50, 4), (0x77, 0x88, 400 / 9, 1)]
)
def test_noise_has_its_density_over_the_bandwidth(ctrl1, ctrl4, bandwidth_hz, step_mg):
    """The noise is 220 micro-g per root hertz over half the rate, with 12 bits a ninth, plus rounding."""
    acc_g = np.random.default_rng(1).uniform(0, 0.016, (200_000, 3))
    words = Output(ctrl1, ctrl4, through_fifo=False).encode(acc_g.copy(), np.random.default_rng(3))
    noise_mg = np.frombuffer(words, dtype="<i2").reshape(-1, 3) / 64 * 4 - acc_g * 1000
    expected_mg = np.sqrt(0.22**2 * bandwidth_hz + step_mg**2 / 12)
    assert noise_mg.std(axis=0) == pytest.approx(expected_mg, rel=0.02)


def test_the_same_seed_has_the_same_noise():
    """Noise repeats with its seed."""

    def sets(seed):
        bench = Bench(Still(), seed=seed)
        bench.begin()
        bench.wait_ticks(30)
        return bench.pop(30)

    assert sets(1) == sets(1)
    assert sets(1) != sets(2)


@pytest.mark.parametrize(("celsius", "raw"), [(25.0, 0), (31.0, 24), (-4.75, -119)])
def test_the_thermometer_counts_quarters_from_25_degrees(celsius, raw):
    """Left-justified, 10 bits, taken while the chip measures."""
    bench = Bench(Still())
    bench.write(0x1F, 0xC0)
    bench.begin()
    bench.chip.temperature_c = celsius
    bench.wait_ticks(1)
    assert int.from_bytes(bench.read(0x0C, 2), "little", signed=True) == raw << 6


@pytest.mark.parametrize(
    ("temp_cfg", "ctrl1", "ctrl4"), [(0x00, 0x57, 0x80), (0xC0, 0x07, 0x80), (0xC0, 0x57, 0x00)]
)
def test_the_thermometer_rests_unless_all_is_on(temp_cfg, ctrl1, ctrl4):
    """Off, in power-down or without block update, there is no value."""
    bench = Bench(Still())
    bench.write(0x1F, temp_cfg)
    bench.begin(ctrl1=ctrl1, ctrl4=ctrl4)
    bench.clock.advance(10**9)
    assert bench.read(0x0C, 2) == b"\x00\x00"


def test_the_first_temperature_comes_with_the_first_set():
    """Woken, the thermometer shows its old value for one interval."""
    bench = Bench(Still())
    bench.write(0x1F, 0xC0)
    bench.begin()
    bench.clock.advance(TICK_NS - 100_000)
    assert bench.read(0x0C, 2) == b"\x00\x00"
    bench.clock.advance(100_000)
    assert bench.read(0x0C, 2) != b"\x00\x00"


def test_in_power_down_the_last_temperature_stays(bench):
    """A chip at rest shows the temperature of when it went to rest."""
    bench.write(0x1F, 0xC0)
    bench.begin()
    bench.chip.temperature_c = 30.0
    bench.wait_ticks(1)
    bench.write(0x20, 0x07)
    bench.chip.temperature_c = 10.0
    assert int.from_bytes(bench.read(0x0C, 2), "little", signed=True) == 20 << 6


def test_stuck_values_repeat_while_the_fifo_counts_on(bench):
    """A stuck chip gives one set again and again; switched off it goes on with the true ones."""
    bench.begin()
    bench.wait_ticks(9)
    bench.pop()
    bench.chip.faults.stuck = True
    assert [x for x, _, _ in bench.pop(2) + bench.pop()] == [1, 1, 1]
    assert bench.level() == 6
    bench.chip.faults.stuck = False
    assert bench.pop()[0][0] == 4
    bench.chip.faults.stuck = True
    assert [x for x, _, _ in bench.pop(3)] == [5, 5, 5]


def test_another_identity(bench):
    """The identity can be another's, from the start or from now on."""
    assert Bench(Still(), identity=0x44).read(0x0F) == b"\x44"
    bench.chip.faults.identity = 0x00
    assert bench.read(0x0F) == b"\x00"


def test_a_recording_ends_when_its_last_set_is_read(recording_of):
    """A gap stops the oscillator, and the end is known once every set was read."""
    acc_g = np.arange(12.0).reshape(4, 3) * 0.004
    bench = Bench(RecordingSource(recording_of(acc_g, t_s=np.array((0.0, 0.01, 0.02, 2.0)))))
    bench.begin(ctrl1=0x77)
    bench.clock.advance(1_900_000_000)
    assert bench.level() == 3
    bench.clock.advance(100_100_000)
    assert not bench.chip.ended
    assert bench.pop(4) == np.arange(12).reshape(4, 3).tolist()
    assert bench.chip.ended
