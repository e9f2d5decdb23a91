//! All downloads of a client are paused together.

use std::time::{Duration, Instant};

use local_oss::{Fault, Object};
use oss_resumable::{Client, Download, DownloadRequest, ErrorKind, Phase};

use super::{A_WHILE, CLOSED_WITHIN, assert_within, millis, wait_until};
use crate::fixture::{BUCKET, Fixture, MIB, PART};

const DOWNLOADS: u64 = 8;
const SIZE: u64 = 2 * MIB;

/// A server with [`DOWNLOADS`] objects and slow connections.
fn fixture() -> Fixture {
    let fixture = Fixture::new(1);
    for n in 0..DOWNLOADS {
        fixture.server.put(BUCKET, &n.to_string(), Object::pattern(SIZE, n));
    }
    fixture.server.inject(Fault::RateLimit(SIZE / 4));
    fixture
}

fn request(fixture: &Fixture, n: u64) -> DownloadRequest {
    let path = fixture.dir().join(n.to_string());
    let request = DownloadRequest::new(BUCKET, n.to_string()).file_path(path).part_size(PART);
    request.checkpoint_dir(fixture.dir())
}

fn start_all(fixture: &Fixture, client: &Client) -> Vec<Download> {
    (0..DOWNLOADS).map(|n| client.start(&request(fixture, n)).expect("start")).collect()
}

fn all_in(downloads: &[Download], phase: Phase) -> bool {
    downloads.iter().all(|download| download.status().phase == phase)
}

/// Asserts that every download ends with its object, each byte of which came once.
fn assert_all_end(fixture: &Fixture, downloads: &[Download]) {
    for (n, download) in (0..).zip(downloads) {
        let outcome = download.wait(Some(Duration::from_secs(60))).expect("it ends");
        let outcome = outcome.expect("download");
        let expected = fixture.server.object_bytes(BUCKET, &n.to_string(), 0..SIZE);
        assert!(std::fs::read(outcome.file_path).expect("file") == expected.expect("object"));
        let figures = outcome.statistics;
        assert_eq!(figures.bytes_from_network - figures.bytes_discarded, SIZE, "{figures:?}");
    }
}

#[test]
fn a_paused_client_has_no_connection_and_all_its_downloads_go_on_later() {
    let fixture = fixture();
    let client = fixture.client();
    let downloads = start_all(&fixture, &client);
    assert_within(CLOSED_WITHIN, || {
        client.resume().expect("own process");
        let connected = |d: &Download| d.status().active_connections > 0;
        wait_until("connections", || downloads.iter().all(connected));
        let asked = Instant::now();
        client.pause().expect("own process");
        client.pause().expect("again");
        wait_until("paused", || all_in(&downloads, Phase::Paused));
        wait_until("closed", || fixture.server.active_connections() == 0);
        asked.elapsed()
    });
    let requests = fixture.server.requests().len();
    std::thread::sleep(A_WHILE);
    assert_eq!(fixture.server.requests().len(), requests);
    assert!(all_in(&downloads, Phase::Paused));
    fixture.server.clear_faults();
    client.resume().expect("own process");
    assert_all_end(&fixture, &downloads);
}

#[test]
fn a_download_started_on_a_paused_client_waits_for_the_resume() {
    let fixture = fixture();
    fixture.server.clear_faults();
    let client = fixture.client();
    client.pause().expect("own process");
    let downloads = start_all(&fixture, &client);
    wait_until("paused", || all_in(&downloads, Phase::Paused));
    assert!(downloads[0].wait(Some(A_WHILE)).is_none());
    assert!(fixture.server.requests().is_empty());
    client.resume().expect("own process");
    assert_all_end(&fixture, &downloads);
    client.resume().expect("again");
}

#[test]
fn a_download_that_is_paused_with_its_client_runs_when_both_are_resumed() {
    let fixture = fixture();
    let client = fixture.client();
    let downloads = start_all(&fixture, &client);
    let (first, others) = downloads.split_first().expect("several");
    first.pause();
    client.pause().expect("own process");
    wait_until("paused", || all_in(&downloads, Phase::Paused));
    client.resume().expect("own process");
    let run = |download: &Download| download.status().phase != Phase::Paused;
    wait_until("the others", || others.iter().all(run));
    assert!(first.wait(Some(A_WHILE)).is_none());
    assert_eq!(first.status().phase, Phase::Paused);

    client.pause().expect("own process");
    first.resume();
    std::thread::sleep(millis(100));
    assert_eq!(first.status().phase, Phase::Paused, "its client is paused");
    fixture.server.clear_faults();
    client.resume().expect("own process");
    assert_all_end(&fixture, &downloads);
}

#[test]
fn a_paused_client_can_be_shut_down_and_disabled() {
    let fixture = fixture();
    for disabled in [false, true] {
        let client = fixture.client();
        let downloads = start_all(&fixture, &client);
        client.pause().expect("own process");
        wait_until("paused", || all_in(&downloads, Phase::Paused));
        let kind = match disabled {
            true => {
                client.disable_requests().expect("own process");
                ErrorKind::Disabled
            }
            false => {
                client.shutdown();
                ErrorKind::Cancelled
            }
        };
        for download in &downloads {
            let ended = download.wait(Some(Duration::from_secs(10))).expect("it ends");
            assert_eq!(ended.expect_err("it was paused").kind(), kind);
        }
    }
    fixture.server.clear_faults();
    assert_all_end(&fixture, &start_all(&fixture, &fixture.client()));
}

#[test]
fn a_client_that_is_dropped_leaves_its_paused_downloads_to_their_handles() {
    let fixture = fixture();
    fixture.server.clear_faults();
    let client = fixture.client();
    let downloads = start_all(&fixture, &client);
    downloads.iter().for_each(Download::pause);
    drop(client);
    std::thread::sleep(millis(50));
    downloads.iter().for_each(Download::resume);
    assert_all_end(&fixture, &downloads);
}
