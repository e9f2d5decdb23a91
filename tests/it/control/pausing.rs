//! What a pause keeps, and what a resumed download continues with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use local_oss::{Auth, Config, Fault, Key, Object};
use oss_resumable::{AccessKey, Checkpoint, Credentials, CredentialsProvider, ErrorKind, Phase};

use super::{CLOSED_WITHIN, assert_ends_well, assert_quiet, assert_within, millis, pause};
use super::{start_and_pause, wait_until};
use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, PART, SECRET, wait_for_progress};
use crate::traffic::{merged, sent, total};

const SIZE: u64 = 8 * MIB;
/// Bytes per second and connection.
const RATE: u64 = 2 * MIB;

/// A fixture whose connections are slow until [`Fixture::clear_faults`].
fn slow() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(RATE));
    fixture
}

#[test]
fn a_paused_download_has_closed_its_connections_and_recorded_its_bytes() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    assert_quiet(&fixture, &download);
    let status = download.status();
    let checkpoint = client.inspect_checkpoint(&fixture.request()).expect("inspect");
    assert_eq!(checkpoint.expect("a checkpoint").bytes_recorded, status.bytes_done);
    assert_eq!(status.statistics.bytes_from_network, status.bytes_done);

    fixture.server.clear_faults();
    download.resume();
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn connections_are_closed_within_a_second() {
    for connections in [1, 3, 64] {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject(Fault::RateLimit(RATE / connections));
        let request = fixture.request().thread_num(u32::try_from(connections).expect("few"));
        let download = fixture.client().start(&request).expect("start");
        assert_within(CLOSED_WITHIN, || {
            download.resume();
            let before = download.status().bytes_done;
            wait_for_progress(&download, before + PART);
            pause(&fixture, &download)
        });
    }
}

#[test]
fn no_byte_that_was_received_before_a_pause_is_asked_for_again() {
    let fixture = slow();
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    let mut before = Vec::new();
    for bytes in [MIB, 3 * MIB, 5 * MIB] {
        wait_for_progress(&download, bytes);
        pause(&fixture, &download);
        // What the library took; the rest was in the sockets.
        before.push(download.status().statistics.bytes_from_network);
        download.resume();
    }
    fixture.server.clear_faults();
    assert_ends_well(&fixture, &download, 0);
    let sent: Vec<_> = fixture.requests_after(0).iter().map(sent).collect();
    assert_eq!(merged(sent.clone()), [0..SIZE]);
    let in_sockets = total(&sent) - SIZE;
    println!("{in_sockets} bytes were in the sockets at the pauses after {before:?}");
    assert!(in_sockets < SIZE / 2, "{in_sockets}");
}

#[test]
fn a_download_without_a_checkpoint_goes_on_at_its_byte_too() {
    let fixture = slow();
    let request = fixture.request_with(|request| request.checkpoint = Checkpoint::Off);
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, MIB);
    pause(&fixture, &download);
    download.resume();
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn a_paused_download_keeps_its_files_to_itself() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    for another in [&client, &fixture.client()] {
        let error = another.download(&fixture.request()).expect_err("busy");
        assert_eq!(error.kind(), ErrorKind::Busy);
    }
    let error = client.discard_checkpoint(&fixture.request()).expect_err("busy");
    assert_eq!(error.kind(), ErrorKind::Busy);
    download.resume();
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn pausing_and_resuming_again_changes_nothing() {
    let fixture = slow();
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    download.resume();
    wait_for_progress(&download, MIB);
    download.pause();
    download.pause();
    pause(&fixture, &download);
    assert_quiet(&fixture, &download);
    download.resume();
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    download.pause();
    download.resume();
    download.pause();
    assert_eq!(download.status().phase, Phase::Succeeded);
    assert!(download.wait(None).expect("no limit").is_ok());
}

