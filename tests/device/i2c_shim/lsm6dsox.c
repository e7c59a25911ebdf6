/* LSM6DSOX: a FIFO of 512 words, each a tag byte and six bytes of data.
 *
 * From ST's driver and the Linux driver of the LSM6DSOX, apart from bedtick's own emulation. One long read from
 * 0x78 gives word after word, as the pointer wraps from 0x7E to 0x78. Full scale is coded 2, 16, 4, 8 g.
 * Gyroscope, timestamps, other banks and interrupts are left out.
 */
#include <math.h>
#include <string.h>

#include "chip.h"

enum {
    FIFO_CTRL3 = 0x09, FIFO_CTRL4 = 0x0A, WHO_AM_I = 0x0F, CTRL1_XL = 0x10, CTRL3_C = 0x12, CTRL5_C = 0x14,
    STATUS = 0x1E, TEMP_L = 0x20, TEMP_H = 0x21, OUT_FIRST = 0x28, OUT_LAST = 0x2D, FIFO_STATUS1 = 0x3A,
    FIFO_STATUS2 = 0x3B, FIFO_TAG = 0x78, FIFO_LAST = 0x7E,
};
enum { DEPTH = 512, WORD_BYTES = 7, ACCEL_TAG = 2, SW_RESET = 0x01, BOOT = 0x80, IF_INC = 0x04 };
enum { BYPASS = 0, STOP_WHEN_FULL = 1 };

static void power_up(struct device *device)
{
    struct chip *chip = device->chip;
    memset(chip->registers, 0, sizeof chip->registers);
    chip->registers[CTRL3_C] = IF_INC;
    chip->overrun = 0;
    queue_shape(&chip->queue, WORD_BYTES, DEPTH);
    oscillator_run(device, 0.0);
}

static double rate_hz(const struct chip *chip)
{
    static const double RATES_HZ[16] = {0, 12.5, 26, 52, 104, 208, 416, 833, 1667, 3333, 6667, 1.6};
    return RATES_HZ[chip->registers[CTRL1_XL] >> 4];
}

static struct converter converter_of(const struct chip *chip)
{
    static const double MG_PER_DIGIT[4] = {0.061, 0.488, 0.122, 0.244};
    static const double PUSHED_G[4] = {0.0, 0.5, -0.5, 0.0};
    double push_g = PUSHED_G[chip->registers[CTRL5_C] & 3];
    return (struct converter){
        .counts_per_g = 1000.0 / MG_PER_DIGIT[chip->registers[CTRL1_XL] >> 2 & 3],
        .bits = 16,
        .noise_ug = {70.0, 70.0, 70.0},
        .shift_g = {push_g, push_g, push_g},
    };
}

/* Sensor, counter of two bits, and a bit that makes the number of ones even. */
static uint8_t next_tag(struct chip *chip)
{
    uint8_t tag = (uint8_t)(ACCEL_TAG << 3 | (chip->tag_count++ & 3) << 1);
    return tag | (__builtin_popcount(tag) & 1);
}

static void tick(struct device *device, int64_t number)
{
    struct chip *chip = device->chip;
    struct converter converter = converter_of(chip);
    int32_t counts[AXES];
    signal_counts(device, &converter, number, counts);
    for (int axis = 0; axis < AXES; axis++) {
        chip->latest[2 * axis] = (uint8_t)counts[axis];
        chip->latest[2 * axis + 1] = (uint8_t)(counts[axis] >> 8);
    }
    chip->fresh = 1;
    int mode = chip->registers[FIFO_CTRL4] & 7;
    if (mode == BYPASS || (chip->registers[FIFO_CTRL3] & 0x0F) == 0)
        return;
    if (mode == STOP_WHEN_FULL && chip->queue.count == DEPTH) {
        device->controls->lost++;
        return;
    }
    uint8_t word[WORD_BYTES];
    word[0] = next_tag(chip);
    memcpy(word + 1, chip->latest, WORD_BYTES - 1);
    if (queue_push(&chip->queue, word)) {
        device->controls->lost++;
        chip->overrun = 1;
    }
}

static void store(struct device *device, uint8_t at, uint8_t value)
{
    struct chip *chip = device->chip;
    int is_read_only = at == WHO_AM_I || (at >= 0x1A && at <= 0x55) || at >= FIFO_TAG;
    if (is_read_only)
        return;
    if (at == CTRL3_C && value & SW_RESET) {
        power_up(device);
        return;
    }
    chip->registers[at] = at == CTRL3_C ? value & ~BOOT : value;
    if (at == FIFO_CTRL4 && (value & 7) == BYPASS)
        queue_clear(&chip->queue);
    oscillator_run(device, rate_hz(chip));
}

static void write(struct device *device, const uint8_t *data, size_t length)
{
    device->chip->pointer = data[0];
    for (size_t index = 1; index < length; index++)
        store(device, device->chip->pointer++, data[index]);
}

static uint8_t fifo_status2(struct chip *chip)
{
    int level = chip->queue.count, is_full = level == DEPTH;
    int watermark = chip->registers[0x07] | (chip->registers[0x08] & 1) << 8;
    uint8_t status = (uint8_t)((watermark && level >= watermark) << 7 | (is_full && chip->overrun) << 6 |
                               is_full << 5 | chip->overrun << 3 | level >> 8);
    chip->overrun = 0; /* the latched bit is cleared by this read */
    return status;
}

static uint8_t value_at(struct device *device, uint8_t at)
{
    struct chip *chip = device->chip;
    int temperature = (int)lrint((ROOM_C - 25.0) * 256.0);
    if (at >= OUT_FIRST && at <= OUT_LAST) {
        chip->fresh = 0;
        return chip->latest[at - OUT_FIRST];
    }
    switch (at) {
    case WHO_AM_I:
        return device->controls->identity ? (uint8_t)device->controls->identity : 0x6C;
    case STATUS:
        return chip->fresh | 4;
    case TEMP_L:
        return (uint8_t)temperature;
    case TEMP_H:
        return (uint8_t)(temperature >> 8);
    case FIFO_STATUS1:
        return (uint8_t)chip->queue.count;
    case FIFO_STATUS2:
        return fifo_status2(chip);
    default:
        return chip->registers[at];
    }
}

static void read(struct device *device, uint8_t *data, size_t length)
{
    struct chip *chip = device->chip;
    uint8_t word[WORD_BYTES] = {0};
    int has_word = 0; /* the word that is being read was taken from the FIFO */
    for (size_t index = 0; index < length; index++) {
        uint8_t at = chip->pointer;
        if (at >= FIFO_TAG && at <= FIFO_LAST) {
            if (!has_word && !queue_pop(&chip->queue, word))
                memset(word, 0, sizeof word);
            has_word = at != FIFO_LAST;
            data[index] = word[at - FIFO_TAG];
        } else {
            data[index] = value_at(device, at);
        }
        if (at == FIFO_LAST)
            chip->pointer = FIFO_TAG;
        else if (chip->registers[CTRL3_C] & IF_INC)
            chip->pointer++;
    }
}

const struct kind lsm6dsox = {"lsm6dsox", power_up, write, read, tick};
