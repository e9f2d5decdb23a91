//! Sources, targets and exit codes of `get`.

use std::io::Write;
use std::process::Stdio;

use local_oss::{Auth, Fault, Object};

use crate::fixture::{BUCKET, Ended, Fixture, KEY, MIB, NAME, SOURCE, signal};

#[test]
fn an_object_becomes_a_file_with_the_last_segment_of_its_key() {
    let fixture = Fixture::new(3 * MIB);
    let ended = fixture.run(&["get", SOURCE]).success();
    fixture.assert_is(NAME, KEY);
    assert_eq!(fixture.files(), [NAME]);
    assert!(ended.stdout.starts_with("exampleobject.bin  3.0 MiB"), "{}", ended.stdout);
    assert!(ended.stdout.contains("checksum verified"), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 1);
}

#[test]
fn the_file_and_its_directory_can_be_named() {
    let fixture = Fixture::new(1000);
    fixture.run(&["get", SOURCE, "-o", "other.bin"]).success();
    fixture.assert_is("other.bin", KEY);
    fixture.run(&["get", SOURCE, "-d", "new/directory"]).success();
    fixture.assert_is("new/directory/exampleobject.bin", KEY);
}

#[test]
fn several_objects_are_downloaded_and_the_good_ones_stay_when_one_fails() {
    let fixture = Fixture::new(1000);
    fixture.server.put(BUCKET, "second", Object::pattern(MIB, 8));
    let ended =
        fixture.run(&["get", SOURCE, "oss://examplebucket/missing", "oss://examplebucket/second"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("oss://examplebucket/missing: NoSuchKey: "), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("(request id ").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("2 of 3 files"), "{}", ended.stderr);
    fixture.assert_is(NAME, KEY);
    fixture.assert_is("second", "second");
    assert_eq!(fixture.files(), [NAME, "second"]);
}

#[test]
fn sources_are_read_from_a_list_and_from_standard_input() {
    let fixture = Fixture::new(1000);
    fixture.server.put(BUCKET, "a key with blanks", Object::pattern(2000, 8));
    fixture.write(
        "list",
        &format!("# what we need\n\n{SOURCE}\noss://examplebucket/a key with blanks\n"),
    );
    fixture.run(&["get", "--from-file", "list"]).success();
    fixture.assert_is("a key with blanks", "a key with blanks");
    fixture.assert_is(NAME, KEY);

    let mut child = fixture
        .command(&["get", "--from-file", "-", "-d", "again"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(SOURCE.as_bytes()).expect("write");
    drop(stdin);
    Ended::from(child.wait_with_output().expect("end")).success();
    fixture.assert_is("again/exampleobject.bin", KEY);
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_sent_or_created() {
    let fixture = Fixture::new(1000);
    fixture.write("list", "oss://examplebucket/a\nnonsense\n");
    for (arguments, message) in [
        (&["get"] as &[&str], "SOURCE"),
        (&["get", "file"], "'file' is not a source"),
        (&["get", "oss://examplebucket"], "give -r to download all objects"),
        (&["get", "oss://examplebucket", "-o", "file"], "names a bucket and no object"),
        (&["get", "oss://examplebucket/dir/", "-d", "new"], "give -r to download all objects"),
        (&["get", SOURCE, "oss://examplebucket/b", "-o", "file"], "-o names one file"),
        (&["get", SOURCE, "oss://examplebucket/exampleobject.bin"], "would both become"),
        (&["get", SOURCE, "-o", "a", "-d", "b"], "cannot be used with"),
        (&["get", SOURCE, "--connections", "0"], "'auto' or a number from 1 to 1024"),
        (&["get", SOURCE, "--limit", "fast"], "not a number of bytes"),
        (&["get", "--from-file", "list"], "line 2 of 'list'"),
        (&["get", "--from-file", "missing"], "cannot read 'missing'"),
    ] {
        fixture.run(arguments).assert_usage(message);
    }
    assert!(fixture.server.requests().is_empty());
    assert_eq!(fixture.files(), ["list"]);
}

#[test]
fn an_existing_file_is_replaced_unless_it_must_stay() {
    let fixture = Fixture::new(1000);
    fixture.write(NAME, "old");
    let ended = fixture.run(&["get", SOURCE, "--overwrite", "never"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("FileAlreadyExists"), "{}", ended.stderr);
    assert_eq!(std::fs::read(fixture.path(NAME)).expect("file"), b"old");
    fixture.run(&["get", SOURCE]).success();
    fixture.assert_is(NAME, KEY);
}

#[test]
fn an_existing_file_that_is_the_object_is_not_fetched_again() {
    let fixture = Fixture::new(MIB);
    let again = ["get", SOURCE, "--overwrite", "if-different", "--json"];
    let fetched =
        |fixture: &Fixture| fixture.run(&again).success().json()[1]["bytes_from_network"].as_u64();
    assert_eq!(fetched(&fixture), Some(MIB));
    assert_eq!(fetched(&fixture), Some(0));
    fixture.write(NAME, "old");
    assert_eq!(fetched(&fixture), Some(MIB));
    fixture.assert_is(NAME, KEY);
}

#[test]
fn a_file_to_which_another_command_downloads_is_an_error_or_waited_for() {
    let fixture = Fixture::slow(16 * MIB);
    let mut first = fixture.start_and_wait_for(&["get", SOURCE], MIB);
    let busy = fixture.run(&["get", SOURCE]);
    assert_eq!(busy.code, Some(1));
    assert!(busy.stderr.contains("Busy: "), "{}", busy.stderr);
    let waited = fixture.run(&["get", SOURCE, "--wait", "--json"]).success();
    assert_eq!(waited.json()[1]["bytes_from_network"], 0);
    assert_eq!(first.wait().expect("end").code(), Some(0));
    fixture.assert_is(NAME, KEY);
}

#[test]
fn the_number_of_connections_is_the_one_that_was_asked_for() {
    let fixture = Fixture::new(24 * MIB);
    fixture.server.inject(Fault::RateLimit(16 * MIB));
    fixture.run(&["get", SOURCE, "--connections", "5"]).success();
    assert_eq!(fixture.server.max_active_connections(), 5);
}

#[test]
fn the_bandwidth_limit_is_over_all_files() {
    let fixture = Fixture::new(MIB);
    fixture.server.put(BUCKET, "second", Object::pattern(MIB, 8));
    let ended =
        fixture.run(&["get", SOURCE, "oss://examplebucket/second", "--limit", "2M", "--json"]);
    let elapsed = ended.success().json()[2]["elapsed_ms"].as_u64().expect("a number");
    // Two MiB at two MiB per second, less what may come at once.
    assert!(elapsed >= 500, "{elapsed} ms");
}

#[test]
fn an_object_that_is_not_what_its_checksum_says_fails() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::GarbageBody);
    let ended = fixture.run(&["get", SOURCE]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("CrcCheckError"), "{}", ended.stderr);
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn a_file_has_the_digest_that_the_list_says_or_it_is_an_error() {
    let fixture = Fixture::new(0);
    fixture.server.put(BUCKET, "hello", Object::bytes(b"hello".to_vec()));
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let md5 = "5d41402abc4b2a76b9719d911017c592";
    fixture.write("right", &format!("{sha256}  oss://examplebucket/hello\n"));
    let ended = fixture.run(&["get", "--from-file", "right"]).success();
    assert!(ended.stdout.contains("digest verified"), "{}", ended.stdout);
    fixture.write("md5", &format!("{md5} *oss://examplebucket/hello\n"));
    let ended = fixture.run(&["get", "--from-file", "md5", "--json"]).success();
    assert_eq!(ended.json()[0]["outcome"]["proof"], "expected_digest");

    fixture.write("hello", "old");
    for (good, digest) in [(sha256, sha256.replace('2', "3")), (md5, md5.replace('5', "6"))] {
        fixture.write("wrong", &format!("{digest}  oss://examplebucket/hello\n"));
        let ended = fixture.run(&["get", "--from-file", "wrong"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("DigestMismatch"), "{good}: {}", ended.stderr);
        assert_eq!(std::fs::read(fixture.path("hello")).expect("file"), b"old");
    }
}

#[test]
fn a_url_needs_no_configuration_and_goes_on_with_another_query() {
    let fixture = Fixture::slow(24 * MIB);
    fixture.server.set_auth(Auth::Anonymous);
    let url = |query| format!("{}/{BUCKET}/{KEY}?{query}", fixture.server.endpoint());
    let first = url("Signature=S3cret1");
    let child = fixture.start_and_wait_for(&["get", &first, "--connections", "2"], 8 * MIB);
    signal(&child, &["INT"]);
    let ended = Ended::from(child.wait_with_output().expect("end"));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let second = Ended::of(&mut fixture.bare(&["get", &url("Signature=S3cret2"), "--json"]));
    let second = second.success();
    let objects = second.json();
    assert!(objects[1]["bytes_reused"].as_u64() >= Some(MIB), "{}", objects[1]);
    fixture.assert_is(NAME, KEY);
    let texts = [ended.stdout, ended.stderr, second.stdout, second.stderr];
    assert!(texts.iter().all(|text| !text.contains("S3cret")), "{texts:?}");
}

#[test]
fn a_url_that_fails_is_shown_without_its_query() {
    let fixture = Fixture::new(1000);
    fixture.server.set_auth(Auth::Anonymous);
    let url = format!("{}/{BUCKET}/missing", fixture.server.endpoint());
    let asked = format!("{url}?Signature=S3cret");
    for (arguments, code) in [
        (&["get", &asked, "--json"] as &[&str], 1),
        (&["verify", "file", &asked], 1),
        (&[&asked], 2),
        (&["get", "--connections", &asked, &url], 2),
    ] {
        fixture.write("file", "");
        let ended = Ended::of(&mut fixture.bare(arguments));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains(&url) && !text.contains("S3cret"), "{text}");
    }
}
