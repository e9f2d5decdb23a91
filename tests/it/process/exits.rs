//! The host calls `exit()` on any thread while downloads run over TLS.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use local_oss::{Config, Fault, Object, Tls};
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, DownloadRequest, ErrorKind,
    LogLevel,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::alone::{Process, argument};
use super::raw;
use crate::disk::shim::{self, Failing, How};
use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, SECRET};
use crate::preload;

const STATUS: i32 = 7;

/// Where `exit()` is called.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum ExitPoint {
    /// On a thread of the host.
    Host,
    /// In the log callback, on the download's driver thread.
    Log,
    /// In the credentials provider, on a thread of its own.
    Provider,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Host {
    endpoint: String,
    ca_file: PathBuf,
    directory: PathBuf,
    exit_point: ExitPoint,
    /// The host has an exit handler that uses the library and was registered before the library's.
    has_handler: bool,
    /// Time from the start of the download to `exit()`.
    after: Duration,
}

impl Host {
    fn new(fixture: &Fixture, exit_point: ExitPoint, after: Duration) -> Self {
        let ca_file = fixture.server.ca_file().expect("TLS").to_owned();
        let (endpoint, directory) = (fixture.server.endpoint(), fixture.dir().to_owned());
        Host { endpoint, ca_file, directory, exit_point, has_handler: false, after }
    }

    /// Runs it; returns whether it ended with its `exit()`.
    fn exits(&self) -> bool {
        let status = Process::start("process::exits::host", self).status();
        if status.code() != Some(STATUS) {
            println!("{self:?}: {status}");
        }
        status.code() == Some(STATUS)
    }

    fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::new(&self.endpoint).region("cn-hangzhou");
        options.ca_file = Some(self.ca_file.clone());
        let (exit_point, after) = (self.exit_point, self.after);
        options.credentials = Credentials::Provider(Arc::new(Exiting { exit_point, after }));
        options.log_level = LogLevel::Debug;
        options.log = matches!(exit_point, ExitPoint::Log).then(|| {
            let requests = Mutex::new(0);
            Arc::new(move |_: LogLevel, line: &str| {
                let mut requests = requests.lock();
                *requests += u32::from(line.contains("GET bytes"));
                // The second request is sent while the first one is in flight.
                if *requests == 2 {
                    std::thread::sleep(after);
                    std::process::exit(STATUS);
                }
            }) as _
        });
        options
    }

    fn request(&self) -> DownloadRequest {
        DownloadRequest::new(BUCKET, KEY)
            .file_path(self.directory.join("file.bin"))
            .checkpoint_dir(&self.directory)
            .thread_num(8)
    }
}

/// A provider whose first key must be renewed immediately.
struct Exiting {
    exit_point: ExitPoint,
    after: Duration,
}

impl CredentialsProvider for Exiting {
    fn fetch(&self) -> Result<AccessKey, String> {
        if matches!(self.exit_point, ExitPoint::Provider) {
            std::thread::sleep(self.after);
            std::process::exit(STATUS);
        }
        Ok(AccessKey::new(ID, SECRET, None))
    }
}

static LEFT: Mutex<Option<(Client, oss_resumable::Download)>> = Mutex::new(None);

