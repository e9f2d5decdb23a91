//! Pauses in every state of a download but that in which bytes arrive.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use local_oss::{Config, Fault, Matcher};
use oss_resumable::{AccessKey, ContentKey, Credentials, CredentialsProvider, KeyUnwrapper};
use oss_resumable::{Phase, WrappedKey};

use super::child::{Job, Step};
use super::{assert_ends_well, assert_quiet, cancel, millis, pause, wait_until};
use crate::encryption::{self, IV};
use crate::fixture::{Fixture, ID, MIB, SECRET, wait_for_progress};

const SIZE: u64 = 2 * MIB;

#[test]
fn before_the_first_reply_the_request_is_sent_again() {
    for fault in [Fault::NoReply, Fault::SlowHeaders(Duration::from_secs(60))] {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject_when(Matcher::any().nth(1), fault);
        let client = fixture.client_with(|options| options.idle_timeout = None);
        let download = client.start(&fixture.request()).expect("start");
        wait_until("a request", || !fixture.server.requests().is_empty());
        pause(&fixture, &download);
        assert_quiet(&fixture, &download);
        assert_eq!(fixture.files(), [""; 0]);
        download.resume();
        assert_ends_well(&fixture, &download, 0);
        let requests = fixture.server.requests();
        assert_eq!(requests[0].range, requests[1].range);
        assert_eq!(download.status().statistics.retries_timeout, 0);
    }
}

#[test]
fn while_a_connection_is_made_it_is_given_up() {
    let fixture = Fixture::new(SIZE);
    let connecting = Matcher::any().every_connection(1);
    let rule = fixture.server.inject_when(connecting, Fault::RoundTrip(Duration::from_secs(20)));
    let client = fixture.client_with(|options| options.connect_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    std::thread::sleep(millis(50));
    pause(&fixture, &download);
    assert_eq!(fixture.server.fault_hits(rule), 0);
    fixture.server.clear_faults();
    download.resume();
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn the_request_for_the_head_of_a_complete_object_is_sent_again() {
    let fixture = Fixture::new(SIZE);
    // Everything comes, but the rename fails.
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let download = fixture.client().start(&fixture.request()).expect("start");
    wait_for_progress(&download, 1);
    std::fs::create_dir(fixture.target()).expect("in the way");
    download.wait(None).expect("no limit").expect_err("the rename");
    drop(download);
    std::fs::remove_dir(fixture.target()).expect("out of the way");
    fixture.server.clear_faults();

    fixture.server.inject_when(Matcher::any().head().nth(1), Fault::NoReply);
    let requests = fixture.server.requests().len();
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    wait_until("a request", || fixture.server.requests().len() > requests);
    pause(&fixture, &download);
    download.resume();
    assert_ends_well(&fixture, &download, SIZE);
    assert!(fixture.server.requests()[requests..].iter().all(|r| r.method == "HEAD"));
}

fn throttled(seconds: u64) -> Fault {
    let retry_after = Some(Duration::from_secs(seconds));
    Fault::Status { status: 503, code: "SlowDown".to_owned(), retry_after }
}

#[test]
fn while_the_service_throttles_the_time_paused_does_not_count() {
    for matcher in [Matcher::any().times(2), Matcher::any().from(2).times(2)] {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject_when(matcher, throttled(1));
        let client = fixture.client_with(|options| options.throttle_limit = Some(millis(2700)));
        let download = client.start(&fixture.request().thread_num(1)).expect("start");
        let refused = || download.status().statistics.retries_service;
        for round in 1..=2 {
            wait_until("a refusal", || refused() >= round);
            pause(&fixture, &download);
            std::thread::sleep(millis(1200));
            assert_quiet(&fixture, &download);
            download.resume();
        }
        assert_ends_well(&fixture, &download, 0);
    }
}

#[test]
fn after_a_pause_a_wait_that_the_service_asked_for_still_holds() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(Matcher::any().nth(1), throttled(2));
    let download = fixture.client().start(&fixture.request()).expect("start");
    wait_until("a refusal", || download.status().statistics.retries_service == 1);
    pause(&fixture, &download);
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    let requests = fixture.server.requests();
    assert!(requests[1].received - requests[0].received >= Duration::from_secs(2));
}

/// Returns each key that is sent.
struct Waiting(Receiver<AccessKey>);

impl CredentialsProvider for Waiting {
    fn fetch(&self) -> Result<AccessKey, String> {
        self.0.recv().map_err(|_| "the test is over".to_owned())
    }
}

fn waiting() -> (Sender<AccessKey>, Credentials) {
    let (answers, keys) = bounded(4);
    (answers, Credentials::Provider(Arc::new(Waiting(keys))))
}

fn key() -> AccessKey {
    AccessKey::new(ID, SECRET, None)
}

#[test]
fn while_the_credentials_provider_is_asked_nothing_is_sent_when_it_answers() {
    for answer_before in [true, false] {
        let fixture = Fixture::new(SIZE);
        let (answers, credentials) = waiting();
        let client = fixture.client_with(|options| {
            options.credentials = credentials;
            options.first_byte_limit = Some(millis(1500));
        });
        let download = client.start(&fixture.request()).expect("start");
        std::thread::sleep(millis(50));
        pause(&fixture, &download);
        std::thread::sleep(millis(2000));
        if answer_before {
            answers.send(key()).expect("asked");
        }
        assert_quiet(&fixture, &download);
        download.resume();
        if !answer_before {
            answers.send(key()).expect("asked");
        }
        assert_ends_well(&fixture, &download, 0);
    }
}

#[test]
fn while_a_new_key_is_asked_for_the_idle_connections_are_closed() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(Matcher::any().from(2).times(3), Fault::ExpiredToken);
    let (answers, credentials) = waiting();
    answers.send(key()).expect("room");
    let client = fixture.client_with(|options| options.credentials = credentials);
    let download = client.start(&fixture.request()).expect("start");
    wait_until("a refused key", || download.status().statistics.retries_auth > 0);
    wait_until("the rest", || download.status().active_connections == 0);
    assert!(fixture.server.active_connections() > 0);
    pause(&fixture, &download);
    assert_quiet(&fixture, &download);
    fixture.server.clear_faults();
    download.resume();
    for _ in 0..3 {
        answers.send(key()).expect("room");
    }
    assert_ends_well(&fixture, &download, 0);
}

