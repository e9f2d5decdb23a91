//! Records replayed in any order: the result is that of a simple model, or less, but never more.
#![no_main]

use std::ffi::OsString;
use std::path::PathBuf;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_resumable::ByteRange;
use oss_resumable::fuzzing::crc64;
use oss_resumable::fuzzing::extent::Extent;
use oss_resumable::fuzzing::format::{Header, RECORD, Records, Replay};
use oss_resumable::fuzzing::pinning::Pinning;

#[derive(Arbitrary, Debug)]
struct Input {
    id: [u8; 16],
    texts: (String, String, Option<String>, Option<String>, String, Option<String>),
    object_size: u64,
    object_crc64: Option<u64>,
    requested: Option<(i64, i64)>,
    range: (u64, u64),
    names: (String, String),
    extents: Vec<Written>,
}

#[derive(Arbitrary, Debug)]
struct Written {
    offset: u16,
    len: u16,
    crc: u64,
    far: bool,
}

fuzz_target!(|input: Input| {
    let header = header(&input);
    let Some(bytes) = header.encode(&input.id) else { return };
    let name = header.temp_name.as_encoded_bytes();
    let usable = !name.is_empty()
        && !name.iter().any(|byte| b"/\0".contains(byte))
        && !header.etag.is_empty()
        && !header.etag.chars().any(char::is_control)
        && !header.destination.as_os_str().as_encoded_bytes().contains(&0);
    let decoded = Header::decode(&bytes);
    assert_eq!(decoded, usable.then(|| (header.clone(), input.id, bytes.len())));

    let written: Vec<Extent> = input.extents.iter().map(|w| extent(w, &header)).collect();
    let mut records = Vec::new();
    Records::of(&input.id).encode(&written, &mut records);
    let mut replay = Replay::new(&header, &input.id);
    for record in records.as_chunks::<RECORD>().0 {
        assert!(replay.push(record), "a record of this journal is one");
    }
    compare(&replay.into_extents(), &surviving(&written, &header));
});

fn header(input: &Input) -> Header {
    let object_size = input.object_size >> 1;
    let cut = |at: u64| at % (object_size + 1);
    let pinning = match (input.object_size & 1, input.id[0] & 1) {
        (0, _) => Pinning::IfMatch,
        (_, 0) => Pinning::Comparison,
        _ => Pinning::Growth,
    };
    let (a, b) = (cut(input.range.0), cut(input.range.1));
    let texts = &input.texts;
    Header {
        bucket: texts.0.clone(),
        key: texts.1.clone(),
        version_id: texts.2.clone(),
        object_version_id: texts.3.clone(),
        etag: texts.4.clone(),
        last_modified: texts.5.clone(),
        pinning,
        object_size,
        object_crc64: input.object_crc64,
        requested: input.requested.map(|(start, end)| ByteRange { start, end }),
        range: a.min(b)..a.max(b),
        destination: PathBuf::from(format!("/{}", input.names.0)),
        temp_name: OsString::from(input.names.1.clone()),
    }
}

/// Near the range's start, where extents meet, or anywhere.
fn extent(written: &Written, header: &Header) -> Extent {
    let base = header.range.start.saturating_sub(16);
    let spread = if written.far { 1 << 50 } else { 1 };
    Extent {
        offset: u64::from(written.offset).wrapping_mul(spread).wrapping_add(base),
        len: u64::from(written.len).wrapping_mul(spread),
        crc: written.crc,
    }
}

/// The extents that are inside the range and that no later one overlaps.
fn surviving(written: &[Extent], header: &Header) -> Vec<Extent> {
    let range = &header.range;
    let mut surviving: Vec<Extent> = Vec::new();
    for extent in written {
        let Some(end) = extent.offset.checked_add(extent.len) else { continue };
        if extent.len == 0 || extent.offset < range.start || end > range.end {
            continue;
        }
        surviving.retain(|other| other.end() <= extent.offset || other.offset >= end);
        surviving.push(*extent);
    }
    surviving.sort_by_key(|extent| extent.offset);
    surviving
}

/// Asserts that each replayed extent consists of surviving ones, with their checksums combined.
fn compare(replayed: &[Extent], surviving: &[Extent]) {
    let mut rest = surviving.iter().peekable();
    for extent in replayed {
        while rest.next_if(|piece| piece.offset < extent.offset).is_some() {}
        let mut run = Extent { offset: extent.offset, len: 0, crc: crc64::checksum(&[]) };
        while let Some(piece) =
            rest.next_if(|piece| piece.offset == run.end() && run.len < extent.len)
        {
            run.crc = crc64::combine(run.crc, piece.crc, piece.len);
            run.len += piece.len;
        }
        assert_eq!(run, *extent, "{replayed:?} of {surviving:?}");
    }
}
