"""The I2C bus: batches of reads, the fallback to single reads, and errors in words."""

import errno
import fcntl

import pytest
from smbus2 import SMBus, i2c_msg

from bedtick.firmware import linux_i2c
from bedtick.firmware.bus import I2CBus, open_bus
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock
from bedtick.firmware.errors import BedtickError, BusError
from bedtick.firmware.retries import TREATMENTS, treatment_of


class Counter:
    """A chip whose reads count up, so that order and completeness show."""

    def __init__(self):
        self.value = 0
        self.written = []

    def write(self, data):
        """Note what was written."""
        self.written.append(data)

    def read(self, length):
        """Give the next `length` numbers."""
        start = self.value
        self.value += length
        return bytes(number % 256 for number in range(start, self.value))


class Recorder:
    """An adapter that notes how many messages each transaction held and can fail."""

    def __init__(self, adapter, number=None):
        self.adapter = adapter
        self.sizes = []
        self.number = number

    def i2c_rdwr(self, *messages):
        """Pass the messages on."""
        self.sizes.append(len(messages))
        if self.number is not None:
            raise OSError(self.number, "failed")
        self.adapter.i2c_rdwr(*messages)

    def close(self):
        """Note the closing."""
        self.sizes.append(0)

    def reopen(self):
        """Note the opening; it works."""
        self.sizes.append(-1)


def counting_bus(multi_read):
    """Return (bus, adapter's recorder, chip)."""
    chip = Counter()
    recorder = Recorder(EmulatedAdapter({0x53: chip}, EmulatedClock(), multi_read=multi_read))
    return I2CBus(recorder, "test"), recorder, chip


@pytest.mark.parametrize("count", [2, 20, 21, 22, 50])
def test_many_reads_come_in_order_whatever_the_controller(multi_read, count):
    """Back-to-back reads give the same bytes in batches and one by one."""
    bus, _, _ = counting_bus(multi_read)
    expected = bytes(number % 256 for number in range(10 * count))
    assert bus.read_many(0x53, 0x30, 10, count) == expected
    assert bus.multi_read is multi_read


def test_a_batch_holds_at_most_42_messages():
    """50 reads take three transactions where the controller takes many."""
    bus, recorder, _ = counting_bus(multi_read=True)
    bus.read_many(0x53, 0x30, 10, 50)
    assert recorder.sizes == [42, 42, 16]


def test_the_fallback_is_found_out_once():
    """After one refusal every read is a transaction of its own, without asking again."""
    bus, recorder, _ = counting_bus(multi_read=False)
    bus.read_many(0x53, 0x30, 10, 3)
    bus.read_many(0x53, 0x30, 10, 3)
    assert recorder.sizes == [6, 2, 2, 2, 2, 2, 2]


def test_a_single_read_finds_nothing_out():
    """One read alone cannot tell whether several are possible."""
    bus, _, _ = counting_bus(multi_read=True)
    assert bus.read_many(0x53, 0x30, 3, 1) == bytes((0, 1, 2))
    assert bus.multi_read is None
    assert bus.read_many(0x53, 0x30, 3, 0) == b""


def test_write_sends_the_register_and_the_data():
    """A write is one message: register, then data."""
    bus, _, chip = counting_bus(multi_read=True)
    bus.write(0x53, 0x2D, b"\x08\x01")
    assert chip.written == [b"\x2d\x08\x01"]


def test_bytes_not_delivered_are_not_the_previous_answer():
    """Where the controller delivers nothing, zeros are read and not the answer before."""
    bus, recorder, _ = counting_bus(multi_read=True)
    assert bus.read(0x53, 0x30, 3) == bytes((0, 1, 2))
    bus.read(0x53, 0x30, 3)
    recorder.adapter = EmulatedAdapter({}, EmulatedClock())
    recorder.adapter.i2c_rdwr = lambda *_messages: None
    assert bus.read(0x53, 0x30, 3) == b"\x00\x00\x00"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EREMOTEIO, "no answer"),
        (errno.ETIMEDOUT, "bus is stuck"),
        (errno.EIO, "broke off"),
        (errno.EAGAIN, "another controller"),
        (errno.ENODEV, "has gone"),
        (errno.EPERM, "failed"),
    ],
)
def test_errors_name_address_register_and_cause(number, words):
    """An OSError becomes a BusError in human words, with the number and the address kept."""
    bus = I2CBus(Recorder(None, number), "test")
    calls = [
        lambda: bus.read(0x53, 0x39, 1),
        lambda: bus.write(0x53, 0x39, b"\x00"),
        lambda: bus.read_many(0x53, 0x39, 10, 5),
    ]
    for call in calls:
        with pytest.raises(BusError, match=words) as caught:
            call()
        assert "0x53" in str(caught.value)
        assert "0x39" in str(caught.value)
        assert (caught.value.errno, caught.value.address) == (number, 0x53)


