//! Every allocation of the boundary is failed, one at a time: each call says so or succeeds, leaves nothing half-made, and
//! succeeds when it is repeated.

pub mod allocator;
mod callbacks;
mod elsewhere;
mod fixture;
mod lives;

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};
use std::time::Instant;

use super::codes::{OSS_RESUMABLE_ERR_OUT_OF_MEMORY, OSS_RESUMABLE_OK, oss_resumable_code};
use super::error::*;
use super::error_object::oss_resumable_error;
use crate::model::trace::{RequestEnd, RequestTrace};
use allocator::{Fails, Turn};

thread_local! {
    static NOTED: Cell<u32> = const { Cell::new(0) };
}

/// Plays `life` without a failure, and then with each of its allocations failed: that one alone, and all from that one
/// on until the call has ended. Returns how many failures there were. Each must have been noted once, and nothing may be
/// alive at the end of a life.
pub fn fail_each(mut life: impl FnMut()) -> u32 {
    let turn = Turn::wait();
    let mut play = |fails| {
        NOTED.set(0);
        allocator::start(&turn, fails);
        life();
        let seen = allocator::stop();
        assert_eq!(allocator::alive(), 0, "{fails:?}: leaked");
        assert_eq!(NOTED.get(), u32::from(seen.failed > 0), "{fails:?}: noted");
        seen
    };
    let all = play(Fails::Never).marked;
    let mut failures = 0;
    for number in 1..=all {
        for fails in [Fails::Only(number), Fails::From(number)] {
            assert!(play(fails).failed > 0, "{fails:?} of {all} was not reached");
            failures += 1;
        }
    }
    failures
}

/// A failure has shown itself; from now on there is memory.
pub fn note_failure() {
    NOTED.set(NOTED.get() + 1);
    allocator::relent();
}

/// Makes a call, and repeats it if it runs out of memory. Then it has kept no memory.
fn repeated(mut call: impl FnMut() -> oss_resumable_code) -> oss_resumable_code {
    let (alive, failed) = (allocator::alive(), allocator::seen().failed);
    let code = call();
    if code != OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
        return code;
    }
    assert!(allocator::seen().failed > failed, "nothing failed");
    assert!(allocator::alive() <= alive, "it kept memory");
    note_failure();
    let code = call();
    assert_ne!(code, OSS_RESUMABLE_ERR_OUT_OF_MEMORY);
    code
}

/// As [`repeated`]; checks the error, which is the caller's.
fn told(
    mut call: impl FnMut(*mut *mut oss_resumable_error) -> oss_resumable_code,
) -> (oss_resumable_code, *mut oss_resumable_error) {
    let mut error = ptr::null_mut();
    let code = repeated(|| {
        error = ptr::null_mut();
        let code = call(&raw mut error);
        assert_eq!(error.is_null(), code == OSS_RESUMABLE_OK, "`err` is written on failure");
        if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
            assert_eq!(text(error, oss_resumable_error_code), "OutOfMemory");
            // SAFETY: just received.
            unsafe {
                assert_eq!(oss_resumable_error_kind(error), code);
                oss_resumable_error_free(error);
            }
        }
        code
    });
    (code, error)
}

/// As [`told`], of a call that succeeds.
fn done(call: impl FnMut(*mut *mut oss_resumable_error) -> oss_resumable_code) {
    let (code, error) = told(call);
    assert_eq!(code, OSS_RESUMABLE_OK, "{}", text(error, oss_resumable_error_message));
}

/// As [`done`]; returns the output.
fn made<T>(
    mut call: impl FnMut(*mut *mut T, *mut *mut oss_resumable_error) -> oss_resumable_code,
) -> *mut T {
    let untouched = NonNull::dangling().as_ptr();
    let mut out = untouched;
    done(|err| {
        let code = call(&raw mut out, err);
        assert_eq!(out == untouched, code != OSS_RESUMABLE_OK, "`out` is written on success");
        code
    });
    out
}

/// As [`told`], of a call that fails with this kind and error code. Returns the parts of the error that are not always
/// there.
fn refused(
    (kind, code): (oss_resumable_code, &str),
    call: impl FnMut(*mut *mut oss_resumable_error) -> oss_resumable_code,
) -> [String; 4] {
    let (returned, error) = told(call);
    assert_eq!((returned, text(error, oss_resumable_error_code).as_str()), (kind, code));
    assert!(!text(error, oss_resumable_error_message).is_empty());
    // SAFETY: just received.
    if unsafe { oss_resumable_error_json(error) }.is_null() {
        note_failure();
    }
    assert!(text(error, oss_resumable_error_json).starts_with('{'));
    let parts = [
        text(error, oss_resumable_error_request_id),
        text(error, oss_resumable_error_host_id),
        text(error, oss_resumable_error_ec),
        text(error, oss_resumable_error_path),
    ];
    // SAFETY: just received.
    unsafe {
        assert_eq!(oss_resumable_error_kind(error), kind);
        oss_resumable_error_free(error);
    }
    parts
}

/// A string of an object; empty if it has none.
fn text<T>(object: *const T, getter: unsafe extern "C" fn(*const T) -> *const c_char) -> String {
    // SAFETY: NULL, or a live object with its string.
    unsafe {
        let text = getter(object);
        if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into() }
    }
}

/// A trace in which every text is there.
fn trace() -> RequestTrace {
    let now = Instant::now();
    RequestTrace {
        tag: 1,
        slot: 0,
        is_head: false,
        range_start: 0,
        range_end: None,
        started: now,
        connected: None,
        first_byte: Some(now),
        ended: now,
        bytes: 1,
        status: 206,
        peer: Some(([203, 0, 113, 7], 443).into()),
        local_port: 1,
        is_reused: true,
        end: RequestEnd::Complete,
        curl_code: 0,
        request_id: Some("5C3D9175B6FC201293AD****".to_owned()),
    }
}
