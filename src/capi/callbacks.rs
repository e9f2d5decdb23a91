//! The caller's callbacks and their `user_data`.

use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::allocation::c_string;
use super::answer::{self, Answer};
use super::codes::oss_resumable_code;
use super::counted::Counted;
use super::failure::{Failure, Result};
use super::guard;
use super::scope;
use super::status::oss_resumable_status;
use super::text;
use crate::model::credentials::{AccessKey, CredentialsProvider};
use crate::model::options::{FailedAttempt, LogLevel, RetryVerdict};

/// Level of a log line: the download fails because of it.
pub const OSS_RESUMABLE_LOG_ERROR: i32 = 1;
/// Level of a log line: a problem from which the download may recover.
pub const OSS_RESUMABLE_LOG_WARN: i32 = 2;
/// Level of a log line: one line for each step of a download.
pub const OSS_RESUMABLE_LOG_INFO: i32 = 3;
/// Level of a log line: one line for each request.
pub const OSS_RESUMABLE_LOG_DEBUG: i32 = 4;

/// Return value of an ::oss_resumable_retry_decision: apply the library's own policy.
pub const OSS_RESUMABLE_RETRY_DEFAULT: i64 = -1;
/// Return value of an ::oss_resumable_retry_decision: do not retry.
pub const OSS_RESUMABLE_RETRY_STOP: i64 = -2;

// Delays are 0 and more.
const _: () = assert!(OSS_RESUMABLE_RETRY_DEFAULT < 0 && OSS_RESUMABLE_RETRY_STOP < 0);

/// Frees `user_data`. Called exactly once, on any thread, after the last call of the callbacks in the same struct. It
/// is also called when the function that received the struct fails, provided that `struct_size` includes this field. It
/// must not throw: a C++ exception that leaves a callback ends the program.
pub type oss_resumable_user_data_free = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Reports the progress of a download. Runs only on the thread that is inside oss_resumable_download_object() or
/// oss_resumable_download_wait(), at least every 200 ms even without new bytes, and never concurrently for one
/// download.
///
/// Return 0 to continue; any other value cancels the download, and the call returns ::OSS_RESUMABLE_ERR_CANCELLED.
/// `status` is valid during the call. The callback may call any function of this API and must not throw: a C++
/// exception that leaves it ends the program. It may block: the download continues meanwhile.
pub type oss_resumable_progress = Option<
    unsafe extern "C" fn(status: *const oss_resumable_status, user_data: *mut c_void) -> i32,
>;

/// Receives a log line. Runs on threads of the client, and inside oss_resumable_listing_next(), possibly on several at
/// once.
///
/// `level` is one of the `OSS_RESUMABLE_LOG_…` values. `message` is UTF-8, contains neither a line end nor secrets, and
/// is valid during the call; without memory for it, it says that a line was lost. The callback must not block for long,
/// start downloads or wait for them, and must not throw: a C++ exception that leaves it ends the program.
pub type oss_resumable_log =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// A failed attempt, passed to an ::oss_resumable_retry_decision.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_failed_attempt {
    /// Size of this struct, set by the library. Fields beyond this size are not present.
    pub struct_size: usize,
    /// The error's code, such as `InternalError` or `ClientError:200028`; valid during the call.
    pub code: *const c_char,
    /// HTTP status, or 200000 + CURLcode.
    pub status: i64,
    /// Number of attempts since the last new byte, this one included; at least 1.
    pub attempts: u32,
    /// 1 when the library's own policy would retry, otherwise 0.
    pub would_retry: i32,
    /// The error's message; valid during the call.
    pub message: *const c_char,
}

/// Decides whether a failed attempt is retried. Runs on threads of the client, and inside oss_resumable_listing_next(),
/// possibly on several at once.
///
/// Return a delay in milliseconds (0 or more) to retry after it, ::OSS_RESUMABLE_RETRY_STOP to give up, or
/// ::OSS_RESUMABLE_RETRY_DEFAULT (or any other negative number) to apply the library's own policy, which also applies,
/// without a call, if there is no memory for the strings of `attempt`. `attempt` is valid during the call. The callback must not block for long, start downloads or wait for them, and must not throw: a C++
/// exception that leaves it ends the program.
pub type oss_resumable_retry_decision = Option<
    unsafe extern "C" fn(
        attempt: *const oss_resumable_failed_attempt,
        user_data: *mut c_void,
    ) -> i64,
>;

/// Receives the answer of an ::oss_resumable_credentials_provider. Valid only during that call; thread-safe.
pub struct oss_resumable_credentials_sink {
    answer: Answer<AccessKey>,
}

