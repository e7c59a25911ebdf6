"""What is peculiar to the driver of the MPU6050 and its relatives, beyond the common contract."""

import numpy as np
import pytest

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips.mpu6050 import Mpu6050
from bedtick.firmware.chips.mpu6050_parts import PACKED, WHOLE
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.mpu6050 import EmulatedMpu6050
from bedtick.firmware.errors import BusError, ChipError, ConfigurationLostError

PARTS = {0x68: 170, 0x70: 85}  # identity to sets that fit


class Bench:
    """A driver over one emulated part, with a record of what went over the bus."""

    def __init__(self, source, identity=None, bus_hz=400_000):
        self.clock = EmulatedClock(5_000_000_000)
        self.chip = EmulatedMpu6050(source, self.clock, identity=identity)
        adapter = EmulatedAdapter(
            {0x68: self.chip}, self.clock, bus_hz=bus_hz, multi_read=False, faults=self.chip.faults
        )
        self.bus = I2CBus(adapter, "emulated")
        self.driver = Mpu6050(self.bus, 0x68, self.clock)
        self.written, self.read_lengths = [], []
        self._write, self._read = self.chip.write, self.chip.read
        self.chip.write, self.chip.read = self._note_write, self._note_read
        self.after_read = lambda _length: None

    def _note_write(self, data):
        self.written.append((self.clock.boot_ns(), *data))
        self._write(data)

    def _note_read(self, length):
        self.read_lengths.append(length)
        data = self._read(length)
        self.after_read(length)
        return data

    def begin(self, rate_hz=100):
        """Configure and start."""
        self.driver.configure(rate_hz, 4)
        self.driver.start()
        self.written.clear()
        self.read_lengths.clear()

    def wait(self, seconds):
        """Let time pass."""
        self.clock.sleep_until(self.clock.boot_ns() + round(seconds * 1e9))

    def wait_sets(self, sets):
        """Let time pass until so many sets have come, and half the time to the next, since the first one."""
        period_ns = 10_000_000
        self.clock.sleep_until(self.chip._measuring._began_ns + (sets - 1) * period_ns + period_ns // 2)

    def registers(self, first, length=1):
        """Read registers past the driver."""
        return self.bus.read(0x68, first, length)


@pytest.fixture
def ramp(recording_of):
    """Return a recording at 100 Hz whose row `k` is (k, -k, 8192) counts at 4 g."""
    k = np.arange(4000.0)
    return RecordingSource(recording_of(np.stack((k, -k, np.full(4000, 8192.0)), axis=1) / 8192))


def assert_ramp(counts):
    """See that no axis is another's and no set is missing in between."""
    assert (counts[:, 2] == 8192).all()
    assert (counts[:, 1] == -counts[:, 0]).all()
    assert (np.diff(counts[:, 0]) == 1).all()


@pytest.mark.parametrize(
    ("identity", "model"),
    [(0x68, "MPU6050"), (0x70, "MPU6500"), (0x71, "MPU9250"), (0x73, "MPU9255"), (0x74, "MPU6515")],
)
def test_known_parts_pass_silently(identity, model):
    """Parts whose data sheets are known are named, and nothing is said about them."""
    found = Bench(Still(), identity).driver.identify()
    assert (found.model, found.remark) == (model, "")


@pytest.mark.parametrize("identity", [0x12, 0x69, 0x75, 0x78, 0x98, 0xAF])
def test_stand_ins_are_used_with_a_remark(identity):
    """What is met on boards sold as MPU6050 measures all the same, and a person is told in one line."""
    bench = Bench(Still(), identity)
    found = bench.driver.identify()
    assert found.model in found.remark
    assert "in place of an MPU6050" in found.remark
    assert "\n" not in found.remark
    bench.begin()
    bench.wait(0.1)
    assert len(bench.driver.drain().counts) >= 9
    assert bench.driver.temperature_c() is None


@pytest.mark.parametrize("identity", [0x00, 0xFF, 0x72])
def test_any_other_identity_is_refused_before_anything_is_written(identity):
    """A stranger at the address, such as a clock module, is not reset by a try to configure it."""
    bench = Bench(Still(), identity)
    with pytest.raises(
        ChipError, match=rf"0x68: not an MPU6050: WHO_AM_I reads 0x{identity:02X}.*clock module"
    ):
        bench.driver.configure(100, 4)
    assert [data[1:] for data in bench.written] == [(0x75,)]


@pytest.mark.parametrize(
    ("rate_hz", "divider", "filter_code"),
    [(100, 9, 3), (125, 7, 3), (200, 4, 2), (250, 3, 2), (500, 1, 1), (1000, 0, 1)],
)
@pytest.mark.parametrize("identity", [0x68, 0x70])
def test_every_setting_reaches_the_chip(rate_hz, divider, filter_code, identity):
    """After configuring, each register holds its setting and nothing left behind by others."""
    bench = Bench(Still(), identity)
    for register in (0x1A, 0x1B, 0x1C, 0x1D, 0x23, 0x37, 0x38, 0x6A):
        bench.bus.write(0x68, register, b"\x42")
    bench.driver.configure(rate_hz, 8)
    own_filter = filter_code if identity == 0x70 else 0
    assert bench.registers(0x19, 5) == bytes((divider, filter_code, 0, 0x10, own_filter))
    assert bench.registers(0x23) == b"\x00"
    assert bench.registers(0x37, 2) == b"\x00\x10"
    assert bench.registers(0x6A, 3) == b"\x00\x40\x07"
    bench.driver.start()
    assert bench.registers(0x6A, 3) == b"\x40\x00\x07"
    assert bench.registers(0x23) == b"\x08"


def test_the_reset_is_given_its_time():
    """After DEVICE_RESET nothing is written for 100 ms, and after waking nothing for 30 ms."""
    bench = Bench(Still())
    bench.driver.configure(100, 4)
    values = [data for data in bench.written if len(data) == 3]
    assert values[0][1:] == (0x6B, 0x80)
    assert values[1][1:] == (0x6B, 0x00)
    assert values[1][0] - values[0][0] >= 100_000_000
    assert values[2][0] - values[1][0] >= 30_000_000


def test_the_fifo_is_emptied_in_the_order_that_works():
    """Sets are kept out, the FIFO is off when it is reset, the flags are read, and sets come in last."""
    bench = Bench(Still())
    bench.begin()
    bench.wait(3.0)
    bench.driver.drain()
    order = [data[1:] for data in bench.written]
    assert order == [(0x72,), (0x23, 0x00), (0x6A, 0x04), (0x6A, 0x40), (0x3A,), (0x23, 0x08)]


def test_a_drain_is_two_transactions(ramp):
    """The count in two bytes, then six bytes a set, and nothing else."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait_sets(20)
    before_ns = bench.clock.boot_ns()
    block = bench.driver.drain()
    assert bench.read_lengths == [2, 6 * 20]
    assert block.boot_ns == before_ns + block.read_ns // 2


@pytest.mark.parametrize(("identity", "sets"), PARTS.items())
def test_all_that_fits_is_handed_over(ramp, identity, sets):
    """A FIFO that is full to its last whole set has lost nothing."""
    bench = Bench(ramp, identity, bus_hz=100_000_000)  # fast, or it runs over while it is read
    bench.begin()
    bench.wait_sets(sets)
    block = bench.driver.drain()
    assert (len(block.counts), block.produced, block.overrun) == (sets, sets, False)
    assert_ramp(block.counts)


@pytest.mark.parametrize(("identity", "sets"), PARTS.items())
def test_rotated_axes_are_never_handed_over(ramp, identity, sets):
    """One set too many: what waits is thrown away, and the next block begins at the time that was told."""
    bench = Bench(ramp, identity)
    bench.begin()
    began_ns = bench.chip._measuring._began_ns
    bench.wait_sets(sets + 1)
    block = bench.driver.drain()
    assert (block.counts.shape, block.produced, block.overrun) == ((0, 3), 0, True)
    assert abs(bench.written[-1][0] - block.boot_ns) <= block.read_ns / 2
    bench.wait(0.1)
    following = bench.driver.drain()
    assert not following.overrun
    assert_ramp(following.counts)
    assert following.counts[0, 0] == (block.boot_ns - began_ns) // 10_000_000 + 1


@pytest.mark.parametrize("has_flag", [True, False])
@pytest.mark.parametrize(("identity", "sets"), PARTS.items())
def test_an_overflow_behind_the_count_is_noticed(ramp, identity, sets, has_flag):
    """Where the FIFO ran over between count and data, the data goes; even if the part does not flag it."""
    bench = Bench(ramp, identity)
    bench.begin()
    bench.wait(0.5 * sets / 100)
    reads = []

    def stall(length):
        reads.append(length)
        if len(reads) == 1:
            bench.wait(sets / 100)
            bench.chip._measuring.catch_up()
            bench.chip._measuring.fifo.overflowed &= has_flag

    bench.after_read = stall
    block = bench.driver.drain()
    assert (len(block.counts), block.overrun) == (0, True)
    bench.wait(0.1)
    assert_ramp(bench.driver.drain().counts)


def test_an_overflow_that_leaves_whole_sets_is_told_by_its_flag(ramp):
    """Some relatives' FIFO holds a multiple of six bytes: there the flag is all that tells."""
    bench = Bench(ramp)
    bench.begin()
    bench.chip._measuring.fifo._room_bytes = 1020
    bench.wait(0.5)
    waits_s = iter((2.0, 0.0, 0.0))
    bench.after_read = lambda length: bench.wait(next(waits_s)) if length == 2 else None
    block = bench.driver.drain()
    assert (len(block.counts), block.overrun) == (0, True)


def test_an_overflow_that_no_read_showed_is_noticed_by_its_odd_bytes(ramp):
    """A count that stays odd is that of a rotated FIFO, whatever the flags say."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait(0.5)
    bench.chip._measuring.catch_up()
    bench.chip._measuring.fifo.read(4)
    block = bench.driver.drain()
    assert (len(block.counts), block.overrun) == (0, True)


def test_a_slow_read_alone_is_no_overrun(ramp):
    """A read that took long but lost nothing costs one more look, and its sets count."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait_sets(150)
    waits_s = iter((0.165, 0.0, 0.0))
    bench.after_read = lambda length: bench.wait(next(waits_s)) if length == 2 else None
    block = bench.driver.drain()
    assert (len(block.counts), block.overrun) == (150, False)
    assert bench.read_lengths == [2, 900, 1, 2]


def test_a_half_written_set_waits_for_the_next_drain(ramp):
    """A count caught within a set gives the whole ones, and the set comes whole with the next."""
    bench = Bench(ramp)
    bench.begin()
    began_ns = bench.chip._measuring._began_ns
    read_ns = (10 + 9 + 10 + 18) * 2_500  # register pointer and count, at 400 kHz
    bench.clock.sleep_until(began_ns + 200_000_000 - read_ns + 2_000)
    first = bench.driver.drain()
    bench.wait(0.1)
    second = bench.driver.drain()
    assert bench.read_lengths[:3] == [2, 2, 120]
    assert (first.produced, first.overrun, second.overrun) == (20, False, False)
    assert_ramp(np.concatenate((first.counts, second.counts)))


def test_a_read_that_nobody_answered_loses_nothing(ramp):
    """After a NACK on the data the next drain hands over all sets."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait(0.2)
    bench.after_read = lambda length: bench.chip.faults.nack_next(5) if length == 2 else None
    with pytest.raises(BusError):
        bench.driver.drain()
    bench.after_read = lambda _length: None
    block = bench.driver.drain()
    assert not block.overrun
    assert block.counts[0, 0] == 0
    assert_ramp(block.counts)


@pytest.mark.parametrize("switch", ["short_read_next", "timeout_next"])
def test_after_a_read_that_broke_off_the_fifo_begins_anew(ramp, switch):
    """How much was taken is not known: the next block is empty and says so, the one after is clean."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait(0.2)
    bench.after_read = lambda length: getattr(bench.chip.faults, switch)() if length == 2 else None
    with pytest.raises(BusError):
        bench.driver.drain()
    bench.after_read = lambda _length: None
    anew = bench.driver.drain()
    assert (len(anew.counts), anew.overrun) == (0, True)
    bench.wait(0.1)
    block = bench.driver.drain()
    assert not block.overrun
    assert len(block.counts) >= 9
    assert_ramp(block.counts)


def test_power_lost_between_count_and_data_is_noticed(ramp):
    """What a switched-off FIFO gives is not handed over."""
    bench = Bench(ramp)
    bench.begin()
    bench.wait(0.2)
    bench.after_read = lambda length: bench.chip.lose_power() if length == 2 else None
    with pytest.raises(ConfigurationLostError, match="PWR_MGMT_1 reads 0x40 instead of 0x00"):
        bench.driver.drain()


def test_power_lost_by_a_part_that_wakes_by_itself_is_noticed():
    """A part that is not asleep after power-up is told by its clock setting."""
    bench = Bench(Still(), 0x70)
    bench.begin()
    bench.chip.lose_power()
    with pytest.raises(ConfigurationLostError, match="PWR_MGMT_1 reads 0x01 instead of 0x00"):
        bench.driver.drain()


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [(0x6A, 0x00, "USER_CTRL reads 0x00 instead of 0x40"), (0x6C, 0x38, "PWR_MGMT_2 reads 0x38")],
)
def test_an_accelerometer_that_was_switched_off_is_noticed(register, value, words):
    """Another program's hand on the control registers is a lost configuration, not silence."""
    bench = Bench(Still())
    bench.begin()
    bench.driver.drain()
    bench.bus.write(0x68, register, bytes([value]))
    bench.bus.read(0x68, 0x74, 6 * 20)
    bench.wait(0.1)
    with pytest.raises(ConfigurationLostError, match=words):
        bench.driver.drain()


