//! Downloads from a real server through the Rust API.
// A list of byte ranges may contain a single one.
#![allow(clippy::single_range_in_vec_init)]

mod bandwidth;
mod basics;
mod children;
mod control;
mod damage;
mod disabling;
mod disk;
mod document;
mod effort;
mod encryption;
mod endpoints;
mod event_queue;
mod fixture;
mod forked;
mod handles;
mod hostile;
mod interrupted;
mod kill;
mod limits;
mod linked_objects;
mod model;
mod network;
mod options;
mod parts;
mod planted;
mod power;
mod preload;
mod process;
mod processed;
mod program;
mod proxies;
mod ranges;
mod refusals;
mod replies;
mod requests;
mod resume;
mod retries;
mod sdk_recovery;
mod secrets;
mod sizes;
mod stalls;
mod starting_over;
mod system_calls;
mod traffic;
