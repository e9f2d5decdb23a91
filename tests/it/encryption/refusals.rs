//! What cannot be decrypted is told before a byte is written.

use local_oss::{Config, Object};
use oss_resumable::{Client, DecryptionKey, Error, ErrorKind};

use super::{IV, KEY, assert_no_key, client, metadata, object, private_key, wrapped};
use crate::fixture::Fixture;

const SIZE: u64 = 300_000;

/// The error of a download that has begun with one request and written nothing.
#[track_caller]
fn refused(fixture: &Fixture, client: &Client) -> Error {
    std::fs::write(fixture.target(), "old").expect("write");
    let error = client.download(&fixture.request()).expect_err("refused");
    assert_eq!(fixture.files(), ["file.bin"], "nothing is made");
    assert_eq!(std::fs::read(fixture.target()).expect("target"), b"old");
    assert_eq!(fixture.server.requests().len(), 1, "asked once");
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_no_key("the error", format!("{error} {error:?}").as_bytes());
    error
}

/// The error for an object with one of its metadata changed or left out.
#[track_caller]
fn refused_with(name: &str, value: Option<&str>) -> Error {
    let mut metadata = metadata();
    metadata.retain(|(known, _)| *known != name);
    metadata.extend(value.map(|value| ("?", value.to_owned())));
    let metadata: Vec<_> =
        metadata.into_iter().map(|(n, v)| (if n == "?" { name } else { n }, v)).collect();
    let fixture = Fixture::with(Config::default(), object(SIZE, &metadata));
    refused(&fixture, &client(&fixture))
}

#[test]
fn without_a_key_an_encrypted_object_is_refused_with_what_can_be_done() {
    let fixture = super::fixture(SIZE);
    let error = refused(&fixture, &fixture.client());
    assert_eq!(error.code(), "ClientSideEncrypted");
    for word in ["decryption_keys", "key_unwrapper", "allow_encrypted"] {
        assert!(error.message().contains(word), "{error}");
    }
}

#[test]
fn without_a_key_an_object_that_no_key_can_decrypt_is_refused_without_advising_one() {
    let former = Object::pattern(SIZE, 7).header("x-oss-meta-oss-crypto-key", "a2V5");
    let lacking = object(SIZE, &metadata()[1..]);
    for (object, words) in [(former, "oss-crypto-key"), (lacking, "encryption-key")] {
        let fixture = Fixture::with(Config::default(), object);
        let error = refused(&fixture, &fixture.client());
        assert_eq!(error.code(), "ClientSideEncrypted");
        assert!(error.message().contains(words), "{error}");
        assert!(error.message().contains("; set allow_encrypted to save"), "{error}");
    }
}

#[test]
fn a_wrong_key_is_told_before_a_byte_is_written() {
    let fixture = super::fixture(SIZE);
    let wrong = DecryptionKey::new(private_key("second"));
    let client = fixture.client_with(|options| options.decryption_keys = vec![wrong]);
    let error = refused(&fixture, &client);
    assert_eq!(error.code(), "EncryptionClientError");
    assert!(error.message().contains("private key is not the one"), "{error}");
}

#[test]
fn a_flipped_bit_of_the_wrapped_key_or_counter_block_is_told_before_a_byte_is_written() {
    for (name, secret) in [("key", &KEY[..]), ("start", &IV[..])] {
        let good = openssl::base64::decode_block(&wrapped(secret)).expect("base64");
        for bit in [0, 7, 1000, 2047] {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = refused_with(name, Some(&openssl::base64::encode_block(&flipped)));
            assert_eq!(error.code(), "EncryptionClientError");
            assert!(error.message().contains("metadata are damaged"), "{error}");
        }
    }
}

#[test]
fn a_description_that_no_key_has_is_told_before_a_byte_is_written() {
    let described = DecryptionKey::new(private_key("first")).matdesc(r#"{"name":"2025"}"#);
    for matdesc in [Some(r#"{"name":"2026"}"#), None] {
        let mut metadata = metadata();
        metadata.extend(matdesc.map(|matdesc| ("matdesc", matdesc.to_owned())));
        let fixture = Fixture::with(Config::default(), object(SIZE, &metadata));
        let keys = vec![described.clone()];
        let client = fixture.client_with(|options| options.decryption_keys = keys);
        let error = refused(&fixture, &client);
        assert_eq!(error.code(), "EncryptionClientError");
        assert!(error.message().contains("no decryption key is for that"), "{error}");
        assert!(error.message().contains(matdesc.map_or("without", |_| "2026")), "{error}");
    }
}

#[test]
fn an_unknown_cipher_or_wrap_is_told_by_its_name_before_a_byte_is_written() {
    let error = refused_with("cek-alg", Some("AES/GCM/NoPadding"));
    assert!(error.message().contains("AES/GCM/NoPadding"), "{error}");
    for wrap in ["KMS/ALICLOUD", "RSA/NONE/OAEPWithSHA-1AndMGF1Padding"] {
        let error = refused_with("wrap-alg", Some(wrap));
        assert_eq!(error.code(), "EncryptionClientError");
        assert!(error.message().contains(wrap), "{error}");
        assert!(error.message().contains("key_unwrapper"), "{error}");
    }
}

#[test]
fn metadata_that_are_missing_or_no_base64_are_told_by_their_names_before_a_byte_is_written() {
    for (name, value) in [
        ("start", None),
        ("cek-alg", None),
        ("wrap-alg", None),
        ("key", None),
        ("key", Some("a key")),
        ("start", Some("***")),
    ] {
        let error = refused_with(name, value);
        assert_eq!(error.code(), "EncryptionClientError");
        assert!(error.message().contains(name), "{error}");
        assert!(error.message().contains("allow_encrypted"), "{error}");
    }
}

#[test]
fn an_encrypted_object_that_the_service_processes_is_refused() {
    let fixture = super::fixture(SIZE);
    let process = ("x-oss-process".to_owned(), "image/resize,w_100".to_owned());
    let request = fixture.request_with(|request| request.extra_query = vec![process]);
    let error = client(&fixture).download(&request).expect_err("refused");
    assert_eq!(error.code(), "EncryptionClientError");
    assert!(error.message().contains("x-oss-process"), "{error}");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn keys_that_are_none_are_refused_when_the_client_is_made() {
    let fixture = super::fixture(1);
    for pem in ["", "hush", "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----"] {
        let mut options = fixture.options();
        options.decryption_keys = vec![DecryptionKey::new(pem)];
        let error = Client::new(options).map(|_| ()).expect_err("no key");
        assert_eq!(error.code(), "ValidateError");
        assert!(error.message().contains("key 1"), "{error}");
        assert!(!error.message().contains("hush"), "{error}");
    }
}