@pytest.mark.parametrize(("register", "name"), [(0x6A, "USER_CTRL"), (0x23, "FIFO_EN")])
def test_a_start_that_does_not_hold_is_noticed(register, name):
    """Where FIFO or accelerometer stay off the start fails, rather than the night."""
    bench = Bench(Still())
    bench.driver.configure(100, 4)
    keep = bench.chip._store
    bench.chip._store = lambda where, value: keep(where, 0 if where == register else value)
    with pytest.raises(ConfigurationLostError, match=f"{name} reads 0x00"):
        bench.driver.start()


def test_asking_a_stopped_chip_for_its_temperature_measures_nothing_else():
    """Woken for its temperature alone, a stopped chip puts no sets into its FIFO."""
    bench = Bench(Still())
    bench.begin(1000)
    bench.driver.stop()
    bench.driver.drain()
    bench.driver.temperature_c()
    assert bench.driver.drain().produced == 0


def test_sets_with_all_axes_alike_are_sets(recording_of):
    """Free fall looks like a dead FIFO; the chip is asked, and the sets are handed over."""
    bench = Bench(RecordingSource(recording_of(np.zeros((100, 3)))))
    bench.begin()
    bench.wait_sets(10)
    block = bench.driver.drain()
    assert (len(block.counts), block.overrun) == (10, False)
    assert bench.read_lengths == [2, 60, 3]


