/* What recorder.c and refused.c share; hidden, so that nothing of it takes the place of a program's own names. */

#ifndef CUTS_RECORDER_H
#define CUTS_RECORDER_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Say on standard error what was not recorded, and end the process with status 99. */
void give_up(const char *what) __attribute__((noreturn));

extern pthread_mutex_t recorder_lock;
extern char recorded_folder[PATH_MAX]; /* resolved; empty until the recording began */

/* Append one record to the log; the lock is held. */
void put(char op, uint32_t handle, int64_t offset, const void *data, size_t length);

/* Write the name below the folder to "name" (PATH_MAX bytes); false when the path leads elsewhere. */
bool below(int folder_fd, const char *path, char *name);

/* The handle of a recorded file, 0 for any other. */
uint32_t handle_of(int fd);

#pragma GCC visibility pop

/* The C library's own function of this name, looked up once. */
#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) { \
        *(void **)&real = dlsym(RTLD_NEXT, #name); \
    }

/* "result" is what the real call returned, run with the lock held. */
#define LOCKED(type, call, record) \
    pthread_mutex_lock(&recorder_lock); \
    type result = call; \
    record; \
    pthread_mutex_unlock(&recorder_lock); \
    return result;

#endif
