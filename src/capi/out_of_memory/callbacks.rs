//! Callbacks and their answers. They run on the library's threads; here the test calls them.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use super::{fail_each, note_failure, repeated, trace};
use crate::capi::callbacks::*;
use crate::capi::codes::*;
use crate::capi::counted::Counted;
use crate::capi::encryption::*;
use crate::capi::trace::{oss_resumable_trace_record, trace_sink};
use crate::capi::url_provider::*;
use crate::model::credentials::{AccessKey, CredentialsProvider};
use crate::model::encryption::{ContentKey, KeyUnwrapper, WrappedKey};
use crate::model::options::{FailedAttempt, LogLevel, RetryVerdict};
use crate::model::source_url::UrlProvider;

fn no_data() -> UserData {
    UserData::new(ptr::null_mut(), None)
}

/// The `user_data` of callbacks that are used in one life.
fn counted(data: *mut c_void) -> Counted<UserData> {
    let mut data = Counted::new(UserData::new(data, None));
    if data.is_err() {
        note_failure();
        data = Counted::new(no_data());
    }
    data.expect("memory")
}

fn asked(
    function: unsafe extern "C" fn(*mut oss_resumable_credentials_sink, *mut c_void),
) -> Result<AccessKey, String> {
    let data = counted(ptr::null_mut());
    credentials_provider(Some(function), &data).expect("a function").fetch()
}

fn unwrapped(
    function: unsafe extern "C" fn(
        *mut oss_resumable_content_key_sink,
        *const oss_resumable_wrapped_key,
        *mut c_void,
    ),
) -> Result<ContentKey, String> {
    let description = vec![("name".to_owned(), "value".to_owned())];
    let wrapped =
        WrappedKey::new(("bucket", "key"), "KMS", (Some("{}"), description), (b"wrapped", b"iv"));
    key_unwrapper(Some(function), no_data()).expect("a function").unwrap_key(&wrapped)
}

#[test]
fn each_allocation_of_a_providers_key_may_fail() {
    unsafe extern "C" fn provide(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
        let (id, secret, token) = (c"id".as_ptr(), c"secret".as_ptr(), c"token".as_ptr());
        // SAFETY: literals, and the sink the library passed.
        let set = || unsafe { oss_resumable_credentials_set(sink, id, secret, token, 0) };
        assert_eq!(repeated(set), OSS_RESUMABLE_OK);
    }
    let failures = fail_each(|| {
        let key = asked(provide).expect("a key");
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("id", "secret"));
        assert_eq!(key.token.as_ref().map(|token| token.as_str()), Some("token"));
    });
    assert!(failures >= 8, "{failures}");
}

#[test]
fn a_provider_that_finds_no_memory_for_its_reason_has_failed_all_the_same() {
    unsafe extern "C" fn fail(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
        // SAFETY: a literal, and the sink the library passed.
        let code = unsafe { oss_resumable_credentials_fail(sink, c"it is sealed".as_ptr()) };
        if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
            note_failure();
        }
    }
    unsafe extern "C" fn fail_again(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
        // SAFETY: a literal, and the sink the library passed.
        let fail = || unsafe { oss_resumable_credentials_fail(sink, c"it is sealed".as_ptr()) };
        assert_eq!(repeated(fail), OSS_RESUMABLE_OK);
    }
    let mut reasons = Vec::new();
    // Copies, because what the boundary allocated would still be alive.
    fail_each(|| reasons.push(asked(fail).expect_err("no key").clone()));
    reasons.sort();
    reasons.dedup();
    assert_eq!(reasons, ["it is sealed", "there was no memory for the reason"]);
    fail_each(|| assert_eq!(asked(fail_again).expect_err("no key"), "it is sealed"));
}

#[test]
fn a_reason_of_the_library_for_which_there_is_no_memory_is_empty() {
    unsafe extern "C" fn silent(_: *mut oss_resumable_credentials_sink, _: *mut c_void) {}
    fail_each(|| match asked(silent).expect_err("no key").as_str() {
        "" => note_failure(),
        reason => assert!(reason.contains("without an answer"), "{reason}"),
    });
}

#[test]
fn each_allocation_of_a_url_providers_answer_may_fail() {
    unsafe extern "C" fn provide(sink: *mut oss_resumable_url_sink, _: *mut c_void) {
        // SAFETY: literals, and the sink the library passed.
        unsafe {
            let failed = || oss_resumable_url_fail(sink, c"it is sealed".as_ptr());
            assert_eq!(repeated(failed), OSS_RESUMABLE_OK);
            let set = || oss_resumable_url_set(sink, c"http://host/".as_ptr());
            assert_eq!(repeated(set), OSS_RESUMABLE_OK);
        }
    }
    let failures = fail_each(|| {
        let provider = url_provider(Some(provide), no_data()).expect("a function");
        assert_eq!(provider.fetch().expect("a URL"), "http://host/");
    });
    assert!(failures >= 4, "{failures}");
}