def test_an_impossible_count_is_noticed(ramp):
    """A count beyond any part's FIFO can only be garbled bytes."""
    bench = Bench(ramp)
    bench.begin()
    bench.chip.read = lambda length: b"\xff" * length
    with pytest.raises(ConfigurationLostError, match=r"FIFO_COUNTH reads 10922 sets of at most 682"):
        bench.driver.drain()


def test_the_trim_codes_of_an_mpu6050_are_told_from_those_of_its_gyros():
    """The upper three bits of a code are with the axis, the lower two in SELF_TEST_A."""
    assert PACKED.codes(bytes((0b101_11111, 0b010_10101, 0b111_00000, 0b11_00_11_10))) == (20, 11, 30)
    assert PACKED.codes(bytes((0x1F, 0x1F, 0x1F, 0xC0))) == (0, 0, 0)
    assert WHOLE.codes(b"\x01\x80\xff\x55") == (1, 128, 255)


def test_limits_follow_the_trim():
    """An MPU6050 may differ by 14 % from its trim, a later part by half; else any sound part's hold."""
    assert PACKED.limits_counts(1) == pytest.approx((0.34 * 4096 * 0.86, 0.34 * 4096 * 1.14))
    assert PACKED.limits_counts(31) == pytest.approx((0.92 * 4096 * 0.86, 0.92 * 4096 * 1.14))
    assert PACKED.limits_counts(0) == pytest.approx((0.34 * 4096 * 0.86, 0.92 * 4096 * 1.14))
    assert WHOLE.limits_counts(101) == pytest.approx((2620 * 2.7048 / 2, 2620 * 2.7048 * 1.5), rel=1e-4)
    assert WHOLE.limits_counts(0) == pytest.approx((0.225 * 16384, 0.675 * 16384))


