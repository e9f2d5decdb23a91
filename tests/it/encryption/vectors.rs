//! Objects that Alibaba's own SDKs encrypted; `tests/data/encryption/README.md` says how they were made.

use local_oss::{Config, Object, Pattern};
use oss_resumable::{ByteRange, DecryptionKey, Proof};

use super::{data, private_key};
use crate::fixture::Fixture;

const VECTORS: [&str; 7] = [
    "cpp-v1-put",
    "cpp-v1-multipart",
    "go-v2-put",
    "go-v2-multipart",
    "python-v1-put",
    "python-v2-put",
    "python-v2-multipart",
];

/// A server with this object.
fn fixture(name: &str) -> Fixture {
    let headers = std::fs::read_to_string(data(&format!("{name}.headers"))).expect("headers");
    let object = Object::bytes(std::fs::read(data(name)).expect("content"));
    let headers = headers.lines().map(|line| line.split_once(": ").expect("a header"));
    let object = headers.fold(object, |object, (name, value)| object.header(name, value));
    Fixture::with(Config::default(), object)
}

fn plain(size: usize) -> Vec<u8> {
    let mut plain = vec![0; size];
    Pattern::new(size as u64, 0).fill(0, &mut plain);
    plain
}

/// The descriptions are not written as the SDKs write them.
fn keys() -> Vec<DecryptionKey> {
    let second = |matdesc: &str| DecryptionKey::new(private_key("second")).matdesc(matdesc);
    vec![
        DecryptionKey::new(private_key("first")),
        second(r#"{ "owner": "C++", "key": "second" }"#),
        second(r#"{"owner":"Go","key":"second"}"#),
        second(r#"{"key":"second","owner":"Jürgen"}"#),
    ]
}

#[test]
fn objects_encrypted_by_the_sdks_are_the_plain_text() {
    for name in VECTORS {
        let fixture = fixture(name);
        let client = fixture.client_with(|options| options.decryption_keys = keys());
        let outcome = client.download(&fixture.request()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = std::fs::read(fixture.target()).expect("target");
        assert!(found == plain(found.len()), "{name}");
        assert_eq!(found.len() as u64, outcome.object_size, "{name}");
        assert_eq!(outcome.proof, Proof::ObjectCrc, "{name}");
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn any_range_of_an_object_encrypted_by_the_sdks_is_that_of_the_plain_text() {
    for name in VECTORS {
        let fixture = fixture(name);
        let client = fixture.client_with(|options| options.decryption_keys = keys());
        let whole = plain(std::fs::read(data(name)).expect("content").len());
        let last = whole.len() - 1;
        for (start, end) in [(0, 0), (1, 16), (15, 32), (4096, 9999), (10_000, last), (last, last)]
        {
            let range = ByteRange { start: start as i64, end: end as i64 };
            let request = fixture.request_with(|request| request.range = Some(range));
            client.download(&request).unwrap_or_else(|e| panic!("{name}: {e}"));
            let found = std::fs::read(fixture.target()).expect("target");
            assert!(found == whole[start..=end], "{name}, bytes {start} to {end}");
        }
    }
}
