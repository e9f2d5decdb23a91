//! Virtual time: what happens next, and when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What is going to happen, by time; what is planned for one time happens in the order in which it was planned.
#[derive(Debug)]
pub struct Schedule<H> {
    now: Duration,
    planned: u64,
    queue: BinaryHeap<Planned<H>>,
}

#[derive(Debug)]
struct Planned<H> {
    at: Duration,
    number: u64,
    happening: H,
}

impl<H> Schedule<H> {
    pub fn new() -> Self {
        Schedule { now: Duration::ZERO, planned: 0, queue: BinaryHeap::new() }
    }

    /// Time since the beginning of the world.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Plans `happening` for `at`, or for now if that has passed.
    pub fn at(&mut self, at: Duration, happening: H) {
        self.planned += 1;
        self.queue.push(Planned { at: at.max(self.now), number: self.planned, happening });
    }

    /// Advances time to the next happening; `None` if nothing is going to happen any more.
    pub fn next(&mut self) -> Option<H> {
        let Planned { at, happening, .. } = self.queue.pop()?;
        self.now = at;
        Some(happening)
    }
}

impl<H> Ord for Planned<H> {
    fn cmp(&self, other: &Self) -> Ordering {
        // A binary heap gives the greatest first.
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<H> PartialOrd for Planned<H> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<H> PartialEq for Planned<H> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<H> Eq for Planned<H> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planned_for_one_time_happens_in_order() {
        let mut schedule = Schedule::new();
        let second = Duration::from_secs(1);
        for (at, what) in [(second * 2, 'c'), (second, 'a'), (second, 'b')] {
            schedule.at(at, what);
        }
        assert_eq!((schedule.next(), schedule.now()), (Some('a'), second));
        schedule.at(Duration::ZERO, 'x');
        let rest: String = std::iter::from_fn(|| schedule.next()).collect();
        assert_eq!((rest.as_str(), schedule.now()), ("bxc", second * 2));
    }
}
