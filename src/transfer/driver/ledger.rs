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
    /// Bytes in both.
    held: u64,
    file: Arc<TempFile>,
    record: Option<Record>,
}

/// The journal and what it takes to write it anew.
pub struct Record {
    pub place: JournalPlace,
    pub header: Header,
    journal: Option<Journal>,
    /// The bytes of the earlier run are of this generation. Those of the C++ SDK's record may not be, until the whole
    /// object's CRC-64 says so: they are never recorded, or a later run would take them for proven.
    vouched: bool,
}

impl Record {
    /// Starts a journal of `unproven`, if they are vouched for, in the place of the one taken over.
    pub fn start(
        place: JournalPlace,
        header: Header,
        previous: Option<Taken>,
        unproven: &[Extent],
        vouched: bool,
    ) -> Result<Self> {
        let recorded = if vouched { unproven } else { &[] };
        let journal = place.start(previous, &header, recorded)?;
        Ok(Record { place, header, journal: Some(journal), vouched })
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
        let held = unproven.iter().map(|extent| extent.len).sum();
        let unproven = unproven.into_iter().map(|extent| (extent.offset, extent)).collect();
        Ledger { range, extents, unproven, held, file, record }
    }

    pub fn file(&self) -> &Arc<TempFile> {
        &self.file
    }

    pub fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// What is missing and not in `flying`.
    pub fn holes(&self, mut flying: Vec<Range<u64>>) -> Vec<Range<u64>> {
        flying.sort_by_key(|span| span.start);
        let gaps = self.extents.gaps(self.range.clone());
        let gaps = subtract(gaps, self.unproven.values().map(|extent| extent.offset..extent.end()));
        subtract(gaps, flying)
    }

    /// Notes what is in the file now, and records it. A record that cannot be written costs the checkpoint, not the
    /// download: that error is in the Ok, for the log.
    pub fn store(&mut self, stored: &[Extent]) -> Result<Option<Error>> {
        for extent in stored {
            if !self.extents.insert(*extent) {
                let (first, end) = (extent.offset, extent.end());
                return Err(Error::internal(format!("bytes {first}-{end} were stored twice")));
            }
            self.held += extent.len;
        }
        let journal = self.record.as_mut().and_then(|record| record.journal.as_mut());
        Ok(journal.and_then(|journal| journal.append(stored).err()))
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.held == self.range.end - self.range.start
    }

    /// An extent of the earlier run is right; false when it is not one of the ledger's.
    pub fn proved(&mut self, extent: Extent) -> bool {
        self.unproven.remove(&extent.offset).is_some() && self.extents.insert(extent)
    }

    /// An extent of the earlier run is wrong: its bytes are missing. The journal still lists it, which costs a later
    /// run a look at the disk, until the record of the right bytes takes its place.
    pub fn damaged(&mut self, extent: Extent) {
        if let Some(extent) = self.unproven.remove(&extent.offset) {
            self.held -= extent.len;
        }
    }

    /// Bytes of this run turned out wrong: they are missing, and no longer recorded.
    pub fn forget(&mut self, wrong: &[Extent]) -> Result<()> {
        for extent in wrong {
            let removed = self.extents.remove(extent.offset, extent.len);
            self.held -= removed.iter().map(|extent| extent.len).sum::<u64>();
        }
        let Some(record) = &mut self.record else { return Ok(()) };
        let Some(journal) = record.journal.take() else { return Ok(()) };
        let left: Vec<Extent> =
            if record.vouched { self.extents.iter().collect() } else { Vec::new() };
        record.journal = Some(journal.rewrite(&record.place, &record.header, &left)?);
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
}