/// Supplies temporary credentials: before the first request, shortly before they expire, and when the service reports
/// that they have expired. Runs on a thread of its own and is never called concurrently for one client. It may block:
/// neither transfers nor cancellation wait for it.
///
/// Answer with oss_resumable_credentials_set() or oss_resumable_credentials_fail() before returning; without an answer,
/// the requests that need credentials fail. The callback must not start downloads or wait for them, and must not throw:
/// a C++ exception that leaves it ends the program.
pub type oss_resumable_credentials_provider =
    Option<unsafe extern "C" fn(sink: *mut oss_resumable_credentials_sink, user_data: *mut c_void)>;

/// The caller's data, freed once when the last callback that could use it is gone.
pub struct UserData {
    data: *mut c_void,
    free: oss_resumable_user_data_free,
}

// SAFETY: the header says on which threads callbacks run and that data may be freed on any; the library itself
// never looks behind the pointer.
unsafe impl Send for UserData {}
// SAFETY: as above; sharing the pointer reads nothing behind it.
unsafe impl Sync for UserData {}

impl UserData {
    /// Takes charge of freeing the caller's data.
    pub fn new(data: *mut c_void, free: oss_resumable_user_data_free) -> Self {
        UserData { data, free }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the caller's function with the caller's data, called once: here.
            scope::callback(|| unsafe { free(self.data) });
        }
    }
}

/// A log sink that calls `function`; `None` without one. A line for which there is no memory is replaced.
pub fn log_sink(
    function: oss_resumable_log,
    user_data: &Counted<UserData>,
) -> Option<impl Fn(LogLevel, &str) + Send + Sync + 'static> {
    let function = function?;
    let user_data = Counted::clone(user_data);
    Some(move |level, line: &str| {
        let line = c_string(line).map_or(
            Cow::Borrowed(c"a log line was lost, because there was no memory for it"),
            Cow::Owned,
        );
        let level = match level {
            LogLevel::Error => OSS_RESUMABLE_LOG_ERROR,
            LogLevel::Warn => OSS_RESUMABLE_LOG_WARN,
            LogLevel::Info => OSS_RESUMABLE_LOG_INFO,
            LogLevel::Debug => OSS_RESUMABLE_LOG_DEBUG,
        };
        // SAFETY: the caller's function; the string outlives the call.
        scope::callback(|| unsafe { function(level, line.as_ptr(), user_data.pointer()) });
    })
}

/// A retry decision that asks `function`; `None` without one. Without memory for its strings it does not ask.
pub fn retry_decision(
    function: oss_resumable_retry_decision,
    user_data: &Counted<UserData>,
) -> Option<impl Fn(FailedAttempt<'_>) -> RetryVerdict + Send + Sync + 'static> {
    let function = function?;
    let user_data = Counted::clone(user_data);
    Some(move |attempt: FailedAttempt<'_>| {
        let (Ok(code), Ok(message)) = (c_string(attempt.code), c_string(attempt.message)) else {
            return RetryVerdict::Default;
        };
        let shown = oss_resumable_failed_attempt {
            struct_size: size_of::<oss_resumable_failed_attempt>(),
            code: code.as_ptr(),
            status: attempt.status,
            attempts: attempt.attempts,
            would_retry: i32::from(attempt.would_retry),
            message: message.as_ptr(),
        };
        // SAFETY: the caller's function; struct and strings outlive the call.
        let answer = scope::callback(|| unsafe { function(&raw const shown, user_data.pointer()) });
        match (answer, u64::try_from(answer)) {
            (_, Ok(delay_ms)) => RetryVerdict::After(Duration::from_millis(delay_ms)),
            (OSS_RESUMABLE_RETRY_STOP, _) => RetryVerdict::Stop,
            _ => RetryVerdict::Default,
        }
    })
}

/// A credentials provider that asks `function`; `None` without one.
pub fn credentials_provider(
    function: oss_resumable_credentials_provider,
    user_data: &Counted<UserData>,
) -> Option<impl CredentialsProvider + 'static> {
    let user_data = Counted::clone(user_data);
    Some(Provider { function: function?, user_data })
}

struct Provider {
    function: unsafe extern "C" fn(*mut oss_resumable_credentials_sink, *mut c_void),
    user_data: Counted<UserData>,
}

impl CredentialsProvider for Provider {
    fn fetch(&self) -> std::result::Result<AccessKey, String> {
        let sink = oss_resumable_credentials_sink { answer: Answer::default() };
        let place = ptr::from_ref(&sink).cast_mut();
        // SAFETY: the caller's function; the sink outlives the call and is only used shared.
        scope::callback(|| unsafe { (self.function)(place, self.user_data.pointer()) });
        answer::given(sink.answer, "the credentials provider returned without an answer")
    }
}

