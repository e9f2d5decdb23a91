//! Stored objects and their content.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use crc_fast::{CrcAlgorithm, Digest};
use jiff::Timestamp;

use super::{Content, Crc64, Kind, Object};
use crate::clock::shifted;
use crate::pattern::Pattern;

/// Size of the blocks that are read from a file.
const READ_BLOCK: usize = 256 * 1024;

/// A stored object, whose properties do not change.
#[derive(Debug)]
pub struct Generation {
    object: Object,
    etag: String,
    crc64: OnceLock<u64>,
    last_modified: Timestamp,
    version_id: String,
}

impl Generation {
    pub(crate) fn new(object: Object, now: Timestamp, version_id: String) -> Self {
        let crc64 = match object.crc64 {
            Crc64::Given(crc) => OnceLock::from(crc),
            Crc64::OfContent | Crc64::Missing => OnceLock::new(),
        };
        Generation {
            etag: object.etag.clone().unwrap_or_else(|| object.derived_etag()),
            crc64,
            last_modified: object.last_modified.unwrap_or(now),
            version_id: object.version_id.clone().unwrap_or(version_id),
            object,
        }
    }

    /// The ETag, without quotes.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// Number of bytes.
    pub fn size(&self) -> u64 {
        self.object.size()
    }

    /// This object with `bytes` more, stored at `now`; `None` if it cannot grow.
    ///
    /// `Last-Modified` is at least a second later, the resolution of HTTP dates. The version stays the same,
    /// as in the document "AppendObject".
    pub(crate) fn grown(&self, bytes: u64, now: Timestamp) -> Option<Self> {
        let object = Object {
            last_modified: Some(now.max(shifted(self.last_modified, 1000))),
            ..self.object.grown(bytes)?
        };
        Some(Generation::new(object, now, self.version_id.clone()))
    }

    /// The CRC-64/XZ of the content, or the one that was set; computed at the first call.
    pub fn crc64(&self) -> u64 {
        *self.crc64.get_or_init(|| match &self.object.content {
            Content::Pattern { pattern, .. } => pattern.crc64(),
            Content::Bytes(bytes) => crc_fast::checksum(CrcAlgorithm::Crc64Xz, bytes),
            // A file that cannot be read has no checksum; reading its body then fails too.
            Content::File { .. } => self.file_crc64().unwrap_or_default(),
        })
    }

    /// The version id, sent if versioning is on.
    pub fn version_id(&self) -> &str {
        &self.version_id
    }

    pub(crate) fn last_modified(&self) -> Timestamp {
        self.last_modified
    }

    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.object.kind
    }

    /// Whether replies contain its CRC-64.
    pub(crate) fn sends_crc64(&self) -> bool {
        self.object.crc64 != Crc64::Missing
    }

    /// Whether the reply to a GET with `x-oss-process` has a length.
    pub(crate) fn is_processed_with_length(&self) -> bool {
        self.object.processed_with_length
    }

    /// The reply to a GET with `x-oss-process`, if it was set.
    pub(crate) fn processed(&self) -> Option<&[u8]> {
        self.object.processed.as_deref()
    }

    pub(crate) fn is_delete_marker(&self) -> bool {
        self.object.delete_marker
    }

    pub(crate) fn is_archived(&self) -> bool {
        self.object.archived
    }

    /// Whether the size or time of its file has changed since it was stored.
    pub(crate) fn is_outdated(&self) -> bool {
        match &self.object.content {
            Content::File { path, size, modified } => Object::file(path)
                .is_ok_and(|now| now.size() != *size || now.last_modified != Some(*modified)),
            _ => false,
        }
    }

    /// Opens the content for reading at any offset.
    pub(crate) fn open(&self) -> io::Result<Reader> {
        Ok(match &self.object.content {
            Content::Pattern { pattern, .. } => Reader::Pattern(*pattern),
            Content::Bytes(bytes) => Reader::Bytes(bytes.clone()),
            Content::File { path, .. } => Reader::File(File::open(path)?),
        })
    }

    /// The bytes `[start, end)`, which must be in the object.
    pub(crate) fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let length = end.checked_sub(start).filter(|_| end <= self.size());
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut bytes = vec![0; length];
        self.open()?.read_exact_at(start, &mut bytes)?;
        Ok(bytes)
    }

    fn file_crc64(&self) -> io::Result<u64> {
        let reader = self.open()?;
        let mut digest = Digest::new(CrcAlgorithm::Crc64Xz);
        let mut block = vec![0; READ_BLOCK];
        let mut offset = 0;
        while offset < self.size() {
            let length =
                READ_BLOCK.min(usize::try_from(self.size() - offset).unwrap_or(READ_BLOCK));
            let piece = &mut block[..length];
            reader.read_exact_at(offset, piece)?;
            digest.update(piece);
            offset += length as u64;
        }
        Ok(digest.finalize())
    }
}

