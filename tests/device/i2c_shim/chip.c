/* What all chips have in common: a FIFO of units, and an oscillator that nobody else's clock disturbs. */
#define _GNU_SOURCE
#include "chip.h"

#include <string.h>
#include <time.h>

void queue_shape(struct queue *queue, int unit_bytes, int room)
{
    queue->unit_bytes = unit_bytes;
    queue->room = room;
    queue_clear(queue);
}

void queue_clear(struct queue *queue)
{
    queue->first = 0;
    queue->count = 0;
}

static uint8_t *unit_at(struct queue *queue, int place)
{
    return queue->bytes + (size_t)((queue->first + place) % queue->room) * (size_t)queue->unit_bytes;
}

int queue_push(struct queue *queue, const uint8_t *unit)
{
    int dropped = queue->count == queue->room;
    if (dropped) {
        queue->first = (queue->first + 1) % queue->room;
        queue->count--;
    }
    memcpy(unit_at(queue, queue->count), unit, (size_t)queue->unit_bytes);
    queue->count++;
    return dropped;
}

int queue_pop(struct queue *queue, uint8_t *unit)
{
    if (queue->count == 0)
        return 0;
    memcpy(unit, unit_at(queue, 0), (size_t)queue->unit_bytes);
    queue->first = (queue->first + 1) % queue->room;
    queue->count--;
    return 1;
}

int64_t boot_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void oscillator_run(struct device *device, double rate_hz)
{
    struct oscillator *oscillator = &device->chip->oscillator;
    double real_hz = rate_hz * (1.0 + (double)device->controls->ppm * 1e-6);
    if (real_hz == oscillator->rate_hz)
        return;
    oscillator->rate_hz = real_hz;
    oscillator->start_ns = boot_ns();
    oscillator->taken = 0;
}

void oscillator_catch_up(struct device *device, const struct kind *kind)
{
    struct oscillator *oscillator = &device->chip->oscillator;
    if (oscillator->rate_hz == 0.0)
        return;
    int64_t due = (int64_t)((double)(boot_ns() - oscillator->start_ns) * 1e-9 * oscillator->rate_hz);
    while (oscillator->taken < due) {
        oscillator->taken++;
        kind->tick(device, device->controls->produced++);
    }
}
