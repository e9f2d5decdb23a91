//! Whether a file that is there is an object that was listed. Pure.

use super::manifest::format::{FileRecord, FileState};
use super::plan::Planned;

/// What is done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its file is there and unchanged.
    Keep,
    /// Its file was there, and must be read to find out what is left of it.
    Read,
    /// A file is there that may be the object, but no record says so: it is compared with the object's checksum.
    Compare,
    /// Nothing is known of its file, or there is none.
    Fetch,
}

/// What the decision depends on, apart from the object and its record.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Files are read although they look unchanged.
    pub verify: bool,
    /// The id that the system has had since it started; `None` if it is not known.
    pub boot: Option<[u8; 16]>,
}

/// Decides about an object of `bucket`. `record`: that of its file's path; `found`: the file that is there.
pub fn decide(
    (bucket, key): (&str, &str),
    listed: &Planned<'_>,
    record: Option<&FileRecord>,
    found: Option<&FileState>,
    circumstances: &Circumstances,
) -> Decision {
    let Some(found) = found else { return Decision::Fetch };
    let Some(record) = record else {
        return if found.size == listed.size { Decision::Compare } else { Decision::Fetch };
    };
    if record.bucket != bucket || record.key != key || !is_same_object(listed, record) {
        return Decision::Fetch;
    }
    let may_have_lost_bytes =
        record.unflushed_since_boot.is_some() && record.unflushed_since_boot != circumstances.boot;
    if circumstances.verify || may_have_lost_bytes || record.file != *found {
        return Decision::Read;
    }
    Decision::Keep
}

/// Whether the object that is listed is the recorded one: it has the same size and, as far as the listing says them, the
/// same CRC-64 or else the same ETag.
fn is_same_object(listed: &Planned<'_>, record: &FileRecord) -> bool {
    if listed.size != record.object_size {
        return false;
    }
    match (listed.crc64, record.object_crc64) {
        (Some(listed), Some(recorded)) => listed == recorded,
        _ => listed.etag.is_some() && listed.etag == record.etag.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::extent::Extent;

    const OBJECT: (&str, &str) = ("bucket", "p/a");
    const BOOT: [u8; 16] = [1; 16];
    const AS_USUAL: Circumstances = Circumstances { verify: false, boot: Some(BOOT) };

    fn listed() -> Planned<'static> {
        Planned { relative: "a", size: 5, etag: Some("E"), crc64: None }
    }

    fn record() -> FileRecord {
        FileRecord {
            path: "a".to_owned(),
            bucket: "bucket".to_owned(),
            key: "p/a".to_owned(),
            etag: Some("E".to_owned()),
            version_id: None,
            last_modified: None,
            object_size: 5,
            object_crc64: Some(7),
            is_decrypted: false,
            file: FileState { size: 5, inode: 1, modified: (2, 3) },
            unflushed_since_boot: None,
            extents: vec![Extent { offset: 0, len: 5, crc: 7 }],
        }
    }

    fn decided(
        listed: &Planned<'_>,
        record: &FileRecord,
        circumstances: &Circumstances,
    ) -> Decision {
        let found = FileState { size: 5, inode: 1, modified: (2, 3) };
        decide(OBJECT, listed, Some(record), Some(&found), circumstances)
    }

    #[test]
    fn an_unchanged_file_of_the_listed_object_is_kept() {
        assert_eq!(decided(&listed(), &record(), &AS_USUAL), Decision::Keep);
        // Of an object that was uploaded again.
        let again = Planned { etag: Some("F"), crc64: Some(7), ..listed() };
        assert_eq!(decided(&again, &record(), &AS_USUAL), Decision::Keep);
        let nameless = Planned { etag: None, crc64: Some(7), ..listed() };
        assert_eq!(decided(&nameless, &record(), &AS_USUAL), Decision::Keep);
    }

    #[test]
    fn another_object_is_fetched() {
        for other in [
            Planned { size: 6, ..listed() },
            Planned { etag: Some("F"), ..listed() },
            Planned { etag: None, ..listed() },
            Planned { crc64: Some(8), ..listed() },
        ] {
            assert_eq!(decided(&other, &record(), &AS_USUAL), Decision::Fetch, "{other:?}");
        }
        let nameless = FileRecord { etag: None, ..record() };
        let unknown = Planned { etag: None, ..listed() };
        assert_eq!(decided(&unknown, &nameless, &AS_USUAL), Decision::Fetch);
        for (bucket, key) in [("other", "p/a"), ("bucket", "q/a")] {
            let found = record().file;
            let decision =
                decide((bucket, key), &listed(), Some(&record()), Some(&found), &AS_USUAL);
            assert_eq!(decision, Decision::Fetch);
        }
    }

    #[test]
    fn without_a_file_an_object_is_fetched() {
        assert_eq!(decide(OBJECT, &listed(), Some(&record()), None, &AS_USUAL), Decision::Fetch);
        assert_eq!(decide(OBJECT, &listed(), None, None, &AS_USUAL), Decision::Fetch);
    }

    #[test]
    fn a_file_without_a_record_is_compared_if_it_has_the_size_of_the_object() {
        let found = record().file;
        assert_eq!(decide(OBJECT, &listed(), None, Some(&found), &AS_USUAL), Decision::Compare);
        let longer = FileState { size: 6, ..found };
        assert_eq!(decide(OBJECT, &listed(), None, Some(&longer), &AS_USUAL), Decision::Fetch);
    }

    #[test]
    fn a_file_that_may_have_changed_is_read() {
        let unchanged = record().file;
        for found in [
            FileState { size: 4, ..unchanged },
            FileState { inode: 2, ..unchanged },
            FileState { modified: (2, 4), ..unchanged },
            FileState { modified: (3, 3), ..unchanged },
        ] {
            let decision = decide(OBJECT, &listed(), Some(&record()), Some(&found), &AS_USUAL);
            assert_eq!(decision, Decision::Read, "{found:?}");
        }
        let verify = Circumstances { verify: true, ..AS_USUAL };
        assert_eq!(decided(&listed(), &record(), &verify), Decision::Read);
    }

    #[test]
    fn a_file_that_was_not_flushed_is_read_after_the_system_has_started_anew() {
        let unflushed = FileRecord { unflushed_since_boot: Some(BOOT), ..record() };
        assert_eq!(decided(&listed(), &unflushed, &AS_USUAL), Decision::Keep);
        for boot in [Some([2; 16]), None] {
            let circumstances = Circumstances { boot, ..AS_USUAL };
            assert_eq!(decided(&listed(), &unflushed, &circumstances), Decision::Read);
            assert_eq!(decided(&listed(), &record(), &circumstances), Decision::Keep);
        }
    }
}
