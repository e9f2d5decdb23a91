//! Objects that are replaced or removed: between the listing and their downloads, between two runs, in an interrupted run.

use local_oss::{Fault, Matcher, Object};

use super::{Scene, body_bytes, failures};
use crate::fixture::{BUCKET, MIB, PART};

#[test]
fn an_object_that_was_replaced_between_two_runs_is_fetched_whole() {
    let scene = Scene::new(&[("p/a", 3 * PART), ("p/b", 5)]);
    scene.complete("p/");
    // The same size, so that only the ETag tells.
    scene.fixture.server.replace(BUCKET, "p/a");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.fetched, counts.unchanged), (1, 1));
    assert_eq!(body_bytes(&requests), 3 * PART);
    scene.assert_file("a", "p/a");
    assert_eq!(scene.complete("p/").unchanged, 2);
}

#[test]
fn an_object_that_is_replaced_after_it_was_listed_is_the_new_one() {
    let scene = Scene::new(&[("p/a", PART), ("p/b", PART)]);
    let larger = Object::pattern(5 * PART, 99);
    scene
        .fixture
        .server
        .inject_when(Matcher::any().key("p/a").nth(1), Fault::ReplaceObject(Box::new(larger)));
    let counts = scene.complete("p/");
    assert_eq!(counts.bytes_done, 6 * PART);
    scene.assert_file("a", "p/a");
    let (counts, requests) = scene.counted(|| scene.complete("p/"));
    assert_eq!((counts.unchanged, requests.len()), (2, 0));
}

#[test]
fn an_object_that_is_replaced_while_it_is_downloaded_is_the_new_one() {
    let scene = Scene::new(&[("p/a", 8 * MIB)]);
    scene.fixture.server.inject_when(Matcher::any().key("p/a").nth(2), Fault::NewGeneration);
    assert_eq!(scene.complete("p/").fetched, 1);
    scene.assert_file("a", "p/a");
}

#[test]
fn an_object_that_was_replaced_after_its_download_was_interrupted_is_the_new_one() {
    for replaced in [true, false] {
        let scene = Scene::new(&[("p/a", 8 * MIB)]);
        let rule = scene.fixture.server.inject_when(
            Matcher::any().key("p/a").from(3),
            Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None },
        );
        let outcome = scene.download("p/").expect("download");
        assert_eq!(failures(&outcome), [("p/a".to_owned(), "AccessDenied".to_owned())]);
        assert!(scene.fixture.server.fault_hits(rule) > 0);
        let own = scene.own_files();
        assert!(own.iter().any(|name| name.ends_with(".oss-resumable")), "its checkpoint: {own:?}");
        scene.fixture.server.clear_faults();
        if replaced {
            scene.fixture.server.replace(BUCKET, "p/a");
        }
        assert_eq!(scene.complete("p/").bytes_from_network < 8 * MIB, !replaced);
        scene.assert_file("a", "p/a");
        assert_eq!(
            (scene.tree(), scene.own_files()),
            (vec!["a".to_owned()], vec!["manifest".to_owned()])
        );
    }
}

#[test]
fn an_object_that_is_removed_after_an_interruption_is_an_error_and_leaves_no_checkpoint() {
    let scene = Scene::new(&[("p/a", 8 * MIB), ("p/b", 1)]);
    scene.fixture.server.inject_when(
        Matcher::any().key("p/a").from(3),
        Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None },
    );
    assert!(!scene.download("p/").expect("download").is_complete());
    assert!(scene.dir().join("a.temp").exists());
    scene.fixture.server.clear_faults();
    scene.fixture.server.inject_when(
        Matcher::any().key("p/a"),
        Fault::Status { status: 404, code: "NoSuchKey".to_owned(), retry_after: None },
    );
    let outcome = scene.download("p/").expect("download");
    assert_eq!(failures(&outcome), [("p/a".to_owned(), "NoSuchKey".to_owned())]);
    assert_eq!(
        (scene.tree(), scene.own_files()),
        (vec!["b".to_owned()], vec!["manifest".to_owned()])
    );
}

#[test]
fn what_is_left_of_an_object_that_is_not_listed_any_more_is_removed_and_nothing_else() {
    let scene = Scene::new(&[("p/a", 8 * MIB), ("p/b", 8 * MIB), ("q/c", 8 * MIB)]);
    for key in ["p/a", "p/b", "q/c"] {
        let denied =
            Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None };
        scene.fixture.server.inject_when(Matcher::any().key(key).from(3), denied);
    }
    for prefix in ["p/", "q/"] {
        assert!(!scene.download(prefix).expect("download").is_complete());
    }
    assert_eq!(scene.tree(), ["a.temp", "b.temp", "c.temp"]);
    scene.fixture.server.remove(BUCKET, "p/a");
    assert!(!scene.download("p/").expect("download").is_complete());
    assert_eq!(scene.tree(), ["b.temp", "c.temp"]);
    scene.fixture.server.clear_faults();
    for prefix in ["p/", "q/"] {
        assert!(scene.complete(prefix).bytes_from_network < 8 * MIB, "it goes on");
    }
    assert_eq!((scene.tree(), scene.own_files().len()), (vec!["b".to_owned(), "c".to_owned()], 1));
}

#[test]
fn an_object_that_grows_at_its_end_is_known_until_it_has_grown() {
    let scene = Scene::new(&[]);
    scene.fixture.server.put(BUCKET, "p/log", Object::pattern(3 * PART, 1).appendable());
    for appended in [0, 0, 1000] {
        if appended > 0 {
            scene.fixture.server.append(BUCKET, "p/log", appended);
        }
        scene.complete("p/");
        scene.assert_file("log", "p/log");
    }
    assert_eq!(scene.complete("p/").unchanged, 1);
}
