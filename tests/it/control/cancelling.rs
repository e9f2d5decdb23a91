//! A cancel ends a download within 100 ms, whatever it waits for. Only a thread inside one call of the disk may take
//! longer.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{AccessKey, ContentKey, Credentials, CredentialsProvider, Download};
use oss_resumable::{KeyUnwrapper, WrappedKey};

use super::child::{Job, Report, Step};
use super::{CANCELLED_WITHIN, CLOSED_WITHIN, assert_within, cancel, millis, pause, wait_until};
use crate::encryption;
use crate::fixture::{BUCKET, Fixture, MIB, PART, wait_for_progress};
use crate::preload;

const SIZE: u64 = 8 * MIB;

/// Asserts that a download of this fixture is cancelled in time once it is `ready`.
fn assert_cancelled(fixture: &Fixture, ready: impl Fn(&Fixture, &Download)) {
    assert_within(CANCELLED_WITHIN, || {
        let client = fixture.client_with(|options| options.idle_timeout = None);
        let download = client.start(&fixture.request()).expect("start");
        ready(fixture, &download);
        cancel(&download)
    });
}

#[test]
fn at_any_moment_of_a_transfer() {
    for connections in [1, 3, 64] {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject(Fault::RateLimit(SIZE / 4 / connections));
        assert_cancelled(&fixture, |_, download| wait_for_progress(download, PART));
    }
}

#[test]
fn while_the_service_is_silent() {
    for (matcher, fault) in [
        (Matcher::any(), Fault::NoReply),
        (Matcher::any(), Fault::EndlessHeaders(millis(50))),
        (Matcher::any().every_connection(1), Fault::RoundTrip(Duration::from_secs(20))),
        (Matcher::any().from(2), Fault::StallAfter(1000)),
    ] {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject_when(matcher, fault);
        assert_cancelled(&fixture, |_, _| std::thread::sleep(millis(100)));
    }
}

#[test]
fn while_the_service_throttles_or_fails() {
    for retry_after in [Some(Duration::from_secs(20)), None] {
        for (status, code) in [(503, "SlowDown"), (500, "InternalError")] {
            let fixture = Fixture::new(SIZE);
            let fault = Fault::Status { status, code: code.to_owned(), retry_after };
            fixture.server.inject_when(Matcher::any().from(2), fault);
            assert_cancelled(&fixture, |_, download| {
                let figures = || download.status().statistics;
                wait_until("a refusal", || figures().retries_service > 0);
            });
        }
    }
}

#[test]
fn while_a_limit_holds_the_bytes_back() {
    let fixture = Fixture::new(SIZE);
    let client = fixture.client();
    assert_within(CANCELLED_WITHIN, || {
        let request = fixture.request_with(|request| request.max_bandwidth = 1);
        let download = client.start(&request).expect("start");
        wait_until("the first reply", || download.status().bytes_total.is_some());
        std::thread::sleep(millis(20));
        cancel(&download)
    });
}

#[test]
fn while_it_is_paused() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(MIB));
    assert_cancelled(&fixture, |fixture, download| {
        wait_for_progress(download, PART);
        pause(fixture, download);
    });
    assert_cancelled(&fixture, |_, download| download.pause());
}

/// Does not answer before the test ends.
struct Hanging(Receiver<()>);

impl CredentialsProvider for Hanging {
    fn fetch(&self) -> Result<AccessKey, String> {
        let _ = self.0.recv();
        Err("the test is over".to_owned())
    }
}

impl KeyUnwrapper for Hanging {
    fn unwrap_key(&self, _: &WrappedKey) -> Result<ContentKey, String> {
        let _ = self.0.recv();
        Err("the test is over".to_owned())
    }
}

fn hanging() -> (Sender<()>, Arc<Hanging>) {
    let (end, ended) = bounded(0);
    (end, Arc::new(Hanging(ended)))
}

#[test]
fn while_the_credentials_provider_hangs() {
    let fixture = Fixture::new(SIZE);
    assert_within(CANCELLED_WITHIN, || {
        let (end, provider) = hanging();
        let credentials = Credentials::Provider(provider);
        let client = fixture.client_with(|options| options.credentials = credentials);
        let download = client.start(&fixture.request()).expect("start");
        std::thread::sleep(millis(20));
        let took = cancel(&download);
        drop(end);
        took
    });
}

#[test]
fn while_the_key_unwrapper_hangs() {
    let fixture = encryption::unwrapping::fixture();
    assert_within(CANCELLED_WITHIN, || {
        let (end, unwrapper) = hanging();
        let client = fixture.client_with(|options| options.key_unwrapper = Some(unwrapper));
        let asked = fixture.server.requests().len();
        let download = client.start(&fixture.request()).expect("start");
        wait_until("a reply", || fixture.server.requests().len() > asked);
        std::thread::sleep(millis(20));
        let took = cancel(&download);
        drop(end);
        took
    });
}

