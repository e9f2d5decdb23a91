//! The bytes of generated objects: any size, any offset, no memory.
//!
//! A pattern is the output of a xorshift generator: its 64-bit words all differ from each other (the
//! period is 2^64 − 1), so a block at another offset never matches. The generator is linear over GF(2),
//! and so is CRC-64: both are advanced over 2^k words by one precomputed matrix, which gives
//! random access and the checksum of a petabyte in microseconds.

use std::sync::OnceLock;

/// CRC-64/XZ, reflected.
const CRC_POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// The number of words of the largest pattern fits in this many bits.
const LEVELS: usize = 61;

/// The bytes of a generated object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    first_word: u64,
    size: u64,
}

impl Pattern {
    /// `size` bytes; another seed gives other bytes in every 8-byte word.
    pub fn new(size: u64, seed: u64) -> Self {
        Pattern { first_word: first_word(seed), size }
    }

    /// Number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes the bytes from `offset` on into `buffer`, also beyond the pattern's end.
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) {
        let mut word = word_at(self.first_word, offset / 8);
        let within = (offset % 8) as usize;
        let mut rest = buffer;
        if within != 0 {
            let bytes = word.to_le_bytes();
            let available = bytes.get(within..).unwrap_or_default();
            let length = available.len().min(rest.len());
            let (head, tail) = rest.split_at_mut(length);
            head.copy_from_slice(&available[..length]);
            rest = tail;
            word = next_word(word);
        }
        let mut chunks = rest.chunks_exact_mut(8);
        for chunk in &mut chunks {
            chunk.copy_from_slice(&word.to_le_bytes());
            word = next_word(word);
        }
        let tail = chunks.into_remainder();
        let length = tail.len();
        tail.copy_from_slice(&word.to_le_bytes()[..length]);
    }

    /// CRC-64/XZ of all bytes.
    pub fn crc64(&self) -> u64 {
        let words = self.size / 8;
        let mut crc = u64::MAX;
        let mut word = self.first_word;
        for (level, advance) in advances().iter().enumerate() {
            if words >> level & 1 == 1 {
                crc = advance.crc.apply(crc) ^ advance.word_into_crc.apply(word);
                word = advance.word.apply(word);
            }
        }
        let tail = (self.size % 8) as usize;
        for byte in word.to_le_bytes().into_iter().take(tail) {
            crc = crc_bits(crc ^ u64::from(byte), 8);
        }
        !crc
    }
}

/// SplitMix64's mixer: distinct seeds start at distinct words. Avoids zero, the generator's only fixed point.
fn first_word(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^= word >> 31;
    if word == 0 { 1 } else { word }
}

/// Marsaglia's xorshift64 (13, 7, 17).
fn next_word(mut word: u64) -> u64 {
    word ^= word << 13;
    word ^= word >> 7;
    word ^ (word << 17)
}

fn word_at(first: u64, index: u64) -> u64 {
    advances()
        .iter()
        .enumerate()
        .filter(|(level, _)| index >> level & 1 == 1)
        .fold(first, |word, (_, advance)| advance.word.apply(word))
}

fn crc_bits(mut crc: u64, bits: u32) -> u64 {
    for _ in 0..bits {
        crc = if crc & 1 == 1 { (crc >> 1) ^ CRC_POLYNOMIAL } else { crc >> 1 };
    }
    crc
}

/// A linear map of 64 bits: column `i` is the image of bit `i`.
struct Linear([u64; 64]);

impl Linear {
    fn of(map: impl Fn(u64) -> u64) -> Self {
        Linear(std::array::from_fn(|bit| map(1 << bit)))
    }

    fn apply(&self, value: u64) -> u64 {
        let mut image = 0;
        for (bit, column) in self.0.iter().enumerate() {
            // All ones if the bit is set: no branch to mispredict.
            image ^= column & (value >> bit & 1).wrapping_neg();
        }
        image
    }
}

/// The effect of 2^k words on the generator and on a running CRC.
struct Advance {
    word: Linear,
    crc: Linear,
    word_into_crc: Linear,
}

impl Advance {
    fn one_word() -> Self {
        Advance {
            word: Linear::of(next_word),
            crc: Linear::of(|crc| crc_bits(crc, 64)),
            word_into_crc: Linear::of(|word| crc_bits(word, 64)),
        }
    }

    fn twice(&self) -> Self {
        Advance {
            word: Linear::of(|v| self.word.apply(self.word.apply(v))),
            crc: Linear::of(|v| self.crc.apply(self.crc.apply(v))),
            word_into_crc: Linear::of(|v| {
                self.crc.apply(self.word_into_crc.apply(v))
                    ^ self.word_into_crc.apply(self.word.apply(v))
            }),
        }
    }
}

fn advances() -> &'static [Advance] {
    static ADVANCES: OnceLock<Vec<Advance>> = OnceLock::new();
    ADVANCES.get_or_init(|| {
        std::iter::successors(Some(Advance::one_word()), |last| Some(last.twice()))
            .take(LEVELS)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(pattern: Pattern) -> Vec<u8> {
        let mut bytes = vec![0; pattern.size() as usize];
        pattern.fill(0, &mut bytes);
        bytes
    }

    #[test]
    fn the_checksum_of_millions_of_words_is_right_too() {
        let pattern = Pattern::new(9_000_005, 4);
        let computed = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &bytes(pattern));
        assert_eq!(pattern.crc64(), computed);
    }

    proptest! {
        #[test]
        fn any_offset_gives_the_bytes_a_sequential_read_gives(
            size in 1u64..5000, seed: u64, from in 0usize..5000, length in 0usize..300,
        ) {
            let pattern = Pattern::new(size, seed);
            let whole = bytes(pattern);
            let from = from % whole.len();
            let length = length.min(whole.len() - from);
            let mut piece = vec![0; length];
            pattern.fill(from as u64, &mut piece);
            prop_assert_eq!(&piece[..], &whole[from..from + length]);
        }

        #[test]
        fn the_checksum_is_that_of_the_bytes(size in 0u64..5000, seed: u64) {
            let pattern = Pattern::new(size, seed);
            let computed = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &bytes(pattern));
            prop_assert_eq!(pattern.crc64(), computed);
        }

        #[test]
        fn a_block_at_another_offset_never_matches(a in 0u64..1 << 50, b in 0u64..1 << 50, seed: u64) {
            prop_assume!(a != b);
            let pattern = Pattern::new(u64::MAX, seed);
            let (mut one, mut other) = ([0; 24], [0; 24]);
            pattern.fill(a, &mut one);
            pattern.fill(b, &mut other);
            prop_assert_ne!(one, other);
        }

        #[test]
        fn another_seed_gives_other_bytes_at_every_word(word in 0u64..1 << 50, a: u64, b: u64) {
            prop_assume!(a != b);
            let (mut one, mut other) = ([0; 8], [0; 8]);
            Pattern::new(u64::MAX, a).fill(word * 8, &mut one);
            Pattern::new(u64::MAX, b).fill(word * 8, &mut other);
            prop_assert_ne!(one, other);
        }
    }
}
