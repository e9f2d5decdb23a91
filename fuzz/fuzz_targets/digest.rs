//! Texts of expected digests: any text is read or refused with an error that fits on one line, and what is read is
//! written and read again as the same digest.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use oss_resumable::Error;
use oss_resumable::fuzzing::digest::{Crc64, Md5, Sha256};

fuzz_target!(|text: &str| {
    read::<Sha256>(text, 32, &["sha256:", "sha256-"]);
    read::<Md5>(text, 16, &["md5:", "md5-"]);
    read::<Crc64>(text, 8, &[]);
});

fn read<T: FromStr<Err = Error> + Display + Debug + PartialEq>(
    text: &str,
    bytes: usize,
    prefixes: &[&str],
) {
    match text.parse::<T>() {
        Ok(digest) => {
            assert_eq!(digest.to_string().parse::<T>().expect("its own spelling"), digest);
            let bare = text.trim_ascii();
            let bare = prefixes.iter().find_map(|prefix| bare.strip_prefix(prefix)).unwrap_or(bare);
            assert!(bare.len() == 2 * bytes || bare.len() == bytes.div_ceil(3) * 4 || bytes == 8);
            assert!(bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
        }
        Err(error) => {
            assert_eq!(error.code(), "ValidateError");
            let message = error.message();
            assert!(message.len() < 2000 && !message.chars().any(char::is_control), "{message:?}");
        }
    }
}