/// A key management service that answers when it may.
struct Kms(Receiver<()>);

impl KeyUnwrapper for Kms {
    fn unwrap_key(&self, _: &WrappedKey) -> Result<ContentKey, String> {
        self.0.recv().map_err(|_| "the test is over".to_owned())?;
        ContentKey::new(&encryption::KEY, &IV).map_err(|error| error.message().to_owned())
    }
}

#[test]
fn while_the_key_unwrapper_is_asked_its_answer_is_used_after_the_pause() {
    for answer_before in [true, false] {
        let fixture = encryption::unwrapping::fixture();
        let (answer, may_answer) = bounded(1);
        let client = fixture.client_with(|options| {
            options.key_unwrapper = Some(Arc::new(Kms(may_answer)));
            options.first_byte_limit = Some(millis(1500));
        });
        let download = client.start(&fixture.request()).expect("start");
        wait_until("a reply", || !fixture.server.requests().is_empty());
        std::thread::sleep(millis(50));
        pause(&fixture, &download);
        std::thread::sleep(millis(2000));
        if answer_before {
            answer.send(()).expect("asked");
        }
        assert_quiet(&fixture, &download);
        assert_eq!(fixture.files(), [""; 0], "nothing is written before the key is known");
        download.resume();
        if !answer_before {
            answer.send(()).expect("asked");
        }
        download.wait(None).expect("no limit").expect("download");
        encryption::assert_plain(&fixture, SIZE, 0..SIZE);
    }
}

/// Bytes that a process may read from other files than the temporary one.
const OTHER_FILES: u64 = 256 * 1024;

/// A fixture of which an earlier run has received three quarters, and how many bytes it recorded.
fn interrupted(size: u64, job: impl Fn(&Fixture) -> Job) -> (Fixture, u64) {
    let fixture = Fixture::new(size);
    let request = job(&fixture).request();
    fixture.server.inject(Fault::RateLimit(16 * MIB));
    let client = fixture.client();
    let download = client.start(&request).expect("start");
    wait_for_progress(&download, size * 3 / 4);
    cancel(&download);
    fixture.server.clear_faults();
    let recorded = client.inspect_checkpoint(&request).expect("inspect");
    (fixture, recorded.expect("a checkpoint").bytes_recorded)
}

