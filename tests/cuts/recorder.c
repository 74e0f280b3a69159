/* Preloaded into one process, writes down in true order every change that process makes to the files of one folder.
 *
 * CUTS_FOLDER: the folder (a resolved path). CUTS_LOG: the log, outside of it, made here.
 * Record: op (1 byte), 3 bytes of nothing, handle (4), offset (8), length (8), then "length" bytes; little-endian.
 *   O open an existing file or folder   data: its name below the folder, empty for the folder itself
 *   C create a file                     data: its name
 *   W write at offset                   data: the bytes
 *   T set the size to offset            G let the file reach at least offset (posix_fallocate)
 *   F flush (fsync, fdatasync)          of a file or a folder
 *   U remove a name, D make a folder    data: the name
 *   R rename                            data: old name, NUL, new name
 *   M mark                              data: what was written to ".marks": words of the process, not of its disk
 * A handle is one open file description. The lock is held over call and record, so the order is the one that happened.
 *
 * A call that changes files in a way not recorded here ends the process with a message and status 99 (refused.c): a
 * log with a hole would prove nothing. What no preload can see (a child process, a call made inside libc) is found by
 * recorder.py, which replays the whole log and compares it with the folder.
 *
 * SQLite's "-shm" is left out: it is mapped memory, never flushed, and the first connection after a cut truncates it
 * and builds it from the WAL, so nothing it held before can matter.
 */

#include "recorder.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "pwrite and pwrite64 are taken for the same");

enum { MAX_FD = 4096, STATUS = 99 };
static const uint32_t MARKS = UINT32_MAX;

pthread_mutex_t recorder_lock = PTHREAD_MUTEX_INITIALIZER;
char recorded_folder[PATH_MAX];
static int log_fd = -1;
static bool foreign; /* after fork: the log belongs to the parent */
static uint32_t handles[MAX_FD];
static uint32_t opened;

void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "cut recorder: %s on a recorded file is not recorded\n", what);
    _exit(STATUS);
}

static ssize_t plain_write(int fd, const void *data, size_t length)
{
    REAL(write)
    return real(fd, data, length);
}

void put(char op, uint32_t handle, int64_t offset, const void *data, size_t length)
{
    unsigned char head[24] = {(unsigned char)op};
    uint64_t size = length;
    if (foreign) {
        give_up("a change after fork");
    }
    memcpy(head + 4, &handle, sizeof handle);
    memcpy(head + 8, &offset, sizeof offset);
    memcpy(head + 16, &size, sizeof size);
    if (plain_write(log_fd, head, sizeof head) != (ssize_t)sizeof head
        || plain_write(log_fd, data, length) != (ssize_t)length) {
        give_up("a log that cannot be written: a change");
    }
}

static void after_fork(void) { foreign = true; }

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("CUTS_FOLDER");
    const char *log = getenv("CUTS_LOG");
    if (folder == NULL || log == NULL || strlen(folder) >= sizeof recorded_folder) {
        give_up("CUTS_FOLDER or CUTS_LOG is missing: nothing");
    }
    log_fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) {
        give_up("the log exists or cannot be made: nothing");
    }
    strcpy(recorded_folder, folder);
    unsetenv("LD_PRELOAD"); /* a program started from here would write over this log */
    pthread_atfork(NULL, NULL, after_fork);
}

uint32_t handle_of(int fd) { return fd >= 0 && fd < MAX_FD ? handles[fd] : 0; }

static int plain_openat(int folder_fd, const char *path, int flags, mode_t mode)
{
    REAL(openat)
    return real(folder_fd, path, flags, mode);
}