def test_a_refusal_after_many_reads_worked_is_an_error():
    """EOPNOTSUPP is no reason to fall back once batches have worked, though single reads still would."""
    bus, recorder, _ = counting_bus(multi_read=True)
    bus.read_many(0x53, 0x30, 10, 3)
    recorder.adapter = EmulatedAdapter({0x53: Counter()}, EmulatedClock(), multi_read=False)
    with pytest.raises(BusError, match="cannot do"):
        bus.read_many(0x53, 0x30, 10, 3)


def test_closing_the_bus_closes_the_adapter():
    """Closing is passed on."""
    bus, recorder, _ = counting_bus(multi_read=True)
    bus.close()
    assert recorder.sizes == [0]


def test_a_missing_bus_is_one_line_with_what_to_do():
    """A bus that is not there is named, with what to do about it."""
    with pytest.raises(BedtickError, match=r"/dev/i2c-97 does not exist.*(enable I2C|--bus)") as caught:
        open_bus(97)
    assert "\n" not in str(caught.value)


class Files:
    """What the kernel does for `smbus2` and bedtick but for transfers: all calls are noted, and may fail."""

    def __init__(self, monkeypatch):
        self.opened, self.controls, self.error, self.busy = [], [], None, ()
        monkeypatch.setattr(SMBus, "open", self.open_for)
        monkeypatch.setattr(SMBus, "close", lambda bus: setattr(bus, "fd", None))
        monkeypatch.setattr(fcntl, "ioctl", self.control)

    @property
    def open_for(self):
        """What stands in for `SMBus.open`."""

        def opened(bus, number):
            if self.error is not None:
                raise self.error
            self.opened.append(number)
            bus.fd = 90 + len(self.opened)

        return opened

    def control(self, number, request, value):
        """Take an ioctl that is no transfer."""
        if request == linux_i2c.I2C_SLAVE and value in self.busy:
            raise OSError(errno.EBUSY, "busy")
        self.controls.append((number, request, value))


@pytest.fixture
def files(monkeypatch):
    """Return the kernel's files."""
    return Files(monkeypatch)


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(13, "denied"), "group i2c"), (OSError(5, "broken"), "broken")],
)
def test_a_bus_that_cannot_be_opened_says_why(files, error, words):
    """Permission leads to the group i2c; anything else keeps the system's words."""
    files.error = error
    with pytest.raises(BusError, match=words):
        open_bus(1)


def test_the_time_out_is_lowered_whenever_the_bus_is_opened(files):
    """Opening, and opening anew, tells the kernel to wait for 200 ms instead of a second."""
    bus = open_bus(7)
    bus.reopen()
    assert files.opened == [7, 7]
    assert files.controls == [(91, 0x0702, 20), (92, 0x0702, 20)]


def test_a_bus_that_does_not_come_back_is_tried_again(files):
    """Where a bus that has gone cannot be opened anew, the next transfer tries to open it before all else."""
    bus = open_bus(7)
    files.error = FileNotFoundError(errno.ENOENT, "no such file")
    with pytest.raises(BusError, match="has gone"):
        bus.reopen()
    with pytest.raises(BusError, match="has gone"):
        bus.read(0x53, 0x00, 1)
    assert bus.transfers == 0
    files.error = None
    bus.reopen()
    assert len(files.opened) == 2


