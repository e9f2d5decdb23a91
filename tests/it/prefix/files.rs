//! Where the files are, and what the result tells of each object.

use oss_resumable::{ListRequest, ObjectResult};

use super::{Scene, failures, results};
use crate::fixture::{BUCKET, MIB, PART};

#[test]
fn every_object_below_the_prefix_becomes_a_file_named_by_the_rest_of_its_key() {
    let scene = Scene::new(&[
        ("models/a.bin", 3 * PART + 7),
        ("models/deep/er/b.bin", 1),
        ("models/empty", 0),
        ("models/größe & more", 5),
        ("other/c", 1),
    ]);
    let outcome = scene.download("models/").expect("download");
    assert!(outcome.is_complete() && failures(&outcome).is_empty());
    assert_eq!(
        scene.tree(),
        ["a.bin", "deep/", "deep/er/", "deep/er/b.bin", "empty", "größe & more"]
    );
    for path in ["a.bin", "deep/er/b.bin", "empty", "größe & more"] {
        scene.assert_file(path, &format!("models/{path}"));
    }
    let counts = outcome.counts();
    assert_eq!((counts.objects, counts.fetched, counts.failed), (4, 4, 0));
    let bytes = 3 * PART + 7 + 1 + 5;
    assert_eq!((counts.bytes_listed, counts.bytes_done), (bytes, bytes));
    assert_eq!(counts.bytes_from_network, bytes);
    assert_eq!(scene.own_files(), ["manifest"]);
}

#[test]
fn the_result_tells_key_path_size_and_end_of_each_object_in_order() {
    let scene = Scene::new(&[("p/b", 2), ("p/a/", 0), ("p/a/x", 1), ("p/..", 9)]);
    let outcome = scene.download("p/").expect("download");
    let directory = scene.dir().canonicalize().expect("path");
    assert_eq!((outcome.directory(), outcome.len()), (directory.as_path(), 4));
    let expected =
        [("p/..", "failed"), ("p/a/", "directory"), ("p/a/x", "fetched"), ("p/b", "fetched")];
    let found = results(&outcome);
    assert_eq!(found.iter().map(|(key, word)| (key.as_str(), *word)).collect::<Vec<_>>(), expected);
    let paths: Vec<_> = outcome.objects().map(|object| (object.path, object.size)).collect();
    let path = |relative: &str| Some(directory.join(relative));
    assert_eq!(paths, [(None, 9), (path("a"), 0), (path("a/x"), 1), (path("b"), 2)]);
    let failed = outcome.object(0).expect("first");
    let ObjectResult::Failed(error) = failed.result else { panic!("{failed:?}") };
    assert_eq!(error.code(), "UnsafeKey");
    assert!(error.message().contains("'p/..'"), "{error}");
    assert!(outcome.object(4).is_none() && outcome.object(u64::MAX).is_none());
}

#[test]
fn a_prefix_within_a_name_keeps_the_name() {
    let scene = Scene::new(&[("models/llama/a", 1), ("models/llava/b", 1), ("models/x", 1)]);
    scene.complete("models/ll");
    assert_eq!(scene.tree(), ["llama/", "llama/a", "llava/", "llava/b"]);
}

#[test]
fn without_a_prefix_the_whole_bucket_is_downloaded() {
    let scene = Scene::new(&[("a", 1), ("b/c", 2)]);
    assert_eq!(scene.complete("").fetched, 2);
    assert_eq!(scene.tree(), ["a", "b/", "b/c"]);
}

#[test]
fn a_directory_marker_becomes_a_directory() {
    let scene = Scene::new(&[("p/", 0), ("p/empty/", 0), ("p/full/", 0), ("p/full/a", 1)]);
    let counts = scene.complete("p/");
    assert_eq!((counts.directories, counts.fetched), (3, 1));
    assert_eq!(scene.tree(), ["empty/", "full/", "full/a"]);
}

#[test]
fn a_prefix_without_objects_is_complete_and_leaves_nothing() {
    let scene = Scene::new(&[("other", 1)]);
    let outcome = scene.download("p/").expect("download");
    assert!(outcome.is_complete() && outcome.is_empty());
    assert_eq!(scene.tree(), [""; 0]);
    assert!(!scene.dir().join(".oss-resumable").exists());
}

#[test]
fn more_objects_than_a_page_or_the_queue_holds_are_all_downloaded() {
    let scene = Scene::new(&[]);
    let keys: Vec<String> =
        (0..1100).map(|number| format!("p/{:02}/{number:04}", number % 7)).collect();
    keys.iter().for_each(|key| scene.put(key, key.len() as u64));
    let mut request = scene.request("p/");
    request.objects.flush = false;
    let client = scene.fixture.client_with(|options| options.max_active_downloads = 4);
    let outcome = client.download_prefix(&request).expect("download");
    assert!(outcome.is_complete());
    assert_eq!(outcome.counts().fetched, 1100);
    keys.iter().for_each(|key| scene.assert_file(&key[2..], key));
    assert!(scene.fixture.server.max_active_connections() <= 64);
    let listed = client.list_objects(&ListRequest::new(BUCKET)).expect("list").count();
    assert_eq!(listed, 1100, "the client is as before");
}

#[test]
fn one_objects_error_does_not_stop_the_others() {
    let scene = Scene::new(&[("p/a", MIB), ("p/c", MIB)]);
    scene.fixture.server.put(BUCKET, "p/b", local_oss::Object::pattern(9, 1).archived());
    let outcome = scene.download("p/").expect("download");
    assert_eq!(failures(&outcome), [("p/b".to_owned(), "InvalidObjectState".to_owned())]);
    assert!(!outcome.is_complete());
    let counts = outcome.counts();
    assert_eq!((counts.objects, counts.fetched, counts.failed), (3, 2, 1));
    assert_eq!(scene.tree(), ["a", "c"]);
}
