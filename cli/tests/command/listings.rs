//! `ls`.

use local_oss::Object;

use crate::fixture::{BUCKET, Fixture, KEY};

fn bucket() -> Fixture {
    let fixture = Fixture::new(1000);
    fixture.server.put(BUCKET, "top", Object::pattern(7, 1));
    fixture.server.put(BUCKET, "exampledir/\u{1b}[31mred", Object::pattern(8, 1));
    fixture
}

#[test]
fn one_level_is_listed_or_everything() {
    let fixture = bucket();
    let names = |arguments: &[&str]| {
        let ended = fixture.run(arguments).success();
        let name = |line: &str| line.split_once("oss://").expect(line).1.to_owned();
        ended.stdout.lines().map(name).collect::<Vec<_>>()
    };
    let top = names(&["ls", "oss://examplebucket"]);
    assert_eq!(top, ["examplebucket/top", "examplebucket/exampledir/"]);
    assert_eq!(names(&["ls", "-r", "oss://examplebucket/"]).len(), 3);
    let in_directory = names(&["ls", "oss://examplebucket/exampledir/"]);
    assert_eq!(in_directory[0], "examplebucket/exampledir/\\u{1b}[31mred");
    assert_eq!(in_directory[1], format!("examplebucket/{KEY}"));
}

#[test]
fn entries_are_objects_in_json() {
    let fixture = bucket();
    let entries = fixture.run(&["ls", "--json", "oss://examplebucket"]).success().json();
    let (object, prefix) = (&entries[0], &entries[1]);
    assert_eq!((&object["type"], &object["key"]), (&"object".into(), &"top".into()));
    assert_eq!(object["size"], 7);
    assert!(object["last_modified"].as_str().is_some_and(|time| time.ends_with('Z')), "{object}");
    assert_eq!(*prefix, serde_json::json!({"type": "prefix", "prefix": "exampledir/"}));
}

#[test]
fn a_bucket_that_cannot_be_listed_is_an_error() {
    let fixture = Fixture::new(1000);
    let ended = fixture.run(&["ls", "oss://anotherbucket"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("NoSuchBucket"), "{}", ended.stderr);
    fixture.run(&["ls", "anotherbucket"]).assert_usage("is not a source");
}
