/* LIS3DH: the pointer moves on only where bit 7 of the register address asks for it; a FIFO of 32 sets.
 *
 * From the ST data sheet and driver of the LIS3DH, apart from bedtick's own emulation. While the FIFO is in
 * use the pointer wraps from 0x2D to 0x28, so that one long read gives set after set, and the FIFO keeps the
 * ten highest bits of a count. OVRN shows that it is full, before anything is lost. High-pass, clicks and the
 * interrupt generators are left out.
 */
#include <string.h>

#include "chip.h"

enum {
    OUT_ADC3_H = 0x0D, WHO_AM_I = 0x0F, CTRL0 = 0x1E, CTRL1 = 0x20, CTRL4 = 0x23, CTRL5 = 0x24, STATUS = 0x27,
    OUT_FIRST = 0x28, OUT_LAST = 0x2D, FIFO_CTRL = 0x2E, FIFO_SRC = 0x2F,
};
enum { DEPTH = 32, SET_BYTES = 6, BOOT = 0x80, FIFO_EN = 0x40, MOST_SHOWN = 31 };

static void power_up(struct device *device)
{
    struct chip *chip = device->chip;
    chip->registers[CTRL0] = 0x10;
    chip->registers[CTRL1] = 0x07;
    queue_shape(&chip->queue, SET_BYTES, DEPTH);
}

static int uses_fifo(const struct chip *chip)
{
    return chip->registers[CTRL5] & FIFO_EN && chip->registers[FIFO_CTRL] >> 6 != 0;
}

static int is_low_power(const struct chip *chip)
{
    return chip->registers[CTRL1] >> 3 & 1;
}

static int is_high_resolution(const struct chip *chip)
{
    return !is_low_power(chip) && chip->registers[CTRL4] >> 3 & 1;
}

static double rate_hz(const struct chip *chip)
{
    static const double RATES_HZ[16] = {0, 1, 10, 25, 50, 100, 200, 400, 1620, 1344};
    int code = chip->registers[CTRL1] >> 4;
    if (code == 9 && is_low_power(chip))
        return 5376.0;
    return code == 8 && !is_low_power(chip) ? 0.0 : RATES_HZ[code];
}

static struct converter converter_of(const struct chip *chip)
{
    static const double MG_PER_DIGIT[4] = {1.0, 2.0, 4.0, 12.0}; /* of 12 bits: 2, 4, 8, 16 g */
    int bits = is_low_power(chip) ? 8 : is_high_resolution(chip) ? 12 : 10;
    double mg_per_digit = MG_PER_DIGIT[chip->registers[CTRL4] >> 4 & 3] * (1 << (12 - bits));
    struct converter converter = {1000.0 / mg_per_digit, bits, {220.0, 220.0, 220.0}, {0}};
    int self_test = chip->registers[CTRL4] >> 1 & 3;
    for (int axis = 0; axis < AXES; axis++)
        converter.shift_g[axis] = self_test == 1 ? 0.3 : self_test == 2 ? -0.3 : 0.0;
    return converter;
}

static void tick(struct device *device, int64_t number)
{
    struct chip *chip = device->chip;
    struct converter converter = converter_of(chip);
    int32_t counts[AXES];
    signal_counts(device, &converter, number, counts);
    uint8_t set[SET_BYTES];
    for (int axis = 0; axis < AXES; axis++) {
        int justified = counts[axis] * (1 << (16 - converter.bits));
        if (uses_fifo(chip))
            justified &= ~0x3F;
        set[2 * axis] = (uint8_t)justified;
        set[2 * axis + 1] = (uint8_t)(justified >> 8);
    }
    chip->fresh = 1;
    if (!uses_fifo(chip))
        memcpy(chip->latest, set, SET_BYTES);
    else if (chip->registers[FIFO_CTRL] >> 6 == 1 && chip->queue.count == DEPTH)
        device->controls->lost++;
    else
        device->controls->lost += queue_push(&chip->queue, set);
}

static void store(struct device *device, uint8_t at, uint8_t value)
{
    struct chip *chip = device->chip;
    int is_written = at == CTRL0 || (at >= 0x1F && at <= 0x26) || at == FIFO_CTRL || at >= 0x30;
    if (!is_written)
        return;
    chip->registers[at] = at == CTRL5 ? value & ~BOOT : value;
    if (!uses_fifo(chip))
        queue_clear(&chip->queue);
    oscillator_run(device, rate_hz(chip));
}

static void move_on(struct chip *chip)
{
    if (!chip->advances)
        return;
    if (chip->pointer == OUT_LAST && uses_fifo(chip))
        chip->pointer = OUT_FIRST;
    else
        chip->pointer = (chip->pointer + 1) & 0x7F;
}

static void write(struct device *device, const uint8_t *data, size_t length)
{
    struct chip *chip = device->chip;
    chip->pointer = data[0] & 0x7F;
    chip->advances = data[0] >> 7;
    for (size_t index = 1; index < length; index++) {
        store(device, chip->pointer, data[index]);
        chip->pointer = chip->advances ? (chip->pointer + 1) & 0x7F : chip->pointer;
    }
}

static uint8_t fifo_src(const struct chip *chip)
{
    int count = chip->queue.count;
    int is_above_mark = uses_fifo(chip) && count > (chip->registers[FIFO_CTRL] & 0x1F);
    int shown = count < MOST_SHOWN ? count : MOST_SHOWN;
    return (uint8_t)(is_above_mark << 7 | (count == DEPTH) << 6 | (count == 0) << 5 | shown);
}

static uint8_t value_at(struct device *device, uint8_t at)
{
    struct chip *chip = device->chip;
    if (at >= OUT_FIRST && at <= OUT_LAST)
        return chip->latest[at - OUT_FIRST];
    switch (at) {
    case WHO_AM_I:
        return device->controls->identity ? (uint8_t)device->controls->identity : 0x33;
    case OUT_ADC3_H: /* degrees from 25, a change and no true temperature */
        return (uint8_t)(int8_t)(ROOM_C - 25.0);
    case STATUS:
        return chip->fresh ? 0x0F : 0x00;
    case FIFO_SRC:
        return fifo_src(chip);
    default:
        return chip->registers[at];
    }
}

static void read(struct device *device, uint8_t *data, size_t length)
{
    struct chip *chip = device->chip;
    int has_set = 0; /* the set that is being read was taken from the FIFO */
    for (size_t index = 0; index < length; index++) {
        uint8_t at = chip->pointer;
        if (at >= OUT_FIRST && at <= OUT_LAST) {
            if (!has_set && uses_fifo(chip))
                queue_pop(&chip->queue, chip->latest);
            has_set = at != OUT_LAST;
            chip->fresh = 0;
        }
        data[index] = value_at(device, at);
        move_on(chip);
    }
}

const struct kind lis3dh = {"lis3dh", power_up, write, read, tick};
