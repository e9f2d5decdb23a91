//! `status` and `discard`.

use crate::fixture::{Fixture, MIB, NAME, SOURCE, signal};

fn interrupted(arguments: &[&str]) -> Fixture {
    let fixture = Fixture::slow(24 * MIB);
    std::fs::create_dir(fixture.path("checkpoints")).expect("directory");
    let mut all = vec!["get", SOURCE];
    all.extend(arguments);
    let mut child = fixture.start_and_wait_for(&all, 4 * MIB);
    signal(&child, &["INT"]);
    assert_eq!(child.wait().expect("end").code(), Some(3));
    fixture
}

#[test]
fn status_shows_what_the_checkpoint_holds() {
    let fixture = interrupted(&[]);
    let asked = fixture.server.requests().len();
    let ended = fixture.run(&["status", SOURCE]).success();
    for part in [SOURCE, NAME, ".oss-resumable", " of 24.0 MiB (", "etag"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let object = &fixture.run(&["status", SOURCE, "--json"]).success().json()[0];
    assert_eq!(object["object_size"], 24 * MIB);
    assert!(object["bytes_recorded"].as_u64() >= Some(MIB), "{object}");
    assert_eq!(fixture.server.requests().len(), asked, "status sends nothing");
}

#[test]
fn discard_leaves_nothing_of_the_download() {
    let fixture = interrupted(&["--checkpoint-dir", "checkpoints"]);
    let place = ["--checkpoint-dir", "checkpoints"];
    let without = fixture.run(&["status", SOURCE]);
    assert_eq!(without.code, Some(1));
    assert!(without.stderr.contains("there is no unfinished download"), "{}", without.stderr);

    assert_eq!(fixture.files().len(), 2);
    let ended = fixture.run(&["discard", SOURCE, place[0], place[1]]).success();
    assert!(ended.stdout.contains("discarded"), "{}", ended.stdout);
    assert_eq!(fixture.files(), ["checkpoints"]);
    assert_eq!(std::fs::read_dir(fixture.path("checkpoints")).expect("list").count(), 0);
    let again = fixture.run(&["discard", SOURCE, place[0], place[1], "--json"]).success();
    assert_eq!(again.json()[0]["discarded"], false);
}
