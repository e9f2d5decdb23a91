//! The order in which the downloads of a client start: by priority, then as they came. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// The number of a download within its client; later downloads have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The waiting downloads. A download keeps its place among those of its priority if it leaves and returns.
#[derive(Debug, Default)]
pub struct DownloadQueue {
    /// The highest priority first; in each the oldest first. No line is empty.
    lines: BTreeMap<Reverse<i32>, VecDeque<Ticket>>,
}

impl DownloadQueue {
    /// Adds a download, unless it is waiting with this priority.
    pub fn insert(&mut self, ticket: Ticket, priority: i32) {
        let line = self.lines.entry(Reverse(priority)).or_default();
        if let Err(index) = line.binary_search(&ticket) {
            line.insert(index, ticket);
        }
    }

    /// Removes a download; `false` if it is not waiting with this priority.
    pub fn remove(&mut self, ticket: Ticket, priority: i32) -> bool {
        let Some(line) = self.lines.get_mut(&Reverse(priority)) else { return false };
        let Ok(index) = line.binary_search(&ticket) else { return false };
        line.remove(index);
        if line.is_empty() {
            self.lines.remove(&Reverse(priority));
        }
        true
    }

    /// Removes the next download.
    pub fn pop(&mut self) -> Option<Ticket> {
        let mut next = self.lines.first_entry()?;
        let ticket = next.get_mut().pop_front();
        if next.get().is_empty() {
            next.remove();
        }
        ticket
    }

    /// The place of a download: 1 is the next one.
    pub fn position(&self, ticket: Ticket, priority: i32) -> Option<usize> {
        let index = self.lines.get(&Reverse(priority))?.binary_search(&ticket).ok()?;
        let before = self.lines.range(..Reverse(priority)).map(|(_, line)| line.len());
        Some(before.sum::<usize>() + index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn queue(waiting: &[(u64, i32)]) -> DownloadQueue {
        let mut queue = DownloadQueue::default();
        waiting.iter().for_each(|&(ticket, priority)| queue.insert(Ticket(ticket), priority));
        queue
    }

    fn drained(mut queue: DownloadQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|ticket| ticket.0).collect()
    }

    #[test]
    fn downloads_of_one_priority_start_in_their_order_and_higher_ones_before_them() {
        assert_eq!(drained(queue(&[(1, 0), (2, 5), (3, 0), (4, -1), (5, 5)])), [2, 5, 1, 3, 4]);
    }

    #[test]
    fn one_that_returns_gets_its_old_place() {
        let mut queue = queue(&[(1, 0), (2, 0), (3, 0)]);
        assert!(queue.remove(Ticket(2), 0));
        assert!(!queue.remove(Ticket(2), 0));
        queue.insert(Ticket(2), 0);
        queue.insert(Ticket(2), 0);
        assert_eq!(drained(queue), [1, 2, 3]);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(i32),
        Remove(usize),
        Move(usize, i32),
        Pop,
    }

    fn step() -> impl Strategy<Value = Step> {
        let priority = prop_oneof![Just(i32::MIN), Just(i32::MAX), -2..3];
        prop_oneof![
            4 => priority.clone().prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
            2 => (any::<usize>(), priority).prop_map(|(which, to)| Step::Move(which, to)),
            2 => Just(Step::Pop),
        ]
    }

    proptest! {
        /// Compares the queue with a sorted list.
        #[test]
        fn the_order_is_by_priority_and_then_by_number(
            steps in proptest::collection::vec(step(), 0..80),
        ) {
            let mut queue = DownloadQueue::default();
            let mut expected: Vec<(Reverse<i32>, u64)> = Vec::new();
            for (number, step) in (0..).zip(steps) {
                match step {
                    Step::Insert(priority) => {
                        queue.insert(Ticket(number), priority);
                        expected.push((Reverse(priority), number));
                    }
                    Step::Remove(which) if !expected.is_empty() => {
                        let (priority, ticket) = expected.remove(which % expected.len());
                        prop_assert!(queue.remove(Ticket(ticket), priority.0));
                    }
                    Step::Move(which, to) if !expected.is_empty() => {
                        let which = which % expected.len();
                        let (from, ticket) = expected[which];
                        prop_assert!(queue.remove(Ticket(ticket), from.0));
                        queue.insert(Ticket(ticket), to);
                        expected[which].0 = Reverse(to);
                    }
                    Step::Pop if !expected.is_empty() => {
                        prop_assert_eq!(queue.pop(), Some(Ticket(expected.remove(0).1)));
                    }
                    _ => prop_assert_eq!(queue.pop(), None),
                }
                expected.sort_unstable();
                for (index, (priority, ticket)) in expected.iter().enumerate() {
                    prop_assert_eq!(queue.position(Ticket(*ticket), priority.0), Some(index + 1));
                }
            }
        }
    }
}
