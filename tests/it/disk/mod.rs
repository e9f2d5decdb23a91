//! Disks that fail, fill up and forbid, places of every kind, and files that others meddle with: the old file stays
//! until the new one is whole, and a later run ends with the right one.

mod child;
mod faulty_calls;
mod full;
mod interference;
mod links;
mod lockless;
mod namespace;
mod one_byte;
mod outcomes;
mod paths;
mod permissions;
mod rights;
pub mod shim;
