//! A simulated world, in which the driver is tested: one thread, virtual time, and everything from one seed.

mod causes;
mod content;
mod credentials;
mod disk;
mod draw;
mod flight;
mod intake;
mod invariants;
mod net;
mod network;
mod plan;
mod process;
mod quiet;
mod random;
mod readable;
mod schedule;
mod service;
mod shrink;
mod story;
mod tests;
mod traces;
mod universe;
mod watch;
