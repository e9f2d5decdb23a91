//! `oss_download_object_request`.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::str::FromStr;

use super::callbacks::{Progress, UserData, oss_resumable_progress, oss_resumable_user_data_free};
use super::event_queue::oss_resumable_event_queue;
use super::failure::{Failure, Result};
use super::handle::Handle;
use super::lists::{self, oss_resumable_pair};
use super::sized::{self, size_first};
use super::switches::{self, limit, switch};
use super::text::{optional, required};
use super::url_provider::{oss_resumable_url_provider, url_provider};
use crate::model::error::Error;
use crate::model::request::{
    ByteRange, Checkpoint, DEFAULT_PART_SIZE, DEFAULT_THREAD_NUM, DownloadRequest, MAX_PART_SIZE,
    MAX_THREAD_NUM, MIN_PART_SIZE, Order, Overwrite, ResponseHeaders, WhenBusy, WriteMode,
};

/// Smallest `part_size`, in bytes (100 KiB).
pub const OSS_RESUMABLE_MIN_PART_SIZE: u64 = 102400;
/// Largest `part_size`, in bytes (5 GiB).
pub const OSS_RESUMABLE_MAX_PART_SIZE: u64 = 5368709120;
/// Default `part_size`, in bytes (8 MiB).
pub const OSS_RESUMABLE_DEFAULT_PART_SIZE: u64 = 8388608;
/// Default `thread_num`.
pub const OSS_RESUMABLE_DEFAULT_THREAD_NUM: u32 = 3;
/// Largest `thread_num`.
pub const OSS_RESUMABLE_MAX_THREAD_NUM: u32 = 1024;

// The header's limits are the library's.
const _: () = assert!(
    OSS_RESUMABLE_MIN_PART_SIZE == MIN_PART_SIZE
        && OSS_RESUMABLE_MAX_PART_SIZE == MAX_PART_SIZE
        && OSS_RESUMABLE_DEFAULT_PART_SIZE == DEFAULT_PART_SIZE
        && OSS_RESUMABLE_DEFAULT_THREAD_NUM == DEFAULT_THREAD_NUM
        && OSS_RESUMABLE_MAX_THREAD_NUM == MAX_THREAD_NUM
);

