//! The success of a download, as an object.

use std::ffi::{CStr, CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::OnceLock;

use super::allocation::{self, c_string};
use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::failure::{Failure, Result};
use super::guard;
use super::json;
use super::sized;
use super::status::oss_resumable_statistics;
use super::text;
use crate::model::outcome::{Outcome, Proof};

/// oss_resumable_result_proof(): the file's bytes have the CRC-64 that the service stores for the object.
pub const OSS_RESUMABLE_PROOF_OBJECT_CRC: i32 = 1;
/// oss_resumable_result_proof(): the file's bytes are those received from the network, all of one generation of the
/// object. They were not compared with a CRC-64 of the service, because it sent none, only a range was downloaded, or the
/// object was processed.
///
/// Of a processed object (`x-oss-process` in the query) it means that the file's bytes are the complete body of one
/// reply: as many as its `Content-Length` says, or all up to its last chunk. If the service sends a CRC-64 with it, that
/// is the one of the object as it is stored.
pub const OSS_RESUMABLE_PROOF_GENERATION: i32 = 2;
/// oss_resumable_result_proof(): as ::OSS_RESUMABLE_PROOF_GENERATION; the service's CRC-64 was not compared because
/// `verify_crc` is off.
pub const OSS_RESUMABLE_PROOF_NOT_COMPARED: i32 = 3;
/// oss_resumable_result_proof(): the file has the digest that the request expects (`expected_sha256`, `expected_md5`,
/// `expected_crc64`), each one if there are several. This is the strongest proof: it covers the way from whoever computed
/// the digest to this file, the service included. It is the proof also if the object's CRC-64 was compared, too.
pub const OSS_RESUMABLE_PROOF_EXPECTED_DIGEST: i32 = 4;

/// The result of a successful download. Created by the call, owned by the caller, freed with
/// oss_resumable_result_free().
///
/// Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
/// other handle is freed. Strings read from it are valid until it is freed.
pub struct oss_resumable_result {
    file_path: CString,
    etag: Option<CString>,
    version_id: Option<CString>,
    last_modified: Option<CString>,
    request_id: Option<CString>,
    headers: Vec<(CString, CString)>,
    /// Written when it is first asked for.
    json: OnceLock<CString>,
    outcome: Outcome,
}

impl oss_resumable_result {
    /// A new result for the caller, who frees it.
    pub fn give(outcome: Outcome) -> Result<*mut Self> {
        let optional = |text: &Option<String>| text.as_ref().map(c_string).transpose();
        let headers = allocation::mapped(&outcome.headers, |(name, value)| {
            Ok::<_, Failure>((c_string(name)?, c_string(value)?))
        })?;
        Ok(Box::into_raw(allocation::boxed(oss_resumable_result {
            file_path: c_string(outcome.file_path.as_os_str().as_bytes())?,
            etag: optional(&outcome.etag)?,
            version_id: optional(&outcome.version_id)?,
            last_modified: optional(&outcome.last_modified)?,
            request_id: optional(&outcome.request_id)?,
            headers,
            json: OnceLock::new(),
            outcome,
        })?))
    }

    /// `None` if there is no memory for it.
    fn json(&self) -> Option<&CStr> {
        json::cached(&self.json, |to| self.outcome.write_json(to))
    }

    fn header(&self, name: &CStr) -> Option<&CStr> {
        let wanted = name.to_bytes();
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(name, _)| name.to_bytes().eq_ignore_ascii_case(wanted))?;
        Some(value)
    }
}

/// Returns the path of the file: absolute, in the bytes of the file system.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_file_path(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| result.file_path.as_ptr())
}

/// Returns the object's ETag, without quotes; a weak one as sent, `W/"…"`.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_etag(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.etag.as_deref())
    })
}

/// Returns the version id of the downloaded object.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL for a bucket without versioning, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_version_id(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.version_id.as_deref())
    })
}

/// Returns the object's `Last-Modified`, an HTTP date.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_last_modified(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.last_modified.as_deref())
    })
}

/// Returns the request id of the first successful reply.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_request_id(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.request_id.as_deref())
    })
}

/// Returns the size of the file in bytes: the object's size, or the length of the requested range.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_size(result: *const oss_resumable_result) -> u64 {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, 0, |result| result.outcome.file_size)
}

/// Returns the size of the whole object in bytes; of a processed object (`x-oss-process`), the file's size.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_object_size(
    result: *const oss_resumable_result,
) -> u64 {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, 0, |result| result.outcome.object_size)
}

/// Returns the CRC-64/XZ of the bytes that were downloaded, as the service has them: the file's, unless they were
/// decrypted.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return the checksum; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_crc64(result: *const oss_resumable_result) -> u64 {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, 0, |result| result.outcome.crc64)
}

