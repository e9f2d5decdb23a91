//! Everything by which threads meet: locks, channels, atomics, threads.
//!
//! Modules below `transfer` take these from here, so that `scripts/shuttle.sh` can put in their place ones whose
//! schedule it chooses ([`scheduled`]); they have the same names and the same calls.

#[cfg(all(test, shuttle))]
pub mod scheduled;

#[cfg(all(test, shuttle))]
pub use scheduled::{Condvar, Mutex, atomic, channel, thread};

#[cfg(not(all(test, shuttle)))]
pub use parking_lot::{Condvar, Mutex};

#[cfg(not(all(test, shuttle)))]
pub use std::{sync::atomic, thread};

#[cfg(not(all(test, shuttle)))]
pub use crossbeam_channel as channel;