def test_an_address_that_the_kernel_uses_is_named_with_its_driver(files, monkeypatch, tmp_path):
    """The owner of an address is the name at the end of the driver's link; a free address has none."""
    device, driver = tmp_path / "7-0053", tmp_path / "drivers" / "adxl345_i2c"
    device.mkdir()
    driver.mkdir(parents=True)
    (device / "driver").symlink_to(driver)
    monkeypatch.setattr(linux_i2c, "DEVICES", tmp_path)
    files.busy = (0x53, 0x1D)
    bus = open_bus(7)
    assert bus.kernel_driver(0x53) == "adxl345_i2c"
    assert bus.kernel_driver(0x1D) == "unknown"
    assert bus.kernel_driver(0x18) is None
    words = linux_i2c.owned_words("/dev/i2c-7", 0x53, "adxl345_i2c")
    assert "blacklist adxl345_i2c" in words
    assert "0x53" in words


def test_no_error_number_has_two_treatments():
    """Each number stands in one row of the table, and that row is found by it."""
    numbers = [number for treatment in TREATMENTS for number in treatment.errnos]
    assert len(set(numbers)) == len(numbers)
    assert all(number in treatment_of(number).errnos for number in numbers)
    assert treatment_of(errno.EPERM).name == treatment_of(None).name == "unknown"


@pytest.fixture
def faulty(multi_read):
    """Return (bus, faults, adapter, chip)."""
    chip = Counter()
    adapter = EmulatedAdapter({0x53: chip}, EmulatedClock(), multi_read=multi_read)
    return I2CBus(adapter, "test"), adapter.faults, adapter, chip


def test_no_answer_is_tried_again_at_once(faulty):
    """Four transfers without an answer are nobody's business; a fifth one in a row is an error."""
    bus, faults, _, chip = faulty
    faults.nack_next(4)
    assert bus.read(0x53, 0x30, 2) == b"\0\1"
    assert (bus.transfers, bus.failures) == (5, 4)
    faults.nack_next(4)
    bus.write(0x53, 0x2D, b"\x08")
    assert chip.written[-1] == b"\x2d\x08"
    faults.nack_next(5)
    with pytest.raises(BusError, match="no answer"):
        bus.read(0x53, 0x30, 2)


def test_a_drain_set_by_set_goes_on_where_nobody_answered():
    """Of fifty sets read one by one none is thrown away, though every third transfer finds no answer."""
    chip = Counter()
    adapter = EmulatedAdapter({0x53: chip}, EmulatedClock(), multi_read=False)
    bus = I2CBus(adapter, "test")
    bus.read_many(0x53, 0x30, 10, 2)
    calls = iter(range(1000))
    adapter.faults.take = lambda: errno.EREMOTEIO if next(calls) % 3 == 2 else None
    expected = bytes(number % 256 for number in range(20, 520))
    assert bus.read_many(0x53, 0x30, 10, 50) == expected


@pytest.mark.parametrize("number", [errno.EIO, errno.ETIMEDOUT, errno.EAGAIN])
def test_what_may_have_been_sent_is_not_asked_for_again(number):
    """A transfer that broke off is not repeated by the bus: a set may be gone, and that must show."""
    bus, recorder, _ = counting_bus(multi_read=False)
    recorder.number = number
    with pytest.raises(BusError):
        bus.read(0x53, 0x30, 10)
    assert recorder.sizes == [2]


def test_several_reads_in_one_are_not_tried_again():
    """Where one of many reads in a transaction found no answer, those before it may have given sets away."""
    bus, recorder, _ = counting_bus(multi_read=True)
    bus.read_many(0x53, 0x30, 10, 3)
    recorder.number = errno.EREMOTEIO
    with pytest.raises(BusError, match="no answer"):
        bus.read_many(0x53, 0x30, 10, 3)
    assert recorder.sizes == [6, 6]


def test_the_question_whether_many_reads_are_possible_is_no_failure():
    """A controller that refuses several reads in one is not counted as a bad bus."""
    bus, _, _ = counting_bus(multi_read=False)
    bus.read_many(0x53, 0x30, 10, 3)
    assert bus.failures == 0


