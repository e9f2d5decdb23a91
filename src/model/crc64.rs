//! CRC-64/XZ, the checksum that OSS stores for objects (`x-oss-hash-crc64ecma`).

use crc_fast::CrcAlgorithm::Crc64Xz;

/// The polynomial 0x42F0E1EBA9EA3693, lowest power in the highest bit.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// x⁰ in that bit order.
const ONE: u64 = 1 << 63;

/// `BYTE_POWERS[k]` is x^(8·2ᵏ) mod P: the factor by which 2ᵏ further bytes multiply a checksum.
static BYTE_POWERS: [u64; 64] = byte_powers();

/// Computes the checksum of bytes that arrive piece by piece.
#[derive(Clone, Debug)]
pub struct Digest(crc_fast::Digest);

impl Digest {
    /// A digest of zero bytes.
    pub fn new() -> Self {
        Digest(crc_fast::Digest::new(Crc64Xz))
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// The checksum of `bytes`; 0 for an empty slice.
pub fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(Crc64Xz, bytes)
}

/// The CRC-64 of OSS (CRC-64/XZ, `x-oss-hash-crc64ecma`) of bytes that come piece by piece: `crc` is the checksum of the
/// bytes before these, 0 if there are none. Returns the checksum of all of them.
///
/// A file whose checksum is [`Outcome::crc64`](crate::Outcome::crc64) is what was downloaded, unless it was decrypted:
///
/// ```
/// let crc = oss_resumable::crc64(0, b"12345");
/// assert_eq!(oss_resumable::crc64(crc, b"6789"), 0x995d_c9bb_df19_39fa);
/// ```
pub fn crc64(crc: u64, bytes: &[u8]) -> u64 {
    combine(crc, checksum(bytes), bytes.len() as u64)
}

/// The checksum of A followed by B, from the checksum of each and B's length in bytes.
pub fn combine(a: u64, b: u64, len_b: u64) -> u64 {
    Append::of_len(len_b).combine(a, b)
}

/// [`combine`] with the part that depends on B's length computed once, for a sequence of equally long pieces.
#[derive(Clone, Copy, Debug)]
pub struct Append(u64);

impl Append {
    /// For pieces of `len` bytes.
    pub fn of_len(len: u64) -> Self {
        let mut factor = ONE;
        let mut rest = len;
        while rest != 0 {
            factor = multiply(factor, BYTE_POWERS[rest.trailing_zeros() as usize]);
            rest &= rest - 1;
        }
        Append(factor)
    }

    /// The checksum of A followed by B, from the checksum of each.
    pub fn combine(self, a: u64, b: u64) -> u64 {
        multiply(a, self.0) ^ b
    }
}

/// a·b mod P. Runs over all 64 bits without a branch on the data.
const fn multiply(a: u64, b: u64) -> u64 {
    let mut product = 0;
    let mut power = b;
    let mut bit = 64;
    while bit > 0 {
        bit -= 1;
        product ^= power & ((a >> bit) & 1).wrapping_neg();
        power = (power >> 1) ^ (POLYNOMIAL & (power & 1).wrapping_neg());
    }
    product
}

const fn byte_powers() -> [u64; 64] {
    let mut powers = [ONE >> 8; 64];
    let mut k = 1;
    while k < 64 {
        powers[k] = multiply(powers[k - 1], powers[k - 1]);
        k += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_check_value_is_computed() {
        assert_eq!(checksum(b"123456789"), 0x995D_C9BB_DF19_39FA);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn a_digest_of_pieces_is_the_checksum_of_the_whole() {
        let mut digest = Digest::new();
        assert_eq!(digest.value(), 0);
        digest.update(b"1234");
        digest.update(b"");
        digest.update(b"56789");
        assert_eq!(digest.value(), checksum(b"123456789"));
    }

    proptest! {
        #[test]
        fn combining_equals_the_checksum_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..2000), cut in any::<prop::sample::Index>()
        ) {
            let (a, b) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(combine(checksum(a), checksum(b), b.len() as u64), checksum(&bytes));
        }

        #[test]
        fn continuing_a_checksum_gives_that_of_the_whole(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)
        ) {
            let crc = pieces.iter().fold(0, |crc, piece| crc64(crc, piece));
            prop_assert_eq!(crc, checksum(&pieces.concat()));
        }

        #[test]
        fn combining_agrees_with_crc_fast_for_any_length(a: u64, b: u64, len: u64, small in 0u32..64) {
            // Shifted so that both short and long lengths are generated.
            let len = len >> small;
            prop_assert_eq!(combine(a, b, len), crc_fast::checksum_combine(Crc64Xz, a, b, len));
        }
    }
}
