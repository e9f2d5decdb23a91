//! Services that cannot be reached: names that are not found, ports that refuse, servers that restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use local_oss::{Config, Fault, Object};
use oss_resumable::{ClientOptions, ErrorKind, FailedAttempt, RetryVerdict};

use crate::effort::figure;
use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART, wait_for_progress};
use crate::preload;
use crate::program::{self, Running};

use super::{both_transports, each, fixture_of, millis};

/// A name that no name service knows.
const HOST: &str = "oss.test";
const OUTAGE: Duration = Duration::from_secs(60);
/// How long libcurl caches an address, and a margin. The shim switches the cache off, but not in a libcurl that is
/// linked into the program.
const REMEMBERED: Duration =
    Duration::from_secs(if cfg!(feature = "static-curl") { 63 } else { 3 });
/// Bytes per second of a connection that a test has to observe while it runs.
const SLOW: u64 = 200_000;

/// A fixture that is reached by name, and a name service that can be unavailable.
struct Named {
    fixture: Fixture,
    /// Not in the fixture's directory, which may contain only the download's files.
    service: tempfile::TempDir,
}

impl Named {
    fn new(size: u64) -> Self {
        let custom_domains = vec![(format!("{BUCKET}.{HOST}"), BUCKET.to_owned())];
        let fixture = fixture_of(Config { custom_domains, ..Config::default() }, size);
        Named { fixture, service: tempfile::tempdir().expect("directory") }
    }

    fn outage(&self) -> PathBuf {
        self.service.path().join("outage")
    }

    fn begin_outage(&self) {
        std::fs::write(self.outage(), "").expect("begin the outage");
    }

    fn end_outage(&self) {
        std::fs::remove_file(self.outage()).expect("end the outage");
    }

    /// The result of each lookup of an IPv4 address: '+' succeeded, '-' failed.
    fn lookups(&self) -> String {
        std::fs::read_to_string(self.service.path().join("log")).expect("lookups")
    }

    /// Starts the example program, which downloads by name.
    fn start(&self) -> Running {
        let endpoint = format!("http://{HOST}:{}", self.fixture.server.port());
        let arguments = [BUCKET, KEY, "file.bin", "."];
        program::running(
            program::program_at(&endpoint, self.fixture.dir(), arguments)
                .env("LD_PRELOAD", library())
                .env("RESOLVER_HOST", format!("{BUCKET}.{HOST}"))
                .env("RESOLVER_OUTAGE", self.outage())
                .env("RESOLVER_LOG", self.service.path().join("log")),
        )
    }
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| preload::compiled("resolver"))
}

fn sent(fixture: &Fixture) -> u64 {
    fixture.server.requests().iter().map(|request| request.body_bytes).sum()
}

#[test]
fn a_minute_of_failed_name_lookups_after_progress_is_waited_out() {
    const SIZE: u64 = 24 * MIB;
    let named = Named::new(SIZE);
    let fixture = &named.fixture;
    // Slow enough to be still running when libcurl has dropped the cached address.
    fixture.server.inject(Fault::RateLimit(40_000));
    let mut program = named.start();
    while fixture.server.active_connections() < 2 {
        assert!(program.is_alive(), "it ended early");
        std::thread::sleep(millis(5));
    }
    named.begin_outage();
    std::thread::sleep(REMEMBERED);
    // Breaks every connection, so that each of them needs a lookup.
    fixture.server.restart().expect("restart");
    let arrived = fixture.server.requests().len();
    assert!(arrived < 24, "connections must be reused: {arrived} requests");
    std::thread::sleep(OUTAGE);
    assert_eq!(fixture.server.requests().len(), arrived, "no request arrives during the outage");
    assert!(program.is_alive(), "it gave up, or ended");
    let failed = named.lookups().matches('-').count();
    assert!(failed >= 3, "{}", named.lookups());
    fixture.server.clear_faults();
    named.end_outage();

    let output = program.output().expect("its end");
    assert!(output.status.success(), "{}", program::error_output(&output));
    assert!(named.lookups().ends_with('+'), "{}", named.lookups());
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
    // Work that moves from one connection to another may cost some bytes; a new start would cost all of them.
    assert!(sent(fixture) < SIZE + 2 * MIB, "{} bytes were sent", sent(fixture));
    figure("60 s without names");
}

