//! Digests that the caller expects of the file.

use local_oss::{Config, Object};
use openssl::base64::encode_block;
use openssl::hash::{MessageDigest, hash};
use oss_resumable::{Crc64, DownloadRequest, Error, ErrorKind, Md5, Outcome, Proof, Sha256};

use crate::fixture::{BUCKET, Fixture, KEY};

mod costs;
mod healing;
mod mismatches;
mod pinning;
mod proofs;

const OLD: &[u8] = b"the file that was there before";

pub fn sha256(bytes: &[u8]) -> Sha256 {
    let digest = hash(MessageDigest::sha256(), bytes).expect("SHA-256");
    Sha256(digest.as_ref().try_into().expect("32 bytes"))
}

fn md5(bytes: &[u8]) -> Md5 {
    let digest = hash(MessageDigest::md5(), bytes).expect("MD5");
    Md5(digest.as_ref().try_into().expect("16 bytes"))
}

/// The object's bytes.
fn bytes(fixture: &Fixture) -> Vec<u8> {
    let size = fixture.server.object(BUCKET, KEY).expect("object").size();
    fixture.server.object_bytes(BUCKET, KEY, 0..size).expect("object")
}

/// The object's CRC-64, which is no digest of the caller's unless it is expected.
fn crc64(fixture: &Fixture) -> Crc64 {
    Crc64(fixture.server.object(BUCKET, KEY).expect("object").crc64())
}

/// An object of whose CRC-64 the service knows nothing.
fn without_crc(size: u64) -> Fixture {
    Fixture::with(Config::default(), Object::pattern(size, 7).without_crc64())
}

/// [`Fixture::request`], which expects the digest of these bytes.
fn expecting(fixture: &Fixture, bytes: &[u8]) -> DownloadRequest {
    let digest = sha256(bytes);
    fixture.request_with(|request| request.expected_sha256 = Some(digest))
}

/// Downloads the object with its own digest expected.
fn downloads_the_right_file(fixture: &Fixture) -> Outcome {
    let request = expecting(fixture, &bytes(fixture));
    let outcome = fixture.client().download(&request).expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ExpectedDigest);
    outcome
}

/// Asserts that the download fails because of its digest, that the old file is unchanged and nothing else left.
#[track_caller]
fn assert_differs(fixture: &Fixture, request: &DownloadRequest) -> Error {
    std::fs::write(fixture.target(), OLD).expect("the old file");
    let error = fixture.client().download(request).expect_err("another digest");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "DigestMismatch"), "{error}");
    assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
    assert_eq!(fixture.files(), ["file.bin"], "no checkpoint would repeat the error");
    error
}

/// Bytes of all bodies that the server has sent.
fn sent(fixture: &Fixture) -> u64 {
    fixture.server.requests().iter().map(|request| request.body_bytes).sum()
}

/// The digest in base64, as `Content-MD5` and Subresource Integrity write it.
fn base64(digest: &[u8]) -> String {
    encode_block(digest)
}
