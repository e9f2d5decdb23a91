//! Which library this is.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use super::allocation::{self, OutOfMemory, c_string};
use super::guard;

/// Major version of this header. Compare it with oss_resumable_version(), which describes the loaded library.
pub const OSS_RESUMABLE_VERSION_MAJOR: u32 = 0;
/// Minor version of this header. Until 1.0, libraries with a different minor version are not compatible.
pub const OSS_RESUMABLE_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const OSS_RESUMABLE_VERSION_PATCH: u32 = 0;

// The header's version is the crate's.
const _: () = assert!(matches!(
    (
        u32::from_str_radix(env!("CARGO_PKG_VERSION_MAJOR"), 10),
        u32::from_str_radix(env!("CARGO_PKG_VERSION_MINOR"), 10),
        u32::from_str_radix(env!("CARGO_PKG_VERSION_PATCH"), 10),
    ),
    (
        Ok(OSS_RESUMABLE_VERSION_MAJOR),
        Ok(OSS_RESUMABLE_VERSION_MINOR),
        Ok(OSS_RESUMABLE_VERSION_PATCH),
    )
));

/// The version without those of the other libraries.
const ALONE: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a NUL inside the version"),
    };

/// Returns the versions of the loaded library and of the libraries it uses, such as
/// `0.1.0 libcurl/7.88.1 OpenSSL/3.0.19`; without memory for it, the first of them only.
///
/// Thread-safe; callable at any time.
///
/// @return a constant string, never NULL; do not free it
#[unsafe(no_mangle)]
pub extern "C" fn oss_resumable_version() -> *const c_char {
    static VERSION: OnceLock<CString> = OnceLock::new();
    guard::plain(ALONE.as_ptr(), || remembered(&VERSION).as_ptr())
}

/// Without memory, the next call tries again.
fn remembered(place: &OnceLock<CString>) -> &CStr {
    match place.get() {
        Some(version) => version,
        None => describe().map_or(ALONE, |version| place.get_or_init(|| version)),
    }
}

fn describe() -> Result<CString, OutOfMemory> {
    let curl = curl::Version::get();
    let tls = curl.ssl_version().unwrap_or("no TLS");
    let (version, curl) = (env!("CARGO_PKG_VERSION"), curl.version());
    c_string(allocation::format(format_args!("{version} libcurl/{curl} {tls}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::out_of_memory::{fail_each, note_failure};

    #[test]
    fn without_memory_the_version_is_that_of_the_library_alone() {
        let failed = fail_each(|| {
            let place = OnceLock::new();
            if remembered(&place) == ALONE {
                note_failure();
            }
            assert!(remembered(&place).to_bytes().len() > ALONE.to_bytes().len());
        });
        assert!(failed > 1);
    }

    #[test]
    fn the_version_names_the_libraries_it_runs_on() {
        // SAFETY: a constant string.
        let version = unsafe { CStr::from_ptr(oss_resumable_version()) }.to_string_lossy();
        assert!(version.starts_with(concat!(env!("CARGO_PKG_VERSION"), " libcurl/")), "{version}");
        assert!(version.contains("OpenSSL/"), "{version}");
    }
}
