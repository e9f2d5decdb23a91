//! System and libcurl calls that the crates lack, each safe to call.
#![allow(unsafe_code)]

pub mod curl;
pub mod direct;
pub mod exit;
pub mod file;
pub mod locked_file;
pub mod panic;
pub mod per_process;
pub mod process;
pub mod random;
pub mod thread;
pub mod timer;
