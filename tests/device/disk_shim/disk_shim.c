/* A disk with switches under a program that knows nothing of it: LD_PRELOAD this library.
 *
 * Writes, flushes and truncations of the files whose path begins with DISK_SHIM_PREFIX are counted; those
 * that the switches name fail with an error number, as on a full or a broken disk, without being carried
 * out, and flushes may take long. Everything else goes to the C library as it came. The environment
 * variable DISK_SHIM_CONTROLS names the file of the switches; without it nothing is changed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controls.h"

#define BLOCK_BYTES 4096
#define HOLD_LOOK_MS 5

static struct disk_controls *disk;
static const char *prefix;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ino_t last_file;
static off_t last_block = -1;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("DISK_SHIM_CONTROLS");
    prefix = getenv("DISK_SHIM_PREFIX");
    int fd = path == NULL || prefix == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *place = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (place != MAP_FAILED)
        disk = place;
}

static int is_watched(int fd)
{
    char link[64], path[PATH_MAX];
    if (disk == NULL)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    size_t wanted = strlen(prefix);
    return length >= (ssize_t)wanted && memcmp(path, prefix, wanted) == 0;
}

static void wait_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Count an operation; return whether it is one that fails, with errno set. */
static int fails(int is_flush)
{
    pthread_mutex_lock(&lock);
    int64_t number = ++disk->operations;
    int failing = disk->fail_first && number >= disk->fail_first && disk->fail_left > 0 &&
                  (is_flush || !disk->fail_only_flushes);
    disk->failed += failing;
    disk->fail_left -= failing;
    pthread_mutex_unlock(&lock);
    if (failing)
        errno = (int)disk->fail_errno;
    return failing;
}

static void count_write(int fd, off_t offset, ssize_t count)
{
    struct stat status;
    if (count <= 0 || fstat(fd, &status) != 0)
        return;
    off_t first = offset / BLOCK_BYTES, end = (offset + count - 1) / BLOCK_BYTES + 1;
    pthread_mutex_lock(&lock);
    disk->writes += 1;
    disk->written_bytes += count;
    disk->written_blocks += end - first - (status.st_ino == last_file && first == last_block);
    last_file = status.st_ino;
    last_block = end - 1;
    pthread_mutex_unlock(&lock);
}

static ssize_t answer_pwrite(const char *name, int fd, const void *data, size_t count, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, name);
    int watched = is_watched(fd);
    if (watched && fails(0))
        return -1;
    ssize_t done = real(fd, data, count, offset);
    if (watched)
        count_write(fd, offset, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset)
{
    return answer_pwrite("pwrite", fd, data, count, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset)
{
    return answer_pwrite("pwrite64", fd, data, count, offset);
}

ssize_t write(int fd, const void *data, size_t count)
{
    ssize_t (*real)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    int watched = is_watched(fd);
    if (watched && fails(0))
        return -1;
    off_t offset = watched ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = real(fd, data, count);
    if (watched)
        count_write(fd, offset, done);
    return done;
}

static int answer_flush(const char *name, int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!is_watched(fd))
        return real(fd);
    wait_ms(disk->flush_ms);
    for (; disk->hold_flush; wait_ms(HOLD_LOOK_MS))
        disk->held = 1;
    disk->held = 0;
    if (fails(1))
        return -1;
    pthread_mutex_lock(&lock);
    disk->flushes += 1;
    last_block = -1;
    pthread_mutex_unlock(&lock);
    return real(fd);
}

int fsync(int fd)
{
    return answer_flush("fsync", fd);
}

int fdatasync(int fd)
{
    return answer_flush("fdatasync", fd);
}

static int answer_truncate(const char *name, int fd, off_t length)
{
    int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, name);
    return is_watched(fd) && fails(0) ? -1 : real(fd, length);
}

int ftruncate(int fd, off_t length)
{
    return answer_truncate("ftruncate", fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    return answer_truncate("ftruncate64", fd, length);
}
