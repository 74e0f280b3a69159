/* Counts what a process hands to the disk: flushes, and bytes written to regular files. Slows flushes down on demand.
 *
 * Preloaded (LD_PRELOAD). The wrappers count and pass on; where BENCH_FLUSH_US is set, a flush takes that long at least. SQLite reaches all of these through the dynamic linker.
 * Not seen, because none of the counted programs uses them: O_SYNC, msync, io_uring. The -shm file of a WAL is mapped,
 * never flushed and rebuilt at need; its pages are not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_ulong flushes, bytes;

unsigned long bench_flushes(void) { return atomic_load(&flushes); }
unsigned long bench_bytes(void) { return atomic_load(&bytes); }

static void wrote(int file, ssize_t count) {
    struct stat status;
    if (count > 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        atomic_fetch_add(&bytes, (unsigned long)count);
}

static void wait_until_us(struct timespec since, long microseconds) {
    since.tv_nsec += microseconds * 1000;
    since.tv_sec += since.tv_nsec / 1000000000;
    since.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &since, NULL);
}

#define FLUSH(name)                                                            \
    int name(int file) {                                                       \
        static int (*next)(int);                                               \
        if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, #name);               \
        const char *at_least = getenv("BENCH_FLUSH_US");                       \
        struct timespec began;                                                 \
        clock_gettime(CLOCK_MONOTONIC, &began);                                \
        int result = next(file);                                               \
        if (at_least) wait_until_us(began, atol(at_least));                    \
        atomic_fetch_add(&flushes, 1);                                         \
        return result;                                                         \
    }

FLUSH(fsync)
FLUSH(fdatasync)
FLUSH(syncfs)

#define WRITE(name, parameters, arguments)                                       \
    ssize_t name parameters {                                                    \
        static ssize_t(*next) parameters;                                        \
        if (!next) next = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);        \
        ssize_t count = next arguments;                                          \
        wrote(file, count);                                                      \
        return count;                                                            \
    }

WRITE(write, (int file, const void *from, size_t size), (file, from, size))
WRITE(pwrite, (int file, const void *from, size_t size, off_t at), (file, from, size, at))
WRITE(pwrite64, (int file, const void *from, size_t size, off64_t at), (file, from, size, at))
WRITE(writev, (int file, const struct iovec *parts, int count_), (file, parts, count_))
WRITE(pwritev, (int file, const struct iovec *parts, int count_, off_t at), (file, parts, count_, at))
