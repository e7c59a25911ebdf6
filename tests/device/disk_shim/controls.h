/* The switches and counters of the disk, in a file that the program and its test map together. */
#include <stdint.h>

struct disk_controls {
    /* Counters. An operation is a write, a flush or a truncation. */
    int64_t operations;
    int64_t writes;
    int64_t written_bytes;
    int64_t written_blocks; /* of 4096 bytes; one that two writes in a row touch counts once a flush */
    int64_t flushes;
    int64_t failed;
    /* Switches. */
    int64_t fail_first; /* number of the first operation that may fail, from 1; 0: none does */
    int64_t fail_left;  /* how many will fail, from that one on */
    int64_t fail_errno;
    int64_t fail_only_flushes;
    int64_t flush_ms;   /* how long each flush takes */
    int64_t hold_flush; /* a flush that has begun does not end before this is 0 */
    int64_t held;       /* whether one is held at present */
};