/// `overwrite`: replace an existing file once the new one is complete and verified.
pub const OSS_RESUMABLE_OVERWRITE_REPLACE: i32 = 0;
/// `overwrite`: if the target exists, leave it unchanged and fail with the code `FileAlreadyExists`.
pub const OSS_RESUMABLE_OVERWRITE_FAIL: i32 = 1;
/// `overwrite`: as ::OSS_RESUMABLE_OVERWRITE_REPLACE, but a file of the object's size is read first, and if it has the
/// CRC-64 that the service stores for the object, the download succeeds without fetching a byte:
/// ::OSS_RESUMABLE_PROOF_OBJECT_CRC, and all bytes count as reused.
///
/// - One HEAD request with the conditions of the request is sent if there is a file. A service that refuses it is asked
///   for the object as if there were no file.
/// - The file is only compared, not locked. With `flush` it is flushed first, and what is compared is what is on the
///   disk, as far as the system allows. With `set_modified_time` it gets the object's time. A file that cannot be read,
///   flushed or changed so is replaced.
/// - The checkpoint and the temporary file of an earlier run are removed.
/// - With expected digests the file must have those too, and the proof is ::OSS_RESUMABLE_PROOF_EXPECTED_DIGEST.
/// - A range and a processed object are downloaded as with ::OSS_RESUMABLE_OVERWRITE_REPLACE, and so is an object
///   without a CRC-64 of which no digest is expected. `verify_crc` of oss_resumable_client_options has no influence on this
///   comparison. The file of an encrypted object that is to be decrypted is encrypted again in memory.
pub const OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT: i32 = 2;
/// `when_busy`: fail with ::OSS_RESUMABLE_ERR_BUSY.
pub const OSS_RESUMABLE_BUSY_FAIL: i32 = 0;
/// `when_busy`: wait until the other run has ended, then continue from what it has left: its checkpoint, or its finished
/// file.
///
/// - A file that was created or replaced since this download was started is compared with the object as with
///   ::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT, so that the finished file of another run costs a HEAD request and is not
///   fetched again. If the service sends no CRC-64, the object is downloaded again. With ::OSS_RESUMABLE_OVERWRITE_FAIL
///   the file of the other run is an error.
/// - Several that wait for a file of this process start in the order of their calls. They are queued, cost no thread,
///   and start without a place in the client's queue until the file is free.
/// - A run that waits for another process counts as running. It looks every 200 ms at the latest whether the files are
///   free; which of several processes is first is left to chance.
/// - Waiting ends with a cancel, and with the deadline, whose error then says what was waited for. A paused download
///   goes on to wait when it is resumed. The status shows ::OSS_RESUMABLE_PHASE_QUEUED.
/// - Other processes are noticed by the locks of the files. Where a file system has none, this is as
///   ::OSS_RESUMABLE_BUSY_FAIL.
pub const OSS_RESUMABLE_BUSY_WAIT: i32 = 1;
/// `write_mode`: directly for a download of at least 64 MiB that is larger than a quarter of the memory that the system
/// can make available (`MemAvailable` in `/proc/meminfo`, or the memory limit of the process's control group if that is
/// lower), on a local file system; otherwise buffered. The bytes that stay in memory make a file fast to read that is
/// used at once; a file that does not fit there only displaces other files. With ::OSS_RESUMABLE_ORDER_SEQUENTIAL always
/// buffered, because the file is read while it grows.
pub const OSS_RESUMABLE_WRITE_MODE_AUTO: i32 = 0;
/// `write_mode`: through the page cache.
pub const OSS_RESUMABLE_WRITE_MODE_BUFFERED: i32 = 1;
/// `write_mode`: past the page cache (`O_DIRECT`), except for the first and the last bytes of each connection, which do
/// not fill a page. Needs less processor time and leaves the page cache as it is; the first reader of the file reads from
/// the disk. Bytes of an earlier run are verified past the page cache, too. The file's disk blocks are allocated before
/// writing where the file system can do that. Where the file system refuses, for example tmpfs and some FUSE file
/// systems, the bytes are written through the page cache; a line in the log says so (::OSS_RESUMABLE_LOG_INFO).
pub const OSS_RESUMABLE_WRITE_MODE_DIRECT: i32 = 2;

/// `order`: the connections divide the object among themselves: fewest requests.
pub const OSS_RESUMABLE_ORDER_DEFAULT: i32 = 0;
/// `order`: from the start, for a program that reads the file while it grows (`contiguous_bytes` of
/// ::oss_resumable_status): each connection takes the first missing bytes, about `part_size` of them, and none begins
/// further than 2 × `thread_num` of these pieces after the first missing byte. A connection that has nothing to fetch
/// within that distance takes a part of another one's piece, or waits. This takes more requests than the default, about
/// one for each part, and more time if the connections are uneven.
pub const OSS_RESUMABLE_ORDER_SEQUENTIAL: i32 = 1;

