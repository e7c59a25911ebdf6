/* A chip: its registers, its FIFO, its oscillator; and what each kind of chip must be able to do. */
#ifndef CHIP_H
#define CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "controls.h"

#define AXES 3
#define QUEUE_BYTES 4096

/* What waits to be read: units of a kind's own size, the oldest first. */
struct queue {
    int32_t unit_bytes;
    int32_t room; /* units that fit */
    int32_t first;
    int32_t count;
    uint8_t bytes[QUEUE_BYTES];
};

/* Tick k, from 1 on, comes k periods after the start. */
struct oscillator {
    int64_t start_ns; /* CLOCK_BOOTTIME */
    double rate_hz;   /* 0: stopped */
    int64_t taken;    /* ticks whose sets are made */
};

struct chip {
    uint8_t registers[256];
    uint8_t pointer;
    uint8_t advances;   /* LIS3DH: the pointer moves on */
    uint8_t overrun;    /* a set was dropped since the flag was last cleared */
    uint8_t fresh;      /* a set has come since the last read */
    uint8_t last_byte;  /* MPU6050: what an empty FIFO repeats */
    uint8_t tag_count;  /* LSM6DSOX: counts words modulo 4 */
    uint8_t latest[16]; /* the newest set, as the data registers show it */
    int64_t power_cuts; /* those already felt */
    int64_t has_power;  /* the registers hold what power-up puts there */
    struct oscillator oscillator;
    struct queue queue;
};

/* Everything that a kind's functions are given. */
struct device {
    struct chip *chip;
    struct bus_controls *bus;
    struct device_controls *controls;
};

struct kind {
    const char *name;
    void (*power_up)(struct device *device);
    void (*write)(struct device *device, const uint8_t *data, size_t length);
    void (*read)(struct device *device, uint8_t *data, size_t length);
    void (*tick)(struct device *device, int64_t number); /* make one set */
};

extern const struct kind adxl345, lis3dh, mpu6050, lsm6dsox, adxl355;

void queue_shape(struct queue *queue, int unit_bytes, int room);
void queue_clear(struct queue *queue);
/* Append a unit; the oldest makes room where there is none. Return how many were dropped: 0 or 1. */
int queue_push(struct queue *queue, const uint8_t *unit);
/* Take the oldest unit; return 0, and leave `unit` alone, where nothing waits. */
int queue_pop(struct queue *queue, uint8_t *unit);

int64_t boot_ns(void);
/* Run at a rate from now on; 0 stops. A rate that already runs goes on undisturbed. */
void oscillator_run(struct device *device, double rate_hz);
/* Make the sets of all ticks up to now. */
void oscillator_catch_up(struct device *device, const struct kind *kind);

/* How a converter turns acceleration into counts. */
struct converter {
    double counts_per_g;
    int bits;
    double noise_ug[AXES]; /* per root hertz, over half of the rate */
    double shift_g[AXES];  /* self-test and offsets */
};

/* What the converter gives for one set. */
void signal_counts(const struct device *device, const struct converter *converter, int64_t number,
                   int32_t counts[AXES]);

#define ROOM_C 21.0 /* what the thermometers show */

#endif
