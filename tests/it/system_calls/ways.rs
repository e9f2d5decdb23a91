//! How each system call can fail.

use libc::{
    EACCES, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EIO, EMFILE,
    ENETUNREACH, ENOBUFS, ENOLCK, ENOMEM, ENOSPC, ENOSYS, ENOTCONN, EPERM, EPIPE, EROFS, ESPIPE,
    ETIMEDOUT,
};

use super::kernel::How;

/// Calls that cannot fail with valid arguments, or whose failure their caller cannot notice.
const INFALLIBLE: [&str; 10] = [
    "getpid",
    "gettid",
    "sched_yield",
    "uname",
    "futex",
    "fcntl check",
    "rt_sigprocmask",
    "rseq",
    "set_robust_list",
    "geteuid",
];

/// Calls that obtain and return memory. A program whose allocation fails ends, unless it is the stack of a new thread.
const MEMORY: [&str; 4] = ["mmap", "mprotect", "munmap", "brk"];

/// The ways in which a call of this kind fails.
pub fn ways(kind: &str) -> Vec<How> {
    if INFALLIBLE.contains(&kind) || MEMORY.contains(&kind) {
        return Vec::new();
    }
    let numbers: &[i32] = match kind {
        "openat" => &[EMFILE, EACCES, EIO, EINTR],
        "statx" | "readlink" => &[EIO, EACCES],
        "newfstatat" | "statfs" | "fstatfs" | "sync_file_range" => &[EIO],
        "lseek" => &[ESPIPE],
        "flock" => &[EIO, ENOLCK, EINTR],
        "fchmod" => &[EIO, EPERM, EINTR],
        "read" | "pread64" => &[EIO, EINTR],
        "pwrite64" => &[EIO, ENOSPC, EINTR],
        "ftruncate" => &[EIO, EINTR],
        "fsync" | "fdatasync" => &[EIO, ENOSPC, EINTR],
        "rename" => &[EIO, ENOSPC, EACCES],
        "renameat2" => &[EIO, ENOSPC, EACCES, EINVAL],
        "unlink" => &[EIO, EPERM, EROFS],
        "close" => &[EIO, EINTR],
        "fcntl dup" => &[EMFILE],
        "fcntl" | "prctl" | "sigaltstack" | "sched_getaffinity" => &[EPERM],
        "socket" => &[EMFILE, ENOBUFS, EACCES],
        "socketpair" => &[EMFILE, ENOMEM],
        "connect" => &[ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL],
        "setsockopt" | "getsockopt" | "getsockname" => &[ENOBUFS],
        "getpeername" => &[ENOBUFS, ENOTCONN],
        "sendto" => &[ECONNRESET, EPIPE, ENOBUFS, EINTR],
        "recvfrom" => &[ECONNRESET, ETIMEDOUT, ENOMEM, EINTR],
        "poll" => &[EINTR, ENOMEM],
        "clone3" => &[EAGAIN],
        "mmap stack" | "mprotect stack" | "madvise" => &[ENOMEM],
        "futex wait" | "clock_nanosleep" => &[EINTR],
        "getrandom" => &[ENOSYS, EPERM],
        _ => panic!("nobody has decided how this call fails: {kind}"),
    };
    let halved = matches!(kind, "read" | "pread64" | "pwrite64" | "sendto" | "recvfrom")
        .then_some(How::Short);
    numbers.iter().map(|number| How::Errno(*number)).chain(halved).collect()
}
