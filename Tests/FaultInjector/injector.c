// A library to preload into a program. It records the program's writes to a folder, and shifts the time of day that the
// program sees. See FaultInjector.h.
#define _GNU_SOURCE
#include "FaultInjector.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAXIMUM_FILES 4096

static const char *folder;
static size_t folder_length;
static int log_file = -1;
static const char *clock_path;
// The paths of the folder's open files, by descriptor.
static char *paths[MAXIMUM_FILES];
// Held while an operation runs and is recorded, so that the records are in the order of the operations.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    clock_path = getenv("SLUICE_FAULT_CLOCK");
    const char *log = getenv("SLUICE_FAULT_LOG");
    const char *name = getenv("SLUICE_FAULT_FOLDER");
    if (log == NULL || name == NULL) return;
    log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) abort();
    folder = name;
    folder_length = strlen(name);
}

static int is_watched(const char *path) {
    return folder != NULL && path != NULL && strncmp(path, folder, folder_length) == 0;
}

static const char *path_of(int file) { return file >= 0 && file < MAXIMUM_FILES ? paths[file] : NULL; }

static void record(char operation, const char *path, int64_t offset, const void *bytes, size_t length) {
    struct fault_record header = {(uint32_t)operation, (uint32_t)strlen(path), offset, length};
    struct iovec parts[3] = {
        {&header, sizeof header}, {(void *)(uintptr_t)path, header.path_length}, {(void *)(uintptr_t)bytes, length}};
    if (syscall(SYS_writev, log_file, parts, 3) < 0) abort();
}

// Runs a system call and records it if it succeeds, in one atomic step.
#define RECORDED(call, operation, path, offset, bytes, length) \
    pthread_mutex_lock(&mutex); \
    long result = (call); \
    int error = errno; \
    if (result >= 0) record(operation, path, offset, bytes, (size_t)(length)); \
    pthread_mutex_unlock(&mutex); \
    errno = error; \
    return (int)result

static int open_at(int directory, const char *path, int flags, int mode) {
    // Relative paths are not resolved, because SQLite and Foundation use absolute paths.
    if (!is_watched(path)) return (int)syscall(SYS_openat, directory, path, flags, mode);
    pthread_mutex_lock(&mutex);
    struct stat status;
    int is_new = (flags & O_CREAT) != 0 && (flags & O_TMPFILE) != O_TMPFILE && stat(path, &status) != 0;
    int file = (int)syscall(SYS_openat, directory, path, flags, mode);
    int error = errno;
    if (file >= 0 && file < MAXIMUM_FILES) {
        free(paths[file]);
        paths[file] = strdup(path);
        if (is_new) record('c', path, 0, NULL, 0);
        if ((flags & O_TRUNC) != 0 && !is_new) record('t', path, 0, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return file;
}

#define MODE_OF_OPEN \
    int mode = 0; \
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, int); \
        va_end(arguments); \
    }

int open(const char *path, int flags, ...) { MODE_OF_OPEN return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF_OPEN return open_at(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE_OF_OPEN return open_at(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE_OF_OPEN return open_at(directory, path, flags, mode); }

int close(int file) {
    if (path_of(file) != NULL) {
        pthread_mutex_lock(&mutex);
        free(paths[file]);
        paths[file] = NULL;
        pthread_mutex_unlock(&mutex);
    }
    return (int)syscall(SYS_close, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    const char *path = path_of(file);
    if (path == NULL) return syscall(SYS_pwrite64, file, bytes, length, offset);
    RECORDED(syscall(SYS_pwrite64, file, bytes, length, offset), 'w', path, offset, bytes, result);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return pwrite64(file, bytes, length, offset); }

ssize_t write(int file, const void *bytes, size_t length) {
    const char *path = path_of(file);
    if (path == NULL) return syscall(SYS_write, file, bytes, length);
    off_t offset = lseek(file, 0, SEEK_CUR);
    RECORDED(syscall(SYS_write, file, bytes, length), 'w', path, offset, bytes, result);
}

int ftruncate64(int file, off64_t length) {
    const char *path = path_of(file);
    if (path == NULL) return (int)syscall(SYS_ftruncate, file, length);
    RECORDED(syscall(SYS_ftruncate, file, length), 't', path, length, NULL, 0);
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

// Records the sync without carrying it out. A real sync would only take time, because the power cut is simulated from
// the log.
static int synced(int file) {
    RECORDED(0, 's', path_of(file), 0, NULL, 0);
}

int fsync(int file) { return path_of(file) != NULL ? synced(file) : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return path_of(file) != NULL ? synced(file) : (int)syscall(SYS_fdatasync, file); }

int unlink(const char *path) {
    if (!is_watched(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    RECORDED(syscall(SYS_unlinkat, AT_FDCWD, path, 0), 'u', path, 0, NULL, 0);
}

int rename(const char *path, const char *target) {
    if (!is_watched(path)) return (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, target, 0);
    RECORDED(
        syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, target, 0), 'r', path, 0, target, strlen(target));
}

int mkdir(const char *path, mode_t mode) {
    if (!is_watched(path)) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    RECORDED(syscall(SYS_mkdirat, AT_FDCWD, path, mode), 'd', path, 0, NULL, 0);
}

static time_t seconds_off(void) {
    char text[32] = "";
    if (clock_path == NULL) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, clock_path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    return length > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += seconds_off();
    return result;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
