//! Manifests: whatever is decoded from any bytes is consistent and is encoded to the same bytes, and a key that has a path
//! has it below the directory.
//!
//! Checksums would stop the fuzzer. An input whose first byte is odd gets valid ones, like the bytes of a faulty writer or
//! a forger.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::crc64;
use oss_resumable::fuzzing::manifest::{
    FileRecord, HEADER, MAX_RECORD, MIN_RECORD, ManifestId, decode_header, encode_header,
    record_len,
};
use oss_resumable::fuzzing::mapping::{Limits, Target, target};

const CHECKSUM: usize = 8;

fuzz_target!(|input: &[u8]| {
    let Some((&mode, bytes)) = input.split_first() else { return };
    let mut manifest = bytes.to_vec();
    if mode & 1 == 1 {
        seal(&mut manifest);
    }
    let Some((header, mut rest)) = manifest.split_at_checked(HEADER) else { return };
    let header = header.try_into().expect("its length");
    let Some(id) = decode_header(header) else { return };
    assert_eq!(encode_header(&id), *header, "one id has one header");
    while let Some(record) = next(&mut rest) {
        if let Some(read) = FileRecord::decode(record, &id) {
            check(&read, record, &id);
        }
    }
});

/// The next record, valid or not.
fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = record_len(rest.get(..4)?.try_into().ok()?)?;
    assert!((MIN_RECORD..=MAX_RECORD).contains(&len), "{len}");
    let (record, others) = rest.split_at_checked(len)?;
    *rest = others;
    Some(record)
}

fn check(read: &FileRecord, record: &[u8], id: &ManifestId) {
    assert_eq!(read.encode(id).as_deref(), Some(record), "one record has one form");
    let mut end = 0;
    for extent in &read.extents {
        assert!(extent.offset == end && extent.len > 0, "without gaps: {:?}", read.extents);
        end = extent.offset.checked_add(extent.len).expect("no overflow");
    }
    assert_eq!(end, read.object_size, "the whole object");
    let mut other = *id;
    other[0] ^= 1;
    assert_eq!(FileRecord::decode(record, &other), None, "it belongs to one manifest");

    let limits = Limits { name: 255, path: 1000 };
    if let Ok(kind) = target(&read.key, read.object_size, limits) {
        let path = read.key.strip_suffix('/').unwrap_or(&read.key);
        assert!(Path::new(path).components().all(|part| matches!(part, Component::Normal(_))));
        assert!(path.len() <= limits.path && !path.contains(['\\', '\0', '\n']));
        assert_eq!(kind == Target::Directory, read.key.is_empty() || read.key.ends_with('/'));
    }
}

/// Writes valid checksums for the header and for each record.
fn seal(manifest: &mut [u8]) {
    let Some((header, mut rest)) = manifest.split_at_mut_checked(HEADER) else { return };
    let id: ManifestId = header[16..32].try_into().expect("sixteen bytes");
    header.copy_from_slice(&encode_header(&id));
    while let Some(start) = rest.get(..4)
        && let Some(len) = record_len(start.try_into().expect("four bytes"))
        && len <= rest.len()
    {
        let (record, others) = rest.split_at_mut(len);
        let checksum = crc64::checksum(&[&id, &record[..len - CHECKSUM]].concat());
        record[len - CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        rest = others;
    }
}
