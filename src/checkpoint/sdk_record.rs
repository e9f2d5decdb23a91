//! The OSS C++ SDK's own record of an interrupted download, imported so that its bytes need not be fetched again.
//!
//! The SDK checks neither the object's generation nor the bytes on disk. So the record is only a hint: its parts are
//! used only if the disk has the recorded checksums and the complete file has the object's CRC-64.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use openssl::hash::{MessageDigest, hash};
use serde::Deserialize;

use crate::model::error::{Error, Result};
use crate::model::extent::{Extent, ExtentMap};
use crate::model::request::{DownloadRequest, MIN_PART_SIZE};
use crate::sys;

/// Largest record in bytes: the SDK makes at most ten thousand parts, about a hundred bytes each.
const MAX_RECORD: u64 = 16 * 1024 * 1024;

/// A record of the download of a whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkRecord {
    /// Size of the object in bytes.
    pub size: u64,
    /// The parts that the SDK completed, in order of offset.
    pub extents: Vec<Extent>,
}

/// Finds the SDK's record for `request` in `directory`; `None` if there is none. Returns its path, also if it cannot be
/// read, and its contents, unless it is damaged, malformed or of a range: the SDK records ranges without any proof that
/// their parts belong together.
pub fn find(
    directory: &Path,
    request: &DownloadRequest,
) -> Option<(PathBuf, Result<Option<SdkRecord>>)> {
    let path = directory.join(name(request)?);
    let failed = |error| Error::io("read the OSS C++ SDK's checkpoint", &path, &error);
    let file = match sys::file::open_for_reading(&path) {
        Ok(file) => file?,
        Err(error) => {
            let error = failed(error);
            return Some((path, Err(error)));
        }
    };
    let mut bytes = Vec::new();
    let read = file.take(MAX_RECORD).read_to_end(&mut bytes).map_err(failed);
    let record = read.map(|_| parse(&bytes, request));
    Some((path, record))
}

/// Removes the record at `path` and flushes its directory. Does nothing if no file is there.
pub fn remove(path: &Path) -> Result<()> {
    let removed = path.parent().map_or(Ok(None), sys::file::open_directory).and_then(|directory| {
        match fs::remove_file(path) {
            // One that could not be read may not exist.
            Err(error) if is_no_file(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => directory.as_ref().map_or(Ok(()), sys::file::flush_directory),
        }
    });
    removed.map_err(|error| Error::io("remove the OSS C++ SDK's checkpoint", path, &error))
}

fn is_no_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory)
}

/// The record's file name: MD5 of the source, two hyphens, MD5 of the target as the caller wrote it. `None` where MD5
/// is not available (FIPS).
fn name(request: &DownloadRequest) -> Option<String> {
    let mut source = format!("oss://{}/{}", request.bucket, request.key);
    if let Some(version) = request.version_id.as_deref().filter(|version| !version.is_empty()) {
        source.push_str("?versionId=");
        source.push_str(version);
    }
    let target = request.file_path.as_deref()?.as_os_str().as_bytes();
    Some(format!("{}--{}", md5(source.as_bytes())?, md5(target)?))
}

/// A record as the SDK writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    op_type: String,
    bucket: String,
    key: String,
    file_path: String,
    size: u64,
    part_size: u64,
    parts: Vec<Part>,
    range_start: Option<i64>,
    range_end: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    part_number: u64,
    size: u64,
    crc64: u64,
}

