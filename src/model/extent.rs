//! Which bytes are on disk, and with what checksum.

use std::collections::BTreeMap;
use std::ops::Range;

use super::crc64::{self, Append};

/// Extents are recorded in units of at most this many bytes, so that damage costs at most as much again.
const MAX_GRAIN: u64 = 8 * 1024 * 1024;

/// Units a range is recorded in, at most: bounds memory and the journal for the largest objects.
const MAX_GRAINS: u64 = 131_072;

/// A run of bytes of the object that is on disk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte, counted from the object's start.
    pub offset: u64,
    /// Bytes; never 0 in an [`ExtentMap`].
    pub len: u64,
    /// CRC-64/XZ of the bytes.
    pub crc: u64,
}

impl Extent {
    /// The byte after the last one. Does not overflow for extents an [`ExtentMap`] accepted.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// The unit in which a range of `range_len` bytes is recorded and proven, in bytes; at least 1.
pub fn grain(part_size: u64, range_len: u64) -> u64 {
    part_size.clamp(1, MAX_GRAIN).max(range_len.div_ceil(MAX_GRAINS))
}

/// Disjoint extents in order of offset. Neighbours that touch are merged while their sum is at most
/// the grain, so a range holds at most two extents for each grain, plus one for each hole.
#[derive(Clone, Debug)]
pub struct ExtentMap {
    grain: u64,
    /// Length and checksum by offset.
    runs: BTreeMap<u64, (u64, u64)>,
}

impl ExtentMap {
    /// An empty map that merges up to `grain` bytes; 0 merges nothing.
    pub fn new(grain: u64) -> Self {
        ExtentMap { grain, runs: BTreeMap::new() }
    }

    /// Adds an extent. Refuses, with `false` and unchanged, one that is empty, ends beyond 2⁶⁴ − 1
    /// or overlaps a byte already there.
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

    /// Takes out every extent that has a byte in `offset..offset + len`, whole, and returns them in order:
    /// of a part of an extent the checksum is not known.
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

    /// The checksum of `range`, or `None` unless extents cover it exactly: no gap, none reaching beyond it.
    /// 0 for an empty range.
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
        // An inverted range is an empty one; BTreeMap would panic.
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

    /// Two touching extents as one, if that is not longer than the grain.
    fn join(&self, left: Extent, right: Extent) -> Option<Extent> {
        let len = left.len.checked_add(right.len).filter(|&len| len <= self.grain)?;
        let crc = crc64::combine(left.crc, right.crc, right.len);
        Some(Extent { offset: left.offset, len, crc })
    }
}

#[cfg(test)]
mod tests;
