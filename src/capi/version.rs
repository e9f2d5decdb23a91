//! Which library this is.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::guard;
use super::text;

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

/// Returns the versions of the loaded library and of the libraries it uses, such as
/// `0.1.0 libcurl/7.88.1 OpenSSL/3.0.19`.
///
/// Thread-safe; callable at any time.
///
/// @return a constant string, never NULL; do not free it
#[unsafe(no_mangle)]
pub extern "C" fn oss_resumable_version() -> *const c_char {
    static VERSION: OnceLock<CString> = OnceLock::new();
    guard::plain(c"unknown".as_ptr(), || VERSION.get_or_init(describe).as_ptr())
}

fn describe() -> CString {
    let curl = curl::Version::get();
    let tls = curl.ssl_version().unwrap_or("no TLS");
    text::owned(format!("{} libcurl/{} {tls}", env!("CARGO_PKG_VERSION"), curl.version()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn the_version_names_the_libraries_it_runs_on() {
        // SAFETY: a constant string.
        let version = unsafe { CStr::from_ptr(oss_resumable_version()) }.to_string_lossy();
        assert!(version.starts_with(concat!(env!("CARGO_PKG_VERSION"), " libcurl/")), "{version}");
        assert!(version.contains("OpenSSL/"), "{version}");
    }
}
