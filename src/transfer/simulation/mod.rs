//! A simulated world, in which the driver is tested.

mod content;
mod disk;
mod random;
