//! Journals: whatever is decoded from any bytes is consistent and is encoded to the same bytes.
//!
//! Checksums would stop the fuzzer. An input whose first byte is odd gets valid ones, like the bytes of a
//! faulty writer or a forger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::crc64;
use oss_resumable::fuzzing::format::{Header, JournalId, MAX_HEADER, RECORD, Records, Replay};

const MAGIC: &[u8; 8] = b"\x89OSSR\r\n\x1a";
const CHECKSUM: usize = 8;

fuzz_target!(|input: &[u8]| {
    let Some((&mode, bytes)) = input.split_first() else { return };
    let mut journal = bytes.to_vec();
    if mode & 1 == 1 {
        seal(&mut journal);
    }
    let Some((header, id, len)) = Header::decode(&journal) else { return };
    assert!(len <= MAX_HEADER && len % RECORD == 0 && len <= journal.len());
    assert_eq!(header.encode(&id).as_deref(), Some(&journal[..len]), "one header has one form");
    assert!(header.range.start <= header.range.end && header.range.end <= header.object_size);
    assert!(i64::try_from(header.object_size).is_ok());
    assert!(!header.etag.is_empty() && !header.etag.contains(['\r', '\n']), "it is sent back");
    assert!(header.destination.is_absolute());
    let beside = header.destination.with_file_name(&header.temp_name);
    assert_eq!(beside.file_name(), Some(header.temp_name.as_os_str()), "the name stays a name");
    assert_eq!(Header::decode(&journal[..len - 1]), None, "a header is read whole or not at all");

    let extents = replay(&header, &id, &journal[len..]);
    let mut end = header.range.start;
    for extent in &extents {
        assert!(extent.len > 0 && extent.offset >= end, "in order and disjoint: {extents:?}");
        end = extent.offset.checked_add(extent.len).expect("no overflow");
    }
    assert!(end <= header.range.end, "inside the range");

    let mut again = Vec::new();
    Records::of(&id).encode(&extents, &mut again);
    assert_eq!(replay(&header, &id, &again), extents, "what is written is read");
});

/// Like the journal's reader: up to the first invalid record.
fn replay(
    header: &Header,
    id: &JournalId,
    bytes: &[u8],
) -> Vec<oss_resumable::fuzzing::extent::Extent> {
    let mut replay = Replay::new(header, id);
    let (records, _torn) = bytes.as_chunks::<RECORD>();
    let _ = records.iter().all(|record| replay.push(record));
    replay.into_extents()
}

/// Writes the magic, a version and valid checksums for a header of the given length and for each record.
fn seal(journal: &mut [u8]) {
    let Some(len) = journal.get(12..16) else { return };
    let len = u32::from_le_bytes(len.try_into().expect("four bytes")) as usize;
    if len < 32 || len > journal.len() {
        return;
    }
    journal[..8].copy_from_slice(MAGIC);
    let version = if journal[8] == 2 { 2 } else { 1u32 };
    journal[8..12].copy_from_slice(&version.to_le_bytes());
    let checksum = crc64::checksum(&journal[..len - CHECKSUM]);
    journal[len - CHECKSUM..len].copy_from_slice(&checksum.to_le_bytes());

    let id = journal[16..32].to_vec();
    for record in journal[len..].as_chunks_mut::<RECORD>().0 {
        let checksum = crc64::checksum(&[&id, &record[..RECORD - CHECKSUM]].concat());
        record[RECORD - CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
    }
}
