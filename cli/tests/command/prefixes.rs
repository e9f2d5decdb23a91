//! `get -r`.

use std::fs::{self, File};

use local_oss::{Fault, Matcher, Object};
use serde_json::Value;

use crate::fixture::{BUCKET, Ended, Fixture, KEY, MIB, signal};

const PREFIX: &str = "oss://examplebucket/p/";

/// A prefix with two objects and a directory, and an object beside it.
fn some() -> Fixture {
    let fixture = Fixture::new(1000);
    fixture.server.put(BUCKET, "p/a", Object::pattern(1000, 1));
    fixture.server.put(BUCKET, "p/dir/", Object::bytes(Vec::new()));
    fixture.server.put(BUCKET, "p/dir/b", Object::pattern(2 * MIB, 2));
    fixture
}

/// A prefix with two objects that take some time, and many small ones.
fn slow() -> Fixture {
    let fixture = Fixture::slow(1000);
    fixture.server.put(BUCKET, "p/large", Object::pattern(24 * MIB, 1));
    (0..20).for_each(|seed| {
        fixture.server.put(BUCKET, &format!("p/small/{seed}"), Object::pattern(1000, seed));
    });
    fixture
}

/// Starts to download it with two connections, until some of the large object has arrived.
fn started(fixture: &Fixture, more: &[&str]) -> std::process::Child {
    let mut arguments = vec!["get", "-r", PREFIX, "-d", "out", "--connections", "2"];
    arguments.extend(more);
    fixture.start_and_wait_for_file(&arguments, "out/large.temp", 10 * MIB)
}

fn objects(fixture: &Fixture) -> u64 {
    let requests = fixture.server.requests();
    requests.iter().filter(|request| !request.key.is_empty()).count() as u64
}

fn of<'a>(lines: &'a [Value], source: &str) -> &'a Value {
    lines.iter().find(|object| object["source"] == source).expect(source)
}

#[test]
fn all_objects_of_a_prefix_become_files_in_the_directory() {
    let fixture = some();
    let ended = fixture.run(&["get", "-r", PREFIX, "-d", "out"]).success();
    assert_eq!(ended.stdout, "out/a  1000 B, verified\nout/dir/b  2.0 MiB, verified\n");
    assert!(ended.stderr.starts_with("2 of 2 files, 2.0 MiB in 0:0"), "{}", ended.stderr);
    fixture.assert_is("out/a", "p/a");
    fixture.assert_is("out/dir/b", "p/dir/b");
    assert_eq!(fixture.files(), ["out"]);
}

#[test]
fn a_prefix_may_end_anywhere_and_the_directory_may_be_the_current_one() {
    let fixture = some();
    fixture.run(&["get", "-r", "oss://examplebucket/p/di"]).success();
    assert_eq!(fixture.files(), [".oss-resumable", "dir"]);
    fixture.assert_is("dir/b", "p/dir/b");
    fixture.run(&["get", "-r", "oss://examplebucket", "-d", "all"]).success();
    fixture.assert_is("all/p/a", "p/a");
    fixture.assert_is(&format!("all/{KEY}"), KEY);
}

#[test]
fn a_later_run_fetches_what_is_new_and_says_what_is_unchanged() {
    let fixture = some();
    let get = ["get", "-r", PREFIX, "-d", "out"];
    fixture.run(&get).success();
    let before = objects(&fixture);
    let ended = fixture.run(&get).success();
    assert_eq!((ended.stdout.as_str(), objects(&fixture) - before), ("", 0));
    assert!(ended.stderr.starts_with("2 of 2 files (2 unchanged), 2.0 MiB"), "{}", ended.stderr);

    fixture.server.put(BUCKET, "p/a", Object::pattern(1000, 3));
    fixture.server.put(BUCKET, "p/new", Object::pattern(7, 3));
    let ended = fixture.run(&[&get[..], &["--json"]].concat()).success();
    let lines = ended.json();
    let state = |key: &str| of(&lines, &format!("oss://examplebucket/p/{key}"))["state"].clone();
    assert_eq!([state("a"), state("dir/b"), state("new")], ["complete", "unchanged", "complete"]);
    let summary = &lines[3];
    for (field, value) in
        [("files", 3), ("complete", 3), ("unchanged", 1), ("bytes_from_network", 1007)]
    {
        assert_eq!(summary[field], value, "{field}");
    }
    assert_eq!(
        (&summary["bytes_reused"], &summary["bytes"]),
        (&(2 * MIB).into(), &(2 * MIB + 1007).into())
    );
    fixture.assert_is("out/a", "p/a");
}

