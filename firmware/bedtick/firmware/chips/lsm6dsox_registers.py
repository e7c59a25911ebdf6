"""The registers of the LSM6DSOX and LSM6DSO that bedtick uses: the register tables of ST's data sheets.

The emulated chip does not import this table: its own is typed apart, so that the two can disagree.
"""

from bedtick.firmware.registers import Field, Register

FIFO_INTERRUPTS = (
    Field("COUNTER", 6, 1, "the counter of batches has reached its threshold"),
    Field("FIFO_FULL", 5, 1, "the FIFO is full with the next word"),
    Field("FIFO_OVR", 4, 1, "the FIFO is filled completely"),
    Field("FIFO_TH", 3, 1, "the FIFO holds as many words as its threshold"),
)

FUNC_CFG_ACCESS = Register(
    0x01,
    "FUNC_CFG_ACCESS",
    "rw",
    0x00,
    (
        Field("FUNC_CFG", 7, 1, "the other addresses lead to the embedded functions"),
        Field("SHUB", 6, 1, "the other addresses lead to the sensor hub"),
    ),
)
FIFO_CTRL1 = Register(0x07, "FIFO_CTRL1", "rw", 0x00, (Field("WTM_LOW", 0, 8, "threshold, bits 7 to 0"),))
FIFO_CTRL2 = Register(
    0x08,
    "FIFO_CTRL2",
    "rw",
    0x00,
    (
        Field("STOP_ON_WTM", 7, 1, "the FIFO ends at its threshold"),
        Field("COMPRESSION", 6, 1, "words of several sets"),
        Field("ODRCHG", 4, 1, "a word for each change of rate"),
        Field("UNCOMPRESSED_RATE", 1, 2, "how often a word without compression"),
        Field("WTM_HIGH", 0, 1, "threshold, bit 8"),
    ),
)
FIFO_CTRL3 = Register(
    0x09,
    "FIFO_CTRL3",
    "rw",
    0x00,
    (
        Field("BDR_GY", 4, 4, "rate of the gyroscope's words, codes as CTRL1_XL.ODR; 0 for none"),
        Field("BDR_XL", 0, 4, "rate of the accelerometer's words, at most its own; 0 for none"),
    ),
)
FIFO_CTRL4 = Register(
    0x0A,
    "FIFO_CTRL4",
    "rw",
    0x00,
    (
        Field("TIMESTAMPS", 6, 2, "how often a word with the time"),
        Field("TEMPERATURES", 4, 2, "how often a word with the temperature"),
        Field("MODE", 0, 3, "0 bypass, 1 FIFO, 6 continuous"),
    ),
)
INT1_CTRL = Register(
    0x0D,
    "INT1_CTRL",
    "rw",
    0x00,
    (
        Field("DEN_DRDY", 7, 1, "the data-enable flag"),
        *FIFO_INTERRUPTS,
        Field("BOOT", 2, 1, "the memory is loaded anew"),
        Field("DRDY_G", 1, 1, "the gyroscope has a set"),
        Field("DRDY_XL", 0, 1, "the accelerometer has a set"),
    ),
)
INT2_CTRL = Register(
    0x0E,
    "INT2_CTRL",
    "rw",
    0x00,
    (
        *FIFO_INTERRUPTS,
        Field("DRDY_TEMP", 2, 1, "the thermometer has a value"),
        Field("DRDY_G", 1, 1, "the gyroscope has a set"),
        Field("DRDY_XL", 0, 1, "the accelerometer has a set"),
    ),
)
WHO_AM_I = Register(0x0F, "WHO_AM_I", "r", 0x6C)
CTRL1_XL = Register(
    0x10,
    "CTRL1_XL",
    "rw",
    0x00,
    (
        Field("ODR", 4, 4, "0 is off; 1 is 12.5 Hz, doubled with each step up to 10"),
        Field("FS", 2, 2, "0 is 2 g, 2 is 4 g, 3 is 8 g, 1 is 16 g"),
        Field("LPF2", 1, 1, "a second filter, below half of the rate"),
    ),
)
CTRL2_G = Register(
    0x11, "CTRL2_G", "rw", 0x00, (Field("ODR", 4, 4, "0 is off"), Field("FS", 1, 3, "range of the gyroscope"))
)
CTRL3_C = Register(
    0x12,
    "CTRL3_C",
    "rw",
    0x04,
    (
        Field("BOOT", 7, 1, "load the memory anew; ends by itself"),
        Field("BDU", 6, 1, "both bytes of a value are of one moment"),
        Field("H_LACTIVE", 5, 1, "interrupt pins active low"),
        Field("PP_OD", 4, 1, "interrupt pins open drain"),
        Field("SIM", 3, 1, "three-wire SPI"),
        Field("IF_INC", 2, 1, "the address moves on within a transfer"),
        Field("SW_RESET", 0, 1, "reset values for all registers; ends by itself"),
    ),
)
CTRL4_C = Register(
    0x13,
    "CTRL4_C",
    "rw",
    0x00,
    (
        Field("SLEEP_G", 6, 1, "the gyroscope sleeps"),
        Field("INT2_ON_INT1", 5, 1, "all interrupts on INT1"),
        Field("DRDY_MASK", 3, 1, "no data-ready before the filters have settled"),
        Field("I2C_DISABLE", 2, 1, "SPI only"),
        Field("LPF1_SEL_G", 1, 1, "filter of the gyroscope"),
    ),
)
CTRL5_C = Register(
    0x14,
    "CTRL5_C",
    "rw",
    0x00,
    (
        Field("ULTRA_LOW_POWER", 7, 1, "of the accelerometer"),
        Field("ROUNDING", 5, 2, "bursts begin anew after the last axis"),
        Field("ST_G", 2, 2, "self-test of the gyroscope"),
        Field("ST_XL", 0, 2, "push the proof mass: 1 one way, 2 the other"),
    ),
)
CTRL6_C = Register(
    0x15,
    "CTRL6_C",
    "rw",
    0x00,
    (
        Field("DEN_MODE", 5, 3, "data-enable trigger"),
        Field("XL_HM_MODE", 4, 1, "1 switches the high-performance mode off"),
        Field("USR_OFF_W", 3, 1, "weight of the user's offset"),
        Field("FTYPE", 0, 3, "filter of the gyroscope"),
    ),
)
CTRL7_G = Register(
    0x16,
    "CTRL7_G",
    "rw",
    0x00,
    (
        Field("G_HM_MODE", 7, 1, "1 switches the gyroscope's high-performance mode off"),
        Field("HP_G", 4, 3, "high-pass of the gyroscope"),
        Field("USR_OFF_ON_OUT", 1, 1, "add the user's offset"),
    ),
)
CTRL8_XL = Register(
    0x17,
    "CTRL8_XL",
    "rw",
    0x00,
    (
        Field("HPCF", 5, 3, "corner of the second filter"),
        Field("HP_REF_MODE", 4, 1, "high-pass against a reference"),
        Field("FASTSETTL_MODE", 3, 1, "the second filter settles at once"),
        Field("HP_SLOPE", 2, 1, "high-pass instead of low-pass"),
        Field("FS_MODE", 1, 1, "range apart from that of the auxiliary SPI"),
        Field("LOW_PASS_ON_6D", 0, 1, "filter of the orientation"),
    ),
)
CTRL9_XL = Register(
    0x18,
    "CTRL9_XL",
    "rw",
    0xE0,
    (
        Field("DEN_AXES", 5, 3, "x, y, z"),
        Field("DEN_XL", 3, 2, "data-enable for the accelerometer"),
        Field("DEN_LH", 2, 1, "data-enable active high"),
        Field("I3C_DISABLE", 1, 1, "no I3C"),
    ),
)
OUT_TEMP_L = Register(0x20, "OUT_TEMP_L", "r", None)
OUT_TEMP_H = Register(0x21, "OUT_TEMP_H", "r", None)
FIFO_STATUS1 = Register(0x3A, "FIFO_STATUS1", "r", 0x00, (Field("LEVEL_LOW", 0, 8, "words, bits 7 to 0"),))
FIFO_STATUS2 = Register(
    0x3B,
    "FIFO_STATUS2",
    "r",
    0x00,
    (
        Field("WTM", 7, 1, "as many words as the threshold"),
        Field("OVR", 6, 1, "filled completely"),
        Field("FULL", 5, 1, "full with the next word"),
        Field("COUNTER", 4, 1, "the counter of batches has reached its threshold"),
        Field("OVR_LATCHED", 3, 1, "OVR was up since this register was read last"),
        Field("LEVEL_HIGH", 0, 2, "words, bits 9 and 8"),
    ),
)
MD1_CFG = Register(
    0x5E,
    "MD1_CFG",
    "rw",
    0x00,
    (
        Field("SLEEP_CHANGE", 7, 1, "INT1 tells activity"),
        Field("SINGLE_TAP", 6, 1, "INT1 tells a tap"),
        Field("WAKE_UP", 5, 1, "INT1 tells a movement"),
        Field("FREE_FALL", 4, 1, "INT1 tells free fall"),
        Field("DOUBLE_TAP", 3, 1, "INT1 tells two taps"),
        Field("ORIENTATION", 2, 1, "INT1 tells how the chip lies"),
        Field("EMBEDDED", 1, 1, "INT1 tells what the embedded functions found"),
        Field("SENSOR_HUB", 0, 1, "INT1 tells that the sensor hub is done"),
    ),
)
FIFO_DATA_OUT_TAG = Register(
    0x78,
    "FIFO_DATA_OUT_TAG",
    "r",
    None,
    (
        Field("SENSOR", 3, 5, "1 gyroscope, 2 accelerometer, 4 time"),
        Field("COUNT", 1, 2, "number of the time slot"),
        Field("PARITY", 0, 1, "of this byte"),
    ),
)
FIFO_DATA = tuple(
    Register(0x79 + index, f"FIFO_DATA_OUT_{name}", "r", None)
    for index, name in enumerate(("X_L", "X_H", "Y_L", "Y_H", "Z_L", "Z_H"))
)

TABLE = (
    FUNC_CFG_ACCESS,
    FIFO_CTRL1,
    FIFO_CTRL2,
    FIFO_CTRL3,
    FIFO_CTRL4,
    INT1_CTRL,
    INT2_CTRL,
    WHO_AM_I,
    CTRL1_XL,
    CTRL2_G,
    CTRL3_C,
    CTRL4_C,
    CTRL5_C,
    CTRL6_C,
    CTRL7_G,
    CTRL8_XL,
    CTRL9_XL,
    OUT_TEMP_L,
    OUT_TEMP_H,
    FIFO_STATUS1,
    FIFO_STATUS2,
    MD1_CFG,
    FIFO_DATA_OUT_TAG,
    *FIFO_DATA,
)
