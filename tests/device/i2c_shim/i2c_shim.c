/* Stands in for /dev/i2c-N under a program that knows nothing of it: LD_PRELOAD this library.
 *
 * open() of the device gives a descriptor of /dev/null that is remembered; ioctl() on it is answered here.
 * Everything else goes to the C library as it came. The environment variable I2C_SHIM_WORLD names the
 * world file; without it nothing is changed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "transfer.h"

#define MOST_DESCRIPTORS 4096
#define TIMEOUT_UNIT_MS 10

static atomic_bool is_bus[MOST_DESCRIPTORS];

static int fail(int error)
{
    errno = error;
    return -1;
}

/* Return whether the path is the bus of the world file. */
static int names_bus(const char *path)
{
    char name[32];
    if (path == NULL || strncmp(path, "/dev/i2c-", 9) != 0 || world_attach() == NULL)
        return 0;
    snprintf(name, sizeof name, "/dev/i2c-%d", (int)world_attach()->bus.bus_number);
    return strcmp(path, name) == 0;
}

static int open_bus(int (*real_openat)(int, const char *, int, ...), int flags)
{
    if (world_attach()->bus.gone)
        return fail(ENOENT);
    int fd = real_openat(AT_FDCWD, "/dev/null", flags);
    if (fd >= MOST_DESCRIPTORS) {
        close(fd);
        return fail(EMFILE);
    }
    if (fd >= 0)
        atomic_store(&is_bus[fd], 1);
    return fd;
}

static int answer_openat(const char *name, int folder, const char *path, int flags, mode_t mode)
{
    int (*real_openat)(int, const char *, int, ...) =
        (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, name);
    return names_bus(path) ? open_bus(real_openat, flags) : real_openat(folder, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define STANDS_IN_FOR_OPEN(open_name, openat_name)                                                 \
    int open_name(const char *path, int flags, ...)                                                \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return answer_openat(#openat_name, AT_FDCWD, path, flags, mode);                           \
    }                                                                                              \
    int openat_name(int folder, const char *path, int flags, ...)                                  \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return answer_openat(#openat_name, folder, path, flags, mode);                             \
    }

STANDS_IN_FOR_OPEN(open, openat)
STANDS_IN_FOR_OPEN(open64, openat64)

int close(int fd)
{
    int (*real_close)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < MOST_DESCRIPTORS)
        atomic_store(&is_bus[fd], 0);
    return real_close(fd);
}

static int carry_call(struct world *world, const struct i2c_rdwr_ioctl_data *call)
{
    world_lock(world);
    int result = transfer(world, call);
    world_unlock(world);
    return result < 0 ? fail(-result) : result;
}

static int answer_ioctl(unsigned long request, void *argument)
{
    struct world *world = world_attach();
    if (world->bus.gone)
        return fail(ENODEV);
    switch (request) {
    case I2C_RDWR:
        return carry_call(world, argument);
    case I2C_FUNCS:
        *(unsigned long *)argument = I2C_FUNC_I2C;
        return 0;
    case I2C_SLAVE:
        return (long)argument != 0 && (long)argument == world->bus.busy_address ? fail(EBUSY) : 0;
    case I2C_TIMEOUT:
        world->bus.timeout_ms = (long)argument * TIMEOUT_UNIT_MS;
        return 0;
    case I2C_SLAVE_FORCE:
    case I2C_RETRIES:
        return 0;
    default:
        return fail(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (fd >= 0 && fd < MOST_DESCRIPTORS && atomic_load(&is_bus[fd]))
        return answer_ioctl(request, argument);
    int (*real_ioctl)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return real_ioctl(fd, request, argument);
}
