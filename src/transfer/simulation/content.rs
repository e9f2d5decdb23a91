//! Symbolic bytes: what an object, a body and a file contain, without the bytes.
//!
//! A content is a number, and its byte at an offset is a symbol. The checksum of a run of symbols obeys the law by
//! which CRC-64 checksums are combined, and any other run has another one: other contents, other offsets, other
//! lengths. So the code under test computes with these checksums as it does with real ones.

use std::ops::Range;
use std::sync::LazyLock;

use crate::model::crc64;
use crate::model::digest::{Algorithms, Crc64, Digests, Md5, Sha256};

use super::random::mix;

/// What a file or an object contains: endless symbols, one at each offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(pub u64);

/// A run of a content's bytes: `len` bytes from offset `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub content: Content,
    pub start: u64,
    pub len: u64,
}

/// A string of bytes: pieces that follow each other. No piece is empty, and adjacent ones are joined where they can
/// be, so that equal strings have equal pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(Vec<Piece>);

impl Content {
    /// Zeros, as in the hole of a file.
    pub const ZEROS: Content = Content(0);

    /// The content with another byte at every offset: that of a flipped bit, in a piece of one byte.
    pub fn flipped(self) -> Content {
        Content(self.0 ^ 1 << 63)
    }

    pub fn piece(self, range: Range<u64>) -> Piece {
        Piece { content: self, start: range.start, len: range.end.saturating_sub(range.start) }
    }

    /// The checksum of a range of the content.
    pub fn crc(self, range: Range<u64>) -> u64 {
        self.piece(range).crc()
    }

    /// A value for the byte at `offset`, for code that looks at bytes.
    pub fn byte(self, offset: u64) -> u8 {
        if self == Content::ZEROS { 0 } else { (self.prefix(offset + 1) >> 56) as u8 }
    }

    /// The checksum of the first `len` bytes; any function of the content and the length would do.
    fn prefix(self, len: u64) -> u64 {
        if len == 0 { 0 } else { mix(mix(self.0).wrapping_add(len)) }
    }
}

impl Piece {
    /// The bytes of the piece at `range`, counted from its start.
    pub fn slice(self, range: Range<u64>) -> Piece {
        let start = range.start.min(self.len);
        let end = range.end.clamp(start, self.len);
        Piece { start: self.start + start, len: end - start, ..self }
    }

    pub fn crc(self) -> u64 {
        if self.content == Content::ZEROS {
            // The checksum of zero bytes, which is the same wherever they are.
            return shift(!0, self.len) ^ !0;
        }
        let end = self.content.prefix(self.start + self.len);
        end ^ shift(self.content.prefix(self.start), self.len)
    }

    /// The piece and `next` as one; `None` unless `next` continues it.
    pub fn join(self, next: Piece) -> Option<Piece> {
        let continued = self.content == next.content
            && (self.content == Content::ZEROS || self.start + self.len == next.start);
        continued.then_some(Piece { len: self.len + next.len, ..self })
    }
}

impl Bytes {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    pub fn len(&self) -> u64 {
        self.0.iter().map(|piece| piece.len).sum()
    }

    /// Appends a piece.
    pub fn push(&mut self, piece: Piece) {
        if piece.len == 0 {
            return;
        }
        let piece = match piece.content {
            Content::ZEROS => Piece { start: 0, ..piece },
            _ => piece,
        };
        if let Some(last) = self.0.last_mut()
            && let Some(joined) = last.join(piece)
        {
            *last = joined;
        } else {
            self.0.push(piece);
        }
    }

    /// The bytes at `range`, as far as there are any.
    pub fn slice(&self, range: Range<u64>) -> Bytes {
        let mut sliced = Bytes::new();
        let mut at = 0;
        for piece in &self.0 {
            let end = at + piece.len;
            if end > range.start && at < range.end {
                sliced.push(piece.slice(range.start.saturating_sub(at)..range.end - at));
            }
            at = end;
        }
        sliced
    }

    pub fn crc(&self) -> u64 {
        let append = |crc, piece: &Piece| shift(crc, piece.len) ^ piece.crc();
        self.0.iter().fold(0, append)
    }

    /// The digests: any other bytes have others.
    pub fn digests(&self, algorithms: Algorithms) -> Digests {
        let hash = self.0.iter().fold(mix(self.len()), |hash, piece| {
            [piece.content.0, piece.start, piece.len]
                .iter()
                .fold(hash, |hash, n| mix(hash ^ mix(*n)))
        });
        let words: [[u8; 8]; 4] = std::array::from_fn(|n| mix(hash ^ n as u64).to_le_bytes());
        let mut sha256 = [0; 32];
        sha256.as_chunks_mut().0.copy_from_slice(&words);
        let mut md5 = [0; 16];
        md5.as_chunks_mut().0.copy_from_slice(&words[2..]);
        Digests {
            sha256: algorithms.sha256.then_some(Sha256(sha256)),
            md5: algorithms.md5.then_some(Md5(md5)),
            crc64: algorithms.crc64.then_some(Crc64(self.crc())),
        }
    }

