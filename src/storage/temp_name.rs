//! Names of temporary files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The suffix that the OSS C++ SDK also appends to the target's name.
const SUFFIX: &[u8] = b".temp";

/// Digits of a random suffix.
const SUFFIX_DIGITS: usize = 16;

/// Longest name in bytes, unless the file system has a lower limit.
const NAME_MAX: usize = 255;

/// The temporary file's name for the target `name`: `<name>.temp`, or a digest of the name if that would be longer than
/// `max` bytes.
pub fn fixed(name: &OsStr, max: usize) -> OsString {
    let plain = [name.as_bytes(), SUFFIX].concat();
    if plain.len() <= max {
        return OsString::from_vec(plain);
    }
    OsString::from_vec([digest(name.as_bytes()).as_bytes(), SUFFIX].concat())
}

/// Inserts `suffix` into `fixed`, a name made by [`fixed`]: where locks cannot keep two runs apart, names must.
pub fn with_suffix(fixed: &OsStr, suffix: u64) -> OsString {
    let stem = fixed.as_bytes();
    let stem = stem.strip_suffix(SUFFIX).unwrap_or(stem);
    let tail = format!(".{suffix:016x}.temp");
    if stem.len() + tail.len() <= NAME_MAX {
        return OsString::from_vec([stem, tail.as_bytes()].concat());
    }
    OsString::from(digest(stem) + &tail)
}

/// Whether `candidate` is a name made here for the target `name`. Names from a checkpoint are checked, because a forged
/// checkpoint could otherwise make this library overwrite any file.
pub fn belongs_to(name: &OsStr, candidate: &OsStr) -> bool {
    let digest = digest(name.as_bytes());
    let is_stem = |stem: &[u8]| stem == name.as_bytes() || stem == digest.as_bytes();
    let Some(stem) = candidate.as_bytes().strip_suffix(SUFFIX) else { return false };
    is_stem(stem) || without_suffix(stem).is_some_and(is_stem)
}

fn without_suffix(stem: &[u8]) -> Option<&[u8]> {
    let (rest, suffix) = stem.split_at_checked(stem.len().checked_sub(SUFFIX_DIGITS)?)?;
    suffix.iter().all(u8::is_ascii_hexdigit).then(|| rest.strip_suffix(b"."))?
}

/// Twenty-four hexadecimal digits of the SHA-256.
fn digest(name: &[u8]) -> String {
    openssl::sha::sha256(name).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_name_is_that_of_the_sdk_or_a_short_one_if_that_is_too_long() {
        assert_eq!(fixed(OsStr::new("video.mp4"), 255), "video.mp4.temp");
        let longest = "x".repeat(250);
        assert_eq!(fixed(longest.as_ref(), 255).len(), 255);
        let short = fixed("x".repeat(251).as_ref(), 255);
        assert_eq!(short.len(), 29);
        assert_ne!(short, fixed("x".repeat(252).as_ref(), 255));
    }

    #[test]
    fn names_of_other_files_do_not_belong() {
        let name = OsStr::new("report.txt");
        for other in [
            "report.txt",
            ".temp",
            "report.temp",
            "report.txt.tmp",
            "x.temp",
            "",
            "report.txt.123.temp",
            "report.txt.zzzzzzzzzzzzzzzz.temp",
            "../report.txt.temp",
        ] {
            assert!(!belongs_to(name, other.as_ref()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_name_made_belongs_to_its_target_and_fits(
            name in prop::collection::vec(1u8..=255, 1..256), suffix: u64, max in 100usize..256
        ) {
            let name = OsString::from_vec(name);
            let fixed = fixed(&name, max);
            let random = with_suffix(&fixed, suffix);
            prop_assert!(fixed.len() <= max && random.len() <= NAME_MAX);
            prop_assert!(belongs_to(&name, &fixed) && belongs_to(&name, &random));
            prop_assert_ne!(fixed, random);
        }
    }
}
