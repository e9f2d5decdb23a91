//! The manifest's bytes, described in `docs/manifest.md`. Parsing accepts any bytes and gives a record or nothing.

use crate::checkpoint::fields::{Fields, put_run, run_len};
use crate::model::crc64::{self, Digest};
use crate::model::extent::Extent;

/// The first eight bytes; as the journal's, they show a transfer that converts line ends.
const MAGIC: [u8; 8] = *b"\x89OSSM\r\n\x1a";
const VERSION: u32 = 1;

/// Size of the header in bytes.
pub const HEADER: usize = 64;
/// Largest record in bytes: the extents of the largest object, and texts.
pub const MAX_RECORD: usize = 16 * 1024 * 1024;
/// Smallest record: the fixed fields, six texts and the checksum.
pub const MIN_RECORD: usize = FIXED + 6 * 4 + CHECKSUM;
/// Records begin at multiples of this.
const UNIT: usize = 8;
/// Size of the fields before the texts, in bytes.
const FIXED: usize = 72;
const EXTENT: usize = 24;
const CHECKSUM: usize = 8;

const HAS_OBJECT_CRC: u32 = 1;
const IS_DECRYPTED: u32 = 2;
const IS_NOT_FLUSHED: u32 = 4;

/// A random number that identifies one manifest.
pub type ManifestId = [u8; 16];

/// What tells whether a file is the one that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// In bytes.
    pub size: u64,
    /// Of its file system.
    pub inode: u64,
    /// Modification time: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
}

/// A file that is the whole of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Relative to the directory of the download.
    pub path: String,
    /// The object's bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// As the service sent it with the object.
    pub etag: Option<String>,
    /// As the service sent it with the object.
    pub version_id: Option<String>,
    /// `Last-Modified` as sent.
    pub last_modified: Option<String>,
    /// In bytes.
    pub object_size: u64,
    /// As the service sent it with the object.
    pub object_crc64: Option<u64>,
    /// The extents' checksums are those of the bytes as the service stores them, and the file's bytes are others.
    pub is_decrypted: bool,
    /// The file as it was left.
    pub file: FileState,
    /// The file was not flushed: if the system has started anew since it had this id, the file may have lost bytes.
    pub unflushed_since_boot: Option<[u8; 16]>,
    /// The whole object, in order.
    pub extents: Vec<Extent>,
}

/// The header's bytes.
pub fn encode_header(id: &ManifestId) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    let mut fields = Vec::with_capacity(HEADER);
    fields.extend(MAGIC);
    fields.extend(VERSION.to_le_bytes());
    fields.extend((HEADER as u32).to_le_bytes());
    fields.extend(id);
    fields.resize(HEADER - CHECKSUM, 0);
    fields.extend(crc64::checksum(&fields).to_le_bytes());
    bytes.copy_from_slice(&fields);
    bytes
}

/// The id of a manifest of this version that begins with `bytes`.
pub fn decode_header(bytes: &[u8; HEADER]) -> Option<ManifestId> {
    let id = bytes.get(16..32)?.try_into().ok()?;
    (encode_header(&id) == *bytes).then_some(id)
}

/// The length of the record that begins with these bytes; `None` if no record does.
pub fn record_len(start: [u8; 4]) -> Option<usize> {
    let len = usize::try_from(u32::from_le_bytes(start)).ok()?;
    ((MIN_RECORD..=MAX_RECORD).contains(&len) && len.is_multiple_of(UNIT)).then_some(len)
}

