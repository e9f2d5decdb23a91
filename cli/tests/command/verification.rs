//! `verify`.

use local_oss::{Fault, Object};

use crate::fixture::{BUCKET, Fixture, MIB, NAME, SOURCE};

#[test]
fn a_file_is_the_object_or_it_is_not() {
    let fixture = Fixture::new(3 * MIB);
    fixture.run(&["get", SOURCE]).success();
    let fetched = fixture.server.requests().len();
    let ended = fixture.run(&["verify", NAME, SOURCE]).success();
    assert_eq!(ended.stdout, format!("{NAME} is {SOURCE} (CRC-64)\n"));
    assert_eq!(fixture.server.requests().len(), fetched + 1);

    let mut bytes = std::fs::read(fixture.path(NAME)).expect("file");
    bytes[MIB as usize] ^= 1;
    std::fs::write(fixture.path(NAME), &bytes).expect("write");
    let ended = fixture.run(&["verify", NAME, SOURCE, "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(
        (&ended.json()[0]["matches"], &ended.json()[0]["compared"]),
        (&false.into(), &"crc64".into())
    );

    bytes.pop();
    std::fs::write(fixture.path(NAME), &bytes).expect("write");
    let ended = fixture.run(&["verify", NAME, SOURCE]);
    assert_eq!(
        (ended.code, ended.stdout),
        (Some(1), format!("{NAME} differs from {SOURCE} (size)\n"))
    );
    assert_eq!(fixture.files(), [NAME]);
}

#[test]
fn an_empty_object_is_an_empty_file() {
    let fixture = Fixture::new(0);
    fixture.write("empty", "");
    fixture.write("full", "x");
    fixture.run(&["verify", "empty", SOURCE]).success();
    assert_eq!(fixture.run(&["verify", "full", SOURCE]).code, Some(1));
}

#[test]
fn without_a_crc_the_md5_of_the_service_is_compared() {
    let fixture = Fixture::new(0);
    let object = Object::bytes(b"hello".to_vec()).header("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==");
    fixture.server.put(BUCKET, "hello", object);
    fixture.server.inject(Fault::NoCrc);
    fixture.write("same", "hello");
    fixture.write("other", "hullo");
    let ended = fixture.run(&["verify", "same", "oss://examplebucket/hello"]).success();
    assert!(ended.stdout.contains("(MD5)"), "{}", ended.stdout);
    assert_eq!(fixture.run(&["verify", "other", "oss://examplebucket/hello"]).code, Some(1));

    fixture.server.put(BUCKET, "hello", Object::bytes(b"hello".to_vec()));
    let ended = fixture.run(&["verify", "same", "oss://examplebucket/hello"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("the service has no checksum"), "{}", ended.stderr);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let fixture = Fixture::new(1000);
    let ended = fixture.run(&["verify", "missing", SOURCE]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot read 'missing'"), "{}", ended.stderr);
    fixture.write("file", "x");
    let ended = fixture.run(&["verify", "file", "oss://examplebucket/missing"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("NoSuchKey"), "{}", ended.stderr);
}