/// A request's progress callback, and its data, which lives as long as this.
pub struct Progress {
    function: oss_resumable_progress,
    user_data: UserData,
    running: Mutex<()>,
}

impl Progress {
    pub fn new(function: oss_resumable_progress, user_data: UserData) -> Self {
        Progress { function, user_data, running: Mutex::new(()) }
    }

    /// Whether there is somebody to show anything to.
    pub fn is_wanted(&self) -> bool {
        self.function.is_some()
    }

    /// Shows `status`; false when the caller wants to cancel. While the callback runs already, for another
    /// waiting thread or further up on this one, this does nothing.
    pub fn show(&self, status: &oss_resumable_status) -> bool {
        let Some(function) = self.function else { return true };
        // Not a lock around the callback: nobody ever waits for it.
        let Some(_turn) = self.running.try_lock() else { return true };
        let status = ptr::from_ref(status);
        // SAFETY: the caller's function; the status outlives the call.
        scope::callback(|| unsafe { function(status, self.user_data.pointer()) }) == 0
    }
}

/// Answers an ::oss_resumable_credentials_provider with credentials. Of several answers the last one counts.
///
/// Any thread may call it while the provider runs. The strings are copied.
///
/// @param sink the provider's parameter; not NULL
/// @param access_key_id required
/// @param access_key_secret required
/// @param security_token the token of temporary credentials, or NULL
/// @param expires_unix_ms time of expiry, in milliseconds since 1970-01-01 UTC; 0 when unknown
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL or malformed argument, or
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; after a failure an earlier answer still counts
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_credentials_set(
    sink: *mut oss_resumable_credentials_sink,
    access_key_id: *const c_char,
    access_key_secret: *const c_char,
    security_token: *const c_char,
    expires_unix_ms: i64,
) -> oss_resumable_code {
    // SAFETY: the caller passes the provider's sink, and strings that are NULL or NUL-terminated.
    unsafe {
        guard::without_error(|| {
            let mut key = access_key(access_key_id, access_key_secret, security_token)?;
            key.expires = expiry(expires_unix_ms)?;
            answer::give(sink.as_ref().map(|sink| &sink.answer), Ok(key))
        })
    }
}

/// Answers an ::oss_resumable_credentials_provider with a failure.
///
/// Any thread may call it while the provider runs. The string is copied.
///
/// @param sink the provider's parameter; not NULL
/// @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
/// reason
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_credentials_fail(
    sink: *mut oss_resumable_credentials_sink,
    message: *const c_char,
) -> oss_resumable_code {
    // SAFETY: the caller passes the provider's sink, and a string that is NULL or NUL-terminated.
    unsafe {
        guard::without_error(|| answer::fail(sink.as_ref().map(|sink| &sink.answer), message))
    }
}

/// Copies an access key of the caller.
///
/// # Safety
/// Each string is NULL or NUL-terminated.
pub unsafe fn access_key(
    id: *const c_char,
    secret: *const c_char,
    token: *const c_char,
) -> Result<AccessKey> {
    // SAFETY: this function's contract.
    unsafe {
        let id = text::required(id, "access_key_id")?;
        // Wiped also if there is no memory for the token.
        let secret = Zeroizing::new(text::required(secret, "access_key_secret")?);
        let token = text::optional(token, "security_token")?.map(Zeroizing::new);
        Ok(AccessKey { id, secret, token, expires: None })
    }
}

