"""One chip's registers through the bus: writes that are read back, and what to say where they differ."""

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.errors import BusError, ChipError, ConfigurationLostError, SettingsError
from bedtick.firmware.registers import Register


class RegisterAccess:
    """The registers of the chip at one address.

    Parameters
    ----------
    bus, address
        Where the chip is.
    auto_increment
        Set in the register address where several are read at once, as some chips ask for.
    """

    def __init__(self, bus: I2CBus, address: int, *, auto_increment: int = 0) -> None:
        self.bus = bus
        self.address = address
        self._auto_increment = auto_increment

    def read(self, register: Register) -> int:
        """Return one register; raise `BusError` where that fails."""
        return self.bus.read(self.address, register.address, 1)[0]

    def read_run(self, register: Register, length: int) -> bytes:
        """Return `length` registers from one on; raise `BusError` where that fails."""
        return self.bus.read(self.address, register.address | self._auto_increment, length)

    def read_identity(self, register: Register, hint: str) -> int:
        """Return the identity register; the `BusError` of a silent address ends with the hint."""
        try:
            return self.read(register)
        except BusError as error:
            raise BusError(f"{error}; {hint}", errno=error.errno, address=self.address) from error

    def command(self, register: Register, value: int) -> None:
        """Write a register that does not keep what is written, such as one that resets."""
        self.bus.write(self.address, register.address, bytes([value]))

    def write(self, register: Register, value: int) -> None:
        """Write a register and read it back; raise `ChipError` where it does not hold."""
        self.command(register, value)
        got = self.read(register)
        if got != value:
            raise ChipError(
                f"address 0x{self.address:02X}: {register.name} was set to 0x{value:02X} "
                f"but reads 0x{got:02X} (bad wiring, or another program uses the chip)"
            )

    def check(self, register: Register, wanted: int, got: int) -> None:
        """Raise `ConfigurationLostError` where a register no longer holds what was written."""
        if got != wanted:
            raise ConfigurationLostError(
                f"address 0x{self.address:02X}: configuration lost: {register.name} reads 0x{got:02X} "
                f"instead of 0x{wanted:02X} (power interrupted or loose wire?)",
                address=self.address,
            )

    def garbled(self, register: Register, level: int, most: int) -> ConfigurationLostError:
        """Return the error for a FIFO level that can not be."""
        return ConfigurationLostError(
            f"address 0x{self.address:02X}: {register.name} reads {level} sets of at most {most}: the bus "
            "garbles bytes (loose wire or weak pull-ups?)",
            address=self.address,
        )


def check_offered(model: str, what: str, value: int, offered: tuple[int, ...], unit: str) -> None:
    """Raise `SettingsError` for a rate or range that the chip lacks."""
    if value not in offered:
        choices = ", ".join(str(choice) for choice in offered)
        raise SettingsError(f"{what} {value} {unit}: the {model} offers {choices} {unit}")
