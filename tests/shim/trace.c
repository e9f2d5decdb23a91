/*
 * Records the changes that a program makes to the files below a directory: every change and every
 * flush, in order and with the bytes. Loaded with LD_PRELOAD; TRACE_ROOT is the directory, without
 * symbolic links, TRACE_LOG the record.
 *
 * A record is a line "OPERATION INODE FIRST SECOND LENGTH LENGTH LENGTH", followed by two names and
 * data of these three lengths. Calls are serialised, so the recorded order is the order in which
 * the kernel received them. Changes made by calls that are not recorded here show when the record
 * is compared with the directory.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_MAX];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
    const char *directory = getenv("TRACE_ROOT"), *path = getenv("TRACE_LOG");
    if (directory == NULL || path == NULL || strlen(directory) >= sizeof root) {
        return;
    }
    strcpy(root, directory);
    log_fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* The path below the directory, "" for the directory itself; NULL for any other. */
static const char *below(const char *path) {
    size_t length = strlen(root);
    if (log_fd < 0 || strncmp(path, root, length) != 0) {
        return NULL;
    }
    return path[length] == '/' ? path + length + 1 : path[length] == 0 ? path + length : NULL;
}

/* below() for a path that a program passes to a call. */
static const char *resolve(int directory, const char *path, char absolute[2 * PATH_MAX]) {
    char link[64];
    size_t length = 0;
    if (path[0] != '/') {
        snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
                 directory);
        ssize_t got = readlink(link, absolute, PATH_MAX);
        if (got < 0) {
            return NULL;
        }
        length = (size_t)got;
        absolute[length++] = '/';
    }
    snprintf(absolute + length, PATH_MAX, "%s", path);
    return below(absolute);
}

/* The path at which an open file was opened, if it is below the directory. */
static const char *opened_at(int fd, char absolute[2 * PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(link, absolute, PATH_MAX);
    if (got <= 0) {
        return NULL;
    }
    absolute[got] = 0;
    return below(absolute);
}

static unsigned long inode(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 ? (unsigned long)status.st_ino : 0;
}

static void append(const void *bytes, size_t length) {
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = REAL(write)(log_fd, rest, length);
        if (written <= 0) {
            abort(); /* A record with a gap would show wrong crashes. */
        }
        rest += written;
        length -= (size_t)written;
    }
}

static void record(const char *operation, unsigned long file, long long number, const char *name,
                   const char *other, const void *data, size_t length) {
    char line[256];
    int error = errno;
    int size = snprintf(line, sizeof line, "%s %lu %lld %zu %zu %zu\n", operation, file, number,
                        strlen(name), strlen(other), length);
    append(line, (size_t)size);
    append(name, strlen(name));
    append(other, strlen(other));
    append(data, length);
    errno = error;
}

/* A change of an open file that succeeded. */
static void record_on(int fd, const char *operation, long long number, const void *data,
                      size_t length) {
    char path[2 * PATH_MAX];
    int error = errno;
    const char *name = opened_at(fd, path);
    if (name != NULL) {
        record(operation, inode(fd), number, name, "", data, length);
    }
    errno = error;
}

static int open_recorded(const char *path, int flags, mode_t mode) {
    char absolute[2 * PATH_MAX];
    struct stat before;
    pthread_mutex_lock(&turn);
    const char *name = resolve(AT_FDCWD, path, absolute);
    int missing = name != NULL && lstat(absolute, &before) != 0;
    int fd = REAL(open)(path, flags, mode);
    if (fd >= 0 && name != NULL) {
        if (missing && (flags & O_CREAT) != 0) {
            record("create", inode(fd), 0, name, "", NULL, 0);
        } else if ((flags & O_TRUNC) != 0) {
            record("length", inode(fd), 0, name, "", NULL, 0);
        }
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_of(flags, arguments);                                                   \
        va_end(arguments);                                                                         \
        return open_recorded(path, flags, mode);                                                   \
    }

OPEN(open)
OPEN(open64)

/* A call on an open file that returns 0 when it succeeds. */
#define ON_FILE(name, parameters, arguments, operation, number)                                    \
    int name parameters {                                                                          \
        pthread_mutex_lock(&turn);                                                                 \
        int result = REAL(name) arguments;                                                         \
        if (result == 0) {                                                                         \
            record_on(fd, operation, number, NULL, 0);                                             \
        }                                                                                          \
        pthread_mutex_unlock(&turn);                                                               \
        return result;                                                                             \
    }

ON_FILE(fsync, (int fd), (fd), "flush", 0)
ON_FILE(fdatasync, (int fd), (fd), "flush", 0)
ON_FILE(ftruncate64, (int fd, off64_t length), (fd, length), "length", length)
ON_FILE(fallocate64, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length),
        "allocate", at + length)
ON_FILE(sync_file_range, (int fd, off64_t at, off64_t length, unsigned flags),
        (fd, at, length, flags), "writeback", at)

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    pthread_mutex_lock(&turn);
    ssize_t written = REAL(pwrite64)(fd, bytes, length, offset);
    if (written > 0) {
        record_on(fd, "write", offset, bytes, (size_t)written);
    }
    pthread_mutex_unlock(&turn);
    return written;
}

/* Output to standard output marks the moment at which the program reports success. */
ssize_t write(int fd, const void *bytes, size_t length) {
    pthread_mutex_lock(&turn);
    ssize_t written = REAL(write)(fd, bytes, length);
    if (written > 0 && log_fd >= 0) {
        if (fd == STDOUT_FILENO) {
            record("say", 0, 0, "", "", bytes, (size_t)written);
        } else {
            record_on(fd, "write", lseek(fd, 0, SEEK_CUR) - written, bytes, (size_t)written);
        }
    }
    pthread_mutex_unlock(&turn);
    return written;
}

static void record_names(const char *operation, const char *from, const char *to) {
    if (log_fd >= 0 && (from != NULL || to != NULL)) {
        record(operation, 0, 0, from ? from : "", to ? to : "", NULL, 0);
    }
}

/* A call on two names that returns 0 when it succeeds. */
#define ON_NAMES(name, parameters, arguments, operation, from_at, to_at)                           \
    int name parameters {                                                                          \
        char one[2 * PATH_MAX], two[2 * PATH_MAX];                                                 \
        pthread_mutex_lock(&turn);                                                                 \
        int result = REAL(name) arguments;                                                         \
        if (result == 0) {                                                                         \
            record_names(operation, resolve(from_at, from, one), resolve(to_at, to, two));         \
        }                                                                                          \
        pthread_mutex_unlock(&turn);                                                               \
        return result;                                                                             \
    }

ON_NAMES(rename, (const char *from, const char *to), (from, to), "rename", AT_FDCWD, AT_FDCWD)
ON_NAMES(renameat2, (int old, const char *from, int new, const char *to, unsigned flags),
         (old, from, new, to, flags), "rename", old, new)
ON_NAMES(linkat, (int old, const char *from, int new, const char *to, int flags),
         (old, from, new, to, flags), "link", old, new)

int unlink(const char *path) {
    char absolute[2 * PATH_MAX];
    pthread_mutex_lock(&turn);
    int result = REAL(unlink)(path);
    if (result == 0) {
        record_names("unlink", resolve(AT_FDCWD, path, absolute), NULL);
    }
    pthread_mutex_unlock(&turn);
    return result;
}
