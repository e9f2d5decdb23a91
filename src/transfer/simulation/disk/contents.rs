//! The bytes of one file, as a map from its offsets to pieces of contents.

use std::ops::Range;

use crate::transfer::simulation::content::{Bytes, Content, Piece};

/// A file's length and bytes. Bytes that were never written are zeros.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    len: u64,
    /// Disjoint and in order; none is empty or ends beyond the file.
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    at: u64,
    piece: Piece,
}

impl Segment {
    fn end(&self) -> u64 {
        self.at + self.piece.len
    }

    /// The part of the segment in `range`.
    fn clip(&self, range: &Range<u64>) -> Option<Segment> {
        let at = self.at.max(range.start);
        let piece = self.piece.slice(at.saturating_sub(self.at)..range.end.saturating_sub(self.at));
        (piece.len > 0).then_some(Segment { at, piece })
    }
}

impl Contents {
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Truncates the file, or extends it with a hole.
    pub fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.clear(len..self.len);
        }
        self.len = len;
    }

    /// Writes `pieces`, one after the other, from `at` on; extends the file if it has to.
    pub fn write(&mut self, mut at: u64, pieces: &[Piece]) {
        for &piece in pieces.iter().filter(|piece| piece.len > 0) {
            self.replace(at..at + piece.len, Some(Segment { at, piece }));
            at += piece.len;
            self.len = self.len.max(at);
        }
    }

    /// Makes a hole.
    fn clear(&mut self, range: Range<u64>) {
        self.replace(range, None);
    }

    /// Makes the bytes and holes at `range` those of `other`; not beyond the end of either file.
    pub fn copy(&mut self, other: &Contents, range: Range<u64>) {
        let range = range.start..range.end.min(self.len).max(range.start);
        self.clear(range.clone());
        for segment in other.overlapping(&range) {
            self.replace(segment.at..segment.end(), Some(segment));
        }
    }

    /// The bytes at `range`, as far as it is in the file.
    pub fn bytes(&self, range: Range<u64>) -> Bytes {
        let end = range.end.min(self.len);
        let mut bytes = Bytes::new();
        let mut at = range.start;
        for segment in self.overlapping(&(range.start..end)) {
            bytes.push(Content::ZEROS.piece(at..segment.at));
            bytes.push(segment.piece);
            at = segment.end();
        }
        bytes.push(Content::ZEROS.piece(at..end));
        bytes
    }

    /// All bytes.
    pub fn all(&self) -> Bytes {
        self.bytes(0..self.len)
    }

    /// The number of bytes in `range` that have been written.
    pub fn written(&self, range: Range<u64>) -> u64 {
        self.overlapping(&range).map(|segment| segment.piece.len).sum()
    }

    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = Segment> + '_ {
        let range = range.clone();
        let first = self.segments.partition_point(|segment| segment.end() <= range.start);
        self.segments[first..].iter().map_while(move |segment| segment.clip(&range))
    }

    /// Puts `new`, which is at `range`, in the place of what is there.
    fn replace(&mut self, range: Range<u64>, new: Option<Segment>) {
        if range.is_empty() {
            return;
        }
        let first = self.segments.partition_point(|segment| segment.end() <= range.start);
        let last = first + self.segments[first..].partition_point(|s| s.at < range.end);
        let rests = match self.segments.get(first..last) {
            Some([one]) => [one.clip(&(0..range.start)), one.clip(&(range.end..u64::MAX))],
            Some([one, .., other]) => {
                [one.clip(&(0..range.start)), other.clip(&(range.end..u64::MAX))]
            }
            _ => [None, None],
        };
        let segments = [rests[0], new, rests[1]];
        self.segments.splice(first..last, segments.into_iter().flatten());
        self.join_around(first);
    }

    /// Joins the segments near `index` that continue each other.
    fn join_around(&mut self, index: usize) {
        let mut left = index.saturating_sub(1);
        let mut pairs = 4;
        while let Some([a, b]) = self.segments.get(left..left + 2)
            && pairs > 0
        {
            pairs -= 1;
            match a.piece.join(b.piece).filter(|_| a.end() == b.at) {
                Some(piece) => {
                    self.segments[left].piece = piece;
                    self.segments.remove(left + 1);
                }
                None => left += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A byte of a file: its content and the offset there.
    fn symbols(bytes: &Bytes) -> Vec<(u64, u64)> {
        let symbols = |piece: &Piece| {
            let Piece { content, start, len } = *piece;
            (start..start + len).map(move |n| if content.0 == 0 { (0, 0) } else { (content.0, n) })
        };
        bytes.pieces().iter().flat_map(symbols).collect()
    }

    fn edits() -> impl Strategy<Value = Vec<(u64, u64, u64, u64)>> {
        prop::collection::vec((0u64..4, 0u64..60, 0u64..60, 0u64..25), 0..25)
    }

    proptest! {
        #[test]
        fn a_file_contains_what_was_written_last(edits in edits(), at in 0u64..80, len in 0u64..80) {
            let mut file = Contents::default();
            let mut model: Vec<(u64, u64)> = Vec::new();
            let mut allocated = [false; 100];
            for (content, offset, start, len) in edits {
                if content == 0 {
                    file.set_len(offset);
                    model.resize(offset as usize, (0, 0));
                    allocated[offset as usize..].fill(false);
                    continue;
                }
                file.write(offset, &[Content(content).piece(start..start + len)]);
                if len > 0 {
                    model.resize(model.len().max((offset + len) as usize), (0, 0));
                }
                for n in 0..len {
                    model[(offset + n) as usize] = (content, start + n);
                    allocated[(offset + n) as usize] = true;
                }
                prop_assert_eq!(file.len(), model.len() as u64);
            }
            prop_assert_eq!(symbols(&file.all()), model.clone());
            let range = at as usize..(at + len) as usize;
            let part = model.get(at as usize..range.end.min(model.len())).unwrap_or_default();
            prop_assert_eq!(symbols(&file.bytes(at..at + len)), part);
            let covered = allocated.get(range.start..range.end.min(100)).unwrap_or_default();
            prop_assert_eq!(file.written(at..at + len), covered.iter().filter(|&&w| w).count() as u64);
        }

        #[test]
        fn a_copied_range_is_that_of_the_other_file(a in edits(), b in edits(), at in 0u64..80, len in 0u64..40) {
            let [mut file, other] = [a, b].map(|edits| {
                let mut file = Contents::default();
                for (content, offset, start, len) in edits {
                    file.write(offset, &[Content(content + 1).piece(start..start + len)]);
                }
                file.set_len(80);
                file
            });
            let before = symbols(&file.all());
            file.copy(&other, at..at + len);
            let expected = before.into_iter().zip(symbols(&other.all())).enumerate();
            let expected: Vec<_> = expected
                .map(|(n, (old, new))| if (at..at + len).contains(&(n as u64)) { new } else { old })
                .collect();
            prop_assert_eq!(symbols(&file.all()), expected);
        }
    }

    #[test]
    fn bytes_written_one_after_the_other_are_one_piece() {
        let mut file = Contents::default();
        for n in [0, 2, 1, 3] {
            file.write(n * 10, &[Content(5).piece(100 + n * 10..110 + n * 10)]);
        }
        assert!(file.all().are(Content(5), 100..140));
        assert_eq!(file.segments.len(), 1);
    }
}
