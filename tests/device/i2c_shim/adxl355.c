/* ADXL355: a FIFO of 96 places, each one axis of 20 bits with its marks.
 *
 * From Analog Devices' drivers of the ADXL355, apart from bedtick's own emulation. The FIFO port 0x11 does not
 * move on; bit 0 of a place's third byte marks an x, bit 1 that the FIFO was empty. That FIFO_OVR is cleared
 * by reading STATUS is not confirmed. A set is written whole; activity and the high-pass are left out.
 */
#include <math.h>
#include <string.h>

#include "chip.h"

enum {
    STATUS = 0x04, FIFO_ENTRIES = 0x05, TEMP2 = 0x06, TEMP1 = 0x07, DATA_FIRST = 0x08, DATA_LAST = 0x10,
    FIFO_DATA = 0x11, FILTER = 0x28, FIFO_SAMPLES = 0x29, RANGE = 0x2C, POWER_CTL = 0x2D, SELF_TEST = 0x2E,
    RESET = 0x2F, SHADOW = 0x50, SHADOW_LAST = 0x54,
};
enum { PLACES = 96, PLACE_BYTES = 3, STANDBY = 0x01, RESET_CODE = 0x52, X_MARK = 0x01, EMPTY_MARK = 0x02 };

static void power_up(struct device *device)
{
    static const uint8_t TRIM[] = {0x3A, 0x91, 0x07, 0x5C, 0xE2}; /* any values will do */
    struct chip *chip = device->chip;
    memset(chip->registers, 0, sizeof chip->registers);
    chip->registers[0x27] = 0x01;
    chip->registers[FIFO_SAMPLES] = 0x60;
    chip->registers[RANGE] = 0x81;
    chip->registers[POWER_CTL] = STANDBY;
    memcpy(chip->registers + SHADOW, TRIM, sizeof TRIM);
    chip->overrun = chip->fresh = 0;
    queue_shape(&chip->queue, PLACE_BYTES, PLACES);
    oscillator_run(device, 0.0);
}

static struct converter converter_of(const struct chip *chip)
{
    int range = chip->registers[RANGE] & 3; /* 1: 2 g, 2: 4 g, 3: 8 g */
    int is_pushed = (chip->registers[SELF_TEST] & 3) == 3;
    return (struct converter){
        .counts_per_g = 512000.0 / (1 << range),
        .bits = 20,
        .noise_ug = {22.5, 22.5, 22.5},
        .shift_g = {is_pushed * 0.3, is_pushed * 0.3, is_pushed * 1.5},
    };
}

static void tick(struct device *device, int64_t number)
{
    struct chip *chip = device->chip;
    struct converter converter = converter_of(chip);
    int32_t counts[AXES];
    signal_counts(device, &converter, number, counts);
    int dropped = 0;
    for (int axis = 0; axis < AXES; axis++) {
        uint8_t *place = chip->latest + PLACE_BYTES * axis;
        place[0] = (uint8_t)(counts[axis] >> 12);
        place[1] = (uint8_t)(counts[axis] >> 4);
        place[2] = (uint8_t)(counts[axis] << 4 | (axis == 0 ? X_MARK : 0));
        dropped |= queue_push(&chip->queue, place);
    }
    chip->fresh = 1;
    chip->overrun |= (uint8_t)dropped;
    device->controls->lost += dropped;
}

static void store(struct device *device, uint8_t at, uint8_t value)
{
    struct chip *chip = device->chip;
    if (at == RESET && value == RESET_CODE)
        power_up(device);
    if (at < 0x1E || at > SELF_TEST)
        return;
    chip->registers[at] = value;
    int is_standby = chip->registers[POWER_CTL] & STANDBY;
    oscillator_run(device, is_standby ? 0.0 : 4000.0 / (1 << (chip->registers[FILTER] & 0x0F)));
}

static void write(struct device *device, const uint8_t *data, size_t length)
{
    device->chip->pointer = data[0];
    for (size_t index = 1; index < length; index++)
        store(device, device->chip->pointer++, data[index]);
}

static uint8_t taken_status(struct chip *chip)
{
    int is_full = chip->queue.count >= chip->registers[FIFO_SAMPLES];
    uint8_t status = (uint8_t)(chip->overrun << 2 | is_full << 1 | chip->fresh);
    chip->overrun = chip->fresh = 0;
    return status;
}

static uint8_t value_at(struct device *device, uint8_t at)
{
    static const uint8_t IDENTITY[] = {0xAD, 0x1D, 0xED, 0x01};
    struct chip *chip = device->chip;
    int temperature = (int)lrint(1885.0 - 9.05 * (ROOM_C - 25.0));
    if (at == 0x02 && device->controls->identity)
        return (uint8_t)device->controls->identity;
    if (at < sizeof IDENTITY)
        return IDENTITY[at];
    if (at >= DATA_FIRST && at <= DATA_LAST)
        return chip->latest[at - DATA_FIRST] & ((at - DATA_FIRST) % 3 == 2 ? 0xF0 : 0xFF);
    switch (at) {
    case STATUS:
        return taken_status(chip);
    case FIFO_ENTRIES:
        return (uint8_t)chip->queue.count;
    case TEMP2:
        return (uint8_t)(temperature >> 8);
    case TEMP1:
        return (uint8_t)temperature;
    default:
        return chip->registers[at];
    }
}

static void read(struct device *device, uint8_t *data, size_t length)
{
    struct chip *chip = device->chip;
    uint8_t place[PLACE_BYTES];
    int of_place = 0; /* bytes given of the place that is being read */
    for (size_t index = 0; index < length; index++) {
        if (chip->pointer != FIFO_DATA) {
            data[index] = value_at(device, chip->pointer++);
            continue;
        }
        if (of_place == 0 && !queue_pop(&chip->queue, place))
            memcpy(place, (uint8_t[]){0, 0, EMPTY_MARK}, PLACE_BYTES);
        data[index] = place[of_place];
        of_place = (of_place + 1) % PLACE_BYTES;
    }
}

const struct kind adxl355 = {"adxl355", power_up, write, read, tick};
