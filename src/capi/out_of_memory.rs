//! Every allocation of the boundary is failed, one at a time, in whole lives of clients and downloads: each call says so
//! or succeeds, leaves nothing half-made, and succeeds when it is repeated.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fs;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use local_oss::{Auth, Config, Fault, Matcher, Object, Server};

use super::callbacks::*;
use super::checkpoint::*;
use super::client::*;
use super::client_options::*;
use super::codes::*;
use super::download::*;
use super::encryption::*;
use super::error::*;
use super::error_object::oss_resumable_error;
use super::failing_allocator::{self as allocator, Fails, Turn};
use super::lists::oss_resumable_pair;
use super::request::*;
use super::result::*;
use super::status::*;

const BUCKET: &str = "examplebucket";
const KEY: &str = "exampledir/exampleobject.bin";
const SIZE: u64 = 250_000;

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
    assert_eq!(play(Fails::Only(all + 1)).failed, 0, "an allocation more than without failures");
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
    assert_eq!(allocator::alive(), alive, "it kept memory");
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

/// As [`told`], of a call that fails in this way.
fn refused(
    (kind, code): (oss_resumable_code, &str),
    call: impl FnMut(*mut *mut oss_resumable_error) -> oss_resumable_code,
) {
    let (returned, error) = told(call);
    // SAFETY: just received.
    unsafe {
        assert_eq!((returned, oss_resumable_error_kind(error)), (kind, kind));
        assert_eq!(text(error, oss_resumable_error_code), code);
        oss_resumable_error_free(error);
    }
}

/// A string of an object; empty if it has none.
fn text<T>(object: *const T, getter: unsafe extern "C" fn(*const T) -> *const c_char) -> String {
    // SAFETY: NULL, or a live object with its string.
    unsafe {
        let text = getter(object);
        if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into() }
    }
}
/// What the host knows about its `user_data`.
#[derive(Default)]
struct Host {
    given: AtomicU32,
    freed: AtomicU32,
    progress: AtomicU32,
}

impl Host {
    fn pointer(&self) -> *mut c_void {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Makes a call that is given `user_data` this many times, and frees it when it fails.
    fn giving(&self, count: u32, call: impl FnOnce() -> oss_resumable_code) -> oss_resumable_code {
        let freed = self.freed.load(Ordering::SeqCst);
        self.given.fetch_add(count, Ordering::SeqCst);
        let code = call();
        if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
            assert_eq!(self.freed.load(Ordering::SeqCst), freed + count, "user_data_free");
        }
        code
    }

    fn assert_all_freed(&self) {
        assert_eq!(self.freed.load(Ordering::SeqCst), self.given.load(Ordering::SeqCst));
    }
}

// SAFETY of the callbacks: the library passes what the header says, and the tests a live `Host`.

