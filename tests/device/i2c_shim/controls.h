/* The switches and counters of one bus, at the head of the world file.
 *
 * Every field is an int64_t on a line of its own: the tests read the names from this file and map the same
 * bytes. A test may change a field while a client runs; the change counts from the next transfer on.
 */
#ifndef CONTROLS_H
#define CONTROLS_H

#include <stdint.h>

#define DEVICES 5 /* one of each kind */

struct bus_controls {
    int64_t bus_number;   /* N of /dev/i2c-N */
    int64_t bus_hz;       /* clock of the bus; a transfer then takes its time; 0: none */
    int64_t single_read;  /* 1: only the last message may be a read, as on a BCM2835 */
    int64_t timeout_ms;   /* of the adapter; I2C_TIMEOUT changes it */
    int64_t busy_address; /* I2C_SLAVE for it fails: a kernel driver owns it; 0: none */
    int64_t gone;         /* 1: the adapter was pulled out */
    int64_t stuck;        /* 1: every transfer times out */
    int64_t nack_next;    /* so many transfers get no answer; nothing is sent */
    int64_t break_next;   /* so many transfers break off at their end: the chip has given its data away */
    int64_t garble_next;  /* so many transfers that read deliver wrong bytes */
    int64_t counting;     /* 1: sets carry their number instead of acceleration */
    int64_t jerk_first;   /* number of the set in which the first jerk begins */
    int64_t jerk_every;   /* sets from jerk to jerk; 0: no jerks */
    int64_t jerk_mg;      /* peak of a jerk */
    int64_t jerk_hz;      /* its ringing */
    int64_t jerk_tau_ms;  /* its decay */
    int64_t transfers;    /* counted: I2C_RDWR calls that were carried */
    int64_t messages;     /* counted: messages in them */
    int64_t bytes;        /* counted: bytes in them */
    int64_t refused;      /* counted: calls that the kernel's or the controller's rules forbid */
    int64_t failed;       /* counted: calls that failed on the wire */
};

struct device_controls {
    int64_t kind;         /* index into the table of kinds in transfer.c, from 1 on; 0: no device */
    int64_t address;      /* 7 bits */
    int64_t ppm;          /* by how much its oscillator is fast */
    int64_t unplugged;    /* 1: it has no power and does not answer */
    int64_t power_cuts;   /* raise it to cut the power for a moment */
    int64_t identity;     /* what the identity register reads instead; 0: the truth */
    int64_t produced;     /* counted: sets made since the file was new */
    int64_t lost;         /* counted: sets that were dropped unread, in part at least */
};

#endif
