//! Disks that fail, fill up or deny access, all kinds of target, and files that other processes change: the old file
//! stays until the new one is complete, and a later run ends with the right file.

mod child;
mod direct;
mod faulty_calls;
mod full;
pub mod interference;
mod links;
mod lockless;
mod namespace;
mod one_byte;
mod outcomes;
mod paths;
mod permissions;
mod rights;
pub mod shim;
