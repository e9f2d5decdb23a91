//! The right digest: every spelling, every kind of download.

use std::fs;

use local_oss::{Config, Fault, Object};
use oss_resumable::{Client, Crc64, DownloadRequest, Outcome, Proof};

use super::{base64, bytes, crc64, downloads_the_right_file, expecting, md5, sha256};
use crate::fixture::{BUCKET, Fixture, MIB, PART, directory_on_disk, wait_for_progress};
use crate::{encryption, resume};

const SIZE: u64 = MIB + 12_345;

#[test]
fn the_digest_may_be_written_in_each_spelling_of_the_ecosystem() {
    let fixture = Fixture::new(SIZE);
    let (sha256, md5) = (sha256(&bytes(&fixture)), md5(&bytes(&fixture)));
    let crc64 = crc64(&fixture);
    let spellings: [(&str, String); 11] = [
        ("sha256", sha256.to_string()),
        ("sha256", sha256.to_string().to_uppercase()),
        ("sha256", base64(&sha256.0)),
        ("sha256", format!("sha256:{sha256}")),
        ("sha256", format!("sha256-{}", base64(&sha256.0))),
        ("md5", md5.to_string()),
        ("md5", format!(" {}\n", base64(&md5.0))),
        ("md5", format!("md5:{md5}")),
        ("crc64", crc64.to_string()),
        ("crc64", format!("{:#x}", crc64.0)),
        ("crc64", format!("0X{:016X}", crc64.0)),
    ];
    for (kind, text) in spellings {
        let request = fixture.request_with(|request| match kind {
            "sha256" => request.expected_sha256 = Some(text.parse().expect("a SHA-256")),
            "md5" => request.expected_md5 = Some(text.parse().expect("an MD5")),
            _ => request.expected_crc64 = Some(text.parse().expect("a CRC-64")),
        });
        let outcome = fixture.client().download(&request).expect("the right file");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.proof, Proof::ExpectedDigest, "{kind} {text}");
        // The object's CRC-64 was compared, too.
        assert_eq!(outcome.object_crc64, Some(outcome.crc64));
    }
}

#[test]
fn all_digests_may_be_expected_at_once_of_a_file_of_any_size() {
    // From 4 MiB on the file is hashed while it grows.
    for size in [0, 1, PART, 4 * MIB - 1, 4 * MIB, 9 * MIB + 5] {
        let fixture = Fixture::new(size);
        let request = fixture.request_with(|request| {
            request.expected_sha256 = Some(sha256(&bytes(&fixture)));
            request.expected_md5 = Some(md5(&bytes(&fixture)));
            request.expected_crc64 = Some(crc64(&fixture));
        });
        let outcome = fixture.client().download(&request).expect("the right file");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.proof, Proof::ExpectedDigest, "{size} bytes");
    }
}

fn downloads(client: &Client, request: &DownloadRequest) -> Outcome {
    let outcome = client.download(request).expect("the right file");
    assert_eq!(outcome.proof, Proof::ExpectedDigest);
    outcome
}

#[test]
fn the_digest_of_a_range_is_that_of_its_bytes() {
    let fixture = Fixture::new(8 * MIB);
    let all = bytes(&fixture);
    for (start, end) in [(5, -1), (0, 99), (MIB as i64 + 1, 6 * MIB as i64)] {
        let last = usize::try_from(end).unwrap_or(all.len() - 1);
        let range = &all[usize::try_from(start).expect("positive")..=last];
        let request = expecting(&fixture, range).range(start, end);
        downloads(&fixture.client(), &request);
        assert!(fs::read(fixture.target()).expect("the file") == range);
    }
}

#[test]
fn the_digest_of_a_processed_object_is_that_of_the_result() {
    let result: Vec<u8> = (0..5 * MIB).map(|i| (i * i / 251) as u8).collect();
    for object in [Object::pattern(SIZE, 7), Object::pattern(SIZE, 7).processed_with_length()] {
        let fixture = Fixture::with(Config::default(), object.processed(result.clone()));
        let mut request = expecting(&fixture, &result);
        request.extra_query = vec![("x-oss-process".to_owned(), "image/resize".to_owned())];
        downloads(&fixture.client(), &request);
        assert!(fs::read(fixture.target()).expect("the file") == result);
    }
}

#[test]
fn the_digests_of_an_encrypted_object_are_those_of_the_decrypted_file() {
    for size in [1000, 6 * MIB] {
        let fixture = encryption::fixture(size);
        let plain = encryption::plain(size);
        let decrypted = fixture.server.put(BUCKET, "decrypted", Object::bytes(plain.clone()));
        let crc = Crc64(decrypted.crc64());
        let request = fixture.request_with(|request| {
            request.expected_sha256 = Some(sha256(&plain));
            request.expected_crc64 = Some(crc);
        });
        downloads(&fixture.client_with(encryption::with_key), &request);
        encryption::assert_plain(&fixture, size, 0..size);
    }
}

#[test]
fn a_file_that_is_written_directly_or_read_back_has_its_digest_too() {
    let object = Object::pattern(12 * MIB + 777, 7);
    let fixture = Fixture::in_directory(directory_on_disk(), Config::default(), object);
    for (direct, read_back) in [(true, false), (true, true), (false, true)] {
        let mut request = expecting(&fixture, &bytes(&fixture));
        if direct {
            request.write_mode = oss_resumable::WriteMode::Direct;
        }
        request.verify_before_rename = read_back;
        fixture.assert_whole(&downloads(&fixture.client(), &request));
    }
}

#[test]
fn a_resumed_file_is_compared_whole() {
    for size in [MIB, 12 * MIB] {
        let fixture = Fixture::new(size);
        fixture.interrupt(&fixture.request(), size / 2);
        let outcome = downloads_the_right_file(&fixture);
        assert_eq!(outcome.statistics.bytes_reused, PART + size / 2);
    }
}

#[test]
fn a_file_of_which_nothing_was_left_to_fetch_is_compared() {
    for size in [MIB, 8 * MIB, 0] {
        let fixture = Fixture::new(size);
        resume::all_but_finished(&fixture);
        let outcome = downloads_the_right_file(&fixture);
        assert_eq!(outcome.statistics.bytes_from_network, 0);
    }
}

#[test]
fn a_download_that_is_paused_while_its_file_is_hashed_ends_with_the_right_digest() {
    let fixture = Fixture::new(24 * MIB);
    fixture.server.inject(Fault::RateLimit(16 * MIB));
    let request = expecting(&fixture, &bytes(&fixture));
    let download = fixture.client().start(&request).expect("start");
    for bytes in [6 * MIB, 12 * MIB] {
        wait_for_progress(&download, bytes);
        download.pause();
        std::thread::sleep(std::time::Duration::from_millis(50));
        download.resume();
    }
    let outcome = download.wait(None).expect("an end").expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ExpectedDigest);
}
