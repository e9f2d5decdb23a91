//! The OSS C++ SDK's record: whatever is accepted is inside the object, in whole parts, and of this download.
//!
//! An input whose first byte is odd gets the MD5 sum that the SDK would write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openssl::hash::{MessageDigest, hash};
use oss_resumable::DownloadRequest;
use oss_resumable::fuzzing::sdk_record;

fuzz_target!(|input: &[u8]| {
    let Some((&mode, bytes)) = input.split_first() else { return };
    let sealed;
    let bytes = if mode & 1 == 1 {
        sealed = seal(bytes);
        &sealed
    } else {
        bytes
    };
    let request = DownloadRequest::new("slow", "pattern.bin").file_path("download.bin");
    let Some(record) = sdk_record::parse(bytes, &request) else { return };

    let mut end = 0;
    for extent in &record.extents {
        assert!(extent.len > 0 && extent.offset >= end, "in order and disjoint: {record:?}");
        end = extent.offset.checked_add(extent.len).expect("no overflow");
        assert!(end <= record.size, "inside the object: {record:?}");
    }
    // All parts except the object's last one have the same length, and are at multiples of it.
    if let Some(part_size) = record.extents.iter().map(|extent| extent.len).max() {
        for extent in &record.extents {
            let whole = extent.len == part_size && extent.offset.is_multiple_of(part_size);
            assert!(whole || extent.end() == record.size, "{record:?}");
        }
    }
    for other in ["slov", "slow2", ""] {
        let other = DownloadRequest::new(other, "pattern.bin").file_path("download.bin");
        assert_eq!(sdk_record::parse(bytes, &other), None, "another bucket's");
    }
    let elsewhere = DownloadRequest::new("slow", "pattern.bin").file_path("elsewhere.bin");
    assert_eq!(sdk_record::parse(bytes, &elsewhere), None, "another target's");
});

/// `text` with its sum as the SDK adds it: the line is inserted at the first line end.
fn seal(text: &[u8]) -> Vec<u8> {
    let at = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let digest = hash(MessageDigest::md5(), text).expect("MD5");
    let sum: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let line = format!("\n\t\"md5Sum\" : \"{sum}\",");
    [&text[..at], line.as_bytes(), &text[at..]].concat()
}