fn expiry(unix_ms: i64) -> Result<Option<SystemTime>> {
    match u64::try_from(unix_ms) {
        Ok(0) => Ok(None),
        Ok(ms) => Ok(SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))),
        Err(_) => Err(Failure::validation(format_args!("expires_unix_ms is negative"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes::OSS_RESUMABLE_ERR_VALIDATION;
    use std::ffi::CStr;
    use std::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" fn count(data: *mut c_void) {
        // SAFETY: the tests pass a live counter.
        unsafe { &*data.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }

    fn counted(data: *mut c_void, free: oss_resumable_user_data_free) -> Counted<UserData> {
        Counted::new(UserData::new(data, free)).expect("memory")
    }

    fn no_data() -> Counted<UserData> {
        counted(ptr::null_mut(), None)
    }

    fn attempt() -> FailedAttempt<'static> {
        FailedAttempt {
            attempts: 2,
            status: 503,
            code: "Busy",
            message: "too many requests",
            would_retry: true,
        }
    }

    #[test]
    fn user_data_is_freed_once_after_the_last_callback_that_holds_it() {
        unsafe extern "C" fn ignore(_: i32, _: *const c_char, _: *mut c_void) {}
        let freed = AtomicU32::new(0);
        let data = counted(ptr::from_ref(&freed).cast_mut().cast(), Some(count));
        let sink = log_sink(Some(ignore), &data);
        drop(data);
        assert_eq!(freed.load(Ordering::SeqCst), 0);
        drop(sink);
        assert_eq!(freed.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_retry_answer_is_a_delay_a_stop_or_the_default() {
        unsafe extern "C" fn echo(
            seen: *const oss_resumable_failed_attempt,
            answer: *mut c_void,
        ) -> i64 {
            // SAFETY: the library passes a live struct, the test a live number.
            unsafe {
                assert_eq!(CStr::from_ptr((*seen).message), c"too many requests");
                assert_eq!(((*seen).attempts, (*seen).status, (*seen).would_retry), (2, 503, 1));
                *answer.cast::<i64>()
            }
        }
        for (mut answer, stop_reason) in [
            (0, RetryVerdict::After(Duration::ZERO)),
            (40, RetryVerdict::After(Duration::from_millis(40))),
            (OSS_RESUMABLE_RETRY_STOP, RetryVerdict::Stop),
            (OSS_RESUMABLE_RETRY_DEFAULT, RetryVerdict::Default),
            (i64::MIN, RetryVerdict::Default),
        ] {
            let data = counted((&raw mut answer).cast(), None);
            let decide = retry_decision(Some(echo), &data).expect("a function");
            assert_eq!(decide(attempt()), stop_reason);
        }
    }

    #[test]
    fn a_provider_answers_through_its_sink() {
        unsafe extern "C" fn renew(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
            let (id, secret, token) = (c"id".as_ptr(), c"secret".as_ptr(), c"token".as_ptr());
            // SAFETY: literals, and the sink the library passed.
            unsafe {
                let refused = oss_resumable_credentials_set(sink, id, ptr::null(), token, 0);
                assert_eq!(refused, OSS_RESUMABLE_ERR_VALIDATION);
                assert_eq!(oss_resumable_credentials_set(sink, id, secret, token, 1000), 0);
            }
        }
        let provider = credentials_provider(Some(renew), &no_data()).expect("a function");
        let key = provider.fetch().expect("key");
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("id", "secret"));
        assert_eq!(key.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1)));
    }

    #[test]
    fn a_provider_that_says_nothing_or_fails_gives_a_reason() {
        unsafe extern "C" fn silent(_: *mut oss_resumable_credentials_sink, _: *mut c_void) {}
        unsafe extern "C" fn failing(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
            // SAFETY: a literal, and the sink the library passed.
            unsafe { oss_resumable_credentials_fail(sink, c"the vault is sealed".as_ptr()) };
        }
        unsafe extern "C" fn garbled(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
            // SAFETY: a literal, and the sink the library passed.
            let failed = unsafe { oss_resumable_credentials_fail(sink, c"\xff".as_ptr()) };
            assert_eq!(failed, OSS_RESUMABLE_ERR_VALIDATION);
        }
        let ask = |function| credentials_provider(function, &no_data()).expect("provider").fetch();
        assert!(ask(Some(silent)).expect_err("no key").contains("without an answer"));
        assert_eq!(ask(Some(failing)).expect_err("no key"), "the vault is sealed");
        assert_eq!(ask(Some(garbled)).expect_err("no key"), "the reason was not valid UTF-8");
    }

    #[test]
    fn progress_is_never_re_entered() {
        struct Seen {
            progress: Option<Progress>,
            calls: AtomicU32,
        }
        unsafe extern "C" fn again(status: *const oss_resumable_status, data: *mut c_void) -> i32 {
            // SAFETY: the test's own struct and the library's status, both live.
            let (seen, status) = unsafe { (&*data.cast::<Seen>(), &*status) };
            seen.calls.fetch_add(1, Ordering::SeqCst);
            assert!(seen.progress.as_ref().is_some_and(|progress| progress.show(status)));
            1
        }
        let seen = Box::into_raw(Box::new(Seen { progress: None, calls: AtomicU32::new(0) }));
        let data = UserData::new(seen.cast(), None);
        // SAFETY: made above, taken back once at the end, not otherwise borrowed meanwhile.
        unsafe {
            (*seen).progress = Some(Progress::new(Some(again), data));
            let status = std::mem::zeroed::<oss_resumable_status>();
            let goes_on = (*seen).progress.as_ref().is_some_and(|progress| progress.show(&status));
            assert!(!goes_on);
            assert_eq!((*seen).calls.load(Ordering::SeqCst), 1);
            drop(Box::from_raw(seen));
        }
    }
}