#[test]
fn a_name_that_cannot_be_looked_up_at_the_start_fails_at_once() {
    let named = Named::new(PART);
    named.begin_outage();
    let output = named.start().output().expect("its end");
    let said = program::error_output(&output);
    assert!(!output.status.success() && said.contains("ClientError:200006"), "{said}");
    assert!(said.contains(HOST), "{said}");
    assert_eq!(named.lookups(), "-", "asked once");
    named.fixture.assert_old_file(&named.fixture.request());
    assert_eq!(named.fixture.files(), ["file.bin"]);

    named.end_outage();
    let output = named.start().output().expect("its end");
    assert!(output.status.success(), "{}", program::error_output(&output));
    named.fixture.assert_range(0..PART);
}

#[test]
fn a_server_that_restarts_repeatedly_is_found_again() {
    const SIZE: u64 = 2 * MIB;
    each(both_transports(), |config| {
        let fixture = fixture_of(config.clone(), SIZE);
        fixture.server.inject(Fault::RateLimit(SLOW));
        let client = fixture.client();
        let download = client.start(&fixture.request()).expect("start");
        for quarter in 1..4 {
            wait_for_progress(&download, quarter * SIZE / 4);
            fixture.server.restart().expect("restart");
        }
        let outcome = download.wait(None).expect("no limit").expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
        assert!(outcome.statistics.retries_broken >= 3, "{:?}", outcome.statistics);
    });
}

#[test]
fn a_port_that_refuses_for_seconds_after_progress_is_retried() {
    const SIZE: u64 = 2 * MIB;
    let fixture = fixture_of(Config::default(), SIZE);
    fixture.server.inject(Fault::RateLimit(SLOW));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, SIZE / 3);
    fixture.server.stop();
    // More than three attempts of each connection, with their pauses.
    while download.status().statistics.retries_connect < 3 * 4 {
        assert!(download.wait(Some(millis(20))).is_none(), "it gave up");
    }
    fixture.server.clear_faults();
    fixture.server.restart().expect("restart");
    let outcome = download.wait(None).expect("no limit").expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn a_port_that_refuses_at_first_is_tried_three_times() {
    let fixture = Arc::new(fixture_of(Config::default(), PART));
    fixture.server.stop();
    let restarting = Arc::downgrade(&fixture);
    let client = fixture.client_with(|options| {
        options.retry = Some(Arc::new(move |attempt: FailedAttempt<'_>| {
            assert!(attempt.attempts <= 2 && attempt.would_retry, "{attempt:?}");
            if attempt.attempts == 2 {
                let fixture = restarting.upgrade().expect("the fixture outlives its downloads");
                fixture.server.restart().expect("restart");
            }
            RetryVerdict::Default
        }));
    });
    let outcome = fixture.assert_downloads(&client, &fixture.request());
    assert_eq!(outcome.statistics.retries_connect, 2);
}

#[test]
fn a_port_that_refuses_for_good_after_progress_is_an_error_after_the_limit() {
    const SIZE: u64 = 2 * MIB;
    let fixture = fixture_of(Config::default(), SIZE);
    fixture.server.inject(Fault::RateLimit(SLOW));
    let client = fixture.client_with(|options| options.no_progress_limit = Some(millis(4000)));
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, SIZE / 3);
    fixture.server.stop();
    let error = download.wait(None).expect("no limit").expect_err("refused for good");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Transport, "ClientError:200007"));
    fixture.assert_old_file(&fixture.request());

    fixture.server.restart().expect("restart");
    fixture.server.clear_faults();
    let outcome = fixture.assert_downloads(&client, &fixture.request());
    assert!(outcome.statistics.bytes_reused > 0);
}

#[test]
fn another_object_after_a_restart_is_detected() {
    const SIZE: u64 = 2 * MIB;
    let fixture = fixture_of(Config::default(), SIZE);
    fixture.server.inject(Fault::RateLimit(SLOW));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, SIZE / 3);
    fixture.server.stop();
    fixture.server.put(BUCKET, KEY, Object::pattern(SIZE + 1, 8));
    fixture.server.clear_faults();
    fixture.server.restart().expect("restart");
    let outcome = download.wait(None).expect("no limit").expect("the new object");
    fixture.assert_whole(&outcome);
}

#[test]
fn the_limits_are_three_attempts_ten_seconds_and_two_minutes() {
    let options = ClientOptions::new("http://127.0.0.1");
    assert_eq!(options.max_attempts, 3);
    assert_eq!(options.first_byte_limit, Some(Duration::from_secs(10)));
    assert_eq!(options.no_progress_limit, Some(Duration::from_secs(120)));
    assert_eq!(options.connect_timeout, Some(Duration::from_secs(5)));
    assert_eq!(options.idle_timeout, Some(Duration::from_secs(10)));
}
