//! Callers wait, cancel and read the status while the driver ends, under many schedules.

use super::*;
use crate::model::error::{Error, ErrorKind};
use crate::sync::channel::{Receiver, unbounded};
use crate::sync::scheduled::explore;
use crate::sync::thread;

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", "the download was cancelled")
}

/// A driver that runs until it is woken and sees the cancellation.
fn drive(shared: &Shared, inbox: &Receiver<Event>) {
    shared.set_phase(Phase::Transferring);
    while !shared.is_cancelled() {
        let _ = inbox.recv();
    }
    shared.end(Err(cancelled()));
}

fn start() -> (Arc<Shared>, thread::JoinHandle<()>) {
    let (events, inbox) = unbounded();
    let shared = Arc::new(Shared::new(events, 0, Instant::now()));
    let driven = shared.clone();
    (shared, thread::spawn(move || drive(&driven, &inbox)))
}

#[test]
fn every_waiter_gets_the_result_and_a_cancel_is_always_seen() {
    explore(|| {
        let (shared, driver) = start();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.wait_until(None).expect("no time limit").is_err())
            })
            .collect();
        shared.cancel();
        assert!(waiting.into_iter().all(|waiting| waiting.join().expect("wait")));
        assert_eq!(shared.status().phase, Phase::Failed);
        driver.join().expect("driver");
    });
}

#[test]
fn a_wait_with_a_limit_returns_the_result_or_times_out() {
    explore(|| {
        let (shared, driver) = start();
        let waiting = {
            let shared = shared.clone();
            thread::spawn(move || {
                let until = Some(Instant::now());
                while shared.wait_until(until).is_none() {
                    thread::yield_now();
                }
                // The result of an ended download does not change.
                assert!(shared.wait_until(until).is_some_and(|result| result.is_err()));
            })
        };
        let looking = {
            let shared = shared.clone();
            thread::spawn(move || {
                let before = shared.status().phase;
                let after = shared.status().phase;
                assert!(before != Phase::Failed || after == Phase::Failed, "an end is an end");
            })
        };
        shared.cancel();
        shared.cancel();
        waiting.join().expect("wait");
        looking.join().expect("status");
        driver.join().expect("driver");
    });
}
