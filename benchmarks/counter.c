/* Counts what a process hands to the disk: flushes, and bytes written to regular files.
 *
 * Preloaded (LD_PRELOAD). The wrappers only count and pass on. SQLite reaches all of these through the dynamic linker.
 * Not seen, because none of the counted programs uses them: O_SYNC, msync, io_uring. The -shm file of a WAL is mapped,
 * never flushed and rebuilt at need; its pages are not counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_ulong flushes, bytes;

unsigned long bench_flushes(void) { return atomic_load(&flushes); }
unsigned long bench_bytes(void) { return atomic_load(&bytes); }

static void wrote(int file, ssize_t count) {
    struct stat status;
    if (count > 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        atomic_fetch_add(&bytes, (unsigned long)count);
}

#define FLUSH(name)                                              \
    int name(int file) {                                         \
        static int (*next)(int);                                 \
        if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        atomic_fetch_add(&flushes, 1);                           \
        return next(file);                                       \
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
