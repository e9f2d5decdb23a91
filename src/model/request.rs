//! Download requests.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::digest::{Crc64, Digests, Md5, Sha256};
use super::error::{Error, Result};
use super::events::Subscription;
use super::source_url::{SharedUrlProvider, SourceUrl, UrlProvider};
use super::web_address::WebAddress;

/// Smallest `part_size`, in bytes (100 KiB; the OSS C++ SDK's `PartSizeLowerLimit`).
pub const MIN_PART_SIZE: u64 = 102_400;
/// Largest `part_size`, in bytes (5 GiB).
pub const MAX_PART_SIZE: u64 = 5 * 1024 * 1024 * 1024;
/// Default `part_size`, in bytes (8 MiB).
pub const DEFAULT_PART_SIZE: u64 = 8 * 1024 * 1024;
/// Default `thread_num`.
pub const DEFAULT_THREAD_NUM: u32 = 3;
/// Most connections of a download with `auto_concurrency` whose `thread_num` is 0.
pub const DEFAULT_AUTO_CONNECTIONS: u32 = 32;
/// Longest file name on Linux file systems, in bytes.
const MAX_FILE_NAME: usize = 255;
/// The query parameter that makes the service process an object.
const PROCESS: &str = "x-oss-process";
/// Largest `thread_num`.
pub const MAX_THREAD_NUM: u32 = 1024;

/// The location of a download's checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// No checkpoint: a failed download starts over.
    #[default]
    Off,
    /// In the directory of the target file; of the file that it names, if it is a symbolic link.
    BesideTarget,
    /// In this directory, which must exist.
    Directory(PathBuf),
}

/// A byte range of the object, as the OSS C++ SDK's `setRange`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, from 0.
    pub start: i64,
    /// Last byte, inclusive; −1 means the object's end.
    pub end: i64,
}

/// The behaviour when the target file exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Replace it once the new file is complete and verified.
    #[default]
    Replace,
    /// Leave it unchanged and fail with `FileAlreadyExists`.
    Fail,
    /// As `Replace`, but a file of the object's size is read first, and if it has the CRC-64 that the service stores
    /// for the object, the download succeeds without fetching a byte: [`Proof::ObjectCrc`], and all bytes count as
    /// reused.
    ///
    /// - One HEAD request with the conditions of the request is sent if there is a file. A service that refuses it is
    ///   asked for the object as if there were no file.
    /// - The file is only compared, not locked. With [`flush`](DownloadRequest::flush) it is flushed first, and what is
    ///   compared is what is on the disk, as far as the system allows. With
    ///   [`set_modified_time`](DownloadRequest::set_modified_time) it gets the object's time. A file that cannot be
    ///   read, flushed or changed so is replaced.
    /// - The checkpoint and the temporary file of an earlier run are removed.
    /// - With expected digests the file must have those too, and the proof is [`Proof::ExpectedDigest`].
    /// - A range and a processed object are downloaded as with `Replace`, and so is an object without a CRC-64 of which
    ///   no digest is expected. [`ClientOptions::verify_crc`](crate::ClientOptions::verify_crc) has no influence on this comparison. The file
    ///   of an encrypted object that is to be decrypted is encrypted again in memory.
    ///
    /// [`Proof::ObjectCrc`]: crate::Proof::ObjectCrc
    /// [`Proof::ExpectedDigest`]: crate::Proof::ExpectedDigest
    IfDifferent,
}

/// The behaviour when another run, of this process or of another one, downloads to the same file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// Fail with `Busy`.
    #[default]
    Fail,
    /// Wait until it has ended, then continue from what it has left: its checkpoint, or its finished file.
    ///
    /// - A file that was created or replaced since this download was started is compared with the object as with
    ///   [`Overwrite::IfDifferent`], so that the finished file of another run costs a HEAD request and is not fetched
    ///   again. If the service sends no CRC-64, the object is downloaded again. With [`Overwrite::Fail`] the file of
    ///   the other run is an error.
    /// - Several that wait for a file of this process start in the order of their calls. They are queued, cost no
    ///   thread, and start without a place in the client's queue until the file is free.
    /// - A run that waits for another process counts as running. It looks every 200 ms at the latest whether the files
    ///   are free; which of several processes is first is left to chance.
    /// - Waiting ends with a cancel, and with the deadline, whose error then says what was waited for. A paused download
    ///   goes on to wait when it is resumed. The status shows [`Phase::Queued`](crate::Phase::Queued).
    /// - Other processes are noticed by the locks of the files. Where a file system has none, this is as
    ///   [`WhenBusy::Fail`].
    Wait,
}

