/* What a chip feels: lying flat, 1 g on z, noise, and a ringing jerk now and then. By the number of the set.
 *
 * The same number always gives the same counts. While the bus is counting, x and y carry the number itself,
 * as x + 500 y, so that a test knows every set it gets; z stays at 1 g.
 */
#define _GNU_SOURCE
#include <math.h>

#include "chip.h"

#define COUNTING_BASE 500 /* fits the narrowest converter, of 10 bits */

/* A hash after Vigna's splitmix64, to draw from. */
static uint64_t mixed(uint64_t value)
{
    value += 0x9E3779B97F4A7C15u;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

/* Nearly normal with variance 1: the sum of four uniform draws. */
static double normal_draw(uint64_t seed)
{
    uint64_t bits = mixed(seed);
    double sum = 0.0;
    for (int part = 0; part < 4; part++)
        sum += (double)((bits >> (16 * part)) & 0xFFFF) / 65535.0 - 0.5;
    return sum * sqrt(3.0);
}

static double jerk_g(const struct bus_controls *bus, int64_t number, double rate_hz)
{
    if (bus->jerk_every == 0 || number < bus->jerk_first)
        return 0.0;
    double since_s = (double)((number - bus->jerk_first) % bus->jerk_every) / rate_hz;
    double tau_s = (double)bus->jerk_tau_ms * 1e-3;
    if (since_s > 12.0 * tau_s)
        return 0.0;
    return (double)bus->jerk_mg * 1e-3 * exp(-since_s / tau_s) *
           sin(2.0 * M_PI * (double)bus->jerk_hz * since_s);
}

static int32_t clipped(double value, int bits)
{
    double half = ldexp(1.0, bits - 1);
    return (int32_t)lrint(fmin(fmax(value, -half), half - 1.0));
}

static void number_counts(const struct converter *converter, int64_t number, int32_t counts[AXES])
{
    counts[0] = (int32_t)(number % COUNTING_BASE);
    counts[1] = (int32_t)(number / COUNTING_BASE % COUNTING_BASE);
    counts[2] = clipped(converter->counts_per_g, converter->bits);
}

void signal_counts(const struct device *device, const struct converter *converter, int64_t number,
                   int32_t counts[AXES])
{
    static const double AT_REST_G[AXES] = {0.0, 0.0, 1.0};
    static const double SHARES[AXES] = {0.5, 0.3, 1.0}; /* of a jerk */
    if (device->bus->counting) {
        number_counts(converter, number, counts);
        return;
    }
    double rate_hz = device->chip->oscillator.rate_hz;
    double pushed_g = jerk_g(device->bus, number, rate_hz);
    for (int axis = 0; axis < AXES; axis++) {
        double noise_g = converter->noise_ug[axis] * 1e-6 * sqrt(rate_hz / 2.0) *
                         normal_draw((uint64_t)number * AXES + (uint64_t)axis);
        double felt_g = AT_REST_G[axis] + SHARES[axis] * pushed_g + noise_g + converter->shift_g[axis];
        counts[axis] = clipped(felt_g * converter->counts_per_g, converter->bits);
    }
}
