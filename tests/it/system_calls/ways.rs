//! How each system call can fail.

use libc::{
    EACCES, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EIO, EMFILE,
    ENETUNREACH, ENOBUFS, ENOLCK, ENOMEM, ENOSPC, ENOSYS, ENOTCONN, EPERM, EPIPE, EROFS, ESPIPE,
    ETIMEDOUT,
};

use super::kernel::How;

/// Calls that cannot fail if their arguments are valid. `fcntl` and `ioctl` read and set the flags of a descriptor.
const INFALLIBLE: [&str; 21] = [
    "arch_prctl",
    "clock_gettime",
    "fadvise64",
    "fcntl",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "gettid",
    "getuid",
    "ioctl",
    "prlimit64",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_yield",
    "set_robust_list",
    "shutdown",
    "sysinfo",
    "uname",
];

/// Calls that obtain and release memory. A Rust program whose allocation fails ends. Only the stack of a new thread is
/// another matter.
const MEMORY: [&str; 5] = ["brk", "mmap", "mprotect", "mremap", "munmap"];

/// The ways in which a call of this kind fails, the most likely one first; empty if it cannot.
pub fn ways(kind: &str) -> Vec<How> {
    if INFALLIBLE.contains(&kind) || MEMORY.contains(&kind) {
        return Vec::new();
    }
    let numbers: &[i32] = match kind {
        "open" | "openat" => &[EMFILE, EACCES, EIO, EINTR],
        "statx" | "stat" | "lstat" | "readlink" | "readlinkat" => &[EIO, EACCES],
        "newfstatat" | "fstat" | "statfs" | "fstatfs" | "sync_file_range" | "utimensat" => &[EIO],
        "access" | "faccessat" | "faccessat2" | "getdents64" => &[EIO],
        "lseek" => &[ESPIPE],
        "flock" => &[EIO, ENOLCK, EINTR],
        "fchmod" | "fchown" => &[EIO, EPERM, EINTR],
        "read" | "readv" => &[EIO, EINTR],
        // File systems refuse direct access with EINVAL.
        "pread64" => &[EIO, EINTR, EINVAL],
        "write" | "writev" => &[ENOSPC, EIO, EINTR],
        "pwrite64" => &[ENOSPC, EIO, EINTR, EINVAL],
        "ftruncate" => &[EIO, EINTR],
        "fallocate" => &[ENOSPC, EIO, EINTR],
        "fsync" | "fdatasync" => &[EIO, ENOSPC, EINTR],
        "rename" | "renameat" | "link" | "linkat" => &[EIO, ENOSPC, EACCES],
        "renameat2" => &[EIO, ENOSPC, EACCES, EINVAL],
        "unlink" | "unlinkat" => &[EIO, EPERM, EROFS],
        "close" => &[EIO, EINTR],
        "fcntl dup" | "dup" | "pipe2" | "eventfd2" => &[EMFILE],
        "prctl" | "sigaltstack" | "sched_getaffinity" => &[EPERM],
        "socket" => &[EMFILE, ENOBUFS, EACCES],
        "socketpair" => &[EMFILE, ENOMEM],
        "connect" => &[ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL],
        "bind" | "setsockopt" | "getsockopt" | "getsockname" => &[ENOBUFS],
        "getpeername" => &[ENOTCONN, ENOBUFS],
        "sendto" | "sendmsg" | "sendmmsg" => &[ENOBUFS, ECONNRESET, EPIPE, EINTR],
        "recvfrom" | "recvmsg" => &[ECONNRESET, ETIMEDOUT, ENOMEM, EINTR],
        "poll" | "ppoll" | "pselect6" => &[ENOMEM, EINTR],
        "clone" | "clone3" => &[EAGAIN],
        "mmap stack" | "mprotect stack" | "madvise" => &[ENOMEM],
        "futex wait" | "clock_nanosleep" => &[EINTR],
        "getrandom" => &[ENOSYS, EPERM],
        _ => panic!("nobody has decided how this call fails: {kind}"),
    };
    let halved = ["read", "pread64", "write", "pwrite64", "sendto", "recvfrom"].contains(&kind);
    let numbers = numbers.iter().map(|number| How::Errno(*number));
    numbers.chain(halved.then_some(How::Short)).collect()
}
