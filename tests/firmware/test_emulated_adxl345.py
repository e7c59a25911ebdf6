"""The emulated ADXL345 at register level, without the driver: what the data sheet says a host must see."""

import errno
import os

import numpy as np
import pytest
from smbus2 import i2c_msg

from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.adxl345 import EmulatedAdxl345
from bedtick.firmware.emulator.chips.adxl345_output import Output

TICK_NS = 10_000_000  # of the recordings used here, and of the chip's 100 Hz


class Bench:
    """A chip on a bus, spoken to in registers."""

    def __init__(self, source, **options):
        self.clock = EmulatedClock()
        self.chip = EmulatedAdxl345(source, self.clock, **options)
        self.adapter = EmulatedAdapter({0x53: self.chip}, self.clock, bus_hz=10**9, faults=self.chip.faults)

    def read(self, register, length=1):
        """Read registers."""
        message = i2c_msg.read(0x53, length)
        self.adapter.i2c_rdwr(i2c_msg.write(0x53, [register]), message)
        return bytes(message)

    def write(self, register, value):
        """Write one register."""
        self.adapter.i2c_rdwr(i2c_msg.write(0x53, [register, value]))

    def level(self):
        """Read the FIFO's level."""
        return self.read(0x39)[0]

    def pop(self):
        """Read one set as three counts."""
        return np.frombuffer(self.read(0x32, 6), dtype="<i2").tolist()

    def begin(self, mode=0x80, data_format=0x0B):
        """Set format and FIFO mode, then measure."""
        self.write(0x31, data_format)
        self.write(0x38, mode)
        self.write(0x2D, 0x08)

    def wait_ticks(self, ticks):
        """Let the oscillator tick so often; half a tick's margin."""
        began = self.chip._measuring._began_ns
        passed = (self.clock.boot_ns() - began) // TICK_NS
        self.clock.sleep_until(began + (passed + ticks) * TICK_NS + TICK_NS // 2)


@pytest.fixture
def bench(ramp_source):
    """Return a bench whose chip feels the ramp: tick k is (k, -k, 256) counts."""
    return Bench(ramp_source)


def test_power_up_values(bench):
    """After power-up every register holds its reset value and nothing is measured."""
    assert bench.read(0x00) == b"\xe5"
    assert bench.read(0x1D, 15) == bytes(15)
    assert bench.read(0x2C, 4) == b"\x0a\x00\x00\x00"
    assert bench.read(0x31) == b"\x00"
    assert bench.read(0x38, 2) == b"\x00\x00"
    bench.clock.advance(10**9)
    assert bench.level() == 0


def test_read_only_registers_keep_their_values(bench):
    """Writing identity, status or data registers changes nothing."""
    before = bench.read(0x00), bench.read(0x2B), bench.read(0x39)
    for register in (0x00, 0x2B, 0x30, 0x32, 0x39):
        bench.write(register, 0x55)
    assert (bench.read(0x00), bench.read(0x2B), bench.read(0x39)) == before


def test_the_pointer_moves_on_by_itself(bench):
    """A burst write fills registers in a row and a read goes on from the pointer."""
    bench.adapter.i2c_rdwr(i2c_msg.write(0x53, [0x1E, 1, 2, 3]))
    assert bench.read(0x1D, 5) == bytes((0, 1, 2, 3, 0))
    message = i2c_msg.read(0x53, 1)
    bench.read(0x1D, 2)
    bench.adapter.i2c_rdwr(message)
    assert bytes(message) == b"\x02"


def test_sets_come_oldest_first(bench):
    """In stream mode sets are read in the order of the ticks, one a read."""
    bench.begin()
    bench.wait_ticks(4)
    assert bench.level() == 5
    assert [bench.pop() for _ in range(3)] == [[0, 0, 256], [1, -1, 256], [2, -2, 256]]
    assert bench.level() == 2


def test_an_empty_fifo_repeats_the_latest_set(bench):
    """Reading more than there is gives the last set again."""
    bench.begin()
    bench.wait_ticks(1)
    assert [bench.pop()[0] for _ in range(4)] == [0, 1, 1, 1]


def test_reading_any_data_byte_removes_the_set(bench):
    """Byte by byte reading loses the other bytes of each set."""
    bench.begin()
    bench.wait_ticks(9)
    assert [bench.read(0x32)[0] for _ in range(3)] == [0, 1, 2]
    assert np.frombuffer(bench.read(0x34, 2), dtype="<i2")[0] == -3
    assert bench.level() == 6


def test_stream_mode_keeps_the_newest_33(bench):
    """When full, stream mode drops the oldest; the level says 32 while 33 can be read."""
    bench.begin()
    bench.wait_ticks(99)
    assert bench.level() == 32
    assert bench.read(0x30)[0] & 0x01
    assert [bench.pop()[0] for _ in range(33)] == list(range(67, 100))
    assert bench.level() == 0


def test_33_sets_are_no_overrun_and_34_are(bench):
    """The output stage holds one set more than the FIFO counts; only then is one lost."""
    bench.begin()
    bench.wait_ticks(32)
    assert (bench.level(), bench.read(0x30)[0] & 0x01) == (32, 0)
    bench.wait_ticks(1)
    assert (bench.level(), bench.read(0x30)[0] & 0x01) == (32, 1)


def test_fifo_mode_keeps_the_oldest(bench):
    """When full, FIFO mode drops the newest and goes on once there is room."""
    bench.begin(mode=0x40)
    bench.wait_ticks(59)
    assert [bench.pop()[0] for _ in range(33)] == list(range(33))
    bench.wait_ticks(2)
    assert [bench.pop()[0] for _ in range(2)] == [60, 61]


def test_bypass_holds_one_set(bench):
    """In bypass the level is 0 and the newest set is what is read."""
    bench.begin(mode=0x00)
    bench.wait_ticks(7)
    assert bench.level() == 0
    assert bench.read(0x30)[0] & 0x81 == 0x81
    assert bench.pop()[0] == 7


def test_overrun_is_cleared_by_data_and_not_by_looking(bench):
    """Reading INT_SOURCE leaves OVERRUN set; reading a set clears it."""
    bench.begin()
    bench.wait_ticks(50)
    assert [bench.read(0x30)[0] & 0x01 for _ in range(2)] == [1, 1]
    bench.pop()
    assert bench.read(0x30)[0] & 0x01 == 0


def test_watermark_and_data_ready_follow_the_level(bench):
    """WATERMARK is set from the chosen level on, DATA_READY while a set waits."""
    bench.begin(mode=0x80 | 4)
    bench.wait_ticks(2)
    assert bench.read(0x30)[0] & 0x82 == 0x80
    bench.wait_ticks(1)
    assert bench.read(0x30)[0] & 0x82 == 0x82
    for _ in range(4):
        bench.pop()
    assert bench.read(0x30)[0] & 0x82 == 0x00


def test_the_burst_of_ten_shows_flags_before_and_level_after(bench):
    """From INT_SOURCE to FIFO_STATUS one burst holds flags before the pop and the level after it."""
    bench.begin(mode=0x90)
    bench.wait_ticks(59)
    burst = bench.read(0x30, 10)
    assert burst[0] & 0x01
    assert burst[1:2] + burst[8:] == bytes((0x0B, 0x90, 32))
    assert np.frombuffer(burst[2:8], dtype="<i2").tolist() == [27, -27, 256]
    after = bench.read(0x30, 10)
    assert after[0] & 0x01 == 0
    assert after[9] == 31


def test_the_quick_burst_equals_the_general_read(ramp_source):
    """The ten-byte path gives what the registers give when read in an eleven-byte burst."""
    quick, general = Bench(ramp_source), Bench(ramp_source)
    for bench in (quick, general):
        bench.begin(mode=0x84)
        bench.wait_ticks(45)
    for _ in range(35):
        assert quick.read(0x30, 10) == general.read(0x2F, 11)[1:]


def test_standby_keeps_what_waits_and_bypass_empties_it(bench):
    """Leaving measurement keeps the sets; going to bypass drops them."""
    bench.begin()
    bench.wait_ticks(4)
    bench.write(0x2D, 0x00)
    bench.clock.advance(10**9)
    assert bench.level() == 5
    assert bench.pop()[0] == 0
    bench.write(0x38, 0x00)
    bench.write(0x38, 0x80)
    assert bench.level() == 0


def test_the_oscillator_goes_on_through_standby(bench):
    """What happens during standby is not measured afterwards."""
    bench.begin()
    bench.wait_ticks(1)
    bench.write(0x2D, 0x00)
    bench.wait_ticks(20)
    bench.write(0x2D, 0x08)
    bench.wait_ticks(2)
    assert [bench.pop()[0] for _ in range(4)] == [0, 1, 22, 23]


def test_lost_power_resets_everything(bench):
    """After a loss of power the chip is in standby with reset values and an empty FIFO."""
    bench.begin()
    bench.wait_ticks(5)
    bench.chip.lose_power()
    assert (bench.read(0x2D), bench.read(0x31), bench.read(0x38, 2)) == (b"\x00", b"\x00", b"\x00\x00")
    bench.wait_ticks(5)
    assert bench.level() == 0


@pytest.mark.parametrize(("code", "rate_hz"), [(0xA, 100), (0xB, 200), (0xC, 400), (0xD, 800), (0x7, 12.5)])
@pytest.mark.parametrize("rate_error", [0.0, 0.05, -0.031])
def test_the_rate_follows_the_setting_and_its_error(code, rate_hz, rate_error):
    """The number of ticks in a second is the nominal rate with the oscillator's error."""
    bench = Bench(Still(), rate_error=rate_error)
    bench.write(0x2C, code)
    bench.begin()
    ticks = 0
    for _ in range(100):
        bench.clock.advance(10_000_000)
        level = bench.level()
        for _ in range(level):
            bench.pop()
        ticks += level
    assert abs(ticks - rate_hz * (1 + rate_error)) < 2


def test_a_recording_ticks_at_its_own_times(recording_of):
    """Whatever rate is set, a row becomes readable at its time, and a gap stops the oscillator."""
    acc_g = np.arange(12.0).reshape(4, 3) / 256
    bench = Bench(RecordingSource(recording_of(acc_g, t_s=np.array((0.0, 0.01, 0.02, 2.0)))))
    bench.write(0x2C, 0x0D)
    bench.begin()
    bench.clock.sleep_until(bench.chip._measuring._began_ns + 1_900_000_000)
    assert bench.level() == 3
    bench.clock.sleep_until(bench.chip._measuring._began_ns + 2_000_000_000)
    assert bench.level() == 4
    assert not bench.chip.ended
    assert [bench.pop() for _ in range(4)] == np.arange(12).reshape(4, 3).tolist()
    assert bench.chip.ended
    bench.clock.advance(10**10)
    assert bench.level() == 0


def test_a_still_sensor_never_ends():
    """A source without an end is never over."""
    bench = Bench(Still())
    assert not bench.chip.ended
    bench.begin()
    bench.clock.advance(10**12)
    assert not bench.chip.ended


def test_a_recording_gets_no_noise_and_the_same_seed_the_same_noise(ramp_source):
    """Noise comes only with a source that has none, and repeats with its seed."""

    def sets(source, seed):
        bench = Bench(source, seed=seed)
        bench.begin()
        bench.wait_ticks(30)
        return [bench.pop() for _ in range(30)]

    assert sets(ramp_source, 1) == sets(ramp_source, 2)
    assert sets(Still(), 1) == sets(Still(), 1)
    assert sets(Still(), 1) != sets(Still(), 2)


@pytest.mark.parametrize(("bw_rate", "rate_hz"), [(0x0A, 100), (0x0C, 400)])
def test_noise_has_the_density_of_the_data_sheet(bw_rate, rate_hz):
    """The noise is 290 (x, y) and 430 (z) micro-g per root hertz over half the rate, plus rounding."""
    output = Output(bw_rate, 0x0B, b"\x00\x00\x00")
    encoded = output.encode(np.zeros((200_000, 3)), np.random.default_rng(3))
    spread = np.frombuffer(encoded, dtype="<i2").reshape(-1, 3).std(axis=0)
    expected = np.sqrt((np.array((290e-6, 290e-6, 430e-6)) * 256) ** 2 * rate_hz / 2 + 1 / 12)
    assert spread == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("data_format", "acc_g", "counts"),
    [
        (0x0B, 1.0, 256),
        (0x08, 1.0, 256),
        (0x0B, 15.99, 4093),
        (0x0B, 17.0, 4095),
        (0x0B, -17.0, -4096),
        (0x08, 3.0, 511),
        (0x09, -5.0, -1024),
        (0x00, 1.0, 256),
        (0x03, 1.0, 32),
        (0x03, 17.0, 511),
        (0x0C, 1.0, 256 << 6),
        (0x0F, 1.0, 256 << 3),
    ],
)
def test_scale_clipping_and_justification(data_format, acc_g, counts):
    """Counts follow range, resolution and justification, and clip at the range."""
    encoded = Output(0x0A, data_format, b"\x00\x00\x00").encode(np.full((1, 3), acc_g), None)
    assert np.frombuffer(encoded, dtype="<i2").tolist() == [counts] * 3


