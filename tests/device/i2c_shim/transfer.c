/* Carries messages to the chips.
 *
 * In the kernel's order: first what i2c-dev refuses (EINVAL), then what the controller refuses before
 * anything is sent (EOPNOTSUPP), then the wire. What was read reaches the caller only where the whole call
 * succeeds, as with the kernel.
 */
#define _GNU_SOURCE
#include "transfer.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define MOST_BYTES 8192

static const struct kind *const KINDS[] = {NULL, &adxl345, &lis3dh, &mpu6050, &lsm6dsox, &adxl355};

static uint8_t was_read[I2C_RDWR_IOCTL_MAX_MSGS][MOST_BYTES]; /* under the world's lock */

static int refusal(const struct bus_controls *bus, const struct i2c_rdwr_ioctl_data *call)
{
    if (call->nmsgs == 0 || call->nmsgs > I2C_RDWR_IOCTL_MAX_MSGS)
        return EINVAL;
    for (unsigned index = 0; index < call->nmsgs; index++)
        if (call->msgs[index].len > MOST_BYTES)
            return EINVAL;
    for (unsigned index = 0; bus->single_read && index + 1 < call->nmsgs; index++)
        if (call->msgs[index].flags & I2C_M_RD)
            return EOPNOTSUPP;
    return 0;
}

static void wait_ns(int64_t duration_ns)
{
    struct timespec left = {duration_ns / 1000000000, duration_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

static int takes_one(int64_t *left)
{
    if (*left <= 0)
        return 0;
    --*left;
    return 1;
}

/* Power up a chip that is new or was without power. */
static void feel_power(struct device *device, const struct kind *kind)
{
    struct chip *chip = device->chip;
    if (chip->has_power && chip->power_cuts == device->controls->power_cuts)
        return;
    memset(chip, 0, sizeof *chip);
    chip->has_power = 1;
    chip->power_cuts = device->controls->power_cuts;
    kind->power_up(device);
}

/* Return the kind of the device that answers at an address, NULL where none does. */
static const struct kind *find(struct world *world, int address, struct device *device)
{
    for (int index = 0; index < DEVICES; index++) {
        struct device_controls *controls = &world->devices[index];
        if (controls->kind == 0 || controls->address != address)
            continue;
        if (controls->unplugged) {
            world->chips[index].has_power = 0;
            return NULL;
        }
        *device = (struct device){&world->chips[index], &world->bus, controls};
        feel_power(device, KINDS[controls->kind]);
        return KINDS[controls->kind];
    }
    return NULL;
}

static int carry(struct world *world, const struct i2c_msg *message, uint8_t *received)
{
    struct device device;
    const struct kind *kind = find(world, message->addr, &device);
    if (kind == NULL)
        return EREMOTEIO;
    oscillator_catch_up(&device, kind);
    if (message->flags & I2C_M_RD)
        kind->read(&device, received, message->len);
    else if (message->len > 0)
        kind->write(&device, message->buf, message->len);
    return 0;
}

static void take_wire_time(const struct bus_controls *bus, const struct i2c_rdwr_ioctl_data *call)
{
    int64_t bits = 1;
    for (unsigned index = 0; index < call->nmsgs; index++)
        bits += 10 + 9 * (int64_t)call->msgs[index].len;
    if (bus->bus_hz > 0)
        wait_ns(bits * 1000000000 / bus->bus_hz);
}

/* All of the call's time passes after its first message: between a register's address and its value. */
static int carry_all(struct world *world, const struct i2c_rdwr_ioctl_data *call)
{
    int error = 0;
    for (unsigned index = 0; index < call->nmsgs && error == 0; index++) {
        error = carry(world, &call->msgs[index], was_read[index]);
        world->bus.messages++;
        world->bus.bytes += call->msgs[index].len;
        if (index == 0 && error == 0)
            take_wire_time(&world->bus, call);
    }
    return error;
}

static void hand_over(struct bus_controls *bus, const struct i2c_rdwr_ioctl_data *call)
{
    int has_read = 0;
    for (unsigned index = 0; index < call->nmsgs; index++)
        has_read |= call->msgs[index].flags & I2C_M_RD;
    uint8_t wrong_bits = has_read && takes_one(&bus->garble_next) ? 0xA5 : 0;
    for (unsigned index = 0; index < call->nmsgs; index++) {
        const struct i2c_msg *message = &call->msgs[index];
        for (unsigned place = 0; message->flags & I2C_M_RD && place < message->len; place++)
            message->buf[place] = was_read[index][place] ^ wrong_bits;
    }
}

static int wire_error(struct world *world, const struct i2c_rdwr_ioctl_data *call)
{
    struct bus_controls *bus = &world->bus;
    if (bus->stuck) {
        wait_ns(bus->timeout_ms * 1000000);
        return ETIMEDOUT;
    }
    if (takes_one(&bus->nack_next))
        return EREMOTEIO;
    int error = carry_all(world, call);
    return error == 0 && takes_one(&bus->break_next) ? EIO : error;
}

int transfer(struct world *world, const struct i2c_rdwr_ioctl_data *call)
{
    int error = refusal(&world->bus, call);
    if (error) {
        world->bus.refused++;
        return -error;
    }
    error = wire_error(world, call);
    if (error) {
        world->bus.failed++;
        return -error;
    }
    world->bus.transfers++;
    hand_over(&world->bus, call);
    return (int)call->nmsgs;
}