/// Parses a record of `request`'s download; `None` for any bytes that are not one. Never panics.
pub fn parse(bytes: &[u8], request: &DownloadRequest) -> Option<SdkRecord> {
    if !has_right_sum(bytes) {
        return None;
    }
    let record: Record = serde_json::from_slice(bytes).ok()?;
    let is_whole = record.range_start.is_none() && record.range_end.is_none();
    let is_new = record.op_type == "ResumableDownload"
        && record.bucket == request.bucket
        && record.key == request.key
        && Some(Path::new(&record.file_path)) == request.file_path.as_deref();
    if !is_whole || !is_new || record.part_size < MIN_PART_SIZE {
        return None;
    }
    // With a grain of zero, parts are not merged: each keeps its recorded checksum.
    let mut extents = ExtentMap::new(0);
    for part in &record.parts {
        let offset = part.part_number.checked_sub(1)?.checked_mul(record.part_size)?;
        let len = record.size.checked_sub(offset)?.min(record.part_size);
        if part.size != len || !extents.insert(Extent { offset, len, crc: part.crc64 }) {
            return None;
        }
    }
    Some(SdkRecord { size: record.size, extents: extents.iter().collect() })
}

/// Whether the record's `md5Sum` is that of its text without the line that contains it, as the SDK computes it.
///
/// For a range the SDK adds lines afterwards, so a range's record never matches.
fn has_right_sum(bytes: &[u8]) -> bool {
    // In the SDK's layout only a member of the outermost object starts like this; strings contain no raw line ends.
    const BEFORE: &[u8] = b"\n\t\"md5Sum\" : \"";
    const AFTER: &[u8] = b"\",";
    const DIGITS: usize = 32;
    let Some(at) = bytes.windows(BEFORE.len()).position(|window| window == BEFORE) else {
        return false;
    };
    let (before, line) = bytes.split_at(at);
    let split = || {
        let (sum, rest) = line.get(BEFORE.len()..)?.split_at_checked(DIGITS)?;
        Some((sum, rest.strip_prefix(AFTER)?))
    };
    let Some((sum, after)) = split() else { return false };
    md5(&[before, after].concat()).is_some_and(|computed| computed.as_bytes() == sum)
}

