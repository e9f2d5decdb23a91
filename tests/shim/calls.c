// A kernel whose system calls fail on demand: preloaded into a program, it receives every system
// call of the program's threads before the kernel carries it out (seccomp's user notification), and
// decides whether the call fails. It sees the calls that libc makes inside its own functions, too.
//
// The calls between stat("/calls/begin") and stat("/calls/end") count. Each is appended to the file
// CALLS_LOG as "kind<TAB>object", followed by "<TAB>failed" if it was made to fail; the kind is the
// name of the call, sometimes with its purpose, and the object is a path. Of the calls of the kind
// CALLS_FAIL, CALLS_TIMES calls from number CALLS_NTH on (counted from 1) fail with the error
// CALLS_ERRNO. With CALLS_ERRNO=short a call reads or writes half of what was requested.
//
// Programs find the files NAME of the directory CALLS_ETC at the paths /etc/NAME.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NONE = -1, SHORT = 0, LEAST_STACK = 1 << 20 };

// A system call, and which of its arguments are a descriptor and a path.
struct call {
    int number;
    const char *name;
    int fd, path;
};

#define CALL(name, fd, path)                                                                       \
    { SYS_##name, #name, fd, path }

static const struct call calls[] = {
#ifdef SYS_open // Newer architectures have only the calls with "at".
    CALL(open, NONE, 0),
    CALL(stat, NONE, 0),
    CALL(lstat, NONE, 0),
    CALL(access, NONE, 0),
    CALL(readlink, NONE, 0),
    CALL(unlink, NONE, 0),
    CALL(rename, NONE, 0),
    CALL(mkdir, NONE, 0),
    CALL(link, NONE, 0),
    CALL(poll, NONE, NONE),
    CALL(arch_prctl, NONE, NONE),
#endif
    CALL(openat, 0, 1),
    CALL(newfstatat, 0, 1),
    CALL(statx, 0, 1),
    CALL(faccessat, 0, 1),
    CALL(faccessat2, 0, 1),
    CALL(readlinkat, 0, 1),
    CALL(unlinkat, 0, 1),
    CALL(renameat, 0, 1),
    CALL(renameat2, 0, 1),
    CALL(linkat, 0, 1),
    CALL(mkdirat, 0, 1),
    CALL(statfs, NONE, 0),
    CALL(fstat, 0, NONE),
    CALL(fstatfs, 0, NONE),
    CALL(flock, 0, NONE),
    CALL(fcntl, 0, NONE),
    CALL(ftruncate, 0, NONE),
    CALL(fallocate, 0, NONE),
    CALL(fadvise64, 0, NONE),
    CALL(fchmod, 0, NONE),
    CALL(fchown, 0, NONE),
    CALL(fsync, 0, NONE),
    CALL(fdatasync, 0, NONE),
    CALL(sync_file_range, 0, NONE),
    CALL(utimensat, 0, 1),
    CALL(lseek, 0, NONE),
    CALL(read, 0, NONE),
    CALL(pread64, 0, NONE),
    CALL(readv, 0, NONE),
    CALL(write, 0, NONE),
    CALL(pwrite64, 0, NONE),
    CALL(writev, 0, NONE),
    CALL(getdents64, 0, NONE),
    CALL(close, 0, NONE),
    CALL(dup, 0, NONE),
    CALL(ioctl, 0, NONE),
    CALL(socket, NONE, NONE),
    CALL(socketpair, NONE, NONE),
    CALL(pipe2, NONE, NONE),
    CALL(eventfd2, NONE, NONE),
    CALL(bind, 0, NONE),
    CALL(connect, 0, NONE),
    CALL(setsockopt, 0, NONE),
    CALL(getsockopt, 0, NONE),
    CALL(getsockname, 0, NONE),
    CALL(getpeername, 0, NONE),
    CALL(sendto, 0, NONE),
    CALL(recvfrom, 0, NONE),
    CALL(sendmsg, 0, NONE),
    CALL(sendmmsg, 0, NONE),
    CALL(recvmsg, 0, NONE),
    CALL(shutdown, 0, NONE),
    CALL(ppoll, NONE, NONE),
    CALL(pselect6, NONE, NONE),
    CALL(mmap, 4, NONE),
    CALL(munmap, NONE, NONE),
    CALL(mremap, NONE, NONE),
    CALL(mprotect, NONE, NONE),
    CALL(madvise, NONE, NONE),
    CALL(brk, NONE, NONE),
    CALL(futex, NONE, NONE),
    CALL(clone, NONE, NONE),
    CALL(clone3, NONE, NONE),
    CALL(set_robust_list, NONE, NONE),
    CALL(rseq, NONE, NONE),
    CALL(sigaltstack, NONE, NONE),
    CALL(rt_sigaction, NONE, NONE),
    CALL(rt_sigprocmask, NONE, NONE),
    CALL(prctl, NONE, NONE),
    CALL(getrandom, NONE, NONE),
    CALL(clock_gettime, NONE, NONE),
    CALL(clock_nanosleep, NONE, NONE),
    CALL(sched_yield, NONE, NONE),
    CALL(sched_getaffinity, NONE, NONE),
    CALL(sysinfo, NONE, NONE),
    CALL(uname, NONE, NONE),
    CALL(prlimit64, NONE, NONE),
    CALL(getpid, NONE, NONE),
    CALL(gettid, NONE, NONE),
    CALL(getuid, NONE, NONE),
    CALL(geteuid, NONE, NONE),
    CALL(getgid, NONE, NONE),
    CALL(getegid, NONE, NONE),
};

static const char *failing, *etc;
static long first, times, chosen_calls;
static int failure;
static int log_fd = -1;
static int counting;
static atomic_int listener = NONE;

static const struct call *known(int number) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

static const char *purpose_of(const struct seccomp_data *data) {
    const __u64 *args = data->args;
    int operation = (int)args[1];
    switch (data->nr) {
    case SYS_mmap:
        // Of a new thread; its pages become accessible later.
        return args[3] & MAP_STACK && args[2] == PROT_NONE ? " stack" : "";
    case SYS_mprotect:
        // malloc's steps are much smaller.
        return args[1] >= LEAST_STACK ? " stack" : "";
    case SYS_fcntl:
        return operation == F_DUPFD_CLOEXEC ? " dup" : "";
    case SYS_futex:
        operation &= FUTEX_CMD_MASK;
        return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ? " wait" : "";
    default:
        return "";
    }
}

// The name of the call, with its purpose where one call has several.
static void kind_of(const struct seccomp_data *data, char *kind, size_t size) {
    const struct call *call = known(data->nr);
    if (call)
        snprintf(kind, size, "%s%s", call->name, purpose_of(data));
    else
        snprintf(kind, size, "call %d", data->nr);
}

static const char *path_of(const struct seccomp_data *data) {
    const struct call *call = known(data->nr);
    return call && call->path != NONE ? (const char *)(uintptr_t)data->args[call->path] : NULL;
}

// The path that the call is about; empty if there is none.
static void object_of(const struct seccomp_data *data, char *object, size_t size) {
    const struct call *call = known(data->nr);
    const char *path = path_of(data);
    char link[64];
    object[0] = 0;
    if (path && *path) {
        snprintf(object, size, "%s", path);
    } else if (call && call->fd != NONE && (int)data->args[call->fd] >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", (int)data->args[call->fd]);
        ssize_t len = readlink(link, object, size - 1);
        object[len < 0 ? 0 : len] = 0;
    }
}

static int is_chosen(const char *kind) {
    if (!failing || strcmp(failing, kind) != 0)
        return 0;
    chosen_calls++;
    return chosen_calls >= first && chosen_calls - first < times;
}

// Logs the call; returns whether it fails.
static int note(const struct seccomp_data *data) {
    char kind[64], object[4096], line[4200];
    kind_of(data, kind, sizeof kind);
    object_of(data, object, sizeof object);
    int fails = is_chosen(kind);
    int len = snprintf(line, sizeof line, "%s\t%s%s\n", kind, object, fails ? "\tfailed" : "");
    if (write(log_fd, line, len) != len)
        abort();
    return fails;
}

// Makes the call fail, or do half of what was requested.
static void fail(const struct seccomp_data *data, struct seccomp_notif_resp *reply) {
    const __u64 *args = data->args;
    if (failure == SHORT) {
        // This thread has the same memory and descriptors.
        size_t half = args[2] > 1 ? args[2] / 2 : args[2];
        reply->val = syscall(data->nr, args[0], args[1], half, args[3], args[4], args[5]);
        reply->error = reply->val < 0 ? -errno : 0;
        return;
    }
    // As on Linux, the descriptor is closed even if the call fails.
    if (data->nr == SYS_close)
        close((int)args[0]);
    reply->error = -failure;
}

// Opens the replacement of a file in /etc, if there is one.
static int opens_replacement(const struct seccomp_data *data, struct seccomp_notif_resp *reply) {
    char replacement[4096];
    const char *path = data->nr == SYS_openat ? path_of(data) : NULL;
    if (!etc || !path || strncmp(path, "/etc/", 5) != 0)
        return 0;
    snprintf(replacement, sizeof replacement, "%s/%s", etc, path + 5);
    int fd = open(replacement, (int)data->args[2]);
    reply->val = fd < 0 ? 0 : fd;
    return fd >= 0;
}

static int is_marker(const struct seccomp_data *data, const char *marker) {
    const char *path = path_of(data);
    return path && strcmp(path, marker) == 0;
}

static void decide(const struct seccomp_data *data, struct seccomp_notif_resp *reply) {
    counting = counting && !is_marker(data, "/calls/end");
    if (counting && note(data))
        fail(data, reply);
    else if (!opens_replacement(data, reply))
        reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    counting = counting || is_marker(data, "/calls/begin");
}

// The structures of a newer kernel may be larger.
union notification {
    struct seccomp_notif call;
    struct seccomp_notif_resp reply;
    char room[1024];
};

static void *supervise(void *unused) {
    (void)unused;
    int from;
    while ((from = atomic_load(&listener)) == NONE)
        sched_yield();
    for (;;) {
        union notification received = {0}, sent = {0};
        if (ioctl(from, SECCOMP_IOCTL_NOTIF_RECV, &received.call) != 0) {
            if (errno == ENOENT || errno == EINTR)
                continue;
            return NULL;
        }
        sent.reply.id = received.call.id;
        decide(&received.call.data, &sent.reply);
        if (ioctl(from, SECCOMP_IOCTL_NOTIF_SEND, &sent.reply) != 0 && errno != ENOENT)
            abort();
    }
}

// Starts the supervisor, whose own calls are not reported.
static int start_supervisor(void) {
    pthread_t thread;
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &former);
    int failed = pthread_create(&thread, NULL, supervise, NULL);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return failed;
}

// From here on every call of this thread, and of those that it starts, is reported.
static int report_calls(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        // These do not return.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return NONE;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void give_up(const char *what) {
    perror(what);
    _exit(3);
}

__attribute__((constructor)) static void set_up(void) {
    const char *log = getenv("CALLS_LOG");
    const char *nth = getenv("CALLS_NTH");
    const char *count = getenv("CALLS_TIMES");
    const char *error = getenv("CALLS_ERRNO");
    if (!log)
        return;
    failing = getenv("CALLS_FAIL");
    etc = getenv("CALLS_ETC");
    first = nth ? atol(nth) : 1;
    times = count ? atol(count) : 1;
    failure = error && strcmp(error, "short") != 0 ? atoi(error) : SHORT;
    log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        give_up(log);
    if (start_supervisor() != 0)
        give_up("calls: cannot start a thread");
    int fd = report_calls();
    if (fd < 0)
        give_up("calls: the kernel refuses seccomp's user notification");
    atomic_store(&listener, fd);
}
