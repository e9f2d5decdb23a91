//! The provider of newer URLs for a download.

use std::ffi::{c_char, c_void};
use std::ptr;

use super::answer::{self, Answer};
use super::callbacks::UserData;
use super::codes::oss_resumable_code;
use super::guard;
use super::scope;
use super::text;
use crate::model::source_url::UrlProvider;

/// Receives the answer of an ::oss_resumable_url_provider. Valid only during that call; thread-safe.
pub struct oss_resumable_url_sink {
    answer: Answer<String>,
}

/// Supplies a new URL of the same object when the one of a download has expired; see `url_provider` of
/// oss_download_object_request. Runs on a thread of its own and is never called concurrently for one download. It may
/// block: neither transfers nor cancellation wait for it, but oss_resumable_client_free() does. While 64 calls whose
/// downloads have ended have not returned, it is not called, and downloads that need it fail.
///
/// Answer with oss_resumable_url_set() or oss_resumable_url_fail() before returning; without an answer, the requests
/// that need a URL fail. The callback must not start downloads or wait for them, and must not throw: a C++ exception
/// that leaves it ends the program.
pub type oss_resumable_url_provider =
    Option<unsafe extern "C" fn(sink: *mut oss_resumable_url_sink, user_data: *mut c_void)>;

/// A provider that asks `function`; `None` without one.
pub fn url_provider(
    function: oss_resumable_url_provider,
    user_data: UserData,
) -> Option<impl UrlProvider + 'static> {
    Some(Provider { function: function?, user_data })
}

struct Provider {
    function: unsafe extern "C" fn(*mut oss_resumable_url_sink, *mut c_void),
    user_data: UserData,
}

impl UrlProvider for Provider {
    fn fetch(&self) -> std::result::Result<String, String> {
        let sink = oss_resumable_url_sink { answer: Answer::default() };
        let place = ptr::from_ref(&sink).cast_mut();
        // SAFETY: the caller's function; the sink outlives the call and is only used shared.
        scope::callback(|| unsafe { (self.function)(place, self.user_data.pointer()) });
        answer::given(sink.answer, "it returned without an answer")
    }
}

/// Answers an ::oss_resumable_url_provider with a URL. Of several answers the last one counts.
///
/// Any thread may call it while the provider runs. The string is copied.
///
/// @param sink the provider's parameter; not NULL
/// @param url the URL; one that is not valid, or that is `http` after `https`, is a failed answer
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for an argument that is NULL or not UTF-8, or
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; after a failure an earlier answer still counts
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_url_set(
    sink: *mut oss_resumable_url_sink,
    url: *const c_char,
) -> oss_resumable_code {
    // SAFETY: the caller passes the provider's sink, and a string that is NULL or NUL-terminated.
    unsafe {
        guard::without_error(|| {
            let url = text::required(url, "url")?;
            answer::give(sink.as_ref().map(|sink| &sink.answer), Ok(url))
        })
    }
}

/// Answers an ::oss_resumable_url_provider with a failure.
///
/// Any thread may call it while the provider runs. The string is copied.
///
/// @param sink the provider's parameter; not NULL
/// @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
/// reason
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_url_fail(
    sink: *mut oss_resumable_url_sink,
    message: *const c_char,
) -> oss_resumable_code {
    // SAFETY: the caller passes the provider's sink, and a string that is NULL or NUL-terminated.
    unsafe {
        guard::without_error(|| answer::fail(sink.as_ref().map(|sink| &sink.answer), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes::{OSS_RESUMABLE_ERR_VALIDATION, OSS_RESUMABLE_OK};

    type Function = unsafe extern "C" fn(*mut oss_resumable_url_sink, *mut c_void);

    fn asked(function: Function) -> std::result::Result<String, String> {
        let user_data = UserData::new(ptr::null_mut(), None);
        url_provider(Some(function), user_data).expect("a function").fetch()
    }

    #[test]
    fn the_last_answer_counts() {
        unsafe extern "C" fn answer(sink: *mut oss_resumable_url_sink, _: *mut c_void) {
            // SAFETY: literals, and the sink the library passed.
            unsafe {
                assert_eq!(oss_resumable_url_set(sink, c"http://a/".as_ptr()), OSS_RESUMABLE_OK);
                assert_eq!(oss_resumable_url_set(sink, c"http://b/".as_ptr()), OSS_RESUMABLE_OK);
                let refused = oss_resumable_url_set(sink, ptr::null());
                assert_eq!(refused, OSS_RESUMABLE_ERR_VALIDATION);
            }
        }
        assert_eq!(asked(answer).expect("a URL"), "http://b/");
    }

    #[test]
    fn a_provider_that_says_nothing_or_fails_gives_a_reason() {
        unsafe extern "C" fn silent(_: *mut oss_resumable_url_sink, _: *mut c_void) {}
        unsafe extern "C" fn failing(sink: *mut oss_resumable_url_sink, _: *mut c_void) {
            // SAFETY: a literal, and the sink the library passed.
            unsafe { oss_resumable_url_fail(sink, c"the role is gone".as_ptr()) };
        }
        unsafe extern "C" fn garbled(sink: *mut oss_resumable_url_sink, _: *mut c_void) {
            // SAFETY: a literal, and the sink the library passed.
            let failed = unsafe { oss_resumable_url_fail(sink, c"\xff".as_ptr()) };
            assert_eq!(failed, OSS_RESUMABLE_ERR_VALIDATION);
        }
        assert!(asked(silent).expect_err("no URL").contains("without an answer"));
        assert_eq!(asked(failing).expect_err("no URL"), "the role is gone");
        assert_eq!(asked(garbled).expect_err("no URL"), "the reason was not valid UTF-8");
        // SAFETY: NULL is allowed.
        let codes = unsafe {
            [
                oss_resumable_url_set(ptr::null_mut(), c"http://a/".as_ptr()),
                oss_resumable_url_fail(ptr::null_mut(), ptr::null()),
            ]
        };
        assert_eq!(codes, [OSS_RESUMABLE_ERR_VALIDATION; 2]);
    }
}
