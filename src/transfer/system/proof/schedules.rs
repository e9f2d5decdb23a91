//! A proof is paused, resumed and stopped while it reads, under many schedules.

use super::*;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::scheduled::explore;
use crate::sync::thread;

/// Blocks in the file, more than are read before a pause.
const BLOCKS: u32 = 6;

/// A thread that reads blocks until it is stopped or all have been read; returns whether all have.
fn read(orders: &Arc<Orders>, blocks: &Arc<AtomicU32>) -> thread::JoinHandle<bool> {
    let (orders, blocks) = (orders.clone(), blocks.clone());
    thread::spawn(move || {
        while blocks.load(Ordering::SeqCst) < BLOCKS {
            if orders.await_read().is_err() {
                return false;
            }
            blocks.fetch_add(1, Ordering::SeqCst);
        }
        true
    })
}

#[test]
fn a_resumed_proof_reads_every_block_once() {
    explore(|| {
        let (orders, blocks) = (Arc::new(Orders::new()), Arc::new(AtomicU32::new(0)));
        let reader = read(&orders, &blocks);
        for _ in 0..2 {
            orders.give(Order::Wait);
            let before = blocks.load(Ordering::SeqCst);
            thread::yield_now();
            let after = blocks.load(Ordering::SeqCst);
            assert!(after <= before + 1, "only the block that had begun");
            orders.give(Order::Read);
        }
        assert!(reader.join().expect("reader"));
        assert_eq!(blocks.load(Ordering::SeqCst), BLOCKS);
    });
}

#[test]
fn a_proof_that_is_stopped_while_it_is_paused_ends() {
    explore(|| {
        let (orders, blocks) = (Arc::new(Orders::new()), Arc::new(AtomicU32::new(0)));
        let reader = read(&orders, &blocks);
        orders.give(Order::Wait);
        orders.give(Order::Stop);
        let all = reader.join().expect("reader");
        assert_eq!(all, blocks.load(Ordering::SeqCst) == BLOCKS);
    });
}
