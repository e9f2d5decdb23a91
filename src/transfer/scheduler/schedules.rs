//! Downloads start, wait, are cancelled and end, under many schedules.

use super::*;
use crate::model::error::ErrorKind;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::inbox::{Receiver, inbox};
use crate::sync::scheduled::explore;
use crate::sync::thread;
use crate::transfer::event::Event;

/// A download that runs until it is cancelled, or at once to its end.
struct Fake {
    shared: Arc<Shared>,
    inbox: Receiver<Event>,
    ends_by_itself: bool,
    deadline: Option<Instant>,
    running: Arc<AtomicU32>,
    max_running: u32,
}

fn failure(code: &str) -> Error {
    Error::new(ErrorKind::Cancelled, code, "ended")
}

impl Job for Fake {
    fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn priority(&self) -> i32 {
        0
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn run(self) {
        let others = self.running.fetch_add(1, Ordering::SeqCst);
        assert!(others < self.max_running, "too many run at once");
        while !self.ends_by_itself && !self.shared.is_cancelled() {
            let _ = self.inbox.recv();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.shared.end(Err(failure("ran")));
    }

    fn give_up(self, why: GivenUp) {
        self.shared.end(Err(failure(match why {
            GivenUp::DeadlinePassed => "late",
            _ => "given up",
        })));
    }
}

struct Client {
    scheduler: Arc<Scheduler<Fake>>,
    running: Arc<AtomicU32>,
    max_running: u32,
}

impl Client {
    fn new(max_running: u32) -> Self {
        let scheduler = Arc::new(Scheduler::new(max_running, 64));
        Client { scheduler, running: Arc::default(), max_running }
    }

    fn start_with(&self, ends_by_itself: bool, deadline: Option<Instant>) -> Result<Arc<Shared>> {
        let (events, inbox) = inbox();
        let shared = Arc::new(Shared::new(events, 0, Instant::now()));
        let running = self.running.clone();
        let max_running = self.max_running;
        let job =
            Fake { shared: shared.clone(), inbox, ends_by_itself, deadline, running, max_running };
        self.scheduler.start(job).map(|_| shared)
    }

    fn start(&self, ends_by_itself: bool) -> Arc<Shared> {
        self.start_with(ends_by_itself, None).expect("open")
    }

    fn shut_down(&self) {
        for download in self.scheduler.close() {
            download.join();
        }
        self.scheduler.join_threads();
        let state = self.scheduler.state.lock();
        assert!(state.active.is_empty() && state.waiting.is_empty() && state.threads.is_empty());
    }
}

fn end_of(download: &Shared) -> String {
    let ended = download.wait_until(None).expect("no time limit");
    ended.expect_err("fakes fail").code().to_owned()
}

#[test]
fn every_download_gets_its_turn_and_not_too_many_run_at_once() {
    explore(|| {
        let client = Arc::new(Client::new(2));
        let same = client.clone();
        let other = thread::spawn(move || [same.start(true), same.start(true)]);
        let downloads = [client.start(true), client.start(true)];
        for download in downloads.iter().chain(&other.join().expect("other")) {
            assert_eq!(end_of(download), "ran");
            download.join();
        }
        client.shut_down();
    });
}

#[test]
fn a_cancel_ends_a_download_whether_it_waits_or_has_just_started() {
    explore(|| {
        let client = Client::new(1);
        let first = client.start(false);
        let second = client.start(false);
        let cancelled = second.clone();
        let cancelling = thread::spawn(move || {
            cancelled.cancel();
            end_of(&cancelled)
        });
        first.cancel();
        assert_eq!(end_of(&first), "ran");
        cancelling.join().expect("it has ended, in either way");
        second.join();
        client.shut_down();
    });
}

#[test]
fn a_download_that_is_paused_and_resumed_gets_its_turn() {
    explore(|| {
        let client = Arc::new(Client::new(1));
        let first = client.start(false);
        let second = client.start(true);
        let threads = [PausedBy::Handle, PausedBy::Client].map(|by| {
            let (client, download) = (client.clone(), second.clone());
            thread::spawn(move || match by {
                PausedBy::Handle => {
                    download.pause(by);
                    download.resume(by);
                }
                PausedBy::Client => {
                    client.scheduler.pause();
                    client.scheduler.resume();
                }
            })
        });
        first.cancel();
        assert_eq!((end_of(&first), end_of(&second)), ("ran".to_owned(), "ran".to_owned()));
        threads.into_iter().for_each(|thread| thread.join().expect("pause"));
        client.shut_down();
    });
}

#[test]
fn no_download_outlives_a_shutdown_or_is_forgotten() {
    explore(|| {
        let client = Arc::new(Client::new(1));
        let running = client.start(false);
        let same = client.clone();
        let late = thread::spawn(move || same.start_with(false, None));
        client.shut_down();
        end_of(&running);
        if let Ok(late) = late.join().expect("late") {
            end_of(&late);
            late.join();
        }
    });
}

#[test]
fn a_deadline_ends_a_waiting_download_or_it_runs() {
    explore(|| {
        let client = Client::new(1);
        let first = client.start(false);
        let late = client.start_with(true, Some(Instant::now())).expect("open");
        let same = first.clone();
        let ending = thread::spawn(move || same.cancel());
        let end = end_of(&late);
        assert!(end == "late" || end == "ran", "{end}");
        late.join();
        ending.join().expect("cancel");
        assert_eq!(end_of(&first), "ran");
        client.shut_down();
    });
}
