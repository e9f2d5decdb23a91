//! The stored part of the file: the temporary file, the extents in it, and their record in the journal.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::model::error::{Error, Result};
use crate::model::extent::{Extent, ExtentMap};
use crate::model::pinning::Pinning;
use crate::transfer::policy::plan::subtract;
use crate::transfer::world::{JournalFile, Storage, TemporaryFile};

/// Extents are verified bytes or bytes of this run. Unproven extents are those of an earlier run; they count as stored
/// until their proof fails.
pub struct StoredExtents {
    range: Range<u64>,
    extents: ExtentMap,
    /// By offset.
    unproven: BTreeMap<u64, Extent>,
    /// Bytes in both.
    held: u64,
    /// The first byte that is not in `extents`.
    first_unstored: u64,
    file: Arc<dyn TemporaryFile>,
    record: Option<Record>,
}

/// The journal and the data needed to write it again.
pub struct Record {
    header: Header,
    journal: Option<Box<dyn JournalFile>>,
    /// The generation of the earlier run's bytes is known. For the C++ SDK's record it is not, until the whole object's
    /// CRC-64 is compared: such bytes are never recorded, or a later run would treat them as verified.
    generation_known: bool,
}

impl Record {
    /// Starts a journal of `unproven`, if their generation is known, replacing the earlier one.
    pub fn start(
        storage: &dyn Storage,
        header: Header,
        unproven: &[Extent],
        generation_known: bool,
    ) -> Result<Self> {
        let recorded = if generation_known { unproven } else { &[] };
        let journal = storage.start_journal(&header, recorded)?;
        Ok(Record { header, journal: Some(journal), generation_known })
    }
}

impl StoredExtents {
    pub fn new(
        range: Range<u64>,
        grain: u64,
        file: Arc<dyn TemporaryFile>,
        record: Option<Record>,
        unproven: Vec<Extent>,
    ) -> Self {
        let extents = ExtentMap::new(grain);
        let unproven: BTreeMap<_, _> =
            unproven.into_iter().map(|extent| (extent.offset, extent)).collect();
        let held = unproven.values().map(|extent| extent.len).sum();
        let first_unstored = range.start;
        StoredExtents { range, extents, unproven, held, first_unstored, file, record }
    }

    pub fn file(&self) -> &Arc<dyn TemporaryFile> {
        &self.file
    }

    pub fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// The missing ranges that are not in `in_flight`.
    pub fn holes(&self, mut in_flight: Vec<Range<u64>>) -> Vec<Range<u64>> {
        in_flight.sort_by_key(|span| span.start);
        let gaps = self.extents.gaps(self.range.clone());
        let gaps = subtract(gaps, self.unproven.values().map(|extent| extent.offset..extent.end()));
        subtract(gaps, in_flight)
    }

    /// Adds extents that are in the file now, and records them. A record that cannot be written costs the checkpoint
    /// but not the download: that error is in the Ok, for the log.
    pub fn store(&mut self, stored: &[Extent]) -> Result<Option<Error>> {
        for extent in stored {
            if self.awaits_proof(extent) || !self.extents.insert(*extent) {
                let (first, end) = (extent.offset, extent.end());
                return Err(Error::internal(format!("bytes {first}-{end} were stored twice")));
            }
            self.held += extent.len;
        }
        self.first_unstored = self.extents.first_gap(self.first_unstored);
        let journal = self.record.as_mut().and_then(|record| record.journal.as_mut());
        Ok(journal.and_then(|journal| journal.append(stored).err()))
    }

    /// Whether a byte of the extent belongs to an extent of the earlier run whose proof is not done.
    fn awaits_proof(&self, extent: &Extent) -> bool {
        let last_before = self.unproven.range(..extent.end()).next_back();
        last_before.is_some_and(|(_, unproven)| unproven.end() > extent.offset)
    }

    /// Whether nothing is missing. A byte counted twice makes [`StoredExtents::crc`] fail, which ends the download; it
    /// must not wait for bytes that nobody fetches.
    pub fn is_complete(&self) -> bool {
        self.held >= self.range.end - self.range.start
    }

    /// An extent of the earlier run is correct; `false` if it is not one of the unproven ones.
    pub fn proved(&mut self, extent: Extent) -> bool {
        let proved = self.unproven.remove(&extent.offset).is_some() && self.extents.insert(extent);
        self.first_unstored = self.extents.first_gap(self.first_unstored);
        proved
    }

    /// Number of bytes from the start of the file that are in it, without those that are not proven.
    pub fn contiguous(&self) -> u64 {
        self.first_unstored - self.range.start
    }

    /// The first byte that has to be fetched, as far as is known; the end if there is none.
    pub fn first_missing(&self) -> u64 {
        let mut missing = self.first_unstored;
        while let Some((_, last)) = self.unproven.range(..=missing).next_back()
            && last.end() > missing
        {
            missing = self.extents.first_gap(last.end());
        }
        missing
    }

    /// An extent of the earlier run is damaged: its bytes are missing. The journal lists it until the record of the
    /// right bytes replaces it; until then a later run verifies it in vain.
    pub fn damaged(&mut self, extent: Extent) {
        if let Some(extent) = self.unproven.remove(&extent.offset) {
            self.held -= extent.len;
        }
    }

    /// Bytes of this run turned out to be wrong: they are missing, and no longer recorded.
    pub fn forget(&mut self, wrong: &[Extent]) -> Result<Option<Error>> {
        for extent in wrong {
            let removed = self.extents.remove(extent.offset, extent.len);
            self.held -= removed.iter().map(|extent| extent.len).sum::<u64>();
        }
        self.first_unstored = self.extents.first_gap(self.range.start);
        self.rewrite_record(self.extents.iter().collect())
    }

