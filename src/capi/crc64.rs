//! The checksum of OSS for the files of programs.

use std::ffi::c_void;
use std::slice;

use super::guard;
use crate::model::crc64;

/// Computes the CRC-64 of OSS (CRC-64/XZ, `x-oss-hash-crc64ecma`), of bytes that may come piece by piece:
/// @code
/// uint64_t crc = 0;
/// while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
///     crc = oss_resumable_crc64(crc, buffer, length);
/// }
/// @endcode
/// A file whose checksum is oss_resumable_result_crc64() is what was downloaded, unless it was decrypted.
///
/// Thread-safe; callable at any time, in a forked child too.
///
/// @param crc the checksum of the bytes before these; 0 if there are none
/// @param data the bytes; may be NULL, which is no bytes
/// @param length number of bytes
/// @return the checksum of all bytes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_crc64(crc: u64, data: *const c_void, length: usize) -> u64 {
    if data.is_null() || length == 0 {
        return crc;
    }
    // SAFETY: not NULL, and the caller passes as many bytes as it says.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), length) };
    guard::plain(crc, || crc64::crc64(crc, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn a_checksum_is_continued_and_no_bytes_change_nothing() {
        // SAFETY: live bytes or none.
        unsafe {
            let first = oss_resumable_crc64(0, b"1234".as_ptr().cast(), 4);
            assert_eq!(oss_resumable_crc64(first, ptr::null(), 7), first);
            assert_eq!(oss_resumable_crc64(first, b"".as_ptr().cast(), 0), first);
            let all = oss_resumable_crc64(first, b"56789".as_ptr().cast(), 5);
            assert_eq!(all, 0x995D_C9BB_DF19_39FA);
        }
    }
}
