//! Requests for prefix downloads.

use std::ffi::c_char;
use std::path::PathBuf;

use super::event_queue::oss_resumable_event_queue;
use super::failure::Result;
use super::handle::Handle;
use super::request::{self, oss_download_object_request};
use super::sized::{self, size_first};
use super::switches::{self, limit, switch};
use super::text::{optional, required};
use crate::model::prefix::PrefixRequest;

/// Which objects are downloaded, and where to; see oss_resumable_download_prefix(). Only `bucket` and `directory` are
/// required.
///
/// The path of an object's file is its key without everything up to the last `/` of the prefix, in the directory: with the
/// prefix `models/llama` or `models/`, the key `models/llama/a.bin` becomes `llama/a.bin`. Directories are created as
/// needed. A key that ends in `/` is a directory marker: a directory is created, and no file.
///
/// These keys are not downloaded, and each gets an error in the result:
/// - `UnsafeKey`: the path would have an empty segment, or a segment `.` or `..`, so that it might lead elsewhere; it
///   contains a backslash, which other systems take for a separator, or a control character; a segment or the path is too
///   long; it begins with the name of the manifest's directory, `.oss-resumable`; or a directory marker has content.
/// - `KeyCollision`: the path is that of another key's file, on a file system that does not distinguish upper and lower
///   case (both keys get the error); it is a directory for other keys, as that of `a` is for `a/b`; or it is that of
///   another key's temporary file, as `a.temp` is for `a` (the other keys are downloaded).
/// - `UnsafePath`: a part of the path is a symbolic link. Links below the directory are not followed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_prefix_request {
    /// `sizeof(oss_resumable_prefix_request)`.
    pub struct_size: usize,
    /// Bucket name.
    pub bucket: *const c_char,
    /// Only keys that begin with this, at most 1023 bytes; NULL: the whole bucket.
    pub prefix: *const c_char,
    /// Where the files are created; it must exist.
    pub directory: *const c_char,
    /// Directory of the manifest and of the checkpoints of unfinished objects; it must exist, and other prefix downloads may
    /// use it too. NULL: `.oss-resumable` in `directory`, which is created.
    pub manifest_dir: *const c_char,
    /// Only keys behind this one, which need not exist; at most 1023 bytes. NULL: from the first one.
    pub start_after: *const c_char,
    /// How each object is downloaded; NULL: with every default. Limits such as `thread_num` and `max_bandwidth` are those of
    /// one object. These are not set: `bucket`, `key`, `file_path`, `checkpoint_dir`, `enable_checkpoint`, `progress`, a
    /// range, a version, conditions, `x-oss-process`, expected digests, `event_queue` and `deadline_ms`. With `requester_pays` the listing is
    /// paid by the requester too.
    pub objects: *const oss_download_object_request,
    /// Longest time for everything from the call that starts it, in milliseconds, after which it fails with
    /// ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
    pub deadline_ms: i64,
    /// Read every file that is there already and compare it with its checksums: default (off), on or off. When off, a file
    /// that has the size, the modification time and the inode that it had after its download counts as unchanged.
    pub verify: i32,
    /// Must be zero.
    pub reserved: u32,
    /// Takes the events of the prefix download, or NULL. It may be freed before the download ends. The prefix download
    /// reports as one download, its objects report nothing of their own; ::oss_resumable_event says what its events
    /// contain. The same queue may take the events of other downloads.
    pub event_queue: *mut oss_resumable_event_queue,
    /// Any number: each event of the prefix download carries it. The traces of its requests carry `tag` of `objects`.
    pub tag: u64,
}
size_first!(oss_resumable_prefix_request);