    /// Writes the record anew, with these extents. A record that cannot be rewritten costs the checkpoint but not the
    /// download: that error is in the Ok, for the log.
    fn rewrite_record(&mut self, extents: Vec<Extent>) -> Result<Option<Error>> {
        let Some(record) = &mut self.record else { return Ok(None) };
        let Some(journal) = record.journal.take() else { return Ok(None) };
        let extents = if record.generation_known { extents } else { Vec::new() };
        match journal.rewrite(&record.header, &extents)? {
            Ok(journal) => {
                record.journal = Some(journal);
                Ok(None)
            }
            Err(error) => Ok(Some(error)),
        }
    }

    /// The download ends at byte `end`, which was not known before.
    pub fn end_at(&mut self, end: u64) {
        self.range.end = end;
    }

    /// The bytes, including those already stored, are pinned by `pinning` from now on; this is recorded.
    pub fn set_pinning(&mut self, pinning: Pinning) -> Result<Option<Error>> {
        let Some(record) = &mut self.record else { return Ok(None) };
        record.header.pinning = pinning;
        self.rewrite_record(self.extents.iter().chain(self.unproven.values().copied()).collect())
    }

    pub fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        self.extents.iter()
    }

    /// CRC-64 of the whole range, if all of it is stored and verified.
    pub fn crc(&self) -> Option<u64> {
        if !self.unproven.is_empty() {
            return None;
        }
        self.extents.whole_crc(self.range.clone())
    }

    /// Returns the file and the record, for the end of the download.
    pub fn into_parts(self) -> (Arc<dyn TemporaryFile>, Option<Box<dyn JournalFile>>) {
        (self.file, self.record.and_then(|record| record.journal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::crc64;
    use crate::storage::temp_file::TempFile;

    const PART: u64 = 102_400;

    fn extent(offset: u64, len: u64) -> Extent {
        let zeros = vec![0; usize::try_from(len).expect("small")];
        Extent { offset, len, crc: crc64::checksum(&zeros) }
    }

    /// The object's bytes 0 to 4 parts, with these of an earlier run.
    fn stored(unproven: Vec<Extent>) -> (tempfile::TempDir, StoredExtents) {
        let dir = tempfile::tempdir().expect("directory");
        let file = TempFile::create(&dir.path().join("file"), None).expect("file");
        (dir, StoredExtents::new(0..4 * PART, PART, Arc::new(file), None, unproven))
    }

    #[test]
    fn stored_bytes_that_arrive_again_are_a_defect_and_not_counted() {
        let (_dir, mut stored) = stored(vec![extent(PART, PART)]);
        for twice in [extent(0, PART + 1), extent(PART, PART), extent(2 * PART - 1, 10)] {
            let error = stored.store(&[twice]).expect_err("held");
            assert_eq!(error.code(), "InternalError", "{error}");
        }
        stored.store(&[extent(0, PART), extent(2 * PART, 2 * PART)]).expect("missing bytes");
        assert!(stored.store(&[extent(3 * PART, 1)]).is_err());
        assert!(stored.is_complete() && stored.crc().is_none(), "one part is not proven");
        assert!(stored.proved(extent(PART, PART)));
        assert_eq!(stored.crc(), Some(extent(0, 4 * PART).crc));
    }

    #[test]
    fn bytes_are_contiguous_when_they_are_stored_or_proven() {
        let (_dir, mut stored) = stored(vec![extent(0, PART), extent(2 * PART, PART)]);
        assert_eq!((stored.contiguous(), stored.first_missing()), (0, PART));
        stored.store(&[extent(PART, PART / 2)]).expect("missing bytes");
        assert_eq!((stored.contiguous(), stored.first_missing()), (0, PART + PART / 2));
        assert!(stored.proved(extent(0, PART)));
        assert_eq!(stored.contiguous(), PART + PART / 2);
        stored.store(&[extent(PART + PART / 2, PART / 2)]).expect("missing bytes");
        assert_eq!((stored.contiguous(), stored.first_missing()), (2 * PART, 3 * PART));
        stored.damaged(extent(2 * PART, PART));
        assert_eq!((stored.contiguous(), stored.first_missing()), (2 * PART, 2 * PART));
        stored.store(&[extent(2 * PART, 2 * PART)]).expect("missing bytes");
        assert_eq!((stored.contiguous(), stored.first_missing()), (4 * PART, 4 * PART));
        stored.forget(&[extent(PART, 1)]).expect("no record");
        assert!(stored.contiguous() <= PART, "{}", stored.contiguous());
    }

    #[test]
    fn a_part_recorded_twice_counts_once() {
        let (_dir, mut stored) = stored(vec![extent(0, PART), extent(0, PART)]);
        stored.store(&[extent(PART, 2 * PART)]).expect("missing bytes");
        assert!(!stored.is_complete());
        assert_eq!(stored.holes(Vec::new()).first(), Some(&(3 * PART..4 * PART)));
    }

    #[test]
    fn inconsistent_counts_end_the_download_with_an_error_instead_of_a_wait() {
        let (_dir, mut stored) = stored(Vec::new());
        stored.held = PART;
        stored.store(&[extent(0, 4 * PART - 1)]).expect("missing bytes");
        assert!(stored.is_complete() && stored.crc().is_none());
    }
}
