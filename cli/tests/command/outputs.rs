//! What is written where.

use std::fs::File;
use std::process::Stdio;

use local_oss::{Auth, Fault, Key, Object};

use crate::fixture::{BUCKET, Ended, Fixture, ID, KEY, MIB, NAME, SECRET, SOURCE};

#[test]
fn piped_output_has_no_control_characters() {
    let fixture = Fixture::slow(2 * MIB);
    let key = "dir/\u{1b}[31mred\u{7}\nname";
    fixture.server.put(BUCKET, key, Object::pattern(1000, 1));
    let source = format!("oss://{BUCKET}/{key}");
    let missing = format!("{source}-missing");
    let ended = fixture.run(&["get", SOURCE, &source, &missing, "-d", "new"]);
    assert_eq!(ended.code, Some(1));
    assert!(!ended.stdout.is_empty() && !ended.stderr.is_empty());
    let text = ended.stdout + &ended.stderr;
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    fixture.assert_is(&format!("new/{}", key.trim_start_matches("dir/")), key);
}

#[test]
fn quiet_prints_errors_only() {
    let fixture = Fixture::new(1000);
    let ended = fixture.run(&["get", "-q", SOURCE]).success();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let ended = fixture.run(&["get", "-q", "oss://examplebucket/missing"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stderr.lines().count(), 1);
}

#[test]
fn json_has_an_object_for_each_file_and_a_summary() {
    let fixture = Fixture::new(2 * MIB);
    let ended = fixture.run(&["get", "--json", SOURCE, "oss://examplebucket/missing"]);
    assert_eq!(ended.code, Some(1));
    let objects = ended.json();
    assert_eq!(objects.len(), 3);
    let of = |name: &str| {
        objects.iter().find(|object| object["source"] == name).expect("an object for the source")
    };
    let good = of(SOURCE);
    assert_eq!((&good["type"], &good["state"]), (&"file".into(), &"complete".into()));
    assert_eq!(
        good["path"],
        fixture.path(NAME).canonicalize().expect("path").to_str().expect("UTF-8")
    );
    assert_eq!(good["outcome"]["proof"], "object_crc");
    assert_eq!(good["outcome"]["file_size"], 2 * MIB);
    assert!(good["error"].is_null());
    let bad = of("oss://examplebucket/missing");
    assert_eq!((&bad["state"], &bad["error"]["code"]), (&"failed".into(), &"NoSuchKey".into()));
    assert_eq!(bad["error"]["status"], 404);
    assert!(bad["error"]["request_id"].is_string() && bad["outcome"].is_null());
    let summary = &objects[2];
    assert_eq!(summary["type"], "summary");
    for (field, value) in
        [("files", 2), ("complete", 1), ("failed", 1), ("interrupted", 0), ("exit_code", 1)]
    {
        assert_eq!(summary[field], value, "{field}");
    }
    assert_eq!(summary["bytes"], 2 * MIB);
    assert_eq!(summary["bytes_from_network"], 2 * MIB);
}

#[test]
fn no_secret_is_in_any_output() {
    let fixture = Fixture::new(MIB);
    let outputs = |fixture: &Fixture| {
        let arguments = ["get", "--json", SOURCE, "--trace", "trace", "--timeline", "timeline.svg"];
        let mut command = fixture.command(&arguments);
        command.env("OSS_SESSION_TOKEN", "CAIS+token+S3cret");
        let ended = Ended::of(&mut command);
        let files =
            ["trace", "timeline.svg"].map(|name| std::fs::read_to_string(fixture.path(name)));
        let files: String = files.into_iter().map(|text| text.expect("a file")).collect();
        ended.stdout + &ended.stderr + &files
    };
    let key = |secret: &str| Key {
        id: ID.to_owned(),
        secret: secret.to_owned(),
        token: Some("CAIS+token+S3cret".to_owned()),
        expires: None,
    };
    fixture.server.set_auth(Auth::Keys(vec![key(SECRET)]));
    let mut all = outputs(&fixture);
    assert!(all.contains("\"state\":\"complete\""), "{all}");
    fixture.server.set_auth(Auth::Keys(vec![key("another")]));
    all += &outputs(&fixture);
    fixture.server.stop();
    all += &outputs(&fixture);
    assert!(all.contains("SignatureDoesNotMatch"), "{all}");
    for secret in [SECRET, "S3cret", "Signature=", "Credential="] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[test]
fn downloads_go_on_when_nobody_reads_the_results() {
    let fixture = Fixture::new(1000);
    fixture.server.inject(Fault::RateLimit(2000));
    let mut child = fixture.command(&["get", SOURCE]).spawn().expect("the command");
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("end").code(), Some(0));
    fixture.assert_is(NAME, KEY);
}

#[test]
fn results_that_cannot_be_written_are_an_error_but_the_file_is_there() {
    let fixture = Fixture::new(1000);
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = fixture.command(&["get", SOURCE]);
    let ended = Ended::of(command.stdout(Stdio::from(full)));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot write to standard output"), "{}", ended.stderr);
    fixture.assert_is(NAME, KEY);
}
