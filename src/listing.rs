//! The handle of a listing.

use std::fmt;
use std::sync::Arc;

use crate::client_state::ClientState;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::listing::ListEntry;
use crate::transfer::{ListControl, Lister};

/// The entries of a bucket, in the order of their names' UTF-8 bytes within each page; objects and common prefixes of a
/// page come one after the other. An iterator that asks for the next page when it needs one. It ends after the last
/// entry or after the first error.
///
/// `next` waits for the network on the calling thread, which holds one page of at most a thousand entries in memory.
/// Broken connections, throttling and other failures are retried as those of a download. A page's request counts as one
/// of the client's `max_connections`, and waits for one if downloads use all of them. A pause of the client does not
/// concern listings.
///
/// Objects that are created or deleted meanwhile may be listed or not.
pub struct Listing {
    lister: Lister,
    page: std::vec::IntoIter<ListEntry>,
    /// The error with which it has ended.
    failure: Option<Error>,
    has_ended: bool,
    /// Keeps the client's threads alive while the listing needs them.
    client: Arc<ClientState>,
}

impl Listing {
    pub(crate) fn new(lister: Lister, client: Arc<ClientState>) -> Self {
        Listing { lister, page: Vec::new().into_iter(), failure: None, has_ended: false, client }
    }

    /// What cancels this listing from another thread.
    pub fn canceller(&self) -> ListCanceller {
        ListCanceller(self.lister.control().clone())
    }

    /// The next entry; `None` after the last one. An error is final: it is returned again by later calls.
    pub(crate) fn next_entry(&mut self) -> Result<Option<ListEntry>> {
        self.client.require_threads()?;
        loop {
            if let Some(error) = &self.failure {
                return Err(error.clone());
            }
            if let Some(entry) = self.page.next() {
                return Ok(Some(entry));
            }
            match self.lister.next_page() {
                Ok(Some(entries)) => self.page = entries.into_iter(),
                Ok(None) => return Ok(None),
                Err(error) => self.failure = Some(error),
            }
        }
    }
}

impl Iterator for Listing {
    type Item = Result<ListEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = self.next_entry().transpose();
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}

/// The error of an entry whose name a C string cannot hold.
#[cfg(feature = "capi")]
pub(crate) fn name_with_nul(name: &str) -> Error {
    let shown: String = name.chars().take(100).collect();
    let shown = shown.escape_debug();
    Error::new(
        ErrorKind::Integrity,
        "InvalidReply",
        format!("the key '{shown}' contains a NUL byte, which the C API cannot express"),
    )
}

/// Cancels a listing. Thread-safe, and cheap to clone.
#[derive(Clone)]
pub struct ListCanceller(Arc<ListControl>);

impl ListCanceller {
    /// Ends the listing with `Cancelled`: within 100 ms if it waits for a page, otherwise when it needs the next one.
    /// Returns immediately.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}