unsafe extern "C" fn free(host: *mut c_void) {
    unsafe { &*host.cast::<Host>() }.freed.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn provide(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
    let (id, secret) = (c"LTAI5tExampleKeyId".as_ptr(), c"ExampleSecret".as_ptr());
    unsafe { oss_resumable_credentials_set(sink, id, secret, ptr::null(), 0) };
}

unsafe extern "C" fn decide(_: *const oss_resumable_failed_attempt, _: *mut c_void) -> i64 {
    OSS_RESUMABLE_RETRY_DEFAULT
}

unsafe extern "C" fn write(_: i32, _: *const c_char, _: *mut c_void) {}

unsafe extern "C" fn unwrap(
    sink: *mut oss_resumable_content_key_sink,
    _: *const oss_resumable_wrapped_key,
    _: *mut c_void,
) {
    unsafe { oss_resumable_content_key_fail(sink, ptr::null()) };
}

unsafe extern "C" fn show(_: *const oss_resumable_status, host: *mut c_void) -> i32 {
    unsafe { &*host.cast::<Host>() }.progress.fetch_add(1, Ordering::SeqCst);
    0
}

/// A server with an object, a directory, and strings for C.
struct Fixture {
    server: Server,
    dir: tempfile::TempDir,
    host: Host,
    endpoint: CString,
    target: CString,
    checkpoint_dir: CString,
    etags: [CString; 2],
    version: CString,
    pem: CString,
}

impl Fixture {
    fn new() -> Self {
        let auth = Auth::key("LTAI5tExampleKeyId", "ExampleSecret");
        let config = Config { auth, versioning: true, ..Config::default() };
        let server = Server::start(config).expect("server");
        let object = server.put(BUCKET, KEY, Object::pattern(SIZE, 7));
        let dir = tempfile::tempdir().expect("directory");
        let c = |text: &str| CString::new(text).expect("no NUL");
        Fixture {
            host: Host::default(),
            endpoint: c(&server.endpoint()),
            target: c(dir.path().join("file.bin").to_str().expect("UTF-8")),
            checkpoint_dir: c(dir.path().to_str().expect("UTF-8")),
            etags: [c(object.etag()), c("another")],
            version: c(object.version_id()),
            pem: c(include_str!("../../tests/data/encryption/first.pem")),
            server,
            dir,
        }
    }

    /// Calls `call` with options in which everything is set that a download may have.
    fn with_options<T>(&self, call: impl FnOnce(&mut oss_resumable_client_options) -> T) -> T {
        let key = oss_resumable_decryption_key { pem: self.pem.as_ptr(), matdesc: c"{}".as_ptr() };
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut options: oss_resumable_client_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of_val(&options);
        options.endpoint = self.endpoint.as_ptr();
        options.region = c"cn-hangzhou".as_ptr();
        options.credentials_provider = Some(provide);
        options.retry_decision = Some(decide);
        options.log = Some(write);
        options.user_data = self.host.pointer();
        options.user_data_free = Some(free);
        options.ca_file = c"/nowhere/ca.pem".as_ptr();
        options.ca_path = c"/nowhere".as_ptr();
        options.user_agent = c"agent".as_ptr();
        options.network_interface = c"lo".as_ptr();
        (options.decryption_keys, options.decryption_keys_count) = (&raw const key, 1);
        options.key_unwrapper = Some(unwrap);
        options.key_unwrapper_user_data = self.host.pointer();
        options.key_unwrapper_user_data_free = Some(free);
        call(&mut options)
    }

    fn client(&self) -> *mut oss_resumable_client {
        self.with_options(|options| self.client_with(options))
    }

    fn client_with(&self, options: &oss_resumable_client_options) -> *mut oss_resumable_client {
        // SAFETY: live options and outputs.
        made(|out, err| {
            self.host.giving(2, || unsafe { oss_resumable_client_new(options, out, err) })
        })
    }

    /// Calls `call` with a request in which everything is set.
    fn with_request<T>(&self, call: impl FnOnce(&mut oss_download_object_request) -> T) -> T {
        let etags = self.etags.each_ref().map(|etag| etag.as_ptr());
        let pair = oss_resumable_pair { name: c"x-test".as_ptr(), value: c"1".as_ptr() };
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut request: oss_download_object_request = unsafe { std::mem::zeroed() };
        request.struct_size = size_of_val(&request);
        (request.bucket, request.key) =
            (c"examplebucket".as_ptr(), c"exampledir/exampleobject.bin".as_ptr());
        request.file_path = self.target.as_ptr();
        request.checkpoint_dir = self.checkpoint_dir.as_ptr();
        (request.part_size, request.flush) = (OSS_RESUMABLE_MIN_PART_SIZE, 2);
        (request.if_match, request.if_match_count) = (etags.as_ptr(), 2);
        (request.if_none_match, request.if_none_match_count) = (&raw const etags[1], 1);
        request.if_modified_since = c"Sat, 01 Jan 2000 00:00:00 GMT".as_ptr();
        request.if_unmodified_since = c"Fri, 01 Jan 2100 00:00:00 GMT".as_ptr();
        request.response_content_type = c"text/plain".as_ptr();
        request.response_content_language = c"en".as_ptr();
        request.response_expires = c"Fri, 01 Jan 2100 00:00:00 GMT".as_ptr();
        request.response_cache_control = c"no-cache".as_ptr();
        request.response_content_disposition = c"attachment".as_ptr();
        request.response_content_encoding = c"utf-8".as_ptr();
        request.version_id = self.version.as_ptr();
        (request.extra_headers, request.extra_headers_count) = (&raw const pair, 1);
        (request.extra_query, request.extra_query_count) = (&raw const pair, 1);
        request.progress = Some(show);
        request.user_data = self.host.pointer();
        request.user_data_free = Some(free);
        call(&mut request)
    }

    /// As [`made`], of a call with the request. If it fails, nothing may have been sent or written.
    fn made_for_request<T>(
        &self,
        mut call: impl FnMut(
            *const oss_download_object_request,
            *mut *mut T,
            *mut *mut oss_resumable_error,
        ) -> oss_resumable_code,
    ) -> *mut T {
        let before = (self.server.requests().len(), self.files());
        self.with_request(|request| {
            made(|out, err| {
                let code = self.host.giving(1, || call(request, out, err));
                if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
                    assert_eq!((self.server.requests().len(), self.files()), before);
                }
                code
            })
        })
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("list");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Asserts that the file is the object and that nothing else is there; removes it.
    fn assert_file(&self) {
        assert_eq!(self.files(), ["file.bin"]);
        let expected = self.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
        let target = self.dir.path().join("file.bin");
        assert!(fs::read(&target).expect("file") == expected);
        fs::remove_file(target).expect("remove");
    }

    fn free(&self, client: *mut oss_resumable_client) {
        // SAFETY: live until here.
        unsafe { oss_resumable_client_free(client) };
        assert_eq!(self.host.freed.load(Ordering::SeqCst), self.host.given.load(Ordering::SeqCst));
    }
}

/// Reads everything of a result, which allocates nothing, and frees it.
fn read_and_free(result: *mut oss_resumable_result) {
    let before = allocator::seen();
    // SAFETY: live until the last call.
    unsafe {
        assert!(!oss_resumable_result_file_path(result).is_null());
        assert!(!oss_resumable_result_etag(result).is_null());
        assert!(!oss_resumable_result_version_id(result).is_null());
        assert!(!oss_resumable_result_last_modified(result).is_null());
        assert!(!oss_resumable_result_request_id(result).is_null());
        let last = oss_resumable_result_header_count(result) - 1;
        let name = oss_resumable_result_header_name(result, last);
        assert!(!oss_resumable_result_header_value(result, last).is_null());
        assert!(!oss_resumable_result_header(result, name).is_null());
        assert_eq!(oss_resumable_result_size(result), SIZE);
        let mut figures: oss_resumable_statistics = std::mem::zeroed();
        figures.struct_size = size_of_val(&figures);
        assert_eq!(oss_resumable_result_stats(result, &raw mut figures), OSS_RESUMABLE_OK);
        oss_resumable_result_free(result);
    }
    assert_eq!(allocator::seen(), before);
}

#[test]
fn a_client() {
    let fixture = Fixture::new();
    let failures = fail_each(|| {
        let client = fixture.with_options(|options| {
            options.credentials_provider = None;
            options.access_key_id = c"id".as_ptr();
            options.access_key_secret = c"secret".as_ptr();
            options.security_token = c"token".as_ptr();
            options.proxy_host = c"proxy".as_ptr();
            options.proxy_user = c"user".as_ptr();
            options.proxy_password = c"password".as_ptr();
            fixture.client_with(options)
        });
        let (id, secret, token) = (c"id".as_ptr(), c"secret".as_ptr(), c"token".as_ptr());
        // SAFETY: a live client, literals and live outputs.
        unsafe {
            done(|err| oss_resumable_client_set_region(client, c"cn-beijing".as_ptr(), err));
            done(|err| oss_resumable_client_set_credentials(client, id, secret, token, err));
        }
        fixture.free(client);
    });
    assert!(failures > 40, "{failures}");
}

#[test]
fn a_fresh_download() {
    let fixture = Fixture::new();
    let failures = fail_each(|| {
        let client = fixture.client();
        // SAFETY: live handles, requests and outputs.
        unsafe {
            let download = fixture.made_for_request(|request, out, err| {
                oss_resumable_download_start(client, request, out, err)
            });
            read_and_free(made(|out, err| oss_resumable_download_wait(download, -1, out, err)));
            fixture.assert_file();
            oss_resumable_download_free(download);
        }
        fixture.free(client);
    });
    assert!(failures > 100, "{failures}");
    assert!(fixture.host.progress.load(Ordering::SeqCst) > 0);
}
