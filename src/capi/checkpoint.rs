//! Looking at a download's checkpoint and throwing it away, without downloading.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::client::oss_resumable_client;
use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::guard;
use super::handle::Handle;
use super::request::{self, oss_download_object_request};
use super::text;
use crate::checkpoint::manage::CheckpointInfo;

/// What the checkpoint of a download says. Made by oss_resumable_checkpoint_inspect(), owned by the caller, freed
/// with oss_resumable_checkpoint_free().
///
/// Immutable: any thread may read it, several at once; only the freeing must come last. It stays valid after
/// every other handle is freed and after the checkpoint is gone. Strings got from it are borrowed, and valid until
/// it is freed.
pub struct oss_resumable_checkpoint {
    path: CString,
    etag: CString,
    last_modified: Option<CString>,
    object_size: u64,
    range_start: u64,
    range_length: u64,
    bytes_recorded: u64,
}

impl oss_resumable_checkpoint {
    fn give(info: CheckpointInfo) -> *mut Self {
        Box::into_raw(Box::new(oss_resumable_checkpoint {
            path: text::owned(info.path.as_os_str().as_bytes()),
            etag: text::owned(info.etag),
            last_modified: info.last_modified.map(text::owned),
            object_size: info.object_size,
            range_start: info.range.start,
            range_length: info.range.end.saturating_sub(info.range.start),
            bytes_recorded: info.bytes_recorded,
        }))
    }
}

/// Tells what the checkpoint of a request's download says. Sends nothing and changes nothing.
///
/// Thread-safe. The checkpoint may be in use by a running download.
///
/// @param client not NULL
/// @param request the request that would be downloaded; not NULL; its `user_data` is freed before this returns
/// @param out receives the checkpoint, to be freed with oss_resumable_checkpoint_free(), or NULL when there is none
/// to go on from; written on success only; may be NULL
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
            guard::output(out, || info.map_or(ptr::null_mut(), oss_resumable_checkpoint::give));
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Removes the checkpoint of a request's download, and the temporary file that belongs to it.
///
/// Thread-safe. Refused with ::OSS_RESUMABLE_ERR_BUSY while a download uses them.
///
/// @param client not NULL
/// @param request the request that would be downloaded; not NULL; its `user_data` is freed before this returns
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

/// The checkpoint file: an absolute path, as the system has it.
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

/// The ETag of the object that the recorded bytes are of, without quotes.
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

/// The object's `Last-Modified`, an HTTP date.
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

/// Bytes of the whole object.
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

/// Where in the object the download begins.
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

/// Bytes of the file when the download is done.
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

/// Bytes recorded as downloaded. They are compared with the disk when the download goes on.
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

/// Frees what oss_resumable_checkpoint_inspect() gave, and the strings got from it. The checkpoint stays.
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