/// Names the object to download and the file to write, with options. Only `struct_size`, and `bucket` and `key` or
/// `url`, are required; zero in any other field selects its default. Strings are UTF-8. Everything is copied before the call that
/// receives the request returns, and validated before anything is sent or written.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_download_object_request {
    /// `sizeof(oss_download_object_request)`.
    pub struct_size: usize,
    /// Bucket name: 3–63 characters of `a-z0-9-`, not starting or ending with `-`. Required without `url`.
    pub bucket: *const c_char,
    /// Object key: 1–1023 bytes, not starting with `/` or `\`, and not the object's URL. Required without `url`.
    pub key: *const c_char,
    /// Target file. NULL: the last segment of the key, or of the URL's decoded path, in the current directory. An existing file is replaced only once
    /// the new one is complete and verified.
    /// A symbolic link to a file, or to a name in an existing directory, stays a link: the file that it names when the
    /// download starts is created or replaced. A link in a sticky, world-writable directory such as /tmp must belong to
    /// this user or to the owner of the directory.
    /// A file that replaces an existing one keeps that file's permission bits, and its owner and group if this process
    /// may set them. If the group cannot be kept, the group and others get only the permissions that both had.
    /// Set-user-ID, set-group-ID and sticky bits, access control lists, security labels and other extended attributes
    /// are not kept. The temporary file does not grant anyone else access that the existing file denies, with one
    /// exception: the group bits of a file with an access control list are the list's mask, and the group gets them
    /// all. A new file gets its mode from the umask.
    pub file_path: *const c_char,
    /// Directory of the checkpoint; it must exist. Setting it enables resuming. NULL: see `enable_checkpoint`.
    pub checkpoint_dir: *const c_char,
    /// Part size in bytes: ::OSS_RESUMABLE_MIN_PART_SIZE … ::OSS_RESUMABLE_MAX_PART_SIZE. 0: 8 MiB.
    pub part_size: u64,
    /// Number of connections: 1 … ::OSS_RESUMABLE_MAX_THREAD_NUM. 0: 3. With `auto_concurrency` this is the largest
    /// number, and 0 means 32.
    pub thread_num: u32,
    /// Download only `range_start` … `range_end`: default (off, both are ignored), on or off.
    pub has_range: i32,
    /// First byte of the range, from 0.
    pub range_start: i64,
    /// Last byte of the range, inclusive; −1 is the object's end.
    pub range_end: i64,
    /// `if_match_count` ETags; download only if the object has one of them.
    pub if_match: *const *const c_char,
    /// Number of ETags in `if_match`.
    pub if_match_count: usize,
    /// `if_none_match_count` ETags: download only if the object has none of them.
    pub if_none_match: *const *const c_char,
    /// Number of ETags in `if_none_match`.
    pub if_none_match_count: usize,
    /// HTTP date: download only if the object was modified after it, or NULL.
    pub if_modified_since: *const c_char,
    /// HTTP date: download only if the object was not modified after it, or NULL.
    pub if_unmodified_since: *const c_char,
    /// Sent as `response-content-type`, or NULL. The service then replies with this `Content-Type` instead of the
    /// object's.
    pub response_content_type: *const c_char,
    /// Sent as `response-content-language`, or NULL.
    pub response_content_language: *const c_char,
    /// Sent as `response-expires`, or NULL.
    pub response_expires: *const c_char,
    /// Sent as `response-cache-control`, or NULL.
    pub response_cache_control: *const c_char,
    /// Sent as `response-content-disposition`, or NULL.
    pub response_content_disposition: *const c_char,
    /// Sent as `response-content-encoding`, or NULL.
    pub response_content_encoding: *const c_char,
    /// Version of the object to download, or NULL for the current one. Requires the permission `oss:GetObjectVersion`.
    pub version_id: *const c_char,
    /// Bandwidth limit that the service is asked to apply to each connection, in bits per second: 819200 … 838860800.
    /// 0: no limit.
    pub traffic_limit: u64,
    /// `extra_headers_count` additional headers for every request. With `url`, see there.
    pub extra_headers: *const oss_resumable_pair,
    /// Number of pairs in `extra_headers`.
    pub extra_headers_count: usize,
    /// `extra_query_count` additional query parameters for every request.
    ///
    /// With `x-oss-process`, the object is downloaded as the service processes it, for example an image in another
    /// size. The service sends the result as one stream, often without its length and never with its checksum:
    ///
    /// - One request without a range is sent on one connection, whatever `part_size` and `thread_num` are.
    /// - `has_range` must be 0 (::OSS_RESUMABLE_ERR_VALIDATION).
    /// - The download cannot be resumed. Nothing is recorded in the checkpoint; a record of the object as it is
    ///   stored, for the same file, is discarded. A stream that breaks is started over, at most `max_attempts` times in
    ///   all.
    /// - `bytes_total` of the status may be −1 until the end; the check of the free space and `preallocate` then have
    ///   no effect.
    /// - A body without a length must be chunked, because only its last chunk shows that it is complete.
    /// - The proof is ::OSS_RESUMABLE_PROOF_GENERATION.
    pub extra_query: *const oss_resumable_pair,
    /// Number of pairs in `extra_query`.
    pub extra_query_count: usize,
    /// Longest time for the whole download from the call that starts it, its time in the client's queue included, in
    /// milliseconds, after which it fails with ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
    pub deadline_ms: i64,
    /// Reports the progress of the download, or NULL.
    pub progress: oss_resumable_progress,
    /// Passed to `progress`.
    pub user_data: *mut c_void,
    /// Frees `user_data`, or NULL.
    pub user_data_free: oss_resumable_user_data_free,
    /// Keep a checkpoint and resume from it: default (on when `checkpoint_dir` is set), on (in the target's directory
    /// when `checkpoint_dir` is NULL) or off.
    pub enable_checkpoint: i32,
    /// ::OSS_RESUMABLE_OVERWRITE_REPLACE, ::OSS_RESUMABLE_OVERWRITE_FAIL or ::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT.
    pub overwrite: i32,
    /// The requester pays for the traffic: default (off), on or off.
    pub requester_pays: i32,
    /// Set the file's modification time from `Last-Modified`: default (off), on or off.
    pub set_modified_time: i32,
    /// Check the free disk space before writing: default (on), on or off.
    pub check_space: i32,
    /// Allocate the file's disk blocks before writing: default (off), on or off.
    pub preallocate: i32,
    /// Flush the file to the disk before success is reported: default (on), on or off. When off, a power failure after
    /// success may leave the target empty, incomplete or missing, and the file that it replaced lost. A failed flush is
    /// reported as `FlushError`. The old file is then still there, unless the flush of the directory after the rename
    /// failed; the message says which.
    pub flush: i32,
    /// Read the whole file back and verify it before it is renamed to its target: default (off), on or off. Always done
    /// on file systems whose locks cannot be trusted.
    pub verify_before_rename: i32,
    /// Download an object that was encrypted on the client side as it is stored, still encrypted: default (off: such an
    /// object is decrypted, or rejected when the client has no key for it), on or off.
    pub allow_encrypted: i32,
    /// Must be zero.
    pub reserved: u32,
    /// Bandwidth limit in body bytes per second, over all connections of this download. 0: no limit. See
    /// oss_resumable_download_set_bandwidth().
    pub max_bandwidth: u64,
    /// Takes the events of the download, or NULL. It may be freed before the download ends; see
    /// ::oss_resumable_event_queue.
    pub event_queue: *mut oss_resumable_event_queue,
    /// Any number, for example an index or a pointer: each event of the download and each trace of its requests carries
    /// it. Downloads may share one.
    pub tag: u64,
    /// Downloads with a higher priority start first if the client does not start all at once; see
    /// `max_active_downloads` of oss_resumable_client_options. Downloads of one priority start in the order of their
    /// calls. Any number; see oss_resumable_download_set_priority().
    pub priority: i32,
    /// Must be zero.
    pub reserved2: u32,
    /// One of the `OSS_RESUMABLE_ORDER_…` values. An object that comes in one stream is fetched from the start in any
    /// case.
    pub order: i32,
    /// How the file's bytes get to the disk: ::OSS_RESUMABLE_WRITE_MODE_AUTO, ::OSS_RESUMABLE_WRITE_MODE_BUFFERED or
    /// ::OSS_RESUMABLE_WRITE_MODE_DIRECT. It has no influence on what is safe after a power failure; for that see
    /// `flush`.
    pub write_mode: i32,
    /// Let the download find its number of connections, between 1 and `thread_num`: default (off), on or off.
    ///
    /// It starts with one and adds more while they make it faster: by at least 5 % for each one added, or, from ten
    /// connections on, by at least half of what they would bring on a path without a limit. It gives up those that
    /// bring nothing, adds none while the service throttles or delays its traffic, and tries again when the rate
    /// changes and, rarely, when it does not. Each step adds half of the connections; where a first byte takes 100 ms or
    /// longer, the first steps multiply a few connections by up to eight. A small object ends before the number is
    /// found: a fixed `thread_num` is faster then. `max_connections` of oss_resumable_client_options holds as for every download.
    pub auto_concurrency: i32,
    /// Must be zero.
    pub reserved3: u32,
    /// SHA-256 that the file must have, or else the download fails with the code `DigestMismatch`
    /// (::OSS_RESUMABLE_ERR_INTEGRITY). NULL: none.
    ///
    /// It is written as 64 hexadecimal digits of either case or 44 characters of base64 with padding, after an optional
    /// `sha256:` as container tools write it, or as `sha256-` with base64 as in Subresource Integrity. The length tells
    /// hexadecimal digits from base64. Blanks and line ends around the text are ignored. Anything else, an empty text
    /// included, is refused (::OSS_RESUMABLE_ERR_VALIDATION).
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
    /// A download whose digest is right has the proof ::OSS_RESUMABLE_PROOF_EXPECTED_DIGEST. Like the object's CRC-64,
    /// the digest proves bytes that cannot be pinned with `If-Match`, of a service that refuses its own ETag or of an
    /// object that grows.
    pub expected_sha256: *const c_char,
    /// MD5 that the file must have: 32 hexadecimal digits or 24 characters of base64 as in `Content-MD5`, after an
    /// optional `md5:`, or `md5-` with base64. Otherwise as `expected_sha256`. It detects damage, not forgery. NULL: none.
    pub expected_md5: *const c_char,
    /// CRC-64/XZ that the file must have: a decimal number as in `x-oss-hash-crc64ecma`, or `0x` with 1 to 16
    /// hexadecimal digits; digits without `0x` are always decimal. Otherwise as `expected_sha256`. NULL: none.
    ///
    /// It needs no pass over the bytes, unless they are decrypted. If the service states another CRC-64 for the whole
    /// object, the download fails before it fetches anything, and keeps the checkpoint of an earlier run.
    pub expected_crc64: *const c_char,
    /// What to do if another run, of this process or of another one, downloads to the same file:
    /// ::OSS_RESUMABLE_BUSY_FAIL or ::OSS_RESUMABLE_BUSY_WAIT.
    pub when_busy: i32,
    /// Must be zero.
    pub reserved4: u32,
    /// URL of the object, in place of `bucket` and `key`, which must be NULL or empty: `http` or `https`, at most 16 KiB,
    /// without a user name. It may be a presigned URL of OSS (V1 or V4), a link of a CDN or a custom domain, or a public
    /// link of any HTTP/1.1 server. NULL: `bucket` and `key` name the object. The endpoint, the region and the
    /// credentials of the client are not used; the client may have none.
    ///
    /// - It is sent as it is, without its fragment. Requests carry `Range`, `If-Match` and the extra headers, and no other
    ///   header that a signature would have to cover. So `version_id`, `traffic_limit`, `requester_pays`, the
    ///   `response_…` fields and `extra_query` must not be set (::OSS_RESUMABLE_ERR_VALIDATION): they belong into the URL
    ///   when it is signed.
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
    pub url: *const c_char,
    /// Supplies a new URL when the one of the download has expired, or NULL: its `Expires`, or `x-oss-date` and
    /// `x-oss-expires`, say so, the server answers 400, 401 or 403 and calls it expired, or it answers 403 to a URL that
    /// has worked before. The download goes on at its byte if the new URL has the same object (ETag and size); otherwise
    /// the object has changed. The new URL may have another host, but not `http` after `https`. A provider without
    /// a usable URL ends the download with `UrlProviderError`. Only with `url`.
    pub url_provider: oss_resumable_url_provider,
    /// Passed to `url_provider`.
    pub url_provider_user_data: *mut c_void,
    /// Frees `url_provider_user_data` after the last call of `url_provider`, or NULL.
    pub url_provider_user_data_free: oss_resumable_user_data_free,
}
size_first!(oss_download_object_request);

