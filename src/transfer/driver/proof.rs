//! The proof: reads recorded bytes back, on a thread of its own, while the missing ones are fetched.

use std::sync::Arc;

use crate::model::encryption::ContentKey;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::oss::content_cipher::ContentCipher;
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
        content_key: Option<Arc<ContentKey>>,
        events: Sender<Event>,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let join = sys::thread::spawn("oss-prove", move || {
            // The end is reported in any case, because the driver waits for it.
            let comparison = Comparison { file: &file, base, content_key: content_key.as_deref() };
            let ended = catch(|| prove_all(&comparison, &extents, &events, &stopped))
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

/// Compares extents with a file.
pub struct Comparison<'a> {
    pub file: &'a TempFile,
    /// Offset in the object of the file's first byte.
    pub base: u64,
    /// The key with which the file's bytes were decrypted, if they were. They are encrypted again for the comparison,
    /// because checksums are those of the bytes as the service stores them.
    pub content_key: Option<&'a ContentKey>,
}

impl Comparison<'_> {
    /// Whether the file contains the extent.
    pub fn holds(&self, extent: &Extent, stop: &AtomicBool, buffer: &mut [u8]) -> Result<bool> {
        let offset = extent.offset.saturating_sub(self.base);
        let cipher = self.content_key.map(|key| ContentCipher::at(key, extent.offset));
        match cipher.transpose()? {
            None => self.file.prove(extent, offset, stop, buffer, |_| Ok(())),
            Some(mut cipher) => {
                self.file.prove(extent, offset, stop, buffer, |bytes| cipher.replace(bytes))
            }
        }
    }
}

fn prove_all(
    comparison: &Comparison<'_>,
    extents: &[Extent],
    events: &Sender<Event>,
    stop: &AtomicBool,
) -> Result<()> {
    let mut buffer = vec![0; READ_SIZE];
    for extent in extents {
        let right = comparison.holds(extent, stop, &mut buffer)?;
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
