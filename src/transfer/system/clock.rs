//! The system's monotonic clock and its random numbers.

use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use crate::transfer::world::{Chance, Clock};

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

pub struct SystemChance;

impl Chance for SystemChance {
    fn draw(&self) -> f64 {
        let random = RandomState::new().hash_one(0u8);
        (random >> 11) as f64 / (1u64 << 53) as f64
    }
}