/// The order in which the bytes of the object are fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The connections divide the object among themselves: fewest requests.
    #[default]
    Default,
    /// From the start, for a program that reads the file while it grows ([`Status::contiguous_bytes`]): each connection
    /// takes the first missing bytes, about `part_size` of them, and none begins further than 2 × `thread_num` of
    /// these pieces after the first missing byte. A connection that has nothing to fetch within that distance takes a
    /// part of another one's piece, or waits. This takes more requests than the default, about one for each part, and
    /// more time if the connections are uneven.
    ///
    /// [`Status::contiguous_bytes`]: crate::Status::contiguous_bytes
    Sequential,
}

/// How the file's bytes get to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// [`WriteMode::Direct`] for a download of at least 64 MiB that is larger than a quarter of the memory that the
    /// system can make available (`MemAvailable` in `/proc/meminfo`, or the memory limit of the process's control group
    /// if that is lower), on a local file system; otherwise [`WriteMode::Buffered`]. The bytes that stay in memory make a
    /// file fast to read that is used at once; a file that does not fit there only displaces other files. With
    /// [`Order::Sequential`] always buffered, because the file is read while it grows.
    #[default]
    Auto,
    /// Through the page cache.
    Buffered,
    /// Past the page cache (`O_DIRECT`), except for the first and the last bytes of each connection, which do not fill a
    /// page. Needs less processor time and leaves the page cache as it is; the first reader of the file reads from the
    /// disk. Bytes of an earlier run are verified past the page cache, too. The file's disk blocks are allocated before
    /// writing where the file system can do that.
    ///
    /// Where the file system refuses, for example tmpfs and some FUSE file systems, the bytes are written through the
    /// page cache; a line in the log says so (`Info`).
    Direct,
}

/// Response headers that the service is asked to send instead of the object's own (`response-content-type` …).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHeaders {
    /// `response-content-type`
    pub content_type: Option<String>,
    /// `response-content-language`
    pub content_language: Option<String>,
    /// `response-expires`
    pub expires: Option<String>,
    /// `response-cache-control`
    pub cache_control: Option<String>,
    /// `response-content-disposition`
    pub content_disposition: Option<String>,
    /// `response-content-encoding`
    pub content_encoding: Option<String>,
}

