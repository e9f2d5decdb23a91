//! Callers wait, cancel and read the status while the driver ends, under many schedules.

use super::*;
use crate::model::error::{Error, ErrorKind};
use crate::sync::inbox::{Receiver, inbox};
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
    let (events, inbox) = inbox();
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

/// A driver that pauses when it is told to, until it is cancelled.
fn drive_with_pauses(shared: &Shared, inbox: &Receiver<Event>) {
    shared.set_phase(Phase::Transferring);
    while !shared.is_cancelled() {
        match shared.is_to_pause() {
            true => shared.begin_pause(),
            false => shared.end_pause(Instant::now()),
        }
        let _ = inbox.recv();
    }
    shared.end(Err(cancelled()));
}

/// A download with such a driver.
fn start_with_pauses() -> (Arc<Shared>, thread::JoinHandle<()>) {
    let (events, inbox) = inbox();
    let shared = Arc::new(Shared::new(events, 0, Instant::now()));
    let driven = shared.clone();
    (shared, thread::spawn(move || drive_with_pauses(&driven, &inbox)))
}

fn await_phase(shared: &Shared, phase: Phase) {
    while shared.status().phase != phase {
        thread::yield_now();
    }
}

#[test]
fn a_download_runs_when_everybody_who_paused_it_has_resumed_it() {
    explore(|| {
        let (shared, driver) = start_with_pauses();
        let client = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.pause(PausedBy::Client);
                shared.pause(PausedBy::Client);
                shared.resume(PausedBy::Client);
            })
        };
        shared.pause(PausedBy::Handle);
        client.join().expect("client");
        await_phase(&shared, Phase::Paused);
        shared.resume(PausedBy::Client);
        assert!(shared.is_to_pause(), "its handle has paused it");
        shared.resume(PausedBy::Handle);
        await_phase(&shared, Phase::Transferring);
        shared.cancel();
        driver.join().expect("driver");
    });
}

#[test]
fn a_cancel_ends_a_pause_and_an_end_is_no_pause() {
    explore(|| {
        let (shared, driver) = start_with_pauses();
        let pausing = {
            let shared = shared.clone();
            thread::spawn(move || shared.pause(PausedBy::Handle))
        };
        shared.cancel();
        assert!(shared.wait_until(None).expect("no time limit").is_err());
        pausing.join().expect("pause");
        driver.join().expect("driver");
        assert_eq!(shared.status().phase, Phase::Failed);
    });
}