/// The host's exit handler; a C++ program does this in the destructors of its static objects.
extern "C" fn use_the_library() {
    let Some((client, download)) = LEFT.lock().take() else { return };
    let ended = download.wait(None).expect("no limit").expect_err("it cannot end any more");
    assert_eq!(ended.kind(), ErrorKind::Cancelled);
    let request = DownloadRequest::new(BUCKET, KEY).file_path("/dev/shm/never");
    assert_eq!(client.download(&request).expect_err("too late").kind(), ErrorKind::Cancelled);
    client.shutdown();
    drop(download);
    drop(client);
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host() {
    let host: Host = argument();
    if host.has_handler {
        raw::at_exit(use_the_library);
    }
    let client = Client::new(host.options()).expect("client");
    if matches!(host.exit_point, ExitPoint::Provider) {
        // A second client already has the key and runs when the first one requests it.
        let options = Host { exit_point: ExitPoint::Host, ..host.clone() }.options();
        let working = Client::new(options).expect("client");
        std::mem::forget(working.start(&host.request()).expect("start"));
        let other = host.request().file_path(host.directory.join("other.bin"));
        std::mem::forget(client.start(&other).expect("start"));
        std::thread::park();
    }
    let download = client.start(&host.request()).expect("start");
    std::thread::sleep(host.after);
    *LEFT.lock() = Some((client, download));
    if matches!(host.exit_point, ExitPoint::Log) {
        std::thread::park();
    }
    std::process::exit(STATUS);
}

fn tls_fixture(size: u64) -> Fixture {
    let config = Config { tls: Some(Tls::Valid), ..Config::default() };
    Fixture::with(config, Object::pattern(size, 7))
}

/// Exits at random moments of the first 100 ms; the run after the last one must end with the right file.
fn exit_often(count: u32, exit_point: ExitPoint) {
    let fixture = tls_fixture(64 * MIB);
    let mut chance = Chance::new();
    let crashed = (0..count).filter(|_| {
        let after = Duration::from_millis(100).mul_f64(chance.fraction());
        !Host::new(&fixture, exit_point, after).exits()
    });
    assert_eq!(crashed.count(), 0);
    let outcome = fixture.client().download(&fixture.request()).expect("the next run");
    fixture.assert_range(0..64 * MIB);
    assert_eq!(outcome.file_size, 64 * MIB);
    figure(&format!("{count} exits"));
}

#[test]
fn exit_at_any_moment_of_downloads_over_tls_ends_the_process_normally() {
    exit_often(cases(130, 1000), ExitPoint::Host);
}

#[test]
fn exit_in_the_log_callback_ends_the_process_normally() {
    exit_often(cases(35, 300), ExitPoint::Log);
}

#[test]
fn exit_in_the_credentials_provider_ends_the_process_normally() {
    exit_often(cases(35, 300), ExitPoint::Provider);
}

#[test]
fn the_host_s_exit_handlers_may_use_the_library_without_delay() {
    let fixture = tls_fixture(64 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    for after in [0, 20, 300] {
        let after = Duration::from_millis(after);
        let host = Host { has_handler: true, ..Host::new(&fixture, ExitPoint::Host, after) };
        assert!(host.exits());
    }
}

static SENDS_A_REQUEST: AtomicBool = AtomicBool::new(false);
static LIBRARY_HAS_EXITED: AtomicBool = AtomicBool::new(false);

/// Lets the driver continue, which is in the log callback of [`host_of_a_first_request`].
extern "C" fn continue_and_use_the_library() {
    LIBRARY_HAS_EXITED.store(true, Ordering::SeqCst);
    use_the_library();
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host_of_a_first_request() {
    let host: Host = argument();
    raw::at_exit(continue_and_use_the_library);
    let mut options = host.options();
    // Nothing is signed, so the next use of OpenSSL after the log line is the start of the transfer thread.
    options.credentials = Credentials::Anonymous;
    options.log = Some(Arc::new(|_, line: &str| {
        if line.contains("GET bytes") {
            SENDS_A_REQUEST.store(true, Ordering::SeqCst);
            super::wait_until("exit()", || LIBRARY_HAS_EXITED.load(Ordering::SeqCst));
        }
    }));
    let client = Client::new(options).expect("client");
    let download = client.start(&host.request()).expect("start");
    super::wait_until("a request", || SENDS_A_REQUEST.load(Ordering::SeqCst));
    *LEFT.lock() = Some((client, download));
    std::process::exit(STATUS);
}

#[test]
fn a_download_whose_first_request_comes_after_exit_is_cancelled() {
    let fixture = tls_fixture(MIB);
    let host = Host::new(&fixture, ExitPoint::Host, Duration::ZERO);
    let process = Process::start("process::exits::host_of_a_first_request", &host);
    assert_eq!(process.status().code(), Some(STATUS));
    assert!(fixture.server.requests().is_empty());
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host_of_a_stuck_write() {
    let host: Host = argument();
    raw::at_exit(use_the_library);
    let client = Client::new(host.options()).expect("client");
    let download = client.start(&host.request()).expect("start");
    let log = std::env::var("DISK_LOG").expect("a log");
    super::wait_until("a write", || {
        std::fs::read_to_string(&log).expect("the log").contains("write")
    });
    *LEFT.lock() = Some((client, download));
    std::process::exit(STATUS);
}

#[test]
fn the_host_s_exit_handlers_are_not_blocked_by_a_write_that_never_returns() {
    let fixture = tls_fixture(64 * MIB);
    let log = tempfile::NamedTempFile::new().expect("a log");
    let temp = fixture.temp();
    let path = temp.to_str().expect("UTF-8");
    let stuck = Failing { call: "write", path, nth: 1, times: shim::ALWAYS, how: How::Stuck };
    let host = Host::new(&fixture, ExitPoint::Host, Duration::ZERO);
    let process = Process::start_with("process::exits::host_of_a_stuck_write", &host, |command| {
        shim::preload(command.env("DISK_LOG", log.path()), &fixture, Some(stuck));
    });
    assert_eq!(process.status().code(), Some(STATUS));
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host_of_a_queue() {
    let host: Host = argument();
    if host.has_handler {
        raw::at_exit(use_the_library);
    }
    let mut options = host.options();
    options.max_active_downloads = 1;
    let client = Client::new(options).expect("client");
    let start = |n: usize| {
        let mut request = host.request().file_path(host.directory.join(format!("{n}.bin")));
        request.deadline = Some(Duration::from_secs(3600));
        client.start(&request).expect("start")
    };
    let mut downloads: Vec<_> = (0..100).map(start).collect();
    std::thread::sleep(host.after);
    *LEFT.lock() = downloads.pop().map(|last| (client, last));
    std::mem::forget(downloads);
    std::process::exit(STATUS);
}

#[test]
fn exit_while_downloads_are_queued_ends_the_process_normally() {
    let fixture = tls_fixture(64 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    for (after, has_handler) in [(0, false), (50, false), (0, true), (50, true)] {
        let after = Duration::from_millis(after);
        let host = Host { has_handler, ..Host::new(&fixture, ExitPoint::Host, after) };
        let process = Process::start("process::exits::host_of_a_queue", &host);
        assert_eq!(process.status().code(), Some(STATUS), "{host:?}");
    }
}

/// Starts a test of this module with `tests/shim/thread_end.c`.
fn start_watched(test: &str, host: &Host) -> Process {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| preload::compiled("thread_end"));
    Process::start_with(&format!("process::exits::{test}"), host, |command| {
        command.env("LD_PRELOAD", library);
    })
}

#[test]
fn threads_that_end_while_exit_handlers_run_do_not_use_openssl() {
    let fixture = tls_fixture(64 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let after = Duration::from_millis(300);
    // Its handler joins all threads.
    let host = Host { has_handler: true, ..Host::new(&fixture, ExitPoint::Host, after) };
    assert_eq!(start_watched("host", &host).status().code(), Some(STATUS));
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host_of_an_ended_download() {
    let host: Host = argument();
    let client = Client::new(host.options()).expect("client");
    let download = client.start(&host.request()).expect("start");
    download.wait(None).expect("no limit").expect("downloaded");
    super::wait_until("a thread that ends", || has_thread("oss-in-openssl"));
    if host.has_handler {
        raw::at_exit(free_the_client);
    }
    *LEFT.lock() = Some((client, download));
    std::process::exit(STATUS);
}

/// Whether this process has a thread of this name.
fn has_thread(name: &str) -> bool {
    let mut threads = std::fs::read_dir("/proc/self/task").expect("the threads");
    threads.any(|thread| {
        let file = thread.expect("a thread").path().join("comm");
        // The thread may have ended meanwhile.
        std::fs::read_to_string(file).is_ok_and(|own| own.trim_end() == name)
    })
}

/// This handler runs before the library's.
extern "C" fn free_the_client() {
    drop(LEFT.lock().take());
}

#[test]
fn exit_waits_for_a_thread_that_ends_in_openssl() {
    let fixture = tls_fixture(MIB);
    for has_handler in [false, true] {
        let host = Host { has_handler, ..Host::new(&fixture, ExitPoint::Host, Duration::ZERO) };
        let process = start_watched("host_of_an_ended_download", &host);
        assert_eq!(process.status().code(), Some(STATUS), "{has_handler}");
    }
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn host_of_a_checkpoint() {
    let host: Host = argument();
    let client = Client::new(host.options()).expect("client");
    let request = host.request();
    let download = client.start(&request).expect("start");
    super::wait_until("recorded bytes", || {
        let checkpoint = client.inspect_checkpoint(&request).expect("readable");
        checkpoint.is_some_and(|checkpoint| checkpoint.bytes_recorded > 0)
    });
    *LEFT.lock() = Some((client, download));
    std::process::exit(STATUS);
}

#[test]
fn exit_keeps_the_checkpoint() {
    let fixture = tls_fixture(16 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let host = Host::new(&fixture, ExitPoint::Host, Duration::ZERO);
    let process = Process::start("process::exits::host_of_a_checkpoint", &host);
    assert_eq!(process.status().code(), Some(STATUS));
    assert!(fixture.journal().is_some() && fixture.temp().exists() && !fixture.target().exists());
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused > 0);
}
