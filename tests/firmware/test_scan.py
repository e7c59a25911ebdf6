"""A scan finds every known chip, names what else answers, and touches nothing but identities."""

import errno
import os

import pytest

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedAdapter, EmulatedClock, Still
from bedtick.firmware.emulator.chips import EMULATED_CHIPS
from bedtick.firmware.errors import BusError, SettingsError
from bedtick.firmware.linux_i2c import owned_words
from bedtick.firmware.scan import explain_nothing, explain_several, scan, usual_addresses


class Clockwork:
    """A clock module at a sensor's address: every register reads 0x42, and what is written is remembered."""

    def __init__(self):
        self.written = []

    def write(self, data):
        """Take a register pointer, and values after it."""
        self.written.append(data)

    def read(self, length):
        """Give what a clock might."""
        return b"\x42" * length


class Watched(EmulatedAdapter):
    """An emulated bus that notes every address asked, and of which the kernel may use some."""

    def __init__(self, devices, owned=(), stuck=False):
        super().__init__(devices, EmulatedClock())
        self.asked = []
        self.owned = dict(owned)
        self.stuck = stuck

    def i2c_rdwr(self, *messages):
        """Note the address, then carry the messages."""
        self.asked.append(messages[0].addr)
        if self.stuck:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        super().i2c_rdwr(*messages)

    def kernel_driver(self, address):
        """Say who uses an address."""
        return self.owned.get(address)


def look(devices, chip="auto", address=0, **options):
    """Scan a bus of these devices; give what was seen and the adapter."""
    adapter = Watched(devices, **options)
    return scan(I2CBus(adapter, "/dev/i2c-1"), EmulatedClock(), chip=chip, address=address), adapter


def emulated(name):
    """Make an emulated chip."""
    return EMULATED_CHIPS[name][0](Still(), EmulatedClock())


@pytest.mark.parametrize("name", CHIPS)
def test_each_chip_is_found_at_each_of_its_addresses(name):
    """Wherever a chip may be it is found by its name and by `auto`, and by nothing else."""
    for address in CHIPS[name].addresses:
        for chip in ("auto", name):
            seen, _ = look({address: emulated(name)}, chip)
            assert [(one.chip.name, one.address) for one in seen.found] == [(name, address)]
            assert seen.strangers == seen.owned == ()
            tried = usual_addresses(tuple(CHIPS) if chip == "auto" else (name,))
            assert sorted((*seen.silent, address)) == sorted(tried)


def test_all_at_once_are_found():
    """One chip of each kind on one bus is found as itself; the line on it shows what the settings need."""
    places = {"adxl345": 0x53, "adxl355": 0x1D, "lis3dh": 0x18, "lsm6dsox": 0x6A, "mpu6050": 0x69}
    seen, _ = look({address: emulated(name) for name, address in places.items()})
    assert {one.chip.name: one.address for one in seen.found} == places
    line = explain_several(seen)
    assert "\n" not in line
    for name, address in places.items():
        assert f"{name} at 0x{address:02X}" in line
        assert f"address = 0x{address:02X}" in line


def test_a_clock_module_is_a_stranger_and_keeps_its_time():
    """What has a sensor's address and another identity is named with both; not a byte of it is changed."""
    clock = Clockwork()
    seen, _ = look({0x68: clock})
    ((address, sentence),) = [(one.address, one.sentence) for one in seen.strangers]
    assert address == 0x68
    assert "0x42" in sentence
    assert "clock module" in sentence
    assert seen.found == ()
    assert all(len(data) == 1 for data in clock.written)
    assert sentence in explain_nothing(seen)


def test_nothing_is_asked_where_no_chip_may_be():
    """A scan leaves alone every address that is no known chip's, and the one address set by hand is all."""
    _, adapter = look({})
    assert set(adapter.asked) == set(usual_addresses(tuple(CHIPS)))
    seen, adapter = look({0x53: emulated("adxl345")}, address=0x1D)
    assert set(adapter.asked) == {0x1D}
    assert (seen.found, seen.silent) == ((), (0x1D,))


def test_the_kernel_s_addresses_are_not_touched():
    """An address that a kernel driver uses is not spoken to; the line names the driver and the way out."""
    seen, adapter = look({0x53: emulated("adxl345")}, owned={0x53: "adxl34x"})
    assert 0x53 not in adapter.asked
    assert seen.found == ()
    line = explain_nothing(seen)
    assert "0x53 is in use by the kernel's driver adxl34x" in line
    assert "\n" not in line


def test_silence_is_explained():
    """Where nothing answers the line says what was tried, which wires to check, and where I2C is enabled."""
    line = explain_nothing(look({})[0])
    for words in ("/dev/i2c-1: no accelerometer answers", "0x53", "0x68", "SDA", "3.3 V", "raspi-config"):
        assert words in line
    assert "no lis3dh answers (tried 0x18, 0x19)" in explain_nothing(look({}, "lis3dh")[0])


def test_a_stuck_bus_ends_the_scan():
    """The first time-out is the last: not every address pays for a bus that is stuck."""
    adapter = Watched({}, stuck=True)
    with pytest.raises(BusError):
        scan(I2CBus(adapter, "/dev/i2c-1"), EmulatedClock())
    assert len(set(adapter.asked)) == 1


def test_unknown_chip():
    """A name that is no chip's is refused with those that are."""
    with pytest.raises(SettingsError, match="no chip is called 'bma999'; there are auto, adxl345"):
        look({}, "bma999")


@pytest.mark.parametrize(
    ("driver", "remedy"),
    [("adxl345_i2c", "blacklist adxl345_i2c"), ("unknown", "a driver of the kernel: remove")],
)
def test_an_owned_address_tells_how_to_free_it(driver, remedy):
    """With the driver's name, it can be blacklisted; without one, only its overlay can be looked for."""
    words = owned_words("/dev/i2c-1", 0x53, driver)
    assert remedy in words
    assert "0x53" in words
    assert "unknown" not in words