#[test]
fn a_proof_that_is_paused_reads_no_byte_twice() {
    const SIZE: u64 = 32 * MIB;
    let job = |fixture: &Fixture| Job::new(fixture, Step::PauseWhileProving(3));
    let (fixture, recorded) = interrupted(SIZE, job);
    let report = job(&fixture).run_on_slow_disk(&fixture, "read", millis(100));
    assert_eq!(report.error, None);
    assert_eq!((report.reused, report.fetched), (recorded, SIZE - recorded));
    assert_eq!(report.pauses, 3, "{report:?}");
    assert!((recorded..recorded + OTHER_FILES).contains(&report.read), "{recorded}: {report:?}");
    fixture.assert_range(0..SIZE);
}

#[test]
fn a_file_that_is_read_back_before_the_rename_is_read_on_after_the_pause() {
    const SIZE: u64 = 16 * MIB;
    let fixture = Fixture::new(SIZE);
    let job = Job::new(&fixture, Step::PauseWhileFinishing(3));
    let report = job.run_on_slow_disk(&fixture, "read", millis(100));
    assert_eq!(report.error, None);
    assert_eq!(report.pauses, 3, "{report:?}");
    assert!((SIZE..SIZE + OTHER_FILES).contains(&report.read), "{report:?}");
    fixture.assert_range(0..SIZE);
}

#[test]
fn a_flush_that_has_begun_is_completed_and_so_is_the_download() {
    let fixture = Fixture::new(SIZE);
    let job = Job::new(&fixture, Step::PauseWhileFlushing);
    let report = job.run_on_slow_disk(&fixture, "sync", millis(700));
    assert_eq!(report.error, None);
    assert_eq!(report.pauses, 0, "{report:?}");
    fixture.assert_range(0..SIZE);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_process_that_is_killed_during_a_pause_resumes_in_the_next_run() {
    let fixture = Fixture::with(Config::default(), local_oss::Object::pattern(8 * MIB, 7));
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let paused = Job::new(&fixture, Step::PauseForEver(MIB)).start();
    wait_until("a request", || !fixture.server.requests().is_empty());
    wait_until("the pause", || fixture.server.active_connections() == 0);
    std::thread::sleep(millis(100));
    assert!(paused.kill(), "it had ended");
    fixture.server.clear_faults();
    let request = Job::new(&fixture, Step::PauseForEver(MIB)).request();
    let checkpoint = fixture.client().inspect_checkpoint(&request).expect("inspect");
    let kept = checkpoint.expect("a checkpoint").bytes_recorded;
    assert!(kept >= MIB, "{kept}");
    let download = fixture.client().start(&request).expect("start");
    assert_ends_well(&fixture, &download, kept);
}

#[test]
fn a_download_may_be_paused_before_it_has_begun() {
    let fixture = Fixture::new(SIZE);
    for _ in 0..20 {
        let download = fixture.client().start(&fixture.request()).expect("start");
        download.pause();
        let paused = || matches!(download.status().phase, Phase::Paused | Phase::Succeeded);
        wait_until("a pause or an end", paused);
        download.resume();
        assert_ends_well(&fixture, &download, 0);
    }
}

#[test]
fn a_pause_between_two_refusals_does_not_forget_the_failures() {
    let fixture = Fixture::new(SIZE);
    let failing = Fault::Status { status: 500, code: "InternalError".into(), retry_after: None };
    fixture.server.inject(failing);
    let download = fixture.client().start(&fixture.request()).expect("start");
    for failures in 1..3 {
        wait_until("a failure", || download.status().statistics.retries_service >= failures);
        pause(&fixture, &download);
        download.resume();
    }
    let error = download.wait(Some(Duration::from_secs(10))).expect("it ends").expect_err("500");
    assert_eq!(error.code(), "InternalError");
    assert_eq!(fixture.server.requests().len(), 3);
}

#[test]
fn other_downloads_of_the_client_go_on() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let client = fixture.client();
    let other = fixture.request_with(|request| {
        request.file_path = Some(fixture.dir().join("other.bin"));
        request.thread_num = 2;
    });
    let other = client.start(&other).expect("start");
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, MIB);
    download.pause();
    wait_until("paused", || download.status().phase == Phase::Paused);
    wait_until("closed", || fixture.server.active_connections() == 2);
    let before = other.status().bytes_done;
    wait_until("bytes of the other", || other.status().bytes_done > before);
    fixture.server.clear_faults();
    other.wait(None).expect("no limit").expect("download");
    assert_eq!(download.status().phase, Phase::Paused);
    download.resume();
    download.wait(None).expect("no limit").expect("download");
    fixture.assert_range(0..8 * MIB);
}