def test_a_bus_that_has_gone_is_opened_anew_by_itself(faulty):
    """When the adapter has gone, the next transfer opens it anew, and works as soon as that does."""
    bus, faults, adapter, _ = faulty
    faults.bus_gone = True
    for _ in range(3):
        with pytest.raises(BusError, match="has gone"):
            bus.read(0x53, 0x30, 1)
    faults.bus_gone = False
    assert bus.read(0x53, 0x30, 1) == b"\0"
    assert adapter.reopened == 1


@pytest.mark.parametrize(("number", "faults_in_a_row"), [(errno.ETIMEDOUT, 5), (errno.EREMOTEIO, 10)])
def test_a_bus_that_keeps_failing_is_opened_anew(number, faults_in_a_row):
    """After so many faults in a row the bus is opened anew, once, and a success begins the count again."""
    bus, recorder, _ = counting_bus(multi_read=True)
    for broken_off in (1, 0):
        recorder.number = number
        for _ in range(faults_in_a_row - broken_off):
            assert -1 not in recorder.sizes
            with pytest.raises(BusError):
                bus.read(0x53, 0x30, 1)
        recorder.number = None
        bus.read(0x53, 0x30, 1)
        assert recorder.sizes.count(-1) == 1 - broken_off
        recorder.sizes.clear()


def test_the_kernels_drivers_are_known_on_the_emulated_bus(faulty):
    """The emulated adapter says which address the kernel uses."""
    bus, faults, _, _ = faulty
    faults.kernel_drivers[0x53] = "adxl345_i2c"
    assert (bus.kernel_driver(0x53), bus.kernel_driver(0x1D)) == ("adxl345_i2c", None)


def test_chance_is_seeded_and_fair(faulty):
    """Random faults come as often as asked for, and the same ones again with the same seed."""
    _, faults, _, _ = faulty
    rounds = []
    for _ in range(2):
        faults.fail_randomly(3, nack=0.05, short_read=0.02)
        rounds.append([faults.take() for _ in range(10_000)])
    assert rounds[0] == rounds[1]
    assert rounds[0].count(errno.EREMOTEIO) == pytest.approx(500, abs=80)
    assert rounds[0].count(errno.EIO) == pytest.approx(200, abs=60)


def test_slow_transfers_take_longer_now_and_then():
    """One transfer in ten takes up to 30 ms longer, half of them before the chip is asked."""
    clock = EmulatedClock()
    adapter = EmulatedAdapter({0x53: Counter()}, clock)
    adapter.faults.slow_randomly(4, 0.1, 30_000_000)
    bus, spans_ns = I2CBus(adapter, "test"), []
    for _ in range(2000):
        before_ns = clock.boot_ns()
        bus.read(0x53, 0x30, 10)
        spans_ns.append(clock.boot_ns() - before_ns)
    slow = [span_ns for span_ns in spans_ns if span_ns > 300_000]
    assert len(slow) == pytest.approx(200, abs=50)
    assert max(slow) < 30_400_000
    assert min(spans_ns) == 300_000


def test_the_emulated_adapter_refuses_what_the_kernel_refuses():
    """Too many messages or too long a message is EINVAL; an absent address does not answer."""
    adapter = EmulatedAdapter({0x53: Counter()}, EmulatedClock())
    for messages in ([i2c_msg.read(0x53, 1)] * 43, [i2c_msg.read(0x53, 8193)]):
        with pytest.raises(OSError, match="Invalid") as caught:
            adapter.i2c_rdwr(*messages)
        assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="I/O") as caught:
        adapter.i2c_rdwr(i2c_msg.read(0x1D, 1))
    assert caught.value.errno == errno.EREMOTEIO


@pytest.mark.parametrize(("bus_hz", "expected_ns"), [(400_000, 300_000), (100_000, 1_200_000)])
def test_a_burst_of_ten_bytes_takes_its_time_on_the_wire(bus_hz, expected_ns):
    """Address, register, address and ten bytes take 120 clocks on the emulated bus."""
    clock = EmulatedClock()
    I2CBus(EmulatedAdapter({0x53: Counter()}, clock, bus_hz=bus_hz), "test").read(0x53, 0x30, 10)
    assert clock.boot_ns() == expected_ns
