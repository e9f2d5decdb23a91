//! The journal's bytes, described in `docs/checkpoint.md`. Parsing accepts any bytes and gives a journal or nothing.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::fields::{Fields, put_run, run_len};
use crate::model::crc64::{self, Digest};
use crate::model::extent::{Extent, ExtentMap, grain};
use crate::model::pinning::Pinning;
use crate::model::request::ByteRange;

/// The first eight bytes. A transfer that converts line ends damages them, which makes the damage detectable.
const MAGIC: [u8; 8] = *b"\x89OSSR\r\n\x1a";

/// The known versions. A header has the lowest one that can express it: version 2 adds how the bytes of a download
/// without `If-Match` were pinned to one generation.
const VERSIONS: [u32; 2] = [1, 2];

/// Largest header in bytes: two paths, a key and some reserve.
pub const MAX_HEADER: usize = 64 * 1024;

/// Size of a record in bytes. Header sizes are a multiple of it, so that no record crosses a sector boundary.
pub const RECORD: usize = 32;

/// Size of a checksum in bytes.
const CHECKSUM: usize = 8;

/// Bits of the flags field.
const HAS_OBJECT_CRC: u32 = 1;
const HAS_REQUESTED_RANGE: u32 = 2;
const HELD_BY_COMPARISON: u32 = 4;
const MAY_GROW: u32 = 8;

/// A random number that identifies one journal.
pub type JournalId = [u8; 16];

/// The download that a journal records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The request's bucket; empty for a URL.
    pub bucket: String,
    /// The request's key; `//host:port/path` of a URL.
    pub key: String,
    /// The version that the request named.
    pub version_id: Option<String>,
    /// The version in the service's reply.
    pub object_version_id: Option<String>,
    /// The object's ETag, or a weak one as sent.
    pub etag: String,
    /// Size of the whole object in bytes; below 2⁶³.
    pub object_size: u64,
    /// CRC-64/XZ of the whole object, if the service sent it.
    pub object_crc64: Option<u64>,
    /// The object's `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// How the recorded bytes were pinned to one generation.
    pub pinning: Pinning,
    /// The range of the request.
    pub requested: Option<ByteRange>,
    /// The resolved range: first byte, one past the last.
    pub range: Range<u64>,
    /// The target's absolute path.
    pub destination: PathBuf,
    /// The temporary file's name, in the target's directory.
    pub temp_name: OsString,
}

impl Header {
    /// The header's bytes; `None` if the texts do not fit in [`MAX_HEADER`].
    pub fn encode(&self, id: &JournalId) -> Option<Vec<u8>> {
        let texts = [
            Some(self.bucket.as_bytes()),
            Some(self.key.as_bytes()),
            self.version_id.as_deref().map(str::as_bytes),
            self.object_version_id.as_deref().map(str::as_bytes),
            Some(self.etag.as_bytes()),
            self.last_modified.as_deref().map(str::as_bytes),
            Some(self.destination.as_os_str().as_bytes()),
            Some(self.temp_name.as_bytes()),
        ];
        let texts_len: usize = texts.into_iter().map(run_len).sum();
        let len = (FIXED + texts_len + CHECKSUM).next_multiple_of(RECORD);
        if len > MAX_HEADER {
            return None;
        }
        let requested = self.requested.unwrap_or(ByteRange { start: 0, end: 0 });
        let flags = if self.object_crc64.is_some() { HAS_OBJECT_CRC } else { 0 }
            | if self.requested.is_some() { HAS_REQUESTED_RANGE } else { 0 }
            | match self.pinning {
                Pinning::IfMatch => 0,
                Pinning::Comparison => HELD_BY_COMPARISON,
                Pinning::Growth => MAY_GROW,
            };
        let version = VERSIONS[usize::from(self.pinning != Pinning::IfMatch)];

        let mut bytes = Vec::with_capacity(len);
        bytes.extend(MAGIC);
        bytes.extend(version.to_le_bytes());
        bytes.extend(u32::try_from(len).ok()?.to_le_bytes());
        bytes.extend(id);
        bytes.extend(self.object_size.to_le_bytes());
        bytes.extend(self.range.start.to_le_bytes());
        bytes.extend(self.range.end.to_le_bytes());
        bytes.extend(requested.start.to_le_bytes());
        bytes.extend(requested.end.to_le_bytes());
        bytes.extend(self.object_crc64.unwrap_or(0).to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        for text in texts {
            put_run(&mut bytes, text)?;
        }
        bytes.resize(len - CHECKSUM, 0);
        bytes.extend(crc64::checksum(&bytes).to_le_bytes());
        Some(bytes)
    }

    /// Parses the header at the start of `bytes`; returns it with the journal's id and the header's length. `None` for
    /// anything that is not a complete, consistent header of a known version.
    pub fn decode(bytes: &[u8]) -> Option<(Header, JournalId, usize)> {
        let mut fields = Fields(bytes);
        if fields.take(MAGIC.len())? != MAGIC || !VERSIONS.contains(&fields.u32()?) {
            return None;
        }
        let len = usize::try_from(fields.u32()?).ok()?;
        let whole = bytes.get(..len).filter(|_| len <= MAX_HEADER)?;
        let id = fields.take(16)?.try_into().ok()?;
        let header = Self::parse(&mut fields)?;
        // Encoding the result again also checks padding, unknown flags, the version and the checksum.
        let sound = header.is_consistent() && header.encode(&id).as_deref() == Some(whole);
        sound.then_some((header, id, len))
    }

    fn parse(fields: &mut Fields<'_>) -> Option<Header> {
        let object_size = fields.u64()?;
        let range = fields.u64()?..fields.u64()?;
        let requested = ByteRange { start: fields.i64()?, end: fields.i64()? };
        let object_crc64 = fields.u64()?;
        let flags = fields.u32()?;
        Some(Header {
            bucket: fields.text()??,
            key: fields.text()??,
            version_id: fields.text()?,
            object_version_id: fields.text()?,
            etag: fields.text()??,
            last_modified: fields.text()?,
            destination: PathBuf::from(OsString::from_vec(fields.run()??.to_vec())),
            temp_name: OsString::from_vec(fields.run()??.to_vec()),
            object_size,
            pinning: match flags & (HELD_BY_COMPARISON | MAY_GROW) {
                0 => Pinning::IfMatch,
                HELD_BY_COMPARISON => Pinning::Comparison,
                _ => Pinning::Growth,
            },
            object_crc64: (flags & HAS_OBJECT_CRC != 0).then_some(object_crc64),
            requested: (flags & HAS_REQUESTED_RANGE != 0).then_some(requested),
            range,
        })
    }

    fn is_consistent(&self) -> bool {
        // The ETag is sent back in a header; a line end in it would begin another header.
        let is_header = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        let is_name = |name: &[u8]| !name.is_empty() && !name.contains(&b'/') && !name.contains(&0);
        i64::try_from(self.object_size).is_ok()
            && self.range.start <= self.range.end
            && self.range.end <= self.object_size
            && is_header(&self.etag)
            && self.destination.is_absolute()
            && !self.destination.as_os_str().as_bytes().contains(&0)
            && is_name(self.temp_name.as_bytes())
    }
}

/// Size of the fixed fields before the texts, in bytes.
const FIXED: usize = 84;

/// Computes and checks the checksums of one journal's records.
#[derive(Clone, Debug)]
pub struct Records {
    /// The digest of the journal's id, with which each record's checksum begins.
    seed: Digest,
}

impl Records {
    /// For the journal with this id.
    pub fn of(id: &JournalId) -> Self {
        let mut seed = Digest::new();
        seed.update(id);
        Records { seed }
    }

