//! What a request may say, and what is refused before anything is sent.

use std::time::{Duration, UNIX_EPOCH};

use oss_resumable::{Checkpoint, Credentials, ErrorKind, EventQueue, Overwrite, PrefixRequest};

use super::{Scene, failures};
use crate::fixture::{BUCKET, PART};

#[test]
fn a_wrong_request_is_refused_by_the_fields_name_before_anything_is_sent_or_written() {
    let scene = Scene::new(&[("p/a", 1)]);
    let client = scene.fixture.client();
    let queue = EventQueue::new().expect("queue");
    let refused = |change: &dyn Fn(&mut PrefixRequest)| {
        let mut request = scene.request("p/");
        change(&mut request);
        let error = client.download_prefix(&request).expect_err("refused");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
        error.message().to_owned()
    };
    type Change<'a> = &'a dyn Fn(&mut PrefixRequest);
    let cases: [(&str, Change<'_>); 19] = [
        ("bucket name", &|r| r.bucket = "x".to_owned()),
        ("prefix", &|r| r.prefix = "x".repeat(1024)),
        ("start_after", &|r| r.start_after = Some("x".repeat(1024))),
        ("directory", &|r| r.directory = "".into()),
        ("does not exist", &|r| r.directory = r.directory.join("absent")),
        ("manifest_dir", &|r| r.manifest_dir = Some("/absent".into())),
        ("bucket", &|r| r.objects.bucket = BUCKET.to_owned()),
        ("key", &|r| r.objects.key = "key".to_owned()),
        ("file_path", &|r| r.objects.file_path = Some("file".into())),
        ("checkpoint", &|r| r.objects.checkpoint = Checkpoint::BesideTarget),
        ("range", &|r| r.objects = r.objects.clone().range(0, 1)),
        ("version_id", &|r| r.objects.version_id = Some("v".to_owned())),
        ("condition", &|r| r.objects.if_match = vec!["E".to_owned()]),
        ("x-oss-process", &|r| r.objects.extra_query.push(("x-oss-process".into(), "x".into()))),
        ("expected_sha256", &|r| r.objects.expected_sha256 = "0".repeat(64).parse().ok()),
        ("event queue", &|r| r.objects = r.objects.clone().event_queue(&queue, 1)),
        ("deadline", &|r| r.objects.deadline = Some(Duration::from_secs(1))),
        ("part_size", &|r| r.objects.part_size = 1),
        ("thread_num", &|r| r.objects.thread_num = 0),
    ];
    for (field, change) in cases {
        let said = refused(change);
        assert!(said.contains(field), "{field}: {said}");
    }
    assert!(scene.fixture.server.requests().is_empty());
    assert!(!scene.dir().join(".oss-resumable").exists());
}

#[test]
fn objects_are_downloaded_as_their_request_says() {
    let scene = Scene::new(&[("p/a", 3 * PART)]);
    let mut request = scene.request("p/");
    request.objects.extra_headers = vec![("x-oss-test".to_owned(), "1".to_owned())];
    request.objects.requester_pays = true;
    request.objects.set_modified_time = true;
    let client = scene.fixture.client();
    for fetched in [1, 0] {
        let outcome = client.download_prefix(&request).expect("download");
        assert_eq!(outcome.counts().fetched, fetched);
    }
    let requests = scene.fixture.server.requests();
    assert!(
        requests.iter().all(|request| request.header("x-oss-request-payer") == Some("requester"))
    );
    assert!(
        scene.object_requests(0).iter().all(|request| request.header("x-oss-test") == Some("1"))
    );
    // The object is as old as the server; the file is not newer than that, to the second.
    let modified = std::fs::metadata(scene.dir().join("a")).expect("metadata").modified();
    let since_1970 = modified.expect("time").duration_since(UNIX_EPOCH).expect("now");
    assert_eq!(since_1970.subsec_nanos(), 0, "Last-Modified has no fractions of a second");
}

#[test]
fn files_that_are_not_flushed_are_known_until_the_system_is_started_anew() {
    let scene = Scene::new(&[("p/a", 3 * PART), ("p/b", 1)]);
    let mut request = scene.request("p/");
    request.objects.flush = false;
    let client = scene.fixture.client();
    for fetched in [2, 0] {
        let outcome = client.download_prefix(&request).expect("download");
        assert_eq!((outcome.counts().fetched, outcome.counts().unchanged), (fetched, 2 - fetched));
    }
}

#[test]
fn existing_files_can_be_left_alone() {
    let scene = Scene::new(&[("p/a", 1), ("p/b", 2)]);
    std::fs::write(scene.dir().join("a"), "mine").expect("write");
    let mut request = scene.request("p/");
    request.objects.overwrite = Overwrite::Fail;
    let client = scene.fixture.client();
    for _ in 0..2 {
        let outcome = client.download_prefix(&request).expect("download");
        assert_eq!(failures(&outcome), [("p/a".to_owned(), "FileAlreadyExists".to_owned())]);
        assert_eq!(std::fs::read(scene.dir().join("a")).expect("read"), b"mine");
    }
}

#[test]
fn keys_before_a_given_one_are_left_out() {
    let scene = Scene::new(&[("p/a", 1), ("p/b", 2), ("p/c", 3)]);
    let mut request = scene.request("p/");
    request.start_after = Some("p/a".to_owned());
    let outcome = scene.fixture.client().download_prefix(&request).expect("download");
    assert_eq!((outcome.len(), scene.tree()), (2, vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn the_manifest_can_be_elsewhere_and_others_may_be_there_too() {
    let scene = Scene::new(&[("p/a", 1), ("q/a", 2)]);
    let state = scene.fixture.dir().join("state");
    let other = scene.fixture.dir().join("other");
    std::fs::create_dir(&state).expect("directory");
    std::fs::create_dir(&other).expect("directory");
    let client = scene.fixture.client();
    for round in 0..2 {
        for (prefix, directory) in [("p/", scene.dir()), ("q/", other.clone())] {
            let mut request = scene.request(prefix);
            (request.directory, request.manifest_dir) = (directory, Some(state.clone()));
            let (outcome, requests) =
                scene.counted(|| client.download_prefix(&request).expect("download"));
            assert_eq!((outcome.is_complete(), requests.len()), (true, 1 - round));
        }
    }
    assert!(!scene.dir().join(".oss-resumable").exists());
    assert_eq!(std::fs::read_dir(&state).expect("list").count(), 2);
}

#[test]
fn a_client_that_may_not_list_is_told_so_and_nothing_is_left() {
    let scene = Scene::new(&[("p/a", 1)]);
    let client = scene.fixture.client_with(|options| options.credentials = Credentials::Anonymous);
    let error = client.download_prefix(&scene.request("p/")).expect_err("denied");
    assert_eq!(error.kind(), ErrorKind::Service, "{error}");
    assert_eq!(std::fs::read_dir(scene.dir()).expect("list").count(), 0);
}