/// Copies the caller's request and its progress callback.
///
/// # Safety
/// `source` is NULL or points to `struct_size` readable bytes, whose strings are NULL or NUL-terminated and whose
/// lists are as long as their counts, and whose event queue is NULL or live.
pub unsafe fn read(
    source: *const oss_download_object_request,
) -> Result<(DownloadRequest, Progress)> {
    // SAFETY: this function's contract.
    unsafe { convert(&sized::read(source)?) }
}

/// Copies the caller's request for each object of a prefix, which has neither bucket nor key.
///
/// # Safety
/// As [`read`].
pub unsafe fn read_for_prefix(
    source: *const oss_download_object_request,
) -> Result<DownloadRequest> {
    // SAFETY: this function's contract.
    let mut c = unsafe { sized::read(source) }?;
    for text in [&mut c.bucket, &mut c.key] {
        if text.is_null() {
            *text = c"".as_ptr();
        }
    }
    // SAFETY: this function's contract.
    let (request, progress) = unsafe { convert(&c) }?;
    if progress.is_wanted() {
        return Err(Failure::validation(format_args!(
            "the request for the objects of a prefix must not set progress"
        )));
    }
    Ok(request)
}

/// # Safety
/// As [`read`], for a copy of the struct.
unsafe fn convert(c: &oss_download_object_request) -> Result<(DownloadRequest, Progress)> {
    // First of all, so that the data is freed whatever else is wrong.
    let progress = Progress::new(c.progress, UserData::new(c.user_data, c.user_data_free));
    let provider_data = UserData::new(c.url_provider_user_data, c.url_provider_user_data_free);
    switches::reserved(c.reserved, "reserved")?;
    switches::reserved(c.reserved2, "reserved2")?;
    switches::reserved(c.reserved3, "reserved3")?;
    switches::reserved(c.reserved4, "reserved4")?;
    // SAFETY: strings and lists are as this function's contract says.
    let mut request = unsafe { strings(c) }?;
    // SAFETY: as above.
    request.checkpoint = unsafe { checkpoint(c) }?;
    numbers(c, &mut request)?;
    if let Some(provider) = url_provider(c.url_provider, provider_data) {
        request = request.url_provider(provider);
    }
    if !c.event_queue.is_null() {
        // SAFETY: a live queue, by this function's contract.
        let queue = unsafe { oss_resumable_event_queue::hold(c.event_queue) }?;
        request = request.event_queue(queue.inner(), c.tag);
    }
    Ok((request, progress))
}

