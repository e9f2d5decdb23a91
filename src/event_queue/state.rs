//! What an event queue has to report. The caller locks it and passes the time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::model::error::ErrorKind;
use crate::model::events::{DownloadEvent, EventKind, Observation, Observed};
use crate::model::outcome::Phase;
use crate::model::prefix::PrefixCounts;

/// Time between two looks at the progress of the running downloads.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// When a reader has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Events wait.
    Now,
    /// At this time, to look at the running downloads.
    At(Instant),
    /// When a download starts or ends.
    Never,
}

/// The downloads of a queue and the events that wait.
pub struct State {
    /// From their start until their end has been read.
    downloads: BTreeMap<u64, Entry>,
    next_id: u64,
    /// A download for each start, pause and end that waits, in the order in which they happened.
    changes: VecDeque<u64>,
    /// Downloads whose progress waits.
    progressed: VecDeque<u64>,
    /// Number of downloads that have started and not ended.
    running: usize,
    /// Progress is looked at again from this time on.
    next_look: Instant,
}

struct Entry {
    tag: u64,
    download: Weak<dyn Observed>,
    stage: Stage,
    /// The start has been reported, or there was none.
    is_start_told: bool,
    /// A pause waits to be reported.
    pause_waits: bool,
    /// The progress that was reported last.
    told: Option<Progress>,
}

enum Stage {
    /// It may still fail to start.
    Admitted,
    Running,
    Ended(Box<Observation>, Result<(), ErrorKind>),
}

/// The part of a status whose change is reported.
#[derive(PartialEq)]
struct Progress {
    phase: Phase,
    bytes_done: u64,
    bytes_total: Option<u64>,
    active_connections: u32,
    bytes_per_second: u64,
    contiguous_bytes: u64,
    contiguous_resets: u64,
    counts: Option<PrefixCounts>,
}

impl State {
    pub fn new(now: Instant) -> Self {
        State {
            downloads: BTreeMap::new(),
            next_id: 0,
            changes: VecDeque::new(),
            progressed: VecDeque::new(),
            running: 0,
            next_look: now,
        }
    }

    /// Adds a download that is about to start; returns its number.
    pub fn admit(&mut self, tag: u64, download: Weak<dyn Observed>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let entry = Entry {
            tag,
            download,
            stage: Stage::Admitted,
            is_start_told: true,
            pause_waits: false,
            told: None,
        };
        self.downloads.insert(id, entry);
        id
    }

    pub fn started(&mut self, id: u64) {
        let Some(entry) = self.downloads.get_mut(&id) else { return };
        if matches!(entry.stage, Stage::Admitted) {
            entry.stage = Stage::Running;
            entry.is_start_told = false;
            self.running += 1;
            // The start takes the place of a pause in the client's queue, which is over.
            if !std::mem::take(&mut entry.pause_waits) {
                self.changes.push_back(id);
            }
        }
    }

    pub fn paused(&mut self, id: u64) {
        let Some(entry) = self.downloads.get_mut(&id) else { return };
        if !matches!(entry.stage, Stage::Ended(..)) && !entry.pause_waits {
            entry.pause_waits = true;
            self.changes.push_back(id);
        }
    }

    pub fn ended(&mut self, id: u64, last: Observation, result: Result<(), ErrorKind>) {
        let Some(entry) = self.downloads.get_mut(&id) else { return };
        match entry.stage {
            Stage::Ended(..) => return,
            Stage::Running => self.running -= 1,
            Stage::Admitted => {}
        }
        entry.stage = Stage::Ended(Box::new(last), result);
        self.changes.push_back(id);
    }

    /// Removes a download that has not ended.
    pub fn withdraw(&mut self, id: u64) {
        if let Some(entry) = self.downloads.get(&id)
            && matches!(entry.stage, Stage::Admitted)
        {
            self.downloads.remove(&id);
        }
    }

    /// The next event. Starts, pauses and ends come before progress, so that the order of a download's events is kept.
    pub fn take(&mut self, now: Instant) -> Option<DownloadEvent> {
        while let Some(id) = self.changes.pop_front() {
            if let Some(event) = self.change(id) {
                return Some(event);
            }
        }
        // Progress that waits is read first. So each download has at most one event for each look.
        if self.progressed.is_empty() {
            self.look(now);
        }
        while let Some(id) = self.progressed.pop_front() {
            if let Some(event) = self.progress(id) {
                return Some(event);
            }
        }
        None
    }

    pub fn wake(&self) -> Wake {
        if !self.changes.is_empty() || !self.progressed.is_empty() {
            return Wake::Now;
        }
        self.next_look().map_or(Wake::Never, Wake::At)
    }

    /// When the progress of the running downloads is looked at; `None` if none is running.
    pub fn next_look(&self) -> Option<Instant> {
        (self.running > 0).then_some(self.next_look)
    }

    /// The start, a pause or the end of a download.
    fn change(&mut self, id: u64) -> Option<DownloadEvent> {
        let entry = self.downloads.get_mut(&id)?;
        if !entry.is_start_told {
            entry.is_start_told = true;
            return entry.event(EventKind::Started);
        }
        if entry.pause_waits {
            entry.pause_waits = false;
            return entry.event(EventKind::Paused);
        }
        let Entry { tag, stage: Stage::Ended(last, result), .. } = self.downloads.remove(&id)?
        else {
            return None;
        };
        Some(event(tag, EventKind::Ended(result), *last))
    }

    /// Finds the running downloads whose status has changed, if it is time to.
    fn look(&mut self, now: Instant) {
        if self.next_look().is_none_or(|at| now < at) {
            return;
        }
        self.next_look = now + LOOK_INTERVAL;
        for (id, entry) in &self.downloads {
            if matches!(entry.stage, Stage::Running)
                && let Some(seen) = entry.observe()
                && entry.told != Some(Progress::of(&seen))
            {
                self.progressed.push_back(*id);
            }
        }
    }

    fn progress(&mut self, id: u64) -> Option<DownloadEvent> {
        let entry = self.downloads.get_mut(&id)?;
        let Stage::Running = entry.stage else { return None };
        let seen = entry.observe()?;
        entry.told = Some(Progress::of(&seen));
        Some(event(entry.tag, EventKind::Progress, seen))
    }
}

impl Entry {
    fn event(&self, kind: EventKind) -> Option<DownloadEvent> {
        Some(event(self.tag, kind, self.observe()?))
    }

    fn observe(&self) -> Option<Observation> {
        match &self.stage {
            Stage::Ended(last, _) => Some((**last).clone()),
            _ => Some(self.download.upgrade()?.observe()),
        }
    }
}

fn event(tag: u64, kind: EventKind, seen: Observation) -> DownloadEvent {
    DownloadEvent { tag, kind, status: seen.status, prefix: seen.prefix }
}

impl Progress {
    fn of(seen: &Observation) -> Self {
        let status = &seen.status;
        Progress {
            phase: status.phase,
            bytes_done: status.bytes_done,
            bytes_total: status.bytes_total,
            active_connections: status.active_connections,
            bytes_per_second: status.bytes_per_second,
            contiguous_bytes: status.contiguous_bytes,
            contiguous_resets: status.contiguous_resets,
            counts: seen.prefix.as_ref().map(|prefix| prefix.counts),
        }
    }
}

#[cfg(test)]
mod tests;
