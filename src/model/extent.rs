//! The bytes on disk and their checksums.

use std::collections::BTreeMap;
use std::ops::Range;

use super::crc64::{self, Append};

/// Largest unit in which extents are recorded, in bytes. Damage costs at most this much to fetch again.
const MAX_GRAIN: u64 = 8 * 1024 * 1024;

/// Largest number of units per range; limits memory and journal size for very large objects.
const MAX_GRAINS: u64 = 131_072;

/// A contiguous run of the object's bytes that is on disk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte, counted from the object's start.
    pub offset: u64,
    /// Length in bytes; never 0 in an [`ExtentMap`].
    pub len: u64,
    /// CRC-64/XZ of the bytes.
    pub crc: u64,
}

impl Extent {
    /// The byte after the last one. Does not overflow for extents that an [`ExtentMap`] has accepted.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// The unit in which a range of `range_len` bytes is recorded and verified, in bytes; at least 1.
pub fn grain(part_size: u64, range_len: u64) -> u64 {
    part_size.clamp(1, MAX_GRAIN).max(range_len.div_ceil(MAX_GRAINS))
}

/// Disjoint extents in order of offset. Adjacent extents are merged while their total length is at most the grain, so a
/// range has at most two extents per grain, plus one per hole.
#[derive(Clone, Debug)]
pub struct ExtentMap {
    grain: u64,
    /// Length and checksum by offset.
    runs: BTreeMap<u64, (u64, u64)>,
}

impl ExtentMap {
    /// An empty map that merges extents up to `grain` bytes; 0: no merging.
    pub fn new(grain: u64) -> Self {
        ExtentMap { grain, runs: BTreeMap::new() }
    }

    /// Adds an extent. Returns `false` and changes nothing if it is empty, ends beyond 2⁶⁴ − 1 or overlaps an extent in
    /// the map.
    #[must_use]
    pub fn insert(&mut self, extent: Extent) -> bool {
        let Some(end) = extent.offset.checked_add(extent.len) else { return false };
        if extent.len == 0 {
            return false;
        }
        let left = self.last_before(end);
        if left.is_some_and(|left| left.end() > extent.offset) {
            return false;
        }

        let mut merged = extent;
        if let Some(left) = left.filter(|left| left.end() == extent.offset)
            && let Some(sum) = self.join(left, merged)
        {
            merged = sum;
        }
        if let Some(&(len, crc)) = self.runs.get(&end)
            && let Some(sum) = self.join(merged, Extent { offset: end, len, crc })
        {
            self.runs.remove(&end);
            merged = sum;
        }
        self.runs.insert(merged.offset, (merged.len, merged.crc));
        true
    }

    /// Removes every extent that has a byte in `offset..offset + len` and returns them in order. Extents are removed
    /// whole, because the checksum of a part of an extent is not known.
    pub fn remove(&mut self, offset: u64, len: u64) -> Vec<Extent> {
        let mut removed = Vec::new();
        let end = offset.saturating_add(len);
        while let Some(extent) = self.last_before(end) {
            if len == 0 || extent.end() <= offset {
                break;
            }
            self.runs.remove(&extent.offset);
            removed.push(extent);
        }
        removed.reverse();
        removed
    }

    /// The extents in order of offset.
    pub fn iter(&self) -> impl Iterator<Item = Extent> + '_ {
        self.runs.iter().map(|(&offset, &(len, crc))| Extent { offset, len, crc })
    }

    /// The runs of `range` that no extent covers, in order.
    pub fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut missing = range.start;
        for extent in self.overlapping(&range) {
            if extent.offset > missing {
                gaps.push(missing..extent.offset);
            }
            missing = extent.end();
        }
        if missing < range.end {
            gaps.push(missing..range.end);
        }
        gaps
    }

    /// The first byte from `start` on that no extent covers.
    pub fn first_gap(&self, start: u64) -> u64 {
        let mut reached = start;
        for extent in self.overlapping(&(start..u64::MAX)) {
            if extent.offset > reached {
                break;
            }
            reached = extent.end();
        }
        reached
    }

    /// The checksum of `range`, or `None` unless extents cover it exactly, without a gap or an extent that reaches
    /// beyond it. 0 for an empty range.
    pub fn whole_crc(&self, range: Range<u64>) -> Option<u64> {
        let mut crc = crc64::checksum(&[]);
        let mut reached = range.start;
        let mut append = (0, Append::of_len(0));
        for extent in self.overlapping(&range) {
            if extent.offset != reached {
                return None;
            }
            if append.0 != extent.len {
                append = (extent.len, Append::of_len(extent.len));
            }
            crc = append.1.combine(crc, extent.crc);
            reached = extent.end();
        }
        (reached == range.end).then_some(crc)
    }

    /// The extents with a byte in `range`, in order.
    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = Extent> + '_ {
        let Range { start, end } = *range;
        let first = self.last_before(start).filter(|e| e.end() > start).map_or(start, |e| e.offset);
        // An inverted range counts as empty; BTreeMap would panic.
        self.runs.range(first.min(end)..end).map(|(&offset, &(len, crc))| Extent {
            offset,
            len,
            crc,
        })
    }

    /// The last extent that starts before `offset`.
    fn last_before(&self, offset: u64) -> Option<Extent> {
        let (&offset, &(len, crc)) = self.runs.range(..offset).next_back()?;
        Some(Extent { offset, len, crc })
    }

    /// Two adjacent extents merged, if the result is not longer than the grain.
    fn join(&self, left: Extent, right: Extent) -> Option<Extent> {
        let len = left.len.checked_add(right.len).filter(|&len| len <= self.grain)?;
        let crc = crc64::combine(left.crc, right.crc, right.len);
        Some(Extent { offset: left.offset, len, crc })
    }
}

#[cfg(test)]
mod tests;
