"""The emulated MPU6050 at register level, without the driver: what the register map says a host must see."""

import numpy as np
import pytest
from smbus2 import i2c_msg

from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, RecordingSource, Still
from bedtick.firmware.emulator.chips.mpu6050 import EmulatedMpu6050
from bedtick.firmware.emulator.chips.mpu6050_output import Output

TICK_NS = 10_000_000  # of the recordings used here, and of the chip at a divider of 9


class Bench:
    """A chip on a bus, spoken to in registers."""

    def __init__(self, source, **options):
        self.clock = EmulatedClock()
        self.chip = EmulatedMpu6050(source, self.clock, **options)
        self.adapter = EmulatedAdapter({0x68: self.chip}, self.clock, bus_hz=10**9, faults=self.chip.faults)

    def read(self, register, length=1):
        """Read registers."""
        message = i2c_msg.read(0x68, length)
        self.adapter.i2c_rdwr(i2c_msg.write(0x68, [register]), message)
        return bytes(message)

    def write(self, register, value):
        """Write one register."""
        self.adapter.i2c_rdwr(i2c_msg.write(0x68, [register, value]))

    def count(self):
        """Read the FIFO's count of bytes."""
        return int.from_bytes(self.read(0x72, 2), "big")

    def sets(self, sets):
        """Read sets from the FIFO as counts."""
        return np.frombuffer(self.read(0x74, 6 * sets), dtype=">i2").reshape(-1, 3).tolist()

    def begin(self, accel_config=0x08):
        """Wake up at 100 Hz, 94 Hz bandwidth and 4 g, and let sets into the FIFO."""
        for register, value in ((0x6B, 0), (0x19, 9), (0x1A, 2), (0x1C, accel_config), (0x6A, 0x40)):
            self.write(register, value)
        self.write(0x23, 0x08)

    def wait_ticks(self, ticks):
        """Let the oscillator tick so often; half a tick's margin."""
        began = self.chip._measuring._began_ns
        passed = (self.clock.boot_ns() - began) // TICK_NS
        self.clock.sleep_until(began + (passed + ticks) * TICK_NS + TICK_NS // 2)


@pytest.fixture
def ramp(recording_of):
    """Return a recording whose row `k` is k counts on x, -k on y and 8192 on z, at 4 g."""
    k = np.arange(4000.0)
    return RecordingSource(recording_of(np.stack((k, -k, np.full(4000, 8192.0)), axis=1) / 8192))


@pytest.fixture
def bench(ramp):
    """Return a bench whose chip feels the ramp."""
    return Bench(ramp)


def test_power_up_values(bench):
    """After power-up the chip is asleep, its registers are 0, and nothing is measured."""
    assert bench.read(0x75) == b"\x68"
    assert bench.read(0x19, 5) == bytes(5)
    assert (bench.read(0x23), bench.read(0x37, 2)) == (b"\x00", bytes(2))
    assert bench.read(0x6A, 3) == b"\x00\x40\x00"
    bench.write(0x6A, 0x40)
    bench.write(0x23, 0x08)
    bench.clock.advance(10**9)
    assert bench.count() == 0


def test_a_later_part_wakes_up_by_itself():
    """The 512-byte part is not asleep after power-up nor after a reset."""
    bench = Bench(Still(), identity=0x70)
    assert (bench.read(0x75), bench.read(0x6B)) == (b"\x70", b"\x01")
    bench.write(0x6B, 0x40)
    bench.write(0x6B, 0x80)
    assert bench.read(0x6B) == b"\x01"


def test_a_reset_clears_settings_and_fifo(bench):
    """DEVICE_RESET brings the power-up state and reads as done."""
    bench.begin()
    bench.wait_ticks(5)
    bench.write(0x6B, 0x80)
    assert (bench.read(0x19, 4), bench.read(0x23), bench.read(0x6A, 2)) == (bytes(4), b"\x00", b"\x00\x40")
    assert bench.count() == 0


def test_read_only_registers_keep_their_values(bench):
    """Writing identity, data, count or the FIFO changes nothing."""
    for register in (0x3A, 0x3B, 0x41, 0x72, 0x74, 0x75):
        bench.write(register, 0x55)
    assert (bench.read(0x75), bench.read(0x3B, 8), bench.count()) == (b"\x68", bytes(8), 0)


def test_the_pointer_stops_at_the_two_ports(bench):
    """A burst goes on from register to register, but not beyond MEM_R_W, nor beyond FIFO_R_W."""
    bench.begin()
    bench.wait_ticks(2)
    assert bench.read(0x6A, 3) == b"\x40\x00\x00"
    assert bench.read(0x6A, 11)[8:] == bytes(3)  # never the count, which is not 0
    burst = bench.read(0x72, 2 + 18)
    assert int.from_bytes(burst[:2], "big") == 18
    assert np.frombuffer(burst[2:], dtype=">i2")[::3].tolist() == [0, 1, 2]


def test_sets_come_oldest_first_high_byte_first(bench):
    """The FIFO gives sets in the order of the ticks, and bytes as they come in the registers."""
    bench.begin()
    bench.wait_ticks(4)
    assert bench.count() == 30
    assert bench.sets(3) == [[0, 0, 8192], [1, -1, 8192], [2, -2, 8192]]
    assert bench.count() == 12
    assert np.frombuffer(bench.read(0x3B, 6), dtype=">i2").tolist() == [4, -4, 8192]


def test_bytes_may_be_taken_one_by_one(bench):
    """The FIFO knows no sets: single bytes move it on by a byte."""
    bench.begin()
    bench.wait_ticks(3)
    assert b"".join(bench.read(0x74) for _ in range(8)) == b"\x00\x00\x00\x00\x20\x00\x00\x01"
    assert bench.count() == 16
    assert bench.read(0x74, 4) == b"\xff\xff\x20\x00"


def test_an_empty_fifo_repeats_its_last_byte(recording_of):
    """Reading more than there is gives the last byte again, however often; then it goes on with new ones."""
    bench = Bench(RecordingSource(recording_of(np.full((3, 3), 0x0123 / 8192))))
    bench.begin()
    bench.wait_ticks(0)
    assert bench.read(0x74, 9) == b"\x01\x23\x01\x23\x01\x23\x23\x23\x23"
    assert bench.read(0x74, 2) == b"\x23\x23"
    bench.wait_ticks(1)
    assert bench.read(0x74, 4) == b"\x01\x23\x01\x23"


@pytest.mark.parametrize(("identity", "room", "lost"), [(None, 1024, 2), (0x70, 512, 4)])
def test_a_full_fifo_drops_the_oldest_bytes(ramp, identity, room, lost):
    """Where the room is no multiple of a set the rest begins within one, and axes are each other's."""
    bench = Bench(ramp, identity=identity)
    bench.begin()
    bench.wait_ticks(room // 6 - 1)
    assert bench.count() == room // 6 * 6
    assert bench.read(0x3A)[0] & 0x10 == 0
    bench.wait_ticks(1)
    assert bench.count() == room
    written = b"\x00\x00\x00\x00\x20\x00\x00\x01\xff\xff\x20\x00"
    assert bench.read(0x74, 6) == written[lost : lost + 6]
    assert bench.count() == room - 6


def test_a_fifo_that_is_long_full_keeps_the_newest_bytes(bench):
    """After thousands of ticks the last bytes are those of the newest set."""
    bench.begin()
    bench.wait_ticks(2999)
    assert bench.count() == 1024
    assert np.frombuffer(bench.read(0x74, 1024)[4:], dtype=">i2")[::3].tolist() == list(range(2830, 3000))


def test_status_is_cleared_by_reading_it(bench):
    """INT_STATUS keeps overflow and new data until it is read, whatever else is read."""
    bench.begin()
    bench.wait_ticks(300)
    bench.read(0x74, 1024)
    assert bench.read(0x3A) == b"\x11"
    assert bench.read(0x3A) == b"\x00"
    bench.wait_ticks(1)
    assert bench.read(0x3A) == b"\x01"


def test_the_fifo_is_reset_only_while_it_is_off(bench):
    """FIFO_RESET together with FIFO_EN does nothing; without it the FIFO is emptied, and the bit is gone."""
    bench.begin()
    bench.wait_ticks(4)
    bench.write(0x6A, 0x44)
    assert (bench.read(0x6A), bench.count()) == (b"\x40", 30)
    bench.write(0x6A, 0x04)
    assert (bench.read(0x6A), bench.count()) == (b"\x00", 0)


def test_a_fifo_that_is_off_keeps_what_it_has(bench):
    """While USER_CTRL.FIFO_EN is 0 nothing comes in and nothing goes out."""
    bench.begin()
    bench.wait_ticks(2)
    bench.write(0x6A, 0x00)
    bench.clock.advance(10**9)
    assert bench.read(0x74, 6) == bytes(6)
    bench.write(0x6A, 0x40)
    assert bench.sets(3)[2] == [2, -2, 8192]


@pytest.mark.parametrize(("register", "value"), [(0x23, 0x00), (0x6B, 0x40), (0x6C, 0x38), (0x23, 0x70)])
def test_sets_come_only_from_an_accelerometer_that_is_on(bench, register, value):
    """Asleep, with axes off or without its bit in FIFO_EN the accelerometer adds nothing."""
    bench.begin()
    bench.wait_ticks(2)
    bench.write(register, value)
    bench.clock.advance(10**9)
    assert bench.count() == 18


def test_the_oscillator_goes_on_through_sleep(bench):
    """What happens during sleep is not measured afterwards."""
    bench.begin()
    bench.wait_ticks(1)
    bench.write(0x6B, 0x40)
    bench.wait_ticks(20)
    bench.write(0x6B, 0x00)
    bench.wait_ticks(2)
    assert [x for x, _, _ in bench.sets(4)] == [0, 1, 22, 23]


def test_a_set_is_half_written_for_a_moment(bench):
    """Just after a tick the count holds half of its set; then all of it."""
    bench.begin()
    bench.wait_ticks(3)
    bench.clock.sleep_until(bench.chip._measuring._began_ns + 4 * TICK_NS + 1_000)
    assert bench.count() == 4 * 6 + 3
    bench.clock.advance(10_000)
    assert bench.count() == 5 * 6


def test_half_a_tick_later_every_set_is_whole(bench):
    """Between ticks the count is a multiple of six, also where the next block of times begins."""
    bench.begin()
    for _ in range(1030):
        bench.wait_ticks(1)
        count = bench.count()
        assert count % 6 == 0
        bench.read(0x74, count)


def test_the_count_s_halves_belong_together(bench):
    """FIFO_COUNTL is that of the last FIFO_COUNTH, even where the FIFO has grown since."""
    bench.begin()
    bench.wait_ticks(40)
    high = bench.read(0x72)
    bench.wait_ticks(10)
    assert high + bench.read(0x73) == (246).to_bytes(2, "big")


def test_lost_power_resets_everything(bench):
    """After a loss of power the chip is asleep with reset values and an empty FIFO."""
    bench.begin()
    bench.wait_ticks(5)
    bench.chip.lose_power()
    assert (bench.read(0x6A, 3), bench.read(0x1C), bench.count()) == (b"\x00\x40\x00", b"\x00", 0)


@pytest.mark.parametrize(
    ("divider", "config", "rate_hz"), [(9, 3, 100), (1, 1, 500), (0, 6, 1000), (79, 0, 100), (79, 7, 100)]
)
@pytest.mark.parametrize("rate_error", [0.0, 0.05, -0.031])
def test_the_rate_follows_the_divider_and_its_error(divider, config, rate_hz, rate_error):
    """A second brings base rate over divider plus 1 ticks, the base being 8 kHz without the filter."""
    bench = Bench(Still(), rate_error=rate_error)
    bench.begin()
    bench.write(0x23, 0x00)
    bench.write(0x19, divider)
    bench.write(0x1A, config)
    bench.write(0x23, 0x08)
    read = 0
    for _ in range(100):
        bench.clock.advance(10_000_000)
        count = bench.count() // 6
        bench.read(0x74, 6 * count)
        read += count
    assert abs(read - rate_hz * (1 + rate_error)) < 2


@pytest.mark.parametrize(
    ("identity", "config", "accel_config2", "rms_mg"),
    [
        (None, 2, 0x06, 400e-3 * 94**0.5),
        (0x71, 6, 0x02, 300e-3 * 92**0.5),
        (0x71, 6, 0x0A, 300e-3 * 460**0.5),
    ],
)
def test_noise_is_that_of_the_part_and_its_filter(identity, config, accel_config2, rms_mg):
    """An early part's filter is set in CONFIG, a later one's in ACCEL_CONFIG2, where it may be passed by."""
    bench = Bench(Still(), identity=identity, seed=3)
    bench.write(0x1D, accel_config2)
    bench.begin()
    bench.write(0x1A, config)
    counts = []
    for _ in range(200):
        bench.wait_ticks(25)
        counts += bench.sets(25)
    assert np.std(counts, axis=0) / 8.192 == pytest.approx(rms_mg, rel=0.05)


@pytest.mark.parametrize(
    ("accel_config", "acc_g", "counts"),
    [
        (0x00, 1.0, 16384),
        (0x08, 1.0, 8192),
        (0x10, 1.0, 4096),
        (0x18, 1.0, 2048),
        (0x00, 2.1, 32767),
        (0x18, -17.0, -32768),
    ],
)
def test_scale_and_clipping(accel_config, acc_g, counts):
    """Counts follow the range and clip at its ends."""
    encoded = Output(9, 3, accel_config, 0, is_late=False).encode(np.full((1, 3), acc_g), None)
    assert np.frombuffer(encoded, dtype=">i2").tolist() == [counts] * 3


@pytest.mark.parametrize(("bit", "axis"), [(0x80, 0), (0x40, 1), (0x20, 2)])
@pytest.mark.parametrize("is_late", [False, True])
def test_each_self_test_bit_pushes_its_axis(bit, axis, is_late):
    """With its bit set an axis moves by a third to nine tenths of a g, and no other one does."""
    encoded = Output(9, 3, 0x10 | bit, 0, is_late=is_late).encode(np.zeros((1, 3)), None)
    moved_g = np.frombuffer(encoded, dtype=">i2") / 4096
    assert 0.34 < moved_g[axis] < 0.92
    assert np.count_nonzero(moved_g) == 1


@pytest.mark.parametrize(("identity", "word"), [(None, -3920), (0x70, 1336)])
def test_the_thermometer_works_while_the_chip_is_awake(identity, word):
    """25 degrees show by each part's own scale; a sleeping chip shows what it last measured."""
    bench = Bench(Still(), identity=identity)
    bench.chip.temperature_c = 25.0
    bench.write(0x6B, 0x40)
    assert bench.read(0x41, 2) == bytes(2)
    bench.write(0x6B, 0x00)
    assert int.from_bytes(bench.read(0x41, 2), "big", signed=True) == pytest.approx(word, abs=1)
    bench.write(0x6B, 0x40)
    bench.chip.temperature_c = 80.0
    assert int.from_bytes(bench.read(0x41, 2), "big", signed=True) == pytest.approx(word, abs=1)


def test_stuck_values_repeat_while_the_fifo_counts_on(bench):
    """A stuck chip gives one set again and again; switched off it goes on with the true ones."""
    bench.begin()
    bench.wait_ticks(9)
    bench.sets(1)
    bench.chip.faults.stuck = True
    assert [x for x, _, _ in bench.sets(3)] == [1, 1, 1]
    assert bench.count() == 36
    bench.chip.faults.stuck = False
    assert bench.sets(1)[0][0] == 4
    bench.chip.faults.stuck = True
    assert [x for x, _, _ in bench.sets(2)] == [5, 5]


def test_another_identity(bench):
    """The identity can be another's, from the start or from now on."""
    assert Bench(Still(), identity=0x98).read(0x75) == b"\x98"
    bench.chip.faults.identity = 0x00
    assert bench.read(0x75) == b"\x00"


def test_a_source_that_ended_is_over_when_its_sets_were_read(recording_of):
    """The chip has ended once the recording has and no whole set waits."""
    bench = Bench(RecordingSource(recording_of(np.zeros((5, 3)))))
    assert not bench.chip.ended
    bench.begin()
    bench.clock.advance(10**9)
    assert not bench.chip.ended
    assert bench.count() == 30
    bench.sets(5)
    assert bench.chip.ended
