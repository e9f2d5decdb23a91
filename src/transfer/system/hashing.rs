//! Hashing of a file while it grows, on a thread of its own that follows the bytes that are complete.

use std::sync::Arc;

use crate::model::digest::{Algorithms, Digests};
use crate::model::error::{Error, ErrorKind, Result};
use crate::storage::aligned::AlignedBuffer;
use crate::storage::file_hasher::FileHasher;
use crate::sync::inbox::Sender;
use crate::sync::{Condvar, Mutex};
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;
use crate::transfer::event::Event;
use crate::transfer::world::{Hashing, TemporaryFile, is_unreadable};

/// Bytes that are read and hashed at once. They stay in the processor's cache between the two.
const BLOCK: usize = 256 * 1024;

/// What the thread may do.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    /// The bytes before this one are in the file.
    end: u64,
    /// The file is complete.
    complete: bool,
    paused: bool,
    stopped: bool,
}

/// Tells the thread what it may do.
struct Orders {
    limits: Mutex<Limits>,
    changed: Condvar,
}

/// What the thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Hash the bytes up to here.
    Hash(u64),
    /// Everything has been hashed.
    Report,
    Stop,
}

impl Orders {
    fn new() -> Self {
        Orders { limits: Mutex::default(), changed: Condvar::new() }
    }

    fn change(&self, change: impl FnOnce(&mut Limits)) {
        change(&mut self.limits.lock());
        self.changed.notify_all();
    }

    /// Waits until there is something to do after byte `done`.
    fn await_next(&self, done: u64) -> Next {
        let mut limits = self.limits.lock();
        loop {
            match *limits {
                Limits { stopped: true, .. } => return Next::Stop,
                Limits { paused: true, .. } => {}
                Limits { end, .. } if end > done => return Next::Hash(end),
                Limits { complete: true, .. } => return Next::Report,
                Limits { .. } => {}
            }
            self.changed.wait(&mut limits);
        }
    }
}

/// A running computation; dropping it stops it.
pub struct HashingThread {
    orders: Arc<Orders>,
    join: Option<Joined>,
}

impl Hashing for HashingThread {
    fn extend(&self, end: u64) {
        self.orders.change(|limits| limits.end = end);
    }

    fn finish(&self) {
        self.orders.change(|limits| limits.complete = true);
    }

    fn pause(&self) {
        self.orders.change(|limits| limits.paused = true);
    }

    fn resume(&self) {
        self.orders.change(|limits| limits.paused = false);
    }
}

impl HashingThread {
    pub fn start(
        file: Arc<dyn TemporaryFile>,
        algorithms: Algorithms,
        events: Sender<Event>,
    ) -> Result<Self> {
        let orders = Arc::new(Orders::new());
        let obeyed = orders.clone();
        let join = sys::thread::spawn("oss-hash", move || {
            let digests = catch(|| hash(&*file, algorithms, &obeyed))
                .unwrap_or_else(|defect| Err(defect.into()));
            // The driver claims the file again after a new start, and must be its only owner then.
            drop(file);
            // An error too is reported only when it is asked for.
            if obeyed.await_next(u64::MAX) == Next::Report {
                let _ = events.send(Event::Hashed(digests));
            }
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(HashingThread { orders, join: Some(join) })
    }
}

impl Drop for HashingThread {
    fn drop(&mut self) {
        self.orders.change(|limits| limits.stopped = true);
        if let Some(join) = self.join.take() {
            // A panic shows as an error in place of the digests.
            let _ = join.join();
        }
    }
}

/// Hashes the file as it grows; `None` if bytes that are in the file cannot be read.
fn hash(
    file: &dyn TemporaryFile,
    algorithms: Algorithms,
    orders: &Orders,
) -> Result<Option<Digests>> {
    let mut hasher = FileHasher::new(algorithms)?;
    let mut buffer = AlignedBuffer::zeroed(BLOCK);
    let mut done = 0;
    loop {
        let end = match orders.await_next(done) {
            Next::Hash(end) => end,
            Next::Report => return hasher.finish().map(Some),
            Next::Stop => {
                let why = "the download does not need the digests any more";
                return Err(Error::new(ErrorKind::Cancelled, "Cancelled", why));
            }
        };
        let wanted = usize::try_from(end - done).unwrap_or(usize::MAX);
        let block = match file.read_block(buffer.bytes_mut(), done, wanted) {
            Err(error) if is_unreadable(&error) => return Ok(None),
            read => read?,
        };
        if block.is_empty() {
            return Ok(None);
        }
        done += block.len() as u64;
        hasher.update(buffer.bytes_mut().get(block).unwrap_or_default())?;
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
