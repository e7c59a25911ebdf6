"""The I2C bus: batches of reads, the fallback to single reads, and errors in words."""

import errno

import pytest
from smbus2 import i2c_msg

from bedtick.firmware.bus import I2CBus, open_bus
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock
from bedtick.firmware.errors import BedtickError, BusError


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


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(13, "denied"), "group i2c"), (OSError(5, "broken"), "broken")],
)
def test_a_bus_that_cannot_be_opened_says_why(monkeypatch, error, words):
    """Permission leads to the group i2c; anything else keeps the system's words."""

    def refuse(_number):
        raise error

    monkeypatch.setattr("bedtick.firmware.bus.SMBus", refuse)
    with pytest.raises(BusError, match=words):
        open_bus(1)


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
