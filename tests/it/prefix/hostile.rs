//! Keys, listings and directories that would lead a download astray.

use std::fs;
use std::os::unix::fs::symlink;

use local_oss::{Fault, Matcher};
use oss_resumable::ErrorKind;

use super::{Scene, failures};
use crate::fixture::{BUCKET, PART};

fn failed(key: &str, code: &str) -> (String, String) {
    (key.to_owned(), code.to_owned())
}

#[test]
fn a_key_that_might_lead_out_of_the_directory_is_refused_and_the_others_are_downloaded() {
    let long = format!("p/{}", "x".repeat(256));
    let bad = [
        "p/../escaped",
        "p/..",
        "p/.",
        "p/a/../../../escaped",
        "p/a/./b",
        "p//etc/passwd",
        "p/a//b",
        "p/..\\escaped",
        "p/a\\b",
        "p/line\nbreak",
        "p/bell\u{7}",
        "p/.oss-resumable/manifest",
        long.as_str(),
    ];
    let scene = Scene::new(&[("p/good", 3), ("p/a/good", 4), ("p/data/", 5)]);
    bad.iter().for_each(|key| scene.put(key, 1));
    let (outcome, requests) = scene.counted(|| scene.download("p/").expect("download"));
    let mut expected: Vec<_> = bad.iter().map(|key| failed(key, "UnsafeKey")).collect();
    expected.push(failed("p/data/", "UnsafeKey"));
    expected.sort();
    assert_eq!(failures(&outcome), expected);
    assert_eq!(scene.tree(), ["a/", "a/good", "good"]);
    assert_eq!(scene.fixture.files(), ["out"]);
    assert_eq!(requests.len(), 2, "nothing was asked of the others");
    for (_, error) in outcome.failures() {
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(!error.message().contains('\n'), "{error}");
    }
}

#[test]
fn keys_that_would_share_a_file_or_a_directory_get_errors_and_the_others_are_downloaded() {
    let scene = Scene::new(&[
        ("p/a", 1),
        ("p/a/b", 2),
        ("p/model", 3),
        ("p/model.temp", 4),
        ("p/dir", 0),
        ("p/dir/", 0),
    ]);
    let outcome = scene.download("p/").expect("download");
    let expected = ["p/a", "p/dir", "p/model.temp"].map(|key| failed(key, "KeyCollision"));
    assert_eq!(failures(&outcome), expected);
    let said: Vec<_> = outcome.failures().map(|(_, error)| error.message().to_owned()).collect();
    for (message, other) in said.iter().zip(["p/a/b", "p/dir/", "p/model"]) {
        assert!(message.contains(&format!("'{other}'")), "{message}");
    }
    assert_eq!(scene.tree(), ["a/", "a/b", "dir/", "model"]);
    scene.assert_file("model", "p/model");
}

#[test]
fn links_below_the_directory_are_not_followed() {
    let scene = Scene::new(&[("p/out/x", 1), ("p/file", 2), ("p/in/y", 3), ("p/good", 4)]);
    let outside = tempfile::tempdir().expect("directory");
    fs::write(outside.path().join("precious"), "precious").expect("write");
    fs::create_dir(scene.dir().join("real")).expect("directory");
    symlink(outside.path(), scene.dir().join("out")).expect("link");
    symlink(outside.path().join("precious"), scene.dir().join("file")).expect("link");
    symlink("real", scene.dir().join("in")).expect("link");
    let outcome = scene.download("p/").expect("download");
    let expected = ["p/file", "p/in/y", "p/out/x"].map(|key| failed(key, "UnsafePath"));
    assert_eq!(failures(&outcome), expected);
    scene.assert_file("good", "p/good");
    assert_eq!(fs::read(outside.path().join("precious")).expect("read"), b"precious");
    assert_eq!(fs::read_dir(outside.path()).expect("list").count(), 1);
    assert_eq!(fs::read_dir(scene.dir().join("real")).expect("list").count(), 0);
}

