"""The registers of the ADXL355: Analog Devices data sheet ADXL354/ADXL355, table 15 and what follows it.

The emulated chip does not import this table: its own is typed apart, so that the two can disagree.
"""

from bedtick.firmware.registers import Field, Register

DEVID_AD = Register(0x00, "DEVID_AD", "r", 0xAD)
DEVID_MST = Register(0x01, "DEVID_MST", "r", 0x1D)
PARTID = Register(0x02, "PARTID", "r", 0xED)
REVID = Register(0x03, "REVID", "r", 0x01)
STATUS = Register(
    0x04,
    "STATUS",
    "r",
    None,
    (
        Field("NVM_BUSY", 4, 1, "the factory settings are being loaded"),
        Field("ACTIVITY", 3, 1, "above the activity threshold"),
        Field("FIFO_OVR", 2, 1, "the oldest words were overwritten unread; reading STATUS clears it"),
        Field("FIFO_FULL", 1, 1, "as many words as FIFO_SAMPLES are waiting"),
        Field("DATA_RDY", 0, 1, "a set has come since STATUS was read"),
    ),
)
FIFO_ENTRIES = Register(
    0x05, "FIFO_ENTRIES", "r", 0x00, (Field("ENTRIES", 0, 7, "words waiting, 0 to 96, one an axis"),)
)
TEMP2 = Register(0x06, "TEMP2", "r", 0x00, (Field("HIGH", 0, 4, "bits 11 to 8"),))
TEMP1 = Register(0x07, "TEMP1", "r", 0x00)
DATA = tuple(
    Register(0x08 + index, name, "r", None)
    for index, name in enumerate(f"{axis}DATA{byte}" for axis in "XYZ" for byte in (3, 2, 1))
)
FIFO_DATA = Register(0x11, "FIFO_DATA", "r", None)
OFFSETS = tuple(
    Register(0x1E + index, name, "rw", 0x00)
    for index, name in enumerate(f"OFFSET_{axis}_{half}" for axis in "XYZ" for half in "HL")
)
ACT_EN = Register(0x24, "ACT_EN", "rw", 0x00, (Field("AXES", 0, 3, "z, y, x"),))
ACT_THRESH_H = Register(0x25, "ACT_THRESH_H", "rw", 0x00)
ACT_THRESH_L = Register(0x26, "ACT_THRESH_L", "rw", 0x00)
ACT_COUNT = Register(0x27, "ACT_COUNT", "rw", 0x01)
FILTER = Register(
    0x28,
    "FILTER",
    "rw",
    0x00,
    (
        Field("HPF_CORNER", 4, 3, "high-pass filter, 0 for none"),
        Field("ODR_LPF", 0, 4, "4000 Hz for 0, halved with each step up; low-pass at a quarter of it"),
    ),
)
FIFO_SAMPLES = Register(0x29, "FIFO_SAMPLES", "rw", 0x60, (Field("WORDS", 0, 7, "watermark, 1 to 96"),))
INT_MAP = Register(
    0x2A,
    "INT_MAP",
    "rw",
    0x00,
    tuple(
        Field(f"{name}_EN{pin}", low_bit + 4 * (pin - 1), 1, f"{name} on INT{pin}")
        for pin in (1, 2)
        for low_bit, name in enumerate(("RDY", "FULL", "OVR", "ACT"))
    ),
)
SYNC = Register(
    0x2B,
    "SYNC",
    "rw",
    0x00,
    (Field("EXT_CLK", 2, 1, "clock from outside"), Field("EXT_SYNC", 0, 2, "samples timed from outside")),
)
RANGE = Register(
    0x2C,
    "RANGE",
    "rw",
    0x81,
    (
        Field("I2C_HS", 7, 1, "fit for an I2C bus of up to 3.4 MHz"),
        Field("INT_POL", 6, 1, "interrupt pins active high"),
        Field("RANGE", 0, 2, "2, 4, 8 g for 1, 2, 3"),
    ),
)
POWER_CTL = Register(
    0x2D,
    "POWER_CTL",
    "rw",
    0x01,
    (
        Field("DRDY_OFF", 2, 1, "DRDY pin silent"),
        Field("TEMP_OFF", 1, 1, "no temperature"),
        Field("STANDBY", 0, 1, "0 is measuring"),
    ),
)
SELF_TEST = Register(
    0x2E,
    "SELF_TEST",
    "rw",
    0x00,
    (Field("ST2", 1, 1, "push the proof mass"), Field("ST1", 0, 1, "self-test mode")),
)
RESET = Register(0x2F, "RESET", "rw", None)  # write only: what it reads as is not told
SHADOW = tuple(Register(0x50 + index, f"SHADOW_{index}", "r", None) for index in range(5))

SETTINGS = (FILTER, FIFO_SAMPLES, INT_MAP, SYNC, RANGE, POWER_CTL, SELF_TEST)
TABLE = (
    DEVID_AD,
    DEVID_MST,
    PARTID,
    REVID,
    STATUS,
    FIFO_ENTRIES,
    TEMP2,
    TEMP1,
    *DATA,
    FIFO_DATA,
    *OFFSETS,
    ACT_EN,
    ACT_THRESH_H,
    ACT_THRESH_L,
    ACT_COUNT,
    *SETTINGS,
    RESET,
    *SHADOW,
)
