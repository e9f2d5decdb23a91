//! Files that another program has changed.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use local_oss::{Fault, Matcher};

use oss_resumable::PrefixRequest;

use super::{Scene, body_bytes};
use crate::fixture::{BUCKET, MIB};

/// A file is recorded in extents of at most this many bytes.
const GRAIN: u64 = 8 * MIB;
const SIZE: u64 = 3 * GRAIN + 5;

/// A directory with one large object and small ones.
fn scene() -> Scene {
    let scene = Scene::new(&[("p/large", SIZE), ("p/small", 10)]);
    let mut request = scene.request("p/");
    request.objects.part_size = GRAIN;
    let outcome = scene.fixture.client().download_prefix(&request).expect("download");
    assert!(outcome.is_complete());
    scene
}

fn open(scene: &Scene) -> File {
    File::options().write(true).open(scene.dir().join("large")).expect("open")
}

/// A request with one connection for each object, so that no byte is sent that is not used.
fn request(scene: &Scene) -> PrefixRequest {
    let mut request = scene.request("p/");
    request.objects.thread_num = 1;
    request
}

/// Runs again; asserts that all is well and returns the bytes that were fetched.
fn repaired(scene: &Scene) -> u64 {
    let client = scene.fixture.client();
    let (outcome, requests) =
        scene.counted(|| client.download_prefix(&request(scene)).expect("download"));
    let counts = outcome.counts();
    assert_eq!((counts.fetched, counts.unchanged), (1, 1));
    assert_eq!(counts.bytes_reused + counts.bytes_from_network, counts.bytes_done);
    scene.assert_file("large", "p/large");
    assert_eq!(scene.tree(), ["large", "small"]);
    assert_eq!(scene.own_files(), ["manifest"]);
    let (_, after) = scene.counted(|| scene.complete("p/"));
    assert_eq!(after.len(), 0, "it is recorded as it is now");
    body_bytes(&requests)
}

#[test]
fn of_a_damaged_file_only_the_damaged_extents_are_fetched() {
    let scene = scene();
    open(&scene).write_all_at(b"damage", GRAIN + 77).expect("write");
    let fetched = repaired(&scene);
    assert!(fetched > 0 && fetched <= 2 * GRAIN, "{fetched} bytes of an extent");
}

#[test]
fn of_a_truncated_file_only_the_lost_extents_are_fetched() {
    let scene = scene();
    open(&scene).set_len(2 * GRAIN + 9).expect("cut");
    let fetched = repaired(&scene);
    assert!((SIZE - 2 * GRAIN - 9..SIZE).contains(&fetched), "{fetched}");
}

#[test]
fn of_a_file_that_has_grown_nothing_is_fetched() {
    let scene = scene();
    open(&scene).write_all_at(b"more", SIZE).expect("write");
    assert_eq!(repaired(&scene), 0);
}

#[test]
fn a_file_with_nothing_left_of_the_object_is_fetched_anew() {
    let scene = scene();
    fs::write(scene.dir().join("large"), "something else").expect("write");
    assert_eq!(repaired(&scene), SIZE);
}

#[test]
fn the_damaged_file_stays_until_the_new_one_is_whole() {
    let scene = scene();
    open(&scene).write_all_at(b"damage", 77).expect("write");
    let damaged = fs::read(scene.dir().join("large")).expect("read");
    let whole = scene.fixture.server.object(BUCKET, "p/large").expect("object");
    scene.fixture.server.inject_when(
        Matcher::any().key("p/large"),
        Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None },
    );
    let outcome = scene.download("p/").expect("download");
    assert_eq!(outcome.counts().failed, 1);
    assert!(fs::read(scene.dir().join("large")).expect("read") == damaged);
    scene.fixture.server.clear_faults();
    // The sound extents were copied already.
    assert!(repaired(&scene) <= 2 * GRAIN);
    assert_eq!(whole.size(), SIZE);
}

#[test]
fn damage_that_keeps_size_and_time_is_found_with_verify() {
    let scene = scene();
    let path = scene.dir().join("large");
    let modified = fs::metadata(&path).expect("metadata").modified().expect("time");
    let file = open(&scene);
    file.write_all_at(b"damage", 2 * GRAIN).expect("write");
    file.set_modified(modified).expect("time");
    drop(file);
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.unchanged, requests.len()), (2, 0), "it looks unchanged");

    let mut request = request(&scene);
    request.verify = true;
    let client = scene.fixture.client();
    let (outcome, requests) = scene.counted(|| client.download_prefix(&request).expect("download"));
    assert_eq!((outcome.counts().fetched, outcome.counts().unchanged), (1, 1));
    assert!(body_bytes(&requests) <= 2 * GRAIN);
    scene.assert_file("large", "p/large");
    let (outcome, requests) = scene.counted(|| client.download_prefix(&request).expect("download"));
    assert_eq!((outcome.counts().unchanged, requests.len()), (2, 0));
}
