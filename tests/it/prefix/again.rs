//! A second run over what is there.

use std::fs;
use std::time::{Duration, SystemTime};

use local_oss::Object;

use super::{Scene, body_bytes, results};
use crate::fixture::{BUCKET, MIB, PART};

const OBJECTS: [(&str, u64); 4] =
    [("p/a", 3 * PART), ("p/b/c", MIB + 1), ("p/b/d", 0), ("p/marker/", 0)];

#[test]
fn a_second_run_over_what_is_there_fetches_nothing() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    let before = scene.fixture.server.requests().len();
    let outcome = scene.download("p/").expect("download");
    assert_eq!(scene.fixture.server.requests().len(), before + 1, "one page of the listing");
    assert_eq!(outcome.counts().unchanged, 3);
    assert_eq!(outcome.counts().bytes_done, 3 * PART + MIB + 1);
    let words: Vec<_> = results(&outcome).into_iter().map(|(_, word)| word).collect();
    assert_eq!(words, ["unchanged", "unchanged", "unchanged", "directory"]);
    assert_eq!(scene.own_files(), ["manifest"]);
}

#[test]
fn a_new_object_is_fetched_and_an_object_that_is_gone_keeps_its_file() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    scene.put("p/new", 5);
    scene.fixture.server.remove(BUCKET, "p/a");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.fetched, counts.unchanged, requests.len()), (1, 2, 1));
    scene.assert_file("new", "p/new");
    assert!(scene.dir().join("a").exists());
}

#[test]
fn a_file_that_was_removed_is_fetched_again() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    fs::remove_file(scene.dir().join("a")).expect("remove");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.fetched, body_bytes(&requests)), (1, 3 * PART));
    scene.assert_file("a", "p/a");
}

#[test]
fn a_file_that_only_looks_changed_is_read_once_and_not_fetched() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    let file = fs::File::options().write(true).open(scene.dir().join("a")).expect("open");
    file.set_modified(SystemTime::now() - Duration::from_secs(1000)).expect("time");
    // Another inode with the same bytes.
    let (old, new) = (scene.dir().join("b/c"), scene.dir().join("copy"));
    fs::copy(&old, &new).expect("copy");
    fs::rename(&new, &old).expect("rename");
    for _ in 0..2 {
        let (counts, requests) = scene.counted(|| scene.complete("p/"));
        assert_eq!((counts.unchanged, requests.len()), (3, 0));
    }
}

#[test]
fn a_directory_that_was_moved_with_its_manifest_is_still_known() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    let elsewhere = scene.fixture.dir().join("elsewhere");
    fs::rename(scene.dir(), &elsewhere).expect("rename");
    let mut request = scene.request("p/");
    request.directory = elsewhere;
    let client = scene.fixture.client();
    let (outcome, requests) = scene.counted(|| client.download_prefix(&request).expect("download"));
    assert_eq!((outcome.counts().unchanged, requests.len()), (3, 0));
}

#[test]
fn two_prefixes_can_share_a_directory() {
    let scene = Scene::new(&[("p/a", 5), ("q/b", 6)]);
    scene.complete("p/");
    scene.complete("q/");
    assert_eq!(scene.tree(), ["a", "b"]);
    for prefix in ["p/", "q/"] {
        let (counts, requests) = scene.counted(|| scene.complete(prefix));
        assert_eq!((counts.unchanged, requests.len()), (1, 0), "{prefix}");
    }
}

#[test]
fn without_a_manifest_or_with_one_that_is_damaged_the_files_are_those_of_the_objects() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    let manifest = scene.dir().join(".oss-resumable/manifest");
    let whole = fs::read(&manifest).expect("manifest");
    let mut damaged = whole.clone();
    damaged[150] ^= 1;
    let torn = &whole[..whole.len() - 1];
    for contents in [Some(&b"no manifest"[..]), Some(torn), Some(&damaged), Some(b""), None] {
        match contents {
            Some(contents) => fs::write(&manifest, contents).expect("write"),
            None => fs::remove_file(&manifest).expect("remove"),
        }
        let counts = scene.complete("p/");
        assert_eq!(counts.fetched + counts.unchanged, 3);
        for (path, key) in [("a", "p/a"), ("b/c", "p/b/c"), ("b/d", "p/b/d")] {
            scene.assert_file(path, key);
        }
        let (counts, requests) = scene.counted(|| scene.complete("p/"));
        assert_eq!((counts.unchanged, requests.len()), (3, 0));
    }
}

#[test]
fn a_file_without_a_record_is_compared_and_fetched_only_if_it_is_not_the_object() {
    let scene = Scene::new(&OBJECTS);
    scene.complete("p/");
    fs::remove_file(scene.dir().join(".oss-resumable/manifest")).expect("remove");
    fs::write(scene.dir().join("b/c"), vec![0; MIB as usize + 1]).expect("another file");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.fetched, counts.unchanged), (1, 2));
    assert_eq!(body_bytes(&requests), MIB + 1);
    assert_eq!((counts.bytes_done, counts.bytes_reused), (MIB + 1 + 3 * PART, 3 * PART));
    scene.assert_file("b/c", "p/b/c");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.unchanged, requests.len()), (3, 0), "they have records now");
}

#[test]
fn a_compared_file_is_repaired_by_its_record_in_a_later_run() {
    let scene = Scene::new(&[("p/a", 3 * PART)]);
    scene.fixture.server.put(BUCKET, "p/unknown", Object::pattern(PART, 1).without_crc64());
    scene.complete("p/");
    fs::remove_file(scene.dir().join(".oss-resumable/manifest")).expect("remove");
    let counts = scene.complete("p/");
    assert_eq!((counts.unchanged, counts.fetched), (1, 1), "one has no checksum to compare with");
    fs::write(scene.dir().join("a"), vec![0; 3 * PART as usize]).expect("damage");
    assert_eq!(scene.complete("p/").fetched, 1);
    scene.assert_file("a", "p/a");
}

#[test]
fn a_symbolic_link_in_the_bucket_follows_its_target_in_each_run() {
    let scene = Scene::new(&[("target", 5), ("p/a", 1)]);
    scene.fixture.server.put(BUCKET, "p/link", Object::symlink("target").without_crc64());
    for size in [5, 6] {
        scene.put("target", size);
        scene.complete("p/");
        scene.assert_file("link", "target");
    }
}

#[test]
fn a_file_of_another_prefix_at_the_same_path_is_replaced() {
    let scene = Scene::new(&[("p/a", 5), ("q/a", 6)]);
    for prefix in ["p/", "q/", "p/"] {
        assert_eq!(scene.complete(prefix).fetched, 1);
        scene.assert_file("a", &format!("{prefix}a"));
    }
}