#[test]
fn files_are_read_again_if_that_is_asked_for() {
    let fixture = some();
    let get = ["get", "-r", PREFIX, "-d", "out"];
    fixture.run(&get).success();
    let path = fixture.path("out/dir/b");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("metadata");
    let mut bytes = fs::read(&path).expect("file");
    bytes[1000] ^= 1;
    fs::write(&path, &bytes).expect("write");
    File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified))
        .expect("time");
    assert!(fixture.run(&get).success().stderr.contains("(2 unchanged)"));
    let ended = fixture.run(&[&get[..], &["--verify"]].concat()).success();
    assert!(ended.stderr.contains("(1 unchanged)"), "{}", ended.stderr);
    fixture.assert_is("out/dir/b", "p/dir/b");
}

#[test]
fn an_object_has_a_json_object_and_a_directory_has_none() {
    let fixture = some();
    fixture.server.put(BUCKET, "p/../x", Object::pattern(1, 1));
    let ended = fixture.run(&["get", "-r", PREFIX, "-d", "out", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    let lines = ended.json();
    assert_eq!(lines.len(), 4);
    let path = fixture.path("out/a").canonicalize().expect("path");
    let expected = serde_json::json!({
        "type": "file", "source": "oss://examplebucket/p/a", "path": path, "state": "complete",
        "bytes_done": 1000, "outcome": null, "error": null,
    });
    assert_eq!(*of(&lines, "oss://examplebucket/p/a"), expected);
    let bad = of(&lines, "oss://examplebucket/p/../x");
    assert_eq!((&bad["state"], &bad["error"]["code"]), (&"failed".into(), &"UnsafeKey".into()));
    assert!(bad["path"].is_null());
    let summary = &lines[3];
    for (field, value) in
        [("files", 3), ("complete", 2), ("unchanged", 0), ("failed", 1), ("exit_code", 1)]
    {
        assert_eq!(summary[field], value, "{field}");
    }
    assert!(summary["error"].is_null());
}

#[test]
fn an_object_that_fails_does_not_stop_the_others() {
    let fixture = some();
    fixture.server.put(BUCKET, "p/\u{1b}[31mred", Object::pattern(1, 1));
    fixture.server.put(BUCKET, "p/garbage", Object::pattern(1000, 1));
    fixture.server.inject_when(Matcher::any().key("p/garbage"), Fault::GarbageBody);
    let ended = fixture.run(&["get", "-r", PREFIX, "-d", "out"]);
    assert_eq!(ended.code, Some(1));
    for part in ["p/garbage: CrcCheckError: ", "p/\\u{1b}[31mred: UnsafeKey: ", "2 of 4 files, "] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let text = ended.stdout + &ended.stderr;
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    fixture.assert_is("out/a", "p/a");
    fixture.assert_is("out/dir/b", "p/dir/b");
    assert!(!fixture.path("out/garbage").exists());
}

#[test]
fn a_prefix_that_nothing_begins_with_and_a_bucket_that_is_not_there_are_errors() {
    let fixture = some();
    for (source, code) in
        [("oss://examplebucket/missing/", "NoSuchKey"), ("oss://anotherbucket/p/", "NoSuchBucket")]
    {
        let ended = fixture.run(&["get", "-r", source]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(code) && ended.stderr.contains(source), "{}", ended.stderr);
        let ended = fixture.run(&["get", "-r", source, "--json"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.json().len(), 1);
        assert_eq!(ended.json()[0]["error"]["code"], code);
        assert_eq!(
            (&ended.json()[0]["files"], &ended.json()[0]["exit_code"]),
            (&0.into(), &1.into())
        );
    }
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_sent_or_created() {
    let fixture = some();
    let url = format!("{}/examplebucket/p/?Signature=S3cret", fixture.server.endpoint());
    for (arguments, message) in [
        (&["-r", PREFIX, "oss://examplebucket/q/", "-d", "out"] as &[&str], "-r takes one source"),
        (&["-r", &url], "no URL"),
        (&["-r", "oss://", "-d", "out"], "names no bucket"),
        (&["-r", PREFIX, "-o", "file"], "cannot be used with"),
        (&["-r", "--from-file", "list"], "cannot be used with"),
        (&["--verify", PREFIX], "--recursive"),
    ] {
        let ended = fixture.run(&[&["get"], arguments].concat());
        ended.assert_usage(message);
        assert!(!ended.stderr.contains("S3cret"), "{}", ended.stderr);
    }
    assert!(fixture.server.requests().is_empty());
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn quiet_prints_errors_only() {
    let fixture = some();
    let get = ["get", "-q", "-r", PREFIX, "-d", "out"];
    let ended = fixture.run(&get).success();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    fixture.server.put(BUCKET, "p//x", Object::pattern(1, 1));
    let ended = fixture.run(&get);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1));
}

#[test]
fn existing_files_are_replaced_compared_or_left_alone() {
    let fixture = some();
    let get =
        |when| fixture.run(&["get", "-r", PREFIX, "-d", "out", "--overwrite", when, "--json"]);
    fs::create_dir(fixture.path("out")).expect("directory");
    fs::write(fixture.path("out/a"), "mine").expect("write");
    let ended = get("never");
    assert_eq!(ended.code, Some(1));
    assert_eq!(of(&ended.json(), "oss://examplebucket/p/a")["error"]["code"], "FileAlreadyExists");
    assert_eq!(fs::read(fixture.path("out/a")).expect("file"), b"mine");
    get("always").success();
    fixture.assert_is("out/a", "p/a");
    // Without the manifest nothing is known of the files.
    fs::remove_dir_all(fixture.path("out/.oss-resumable")).expect("manifest");
    assert_eq!(get("if-different").success().json()[2]["bytes_from_network"], 0);
}

#[test]
fn the_first_interrupt_keeps_what_there_is_and_the_same_command_goes_on() {
    let fixture = slow();
    let child = started(&fixture, &[]);
    signal(&child, &["INT"]);
    let ended = Ended::from(child.wait_with_output().expect("end"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{}", ended.stderr);
    for part in ["stopping; interrupt again", " of 21 files are complete; run the same command"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_goes_on(&fixture);
}

#[test]
fn the_second_interrupt_ends_the_program_at_once_and_the_same_command_goes_on() {
    let fixture = slow();
    let child = started(&fixture, &[]);
    signal(&child, &["STOP", "INT", "TERM", "CONT"]);
    let ended = Ended::from(child.wait_with_output().expect("end"));
    assert!(matches!(ended.code, Some(130 | 143)), "{:?}", ended.code);
    assert_goes_on(&fixture);
}

#[test]
fn an_interrupted_prefix_has_a_summary_and_its_objects_a_checkpoint_each() {
    let fixture = slow();
    let child = started(&fixture, &["--json"]);
    signal(&child, &["TERM"]);
    let ended = Ended::from(child.wait_with_output().expect("end"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let [summary] = &ended.json()[..] else { panic!("{}", ended.stdout) };
    let number = |field: &str| summary[field].as_u64().expect(field);
    assert_eq!((number("files"), number("exit_code")), (21, 3));
    assert_eq!(number("complete") + number("interrupted"), 21);
    assert!(number("interrupted") >= 1);
    let status = fixture.run(&[
        "status",
        "oss://examplebucket/p/large",
        "-d",
        "out",
        "--checkpoint-dir",
        "out/.oss-resumable",
        "--json",
    ]);
    assert!(status.success().json()[0]["bytes_recorded"].as_u64() >= Some(MIB));
}

#[test]
fn an_interrupt_during_the_listing_is_told_as_one() {
    let fixture = some();
    fixture.server.inject(Fault::NoReply);
    let mut child = fixture.command(&["get", "-r", PREFIX, "-d", "out"]).spawn().expect("it");
    while fixture.server.requests().is_empty() && fixture.server.active_connections() == 0 {
        assert!(child.try_wait().expect("state").is_none(), "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    signal(&child, &["INT"]);
    let ended = Ended::from(child.wait_with_output().expect("end"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("before anything was downloaded; run the same"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_dir(fixture.path("out")).expect("list").count(), 0);
}

/// Runs the command to its end, and asserts that it has gone on.
fn assert_goes_on(fixture: &Fixture) {
    fixture.server.clear_faults();
    let ended = fixture.run(&["get", "-r", PREFIX, "-d", "out", "--json"]).success();
    let lines = ended.json();
    let summary = lines.last().expect("a summary");
    assert_eq!((&summary["files"], &summary["complete"]), (&21.into(), &21.into()));
    assert!(summary["bytes_reused"].as_u64() >= Some(MIB), "{summary}");
    fixture.assert_is("out/large", "p/large");
    fixture.assert_is("out/small/7", "p/small/7");
    let left = fs::read_dir(fixture.path("out/.oss-resumable")).expect("list").count();
    assert_eq!(left, 1, "the manifest alone");
}

#[test]
fn another_program_in_the_directory_is_an_error_or_waited_for() {
    let fixture = slow();
    let mut first = started(&fixture, &[]);
    let busy = fixture.run(&["get", "-r", PREFIX, "-d", "out", "--json"]);
    assert_eq!((busy.code, &busy.json()[0]["error"]["code"]), (Some(1), &"Busy".into()));
    let waited = fixture.run(&["get", "-r", PREFIX, "-d", "out", "--wait"]).success();
    assert!(waited.stderr.contains("waiting for another program"), "{}", waited.stderr);
    assert!(waited.stderr.contains("21 of 21 files (21 unchanged)"), "{}", waited.stderr);
    assert_eq!(first.wait().expect("end").code(), Some(0));
}

#[test]
fn connections_and_bandwidth_are_limited() {
    let fixture = some();
    fixture.server.put(BUCKET, "p/c", Object::pattern(2 * MIB, 3));
    let get = ["get", "-r", PREFIX, "-d", "out", "--connections", "1", "--limit", "4M", "--json"];
    let ended = fixture.run(&get).success();
    let elapsed = ended.json()[3]["elapsed_ms"].as_u64().expect("a number");
    // Four MiB at four MiB per second, less what may come at once.
    assert!(elapsed >= 500, "{elapsed} ms");
    // One for each file, and that of the listing.
    assert!(fixture.server.max_active_connections() <= 4);
}

#[test]
fn the_requests_of_all_objects_are_in_the_trace_and_in_the_timeline() {
    let fixture = some();
    let get = ["get", "-r", PREFIX, "-d", "out", "--trace", "trace", "--timeline", "picture.svg"];
    fixture.run(&get).success();
    let text = fs::read_to_string(fixture.path("trace")).expect("trace");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len() as u64, objects(&fixture));
    assert!(lines.iter().all(|line| line["source"] == PREFIX), "{text}");
    let bytes = lines.iter().map(|line| line["bytes"].as_u64().expect("bytes"));
    assert_eq!(bytes.sum::<u64>(), 2 * MIB + 1000);
    let picture = fs::read_to_string(fixture.path("picture.svg")).expect("picture");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");
}

#[test]
fn progress_is_told_in_lines_without_control_characters() {
    let fixture = slow();
    fixture.server.clear_faults();
    // Long enough for a line, which comes every five seconds.
    fixture.server.inject_when(Matcher::any().key("p/large"), Fault::RateLimit(4 * MIB));
    let get = ["get", "-r", PREFIX, "-d", "out", "--connections", "1"];
    let ended = fixture.run(&get).success();
    let line = ended.stderr.lines().next().expect("a line");
    assert!(line.starts_with("20 of 21 files, "), "{line}");
    assert!(line.contains("MiB/s") && line.contains("ETA 0:0"), "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
}