#[test]
fn each_allocation_of_an_unwrappers_answer_may_fail() {
    unsafe extern "C" fn unwrap(
        sink: *mut oss_resumable_content_key_sink,
        _: *const oss_resumable_wrapped_key,
        _: *mut c_void,
    ) {
        let (long, key) = ([1; 33], [1; 32]);
        // SAFETY: live arrays, and the sink the library passed.
        unsafe {
            let refused =
                || oss_resumable_content_key_set(sink, long.as_ptr(), 33, key.as_ptr(), 16);
            assert_eq!(repeated(refused), OSS_RESUMABLE_ERR_VALIDATION);
            let failed = || oss_resumable_content_key_fail(sink, c"it is sealed".as_ptr());
            assert_eq!(repeated(failed), OSS_RESUMABLE_OK);
            let set = oss_resumable_content_key_set(sink, key.as_ptr(), 32, key.as_ptr(), 16);
            assert_eq!(set, OSS_RESUMABLE_OK);
        }
    }
    let failures = fail_each(|| match unwrapped(unwrap) {
        Ok(key) => assert_eq!(key, ContentKey::new(&[1; 32], &[1; 16]).expect("key")),
        Err(reason) => {
            assert!(["there was no memory to ask it", ""].contains(&reason.as_str()), "{reason}");
            note_failure();
        }
    });
    assert!(failures > 16, "{failures}");
}

#[test]
fn a_wrong_content_key_is_refused_without_memory_for_the_reason() {
    unsafe extern "C" fn long(
        sink: *mut oss_resumable_content_key_sink,
        _: *const oss_resumable_wrapped_key,
        _: *mut c_void,
    ) {
        let key = [1; 33];
        // SAFETY: a live array, and the sink the library passed.
        let code =
            unsafe { oss_resumable_content_key_set(sink, key.as_ptr(), 33, key.as_ptr(), 16) };
        if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
            note_failure();
        }
    }
    let mut reasons = Vec::new();
    fail_each(|| {
        let reason = unwrapped(long).expect_err("no key");
        if ["there was no memory to ask it", ""].contains(&reason.as_str()) {
            note_failure();
        }
        reasons.push(reason.clone());
    });
    assert!(reasons.iter().any(|reason| reason.contains("33 bytes")));
    assert!(reasons.iter().any(|reason| reason == "there was no memory for the reason"));
}

#[test]
fn a_log_line_for_which_there_is_no_memory_is_replaced() {
    unsafe extern "C" fn write(level: i32, line: *const c_char, lines: *mut c_void) {
        assert_eq!(level, OSS_RESUMABLE_LOG_WARN);
        // SAFETY: the library's string, and the test's list.
        let (line, lines) =
            unsafe { (CStr::from_ptr(line), &*lines.cast::<RefCell<Vec<String>>>()) };
        let line = line.to_string_lossy().into_owned();
        if line.contains("no memory") {
            note_failure();
        }
        lines.borrow_mut().push(line);
    }
    let lines = RefCell::new(Vec::<String>::new());
    // Outside `fail_each`, which would see it alive.
    let data = Counted::new(UserData::new(ptr::from_ref(&lines).cast_mut().cast(), None));
    let sink = log_sink(Some(write), &data.expect("memory")).expect("a function");
    let failures = fail_each(|| sink(LogLevel::Warn, "the line"));
    let lines = lines.borrow();
    assert_eq!((failures, lines.len()), (2, 3));
    assert_eq!(lines[0], "the line");
    assert!(lines[1..].iter().all(|line| line.contains("a log line was lost")), "{lines:?}");
}

#[test]
fn without_memory_for_its_strings_a_retry_decision_is_not_asked() {
    unsafe extern "C" fn stop(_: *const oss_resumable_failed_attempt, asked: *mut c_void) -> i64 {
        // SAFETY: the test's flag.
        unsafe { &*asked.cast::<Cell<bool>>() }.set(true);
        OSS_RESUMABLE_RETRY_STOP
    }
    let was_asked = Cell::new(false);
    let data = Counted::new(UserData::new(ptr::from_ref(&was_asked).cast_mut().cast(), None));
    let decide = retry_decision(Some(stop), &data.expect("memory")).expect("a function");
    let failures = fail_each(|| {
        was_asked.set(false);
        let verdict = decide(FailedAttempt {
            attempts: 1,
            status: 503,
            code: "Busy",
            message: "too many requests",
            would_retry: true,
        });
        match verdict {
            RetryVerdict::Default => note_failure(),
            other => assert_eq!(other, RetryVerdict::Stop),
        }
        assert_eq!(was_asked.get(), verdict == RetryVerdict::Stop);
    });
    assert_eq!(failures, 4);
}

#[test]
fn without_memory_for_it_a_trace_has_no_request_id() {
    unsafe extern "C" fn note(record: *const oss_resumable_trace_record, seen: *mut c_void) {
        // SAFETY: the library's record, and the test's list.
        let (record, seen) = unsafe { (&*record, &*seen.cast::<RefCell<Vec<bool>>>()) };
        if record.request_id.is_null() {
            note_failure();
        }
        assert!(!record.peer.is_null());
        seen.borrow_mut().push(record.request_id.is_null());
    }
    let seen = RefCell::new(Vec::<bool>::new());
    let data = UserData::new(ptr::from_ref(&seen).cast_mut().cast(), None);
    let sink = trace_sink(Some(note), data).expect("a function");
    let failures = fail_each(|| sink(trace()));
    assert_eq!((failures, seen.borrow().as_slice()), (2, &[false, true, true][..]));
}
