//! Locks, channels, atomics and threads: everything that threads use to communicate.
//!
//! Modules below `transfer` import these from here, so that `scripts/shuttle.sh` can replace them with versions whose
//! schedule it controls ([`scheduled`]). Both have the same names and signatures.

#[cfg(all(test, shuttle))]
pub mod scheduled;

#[cfg(all(test, shuttle))]
pub use scheduled::{Condvar, Mutex, MutexGuard, atomic, channel, inbox, thread};

#[cfg(not(all(test, shuttle)))]
pub mod inbox;

#[cfg(not(all(test, shuttle)))]
pub use parking_lot::{Condvar, Mutex, MutexGuard};

#[cfg(not(all(test, shuttle)))]
pub use std::{sync::atomic, thread};

#[cfg(not(all(test, shuttle)))]
pub use crossbeam_channel as channel;
