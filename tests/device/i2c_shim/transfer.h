/* One I2C_RDWR call, by the rules of the kernel and of the controller. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#include "world.h"

/* Carry the messages; return how many, or a negative error number. The lock is held by the caller. */
int transfer(struct world *world, const struct i2c_rdwr_ioctl_data *call);

#endif