    /// Appends the extents' records to `bytes`.
    pub fn encode(&self, extents: &[Extent], bytes: &mut Vec<u8>) {
        bytes.reserve(extents.len() * RECORD);
        for extent in extents {
            let start = bytes.len();
            bytes.extend(extent.offset.to_le_bytes());
            bytes.extend(extent.len.to_le_bytes());
            bytes.extend(extent.crc.to_le_bytes());
            let checksum = self.checksum(bytes.get(start..).unwrap_or_default());
            bytes.extend(checksum.to_le_bytes());
        }
    }

    /// Parses one record; `None` if it is damaged or belongs to another journal.
    pub fn decode(&self, record: &[u8; RECORD]) -> Option<Extent> {
        let mut fields = Fields(record);
        let extent = Extent { offset: fields.u64()?, len: fields.u64()?, crc: fields.u64()? };
        let body = record.get(..RECORD - CHECKSUM)?;
        (fields.u64()? == self.checksum(body)).then_some(extent)
    }

    fn checksum(&self, body: &[u8]) -> u64 {
        let mut digest = self.seed.clone();
        digest.update(body);
        digest.value()
    }
}

/// Collects a journal's records in order.
#[derive(Debug)]
pub struct Replay {
    records: Records,
    range: Range<u64>,
    extents: ExtentMap,
}

impl Replay {
    /// For the journal with this header and id.
    pub fn new(header: &Header, id: &JournalId) -> Self {
        let range = header.range.clone();
        // The smallest grain that still bounds memory: damage in a longer extent would cost more.
        let extents = ExtentMap::new(grain(0, range.end.saturating_sub(range.start)));
        Replay { records: Records::of(id), range, extents }
    }

    /// Adds the next record. Returns `false` for the first that is not valid: the bytes after it were never written
    /// completely.
    ///
    /// A later record replaces the earlier ones that it overlaps, because its bytes did; a record that is empty or
    /// outside the range is ignored.
    pub fn push(&mut self, record: &[u8; RECORD]) -> bool {
        let Some(extent) = self.records.decode(record) else { return false };
        let inside = extent.offset >= self.range.start
            && extent.offset.checked_add(extent.len).is_some_and(|end| end <= self.range.end);
        if inside && extent.len > 0 {
            self.extents.remove(extent.offset, extent.len);
            // Nothing overlaps it any more, so it is always accepted.
            let _taken = self.extents.insert(extent);
        }
        true
    }

    /// The extents, disjoint and in order.
    pub fn into_extents(self) -> Vec<Extent> {
        self.extents.iter().collect()
    }
}

#[cfg(test)]
mod tests;
