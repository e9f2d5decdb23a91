//! Looking at a download's checkpoint and throwing it away, without downloading.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::allocation::{self, c_string};
use super::client::oss_resumable_client;
use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::failure::Result;
use super::guard;
use super::handle::Handle;
use super::request::{self, oss_download_object_request};
use super::text;
use crate::checkpoint::manage::CheckpointInfo;

/// The contents of a download's checkpoint. Created by oss_resumable_checkpoint_inspect(), owned by the caller, freed
/// with oss_resumable_checkpoint_free().
///
/// Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
/// other handle is freed and after the checkpoint is removed. Strings read from it are valid until it is freed.
pub struct oss_resumable_checkpoint {
    path: CString,
    bucket: Option<CString>,
    key: Option<CString>,
    version_id: Option<CString>,
    url: Option<CString>,
    file_path: CString,
    etag: CString,
    last_modified: Option<CString>,
    object_size: u64,
    range_start: u64,
    range_length: u64,
    bytes_recorded: u64,
}

impl oss_resumable_checkpoint {
    /// A new checkpoint for the caller, who frees it.
    fn give(info: &CheckpointInfo) -> Result<*mut Self> {
        let named = |text: &String| info.url.is_none().then(|| c_string(text)).transpose();
        Ok(Box::into_raw(allocation::boxed(oss_resumable_checkpoint {
            path: c_string(info.path.as_os_str().as_bytes())?,
            bucket: named(&info.bucket)?,
            key: named(&info.key)?,
            version_id: info.version_id.as_ref().map(c_string).transpose()?,
            url: info.url.as_ref().map(c_string).transpose()?,
            file_path: c_string(info.file_path.as_os_str().as_bytes())?,
            etag: c_string(&info.etag)?,
            last_modified: info.last_modified.as_ref().map(c_string).transpose()?,
            object_size: info.object_size,
            range_start: info.range.start,
            range_length: info.range.end.saturating_sub(info.range.start),
            bytes_recorded: info.bytes_recorded,
        })?))
    }
}

/// Reads the checkpoint of the download that a request describes. Sends nothing and changes nothing.
///
/// Thread-safe. A running download may be using the checkpoint.
///
/// @param client not NULL
/// @param request the request that would be passed to the download; not NULL; its `user_data` is freed before this
/// function returns
/// @param out receives the checkpoint, to be freed with oss_resumable_checkpoint_free(), or NULL when there is none to
/// resume from; written on success only; may be NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, also without a checkpoint; ::OSS_RESUMABLE_ERR_VALIDATION, ::OSS_RESUMABLE_ERR_IO or
/// ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_inspect(
    client: *mut oss_resumable_client,
    request: *const oss_download_object_request,
    out: *mut *mut oss_resumable_checkpoint,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let (request, _progress) = request::read(request)?;
            let info = oss_resumable_client::hold(client)?.inner().inspect_checkpoint(&request)?;
            guard::output(out, || {
                info.as_ref().map_or(Ok(ptr::null_mut()), oss_resumable_checkpoint::give)
            })?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Removes the checkpoint of the download that a request describes, and its temporary file.
///
/// Thread-safe. Fails with ::OSS_RESUMABLE_ERR_BUSY while a download is using them.
///
/// @param client not NULL
/// @param request the request that would be passed to the download; not NULL; its `user_data` is freed before this
/// function returns
/// @param discarded receives 1 when there was a checkpoint, else 0; written on success only; may be NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, also without a checkpoint; ::OSS_RESUMABLE_ERR_BUSY, ::OSS_RESUMABLE_ERR_VALIDATION,
/// ::OSS_RESUMABLE_ERR_IO or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_discard(
    client: *mut oss_resumable_client,
    request: *const oss_download_object_request,
    discarded: *mut i32,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let (request, _progress) = request::read(request)?;
            let found = oss_resumable_client::hold(client)?.inner().discard_checkpoint(&request)?;
            if let Some(discarded) = discarded.as_mut() {
                *discarded = i32::from(found);
            }
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Returns the path of the checkpoint file: absolute, in the bytes of the file system.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_path(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| checkpoint.path.as_ptr())
}

/// Returns the bucket of the object that is downloaded.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL for a download from a URL, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_bucket(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        text::borrowed(checkpoint.bucket.as_deref())
    })
}

/// Returns the key of the object that is downloaded.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL for a download from a URL, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_key(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        text::borrowed(checkpoint.key.as_deref())
    })
}

/// Returns the version id of the object, as the service said or else the request.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL for a bucket without versioning,
/// and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_version_id(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        text::borrowed(checkpoint.version_id.as_deref())
    })
}

/// Returns the URL of the object, without its query.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL if bucket and key name the object, and
/// for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_url(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        text::borrowed(checkpoint.url.as_deref())
    })
}

/// Returns the path of the file that the download is to create: absolute, in the bytes of the file system.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_file_path(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        checkpoint.file_path.as_ptr()
    })
}

/// Returns the ETag of the object to which the recorded bytes belong, without quotes; a weak one as sent, `W/"…"`.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_etag(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| checkpoint.etag.as_ptr())
}

/// Returns the object's `Last-Modified`, an HTTP date.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return a string valid until the checkpoint is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_last_modified(
    checkpoint: *const oss_resumable_checkpoint,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, ptr::null(), |checkpoint| {
        text::borrowed(checkpoint.last_modified.as_deref())
    })
}

/// Returns the size of the whole object in bytes.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_object_size(
    checkpoint: *const oss_resumable_checkpoint,
) -> u64 {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, 0, |checkpoint| checkpoint.object_size)
}

/// Returns the offset in the object at which the download begins.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return an offset in bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_range_start(
    checkpoint: *const oss_resumable_checkpoint,
) -> u64 {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, 0, |checkpoint| checkpoint.range_start)
}

/// Returns the size of the finished file in bytes.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_size(
    checkpoint: *const oss_resumable_checkpoint,
) -> u64 {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, 0, |checkpoint| checkpoint.range_length)
}

/// Returns the number of bytes recorded as downloaded. They are verified against the disk when the download resumes.
///
/// Thread-safe.
///
/// @param checkpoint a checkpoint, or NULL
/// @return bytes; 0 for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_bytes_recorded(
    checkpoint: *const oss_resumable_checkpoint,
) -> u64 {
    // SAFETY: the caller passes NULL or a live checkpoint.
    guard::read(unsafe { checkpoint.as_ref() }, 0, |checkpoint| checkpoint.bytes_recorded)
}

/// Frees an object returned by oss_resumable_checkpoint_inspect() and the strings read from it. The checkpoint file
/// stays.
///
/// Any thread may call it, once.
///
/// @param checkpoint a checkpoint, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_checkpoint_free(checkpoint: *mut oss_resumable_checkpoint) {
    guard::plain((), || {
        if !checkpoint.is_null() {
            // SAFETY: it came from `give`, and the caller hands it back once.
            drop(unsafe { Box::from_raw(checkpoint) });
        }
    });
}
