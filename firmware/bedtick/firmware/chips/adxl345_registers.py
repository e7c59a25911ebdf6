"""The registers of the ADXL345 and ADXL343: Analog Devices data sheet ADXL345, table 19 and what follows it.

The emulated chip does not import this table: its own is typed apart, so that the two can disagree.
"""

from bedtick.firmware.registers import Field, Register

INTERRUPTS = (
    Field("DATA_READY", 7, 1, "a set is waiting"),
    Field("SINGLE_TAP", 6, 1, "one tap"),
    Field("DOUBLE_TAP", 5, 1, "two taps"),
    Field("ACTIVITY", 4, 1, "above the activity threshold"),
    Field("INACTIVITY", 3, 1, "below the inactivity threshold for its time"),
    Field("FREE_FALL", 2, 1, "below the free-fall threshold for its time"),
    Field("WATERMARK", 1, 1, "as many sets as FIFO_CTL.SAMPLES are waiting"),
    Field("OVERRUN", 0, 1, "a set was overwritten unread; reading data clears it"),
)

DEVID = Register(0x00, "DEVID", "r", 0xE5)
THRESH_TAP = Register(0x1D, "THRESH_TAP", "rw", 0x00)
OFSX = Register(0x1E, "OFSX", "rw", 0x00)
OFSY = Register(0x1F, "OFSY", "rw", 0x00)
OFSZ = Register(0x20, "OFSZ", "rw", 0x00)
DUR = Register(0x21, "DUR", "rw", 0x00)
LATENT = Register(0x22, "LATENT", "rw", 0x00)
WINDOW = Register(0x23, "WINDOW", "rw", 0x00)
THRESH_ACT = Register(0x24, "THRESH_ACT", "rw", 0x00)
THRESH_INACT = Register(0x25, "THRESH_INACT", "rw", 0x00)
TIME_INACT = Register(0x26, "TIME_INACT", "rw", 0x00)
ACT_INACT_CTL = Register(
    0x27,
    "ACT_INACT_CTL",
    "rw",
    0x00,
    (
        Field("ACTIVITY_AC", 7, 1, "compare with a reference rather than with 0"),
        Field("ACTIVITY_AXES", 4, 3, "x, y, z"),
        Field("INACTIVITY_AC", 3, 1, "compare with a reference rather than with 0"),
        Field("INACTIVITY_AXES", 0, 3, "x, y, z"),
    ),
)
THRESH_FF = Register(0x28, "THRESH_FF", "rw", 0x00)
TIME_FF = Register(0x29, "TIME_FF", "rw", 0x00)
TAP_AXES = Register(0x2A, "TAP_AXES", "rw", 0x00)
ACT_TAP_STATUS = Register(0x2B, "ACT_TAP_STATUS", "r", 0x00)
BW_RATE = Register(
    0x2C,
    "BW_RATE",
    "rw",
    0x0A,
    (
        Field("LOW_POWER", 4, 1, "less current, more noise"),
        Field("RATE", 0, 4, "3200 Hz for 15, halved with each step down"),
    ),
)
POWER_CTL = Register(
    0x2D,
    "POWER_CTL",
    "rw",
    0x00,
    (
        Field("LINK", 5, 1, "activity and inactivity take turns"),
        Field("AUTO_SLEEP", 4, 1, "sleep when inactive"),
        Field("MEASURE", 3, 1, "0 is standby"),
        Field("SLEEP", 2, 1, "sample rarely"),
        Field("WAKEUP", 0, 2, "how rarely"),
    ),
)
INT_ENABLE = Register(0x2E, "INT_ENABLE", "rw", 0x00, INTERRUPTS)
INT_MAP = Register(0x2F, "INT_MAP", "rw", 0x00, INTERRUPTS)
INT_SOURCE = Register(0x30, "INT_SOURCE", "r", None, INTERRUPTS)
DATA_FORMAT = Register(
    0x31,
    "DATA_FORMAT",
    "rw",
    0x00,
    (
        Field("SELF_TEST", 7, 1, "push the proof mass"),
        Field("SPI", 6, 1, "three-wire SPI"),
        Field("INT_INVERT", 5, 1, "interrupt pins active low"),
        Field("FULL_RES", 3, 1, "the same step at every range"),
        Field("JUSTIFY", 2, 1, "left-justified"),
        Field("RANGE", 0, 2, "2, 4, 8, 16 g"),
    ),
)
DATA = tuple(
    Register(0x32 + index, name, "r", None)
    for index, name in enumerate(("DATAX0", "DATAX1", "DATAY0", "DATAY1", "DATAZ0", "DATAZ1"))
)
FIFO_CTL = Register(
    0x38,
    "FIFO_CTL",
    "rw",
    0x00,
    (
        Field("MODE", 6, 2, "0 bypass, 1 FIFO, 2 stream, 3 trigger"),
        Field("TRIGGER", 5, 1, "which pin triggers"),
        Field("SAMPLES", 0, 5, "watermark"),
    ),
)
FIFO_STATUS = Register(
    0x39,
    "FIFO_STATUS",
    "r",
    0x00,
    (Field("TRIGGERED", 7, 1, "a trigger has come"), Field("ENTRIES", 0, 6, "sets waiting, 0 to 32")),
)

# What bedtick does not use. Written all the same: the chip has no reset, and whoever used it before may
# have left an offset or an interrupt behind.
UNUSED = (
    THRESH_TAP,
    OFSX,
    OFSY,
    OFSZ,
    DUR,
    LATENT,
    WINDOW,
    THRESH_ACT,
    THRESH_INACT,
    TIME_INACT,
    ACT_INACT_CTL,
    THRESH_FF,
    TIME_FF,
    TAP_AXES,
    INT_MAP,
)
TABLE = (
    DEVID,
    *UNUSED,
    INT_ENABLE,
    ACT_TAP_STATUS,
    BW_RATE,
    POWER_CTL,
    INT_SOURCE,
    DATA_FORMAT,
    *DATA,
    FIFO_CTL,
    FIFO_STATUS,
)
