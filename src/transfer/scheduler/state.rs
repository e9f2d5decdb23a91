//! The downloads of a scheduler: which of them wait and which are active, and the threads that serve them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::Job;
use crate::model::error::{Error, ErrorKind, Result};
use crate::sync::thread::ThreadId;
use crate::sys::thread::Joined;
use crate::transfer::policy::download_queue::{DownloadQueue, Ticket};
use crate::transfer::shared::Shared;

pub struct State<J> {
    pub max_active: usize,
    pub max_connections: usize,
    pub next_ticket: u64,
    /// Downloads that have not started. Those in `queue` start when their turn comes, the others are paused or not
    /// ready.
    pub waiting: HashMap<Ticket, Waiting<J>>,
    pub queue: DownloadQueue,
    /// Of the waiting downloads.
    pub deadlines: BTreeSet<(Instant, Ticket)>,
    /// Downloads that have a thread.
    pub active: BTreeMap<Ticket, Arc<Shared>>,
    pub threads: Vec<Joined>,
    /// Active downloads that threads without one will take.
    pub given: VecDeque<(Ticket, Waiting<J>)>,
    /// Threads that wait for a download, without those for which one is in `given`.
    pub free_threads: usize,
    /// Threads that do nothing more.
    pub ended_threads: Vec<ThreadId>,
    pub timer: Option<Joined>,
    pub is_closed: bool,
    pub is_disabled: bool,
    pub is_paused: bool,
}

pub struct Waiting<J> {
    pub job: Box<J>,
    pub priority: i32,
}

impl<J: Job> Waiting<J> {
    /// Whether it starts when its turn comes.
    pub fn may_start(&self) -> bool {
        !self.job.shared().is_to_pause() && self.job.is_ready()
    }
}

impl<J: Job> State<J> {
    pub fn new(max_active: usize, max_connections: usize) -> Self {
        State {
            max_active,
            max_connections,
            next_ticket: 0,
            waiting: HashMap::new(),
            queue: DownloadQueue::default(),
            deadlines: BTreeSet::new(),
            active: BTreeMap::new(),
            threads: Vec::new(),
            given: VecDeque::new(),
            free_threads: 0,
            ended_threads: Vec::new(),
            timer: None,
            is_closed: false,
            is_disabled: false,
            is_paused: false,
        }
    }

    pub fn require_open(&self) -> Result<()> {
        if self.is_closed {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "Cancelled",
                "the client is closed; no download can start on it",
            ));
        }
        if self.is_disabled { Err(Error::disabled()) } else { Ok(()) }
    }

    pub fn enqueue(&mut self, ticket: Ticket, download: Waiting<J>) {
        if download.may_start() {
            self.queue.insert(ticket, download.priority);
        }
        self.deadlines.extend(download.job.deadline().map(|at| (at, ticket)));
        self.waiting.insert(ticket, download);
    }

    /// Removes a waiting download.
    pub fn leave(&mut self, ticket: Ticket) -> Option<Waiting<J>> {
        let waiting = self.waiting.remove(&ticket)?;
        self.queue.remove(ticket, waiting.priority);
        if let Some(at) = waiting.job.deadline() {
            self.deadlines.remove(&(at, ticket));
        }
        Some(waiting)
    }

    /// Makes the next download active, if there is room for it.
    pub fn take_next(&mut self) -> Option<(Ticket, Waiting<J>)> {
        if self.active.len() >= self.max_active.min(self.max_connections) {
            return None;
        }
        let ticket = self.queue.pop()?;
        let next = self.leave(ticket)?;
        let shared = next.job.shared();
        shared.leave_queue();
        self.active.insert(ticket, shared.clone());
        Some((ticket, next))
    }

    /// Removes all waiting downloads; returns them and the active ones.
    pub fn all(&mut self) -> (Vec<Waiting<J>>, Vec<Arc<Shared>>) {
        self.queue = DownloadQueue::default();
        self.deadlines.clear();
        let waiting = std::mem::take(&mut self.waiting).into_values().collect();
        (waiting, self.active.values().cloned().collect())
    }

    pub fn take_ended_threads(&mut self) -> Vec<Joined> {
        // A thread may end before its handle is here.
        let ids = &mut self.ended_threads;
        let mut has_ended = |handle: &Joined| {
            let index = ids.iter().position(|id| *id == handle.id());
            index.map(|index| ids.swap_remove(index)).is_some()
        };
        let threads = std::mem::take(&mut self.threads);
        let (ended, threads) = threads.into_iter().partition(|handle| has_ended(handle));
        self.threads = threads;
        ended
    }
}