unsafe fn strings(c: &oss_download_object_request) -> Result<DownloadRequest> {
    // SAFETY: strings are NULL or NUL-terminated and lists as long as their counts, by the contract of `read`.
    unsafe {
        let mut r = match optional(c.url, "url")? {
            None => DownloadRequest::new(required(c.bucket, "bucket")?, required(c.key, "key")?),
            Some(url) => {
                let mut r = DownloadRequest::from_url(url);
                r.bucket = optional(c.bucket, "bucket")?.unwrap_or_default();
                r.key = optional(c.key, "key")?.unwrap_or_default();
                r
            }
        };
        r.file_path = optional(c.file_path, "file_path")?.map(PathBuf::from);
        r.if_match = lists::strings(c.if_match, c.if_match_count, "if_match")?;
        r.if_none_match = lists::strings(c.if_none_match, c.if_none_match_count, "if_none_match")?;
        r.if_modified_since = optional(c.if_modified_since, "if_modified_since")?;
        r.if_unmodified_since = optional(c.if_unmodified_since, "if_unmodified_since")?;
        r.response_headers = ResponseHeaders {
            content_type: optional(c.response_content_type, "response_content_type")?,
            content_language: optional(c.response_content_language, "response_content_language")?,
            expires: optional(c.response_expires, "response_expires")?,
            cache_control: optional(c.response_cache_control, "response_cache_control")?,
            content_disposition: optional(
                c.response_content_disposition,
                "response_content_disposition",
            )?,
            content_encoding: optional(c.response_content_encoding, "response_content_encoding")?,
        };
        r.version_id = optional(c.version_id, "version_id")?;
        r.extra_headers = lists::pairs(c.extra_headers, c.extra_headers_count, "extra_headers")?;
        r.extra_query = lists::pairs(c.extra_query, c.extra_query_count, "extra_query")?;
        r.expected_sha256 = digest(c.expected_sha256, "expected_sha256")?;
        r.expected_md5 = digest(c.expected_md5, "expected_md5")?;
        r.expected_crc64 = digest(c.expected_crc64, "expected_crc64")?;
        Ok(r)
    }
}

