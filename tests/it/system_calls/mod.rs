//! Every system call of a download that can fail does so, one at a time, also those inside libc, libcurl and OpenSSL:
//! the result is the right file or a clear error, and the next run ends with the right file.

mod child;
mod every_call;
mod kernel;
mod scene;
mod ways;