impl FileRecord {
    /// The record's bytes in the manifest `id`; `None` if they do not fit in [`MAX_RECORD`].
    pub fn encode(&self, id: &ManifestId) -> Option<Vec<u8>> {
        let texts = [
            Some(self.path.as_bytes()),
            Some(self.bucket.as_bytes()),
            Some(self.key.as_bytes()),
            self.etag.as_deref().map(str::as_bytes),
            self.version_id.as_deref().map(str::as_bytes),
            self.last_modified.as_deref().map(str::as_bytes),
        ];
        let texts_len: usize = texts.into_iter().map(run_len).sum();
        let len = FIXED + texts_len + self.extents.len().checked_mul(EXTENT)? + CHECKSUM;
        let len = len.next_multiple_of(UNIT);
        if len > MAX_RECORD {
            return None;
        }
        let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
        let flags = flag(self.object_crc64.is_some(), HAS_OBJECT_CRC)
            | flag(self.is_decrypted, IS_DECRYPTED)
            | flag(self.unflushed_since_boot.is_some(), IS_NOT_FLUSHED);
        let mut bytes = Vec::with_capacity(len);
        bytes.extend(u32::try_from(len).ok()?.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(self.object_size.to_le_bytes());
        bytes.extend(self.object_crc64.unwrap_or(0).to_le_bytes());
        bytes.extend(self.file.size.to_le_bytes());
        bytes.extend(self.file.inode.to_le_bytes());
        bytes.extend(self.file.modified.0.to_le_bytes());
        bytes.extend(self.file.modified.1.to_le_bytes());
        bytes.extend(u32::try_from(self.extents.len()).ok()?.to_le_bytes());
        bytes.extend(self.unflushed_since_boot.unwrap_or_default());
        for text in texts {
            put_run(&mut bytes, text)?;
        }
        for extent in &self.extents {
            bytes.extend(extent.offset.to_le_bytes());
            bytes.extend(extent.len.to_le_bytes());
            bytes.extend(extent.crc.to_le_bytes());
        }
        bytes.resize(len - CHECKSUM, 0);
        let checksum = checksum(id, &bytes);
        bytes.extend(checksum.to_le_bytes());
        Some(bytes)
    }

    /// Parses a whole record; `None` for one that is damaged, inconsistent or of another manifest.
    pub fn decode(bytes: &[u8], id: &ManifestId) -> Option<FileRecord> {
        let body = bytes.get(..bytes.len().checked_sub(CHECKSUM)?)?;
        let stated = bytes.get(body.len()..)?.try_into().ok()?;
        if u64::from_le_bytes(stated) != checksum(id, body) {
            return None;
        }
        let record = Self::parse(&mut Fields(bytes))?;
        // Encoding the result again also checks the length, padding and unknown flags.
        let is_sound = record.is_consistent() && record.encode(id).as_deref() == Some(bytes);
        is_sound.then_some(record)
    }

    fn parse(fields: &mut Fields<'_>) -> Option<FileRecord> {
        let (_len, flags) = (fields.u32()?, fields.u32()?);
        let (object_size, object_crc64) = (fields.u64()?, fields.u64()?);
        let (size, inode) = (fields.u64()?, fields.u64()?);
        let modified = (fields.i64()?, fields.u32()?);
        let count = usize::try_from(fields.u32()?).ok()?;
        let boot: [u8; 16] = fields.array()?;
        let mut record = FileRecord {
            path: fields.text()??,
            bucket: fields.text()??,
            key: fields.text()??,
            etag: fields.text()?,
            version_id: fields.text()?,
            last_modified: fields.text()?,
            object_size,
            object_crc64: (flags & HAS_OBJECT_CRC != 0).then_some(object_crc64),
            is_decrypted: flags & IS_DECRYPTED != 0,
            file: FileState { size, inode, modified },
            unflushed_since_boot: (flags & IS_NOT_FLUSHED != 0).then_some(boot),
            extents: Vec::new(),
        };
        let mut extents = Fields(fields.take(count.checked_mul(EXTENT)?)?);
        record.extents.reserve_exact(count);
        while let Some(offset) = extents.u64() {
            record.extents.push(Extent { offset, len: extents.u64()?, crc: extents.u64()? });
        }
        Some(record)
    }

    /// Whether the extents are the object without gaps.
    fn is_consistent(&self) -> bool {
        let mut end = Some(0u64);
        for extent in &self.extents {
            end = end.filter(|end| *end == extent.offset && extent.len > 0);
            end = end.and_then(|end| end.checked_add(extent.len));
        }
        end == Some(self.object_size) && self.file.modified.1 < 1_000_000_000
    }
}

fn checksum(id: &ManifestId, body: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.update(id);
    digest.update(body);
    digest.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: ManifestId = *b"0123456789abcdef";

    fn record() -> FileRecord {
        FileRecord {
            path: "a/b".to_owned(),
            bucket: "bucket".to_owned(),
            key: "p/a/b".to_owned(),
            etag: Some("E".to_owned()),
            version_id: None,
            last_modified: Some("now".to_owned()),
            object_size: 30,
            object_crc64: Some(1),
            is_decrypted: false,
            file: FileState { size: 30, inode: 2, modified: (-3, 4) },
            unflushed_since_boot: None,
            extents: vec![
                Extent { offset: 0, len: 20, crc: 5 },
                Extent { offset: 20, len: 10, crc: 6 },
            ],
        }
    }

    fn records() -> impl Strategy<Value = FileRecord> {
        let texts = (".{0,9}", prop::option::of(".{0,9}"), prop::option::of(".{0,9}"));
        let extents = prop::collection::vec((1u64..1 << 40, any::<u64>()), 0..5);
        let state = (any::<u64>(), any::<u64>(), any::<i64>(), 0u32..1_000_000_000);
        let rest = (any::<Option<u64>>(), any::<bool>(), any::<Option<[u8; 16]>>());
        (texts, extents, state, rest).prop_map(|(texts, lens, state, rest)| {
            let mut extents = Vec::new();
            let mut offset = 0;
            for (len, crc) in lens {
                extents.push(Extent { offset, len, crc });
                offset += len;
            }
            FileRecord {
                path: texts.0,
                etag: texts.1,
                version_id: texts.2,
                object_size: offset,
                object_crc64: rest.0,
                is_decrypted: rest.1,
                unflushed_since_boot: rest.2,
                file: FileState { size: state.0, inode: state.1, modified: (state.2, state.3) },
                extents,
                ..record()
            }
        })
    }

    /// The example of docs/manifest.md.
    #[test]
    fn the_bytes_are_those_of_the_description() {
        let header = encode_header(&ID);
        assert_eq!(&header[..8], [0x89, 0x4f, 0x53, 0x53, 0x4d, 0x0d, 0x0a, 0x1a]);
        assert_eq!(
            (header[8..16].to_vec(), &header[16..32]),
            (vec![1, 0, 0, 0, 64, 0, 0, 0], &ID[..])
        );
        assert!(header[32..56].iter().all(|&byte| byte == 0));
        let bytes = record().encode(&ID).expect("small");
        assert_eq!(bytes.len(), 176);
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        assert_eq!((number(0), number(8), number(16), number(24)), (176 | 1 << 32, 30, 1, 30));
        assert_eq!((number(32), number(40) as i64, number(48)), (2, -3, 4 | 2 << 32));
        let texts =
            b"\x03\0\0\0a/b\x06\0\0\0bucket\x05\0\0\0p/a/b\x01\0\0\0E\xff\xff\xff\xff\x03\0\0\0now";
        assert_eq!(&bytes[72..72 + texts.len()], texts);
        assert_eq!(&bytes[114..122], 0u64.to_le_bytes(), "the first extent");
        let checksum = crc64::checksum(&[&ID[..], &bytes[..168]].concat());
        assert_eq!(number(168), checksum);
    }

    #[test]
    fn a_header_of_another_version_or_with_a_changed_bit_is_refused() {
        let header = encode_header(&ID);
        assert_eq!(decode_header(&header), Some(ID));
        for bit in 0..HEADER * 8 {
            let mut changed = header;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_header(&changed), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_with_a_changed_bit_or_of_another_manifest_is_refused() {
        let bytes = record().encode(&ID).expect("small");
        assert_eq!(FileRecord::decode(&bytes, b"fedcba9876543210"), None);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FileRecord::decode(&changed, &ID), None, "bit {bit}");
        }
    }

    #[test]
    fn extents_that_are_not_the_whole_object_are_refused() {
        let extent = |offset, len| Extent { offset, len, crc: 0 };
        for extents in [
            vec![],
            vec![extent(0, 29)],
            vec![extent(1, 29)],
            vec![extent(0, 10), extent(11, 19)],
            vec![extent(0, 20), extent(10, 20)],
            vec![extent(0, 30), extent(30, 0)],
            vec![extent(0, 31)],
        ] {
            let bytes = FileRecord { extents, ..record() }.encode(&ID).expect("small");
            assert_eq!(FileRecord::decode(&bytes, &ID), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in records()) {
            let bytes = record.encode(&ID).expect("small");
            prop_assert_eq!(record_len(bytes[..4].try_into().expect("four")), Some(bytes.len()));
            prop_assert_eq!(FileRecord::decode(&bytes, &ID), Some(record));
            prop_assert_eq!(FileRecord::decode(&bytes[..bytes.len() - 8], &ID), None);
        }
    }
}
