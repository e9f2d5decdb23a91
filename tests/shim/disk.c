// A disk that fails on demand: preloaded into a program, it intercepts libc's file calls.
//
// Calls on paths that contain DISK_PATH are recorded: each is appended to the file DISK_LOG as
// "kind path", followed by " failed" if it was made to fail. Of the calls of the kinds in DISK_CALL
// (one, or several separated by commas), DISK_TIMES calls from number DISK_NTH on (counted from 1)
// fail with the error DISK_ERRNO. With DISK_ERRNO=short a read or write does half of what was
// requested; with DISK_ERRNO=lost a write reports success but writes nothing; with DISK_ERRNO=stuck
// a call never returns; with DISK_ERRNO=slow it is done after DISK_DELAY milliseconds. With DISK_NFS
// set, the file system of the paths is NFS.
//
// Opens with O_DIRECT, and reads and writes of descriptors that were opened so, are of the kinds
// "direct-open", "direct-read" and "direct-write".
//
// With DISK_RIGHTS set, "rights MODE UID GID path" is logged, the mode in octal digits, after a
// file was created, after every change of its mode or owner, and before every write.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PASS, FAIL, SHORT, LOST, STUCK, SLOW };

static const char *watched;
static const char *failing;
static long first, times;
static int number;
static int failure = FAIL;
static int log_fd = -1;
static atomic_long calls;

static long number_of(const char *name, long fallback) {
    const char *value = getenv(name);
    return value ? strtol(value, NULL, 10) : fallback;
}

__attribute__((constructor)) static void set_up(void) {
    const char *log = getenv("DISK_LOG");
    const char *error = getenv("DISK_ERRNO");
    watched = getenv("DISK_PATH");
    failing = getenv("DISK_CALL");
    first = number_of("DISK_NTH", 1);
    times = number_of("DISK_TIMES", 1);
    if (error && strcmp(error, "short") == 0)
        failure = SHORT;
    if (error && strcmp(error, "lost") == 0)
        failure = LOST;
    if (error && strcmp(error, "stuck") == 0)
        failure = STUCK;
    if (error && strcmp(error, "slow") == 0)
        failure = SLOW;
    number = (int)number_of("DISK_ERRNO", EIO);
    if (log)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
}

static int is_listed(const char *list, const char *kind) {
    size_t len = strlen(kind);
    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, kind, len) == 0 && (list[len] == ',' || list[len] == 0))
            return 1;
    }
    return 0;
}

// Logs the call and returns its outcome.
static int fate(const char *kind, const char *path) {
    char line[8400];
    int fails = 0;
    int saved = errno;
    if (!watched || !path || !strstr(path, watched))
        return PASS;
    if (is_listed(failing, kind)) {
        long call = atomic_fetch_add(&calls, 1) + 1;
        fails = call >= first && call - first < times;
    }
    int len = snprintf(line, sizeof line, "%s %s%s\n", kind, path, fails ? " failed" : "");
    if (log_fd >= 0 && syscall(SYS_write, log_fd, line, len) != len)
        abort();
    errno = saved;
    if (!fails)
        return PASS;
    while (failure == STUCK)
        pause();
    if (failure == SLOW) {
        usleep((useconds_t)number_of("DISK_DELAY", 100) * 1000);
        errno = saved;
        return PASS;
    }
    if (failure == FAIL)
        errno = number;
    return failure;
}

static int fate_of_fd(const char *kind, int fd) {
    char link[64], path[4096];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (len < 0)
        return PASS;
    path[len] = 0;
    return fate(kind, path);
}

static int is_direct(int fd) {
    int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);
    return flags != -1 && (flags & O_DIRECT);
}

// Logs the file's rights, if that is asked for.
static void log_rights(int fd) {
    char link[64], path[4096], line[4200];
    struct stat found;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = getenv("DISK_RIGHTS") ? readlink(link, path, sizeof path - 1) : -1;
    path[len < 0 ? 0 : len] = 0;
    if (len >= 0 && watched && strstr(path, watched) && fstat(fd, &found) == 0) {
        len = snprintf(line, sizeof line, "rights %o %u %u %s\n", found.st_mode & 07777,
                       found.st_uid, found.st_gid, path);
        if (syscall(SYS_write, log_fd, line, len) != len)
            abort();
    }
    errno = saved;
}

