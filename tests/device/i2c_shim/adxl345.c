/* ADXL345: pointer that moves on by itself, a FIFO of 32 sets and one more in the output stage.
 *
 * From the Analog Devices data sheet ADXL345, apart from bedtick's own emulation. Reading any data byte takes
 * the whole oldest set; INT_SOURCE tells how things were before that, FIFO_STATUS how they are after. Flags of
 * the data are cleared by reading data. Taps, activity, sleep and trigger mode are left out.
 */
#include "chip.h"

enum {
    DEVID = 0x00, OFSX = 0x1E, BW_RATE = 0x2C, POWER_CTL = 0x2D, INT_SOURCE = 0x30, DATA_FORMAT = 0x31,
    DATAX0 = 0x32, DATAZ1 = 0x37, FIFO_CTL = 0x38, FIFO_STATUS = 0x39,
};
enum { DEPTH = 32, SET_BYTES = 6, BYPASS = 0, STOP_WHEN_FULL = 1 };

static void power_up(struct device *device)
{
    struct chip *chip = device->chip;
    chip->registers[BW_RATE] = 0x0A;
    queue_shape(&chip->queue, SET_BYTES, DEPTH + 1);
}

static int level(const struct chip *chip)
{
    if (chip->registers[FIFO_CTL] >> 6 == BYPASS)
        return 0;
    return chip->queue.count < DEPTH ? chip->queue.count : DEPTH;
}

static uint8_t int_source(const struct chip *chip)
{
    int watermark = chip->registers[FIFO_CTL] & 0x1F;
    return (uint8_t)((chip->queue.count > 0) << 7 | (level(chip) >= watermark) << 1 | chip->overrun);
}

static struct converter converter_of(const struct chip *chip)
{
    int format = chip->registers[DATA_FORMAT], range = format & 3, is_full = format >> 3 & 1;
    struct converter converter = {
        .counts_per_g = is_full ? 256.0 : 256.0 / (1 << range),
        .bits = 10 + (is_full ? range : 0),
        .noise_ug = {290.0, 290.0, 430.0},
    };
    static const double PUSHED_G[AXES] = {450.0 / 256, -450.0 / 256, 700.0 / 256};
    for (int axis = 0; axis < AXES; axis++)
        converter.shift_g[axis] =
            (int8_t)chip->registers[OFSX + axis] * 0.0156 + (format & 0x80 ? PUSHED_G[axis] : 0.0);
    return converter;
}

static void tick(struct device *device, int64_t number)
{
    struct chip *chip = device->chip;
    int mode = chip->registers[FIFO_CTL] >> 6;
    if (mode == STOP_WHEN_FULL && chip->queue.count == chip->queue.room) {
        device->controls->lost++;
        chip->overrun = 1;
        return;
    }
    struct converter converter = converter_of(chip);
    int32_t counts[AXES];
    signal_counts(device, &converter, number, counts);
    uint8_t set[SET_BYTES];
    for (int axis = 0; axis < AXES; axis++) {
        set[2 * axis] = (uint8_t)counts[axis];
        set[2 * axis + 1] = (uint8_t)(counts[axis] >> 8);
    }
    int was_unread = mode == BYPASS && chip->queue.count > 0;
    if (was_unread)
        queue_clear(&chip->queue);
    if (queue_push(&chip->queue, set) || was_unread) {
        device->controls->lost++;
        chip->overrun = 1;
    }
}

static void store(struct device *device, uint8_t at, uint8_t value)
{
    struct chip *chip = device->chip;
    int is_written = (at >= 0x1D && at <= 0x2F && at != 0x2B) || at == DATA_FORMAT || at == FIFO_CTL;
    if (!is_written)
        return;
    chip->registers[at] = value;
    if (at == FIFO_CTL && value >> 6 == BYPASS)
        queue_clear(&chip->queue);
    int is_measuring = chip->registers[POWER_CTL] >> 3 & 1;
    oscillator_run(device, is_measuring ? 3200.0 / (1 << (15 - (chip->registers[BW_RATE] & 15))) : 0.0);
}

static void write(struct device *device, const uint8_t *data, size_t length)
{
    device->chip->pointer = data[0];
    for (size_t index = 1; index < length; index++)
        store(device, device->chip->pointer++, data[index]);
}

static void take_set(struct chip *chip)
{
    queue_pop(&chip->queue, chip->latest);
    chip->overrun = 0;
}

static uint8_t value_at(struct device *device, uint8_t at)
{
    struct chip *chip = device->chip;
    if (at >= DATAX0 && at <= DATAZ1)
        return chip->latest[at - DATAX0];
    switch (at) {
    case DEVID:
        return device->controls->identity ? (uint8_t)device->controls->identity : 0xE5;
    case INT_SOURCE:
        return int_source(chip);
    case FIFO_STATUS:
        return (uint8_t)level(chip);
    default:
        return chip->registers[at];
    }
}

static void read(struct device *device, uint8_t *data, size_t length)
{
    int has_taken = 0;
    for (size_t index = 0; index < length; index++) {
        uint8_t at = device->chip->pointer++;
        if (at >= DATAX0 && at <= DATAZ1 && !has_taken) {
            take_set(device->chip);
            has_taken = 1;
        }
        data[index] = value_at(device, at);
    }
}

const struct kind adxl345 = {"adxl345", power_up, write, read, tick};