/// # Safety
/// `text` is NULL or NUL-terminated.
unsafe fn digest<T: FromStr<Err = Error>>(text: *const c_char, name: &str) -> Result<Option<T>> {
    // SAFETY: this function's contract.
    let Some(text) = unsafe { optional(text, name) }? else { return Ok(None) };
    match text.parse() {
        Ok(digest) => Ok(Some(digest)),
        Err(error) => Err(Failure::validation(format_args!("{name}: {}", error.message()))),
    }
}

unsafe fn checkpoint(c: &oss_download_object_request) -> Result<Checkpoint> {
    // SAFETY: NULL or NUL-terminated by the contract of `read`.
    let directory = unsafe { optional(c.checkpoint_dir, "checkpoint_dir") }?;
    let wanted = switch(c.enable_checkpoint, directory.is_some(), "enable_checkpoint")?;
    Ok(match (wanted, directory) {
        (false, _) => Checkpoint::Off,
        (true, None) => Checkpoint::BesideTarget,
        (true, Some(directory)) => Checkpoint::Directory(PathBuf::from(directory)),
    })
}

fn numbers(c: &oss_download_object_request, request: &mut DownloadRequest) -> Result<()> {
    let r = request;
    if c.part_size != 0 {
        r.part_size = c.part_size;
    }
    if c.thread_num != 0 || switch(c.auto_concurrency, false, "auto_concurrency")? {
        r.thread_num = c.thread_num;
    }
    if switch(c.has_range, false, "has_range")? {
        r.range = Some(ByteRange { start: c.range_start, end: c.range_end });
    }
    r.traffic_limit = c.traffic_limit;
    r.max_bandwidth = c.max_bandwidth;
    r.priority = c.priority;
    r.tag = c.tag;
    r.order = match c.order {
        OSS_RESUMABLE_ORDER_DEFAULT => Order::Default,
        OSS_RESUMABLE_ORDER_SEQUENTIAL => Order::Sequential,
        other => return Err(switches::unknown("order", other)),
    };
    r.deadline = limit(c.deadline_ms, r.deadline, "deadline_ms")?;
    r.overwrite = match c.overwrite {
        OSS_RESUMABLE_OVERWRITE_REPLACE => Overwrite::Replace,
        OSS_RESUMABLE_OVERWRITE_FAIL => Overwrite::Fail,
        OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT => Overwrite::IfDifferent,
        other => return Err(switches::unknown("overwrite", other)),
    };
    r.when_busy = match c.when_busy {
        OSS_RESUMABLE_BUSY_FAIL => WhenBusy::Fail,
        OSS_RESUMABLE_BUSY_WAIT => WhenBusy::Wait,
        other => return Err(switches::unknown("when_busy", other)),
    };
    r.write_mode = match c.write_mode {
        OSS_RESUMABLE_WRITE_MODE_AUTO => WriteMode::Auto,
        OSS_RESUMABLE_WRITE_MODE_BUFFERED => WriteMode::Buffered,
        OSS_RESUMABLE_WRITE_MODE_DIRECT => WriteMode::Direct,
        other => return Err(switches::unknown("write_mode", other)),
    };
    for (value, field, name) in [
        (c.requester_pays, &mut r.requester_pays, "requester_pays"),
        (c.set_modified_time, &mut r.set_modified_time, "set_modified_time"),
        (c.check_space, &mut r.check_space, "check_space"),
        (c.preallocate, &mut r.preallocate, "preallocate"),
        (c.flush, &mut r.flush, "flush"),
        (c.verify_before_rename, &mut r.verify_before_rename, "verify_before_rename"),
        (c.allow_encrypted, &mut r.allow_encrypted, "allow_encrypted"),
        (c.auto_concurrency, &mut r.auto_concurrency, "auto_concurrency"),
    ] {
        *field = switch(value, *field, name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