#[test]
fn the_directory_itself_may_be_reached_through_a_link() {
    let scene = Scene::new(&[("p/a", 1)]);
    let link = scene.fixture.dir().join("link");
    symlink(scene.dir(), &link).expect("link");
    let mut request = scene.request("p/");
    request.directory = link;
    let outcome = scene.fixture.client().download_prefix(&request).expect("download");
    assert!(outcome.is_complete());
    assert_eq!(scene.complete("p/").unchanged, 1);
}

#[test]
fn a_planted_link_in_place_of_the_manifests_directory_is_refused() {
    let scene = Scene::new(&[("p/a", 1)]);
    let outside = tempfile::tempdir().expect("directory");
    symlink(outside.path(), scene.dir().join(".oss-resumable")).expect("link");
    assert_eq!(scene.download("p/").expect_err("a link").code(), "UnsafePath");
    assert_eq!(fs::read_dir(outside.path()).expect("list").count(), 0);
    assert!(scene.fixture.server.requests().is_empty());
}

#[test]
fn what_is_in_the_way_of_a_file_or_a_directory_is_that_objects_error() {
    let scene = Scene::new(&[("p/a/b", 1), ("p/c", 2), ("p/d", 3)]);
    fs::write(scene.dir().join("a"), "a file").expect("write");
    fs::create_dir(scene.dir().join("c")).expect("directory");
    let outcome = scene.download("p/").expect("download");
    let expected = [failed("p/a/b", "LocalIoError"), failed("p/c", "ValidateError")];
    assert_eq!(failures(&outcome), expected);
    scene.assert_file("d", "p/d");
    assert_eq!(fs::read(scene.dir().join("a")).expect("read"), b"a file");
}

/// Replaces the listing by one of these keys and sizes; the server has the objects.
fn lie(scene: &Scene, objects: &[(&str, u64)]) {
    let mut xml = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, size) in objects {
        xml +=
            &format!("<Contents><Key>{key}</Key><ETag>\"E\"</ETag><Size>{size}</Size></Contents>");
    }
    xml += "</ListBucketResult>";
    scene.fixture.server.clear_faults();
    scene.fixture.server.inject_when(Matcher::any().key(""), Fault::Body(xml.into_bytes()));
}

#[test]
fn an_object_that_is_listed_twice_is_downloaded_once() {
    let scene = Scene::new(&[("p/a", 1), ("p/b", 2)]);
    lie(&scene, &[("p/b", 2), ("p/a", 1), ("p/b", 2)]);
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.objects, counts.fetched, requests.len()), (2, 2, 2));
}

#[test]
fn a_listing_that_lies_about_sizes_and_etags_costs_requests_and_no_correctness() {
    let scene = Scene::new(&[("p/a", 3 * PART), ("p/b", 5), ("p/c", 0)]);
    lie(&scene, &[("p/a", 0), ("p/b", u64::MAX / 4), ("p/c", 7)]);
    for _ in 0..2 {
        assert_eq!(scene.complete("p/").fetched, 3);
        for (path, key) in [("a", "p/a"), ("b", "p/b"), ("c", "p/c")] {
            scene.assert_file(path, key);
        }
    }
    scene.fixture.server.clear_faults();
    assert_eq!(scene.complete("p/").unchanged, 3);
}

#[test]
fn an_object_that_is_listed_and_not_there_is_an_error_that_says_so() {
    let scene = Scene::new(&[("p/a", 1)]);
    lie(&scene, &[("p/a", 1), ("p/gone", 2)]);
    let outcome = scene.download("p/").expect("download");
    assert_eq!(failures(&outcome), [failed("p/gone", "NoSuchKey")]);
    let (_, error) = outcome.failures().next().expect("one");
    assert!(error.message().contains("has been removed since"), "{error}");
    assert_eq!(scene.tree(), ["a"]);
}

#[test]
fn a_listing_of_other_keys_ends_the_download_before_anything_is_written() {
    let scene = Scene::new(&[("p/a", 1)]);
    lie(&scene, &[("p/a", 1), ("other", 2)]);
    scene.fixture.server.create_bucket(BUCKET);
    let error = scene.download("p/").expect_err("a lie");
    assert_eq!(error.code(), "InvalidReply", "{error}");
    assert_eq!(scene.tree(), [""; 0]);
    assert!(!scene.dir().join(".oss-resumable").exists());
}
