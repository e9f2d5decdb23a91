//! How a prefix download is watched, paused and ended from outside.

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{Error, ErrorKind, Phase, PrefixDownload, PrefixPhase};

use super::Scene;
use crate::fixture::MIB;

/// Two objects that take some seconds, unless faults are cleared, and many small ones behind them.
fn slow_scene() -> Scene {
    let scene = Scene::new(&[("p/a", 4 * MIB), ("p/b", 4 * MIB)]);
    (0..100).for_each(|number| scene.put(&format!("p/c/{number}"), 10));
    for key in ["p/a", "p/b"] {
        scene.fixture.server.inject_when(Matcher::any().key(key), Fault::RateLimit(MIB / 2));
    }
    scene
}

fn wait_for_bytes(download: &PrefixDownload, bytes: u64) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while download.status().counts.bytes_done < bytes {
        assert!(Instant::now() < give_up_at, "{:?}", download.status());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn end(download: &PrefixDownload) -> Error {
    let limit = Some(Duration::from_secs(10));
    download.wait(limit).expect("an end").expect_err("it cannot have succeeded")
}

#[test]
fn the_status_tells_what_has_been_done_and_the_result_can_be_read_again() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    assert!(download.wait(Some(Duration::ZERO)).is_none());
    wait_for_bytes(&download, 2 * MIB);
    let status = download.status();
    assert_eq!((status.phase, status.counts.objects), (PrefixPhase::Transferring, 102));
    assert!(status.active >= 1 && status.counts.bytes_from_network >= 2 * MIB, "{status:?}");
    scene.fixture.server.clear_faults();
    for _ in 0..2 {
        let outcome = download.wait(None).expect("an end").expect("download");
        assert!(outcome.is_complete());
    }
    let status = download.status();
    assert_eq!(
        (status.phase, status.active, status.bytes_per_second),
        (PrefixPhase::Succeeded, 0, 0)
    );
    assert_eq!(status.counts.bytes_done, 8 * MIB + 1000);
}

#[test]
fn the_objects_that_are_being_downloaded_can_be_told() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, 2 * MIB);
    let objects = download.active_objects();
    let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
    assert!(keys.contains(&"p/a") && keys.is_sorted(), "{keys:?}");
    assert!(keys.len() <= 64, "{keys:?}");
    let first = &objects[0];
    assert_eq!(first.path, scene.dir().canonicalize().expect("path").join("a"));
    assert_eq!(
        (first.status.phase, first.status.bytes_total),
        (Phase::Transferring, Some(4 * MIB))
    );
    assert!(first.status.bytes_done > 0);
    scene.fixture.server.clear_faults();
    assert!(download.wait(None).expect("an end").is_ok());
    assert!(download.active_objects().is_empty());
}

#[test]
fn the_counts_of_a_cancelled_download_are_those_of_what_it_leaves() {
    let scene = Scene::new(&[]);
    (0..500).for_each(|number| scene.put(&format!("p/{number}"), 10));
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, 200);
    download.cancel();
    end(&download);
    let counts = download.status().counts;
    let there = scene.tree().iter().filter(|path| !path.ends_with(".temp")).count() as u64;
    assert!((20..500).contains(&there), "{there}");
    assert_eq!((counts.fetched, counts.bytes_done), (there, 10 * there));
}

#[test]
fn a_cancelled_download_ends_soon_and_a_later_one_goes_on() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, 3 * MIB);
    download.cancel();
    let cancelled = Instant::now();
    assert_eq!(end(&download).kind(), ErrorKind::Cancelled);
    assert!(cancelled.elapsed() < Duration::from_secs(5));
    assert_eq!(download.status().phase, PrefixPhase::Failed);
    scene.fixture.server.clear_faults();
    let counts = scene.complete("p/");
    assert!(counts.unchanged > 0, "what was complete stays: {counts:?}");
    assert!(counts.bytes_from_network < 7 * MIB, "it goes on: {counts:?}");
    assert_eq!(scene.own_files(), ["manifest"]);
}

#[test]
fn a_listing_is_cancelled_too() {
    let scene = Scene::new(&[("p/a", 1)]);
    scene.fixture.server.inject(Fault::NoReply);
    let client = scene.fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    while scene.fixture.server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(download.status().phase, PrefixPhase::Listing);
    download.cancel();
    assert_eq!(end(&download).kind(), ErrorKind::Cancelled);
    assert_eq!(std::fs::read_dir(scene.dir()).expect("list").count(), 0);
}

#[test]
fn dropping_the_handle_and_closing_the_client_end_the_download() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, MIB);
    drop(download);
    let download = client.start_prefix(&scene.request("p/")).expect("not busy any more");
    wait_for_bytes(&download, MIB);
    client.shutdown();
    assert_eq!(end(&download).kind(), ErrorKind::Cancelled);
}

#[test]
fn disabled_requests_end_the_download() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, MIB);
    client.disable_requests().expect("disable");
    assert_eq!(end(&download).kind(), ErrorKind::Disabled);
}

#[test]
fn the_deadline_is_that_of_everything() {
    let scene = slow_scene();
    let mut request = scene.request("p/");
    request.deadline = Some(Duration::from_millis(300));
    let error = scene.fixture.client().download_prefix(&request).expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Deadline);
}

#[test]
fn a_paused_download_fetches_nothing_until_it_is_resumed() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let download = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&download, MIB);
    download.pause();
    assert!(download.status().is_paused);
    let give_up_at = Instant::now() + Duration::from_secs(10);
    let mut before = u64::MAX;
    while download.status().counts.bytes_from_network != before {
        assert!(Instant::now() < give_up_at);
        before = download.status().counts.bytes_from_network;
        std::thread::sleep(Duration::from_millis(1200));
    }
    scene.fixture.server.clear_faults();
    download.resume();
    assert!(download.wait(None).expect("an end").expect("download").is_complete());
    assert!(!download.status().is_paused);
}

#[test]
fn a_second_run_on_the_same_directory_is_busy_at_once() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let first = client.start_prefix(&scene.request("p/")).expect("start");
    wait_for_bytes(&first, 1);
    for prefix in ["p/", "other/"] {
        let error = client.start_prefix(&scene.request(prefix)).expect_err("busy");
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("directory"), "{error}");
        assert!(error.path().is_some());
    }
    let requests = scene.fixture.server.requests();
    let listings = requests.iter().filter(|request| request.key.is_empty()).count();
    assert_eq!(listings, 1, "that of the first");
    scene.fixture.server.clear_faults();
    assert!(first.wait(None).expect("an end").expect("download").is_complete());
}

#[test]
fn an_object_that_another_download_fetches_is_busy_and_the_others_are_downloaded() {
    let scene = slow_scene();
    let client = scene.fixture.client();
    let request = oss_resumable::DownloadRequest::new(crate::fixture::BUCKET, "p/a")
        .file_path(scene.dir().join("a"));
    let other = client.start(&request).expect("start");
    let outcome = scene.download("p/").expect("download");
    let failed: Vec<_> =
        outcome.failures().map(|(object, error)| (object.key, error.kind())).collect();
    assert_eq!(failed, [("p/a".to_owned(), ErrorKind::Busy)]);
    other.cancel();
}
