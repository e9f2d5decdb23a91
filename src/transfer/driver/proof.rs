//! The proof: reads recorded bytes back, on a thread of its own, while the missing ones are fetched.

use std::sync::Arc;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::storage::temp_file::TempFile;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;
use crate::transfer::event::Event;

/// Size of a read in bytes.
pub const READ_SIZE: usize = 1024 * 1024;

/// A running proof; dropping it stops it.
pub struct Prover {
    stop: Arc<AtomicBool>,
    join: Option<Joined>,
}

impl Prover {
    /// Compares `extents` with the file, whose first byte is the object's byte `base`, and reports each one.
    pub fn start(
        file: Arc<TempFile>,
        base: u64,
        extents: Vec<Extent>,
        events: Sender<Event>,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let join = sys::thread::spawn("oss-prove", move || {
            // The end is reported in any case, because the driver waits for it.
            let ended = catch(|| prove_all(&file, base, &extents, &events, &stopped))
                .unwrap_or_else(|defect| Err(defect.into()));
            let _ = events.send(Event::ProofEnded(ended));
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(Prover { stop, join: Some(join) })
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(join) = self.join.take() {
            // It reports through events; a panic shows as a proof that did not succeed.
            let _ = join.join();
        }
    }
}

fn prove_all(
    file: &TempFile,
    base: u64,
    extents: &[Extent],
    events: &Sender<Event>,
    stop: &AtomicBool,
) -> Result<()> {
    let mut buffer = vec![0; READ_SIZE];
    for extent in extents {
        let right = file.prove(extent, extent.offset.saturating_sub(base), stop, &mut buffer)?;
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