/// A request to download one object, modelled on the OSS C++ SDK's `DownloadObjectRequest`.
///
/// Only `bucket` and `key`, or [`url`](DownloadRequest::url) in place of them, are required. The request is validated
/// when the download starts, before anything is sent or written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DownloadRequest {
    /// Bucket name: 3–63 characters of `a-z0-9-`, not starting or ending with `-`.
    pub bucket: String,
    /// Object key: 1–1023 bytes, not starting with `/` or `\`, and not the object's URL.
    pub key: String,
    /// Target file; default: the last segment of the key, or of the URL's decoded path, in the current directory.
    ///
    /// A symbolic link to a file, or to a name in an existing directory, stays a link: the file that it names when the
    /// download starts is created or replaced. A link in a directory where everybody may create one (sticky and
    /// world-writable, such as `/tmp`) must belong to this user or to the directory's owner.
    ///
    /// A file that replaces an existing one keeps that file's permission bits, and its owner and group if this process
    /// may set them. If the group cannot be kept, the group and others get only the permissions that both had.
    /// Set-user-ID, set-group-ID and sticky bits, access control lists, security labels and other extended attributes
    /// are not kept. The temporary file does not grant anyone else access that the existing file denies, with one
    /// exception: the group bits of a file with an access control list are the list's mask, and the group gets them
    /// all. A new file gets its mode from the umask.
    pub file_path: Option<PathBuf>,
    /// Location of the checkpoint; default: no checkpoint.
    pub checkpoint: Checkpoint,
    /// Part size in bytes: [`MIN_PART_SIZE`] … [`MAX_PART_SIZE`], default [`DEFAULT_PART_SIZE`].
    pub part_size: u64,
    /// Number of connections: 1 … [`MAX_THREAD_NUM`], default [`DEFAULT_THREAD_NUM`]. With `auto_concurrency` this is
    /// the largest number, and 0 means [`DEFAULT_AUTO_CONNECTIONS`]; otherwise 0 is refused.
    pub thread_num: u32,
    /// Range of the object to download; default: the whole object.
    pub range: Option<ByteRange>,
    /// Download only if the object's ETag is one of these.
    pub if_match: Vec<String>,
    /// Download only if the object's ETag is none of these.
    pub if_none_match: Vec<String>,
    /// Download only if the object was modified after this HTTP date.
    pub if_modified_since: Option<String>,
    /// Download only if the object was not modified after this HTTP date.
    pub if_unmodified_since: Option<String>,
    /// Response headers to override.
    pub response_headers: ResponseHeaders,
    /// Version of the object to download; default: the current one. Requires the permission `oss:GetObjectVersion`.
    pub version_id: Option<String>,
    /// `x-oss-traffic-limit`, bits per second for each connection: 819200 … 838860800; 0: no limit.
    pub traffic_limit: u64,
    /// Bandwidth limit in body bytes per second, over all connections of this download; 0: no limit.
    pub max_bandwidth: u64,
    /// `x-oss-request-payer: requester`
    pub requester_pays: bool,
    /// Additional headers for every request. With a [`url`](Self::url), see there.
    pub extra_headers: Vec<(String, String)>,
    /// Additional query parameters for every request.
    ///
    /// With `x-oss-process`, the object is downloaded as the service processes it, for example an image in another
    /// size. The service sends the result as one stream, often without its length and never with its checksum:
    ///
    /// - One request without a range is sent on one connection, whatever `part_size` and `thread_num` are.
    /// - `range` must not be set (`ValidateError`).
    /// - The download cannot be resumed. Nothing is recorded in the checkpoint; a record of the object as it is
    ///   stored, for the same file, is discarded. A stream that breaks is started over, at most
    ///   [`ClientOptions::max_attempts`](crate::ClientOptions::max_attempts) times in all.
    /// - [`Status::bytes_total`](crate::Status::bytes_total) may be `None` until the end; `check_space` and
    ///   `preallocate` then have no effect.
    /// - A body without a length must be chunked, because only its last chunk shows that it is complete.
    /// - The proof is [`Proof::Generation`](crate::Proof::Generation).
    pub extra_query: Vec<(String, String)>,
    /// The behaviour when the target exists.
    pub overwrite: Overwrite,
    /// Set the file's modification time from `Last-Modified`. Default off.
    pub set_modified_time: bool,
    /// Longest time for the whole download from the call that starts it, its time in the client's queue included, after
    /// which it fails with `Deadline`. Default: no limit.
    pub deadline: Option<Duration>,
    /// Check the free disk space before writing. Default on.
    pub check_space: bool,
    /// Allocate the file's disk blocks before writing. Default off.
    pub preallocate: bool,
    /// Flush the file to the disk before success is reported. Default on. When off, a power failure after success may
    /// leave the target empty, incomplete or missing, and the file that it replaced lost. A failed flush is reported as
    /// `FlushError`. The old file is then still there, unless the flush of the directory after the rename failed; the
    /// message says which.
    pub flush: bool,
    /// Read the whole file back and verify it before the rename. Default off; always done on file systems whose locks
    /// cannot be trusted.
    pub verify_before_rename: bool,
    /// Download an object that was encrypted on the client side (`x-oss-meta-client-side-encryption-key`) as it is
    /// stored, still encrypted. Default off: such an object is decrypted, or rejected when the client has no key for it.
    pub allow_encrypted: bool,
    /// How the file's bytes get to the disk. Default [`WriteMode::Auto`]. It has no influence on what is safe after a
    /// power failure; for that see [`flush`](Self::flush).
    pub write_mode: WriteMode,
    /// Takes the events of the download.
    pub(crate) events: Option<Subscription>,
    /// Any number: the events of the download and the traces of its requests carry it. Downloads may share one.
    /// Default 0.
    pub tag: u64,
    /// Downloads with a higher priority start first if the client does not start all at once
    /// ([`ClientOptions::max_active_downloads`](crate::ClientOptions::max_active_downloads)). Downloads of one priority
    /// start in the order of their calls. Any number; default 0.
    pub priority: i32,
    /// The order in which the bytes are fetched. An object that comes in one stream is fetched from the start in any
    /// case.
    pub order: Order,
    /// Let the download find its number of connections, between 1 and `thread_num`. Default off. See
    /// [`DownloadRequest::auto_concurrency`].
    pub auto_concurrency: bool,
    /// SHA-256 that the file must have, or else the download fails with `DigestMismatch`. Default: none.
    ///
    /// An expected digest is that of the file: of the range if only a range is downloaded, of the decrypted bytes if the
    /// object is decrypted, of the result if the object is processed. It is compared before the rename, also when
    /// every byte is from an earlier run. The file is hashed while it grows, on a thread of its own, so that little is
    /// left to hash at the end; a small one is hashed when it is complete.
    ///
    /// If it differs and the object's CRC-64 was not compared, bytes that the disk has damaged, or else all bytes, are
    /// fetched once more. If it differs again, or if the object's CRC-64 has shown that the file is the object, the
    /// download fails. It keeps no checkpoint then, and the old file stays.
    ///
    /// A download whose digest is right has the proof [`Proof::ExpectedDigest`](crate::Proof::ExpectedDigest). Like the
    /// object's CRC-64, the digest proves bytes that cannot be pinned with `If-Match`, of a service that refuses its own
    /// ETag or of an object that grows.
    pub expected_sha256: Option<Sha256>,
    /// MD5 that the file must have; see [`expected_sha256`](Self::expected_sha256). Default: none.
    pub expected_md5: Option<Md5>,
    /// CRC-64 that the file must have; see [`expected_sha256`](Self::expected_sha256). Default: none.
    ///
    /// It needs no pass over the bytes, unless they are decrypted. If the service states another CRC-64 for the whole
    /// object, the download fails before it fetches anything, and keeps the checkpoint of an earlier run.
    pub expected_crc64: Option<Crc64>,
    /// The behaviour when another run downloads to the same file.
    pub when_busy: WhenBusy,
    /// URL of the object, in place of `bucket` and `key`, which must be empty: `http` or `https`, at most 16 KiB, without
    /// a user name. It may be a presigned URL of OSS (V1 or V4), a link of a CDN or a custom domain, or a public link of
    /// any HTTP/1.1 server. The client's endpoint, region and credentials are not used; the client may have none.
    ///
    /// - It is sent as it is, without its fragment. Requests carry `Range`, `If-Match` and the extra headers, and no other
    ///   header that a signature would have to cover. So `version_id`, `traffic_limit`, `requester_pays`,
    ///   `response_headers` and `extra_query` must not be set (`ValidateError`): they belong into the URL when it is
    ///   signed.
    /// - A server that supports ranges and sends a strong ETag is used like OSS. Without a strong ETag, without ranges,
    ///   or with a chunked body without a length, the object is fetched in one stream that cannot be resumed. A CRC-64 in
    ///   `x-oss-hash-crc64ecma` is compared. A body that was compressed in transit is an error.
    /// - A download is resumed when host, path, ETag and size are the same, whatever the query is. No query appears in
    ///   the checkpoint, a message, a log line or a trace.
    /// - Up to five redirects in a row are followed, but never from `https` to `http`; others end the download with
    ///   `RedirectError`. The extra headers, which may be credentials and here also may be `Authorization`, are sent only
    ///   to the scheme, host and port of this URL, except `Accept`, `Accept-Language`, `Cache-Control`, `Pragma` and
    ///   `User-Agent`. When an address that a redirect gave stops working, the URL is asked again.
    /// - With `x-oss-process` in its query, the object is processed; see `extra_query`.
    /// - When it expires, `url_provider` is asked; without one the download fails.
    pub url: Option<SourceUrl>,
    /// Supplies a new URL when the one of the download has expired: its `Expires`, or `x-oss-date` and `x-oss-expires`,
    /// say so, the server answers 400, 401 or 403 and calls it expired, or it answers 403 to a URL that has worked before.
    /// The download goes on at its byte if the new URL has the same object (ETag and size); otherwise the object has
    /// changed. The new URL may have another host, but not `http` after `https`. A provider without
    /// a usable URL ends the download with `UrlProviderError`. Only with `url`.
    pub url_provider: Option<SharedUrlProvider>,
    /// Let the outcome say what the file consists of.
    pub(crate) keep_extents: bool,
}

