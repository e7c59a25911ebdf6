"""The registers of the LIS3DH and LIS2DH12: STMicroelectronics data sheet LIS3DH, section 8.

The emulated chip does not import this table: its own is typed apart, so that the two can disagree.
CTRL_REG0 at 0x1E is left out on purpose: older data sheets call it reserved, and bedtick has no use for it.
"""

from bedtick.firmware.registers import Field, Register

STATUS_REG_AUX = Register(
    0x07, "STATUS_REG_AUX", "r", None, (Field("DA3", 2, 1, "the thermometer has a new value"),)
)
OUT_ADC3_L = Register(0x0C, "OUT_ADC3_L", "r", None)
OUT_ADC3_H = Register(0x0D, "OUT_ADC3_H", "r", None)
WHO_AM_I = Register(0x0F, "WHO_AM_I", "r", 0x33)
TEMP_CFG_REG = Register(
    0x1F,
    "TEMP_CFG_REG",
    "rw",
    0x00,
    (Field("ADC_EN", 7, 1, "auxiliary converter on"), Field("TEMP_EN", 6, 1, "thermometer on its input 3")),
)
CTRL_REG1 = Register(
    0x20,
    "CTRL_REG1",
    "rw",
    None,
    (
        Field("ODR", 4, 4, "output rate, 0 is power-down"),
        Field("LPEN", 3, 1, "8 bits, less current"),
        Field("AXES", 0, 3, "z, y, x on"),
    ),
)
CTRL_REG2 = Register(0x21, "CTRL_REG2", "rw", 0x00)
CTRL_REG3 = Register(
    0x22,
    "CTRL_REG3",
    "rw",
    0x00,
    (
        Field("I1_CLICK", 7, 1, "click on INT1"),
        Field("I1_IA1", 6, 1, "interrupt 1 on INT1"),
        Field("I1_IA2", 5, 1, "interrupt 2 on INT1"),
        Field("I1_ZYXDA", 4, 1, "new set on INT1"),
        Field("I1_321DA", 3, 1, "new auxiliary value on INT1"),
        Field("I1_WTM", 2, 1, "FIFO watermark on INT1"),
        Field("I1_OVERRUN", 1, 1, "FIFO overrun on INT1"),
    ),
)
CTRL_REG4 = Register(
    0x23,
    "CTRL_REG4",
    "rw",
    0x00,
    (
        Field("BDU", 7, 1, "both bytes of a value are of one moment"),
        Field("BLE", 6, 1, "high byte first"),
        Field("FS", 4, 2, "2, 4, 8, 16 g"),
        Field("HR", 3, 1, "12 bits, but not in the FIFO"),
        Field("ST", 1, 2, "1 pushes the proof mass, 2 pulls it"),
        Field("SIM", 0, 1, "three-wire SPI"),
    ),
)
CTRL_REG5 = Register(
    0x24,
    "CTRL_REG5",
    "rw",
    0x00,
    (
        Field("BOOT", 7, 1, "load the trimming values anew; clears itself"),
        Field("FIFO_EN", 6, 1, "FIFO on"),
        Field("LIR_INT1", 3, 1, "latch interrupt 1"),
        Field("D4D_INT1", 2, 1, "four directions, interrupt 1"),
        Field("LIR_INT2", 1, 1, "latch interrupt 2"),
        Field("D4D_INT2", 0, 1, "four directions, interrupt 2"),
    ),
)
CTRL_REG6 = Register(0x25, "CTRL_REG6", "rw", 0x00, (Field("INT_POLARITY", 1, 1, "pins active low"),))
REFERENCE = Register(0x26, "REFERENCE", "rw", 0x00)
STATUS_REG = Register(
    0x27,
    "STATUS_REG",
    "r",
    None,
    (Field("ZYXOR", 7, 1, "a set was overwritten"), Field("ZYXDA", 3, 1, "a new set")),
)
OUT = tuple(
    Register(0x28 + index, name, "r", None)
    for index, name in enumerate(("OUT_X_L", "OUT_X_H", "OUT_Y_L", "OUT_Y_H", "OUT_Z_L", "OUT_Z_H"))
)
FIFO_CTRL_REG = Register(
    0x2E,
    "FIFO_CTRL_REG",
    "rw",
    0x00,
    (
        Field("FM", 6, 2, "0 bypass, 1 FIFO, 2 stream, 3 stream to FIFO"),
        Field("TR", 5, 1, "which pin switches stream to FIFO"),
        Field("FTH", 0, 5, "watermark"),
    ),
)
FIFO_SRC_REG = Register(
    0x2F,
    "FIFO_SRC_REG",
    "r",
    None,
    (
        Field("WTM", 7, 1, "at the watermark or above"),
        Field("OVRN_FIFO", 6, 1, "full: 32 sets wait; reading a set clears it"),
        Field("EMPTY", 5, 1, "no set waits"),
        Field("FSS", 0, 5, "sets waiting, at most 31"),
    ),
)

# What bedtick does not use. Written all the same: the chip has no reset of these, and whoever used it
# before may have left a filter, an interrupt or the sleep threshold behind.
UNUSED = (
    CTRL_REG2,
    REFERENCE,
    Register(0x30, "INT1_CFG", "rw", 0x00),
    Register(0x32, "INT1_THS", "rw", 0x00),
    Register(0x33, "INT1_DURATION", "rw", 0x00),
    Register(0x34, "INT2_CFG", "rw", 0x00),
    Register(0x36, "INT2_THS", "rw", 0x00),
    Register(0x37, "INT2_DURATION", "rw", 0x00),
    Register(0x38, "CLICK_CFG", "rw", 0x00),
    Register(0x3A, "CLICK_THS", "rw", 0x00),
    Register(0x3B, "TIME_LIMIT", "rw", 0x00),
    Register(0x3C, "TIME_LATENCY", "rw", 0x00),
    Register(0x3D, "TIME_WINDOW", "rw", 0x00),
    Register(0x3E, "ACT_THS", "rw", 0x00),
    Register(0x3F, "ACT_DUR", "rw", 0x00),
)
TABLE = (
    STATUS_REG_AUX,
    OUT_ADC3_L,
    OUT_ADC3_H,
    WHO_AM_I,
    TEMP_CFG_REG,
    CTRL_REG1,
    CTRL_REG3,
    CTRL_REG4,
    CTRL_REG5,
    CTRL_REG6,
    STATUS_REG,
    *OUT,
    FIFO_CTRL_REG,
    FIFO_SRC_REG,
    *UNUSED,
)
