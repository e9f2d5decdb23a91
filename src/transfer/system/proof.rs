//! The proof: reads recorded bytes back, on a thread of its own, while the missing ones are fetched.

use std::sync::Arc;

use crate::model::encryption::ContentKey;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
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

/// A running proof; dropping it stops it.
pub struct ProofThread {
    stop: Arc<AtomicBool>,
    join: Option<Joined>,
}

impl Proof for ProofThread {}

impl ProofThread {
    /// Starts the thread, which reports each extent.
    pub fn start(comparison: Comparison, events: Sender<Event>) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let join = sys::thread::spawn("oss-prove", move || {
            // The end is reported in any case, because the driver waits for it.
            let ended = catch(|| prove_all(&comparison, &events, &stopped))
                .unwrap_or_else(|defect| Err(defect.into()));
            // The driver claims the file again after a new start, and must be its only owner then.
            drop(comparison);
            let _ = events.send(Event::ProofEnded(ended));
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(ProofThread { stop, join: Some(join) })
    }
}

impl Drop for ProofThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(join) = self.join.take() {
            // It reports through events; a panic shows as a proof that did not succeed.
            let _ = join.join();
        }
    }
}

fn prove_all(comparison: &Comparison, events: &Sender<Event>, stop: &AtomicBool) -> Result<()> {
    let Comparison { file, base, extents, content_key } = comparison;
    let mut buffer = vec![0; READ_SIZE];
    for extent in extents {
        let right = file.holds(extent, *base, content_key.as_deref(), stop, &mut buffer)?;
        let event = if right { Event::Proved(*extent) } else { Event::Damaged(*extent) };
        if events.send(event).is_err() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "Cancelled",
                "no receiver waits for the proof",
            ));
        }
    }
    Ok(())
}