impl DownloadRequest {
    /// A request for `key` in `bucket` with every default.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        DownloadRequest {
            bucket: bucket.into(),
            key: key.into(),
            file_path: None,
            checkpoint: Checkpoint::Off,
            part_size: DEFAULT_PART_SIZE,
            thread_num: DEFAULT_THREAD_NUM,
            range: None,
            if_match: Vec::new(),
            if_none_match: Vec::new(),
            if_modified_since: None,
            if_unmodified_since: None,
            response_headers: ResponseHeaders::default(),
            version_id: None,
            traffic_limit: 0,
            max_bandwidth: 0,
            requester_pays: false,
            extra_headers: Vec::new(),
            extra_query: Vec::new(),
            overwrite: Overwrite::Replace,
            set_modified_time: false,
            deadline: None,
            check_space: true,
            preallocate: false,
            flush: true,
            verify_before_rename: false,
            allow_encrypted: false,
            write_mode: WriteMode::Auto,
            events: None,
            tag: 0,
            priority: 0,
            order: Order::Default,
            auto_concurrency: false,
            expected_sha256: None,
            expected_md5: None,
            expected_crc64: None,
            when_busy: WhenBusy::Fail,
            url: None,
            url_provider: None,
            keep_extents: false,
        }
    }

    /// What the file must have.
    pub(crate) fn expected_digests(&self) -> Digests {
        Digests { sha256: self.expected_sha256, md5: self.expected_md5, crc64: self.expected_crc64 }
    }

    /// A request for the object at `url` with every default; see [`DownloadRequest::url`].
    pub fn from_url(url: impl Into<SourceUrl>) -> Self {
        DownloadRequest { url: Some(url.into()), ..DownloadRequest::new("", "") }
    }

    /// The most connections that the download may have.
    pub(crate) fn most_connections(&self) -> u32 {
        match self.thread_num {
            0 if self.auto_concurrency => DEFAULT_AUTO_CONNECTIONS,
            0 => 1,
            connections => connections,
        }
    }

    /// Whether the download waits for another run that downloads to the same file.
    pub(crate) fn waits_if_busy(&self) -> bool {
        self.when_busy == WhenBusy::Wait
    }

    /// The object's name in messages. It contains no query.
    pub(crate) fn object(&self) -> String {
        match (&self.url, self.address()) {
            (None, _) => format!("oss://{}/{}", self.bucket, self.key),
            (Some(_), Some(address)) => address.to_string(),
            (Some(_), None) => "the URL".to_owned(),
        }
    }

    /// The parsed URL, if the request has a valid one.
    pub(crate) fn address(&self) -> Option<WebAddress> {
        WebAddress::parse(self.url.as_ref()?.as_str()).ok()
    }

    /// Bucket and key that identify the download in its checkpoint: those of a URL are empty and `//host:port/path`.
    pub(crate) fn identity(&self) -> (String, String) {
        match self.address() {
            None => (self.bucket.clone(), self.key.clone()),
            Some(address) => (String::new(), address.identity()),
        }
    }

    /// Whether the request has conditions on the state of the object.
    pub(crate) fn has_conditions(&self) -> bool {
        !self.if_match.is_empty()
            || !self.if_none_match.is_empty()
            || self.if_modified_since.is_some()
            || self.if_unmodified_since.is_some()
    }

    /// Whether the service is asked to process the object, so that what it sends is not the object as it is stored.
    pub(crate) fn is_processed(&self) -> bool {
        self.extra_query.iter().any(|(name, _)| name == PROCESS)
            || self.address().is_some_and(|address| address.parameter(PROCESS).is_some())
    }

    /// The file name when the request sets none: the last segment of the key, or of the URL's decoded path.
    /// `ValidateError` if that is not a valid file name or is too long for one.
    pub fn default_file_name(&self) -> Result<Cow<'_, str>> {
        let (what, path) = match &self.url {
            None => ("object key", Cow::Borrowed(self.key.as_str())),
            Some(_) => ("path of the URL", Cow::Owned(self.decoded_path()?)),
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let why = match name {
            "" | "." | ".." => "does not end in a file name".to_owned(),
            _ if name.contains('\0') => "ends in a segment with a NUL byte".to_owned(),
            _ if name.len() > MAX_FILE_NAME => format!(
                "ends in a segment of {} bytes, too long for a file name, which has at most {MAX_FILE_NAME}",
                name.len()
            ),
            _ => {
                let start = path.len() - name.len();
                return Ok(match path {
                    Cow::Borrowed(path) => Cow::Borrowed(&path[start..]),
                    Cow::Owned(mut path) => Cow::Owned(path.split_off(start)),
                });
            }
        };
        let path = path.escape_debug();
        Err(Error::validation(format!("the {what} '{path}' {why}; set file_path")))
    }

    fn decoded_path(&self) -> Result<String> {
        let decoded = self.address().and_then(|address| address.decoded_path());
        decoded.ok_or_else(|| {
            Error::validation(
                "the path of the URL is not UTF-8, so it names no file; set file_path",
            )
        })
    }

    /// Sets the target file.
    #[must_use]
    pub fn file_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.file_path = Some(path.into());
        self
    }

    /// Keeps the checkpoint in `directory`, which enables resuming.
    #[must_use]
    pub fn checkpoint_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.checkpoint = Checkpoint::Directory(directory.into());
        self
    }

    /// Sets the part size, in bytes.
    #[must_use]
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes;
        self
    }

    /// Sets the number of connections.
    #[must_use]
    pub fn thread_num(mut self, connections: u32) -> Self {
        self.thread_num = connections;
        self
    }

    /// Lets the download find its number of connections: 1 … `most`; 0 means [`DEFAULT_AUTO_CONNECTIONS`].
    ///
    /// It starts with one and adds more while they make it faster: by at least 5 % for each one added, or, from ten
    /// connections on, by at least half of what they would bring on a path without a limit. It gives up those that
    /// bring nothing, adds none while the service throttles or delays its traffic, and tries again when the rate
    /// changes and, rarely, when it does not. Each step adds half of the connections; where a first byte takes 100 ms or
    /// longer, the first steps multiply a few connections by up to eight. A small object ends before the number is
    /// found: a fixed `thread_num` is faster then. The client's limit
    /// ([`ClientOptions::max_connections`](crate::ClientOptions::max_connections)) holds as for every download.
    #[must_use]
    pub fn auto_concurrency(mut self, most: u32) -> Self {
        (self.auto_concurrency, self.thread_num) = (true, most);
        self
    }

    /// Asks `provider` for a new URL when the one of the download has expired; see [`DownloadRequest::url_provider`].
    #[must_use]
    pub fn url_provider(mut self, provider: impl UrlProvider + 'static) -> Self {
        self.url_provider = Some(Arc::new(provider));
        self
    }

    /// Downloads only bytes `start..=end`; `end` −1 means the object's end.
    #[must_use]
    pub fn range(mut self, start: i64, end: i64) -> Self {
        self.range = Some(ByteRange { start, end });
        self
    }
}
