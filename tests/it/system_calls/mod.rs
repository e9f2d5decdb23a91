//! Every system call of a download fails in turn, those of libc, libcurl and OpenSSL included: the result is the right
//! file or a clear error, and the next run ends with the right file.

mod child;
mod every_call;
mod kernel;
mod ways;