/// The name that the resolver of `tests/shim` knows.
const HOST: &str = "oss.test";

#[test]
fn while_a_name_lookup_hangs() {
    let fixture = Fixture::new(SIZE);
    assert_within(CANCELLED_WITHIN, || {
        let report = hang_in_a_lookup(&fixture, Step::CancelIn(false, millis(200)));
        assert_eq!(report.error.as_deref(), Some("Cancelled"));
        report.took.max(report.released_after)
    });
}

#[test]
fn a_pause_does_not_wait_for_a_name_lookup_either() {
    let fixture = Fixture::new(SIZE);
    assert_within(CLOSED_WITHIN, || {
        let report = hang_in_a_lookup(&fixture, Step::PauseAfter(millis(200)));
        assert_eq!(report.error.as_deref(), Some("Cancelled"));
        report.took
    });
}

/// Runs a job whose name lookups take long.
fn hang_in_a_lookup(fixture: &Fixture, step: Step) -> Report {
    let service = tempfile::tempdir().expect("directory");
    let log = service.path().join("log");
    let job = Job::new(fixture, step).at(format!("http://{HOST}:{}", fixture.server.port()));
    let hung = job.start_with(|command| {
        command
            .env("LD_PRELOAD", preload::compiled("resolver"))
            .env("RESOLVER_HOST", format!("{BUCKET}.{HOST}"))
            .env("RESOLVER_OUTAGE", service.path().join("outage"))
            .env("RESOLVER_LOG", &log)
            .env("RESOLVER_HANGS", "20");
    });
    let report = hung.report();
    assert!(log.exists(), "the name was looked up");
    report
}

/// One slow call, and the promise.
const SLOW_CALL: Duration = Duration::from_millis(300);

/// Asserts that a job on a slow disk ends one call after its cancel, and that its files are free then.
fn assert_cancelled_on_slow_disk(job: impl Fn(&Fixture) -> Job, call: &str, fixture: &Fixture) {
    assert_within(CANCELLED_WITHIN, || {
        let report = job(fixture).run_on_slow_disk(fixture, call, SLOW_CALL);
        assert_eq!(report.error.as_deref(), Some("Cancelled"), "{report:?}");
        report.released_after.saturating_sub(SLOW_CALL)
    });
}

#[test]
fn while_every_write_is_slow() {
    let fixture = Fixture::new(64 * MIB);
    let job = |fixture: &Fixture| Job::new(fixture, Step::CancelAt(6 * MIB));
    assert_cancelled_on_slow_disk(job, "write", &fixture);
}

#[test]
fn while_the_bytes_of_an_earlier_run_are_read_slowly() {
    let fixture = Fixture::with(Config::default(), Object::pattern(24 * MIB, 7));
    assert_within(CANCELLED_WITHIN, || {
        let prepare = Job::new(&fixture, Step::CancelAt(0)).request();
        fixture.server.inject(Fault::RateLimit(16 * MIB));
        let download = fixture.client().start(&prepare).expect("start");
        wait_for_progress(&download, 12 * MIB);
        cancel(&download);
        // The rest takes longer than the proof.
        fixture.server.clear_faults();
        fixture.server.inject(Fault::RateLimit(MIB));
        let job = Job::new(&fixture, Step::CancelAt(13 * MIB));
        let report = job.run_on_slow_disk(&fixture, "read", SLOW_CALL);
        fixture.server.clear_faults();
        assert_eq!(report.error.as_deref(), Some("Cancelled"), "{report:?}");
        report.took.saturating_sub(SLOW_CALL)
    });
}

#[test]
fn while_the_file_is_read_back_slowly_before_its_rename() {
    let fixture = Fixture::new(SIZE);
    let job = |_: &Fixture| Job::new(&fixture, Step::CancelIn(true, millis(100)));
    assert_cancelled_on_slow_disk(job, "read", &fixture);
}

#[test]
fn what_a_fast_disk_can_store_in_time_is_kept() {
    assert_within(CANCELLED_WITHIN, || {
        let fixture = Fixture::new(32 * MIB);
        fixture.server.inject(Fault::RateLimit(4 * MIB));
        let request = fixture.request();
        let client = fixture.client();
        let download = client.start(&request).expect("start");
        wait_for_progress(&download, 4 * MIB);
        let took = cancel(&download);
        let status = download.status();
        drop(download);
        let recorded = client.inspect_checkpoint(&request).expect("inspect").expect("some");
        assert_eq!(recorded.bytes_recorded, status.bytes_done);
        // On a busy machine it may not be in time.
        if status.statistics.bytes_discarded == 0 { took } else { Duration::MAX }
    });
}
