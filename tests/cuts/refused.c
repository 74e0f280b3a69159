/* Ways to change a file that the recorder does not record: used on a recorded file, each ends the process. */

#include "recorder.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MMAP(name) \
    void *name(void *at, size_t length, int protection, int flags, int fd, off_t offset) \
    { \
        REAL(name) \
        if (handle_of(fd) != 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) { \
            give_up("a writable shared mapping"); \
        } \
        return real(at, length, protection, flags, fd, offset); \
    }
MMAP(mmap)
MMAP(mmap64)

#define REFUSE(type, name, arguments, values, fd) \
    type name arguments \
    { \
        REAL(name) \
        if (handle_of(fd) != 0) { \
            give_up(#name); \
        } \
        return real values; \
    }
REFUSE(ssize_t, writev, (int fd, const struct iovec *list, int count), (fd, list, count), fd)
REFUSE(ssize_t, pwritev, (int fd, const struct iovec *list, int count, off_t at), (fd, list, count, at), fd)
REFUSE(ssize_t, pwritev64, (int fd, const struct iovec *list, int count, off_t at), (fd, list, count, at), fd)
REFUSE(ssize_t, pwritev2, (int fd, const struct iovec *l, int n, off_t at, int flags), (fd, l, n, at, flags), fd)
REFUSE(ssize_t, pwritev64v2, (int fd, const struct iovec *l, int n, off_t at, int flags), (fd, l, n, at, flags), fd)
REFUSE(int, fallocate, (int fd, int mode, off_t from, off_t length), (fd, mode, from, length), fd)
REFUSE(int, fallocate64, (int fd, int mode, off_t from, off_t length), (fd, mode, from, length), fd)
REFUSE(ssize_t, copy_file_range, (int in, off_t *i, int fd, off_t *o, size_t n, unsigned f), (in, i, fd, o, n, f), fd)
REFUSE(ssize_t, splice, (int in, off_t *i, int fd, off_t *o, size_t n, unsigned f), (in, i, fd, o, n, f), fd)
REFUSE(int, syncfs, (int fd), (fd), fd)
REFUSE(ssize_t, sendfile, (int fd, int in, off_t *offset, size_t count), (fd, in, offset, count), fd)
REFUSE(ssize_t, sendfile64, (int fd, int in, off_t *offset, size_t count), (fd, in, offset, count), fd)

#define REFUSE_PATH(name, arguments, values, folder_fd, path) \
    int name arguments \
    { \
        REAL(name) \
        char below_name[PATH_MAX]; \
        if (below(folder_fd, path, below_name)) { \
            give_up(#name); \
        } \
        return real values; \
    }
REFUSE_PATH(link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
REFUSE_PATH(linkat, (int f, const char *from, int t, const char *to, int flags), (f, from, t, to, flags), t, to)
REFUSE_PATH(symlink, (const char *from, const char *to), (from, to), AT_FDCWD, to)
REFUSE_PATH(symlinkat, (const char *from, int t, const char *to), (from, t, to), t, to)
REFUSE_PATH(remove, (const char *path), (path), AT_FDCWD, path)
REFUSE_PATH(truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path)
REFUSE_PATH(truncate64, (const char *path, off_t size), (path, size), AT_FDCWD, path)
REFUSE_PATH(renameat2, (int f, const char *from, int t, const char *to, unsigned how), (f, from, t, to, how), t, to)

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) \
    { \
        REAL(name) \
        char below_name[PATH_MAX]; \
        if (strpbrk(mode, "wa+") != NULL && below(AT_FDCWD, path, below_name)) { \
            give_up(#name); \
        } \
        return real(path, mode); \
    }
FOPEN(fopen)
FOPEN(fopen64)

long syscall(long number, ...)
{
    REAL(syscall)
    va_list rest;
    long value[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++) {
        value[i] = va_arg(rest, long);
    }
    va_end(rest);
    if (number == SYS_io_uring_setup) {
        give_up("io_uring, which may change a file: a change");
    }
    bool changes = number == SYS_write || number == SYS_pwrite64 || number == SYS_writev || number == SYS_pwritev
        || number == SYS_ftruncate || number == SYS_fallocate || number == SYS_fsync || number == SYS_fdatasync;
    if (changes && handle_of((int)value[0]) != 0) {
        give_up("a change by syscall()");
    }
    return real(number, value[0], value[1], value[2], value[3], value[4], value[5]);
}
