/* A disk that goes bad while it is in use: put before the C library, told what to do by a small shared file. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct orders {
    int64_t read_only;  /* 1: every change of the folder is EROFS */
    int64_t bad_from;   /* reads of the database file that touch this range are EIO; empty: from == to */
    int64_t bad_to;
    int64_t no_flush;   /* 1: fsync is EIO */
};

static volatile struct orders *orders(void)
{
    static volatile struct orders *shared;
    if (shared == NULL) {
        int fd = open(getenv("FAULTY_ORDERS"), O_RDONLY | O_CLOEXEC);
        shared = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
        if (shared == MAP_FAILED) {
            abort();
        }
    }
    return shared;
}

static bool ours(int fd, const char *name)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    const char *folder = getenv("FAULTY_FOLDER");
    if (length <= 0 || folder == NULL) {
        return false;
    }
    path[length] = 0;
    size_t begin = strlen(folder);
    return strncmp(path, folder, begin) == 0 && (name == NULL || strcmp(path + begin, name) == 0);
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) { \
        *(void **)&real = dlsym(RTLD_NEXT, #name); \
    }

#define READ(name, offset_type) \
    ssize_t name(int fd, void *data, size_t count, offset_type at) \
    { \
        REAL(name) \
        if (orders()->bad_to > at && orders()->bad_from < at + (int64_t)count && ours(fd, "/queue.db")) { \
            errno = EIO; \
            return -1; \
        } \
        return real(fd, data, count, at); \
    }
READ(pread, off_t)
READ(pread64, off64_t)

#define CHANGE(type, name, arguments, values) \
    type name arguments \
    { \
        REAL(name) \
        if (orders()->read_only && ours(fd, NULL)) { \
            errno = EROFS; \
            return -1; \
        } \
        return real values; \
    }
CHANGE(ssize_t, write, (int fd, const void *data, size_t count), (fd, data, count))
CHANGE(ssize_t, pwrite, (int fd, const void *data, size_t count, off_t at), (fd, data, count, at))
CHANGE(ssize_t, pwrite64, (int fd, const void *data, size_t count, off64_t at), (fd, data, count, at))
CHANGE(int, ftruncate, (int fd, off_t size), (fd, size))
CHANGE(int, ftruncate64, (int fd, off64_t size), (fd, size))

#define FLUSH(name) \
    int name(int fd) \
    { \
        REAL(name) \
        if (orders()->no_flush && ours(fd, NULL)) { \
            errno = EIO; \
            return -1; \
        } \
        return real(fd); \
    }
FLUSH(fsync)
FLUSH(fdatasync)

#define STAT(name, kind) \
    int name(const char *path, struct kind *found) \
    { \
        REAL(name) \
        int result = real(path, found); \
        if (result == 0 && orders()->read_only && strncmp(path, getenv("FAULTY_FOLDER"), strlen(path)) == 0) { \
            found->f_flag |= ST_RDONLY; \
        } \
        return result; \
    }
STAT(statvfs, statvfs)
STAT(statvfs64, statvfs64)
