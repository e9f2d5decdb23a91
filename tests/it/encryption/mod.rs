//! Objects that a client encrypted before the upload.

use std::path::{Path, PathBuf};

use local_oss::{Config, Object, Pattern};
use openssl::base64::encode_block;
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, encrypt};
use oss_resumable::{Client, ClientOptions, DecryptionKey};

use crate::fixture::Fixture;

mod missing_metadata;
mod refusals;
mod resuming;
pub mod unwrapping;
mod vectors;

const PREFIX: &str = "x-oss-meta-client-side-encryption-";
pub const KEY: [u8; 32] = *b"a content key that nobody else h";
/// As the SDKs make them, but that the first 2²⁰ bytes fill its last four bytes.
pub const IV: [u8; 16] = [9, 8, 7, 6, 5, 4, 3, 2, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0];

/// A file of `tests/data/encryption`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/encryption").join(name)
}

/// One of the key pairs there.
pub fn private_key(name: &str) -> String {
    std::fs::read_to_string(data(&format!("{name}.pem"))).expect("a key")
}

/// These bytes, wrapped by the key pair `first`.
fn wrapped(bytes: &[u8]) -> String {
    let key = PKey::private_key_from_pem(private_key("first").as_bytes()).expect("PEM");
    let key = key.rsa().expect("RSA");
    let mut wrapped = vec![0; key.size() as usize];
    key.public_encrypt(bytes, &mut wrapped, Padding::PKCS1).expect("wrapped");
    encode_block(&wrapped)
}

/// The metadata of an object that is encrypted with [`KEY`] and [`IV`].
fn metadata() -> Vec<(&'static str, String)> {
    vec![
        ("key", wrapped(&KEY)),
        ("start", wrapped(&IV)),
        ("cek-alg", "AES/CTR/NoPadding".to_owned()),
        ("wrap-alg", "RSA/NONE/PKCS1Padding".to_owned()),
    ]
}

/// The plain text of all objects here but the vectors.
pub fn plain(size: u64) -> Vec<u8> {
    let mut plain = vec![0; usize::try_from(size).expect("small")];
    Pattern::new(size, 7).fill(0, &mut plain);
    plain
}

/// `size` bytes, encrypted in one go, with these metadata.
fn object(size: u64, metadata: &[(&str, String)]) -> Object {
    let stored = encrypt(Cipher::aes_256_ctr(), &KEY, Some(&IV), &plain(size)).expect("encrypted");
    metadata.iter().fold(Object::bytes(stored), |object, (name, value)| {
        object.header(format!("{PREFIX}{name}"), value)
    })
}

/// A server with such an object.
pub fn fixture(size: u64) -> Fixture {
    Fixture::with(Config::default(), object(size, &metadata()))
}

pub fn with_key(options: &mut ClientOptions) {
    options.decryption_keys = vec![DecryptionKey::new(private_key("first"))];
}

/// A client that has the key.
fn client(fixture: &Fixture) -> Client {
    fixture.client_with(with_key)
}

/// Asserts that the file is this range of the plain text, and that nothing else is there.
#[track_caller]
pub fn assert_plain(fixture: &Fixture, size: u64, range: std::ops::Range<u64>) {
    let found = std::fs::read(fixture.target()).expect("target");
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    assert!(found == plain(size)[range], "{} bytes are not the plain text", found.len());
    assert_eq!(fixture.files(), ["file.bin"]);
}

/// Asserts that neither the content key nor the counter block is in `bytes`, in any spelling.
#[track_caller]
fn assert_no_key(what: &str, bytes: &[u8]) {
    let hex = |secret: &[u8]| secret.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let list = |secret: &[u8]| format!("{secret:?}").trim_matches(['[', ']']).to_owned();
    let lower = bytes.to_ascii_lowercase();
    for secret in [&KEY[..], &IV[..]] {
        let base64 = encode_block(secret).trim_end_matches('=').to_owned();
        for half in [&secret[..secret.len() / 2], &secret[secret.len() / 2..]] {
            let found = |needle: &[u8], hay: &[u8]| hay.windows(needle.len()).any(|w| w == needle);
            assert!(!found(half, bytes), "{what} holds a key");
            assert!(!found(hex(half).as_bytes(), &lower), "{what} holds a key in hex");
            assert!(!found(list(half).as_bytes(), bytes), "{what} holds a key as numbers");
        }
        let start = &base64.as_bytes()[..16];
        assert!(!bytes.windows(16).any(|w| w == start), "{what} holds a key in base64");
    }
    for line in private_key("first").lines().filter(|line| line.len() > 20) {
        assert!(!String::from_utf8_lossy(bytes).contains(line), "{what} holds the private key");
    }
}