/// Copies the caller's request.
///
/// # Safety
/// `source` is NULL or points to `struct_size` readable bytes, whose strings are NULL or NUL-terminated, and whose
/// `objects` is NULL or as `request::read` wants it, and whose event queue is NULL or live.
pub unsafe fn read(source: *const oss_resumable_prefix_request) -> Result<PrefixRequest> {
    // SAFETY: this function's contract.
    let c = unsafe { sized::read(source) }?;
    switches::reserved(c.reserved, "reserved")?;
    // SAFETY: strings are NULL or NUL-terminated; `objects` and the queue are NULL or valid.
    let mut request = unsafe {
        let bucket = required(c.bucket, "bucket")?;
        let prefix = optional(c.prefix, "prefix")?.unwrap_or_default();
        let directory = PathBuf::from(required(c.directory, "directory")?);
        let mut request = PrefixRequest::new(bucket, prefix, directory);
        request.manifest_dir = optional(c.manifest_dir, "manifest_dir")?.map(PathBuf::from);
        request.start_after = optional(c.start_after, "start_after")?;
        if !c.objects.is_null() {
            request.objects = request::read_for_prefix(c.objects)?;
        }
        if !c.event_queue.is_null() {
            let queue = oss_resumable_event_queue::hold(c.event_queue)?;
            request = request.event_queue(queue.inner(), c.tag);
        }
        request
    };
    request.tag = c.tag;
    request.verify = switch(c.verify, request.verify, "verify")?;
    request.deadline = limit(c.deadline_ms, request.deadline, "deadline_ms")?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::event_queue::{oss_resumable_event_queue_free, oss_resumable_event_queue_new};
    use crate::event_queue::EventQueue;
    use std::mem;
    use std::ptr;
    use std::time::Duration;

    fn zeroed() -> oss_resumable_prefix_request {
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut request: oss_resumable_prefix_request = unsafe { mem::zeroed() };
        request.struct_size = size_of::<oss_resumable_prefix_request>();
        (request.bucket, request.directory) = (c"examplebucket".as_ptr(), c"out".as_ptr());
        request
    }

    fn objects() -> oss_download_object_request {
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut request: oss_download_object_request = unsafe { mem::zeroed() };
        request.struct_size = size_of::<oss_download_object_request>();
        request
    }

    fn read_one(c: &oss_resumable_prefix_request) -> Result<PrefixRequest> {
        // SAFETY: a live struct with literals for strings.
        unsafe { read(ptr::from_ref(c)) }
    }

    #[test]
    fn zero_is_every_default() {
        let default = format!("{:?}", PrefixRequest::new("examplebucket", "", "out"));
        assert_eq!(format!("{:?}", read_one(&zeroed()).expect("request")), default);
        let (mut c, objects) = (zeroed(), objects());
        c.objects = ptr::from_ref(&objects);
        assert_eq!(format!("{:?}", read_one(&c).expect("request")), default);
    }

    #[test]
    fn each_field_reaches_its_place() {
        let (mut c, mut objects) = (zeroed(), objects());
        (c.prefix, c.manifest_dir, c.start_after) = (c"p".as_ptr(), c"m".as_ptr(), c"s".as_ptr());
        (c.deadline_ms, c.verify, c.tag) = (9, 1, 7);
        let mut queue = ptr::null_mut();
        // SAFETY: a live output; the error is not wanted.
        unsafe { oss_resumable_event_queue_new(&raw mut queue, ptr::null_mut()) };
        c.event_queue = queue;
        (objects.part_size, objects.requester_pays) = (123, 1);
        c.objects = ptr::from_ref(&objects);
        let mut r = PrefixRequest::new("examplebucket", "p", "out");
        (r.manifest_dir, r.start_after) = (Some("m".into()), Some("s".to_owned()));
        (r.deadline, r.verify) = (Some(Duration::from_millis(9)), true);
        r = r.event_queue(&EventQueue::new().expect("queue"), 7);
        (r.objects.part_size, r.objects.requester_pays) = (123, true);
        assert_eq!(format!("{:?}", read_one(&c).expect("request")), format!("{r:?}"));
        // SAFETY: made above.
        unsafe { oss_resumable_event_queue_free(queue) };
    }

    #[test]
    fn values_that_a_field_does_not_have_are_refused_by_the_fields_name() {
        let refused = |change: &dyn Fn(&mut oss_resumable_prefix_request)| {
            let mut c = zeroed();
            change(&mut c);
            read_one(&c).expect_err("refused").message().to_owned()
        };
        assert!(refused(&|c| c.bucket = ptr::null()).contains("bucket"));
        assert!(refused(&|c| c.directory = ptr::null()).contains("directory"));
        assert!(refused(&|c| c.prefix = c"\xff".as_ptr()).contains("prefix"));
        assert!(refused(&|c| c.verify = 7).contains("verify"));
        assert!(refused(&|c| c.deadline_ms = -9).contains("deadline_ms"));
        assert!(refused(&|c| c.reserved = 1).contains("reserved"));
    }
}