/// Reads an object's content.
pub(crate) enum Reader {
    Pattern(Pattern),
    Bytes(Arc<[u8]>),
    File(File),
}

impl Reader {
    pub(crate) fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Reader::Pattern(pattern) => pattern.fill(offset, buffer),
            Reader::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.checked_add(buffer.len());
                let piece = end.and_then(|end| bytes.get(start..end));
                buffer.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
            Reader::File(file) => file.read_exact_at(buffer, offset)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn stored(object: Object) -> Generation {
        Generation::new(object, Timestamp::UNIX_EPOCH, "v1".to_owned())
    }

    #[test]
    fn bytes_have_their_md5_as_etag_and_their_own_checksum() {
        let generation = stored(Object::bytes("123456789"));
        assert_eq!(generation.etag(), "25F9E794323B453885F5181F1B624D0B");
        assert_eq!(generation.crc64(), 0x995D_C9BB_DF19_39FA);
    }

    #[test]
    fn a_file_is_read_like_bytes() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"123456789").unwrap();
        let generation = stored(Object::file(file.path()).unwrap());
        assert_eq!(generation.crc64(), 0x995D_C9BB_DF19_39FA);
        assert_eq!(generation.read(2, 5).unwrap(), b"345");
    }

    #[test]
    fn reading_outside_the_object_is_an_error() {
        let generation = stored(Object::bytes("123"));
        assert!(generation.read(1, 4).is_err());
        assert!(generation.read(2, 1).is_err());
    }

    #[test]
    fn growth_changes_everything_except_the_existing_bytes() {
        let pattern = Object::pattern(1000, 3);
        for object in [pattern.clone(), Object::bytes("123456789")] {
            let old = stored(object.appendable());
            let new = old.grown(77, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(new.size(), old.size() + 77);
            assert_ne!(new.etag(), old.etag());
            assert_ne!(new.crc64(), old.crc64());
            assert_eq!(new.last_modified(), shifted(old.last_modified(), 1000));
            assert_eq!(new.version_id(), old.version_id());
            let whole = new.read(0, new.size()).unwrap();
            assert_eq!(whole[..old.size() as usize], old.read(0, old.size()).unwrap());
            let computed = crc_fast::checksum(CrcAlgorithm::Crc64Xz, &whole);
            assert_eq!(new.crc64(), computed);
        }
        let grown = stored(pattern).grown(77, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(grown.crc64(), Pattern::new(1077, 3).crc64());
    }

    #[test]
    fn a_grown_object_keeps_no_etag_or_checksum_that_was_set() {
        let old = stored(Object::bytes("123").etag("AB").crc64(7));
        let new = old.grown(1, Timestamp::UNIX_EPOCH).unwrap();
        assert!(new.etag() != "AB" && new.crc64() != 7 && new.sends_crc64());
        let without = stored(Object::bytes("123").without_crc64());
        assert!(!without.grown(1, Timestamp::UNIX_EPOCH).unwrap().sends_crc64());
    }

    #[test]
    fn files_links_and_delete_markers_do_not_grow() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let file = Object::file(file.path()).unwrap();
        for object in [file, Object::symlink("k"), Object::delete_marker()] {
            assert!(stored(object).grown(1, Timestamp::UNIX_EPOCH).is_none());
        }
    }

    #[test]
    fn a_successor_has_the_size_but_neither_bytes_nor_etag() {
        let object = Object::pattern(1000, 3);
        let (old, new) = (stored(object.clone()), stored(object.successor()));
        assert_eq!(old.size(), new.size());
        assert_ne!(old.etag(), new.etag());
        assert_ne!(old.crc64(), new.crc64());
    }
}