/// Returns the whole object's CRC-64 as sent by the service. There is none for a processed object (`x-oss-process`).
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @param crc64 receives the checksum if the service sent one; may be NULL
/// @return 1 when the service sent one, otherwise 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_object_crc64(
    result: *const oss_resumable_result,
    crc64: *mut u64,
) -> i32 {
    // SAFETY: the caller passes NULL or a live result.
    let sent = guard::read(unsafe { result.as_ref() }, None, |result| result.outcome.object_crc64);
    // SAFETY: the caller passes NULL or a writable number.
    if let (Some(sent), Some(crc64)) = (sent, unsafe { crc64.as_mut() }) {
        *crc64 = sent;
    }
    i32::from(sent.is_some())
}

/// Returns how the file was verified before success was reported.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return one of the `OSS_RESUMABLE_PROOF_…` values; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_proof(result: *const oss_resumable_result) -> i32 {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, 0, |result| match result.outcome.proof {
        Proof::ObjectCrc => OSS_RESUMABLE_PROOF_OBJECT_CRC,
        Proof::Generation => OSS_RESUMABLE_PROOF_GENERATION,
        Proof::NotCompared => OSS_RESUMABLE_PROOF_NOT_COMPARED,
        Proof::ExpectedDigest => OSS_RESUMABLE_PROOF_EXPECTED_DIGEST,
    })
}

/// Returns the number of headers in the first successful reply.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return the count; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_header_count(
    result: *const oss_resumable_result,
) -> usize {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, 0, |result| result.headers.len())
}

/// Returns the name of a header of the first successful reply, in the service's order and spelling.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @param index 0 … oss_resumable_result_header_count() − 1
/// @return a string valid until the result is freed; NULL for an index beyond the last, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_header_name(
    result: *const oss_resumable_result,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.headers.get(index).map(|(name, _)| name.as_c_str()))
    })
}

/// Returns the value of a header of the first successful reply.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @param index 0 … oss_resumable_result_header_count() − 1
/// @return a string valid until the result is freed; NULL for an index beyond the last, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_header_value(
    result: *const oss_resumable_result,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| {
        text::borrowed(result.headers.get(index).map(|(_, value)| value.as_c_str()))
    })
}

/// Returns the value of the first header with the given name, such as `x-oss-meta-author`.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @param name the header's name, compared without regard to case; may be NULL, for which there is no header
/// @return a string valid until the result is freed; NULL when there is no such header, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_header(
    result: *const oss_resumable_result,
    name: *const c_char,
) -> *const c_char {
    if name.is_null() {
        return ptr::null();
    }
    // SAFETY: not NULL; the caller passes a NUL-terminated name, and NULL or a live result.
    let (name, result) = unsafe { (CStr::from_ptr(name), result.as_ref()) };
    guard::read(result, ptr::null(), |result| text::borrowed(result.header(name)))
}

/// Reads the download's statistics.
///
/// Thread-safe.
///
/// @param result not NULL
/// @param statistics not NULL, with its `struct_size` set; filled up to that size
/// @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_stats(
    result: *const oss_resumable_result,
    statistics: *mut oss_resumable_statistics,
) -> oss_resumable_code {
    // SAFETY: the caller passes NULL or a live result, and a struct as long as it says.
    unsafe {
        guard::without_error(|| {
            let result = result
                .as_ref()
                .ok_or_else(|| Failure::validation(format_args!("the result is NULL")))?;
            sized::write(statistics, (&result.outcome.statistics).into())?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Returns the result and its statistics as one JSON object (RFC 8259), in one line:
///
/// | field | value |
/// |---|---|
/// | `file_path` | string: absolute path of the file; U+FFFD replaces what is not UTF-8 |
/// | `file_size` | number: oss_resumable_result_size() |
/// | `object_size` | number: oss_resumable_result_object_size() |
/// | `etag` | string without quotes, or null |
/// | `version_id` | string or null |
/// | `crc64` | string: oss_resumable_result_crc64(), in decimal as in `x-oss-hash-crc64ecma`, because not every JSON parser reads integers of 64 bits exactly |
/// | `object_crc64` | string as `crc64`: oss_resumable_result_object_crc64(); or null |
/// | `last_modified` | string: HTTP date; or null |
/// | `request_id` | string or null |
/// | `proof` | `"object_crc"`, `"generation"`, `"not_compared"` or `"expected_digest"`: oss_resumable_result_proof() |
/// | `headers` | array of objects with the strings `name` and `value`: those of the first successful reply, in the service's order and spelling |
/// | `statistics` | object with the fields of ::oss_resumable_statistics, except `struct_size`, as numbers |
///
/// All fields are always there. A later version may add fields.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return UTF-8 text, valid until the result is freed; NULL for NULL, and when there is no memory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_json(
    result: *const oss_resumable_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    guard::read(unsafe { result.as_ref() }, ptr::null(), |result| text::borrowed(result.json()))
}

/// Frees a result and the strings read from it. The file stays.
///
/// Any thread may call it, once for each result.
///
/// @param result a result, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_result_free(result: *mut oss_resumable_result) {
    guard::plain((), || {
        if !result.is_null() {
            // SAFETY: it came from `give`, and the caller hands it back once.
            drop(unsafe { Box::from_raw(result) });
        }
    });
}

#[cfg(test)]
mod tests;