static int fate_of_two(const char *kind, const char *from, const char *to) {
    char both[8200];
    snprintf(both, sizeof both, "%s -> %s", from, to);
    return fate(kind, both);
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

static size_t part_of(size_t count, int outcome) {
    return outcome == SHORT && count > 1 ? count / 2 : count;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                    \
        va_end(rest);                                                                              \
        if (fate(flags & O_DIRECT ? "direct-open" : "open", path) == FAIL)                                                            \
            return -1;                                                                             \
        int fd = REAL(name)(path, flags, mode);                                                    \
        if (fd >= 0 && (flags & O_CREAT))                                                          \
            log_rights(fd);                                                                        \
        return fd;                                                                                 \
    }
OPEN(open)
OPEN(open64)

#define WRITE(name)                                                                                \
    ssize_t name(int fd, const void *bytes, size_t count, off_t offset) {                          \
        log_rights(fd);                                                                            \
        int outcome = fate_of_fd(is_direct(fd) ? "direct-write" : "write", fd);                    \
        if (outcome == FAIL || outcome == LOST)                                                    \
            return outcome == FAIL ? -1 : (ssize_t)count;                                          \
        return REAL(name)(fd, bytes, part_of(count, outcome), offset);                             \
    }
WRITE(pwrite)
WRITE(pwrite64)

#define READ(name)                                                                                 \
    ssize_t name(int fd, void *bytes, size_t count, off_t offset) {                                \
        int outcome = fate_of_fd(is_direct(fd) ? "direct-read" : "read", fd);                      \
        return outcome == FAIL ? -1 : REAL(name)(fd, bytes, part_of(count, outcome), offset);      \
    }
READ(pread)
READ(pread64)

ssize_t write(int fd, const void *bytes, size_t count) {
    int outcome = fate_of_fd("write", fd);
    if (outcome == FAIL || outcome == LOST)
        return outcome == FAIL ? -1 : (ssize_t)count;
    return REAL(write)(fd, bytes, part_of(count, outcome));
}

ssize_t read(int fd, void *bytes, size_t count) {
    int outcome = fate_of_fd("read", fd);
    return outcome == FAIL ? -1 : REAL(read)(fd, bytes, part_of(count, outcome));
}

#define ON_FD(kind, name, parameters, arguments)                                                   \
    int name parameters { return fate_of_fd(kind, fd) == FAIL ? -1 : REAL(name) arguments; }
ON_FD("truncate", ftruncate, (int fd, off_t length), (fd, length))
ON_FD("truncate", ftruncate64, (int fd, off_t length), (fd, length))
ON_FD("fallocate", fallocate, (int fd, int mode, off_t offset, off_t length),
      (fd, mode, offset, length))
ON_FD("fallocate", fallocate64, (int fd, int mode, off_t offset, off_t length),
      (fd, mode, offset, length))
ON_FD("sync", fsync, (int fd), (fd))
ON_FD("sync", fdatasync, (int fd), (fd))
ON_FD("writeback", sync_file_range, (int fd, off_t offset, off_t length, unsigned flags),
      (fd, offset, length, flags))
ON_FD("lock", flock, (int fd, int operation), (fd, operation))
ON_FD("stat", fstat64, (int fd, struct stat64 *out), (fd, out))
ON_FD("statvfs", fstatvfs64, (int fd, struct statvfs64 *out), (fd, out))
ON_FD("settime", futimens, (int fd, const struct timespec out[2]), (fd, out))

#define ON_RIGHTS(kind, name, parameters, arguments)                                               \
    int name parameters {                                                                          \
        int done = fate_of_fd(kind, fd) == FAIL ? -1 : REAL(name) arguments;                       \
        log_rights(fd);                                                                            \
        return done;                                                                               \
    }
ON_RIGHTS("chmod", fchmod, (int fd, mode_t mode), (fd, mode))
ON_RIGHTS("chown", fchown, (int fd, uid_t user, gid_t group), (fd, user, group))

#define ON_PATH(kind, name, parameters, arguments)                                                 \
    int name parameters { return fate(kind, path) == FAIL ? -1 : REAL(name) arguments; }
ON_PATH("stat", stat64, (const char *path, struct stat64 *out), (path, out))
ON_PATH("stat", lstat64, (const char *path, struct stat64 *out), (path, out))
ON_PATH("unlink", unlink, (const char *path), (path))
ON_PATH("mkdir", mkdir, (const char *path, mode_t mode), (path, mode))

int statfs64(const char *path, struct statfs64 *out) {
    const int nfs = 0x6969;
    if (fate("statfs", path) == FAIL)
        return -1;
    int done = REAL(statfs64)(path, out);
    if (done == 0 && getenv("DISK_NFS") && strstr(path, watched))
        out->f_type = nfs;
    return done;
}

char *realpath(const char *path, char *resolved) {
    return fate("resolve", path) == FAIL ? NULL : REAL(realpath)(path, resolved);
}

int statx(int fd, const char *path, int flags, unsigned mask, struct statx *out) {
    // The header says that it is never null; programs pass null to find out whether the call
    // exists.
    const char *volatile given = path;
    int outcome = given && *given ? fate("stat", given) : fate_of_fd("stat", fd);
    return outcome == FAIL ? -1 : REAL(statx)(fd, path, flags, mask, out);
}

// As on Linux, the descriptor is closed even if the call fails.
int close(int fd) {
    int outcome = fate_of_fd("close", fd);
    int closed = REAL(close)(fd);
    if (outcome != FAIL)
        return closed;
    errno = number;
    return -1;
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (command == F_DUPFD_CLOEXEC && fate_of_fd("dup", fd) == FAIL)
        return -1;
    return REAL(fcntl)(fd, command, argument);
}

int rename(const char *from, const char *to) {
    return fate_of_two("rename", from, to) == FAIL ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
    if (fate_of_two("rename-new", from, to) == FAIL)
        return -1;
    return REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
    if (fate_of_two("link", from, to) == FAIL)
        return -1;
    return REAL(linkat)(from_fd, from, to_fd, to, flags);
}
