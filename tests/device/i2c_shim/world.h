/* The world file: everything about a bus that must outlive its clients.
 *
 * Clients map the file; a client that is killed leaves chips and oscillators as they are. The lock lies in
 * the file too: it keeps threads and processes apart, and is robust, so that whoever dies holding it stops
 * nobody.
 */
#ifndef WORLD_H
#define WORLD_H

#include <pthread.h>

#include "chip.h"
#include "controls.h"

struct world {
    struct bus_controls bus;
    struct device_controls devices[DEVICES];
    pthread_mutex_t lock;
    int64_t is_ready; /* the lock was made */
    struct chip chips[DEVICES];
};

/* Map the file that I2C_SHIM_WORLD names; NULL where there is none. */
struct world *world_attach(void);

void world_lock(struct world *world);
void world_unlock(struct world *world);

#endif
