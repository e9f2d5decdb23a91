//! A checkpoint with another ETag and valid checksums, which anyone who can write to the directory can forge.

use crc_fast::{CrcAlgorithm, checksum};

// Offsets and sizes as in `docs/checkpoint.md`.
const LENGTH: usize = 12;
const TEXTS: usize = 84;
const ETAG: usize = 4;
const CHECKSUM: usize = 8;
const RECORD: usize = 32;
const ABSENT: u32 = u32::MAX;

/// `journal` with its ETag replaced by `etag`. The id is the same, so its records stay valid.
pub fn with_etag(journal: &[u8], etag: &str) -> Vec<u8> {
    let header_len = u32_at(journal, LENGTH) as usize;
    let mut forged = journal[..TEXTS].to_vec();
    let mut at = TEXTS;
    for text in 0..8 {
        let len = u32_at(journal, at);
        let held = if len == ABSENT { 0 } else { len as usize };
        let bytes = &journal[at + 4..at + 4 + held];
        at += 4 + held;
        let (len, bytes) =
            if text == ETAG { (etag.len() as u32, etag.as_bytes()) } else { (len, bytes) };
        forged.extend(len.to_le_bytes());
        forged.extend(bytes);
    }
    let len = (forged.len() + CHECKSUM).next_multiple_of(RECORD);
    forged.resize(len - CHECKSUM, 0);
    forged[LENGTH..LENGTH + 4].copy_from_slice(&(len as u32).to_le_bytes());
    forged.extend(checksum(CrcAlgorithm::Crc64Xz, &forged).to_le_bytes());
    forged.extend(&journal[header_len..]);
    forged
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}
