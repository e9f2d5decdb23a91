//! Listings of a bucket: what is asked for, and what is found.

use std::time::{Duration, SystemTime};

/// Largest `max_keys`, as in OSS.
pub const MAX_LIST_KEYS: u32 = 1000;

/// A request to list the objects of a bucket whose keys have a prefix, in the order of their keys' UTF-8 bytes.
///
/// Only `bucket` is required. The request is validated when the listing starts, before anything is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListRequest {
    /// Bucket name: 3–63 characters of `a-z0-9-`, not starting or ending with `-`.
    pub bucket: String,
    /// Only keys that begin with this, at most 1023 bytes; default: all.
    pub prefix: String,
    /// Keys that contain this text behind the prefix are not listed one by one: what they have in common up to its end
    /// is listed once, as [`ListEntry::CommonPrefix`]. `/` lists one level of what looks like directories. At most 1023
    /// bytes; default: none.
    pub delimiter: Option<String>,
    /// Only keys behind this one, which need not exist; at most 1023 bytes. Default: none.
    pub start_after: Option<String>,
    /// Largest number of entries in one page: 1 … [`MAX_LIST_KEYS`], default [`MAX_LIST_KEYS`]. The listing goes through
    /// all pages, whatever their size; one page is in memory at a time.
    pub max_keys: u32,
    /// `x-oss-request-payer: requester`
    pub requester_pays: bool,
    /// Longest time for the whole listing from the call that starts it, after which it fails with `Deadline`. Default:
    /// no limit.
    pub deadline: Option<Duration>,
}

impl ListRequest {
    /// A request for all objects of `bucket` with every default.
    pub fn new(bucket: impl Into<String>) -> Self {
        ListRequest {
            bucket: bucket.into(),
            prefix: String::new(),
            delimiter: None,
            start_after: None,
            max_keys: MAX_LIST_KEYS,
            requester_pays: false,
            deadline: None,
        }
    }

    /// Sets the prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the delimiter.
    #[must_use]
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Sets the key behind which the listing starts.
    #[must_use]
    pub fn start_after(mut self, key: impl Into<String>) -> Self {
        self.start_after = Some(key.into());
        self
    }

    /// Sets the largest number of entries in one page.
    #[must_use]
    pub fn max_keys(mut self, count: u32) -> Self {
        self.max_keys = count;
        self
    }

    /// The name of what is listed, in messages.
    pub(crate) fn listed(&self) -> String {
        format!("oss://{}/{}", self.bucket, self.prefix)
    }
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListEntry {
    /// An object.
    Object(ListedObject),
    /// The common beginning of one or more keys, up to the delimiter and with it.
    CommonPrefix(String),
}

/// An object, as a listing shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// The key, as it is: it may contain control characters, a NUL, backslashes or segments such as `..`. Check it
    /// before making a path of it.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// The ETag without quotes, if sent.
    pub etag: Option<String>,
    /// When the object was last modified, if sent.
    pub last_modified: Option<SystemTime>,
    /// `Standard`, `IA`, `Archive` …, if sent.
    pub storage_class: Option<String>,
    /// `Normal`, `Multipart`, `Appendable` or `Symlink`, if sent.
    pub object_type: Option<String>,
    /// The CRC-64/XZ of the object's content, if sent (`OSSCRC64`). OSS itself does not send it in listings.
    pub crc64: Option<u64>,
    /// The state of the restoration of an archived object, such as `ongoing-request="true"`, if sent.
    pub restore_info: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// In the order of the document.
    pub entries: Vec<ListEntry>,
    /// With which the next page is asked for; `None`: this is the last one.
    pub next: Option<String>,
}