@pytest.mark.parametrize(("identity", "counts_per_g"), [(0x68, 4096), (0x70, 16384)])
def test_the_self_test_lies_in_the_middle_of_each_part_s_limits(identity, counts_per_g):
    """A sound part moves as its trim says, at the range of the part; the settings are as before."""
    bench = Bench(Still(), identity)
    bench.driver.configure(500, 16)
    before = bench.registers(0x19, 5)
    result = bench.driver.self_test()
    assert result.passed
    middles = [(low + high) / 2 for low, high in result.limits]
    assert result.shift_counts == pytest.approx(middles, abs=0.003 * counts_per_g)
    assert bench.registers(0x19, 5) == before
    assert bench.registers(0x6B) == b"\x40"


def test_the_self_test_fails_where_the_movement_is_not_the_trim_s():
    """An axis whose trim asks for much more than it moves fails, and the sentence names it alone."""
    bench = Bench(Still())
    keep = bench.chip._power_up

    def other_trim():
        keep()
        bench.chip._registers[0x0E] |= 0xE0

    bench.chip._power_up = other_trim
    result = bench.driver.self_test()
    assert not result.passed
    assert "y moved +" in result.sentence
    assert "x moved" not in result.sentence


def test_a_part_without_factory_trim_is_judged_by_what_any_part_may_do():
    """Without a trim the movement is compared with any sound part's, and the sentence says so."""
    bench = Bench(Still(), 0x70)
    keep = bench.chip._power_up

    def no_trim():
        keep()
        bench.chip._registers[0x0D:0x10] = bytes(3)

    bench.chip._power_up = no_trim
    result = bench.driver.self_test()
    assert result.passed
    assert result.limits[0] == pytest.approx((3686.4, 11059.2))
    assert result.sentence.endswith("(compared with any part's: no factory trim)")


def test_a_sleeping_chip_is_woken_for_its_temperature_and_sleeps_again():
    """In standby the thermometer is asked while the chip is awake, and standby is restored."""
    bench = Bench(Still())
    bench.driver.configure(100, 4)
    bench.chip.temperature_c = 40.0
    assert bench.driver.temperature_c() == pytest.approx(40.0, abs=0.01)
    assert bench.registers(0x6B) == b"\x40"


def test_the_noise_figure_is_the_part_s():
    """400 micro-g per root hertz on an MPU6050 over its filter's bandwidth, 300 on later parts."""
    early, late = Bench(Still()).driver, Bench(Still(), 0x70).driver
    late.identify()
    assert early.noise_mg(200, 4) == pytest.approx([0.4 * 94**0.5] * 3, rel=1e-3)
    assert early.noise_mg(100, 16)[0] == pytest.approx(np.hypot(0.4 * 44**0.5, 1e3 / 2048 / 12**0.5))
    assert late.noise_mg(500, 4) == pytest.approx([0.3 * 184**0.5] * 3, rel=1e-3)