    /// Whether these are exactly the bytes of `content` at `range`.
    pub fn are(&self, content: Content, range: Range<u64>) -> bool {
        *self == Bytes::from(content.piece(range))
    }
}

impl From<Piece> for Bytes {
    fn from(piece: Piece) -> Self {
        let mut bytes = Bytes::new();
        bytes.push(piece);
        bytes
    }
}

impl FromIterator<Piece> for Bytes {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let mut bytes = Bytes::new();
        pieces.into_iter().for_each(|piece| bytes.push(piece));
        bytes
    }
}

/// `crc64::combine(crc, 0, len)`: what `len` further bytes make of the checksum before they are added.
///
/// Lives spend much of their time here, so the products with the powers of two are looked up by four bits at a time.
fn shift(crc: u64, len: u64) -> u64 {
    static TABLES: LazyLock<Vec<[[u64; 16]; 16]>> = LazyLock::new(|| (0..64).map(table).collect());
    let tables = &*TABLES;
    let mut shifted = crc;
    let mut rest = len;
    while rest != 0 {
        let table = &tables[rest.trailing_zeros() as usize];
        let digit = |n: usize| table[n][(shifted >> (4 * n) & 15) as usize];
        shifted = (0..16).fold(0, |sum, n| sum ^ digit(n));
        rest &= rest - 1;
    }
    shifted
}

/// What 2^`power` further bytes make of each value of each hexadecimal digit of a checksum.
fn table(power: u32) -> [[u64; 16]; 16] {
    let append = crc64::Append::of_len(1 << power);
    std::array::from_fn(|digit| {
        std::array::from_fn(|value| append.combine((value as u64) << (4 * digit), 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::extent::{Extent, ExtentMap};
    use proptest::prelude::*;

    const OBJECT: Content = Content(7);

    proptest! {
        #[test]
        fn checksums_of_parts_combine_to_that_of_the_whole(
            start in 0u64..1 << 40, lens in prop::collection::vec(1u64..1 << 30, 1..8), grain in 0u64..1 << 31
        ) {
            let mut map = ExtentMap::new(grain);
            let mut at = start;
            for len in lens {
                let extent = Extent { offset: at, len, crc: OBJECT.crc(at..at + len) };
                prop_assert!(map.insert(extent));
                at += len;
            }
            prop_assert_eq!(map.whole_crc(start..at), Some(OBJECT.crc(start..at)));
        }

        #[test]
        fn a_shift_is_a_combination_with_nothing(crc: u64, len: u64, small in 0u32..64) {
            prop_assert_eq!(shift(crc, len >> small), crc64::combine(crc, 0, len >> small));
        }

        #[test]
        fn zeros_have_the_checksum_of_zero_bytes(len in 0u64..1000) {
            let zeros = vec![0; len as usize];
            prop_assert_eq!(Content::ZEROS.crc(5..5 + len), crc64::checksum(&zeros));
        }

        #[test]
        fn a_string_has_one_checksum_however_it_is_cut(cuts in prop::collection::vec(0u64..100, 0..6)) {
            let whole: Bytes = [OBJECT.piece(3..40), Content(9).piece(40..41), OBJECT.piece(41..103)].into_iter().collect();
            let mut cuts = [vec![0, 100], cuts].concat();
            cuts.sort_unstable();
            let parts: Vec<Bytes> = cuts.windows(2).map(|cut| whole.slice(cut[0]..cut[1])).collect();
            let joined: Bytes = parts.iter().flat_map(|part| part.pieces().to_vec()).collect();
            prop_assert_eq!(&joined, &whole);
            let crc = parts.iter().fold(0, |crc, part| crc64::combine(crc, part.crc(), part.len()));
            prop_assert_eq!(crc, whole.crc());
        }
    }

    #[test]
    fn any_other_bytes_have_another_checksum() {
        let right = Bytes::from(OBJECT.piece(1000..2000));
        let others: [Bytes; 6] = [
            OBJECT.piece(1001..2001).into(),
            OBJECT.piece(1000..1999).into(),
            Content(8).piece(1000..2000).into(),
            Content::ZEROS.piece(1000..2000).into(),
            [OBJECT.piece(1000..1500), Content::ZEROS.piece(0..1), OBJECT.piece(1501..2000)]
                .into_iter()
                .collect(),
            [
                OBJECT.piece(1000..1500),
                OBJECT.flipped().piece(1500..1501),
                OBJECT.piece(1501..2000),
            ]
            .into_iter()
            .collect(),
        ];
        for other in others {
            assert_ne!(other.crc(), right.crc(), "{other:?}");
            assert!(!other.are(OBJECT, 1000..2000));
        }
        assert!(right.are(OBJECT, 1000..2000));
        let two: Bytes = [OBJECT.piece(1000..1400), OBJECT.piece(1400..2000)].into_iter().collect();
        assert!(two.are(OBJECT, 1000..2000) && two.crc() == right.crc());
        assert!(Bytes::new().are(OBJECT, 5..5) && Bytes::new().crc() == 0);
    }
}