def test_offsets_are_added_in_hardware():
    """An offset register moves its axis by 15.6 mg a step, signed."""
    encoded = Output(0x0A, 0x0B, bytes((10, 0, 256 - 10))).encode(np.zeros((1, 3)), None)
    assert np.frombuffer(encoded, dtype="<i2").tolist() == [40, 0, -40]


@pytest.mark.parametrize(("bw_rate", "lowest_bits"), [(0x0D, {0, 1}), (0x0E, {0}), (0x0F, {0})])
def test_the_lowest_bit_is_zero_at_the_highest_rates(bw_rate, lowest_bits):
    """At 1600 and 3200 Hz the finest step is not delivered."""
    acc_g = np.arange(30.0).reshape(10, 3) / 256
    counts = np.frombuffer(Output(bw_rate, 0x0B, b"\x00\x00\x00").encode(acc_g, None), dtype="<i2")
    assert set((counts & 1).tolist()) == lowest_bits


def test_the_self_test_bit_pushes_the_proof_mass():
    """With the bit set the output moves by what the data sheet allows at 3.3 V, from then on only."""
    bench = Bench(Still())
    bench.begin()
    bench.wait_ticks(2)
    bench.write(0x31, 0x8B)
    bench.wait_ticks(3)
    sets = np.array([bench.pop() for _ in range(bench.level())])
    shift = sets[3:].mean(axis=0) - sets[:3].mean(axis=0)
    assert len(sets) == 6
    assert (shift > (88, -956, 110)).all()
    assert (shift < (956, -88, 1286)).all()


