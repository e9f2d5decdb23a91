//! The way of symbolic bytes from a connection to the file, as `disk/intake.rs` does it with real ones: gathered,
//! written, and then reported.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::transfer::disk::buffers::BUFFER_SIZE;
use crate::transfer::disk::intake::MAX_UNREPORTED;
use crate::transfer::event::Event;

use super::content::Bytes;
use super::disk::{Disk, ProcessId};

/// A write that takes longer is done by the writer threads, and the connection does not wait for it.
const SLOW_WRITE: Duration = Duration::from_millis(100);
/// Bytes are reported at least this often while some arrive.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Writes that may be queued before the connection has to wait for a buffer.
const MOST_QUEUED: usize = 4;

/// Stores the bytes of one request.
pub struct Intake {
    disk: Disk,
    process: ProcessId,
    base: u64,
    gather: u64,
    report_at: u64,
    /// The first byte that is not written, and the first that is not reported.
    buffer_start: u64,
    extent_start: u64,
    /// The bytes that are not reported.
    unreported: Bytes,
    reported_at: Duration,
    /// Until when the worker is busy with the last write.
    busy_until: Duration,
    /// When the queued writes will be done.
    queue: VecDeque<Duration>,
    failed: bool,
}

impl Intake {
    pub fn new(
        (disk, process): (Disk, ProcessId),
        base: u64,
        grain: u64,
        gather: u64,
        start: u64,
        now: Duration,
    ) -> Self {
        Intake {
            disk,
            process,
            base,
            gather: gather.min(BUFFER_SIZE as u64),
            report_at: grain.min(MAX_UNREPORTED),
            buffer_start: start,
            extent_start: start,
            unreported: Bytes::new(),
            reported_at: now,
            busy_until: now,
            queue: VecDeque::new(),
            failed: false,
        }
    }

    fn end(&self) -> u64 {
        self.extent_start + self.unreported.len()
    }

    /// Adds the next bytes; `send` sends events at their times. Returns the time that the writes kept the connection.
    pub fn take(
        &mut self,
        bytes: &Bytes,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> Result<Duration, Error> {
        bytes.pieces().iter().for_each(|piece| self.unreported.push(*piece));
        while self.end() - self.buffer_start > self.gather {
            self.store(self.buffer_start + self.gather, false, now, send)?;
        }
        Ok(self.busy_until.saturating_sub(now))
    }

    /// When bytes have to be reported that are still waiting for more.
    pub fn report_due(&self) -> Option<Duration> {
        (!self.unreported.pieces().is_empty()).then_some(self.reported_at + REPORT_INTERVAL)
    }

    /// Reports bytes that are a second old.
    pub fn tick(
        &mut self,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> Result<(), Error> {
        match self.report_due() {
            Some(due) if due <= now => self.store(self.end(), true, now, send),
            _ => Ok(()),
        }
    }

    /// Stores and reports everything. Returns when that is done, which the end must not precede.
    pub fn finish(
        &mut self,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> (Duration, Result<(), Error>) {
        let stored = self.store(self.end(), true, now, send);
        (self.queue.back().copied().unwrap_or_default().max(now).max(self.busy_until), stored)
    }

    /// Until when the connection waits because too many of its writes are queued.
    pub fn held_until(&mut self, now: Duration) -> Option<Duration> {
        self.forget_done(now);
        (self.queue.len() > MOST_QUEUED).then(|| self.queue[self.queue.len() - 1 - MOST_QUEUED])
    }

    fn forget_done(&mut self, now: Duration) {
        while self.queue.front().is_some_and(|done| *done <= now) {
            self.queue.pop_front();
        }
    }

    fn store(
        &mut self,
        up_to: u64,
        report: bool,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> Result<(), Error> {
        if up_to == self.extent_start {
            return Ok(());
        }
        if self.failed {
            // Bytes after a failed write are thrown away.
            self.buffer_start = up_to;
            return Ok(());
        }
        let now = now.max(self.busy_until);
        let from = self.extent_start;
        let covered = self.unreported.slice(0..up_to - from);
        let written = covered.slice(self.buffer_start - from..up_to - from);
        let due = up_to - from >= self.report_at
            || now.saturating_sub(self.reported_at) >= REPORT_INTERVAL;
        let (took, result) = match self.disk.open_file(self.process) {
            Some(file) if written.len() > 0 => {
                file.write(written.pieces(), self.buffer_start.saturating_sub(self.base))
            }
            Some(_) => (Duration::ZERO, Ok(())),
            None => (Duration::ZERO, Err(Error::internal("the file is not open"))),
        };
        self.buffer_start = up_to;
        self.forget_done(now);
        let queued = took > SLOW_WRITE || !self.queue.is_empty();
        let done = self.queue.back().copied().unwrap_or_default().max(now) + took;
        if let Err(error) = result {
            self.failed = true;
            if !queued {
                return Err(error);
            }
            send(done, Event::Fault(error));
        } else if report || due {
            let extent = Extent { offset: from, len: up_to - from, crc: covered.crc() };
            self.unreported = self.unreported.slice(up_to - from..u64::MAX);
            (self.extent_start, self.reported_at) = (up_to, now);
            send(done, Event::Stored(extent));
        }
        if queued {
            self.queue.push_back(done);
        } else {
            self.busy_until = done;
        }
        Ok(())
    }
}
