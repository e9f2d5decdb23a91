//! What of the file is here: the temp file, the extents in it, and their record in the journal.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::checkpoint::journal::{Journal, JournalPlace, Taken};
use crate::model::error::{Error, Result};
use crate::model::extent::{Extent, ExtentMap, grain};
use crate::storage::temp_file::TempFile;
use crate::transfer::plan::subtract;

/// Extents are proven bytes, or bytes of this run; unproven ones come from an earlier run and count as held until
/// their proof says otherwise.
pub struct Ledger {
    range: Range<u64>,
    extents: ExtentMap,
    /// By offset.
    unproven: BTreeMap<u64, Extent>,
    file: Arc<TempFile>,
    record: Option<Record>,
}

/// The journal and what it takes to write it anew.
pub struct Record {
    pub place: JournalPlace,
    pub header: Header,
    journal: Option<Journal>,
    /// The journal lists bytes that turned out wrong: nothing is appended until it is rewritten.
    stale: bool,
}

impl Record {
    /// Starts a journal of `unproven` in `place`, in the place of the one taken over.
    pub fn start(
        place: JournalPlace,
        header: Header,
        previous: Option<Taken>,
        unproven: &[Extent],
    ) -> Result<Self> {
        let journal = place.start(previous, &header, unproven)?;
        Ok(Record { place, header, journal: Some(journal), stale: false })
    }
}

impl Ledger {
    pub fn new(
        range: Range<u64>,
        part_size: u64,
        file: Arc<TempFile>,
        record: Option<Record>,
        unproven: Vec<Extent>,
    ) -> Self {
        let extents = ExtentMap::new(grain(part_size, range.end - range.start));
        let unproven = unproven.into_iter().map(|extent| (extent.offset, extent)).collect();
        Ledger { range, extents, unproven, file, record }
    }

    pub fn file(&self) -> &Arc<TempFile> {
        &self.file
    }

    pub fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// What is missing and not in `flying`.
    pub fn holes(&self, flying: &mut Vec<Range<u64>>) -> Vec<Range<u64>> {
        flying.sort_by_key(|span| span.start);
        let gaps = self.extents.gaps(self.range.clone());
        let gaps = subtract(gaps, self.unproven.values().map(|extent| extent.offset..extent.end()));
        subtract(gaps, flying.iter().cloned())
    }

    /// Notes what is in the file now, and records it. A record that cannot be written costs the checkpoint, not the
    /// download: that error is in the Ok, for the log.
    pub fn store(&mut self, stored: &[Extent]) -> Result<Option<Error>> {
        for extent in stored {
            if !self.extents.insert(*extent) {
                let (first, end) = (extent.offset, extent.end());
                return Err(Error::internal(format!("bytes {first}-{end} were stored twice")));
            }
        }
        let Some(record) = self.record.as_mut().filter(|record| !record.stale) else {
            return Ok(None);
        };
        Ok(record.journal.as_mut().and_then(|journal| journal.append(stored).err()))
    }

    /// An extent of the earlier run is right; false when it is not one of the ledger's.
    pub fn proved(&mut self, extent: Extent) -> bool {
        self.take_unproven(extent) && self.extents.insert(extent)
    }

    /// An extent of the earlier run is wrong: its bytes are missing.
    pub fn damaged(&mut self, extent: Extent) {
        if self.take_unproven(extent) {
            self.mark_stale();
        }
    }

    /// Bytes of this run turned out wrong on the disk: they are missing.
    pub fn forget(&mut self, extent: Extent) {
        self.extents.remove(extent.offset, extent.len);
        self.mark_stale();
    }

    /// Everything is missing.
    pub fn forget_everything(&mut self) {
        self.extents.remove(0, u64::MAX);
        self.unproven.clear();
        self.mark_stale();
    }

    /// Brings a stale journal up to date; called when the proof has ended.
    pub fn refresh_record(&mut self) -> Result<()> {
        let Some(record) = self.record.as_mut().filter(|record| record.stale) else {
            return Ok(());
        };
        let extents: Vec<Extent> =
            self.extents.iter().chain(self.unproven.values().copied()).collect();
        let Some(journal) = record.journal.take() else { return Ok(()) };
        record.journal = Some(journal.rewrite(&record.place, &record.header, &extents)?);
        record.stale = false;
        Ok(())
    }

    pub fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        self.extents.iter()
    }

    /// CRC-64 of the whole range, when all of it is here and proven.
    pub fn crc(&self) -> Option<u64> {
        if !self.unproven.is_empty() {
            return None;
        }
        self.extents.whole_crc(self.range.clone())
    }

    /// Gives up the file and the record, for the end of the download.
    pub fn into_parts(self) -> (Arc<TempFile>, Option<Journal>) {
        (self.file, self.record.and_then(|record| record.journal))
    }

    fn take_unproven(&mut self, extent: Extent) -> bool {
        self.unproven.remove(&extent.offset).is_some()
    }

    fn mark_stale(&mut self) {
        if let Some(record) = &mut self.record {
            record.stale = true;
        }
    }
}
