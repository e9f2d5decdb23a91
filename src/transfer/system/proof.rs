//! The proof: reads recorded bytes back, on a thread of its own, while the missing ones are fetched.

use std::sync::Arc;

use crate::model::encryption::ContentKey;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::storage::aligned::AlignedBuffer;
use crate::sync::inbox::Sender;
use crate::sync::{Condvar, Mutex};
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;
use crate::transfer::event::Event;
use crate::transfer::world::{Proof, READ_SIZE, TemporaryFile};

/// What is compared with what.
pub struct Comparison {
    pub file: Arc<dyn TemporaryFile>,
    /// Offset in the object of the file's first byte.
    pub base: u64,
    pub extents: Vec<Extent>,
    pub content_key: Option<Arc<ContentKey>>,
}

/// What the proof's thread has to do before its next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Read,
    Wait,
    Stop,
}

/// Gives orders to the proof's thread.
struct Orders {
    current: Mutex<Order>,
    changed: Condvar,
}

impl Orders {
    fn new() -> Self {
        Orders { current: Mutex::new(Order::Read), changed: Condvar::new() }
    }

    fn give(&self, order: Order) {
        *self.current.lock() = order;
        self.changed.notify_all();
    }

    /// Returns when the next block may be read; fails when none may be read any more.
    fn await_read(&self) -> Result<()> {
        let mut current = self.current.lock();
        while *current == Order::Wait {
            self.changed.wait(&mut current);
        }
        match *current {
            Order::Stop => Err(cancelled("the download was cancelled")),
            _ => Ok(()),
        }
    }
}

/// A running proof; dropping it stops it.
pub struct ProofThread {
    orders: Arc<Orders>,
    join: Option<Joined>,
}

impl Proof for ProofThread {
    fn pause(&self) {
        self.orders.give(Order::Wait);
    }

    fn resume(&self) {
        self.orders.give(Order::Read);
    }
}

impl ProofThread {
    /// Starts the thread, which reports each extent.
    pub fn start(comparison: Comparison, events: Sender<Event>) -> Result<Self> {
        let orders = Arc::new(Orders::new());
        let obeyed = orders.clone();
        let join = sys::thread::spawn("oss-prove", move || {
            // The end is reported in any case, because the driver waits for it.
            let ended = catch(|| prove_all(&comparison, &events, &obeyed))
                .unwrap_or_else(|defect| Err(defect.into()));
            // The driver claims the file again after a new start, and must be its only owner then.
            drop(comparison);
            let _ = events.send(Event::ProofEnded(ended));
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(ProofThread { orders, join: Some(join) })
    }
}

impl Drop for ProofThread {
    fn drop(&mut self) {
        self.orders.give(Order::Stop);
        if let Some(join) = self.join.take() {
            // It reports through events; a panic shows as a proof that did not succeed.
            let _ = join.join();
        }
    }
}

fn prove_all(comparison: &Comparison, events: &Sender<Event>, orders: &Orders) -> Result<()> {
    let Comparison { file, base, extents, content_key } = comparison;
    let mut buffer = AlignedBuffer::zeroed(READ_SIZE);
    let mut between = || orders.await_read();
    for extent in extents {
        let key = content_key.as_deref();
        let right = file.holds(extent, *base, key, &mut between, buffer.bytes_mut())?;
        let event = if right { Event::Proved(*extent) } else { Event::Damaged(*extent) };
        if events.send(event).is_err() {
            return Err(cancelled("no receiver waits for the proof"));
        }
    }
    Ok(())
}

fn cancelled(why: &str) -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", why)
}

#[cfg(all(test, shuttle))]
mod schedules;
