/* Which paths lead below the recorded folder, and the calls that change its names. */

#include "recorder.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

bool below(int folder_fd, const char *path, char *name)
{
    char full[2 * PATH_MAX], link[64], resolved[PATH_MAX];
    size_t length = strlen(recorded_folder);
    if (length == 0 || path == NULL || strlen(path) >= PATH_MAX) {
        return false;
    }
    full[0] = '\0';
    if (path[0] != '/') {
        snprintf(link, sizeof link, folder_fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder_fd);
        ssize_t got = readlink(link, full, PATH_MAX - 1);
        full[got < 0 ? 0 : got] = '\0';
    }
    snprintf(full + strlen(full), PATH_MAX, "/%s", path);
    if (realpath(full, resolved) == NULL) { /* not there yet: its folder has to be */
        char *last = strrchr(full, '/');
        char parent[PATH_MAX];
        snprintf(parent, sizeof parent, "%.*s/", (int)(last - full), full);
        if (realpath(parent, resolved) == NULL || strlen(resolved) + strlen(last) >= PATH_MAX) {
            return false;
        }
        strcat(resolved, last);
    }
    if (strncmp(resolved, recorded_folder, length) != 0 || (resolved[length] != '/' && resolved[length] != '\0')) {
        return false;
    }
    strcpy(name, resolved[length] == '/' ? resolved + length + 1 : "");
    return !ends_with(name, "-shm");
}

static int named(char op, int folder_fd, const char *path, int (*call)(int, const char *, int), int value)
{
    char name[PATH_MAX];
    if (!below(folder_fd, path, name)) {
        return call(folder_fd, path, value);
    }
    LOCKED(int, call(folder_fd, path, value), if (result == 0) put(op, 0, 0, name, strlen(name)))
}

static int plain_unlink(int folder_fd, const char *path, int flags)
{
    REAL(unlinkat)
    return real(folder_fd, path, flags);
}

static int plain_mkdir(int folder_fd, const char *path, int mode)
{
    REAL(mkdirat)
    return real(folder_fd, path, (mode_t)mode);
}

int unlink(const char *path) { return named('U', AT_FDCWD, path, plain_unlink, 0); }
int unlinkat(int folder_fd, const char *path, int flags) { return named('U', folder_fd, path, plain_unlink, flags); }
int rmdir(const char *path) { return named('U', AT_FDCWD, path, plain_unlink, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode) { return named('D', AT_FDCWD, path, plain_mkdir, (int)mode); }
int mkdirat(int fd, const char *path, mode_t mode) { return named('D', fd, path, plain_mkdir, (int)mode); }

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    REAL(renameat)
    char names[2 * PATH_MAX], name[PATH_MAX];
    bool leaves = below(from_fd, from, names), enters = below(to_fd, to, name);
    if (!leaves && !enters) {
        return real(from_fd, from, to_fd, to);
    }
    if (!leaves || !enters) {
        give_up("a rename across the folder's border");
    }
    size_t first = strlen(names) + 1;
    strcpy(names + first, name);
    LOCKED(int, real(from_fd, from, to_fd, to), if (result == 0) put('R', 0, 0, names, first + strlen(name)))
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
