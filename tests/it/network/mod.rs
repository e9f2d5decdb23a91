//! Faults of the network and the service: each ends with the right file, or with the documented error and the old file
//! unchanged.

mod busy;
mod clocks;
mod contradictions;
mod garbage;
mod generations;
mod outages;
mod proxy;
mod redirects;
mod refusals;
mod replaced;
mod resets;
mod silence;
mod throttling;
mod tokens;
mod waste;

use std::time::Duration;

use local_oss::{Config, Fault, Matcher, Object, Tls};
use oss_resumable::{Checkpoint, Client, DownloadRequest, Error, ErrorKind, Outcome};

use crate::fixture::{Fixture, PART};

/// The content of the target before a download.
const OLD: &[u8] = b"an older file";

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A fixture with an object of `size` bytes and an older file at the target.
fn fixture(size: u64) -> Fixture {
    fixture_of(Config::default(), size)
}

fn fixture_of(config: Config, size: u64) -> Fixture {
    let fixture = Fixture::with(config, Object::pattern(size, 7));
    fixture.put_old_file();
    fixture
}

/// The same with a fault.
fn fixture_with_fault(size: u64, matcher: Matcher, fault: Fault) -> Fixture {
    let fixture = fixture(size);
    fixture.server.inject_when(matcher, fault);
    fixture
}

fn tls() -> Config {
    Config { tls: Some(Tls::Valid), ..Config::default() }
}

/// Over plain TCP and over TLS.
fn both_transports() -> [Config; 2] {
    [Config::default(), tls()]
}

fn status(status: u16, code: &str) -> Fault {
    Fault::Status { status, code: code.to_owned(), retry_after: None }
}

fn header(name: &str, value: Option<&str>) -> Fault {
    Fault::Header { name: name.to_owned(), value: value.map(str::to_owned) }
}

/// Runs `check` for each of `cases`, a few at a time: most of them wait for the network.
fn each<T: Send + Sync>(cases: impl IntoIterator<Item = T>, check: impl Fn(&T) + Sync) -> usize {
    const AT_ONCE: usize = 8;
    let cases: Vec<T> = cases.into_iter().collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    check(case);
                }
            });
        }
    });
    cases.len()
}

impl Fixture {
    fn put_old_file(&self) {
        std::fs::write(self.target(), OLD).expect("the old file");
    }

    fn request_without_checkpoint(&self) -> DownloadRequest {
        self.request_with(|request| request.checkpoint = Checkpoint::Off)
    }

    /// A client that gives up a silent connection after 0.7 s.
    fn client_with_short_idle_timeout(&self) -> Client {
        self.client_with(|options| options.idle_timeout = Some(millis(700)))
    }

    /// Asserts that the download ends with the whole object and no other file.
    fn assert_downloads(&self, client: &Client, request: &DownloadRequest) -> Outcome {
        let outcome = client.download(request).unwrap_or_else(|error| panic!("{error}"));
        self.assert_whole(&outcome);
        outcome
    }

    /// Asserts that the download fails with this error and that the old file stays.
    fn assert_refuses(
        &self,
        client: &Client,
        request: &DownloadRequest,
        kind: ErrorKind,
        code: &str,
    ) -> Error {
        let error = client.download(request).expect_err(code);
        assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
        self.assert_old_file(request);
        error
    }

    /// Asserts that the old file is unchanged and that beside it there is at most a resumable download.
    fn assert_old_file(&self, request: &DownloadRequest) {
        assert_eq!(std::fs::read(self.target()).expect("the old file"), OLD);
        let resumable = self.journal().is_some() && self.temp().exists();
        let left = if resumable { 3 } else { 1 };
        assert_eq!(self.files().len(), left, "{:?}", self.files());
        assert!(!resumable || request.checkpoint != Checkpoint::Off, "{:?}", self.files());
    }

    /// Asserts that the same download succeeds once the faults are gone: no state may persist.
    fn assert_recovers(&self, request: &DownloadRequest) {
        self.server.clear_faults();
        self.assert_downloads(&self.client(), request);
    }

    /// A request for the object on one connection.
    fn single(&self) -> DownloadRequest {
        self.request().part_size(PART).thread_num(1)
    }
}
