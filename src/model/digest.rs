//! Digests that a caller expects of a file, and their spellings.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::error::{Error, Result};

/// Longest text that a message quotes, in characters.
const MOST_QUOTED: usize = 100;

/// A SHA-256 digest.
///
/// [`FromStr`] accepts 64 hexadecimal digits of either case or 44 characters of base64 with padding, after an optional
/// `sha256:` as container tools write it, and `sha256-` with base64 as in Subresource Integrity. The length tells
/// hexadecimal digits from base64. Blanks and line ends around the text are ignored. Anything else is a `ValidateError`.
/// [`Display`] writes lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

/// An MD5 digest. It detects damage, not forgery.
///
/// [`FromStr`] accepts 32 hexadecimal digits of either case or 24 characters of base64 with padding, as in
/// `Content-MD5`, after an optional `md5:`, and `md5-` with base64. Otherwise as for [`Sha256`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Md5(pub [u8; 16]);

/// A CRC-64/XZ, the checksum that OSS stores for objects. It detects damage, not forgery.
///
/// [`FromStr`] accepts a decimal number, as in `x-oss-hash-crc64ecma`, and `0x` with 1 to 16 hexadecimal digits of either
/// case. Digits without `0x` are always decimal. Otherwise as for [`Sha256`]. [`Display`] writes a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crc64(pub u64);

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text, "sha256").map(Sha256).ok_or_else(|| {
            refused(
                text,
                "a SHA-256: it must be 64 hexadecimal digits or 44 characters of base64, after an optional 'sha256:', or \
                 'sha256-' and base64",
            )
        })
    }
}

impl FromStr for Md5 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text, "md5").map(Md5).ok_or_else(|| {
            refused(
                text,
                "an MD5: it must be 32 hexadecimal digits or 24 characters of base64, after an optional 'md5:', or 'md5-' \
                 and base64",
            )
        })
    }
}

impl FromStr for Crc64 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_crc64(text.trim_ascii()).map(Crc64).ok_or_else(|| {
            refused(
                text,
                "a CRC-64: it must be a decimal number below 2^64, or '0x' and 1 to 16 hexadecimal digits",
            )
        })
    }
}

impl Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl Display for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn refused(text: &str, kind: &str) -> Error {
    let quoted: String = text.chars().take(MOST_QUOTED).collect();
    let more = if quoted.len() < text.len() { "…" } else { "" };
    Error::validation(format!("'{}{more}' is not {kind}", quoted.escape_debug()))
}

/// A digest of `N` bytes, with or without the algorithm's `name`.
fn parse<const N: usize>(text: &str, name: &str) -> Option<[u8; N]> {
    let text = text.trim_ascii();
    match text.strip_prefix(name).map(|rest| (rest.as_bytes().first(), rest.get(1..))) {
        Some((Some(b':'), rest)) => either(rest?),
        Some((Some(b'-'), rest)) => base64(rest?.as_bytes()),
        _ => either(text),
    }
}

fn either<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() == 2 * N { hex(text.as_bytes()) } else { base64(text.as_bytes()) }
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        for digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

/// Decodes base64 of exactly `N` bytes, with padding. Unused bits must be zero: each digest has one spelling.
fn base64<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digits = (N * 8).div_ceil(6);
    let (digits, padding) = text.split_at_checked(digits)?;
    if text.len() != N.div_ceil(3) * 4 || padding.iter().any(|character| *character != b'=') {
        return None;
    }
    let mut bytes = [0; N];
    let mut filled = 0;
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits {
        bits = bits << 6 | u32::from(base64_value(*digit)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            *bytes.get_mut(filled)? = u8::try_from(bits >> count).ok()?;
            filled += 1;
            bits &= (1 << count) - 1;
        }
    }
    (filled == N && bits == 0).then_some(bytes)
}

fn base64_value(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

fn parse_crc64(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((text, 10), |digits| (digits, 16));
    // `from_str_radix` also accepts a sign.
    let plain = digits.chars().all(|c| c.is_digit(radix)) && (radix == 10 || digits.len() <= 16);
    u64::from_str_radix(digits, radix).ok().filter(|_| plain)
}

/// The digests of one file, as far as they are known or wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    pub sha256: Option<Sha256>,
    pub md5: Option<Md5>,
    pub crc64: Option<Crc64>,
}

/// Digests that are computed from a file's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Algorithms {
    pub sha256: bool,
    pub md5: bool,
    pub crc64: bool,
}

/// A digest of a file that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the request's field.
    pub field: &'static str,
    /// Name of the digest, with its article.
    pub name: &'static str,
    pub expected: String,
    pub found: String,
}

impl Algorithms {
    pub fn is_empty(self) -> bool {
        self == Algorithms::default()
    }
}

impl Digests {
    pub fn is_empty(&self) -> bool {
        *self == Digests::default()
    }

    /// The algorithms of these digests.
    pub fn algorithms(&self) -> Algorithms {
        Algorithms {
            sha256: self.sha256.is_some(),
            md5: self.md5.is_some(),
            crc64: self.crc64.is_some(),
        }
    }

    /// The first of these expected digests that `found` contradicts. What `found` does not contain is not compared.
    pub fn contradicted_by(&self, found: &Digests) -> Option<Mismatch> {
        differ("expected_sha256", "the SHA-256", self.sha256, found.sha256)
            .or_else(|| differ("expected_md5", "the MD5", self.md5, found.md5))
            .or_else(|| differ("expected_crc64", "the CRC-64", self.crc64, found.crc64))
    }
}

fn differ<T: PartialEq + Display>(
    field: &'static str,
    name: &'static str,
    expected: Option<T>,
    found: Option<T>,
) -> Option<Mismatch> {
    let (expected, found) = expected.zip(found).filter(|(expected, found)| expected != found)?;
    let (expected, found) = (expected.to_string(), found.to_string());
    Some(Mismatch { field, name, expected, found })
}

#[cfg(test)]
mod tests;