/// Thirty-two upper-case hexadecimal digits; `None` where MD5 is not available (FIPS).
fn md5(bytes: &[u8]) -> Option<String> {
    let digest = hash(MessageDigest::md5(), bytes).ok()?;
    Some(digest.iter().map(|byte| format!("{byte:02X}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::crc64;
    use proptest::prelude::*;

    /// Written by the OSS C++ SDK 1.10.1 when it was interrupted.
    const PLAIN: &[u8] = include_bytes!("../../tests/data/checkpoint/cpp-sdk-record/plain.json");
    const PLAIN_TEMP: &[u8] =
        include_bytes!("../../tests/data/checkpoint/cpp-sdk-record/plain.temp");
    const RANGE: &[u8] = include_bytes!("../../tests/data/checkpoint/cpp-sdk-record/range.json");

    fn request() -> DownloadRequest {
        DownloadRequest::new("slow", "pattern.bin").file_path("download.bin")
    }

    /// The plain record after a change, with the sum that the SDK would write.
    fn resealed(from: &str, to: &str) -> Vec<u8> {
        let text = std::str::from_utf8(PLAIN).expect("UTF-8");
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        let (before, rest) = text.split_once("\n\t\"md5Sum\"").expect("sum");
        let (_, after) = rest.split_once(",").expect("line end");
        let sum = md5([before, after].concat().as_bytes()).expect("MD5");
        format!("{before}\n\t\"md5Sum\" : \"{sum}\",{after}").into_bytes()
    }

    #[test]
    fn a_real_record_lists_the_parts_on_the_disk() {
        let record = parse(PLAIN, &request()).expect("record");
        assert_eq!(record.size, 1_500_000);
        assert_eq!(record.extents.len(), 9);
        for (n, extent) in record.extents.iter().enumerate() {
            assert_eq!((extent.offset, extent.len), (n as u64 * 102_400, 102_400));
            let on_disk = &PLAIN_TEMP[extent.offset as usize..extent.end() as usize];
            assert_eq!(crc64::checksum(on_disk), extent.crc);
        }
    }

    #[test]
    fn the_record_is_found_under_the_name_the_sdk_gives_it() {
        let dir = tempfile::tempdir().expect("directory");
        assert!(find(dir.path(), &request()).is_none());
        // From `md5sum`: of "oss://slow/pattern.bin" without and with "?versionId=v1", and of "download.bin".
        let plain = "E235A58FD2FE3EB5AB84EF9F23644983--41704C2848F9F2D9EC9D20EB1BA2BB8F";
        let version = "CC107042BF3512908B096EC945B1282C--41704C2848F9F2D9EC9D20EB1BA2BB8F";
        for (name, version_id) in [(plain, None), (plain, Some("")), (version, Some("v1"))] {
            let mut request = request();
            request.version_id = version_id.map(str::to_owned);
            let path = dir.path().join(name);
            fs::write(&path, PLAIN).expect("write");
            let (found, record) = find(dir.path(), &request).expect("there");
            let record = record.expect("readable");
            assert_eq!((found, record), (path, parse(PLAIN, &request)));
        }
        let unnamed = DownloadRequest::new("slow", "pattern.bin");
        assert!(find(dir.path(), &unnamed).is_none());
    }

    /// The SDK would trust it, so it must be removed before its bytes are changed.
    #[test]
    fn a_record_that_cannot_be_read_is_found_too() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join(name(&request()).expect("MD5"));
        fs::create_dir(&path).expect("something that is not a file");
        let (found, record) = find(dir.path(), &request()).expect("there");
        assert_eq!(found, path);
        assert!(record.is_err());
        remove(&path).expect("nothing that the SDK would trust");
        fs::remove_dir(&path).expect("it is still there");
        remove(&path).expect("nothing to remove");
    }

    #[test]
    fn a_record_of_a_range_is_ignored() {
        assert_eq!(parse(RANGE, &request()), None);
        let with_range = resealed(
            "\"size\" : 1500000",
            "\"rangeEnd\" : 9,\n\t\"rangeStart\" : 0,\n\t\"size\" : 1500000",
        );
        assert_eq!(parse(&with_range, &request()), None);
    }

    #[test]
    fn a_record_with_a_wrong_sum_is_ignored() {
        assert!(has_right_sum(PLAIN));
        for at in 0..PLAIN.len() {
            let mut flipped = PLAIN.to_vec();
            flipped[at] ^= 1;
            assert_eq!(parse(&flipped, &request()), None, "byte {at}");
            assert_eq!(parse(&PLAIN[..at], &request()), None, "{at} bytes");
        }
    }

    #[test]
    fn an_inconsistent_record_with_a_valid_sum_is_ignored() {
        assert!(parse(&resealed("slow", "slow"), &request()).is_some());
        for (from, to) in [
            ("ResumableDownload", "ResumableUpload"),
            ("slow", "fast"),
            ("pattern.bin", "other.bin"),
            ("download.bin", "elsewhere.bin"),
            ("\"partSize\" : 102400", "\"partSize\" : 0"),
            ("\"partSize\" : 102400", "\"partSize\" : 204800"),
            ("\"partNumber\" : 2,", "\"partNumber\" : 1,"),
            ("\"partNumber\" : 2,", "\"partNumber\" : 0,"),
            ("\"partNumber\" : 2,", "\"partNumber\" : -2,"),
            ("\"partNumber\" : 2,", "\"partNumber\" : 18446744073709551615,"),
            ("\"size\" : 102400", "\"size\" : 102401"),
            ("\"size\" : 1500000", "\"size\" : 900000"),
            ("\"size\" : 1500000", "\"size\" : 1e99"),
            ("\"parts\"", "\"pieces\""),
        ] {
            assert_eq!(parse(&resealed(from, to), &request()), None, "{from} -> {to}");
        }
    }

    #[test]
    fn other_json_is_ignored() {
        for text in ["", "[1,2]", "null", "{}", "{\"parts\":{}}", &"[".repeat(100_000)] {
            assert_eq!(parse(text.as_bytes(), &request()), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(parse(&bytes, &request()), None);
        }
    }
}
