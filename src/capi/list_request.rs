//! Requests for listings.

use std::ffi::c_char;

use super::failure::Result;
use super::sized::{self, size_first};
use super::switches::{limit, switch};
use super::text::{optional, required};
use crate::model::listing::ListRequest;

/// What to list; see oss_resumable_list_objects(). Only `bucket` is required.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_list_request {
    /// `sizeof(oss_resumable_list_request)`.
    pub struct_size: usize,
    /// Bucket name.
    pub bucket: *const c_char,
    /// Only keys that begin with this, at most 1023 bytes; NULL: all.
    pub prefix: *const c_char,
    /// Keys that contain this text behind the prefix are not listed one by one: what they have in common up to its end
    /// is listed once, as ::OSS_RESUMABLE_ENTRY_COMMON_PREFIX. `/` lists one level of what looks like directories. At
    /// most 1023 bytes; NULL: none.
    pub delimiter: *const c_char,
    /// Only keys behind this one, which need not exist; at most 1023 bytes. NULL: from the first one.
    pub start_after: *const c_char,
    /// Longest time for the whole listing from the call that starts it, in milliseconds, after which it fails with
    /// ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
    pub deadline_ms: i64,
    /// Largest number of entries in one page, 1 … 1000. 0: 1000. The listing goes through all pages, whatever their size;
    /// one page is in memory at a time.
    pub max_keys: u32,
    /// The requester pays for the requests: default (off), on or off.
    pub requester_pays: i32,
}
size_first!(oss_resumable_list_request);

/// Copies the caller's request.
///
/// # Safety
/// `source` is NULL or points to `struct_size` readable bytes, whose strings are NULL or NUL-terminated.
pub unsafe fn read(source: *const oss_resumable_list_request) -> Result<ListRequest> {
    // SAFETY: this function's contract.
    let c = unsafe { sized::read(source) }?;
    // SAFETY: strings are NULL or NUL-terminated.
    let mut request = unsafe {
        let mut request = ListRequest::new(required(c.bucket, "bucket")?);
        request.prefix = optional(c.prefix, "prefix")?.unwrap_or_default();
        request.delimiter = optional(c.delimiter, "delimiter")?;
        request.start_after = optional(c.start_after, "start_after")?;
        request
    };
    if c.max_keys != 0 {
        request.max_keys = c.max_keys;
    }
    request.requester_pays = switch(c.requester_pays, request.requester_pays, "requester_pays")?;
    request.deadline = limit(c.deadline_ms, request.deadline, "deadline_ms")?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem;
    use std::ptr;
    use std::time::Duration;

    fn zeroed() -> oss_resumable_list_request {
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut request: oss_resumable_list_request = unsafe { mem::zeroed() };
        request.struct_size = size_of::<oss_resumable_list_request>();
        request.bucket = c"examplebucket".as_ptr();
        request
    }

    fn read_one(c: &oss_resumable_list_request) -> Result<ListRequest> {
        // SAFETY: a live struct with literals for strings.
        unsafe { read(ptr::from_ref(c)) }
    }

    #[test]
    fn zero_is_every_default() {
        let default = ListRequest::new("examplebucket");
        assert_eq!(format!("{:?}", read_one(&zeroed()).expect("request")), format!("{default:?}"));
    }

    #[test]
    fn each_field_reaches_its_place() {
        let mut c = zeroed();
        (c.prefix, c.delimiter, c.start_after) = (c"p".as_ptr(), c"d".as_ptr(), c"s".as_ptr());
        (c.deadline_ms, c.max_keys, c.requester_pays) = (9, 7, 1);
        let mut r = ListRequest::new("examplebucket").prefix("p").delimiter("d").start_after("s");
        (r.deadline, r.max_keys, r.requester_pays) = (Some(Duration::from_millis(9)), 7, true);
        assert_eq!(format!("{:?}", read_one(&c).expect("request")), format!("{r:?}"));
    }

    #[test]
    fn values_that_a_field_does_not_have_are_refused_by_the_fields_name() {
        let refused = |change: &dyn Fn(&mut oss_resumable_list_request)| {
            let mut c = zeroed();
            change(&mut c);
            read_one(&c).expect_err("refused").message().to_owned()
        };
        assert!(refused(&|c| c.bucket = ptr::null()).contains("bucket"));
        assert!(refused(&|c| c.prefix = c"\xff".as_ptr()).contains("prefix"));
        assert!(refused(&|c| c.requester_pays = 7).contains("requester_pays"));
        assert!(refused(&|c| c.deadline_ms = -9).contains("deadline_ms"));
    }
}
