//! Progress without control characters, for pipes, files and terminals that can do nothing else.

use std::time::{Duration, Instant};

use super::board::Whole;
use super::layout;
use crate::output::note;

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(5);

pub struct Plain {
    next: Instant,
}

impl Plain {
    pub fn new() -> Self {
        Plain { next: Instant::now() + EVERY }
    }

    pub fn show(&mut self, whole: &Whole) {
        let now = Instant::now();
        if now >= self.next {
            note(&layout::sentence(&whole.name, whole.figures.as_ref()));
            self.next = now + EVERY;
        }
    }
}