static int open_file(int folder_fd, const char *path, int flags, mode_t mode)
{
    char name[PATH_MAX];
    struct stat before;
    if (!below(folder_fd, path, name)) {
        return plain_openat(folder_fd, path, flags, mode);
    }
    if ((flags & O_DSYNC) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
        give_up("open with O_SYNC, O_DSYNC or O_TMPFILE");
    }
    pthread_mutex_lock(&recorder_lock);
    bool existed = fstatat(folder_fd, path, &before, 0) == 0;
    int fd = plain_openat(folder_fd, path, flags, mode);
    if (fd >= MAX_FD) {
        give_up("a handle above 4095");
    } else if (fd >= 0 && strcmp(name, ".marks") == 0) {
        handles[fd] = MARKS;
    } else if (fd >= 0) {
        handles[fd] = ++opened;
        put(existed ? 'O' : 'C', opened, 0, name, strlen(name));
        if (existed && (flags & O_TRUNC) != 0) {
            put('T', opened, 0, "", 0);
        }
    }
    pthread_mutex_unlock(&recorder_lock);
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return open_file(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int folder_fd, const char *path, int flags, ...) \
    { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return open_file(folder_fd, path, flags, mode); \
    }
#define CREAT(name) \
    int name(const char *path, mode_t mode) { return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)
OPENAT(__openat_2)
OPENAT(__openat64_2)
CREAT(creat)
CREAT(creat64)

int close(int fd)
{
    REAL(close)
    if (handle_of(fd) == 0) {
        return real(fd);
    }
    pthread_mutex_lock(&recorder_lock);
    handles[fd] = 0;
    int result = real(fd);
    pthread_mutex_unlock(&recorder_lock);
    return result;
}

static void wrote(int fd, int64_t offset, const void *data, ssize_t length)
{
    uint32_t handle = handle_of(fd);
    if (length > 0) {
        put(handle == MARKS ? 'M' : 'W', handle, handle == MARKS ? 0 : offset, data, (size_t)length);
    }
}

ssize_t write(int fd, const void *data, size_t length)
{
    if (handle_of(fd) == 0) {
        return plain_write(fd, data, length);
    }
    /* The place after the write, less its length: true with O_APPEND too. */
    LOCKED(ssize_t, plain_write(fd, data, length), wrote(fd, lseek(fd, 0, SEEK_CUR) - result, data, result))
}

#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t length, off_t offset) \
    { \
        REAL(name) \
        if (handle_of(fd) == 0) { \
            return real(fd, data, length, offset); \
        } \
        LOCKED(ssize_t, real(fd, data, length, offset), wrote(fd, offset, data, result)) \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* Calls on a handle that are one record when they succeed. */
#define SIMPLE(name, arguments, values, op, offset) \
    int name arguments \
    { \
        REAL(name) \
        if (handle_of(fd) == 0) { \
            return real values; \
        } \
        LOCKED(int, real values, if (result == 0) put(op, handle_of(fd), offset, "", 0)) \
    }
SIMPLE(ftruncate, (int fd, off_t size), (fd, size), 'T', size)
SIMPLE(ftruncate64, (int fd, off_t size), (fd, size), 'T', size)
SIMPLE(posix_fallocate, (int fd, off_t from, off_t length), (fd, from, length), 'G', from + length)
SIMPLE(posix_fallocate64, (int fd, off_t from, off_t length), (fd, from, length), 'G', from + length)
SIMPLE(fsync, (int fd), (fd), 'F', 0)
SIMPLE(fdatasync, (int fd), (fd), 'F', 0)

static void copied(int from, int to)
{
    if (to >= MAX_FD && handle_of(from) != 0) {
        give_up("a handle above 4095");
    } else if (to >= 0 && to < MAX_FD) {
        handles[to] = handle_of(from);
    }
}

int dup(int fd)
{
    REAL(dup)
    LOCKED(int, real(fd), copied(fd, result))
}

int dup2(int fd, int to)
{
    REAL(dup2)
    LOCKED(int, real(fd, to), if (result >= 0) copied(fd, result))
}

int dup3(int fd, int to, int flags)
{
    REAL(dup3)
    LOCKED(int, real(fd, to, flags), if (result >= 0) copied(fd, result))
}

#define FCNTL(name) \
    int name(int fd, int command, ...) \
    { \
        REAL(name) \
        va_list rest; \
        va_start(rest, command); \
        void *value = va_arg(rest, void *); \
        va_end(rest); \
        if (handle_of(fd) == 0 || (command != F_DUPFD && command != F_DUPFD_CLOEXEC)) { \
            return real(fd, command, value); \
        } \
        LOCKED(int, real(fd, command, value), copied(fd, result)) \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
