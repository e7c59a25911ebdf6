"""The errors bedtick raises on purpose, and what each asks of the caller.

BedtickError                  anything below; its message is one line for a person
|-- BusError                  passes by itself: try again
|   `-- ConfigurationLostError    the chip forgot its settings: configure and start it again
|-- ChipError                 does not pass by itself: wrong chip or wrong wiring
|-- RecordingError            (also ValueError) a file that is not a usable recording
|-- SettingsError             (also ValueError) a setting outside what is allowed
`-- StoreError                the database cannot be used
"""


class BedtickError(Exception):
    """Something failed that a person can understand; the message is one line."""


class BusError(BedtickError):
    """A transfer on the I2C bus failed; trying again may work.

    Parameters
    ----------
    message
        One line: address, register, cause in words.
    errno
        The kernel's error number, or None where there was none.
    address
        The 7-bit address spoken to, or None where the bus itself failed.
    """

    def __init__(self, message: str, *, errno: int | None = None, address: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno
        self.address = address


class ConfigurationLostError(BusError):
    """The chip no longer holds the settings written to it, as after a loss of power."""


class ChipError(BedtickError):
    """The chip is not the expected one or does not keep what is written; the message hints at the wiring."""


class RecordingError(BedtickError, ValueError):
    """A file is not a recording that can be used."""


class SettingsError(BedtickError, ValueError):
    """A setting is unknown or outside its allowed range."""


class StoreError(BedtickError):
    """The database cannot be used."""
