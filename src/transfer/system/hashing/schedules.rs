//! A file grows, and its hashing is paused, resumed and stopped, under many schedules.

use super::*;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::scheduled::explore;
use crate::sync::thread;

/// Blocks in the file, more than are hashed before a pause.
const BLOCKS: u64 = 6;

/// A thread that hashes blocks until it must report or stop; returns which.
fn hash_blocks(orders: &Arc<Orders>, hashed: &Arc<AtomicU64>) -> thread::JoinHandle<Next> {
    let (orders, hashed) = (orders.clone(), hashed.clone());
    thread::spawn(move || {
        loop {
            let done = hashed.load(Ordering::SeqCst);
            match orders.await_next(done) {
                Next::Hash(end) => {
                    assert!(done < end && end <= BLOCKS);
                    hashed.store(done + 1, Ordering::SeqCst);
                }
                last => return last,
            }
        }
    })
}

#[test]
fn every_block_is_hashed_once_before_the_report() {
    explore(|| {
        let (orders, hashed) = (Arc::new(Orders::new()), Arc::new(AtomicU64::new(0)));
        let hasher = hash_blocks(&orders, &hashed);
        for end in [1, 3, BLOCKS] {
            orders.change(|limits| limits.end = end);
            orders.change(|limits| limits.paused = true);
            let before = hashed.load(Ordering::SeqCst);
            thread::yield_now();
            let after = hashed.load(Ordering::SeqCst);
            assert!(after <= before + 1, "only the block that had begun");
            orders.change(|limits| limits.paused = false);
        }
        orders.change(|limits| limits.complete = true);
        assert_eq!(hasher.join().expect("hasher"), Next::Report);
        assert_eq!(hashed.load(Ordering::SeqCst), BLOCKS);
    });
}

#[test]
fn a_stop_ends_the_hashing_whether_it_waits_or_is_paused() {
    explore(|| {
        let (orders, hashed) = (Arc::new(Orders::new()), Arc::new(AtomicU64::new(0)));
        let hasher = hash_blocks(&orders, &hashed);
        orders.change(|limits| limits.end = 2);
        orders.change(|limits| limits.paused = true);
        orders.change(|limits| limits.stopped = true);
        assert_eq!(hasher.join().expect("hasher"), Next::Stop);
    });
}