@pytest.mark.parametrize(
    ("switch", "number"),
    [("nack_next", errno.EREMOTEIO), ("timeout_next", errno.ETIMEDOUT), ("short_read_next", errno.EIO)],
)
def test_faults_fail_as_many_transfers_as_asked(bench, switch, number):
    """Each switch fails the next transfers with its error number, then all is well again."""
    getattr(bench.chip.faults, switch)(2)
    for _ in range(2):
        with pytest.raises(OSError, match=os.strerror(number)):
            bench.read(0x00)
    assert bench.read(0x00) == b"\xe5"


def test_a_timeout_takes_a_fifth_of_a_second(bench):
    """A stuck bus costs the adapter's timeout."""
    before_ns = bench.clock.boot_ns()
    bench.chip.faults.timeout_next()
    with pytest.raises(OSError, match="timed out"):
        bench.read(0x00)
    assert bench.clock.boot_ns() - before_ns == 200_000_000


def test_a_short_read_loses_the_set_and_a_nack_does_not(bench):
    """A transfer that breaks off has popped its set; one that nobody answered has not."""
    bench.begin()
    bench.wait_ticks(9)
    bench.chip.faults.nack_next()
    with pytest.raises(OSError, match="I/O"):
        bench.pop()
    assert bench.pop()[0] == 0
    bench.chip.faults.short_read_next()
    with pytest.raises(OSError, match="Input/output"):
        bench.pop()
    assert bench.pop()[0] == 2


def test_stuck_values_repeat_while_the_fifo_counts_on(bench):
    """A stuck chip gives one set again and again; switched off it goes on with the true ones."""
    bench.begin()
    bench.wait_ticks(9)
    bench.pop()
    bench.chip.faults.stuck = True
    assert [bench.pop()[0] for _ in range(3)] == [1, 1, 1]
    assert bench.level() == 6
    bench.chip.faults.stuck = False
    assert bench.pop()[0] == 4


def test_another_identity(bench):
    """The identity can be another's, from the start or from now on."""
    assert Bench(Still(), identity=0x33).read(0x00) == b"\x33"
    bench.chip.faults.identity = 0x00
    assert bench.read(0x00) == b"\x00"
