//! A server, a directory, a host with callbacks, and what it passes to C.

use std::ffi::{CString, c_char, c_void};
use std::fs;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use local_oss::{Auth, Config, Object, Server};

use super::made;
use crate::capi::callbacks::*;
use crate::capi::client::*;
use crate::capi::client_options::*;
use crate::capi::codes::*;
use crate::capi::encryption::*;
use crate::capi::error_object::oss_resumable_error;
use crate::capi::lists::oss_resumable_pair;
use crate::capi::request::*;
use crate::capi::status::*;
use crate::capi::trace::oss_resumable_trace_record;

const BUCKET: &str = "examplebucket";
const KEY: &str = "exampledir/exampleobject.bin";
pub const SIZE: u64 = 250_000;

/// What the host knows about its `user_data`.
#[derive(Default)]
pub struct Host {
    given: AtomicU32,
    freed: AtomicU32,
    pub progress: AtomicU32,
    pub traces: AtomicU32,
    log_lines: AtomicU32,
}

impl Host {
    pub fn pointer(&self) -> *mut c_void {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Makes a call that is given `user_data` this many times, and frees it when it fails.
    pub fn giving(
        &self,
        count: u32,
        call: impl FnOnce() -> oss_resumable_code,
    ) -> oss_resumable_code {
        let freed = self.freed.load(Ordering::SeqCst);
        self.given.fetch_add(count, Ordering::SeqCst);
        let code = call();
        if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
            assert_eq!(self.freed.load(Ordering::SeqCst), freed + count, "user_data_free");
        }
        code
    }

    pub fn assert_all_freed(&self) {
        assert_eq!(self.freed.load(Ordering::SeqCst), self.given.load(Ordering::SeqCst));
    }
}

pub unsafe extern "C" fn free(host: *mut c_void) {
    // SAFETY: the fixture's host.
    unsafe { &*host.cast::<Host>() }.freed.fetch_add(1, Ordering::SeqCst);
}

pub unsafe extern "C" fn provide(sink: *mut oss_resumable_credentials_sink, _: *mut c_void) {
    let (id, secret) = (c"LTAI5tExampleKeyId".as_ptr(), c"ExampleSecret".as_ptr());
    // SAFETY: literals, and the sink the library passed.
    unsafe { oss_resumable_credentials_set(sink, id, secret, ptr::null(), 0) };
}

pub unsafe extern "C" fn decide(_: *const oss_resumable_failed_attempt, _: *mut c_void) -> i64 {
    OSS_RESUMABLE_RETRY_DEFAULT
}

pub unsafe extern "C" fn write(_: i32, _: *const c_char, host: *mut c_void) {
    // SAFETY: the fixture's host.
    unsafe { &*host.cast::<Host>() }.log_lines.fetch_add(1, Ordering::SeqCst);
}

pub unsafe extern "C" fn unwrap(
    sink: *mut oss_resumable_content_key_sink,
    _: *const oss_resumable_wrapped_key,
    _: *mut c_void,
) {
    // SAFETY: the sink the library passed.
    unsafe { oss_resumable_content_key_fail(sink, ptr::null()) };
}

pub unsafe extern "C" fn note(_: *const oss_resumable_trace_record, host: *mut c_void) {
    // SAFETY: the fixture's host.
    unsafe { &*host.cast::<Host>() }.traces.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn show(_: *const oss_resumable_status, host: *mut c_void) -> i32 {
    // SAFETY: the fixture's host.
    unsafe { &*host.cast::<Host>() }.progress.fetch_add(1, Ordering::SeqCst);
    0
}

/// A server with an object, a directory, and strings for C.
pub struct Fixture {
    pub server: Server,
    dir: tempfile::TempDir,
    pub host: Host,
    endpoint: CString,
    target: CString,
    checkpoint_dir: CString,
    etags: [CString; 2],
    version: CString,
    pem: CString,
}

impl Fixture {
    pub fn new() -> Self {
        let auth = Auth::key("LTAI5tExampleKeyId", "ExampleSecret");
        let config = Config { auth, versioning: true, ..Config::default() };
        let server = Server::start(config).expect("server");
        let object = server.put(BUCKET, KEY, Object::pattern(SIZE, 7));
        // In memory, if there is such a file system: nothing here is about disks.
        let memory = std::env::var_os("TEST_MEMORY").unwrap_or_else(|| "/dev/shm".into());
        let dir = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("directory");
        let c = |text: &str| CString::new(text).expect("no NUL");
        Fixture {
            host: Host::default(),
            endpoint: c(&server.endpoint()),
            target: c(dir.path().join("file.bin").to_str().expect("UTF-8")),
            checkpoint_dir: c(dir.path().to_str().expect("UTF-8")),
            etags: [c(object.etag()), c("another")],
            version: c(object.version_id()),
            pem: c(include_str!("../../../tests/data/encryption/first.pem")),
            server,
            dir,
        }
    }

    /// Calls `call` with options in which everything is set that a download may have.
    pub fn with_options<T>(&self, call: impl FnOnce(&mut oss_resumable_client_options) -> T) -> T {
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
        options.trace = Some(note);
        options.trace_user_data = self.host.pointer();
        options.trace_user_data_free = Some(free);
        call(&mut options)
    }

    pub fn client(&self) -> *mut oss_resumable_client {
        self.with_options(|options| self.client_with(options))
    }

    pub fn client_with(&self, options: &oss_resumable_client_options) -> *mut oss_resumable_client {
        made(|out, err| {
            // SAFETY: live options and outputs.
            self.host.giving(3, || unsafe { oss_resumable_client_new(options, out, err) })
        })
    }

    /// Calls `call` with a request in which everything is set.
    pub fn with_request<T>(&self, call: impl FnOnce(&mut oss_download_object_request) -> T) -> T {
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
    pub fn made_for_request<T>(
        &self,
        mut call: impl FnMut(
            *const oss_download_object_request,
            *mut *mut T,
            *mut *mut oss_resumable_error,
        ) -> oss_resumable_code,
    ) -> *mut T {
        // A download that has started has written a log line.
        let happened = || {
            let lines = self.host.log_lines.load(Ordering::SeqCst);
            (lines, self.server.connections(), self.files())
        };
        let before = happened();
        self.with_request(|request| {
            made(|out, err| {
                let code = self.host.giving(1, || call(request, out, err));
                if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
                    assert_eq!(happened(), before);
                }
                code
            })
        })
    }

    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("list");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The name and the content of each file.
    pub fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let with_content = |name: String| {
            let content = fs::read(self.dir.path().join(&name)).expect("read");
            (name, content)
        };
        self.files().into_iter().map(with_content).collect()
    }

    /// Puts files into the directory.
    pub fn restore(&self, files: &[(String, Vec<u8>)]) {
        for (name, content) in files {
            fs::write(self.dir.path().join(name), content).expect("write");
        }
    }

    /// Asserts that the file is the object and that nothing else is there.
    pub fn assert_file(&self) {
        let expected = self.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
        assert!(self.contents() == [("file.bin".to_owned(), expected)], "{:?}", self.files());
    }

    pub fn remove_file(&self) {
        fs::remove_file(self.dir.path().join("file.bin")).expect("remove");
    }

    /// Frees a client, after which no `user_data` is left.
    pub fn free(&self, client: *mut oss_resumable_client) {
        // SAFETY: live until here.
        unsafe { oss_resumable_client_free(client) };
        self.host.assert_all_freed();
    }
}
