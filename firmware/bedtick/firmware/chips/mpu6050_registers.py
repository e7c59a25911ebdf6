"""The registers of the MPU6050 that bedtick uses: InvenSense RM-MPU-6000A, revision 4.2, section 3.

MPU6500 and MPU9250 have the same ones at the same places and, beside them, ACCEL_CONFIG2: a low-pass filter
of the accelerometer's own. On an MPU6050 that address is a free-fall threshold without effect here. The
emulated chip does not import this table: its own is typed apart, so that the two can disagree.
"""

from bedtick.firmware.registers import Field, Register

INTERRUPTS = (
    Field("FIFO_OFLOW", 4, 1, "bytes were lost because the FIFO was full"),
    Field("DATA_RDY", 0, 1, "every sensor register has been written"),
)

SELF_TEST_X = Register(0x0D, "SELF_TEST_X", "r", None)
SELF_TEST_Y = Register(0x0E, "SELF_TEST_Y", "r", None)
SELF_TEST_Z = Register(0x0F, "SELF_TEST_Z", "r", None)
SELF_TEST_A = Register(0x10, "SELF_TEST_A", "r", None)
SMPLRT_DIV = Register(0x19, "SMPLRT_DIV", "rw", 0x00)
CONFIG = Register(
    0x1A,
    "CONFIG",
    "rw",
    0x00,
    (
        Field("FIFO_MODE", 6, 1, "MPU6500 on: 1 stops when full, 0 drops the oldest bytes"),
        Field("EXT_SYNC_SET", 3, 3, "where the FSYNC pin shows"),
        Field("DLPF_CFG", 0, 3, "low-pass filter, 1 (184 Hz) to 6 (5 Hz); 0 and 7 sample at 8 kHz"),
    ),
)
ACCEL_CONFIG = Register(
    0x1C,
    "ACCEL_CONFIG",
    "rw",
    0x00,
    (
        Field("XA_ST", 7, 1, "push the proof mass along x"),
        Field("YA_ST", 6, 1, "along y"),
        Field("ZA_ST", 5, 1, "along z"),
        Field("AFS_SEL", 3, 2, "2, 4, 8, 16 g"),
    ),
)
ACCEL_CONFIG2 = Register(
    0x1D,
    "ACCEL_CONFIG2",
    "rw",
    0x00,
    (
        Field("ACCEL_FCHOICE_B", 3, 1, "go past the filter"),
        Field("A_DLPF_CFG", 0, 3, "low-pass filter, codes as in CONFIG"),
    ),
)
FIFO_EN = Register(
    0x23,
    "FIFO_EN",
    "rw",
    0x00,
    (
        Field("TEMP", 7, 1, "temperature into the FIFO"),
        Field("GYRO", 4, 3, "the gyros x, y, z"),
        Field("ACCEL", 3, 1, "the accelerometer, all three axes"),
        Field("SLAVES", 0, 3, "sensors behind the chip"),
    ),
)
INT_PIN_CFG = Register(
    0x37,
    "INT_PIN_CFG",
    "rw",
    0x00,
    (
        Field("INT_LEVEL", 7, 1, "active low"),
        Field("INT_OPEN", 6, 1, "open drain"),
        Field("LATCH_INT_EN", 5, 1, "held until cleared rather than 50 us"),
        Field("INT_RD_CLEAR", 4, 1, "any read clears"),
        Field("I2C_BYPASS_EN", 1, 1, "the second bus joined to the first"),
    ),
)
INT_ENABLE = Register(0x38, "INT_ENABLE", "rw", 0x00, INTERRUPTS)
INT_STATUS = Register(0x3A, "INT_STATUS", "r", None, INTERRUPTS)
TEMP_OUT = (Register(0x41, "TEMP_OUT_H", "r", None), Register(0x42, "TEMP_OUT_L", "r", None))
USER_CTRL = Register(
    0x6A,
    "USER_CTRL",
    "rw",
    0x00,
    (
        Field("FIFO_EN", 6, 1, "the FIFO can be written and read"),
        Field("I2C_MST_EN", 5, 1, "the chip drives its second bus"),
        Field("FIFO_RESET", 2, 1, "empty the FIFO, while FIFO_EN is 0; clears itself"),
        Field("SIG_COND_RESET", 0, 1, "reset the sensors' paths; clears itself"),
    ),
)
PWR_MGMT_1 = Register(
    0x6B,
    "PWR_MGMT_1",
    "rw",
    None,  # 0x40 on the MPU6050, which wakes up asleep; others differ
    (
        Field("DEVICE_RESET", 7, 1, "reset every register; clears itself"),
        Field("SLEEP", 6, 1, "measure nothing"),
        Field("CYCLE", 5, 1, "sleep between single samples"),
        Field("TEMP_DIS", 3, 1, "thermometer off"),
        Field("CLKSEL", 0, 3, "0 internal oscillator, 1 to 3 a gyro's"),
    ),
)
PWR_MGMT_2 = Register(
    0x6C,
    "PWR_MGMT_2",
    "rw",
    0x00,
    (
        Field("LP_WAKE_CTRL", 6, 2, "how often CYCLE wakes"),
        Field("STBY_ACCEL", 3, 3, "accelerometer axes x, y, z off"),
        Field("STBY_GYRO", 0, 3, "gyros x, y, z off"),
    ),
)
FIFO_COUNT = (Register(0x72, "FIFO_COUNTH", "r", 0x00), Register(0x73, "FIFO_COUNTL", "r", 0x00))
FIFO_R_W = Register(0x74, "FIFO_R_W", "r", None)  # it can be written too, which nobody wants
WHO_AM_I = Register(0x75, "WHO_AM_I", "r", None)

TABLE = (
    SELF_TEST_X,
    SELF_TEST_Y,
    SELF_TEST_Z,
    SELF_TEST_A,
    SMPLRT_DIV,
    CONFIG,
    ACCEL_CONFIG,
    ACCEL_CONFIG2,
    FIFO_EN,
    INT_PIN_CFG,
    INT_ENABLE,
    INT_STATUS,
    *TEMP_OUT,
    USER_CTRL,
    PWR_MGMT_1,
    PWR_MGMT_2,
    *FIFO_COUNT,
    FIFO_R_W,
    WHO_AM_I,
)
