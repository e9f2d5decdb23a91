//! The digests that the caller expects: the file is hashed behind its first unbroken run of bytes while it grows, and the
//! result compared before the rename.

use crate::model::digest::{Algorithms, Digests, Mismatch};
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::oss::reply::ReplyHead;
use crate::transfer::event::Event;
use crate::transfer::policy::reply_check::Generation;
use crate::transfer::world::Hashing;

use super::Driver;

/// Shortest run of bytes behind which a thread hashes the file. A file that ends sooner is hashed when it is complete.
const MIN_FOLLOWED: u64 = 4 * 1024 * 1024;

/// The computation that follows the file as it grows.
#[derive(Default)]
pub struct Follower {
    hashing: Option<Box<dyn Hashing>>,
    /// Number of bytes that it may hash.
    end: u64,
    /// It could not be started: the file is hashed when it is complete.
    failed: bool,
}

impl Follower {
    pub fn stop(&mut self) {
        self.hashing = None;
    }

    pub fn pause(&self) {
        if let Some(hashing) = &self.hashing {
            hashing.pause();
        }
    }

    pub fn resume(&self) {
        if let Some(hashing) = &self.hashing {
            hashing.resume();
        }
    }
}

impl Driver<'_> {
    /// Whether the file's bytes are compared with something that the caller knows of them.
    pub(super) fn expects_digest(&self) -> bool {
        !self.request.expected_digests().is_empty()
    }

    /// The expected digests for which the file's bytes must be read. Its CRC-64 is known without that, except that of
    /// decrypted bytes.
    pub(super) fn hashed_algorithms(&self) -> Algorithms {
        let expected = self.request.expected_digests();
        let transfer = self.transfer.as_ref();
        let decrypted = transfer.is_some_and(|transfer| transfer.content_key.is_some());
        Algorithms { crc64: expected.crc64.is_some() && decrypted, ..expected.algorithms() }
    }

    /// Whether the complete file is read back in any case, and can be hashed then.
    fn reads_back(&self) -> bool {
        let locked =
            self.transfer.as_ref().is_some_and(|transfer| transfer.stored.file().is_locked());
        self.request.verify_before_rename || !self.world.storage.is_trusted() || !locked
    }

    /// Lets the file be hashed up to this byte. If it was allowed to be hashed further, it is hashed anew.
    pub(super) fn hash_up_to(&mut self, end: u64) {
        if !self.expects_digest() {
            return;
        }
        if end < self.follower.end {
            self.follower.stop();
        }
        self.follower.end = end;
        if self.follower.hashing.is_none() && end >= MIN_FOLLOWED {
            self.start_follower();
        }
        if let Some(hashing) = &self.follower.hashing {
            hashing.extend(end);
        }
    }

    fn start_follower(&mut self) {
        let algorithms = self.hashed_algorithms();
        if algorithms.is_empty() || self.reads_back() || self.follower.failed {
            return;
        }
        let Some(transfer) = &self.transfer else { return };
        let file = transfer.stored.file().clone();
        match self.world.storage.start_hashing(file, algorithms) {
            Ok(hashing) => {
                if self.is_paused() {
                    hashing.pause();
                }
                self.follower.hashing = Some(hashing);
            }
            Err(error) => {
                self.follower.failed = true;
                self.log(LogLevel::Warn, || {
                    format!("the file is hashed when it is complete: {error}")
                });
            }
        }
    }

    /// The digests of the complete file, as far as it was hashed while it grew and its bytes can be read.
    pub(super) fn followed_digests(&mut self) -> Result<Option<Digests>> {
        let Some(hashing) = &self.follower.hashing else { return Ok(None) };
        hashing.finish();
        loop {
            if let Some(Event::Hashed(digests)) = self.next_event(None)? {
                self.follower.stop();
                return digests;
            }
        }
    }

    /// An error if the service states a CRC-64 for the object with which the file, which is not decrypted, cannot have
    /// the expected one.
    pub(super) fn check_stated_crc(&self, head: &ReplyHead, generation: &Generation) -> Result<()> {
        // For a link, it may be the link's own.
        if head.is_symlink() || !self.is_proven_by_crc(generation) {
            return Ok(());
        }
        match (generation.crc64, self.request.expected_crc64) {
            (Some(stated), Some(expected)) if stated != expected.0 => Err(mismatch_error(format!(
                "the service states the CRC-64 {stated} for {}, but expected_crc64 is {expected}; nothing was downloaded",
                self.object()
            ))),
            _ => Ok(()),
        }
    }

    /// The file has another digest than expected. `is_object`: the object's CRC-64 has shown that its bytes are the
    /// object's.
    pub(super) fn mismatch(&self, mismatch: &Mismatch, is_object: bool) -> Error {
        let Mismatch { field, name, expected, found } = mismatch;
        let why = if is_object {
            "; its CRC-64 is the object's, so the object is another one than expected"
        } else {
            ", in two attempts"
        };
        mismatch_error(format!(
            "{name} of {} as it was downloaded is {found}, but {field} is {expected}{why}; nothing was kept",
            self.object()
        ))
    }
}

fn mismatch_error(message: String) -> Error {
    Error::new(ErrorKind::Integrity, "DigestMismatch", message)
}