#[test]
fn the_time_paused_counts_against_no_limit() {
    let fixture = slow();
    let client = fixture.client_with(|options| {
        options.first_byte_limit = Some(millis(700));
        options.no_progress_limit = Some(millis(700));
        options.idle_timeout = Some(millis(700));
    });
    let download = start_and_pause(&fixture, &client, MIB);
    std::thread::sleep(millis(1500));
    download.resume();
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn a_deadline_passes_during_a_pause() {
    let fixture = slow();
    let request = fixture.request_with(|request| request.deadline = Some(millis(1500)));
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, PART);
    pause(&fixture, &download);
    let error = download.wait(Some(Duration::from_secs(10))).expect("it ends").expect_err("late");
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(download.status().phase, Phase::Failed);
    assert!(fixture.journal().is_some());
}

#[test]
fn a_paused_download_that_is_cancelled_is_resumed_by_the_next_run() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    let kept = download.status().bytes_done;
    drop(download);
    fixture.server.clear_faults();
    let download = client.start(&fixture.request()).expect("start");
    assert_ends_well(&fixture, &download, kept);
}

#[test]
fn a_service_that_was_restarted_during_a_pause_is_found_again() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    fixture.server.stop();
    fixture.server.restart().expect("the same port");
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    let retries = download.status().statistics;
    assert_eq!((retries.retries_broken, retries.retries_connect), (0, 0), "{retries:?}");
}

#[test]
fn an_object_that_was_replaced_during_a_pause_is_fetched_anew() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    let before = download.status().bytes_done;
    fixture.server.clear_faults();
    fixture.server.put(BUCKET, KEY, Object::pattern(SIZE, 8));
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    assert_eq!(download.status().statistics.bytes_discarded, before);
}

/// Returns keys that expire soon, and then one that does not.
struct Temporary(AtomicU32);

impl CredentialsProvider for Temporary {
    fn fetch(&self) -> Result<AccessKey, String> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let mut key = AccessKey::new(format!("{ID}{number}"), SECRET, None);
        key.expires = (number == 0).then(|| SystemTime::now() + millis(2000));
        Ok(key)
    }
}

#[test]
fn a_key_that_expired_during_a_pause_is_asked_for_anew() {
    let fixture = slow();
    let key = |id: String| Key { id, secret: SECRET.to_owned(), token: None, expires: None };
    fixture.server.set_auth(Auth::Keys((0..2).map(|n| key(format!("{ID}{n}"))).collect()));
    let provider = Arc::new(Temporary(AtomicU32::new(0)));
    let credentials = Credentials::Provider(provider.clone());
    let client = fixture.client_with(|options| options.credentials = credentials);
    let download = start_and_pause(&fixture, &client, MIB);
    let requests = fixture.server.requests().len();
    assert_eq!(provider.0.load(Ordering::SeqCst), 1);
    // A provider that returns nearly expired keys is asked every ten seconds at most.
    std::thread::sleep(millis(10_500));
    assert_eq!(provider.0.load(Ordering::SeqCst), 1, "nobody needs a key during a pause");
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    assert_eq!(provider.0.load(Ordering::SeqCst), 2);
    let new_key = format!("{ID}1/");
    let signed = &fixture.server.requests()[requests..];
    assert!(!signed.is_empty());
    for request in signed {
        let signature = request.header("authorization").expect("a signature");
        assert!(signature.contains(&new_key), "{signature}");
    }
}

#[test]
fn a_key_that_the_service_no_longer_accepts_after_a_pause_is_replaced() {
    let fixture = slow();
    let client = fixture.client();
    let download = start_and_pause(&fixture, &client, MIB);
    let new = Key { id: "new".into(), secret: SECRET.into(), token: None, expires: None };
    let old = Key { id: ID.into(), expires: Some(SystemTime::now()), ..new.clone() };
    fixture.server.set_auth(Auth::Keys(vec![old, new]));
    let credentials = Credentials::Static(AccessKey::new("new", SECRET, None));
    client.set_credentials(credentials).expect("own process");
    download.resume();
    assert_ends_well(&fixture, &download, 0);
    assert_eq!(download.status().statistics.retries_auth, 0);
}

