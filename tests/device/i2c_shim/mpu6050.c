/* MPU6050 and its relatives: asleep at power-up, a FIFO of bytes that knows nothing of sets.
 *
 * From InvenSense's register map and the Linux driver, apart from bedtick's own emulation. The FIFO port 0x74
 * does not move on. When the FIFO is full the oldest bytes go, and 1024 is no multiple of 6: from then on the
 * axes change places. An identity of 0x70, 0x71, 0x73 or 0x74 makes it the part with 512 bytes. Gyroscope,
 * slaves and interrupts are left out.
 */
#include <math.h>
#include <string.h>

#include "chip.h"

enum {
    SELF_TEST_X = 0x0D, SELF_TEST_A = 0x10, SMPLRT_DIV = 0x19, CONFIG = 0x1A, ACCEL_CONFIG = 0x1C,
    FIFO_EN = 0x23, INT_STATUS = 0x3A, ACCEL_FIRST = 0x3B, GYRO_LAST = 0x48, USER_CTRL = 0x6A,
    PWR_MGMT_1 = 0x6B, PWR_MGMT_2 = 0x6C, FIFO_COUNTH = 0x72, FIFO_COUNTL = 0x73, FIFO_R_W = 0x74,
    WHO_AM_I = 0x75,
};
enum { SET_BYTES = 6, OVERFLOW = 0x10, DATA_READY = 0x01, RESET = 0x80, SLEEP = 0x40 };
enum { USE_FIFO = 0x40, FIFO_RESET = 0x04, ACCEL_TO_FIFO = 0x08 };
enum { TRIM_CODE = 15 };

static uint8_t identity(const struct device *device)
{
    return device->controls->identity ? (uint8_t)device->controls->identity : 0x68;
}

static int is_newer(const struct device *device)
{
    uint8_t id = identity(device);
    return id == 0x70 || id == 0x71 || id == 0x73 || id == 0x74;
}

static void power_up(struct device *device)
{
    struct chip *chip = device->chip;
    memset(chip->registers, 0, sizeof chip->registers);
    memset(chip->registers + SELF_TEST_X, TRIM_CODE >> 2 << 5, AXES);
    chip->registers[SELF_TEST_A] = (TRIM_CODE & 3) * 0x15;
    chip->registers[PWR_MGMT_1] = SLEEP;
    queue_shape(&chip->queue, 1, is_newer(device) ? 512 : 1024);
    oscillator_run(device, 0.0);
}

/* What the self-test adds, from the trim code: the formula is not confirmed by a data sheet. */
static double pushed_g(void)
{
    return 0.34 * pow(0.92 / 0.34, (TRIM_CODE - 1) / 30.0);
}

static double rate_hz(const struct chip *chip)
{
    int filter = chip->registers[CONFIG] & 7;
    if (chip->registers[PWR_MGMT_1] & SLEEP)
        return 0.0;
    return (filter == 0 || filter == 7 ? 8000.0 : 1000.0) / (1 + chip->registers[SMPLRT_DIV]);
}

static struct converter converter_of(const struct chip *chip)
{
    int config = chip->registers[ACCEL_CONFIG];
    struct converter converter = {16384 >> (config >> 3 & 3), 16, {400.0, 400.0, 400.0}, {0}};
    for (int axis = 0; axis < AXES; axis++)
        converter.shift_g[axis] = config >> (7 - axis) & 1 ? pushed_g() : 0.0;
    return converter;
}

static void tick(struct device *device, int64_t number)
{
    struct chip *chip = device->chip;
    struct converter converter = converter_of(chip);
    int32_t counts[AXES];
    signal_counts(device, &converter, number, counts);
    for (int axis = 0; axis < AXES; axis++) {
        int is_off = chip->registers[PWR_MGMT_2] >> (5 - axis) & 1;
        chip->latest[2 * axis] = is_off ? 0 : (uint8_t)(counts[axis] >> 8);
        chip->latest[2 * axis + 1] = is_off ? 0 : (uint8_t)counts[axis];
    }
    chip->fresh = 1;
    if (!(chip->registers[USER_CTRL] & USE_FIFO) || !(chip->registers[FIFO_EN] & ACCEL_TO_FIFO))
        return;
    int dropped = 0;
    for (int index = 0; index < SET_BYTES; index++)
        dropped |= queue_push(&chip->queue, chip->latest + index);
    chip->overrun |= (uint8_t)dropped;
    device->controls->lost += dropped;
}

static void store(struct device *device, uint8_t at, uint8_t value)
{
    struct chip *chip = device->chip;
    int is_read_only = (at >= INT_STATUS && at <= GYRO_LAST) || at == FIFO_COUNTH || at == FIFO_COUNTL ||
                       at >= FIFO_R_W;
    if (is_read_only)
        return;
    if (at == PWR_MGMT_1 && value & RESET) {
        power_up(device);
        return;
    }
    if (at == USER_CTRL) {
        if (value & FIFO_RESET && !(value & USE_FIFO))
            queue_clear(&chip->queue);
        value &= (uint8_t)~0x07; /* the reset bits clear themselves */
    }
    chip->registers[at] = value;
    oscillator_run(device, rate_hz(chip));
}

static void write(struct device *device, const uint8_t *data, size_t length)
{
    device->chip->pointer = data[0];
    for (size_t index = 1; index < length; index++)
        store(device, device->chip->pointer++, data[index]);
}

static uint8_t taken_status(struct chip *chip)
{
    uint8_t status = (chip->overrun ? OVERFLOW : 0) | (chip->fresh ? DATA_READY : 0);
    chip->overrun = chip->fresh = 0;
    return status;
}

static uint8_t fifo_byte(struct chip *chip)
{
    if (chip->registers[USER_CTRL] & USE_FIFO)
        queue_pop(&chip->queue, &chip->last_byte);
    return chip->last_byte;
}

static uint8_t value_at(struct device *device, uint8_t at)
{
    struct chip *chip = device->chip;
    int temperature = (int)lrint(is_newer(device) ? (ROOM_C - 21.0) * 333.87 : (ROOM_C - 36.53) * 340.0);
    switch (at) {
    case WHO_AM_I:
        return identity(device);
    case INT_STATUS:
        return taken_status(chip);
    case ACCEL_FIRST + 6:
        return (uint8_t)(temperature >> 8);
    case ACCEL_FIRST + 7:
        return (uint8_t)temperature;
    case FIFO_COUNTH:
        return (uint8_t)(chip->queue.count >> 8);
    case FIFO_COUNTL:
        return (uint8_t)chip->queue.count;
    default:
        if (at >= ACCEL_FIRST && at < ACCEL_FIRST + SET_BYTES)
            return chip->latest[at - ACCEL_FIRST];
        return chip->registers[at];
    }
}

static void read(struct device *device, uint8_t *data, size_t length)
{
    struct chip *chip = device->chip;
    for (size_t index = 0; index < length; index++)
        data[index] = chip->pointer == FIFO_R_W ? fifo_byte(chip) : value_at(device, chip->pointer++);
}

const struct kind mpu6050 = {"mpu6050", power_up, write, read, tick};