#[test]
fn a_download_in_one_stream_starts_over_after_a_pause() {
    for fault in [Fault::IgnoreRange, Fault::NoEtag] {
        let fixture = slow();
        fixture.server.inject(fault);
        let download = fixture.client().start(&fixture.request()).expect("start");
        // More often than an attempt may fail.
        for _ in 0..4 {
            wait_for_progress(&download, MIB);
            pause(&fixture, &download);
            assert_quiet(&fixture, &download);
            download.resume();
            wait_until("a new stream", || download.status().bytes_done < MIB);
        }
        assert_ends_well(&fixture, &download, 0);
        assert!(download.status().statistics.bytes_discarded >= 4 * MIB);
    }
}

#[test]
fn a_processed_object_starts_over_after_a_pause() {
    let fixture = Fixture::with(Config::default(), Object::pattern(SIZE, 7));
    fixture.server.inject(Fault::RateLimit(RATE));
    let request = fixture.request_with(|request| {
        request.extra_query = vec![("x-oss-process".to_owned(), "image/resize,w_100".to_owned())];
    });
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, MIB);
    pause(&fixture, &download);
    download.resume();
    let outcome = download.wait(None).expect("no limit").expect("download");
    let mut expected = fixture.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
    expected.reverse();
    assert!(std::fs::read(outcome.file_path).expect("file") == expected);
}

#[test]
fn a_download_goes_on_at_once_under_a_very_low_limit() {
    let fixture = Fixture::new(SIZE);
    let request = fixture.request_with(|request| request.max_bandwidth = 100);
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, 1);
    for _ in 0..5 {
        pause(&fixture, &download);
        download.resume();
    }
    download.set_bandwidth(0);
    assert_ends_well(&fixture, &download, 0);
}

#[test]
fn a_download_paused_and_resumed_by_several_threads_ends_right() {
    let mut chance = Chance::new();
    let downloads = cases(6, 60);
    for _ in 0..downloads {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject(Fault::RateLimit(*chance.pick(&[RATE, 8 * RATE])));
        let request = fixture.request_with(|request| {
            request.thread_num = *chance.pick(&[1, 3, 16]);
            request.part_size = *chance.pick(&[PART, MIB, SIZE]);
            request.verify_before_rename = chance.below(2) == 0;
        });
        let client = fixture.client();
        let download = client.start(&request).expect("start");
        let moments: Vec<_> = (0..3).map(|_| chance.below(40)).collect();
        std::thread::scope(|scope| {
            for moment in moments {
                scope.spawn({
                    let (client, download) = (&client, &download);
                    move || {
                        for round in 0..8 {
                            std::thread::sleep(millis((moment * (round + 1)) % 37));
                            download.pause();
                            client.pause().expect("own process");
                            std::thread::sleep(millis((moment + round) % 11));
                            download.resume();
                            client.resume().expect("own process");
                        }
                    }
                });
            }
        });
        assert_ends_well(&fixture, &download, 0);
    }
    figure(&format!("{} pauses", downloads * 3 * 8));
}

#[test]
fn progress_is_reported_during_a_pause() {
    let fixture = slow();
    let download = fixture.client().start(&fixture.request()).expect("start");
    let started = Instant::now();
    let mut seen = Vec::new();
    let ended = download.wait_with(Some(Duration::from_secs(60)), &mut |status| {
        if status.bytes_done >= MIB && seen.is_empty() {
            download.pause();
        }
        if status.phase == Phase::Paused {
            seen.push(status.bytes_done);
        }
        if seen.len() == 4 {
            download.resume();
        }
        true
    });
    let outcome = ended.expect("it ends").expect("download");
    fixture.assert_whole(&outcome);
    assert!(seen.len() >= 4 && seen.iter().all(|bytes| *bytes == seen[0]), "{seen:?}");
    assert!(outcome.statistics.elapsed <= started.elapsed());
}
