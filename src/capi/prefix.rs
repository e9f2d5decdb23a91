//! Prefix downloads: in one call, or as a handle.

use std::time::Duration;

use super::client::oss_resumable_client;
use super::codes::{
    OSS_RESUMABLE_OBJECTS_FAILED, OSS_RESUMABLE_OK, OSS_RESUMABLE_WAIT_TIMEOUT, oss_resumable_code,
};
use super::counted::Counted;
use super::error_object::oss_resumable_error;
use super::failure::{Failure, Result};
use super::guard;
use super::handle::{Birthplace, Handle};
use super::prefix_request::{self, oss_resumable_prefix_request};
use super::prefix_result::oss_resumable_prefix_result;
use super::prefix_status::oss_resumable_prefix_status;
use super::scope::{self, Next, Release};
use super::sized;
use crate::prefix::{PrefixDownload, PrefixOutcome};

/// One prefix download, running or ended.
///
/// Thread-safe: several threads may wait for it, query it or cancel it at the same time; oss_resumable_prefix_download_free() must
/// be the last call. It may outlive the handle of its client.
pub struct oss_resumable_prefix_download {
    download: PrefixDownload,
    next: Next,
    birthplace: Birthplace,
}

impl Handle for oss_resumable_prefix_download {
    const NAME: &'static str = "oss_resumable_prefix_download";

    fn birthplace(&self) -> Birthplace {
        self.birthplace
    }
}

impl Release for oss_resumable_prefix_download {
    fn next(&self) -> &Next {
        &self.next
    }
}

/// Gives the caller the result; returns the code that says whether it is complete.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn give(
    out: *mut *mut oss_resumable_prefix_result,
    outcome: PrefixOutcome,
) -> Result<oss_resumable_code> {
    let is_complete = outcome.is_complete();
    // SAFETY: this function's contract.
    unsafe { guard::output(out, || oss_resumable_prefix_result::give(outcome)) }?;
    Ok(if is_complete { OSS_RESUMABLE_OK } else { OSS_RESUMABLE_OBJECTS_FAILED })
}

/// Downloads every object whose key has a prefix into a directory. Returns when that is done. Requires the permissions
/// `oss:ListObjects` and `oss:GetObject`.
///
/// First all objects are listed, which takes about 150 bytes of memory for each besides its key; nothing is written before.
/// Each object is then downloaded as by oss_resumable_download_start(), with a checkpoint: through the client's queue and
/// within its limits. Not all are queued at once: those that were started otherwise take their turns in between.
///
/// An object that fails does not stop the others: the result tells what became of each. The download as a whole fails if the
/// objects cannot be listed, if it is cancelled or its deadline passes, and if the client is freed or its requests are
/// disabled.
///
/// The *manifest* records the files that are complete. A later call fetches only what is missing: objects that are new, that
/// have another size or ETag (or CRC-64, if the listing says one) than when they were downloaded, and the damaged parts of
/// files that have changed on the disk. A file counts as unchanged if size, modification time and inode are those that it was
/// left with; `verify` of the request reads it. A change within the resolution of the file system's clock, a few milliseconds
/// after a download has ended, is found only with `verify`. Files of objects that are not there any more are not deleted. A
/// file that no record tells of is compared with its object's checksum. Objects that are symbolic links are fetched each
/// time, because the listing does not show whether their targets have changed.
///
/// ::OSS_RESUMABLE_ERR_BUSY if another run downloads to the same directory.
///
/// Thread-safe. Must not be called inside a callback that runs on one of the library's threads.
///
/// @param client not NULL
/// @param request not NULL; everything is copied
/// @param out receives the result, to be freed with oss_resumable_prefix_result_free(); written on ::OSS_RESUMABLE_OK and
/// ::OSS_RESUMABLE_OBJECTS_FAILED; may be NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK if every object is there; ::OSS_RESUMABLE_OBJECTS_FAILED if some are not, in which case there is
/// a result and no error; otherwise one of the `OSS_RESUMABLE_ERR_…` codes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_prefix(
    client: *mut oss_resumable_client,
    request: *const oss_resumable_prefix_request,
    out: *mut *mut oss_resumable_prefix_result,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let request = prefix_request::read(request)?;
            let client = oss_resumable_client::hold(client)?;
            scope::may_wait()?;
            give(out, client.inner().download_prefix(&request)?)
        })
    }
}

/// Starts a prefix download as oss_resumable_download_prefix() does, and returns with a handle to it.
///
/// Thread-safe.
///
/// @param client not NULL
/// @param request not NULL; everything is copied
/// @param out receives the handle, to be freed with oss_resumable_prefix_download_free(); written on success only; NULL: the
/// download is cancelled immediately
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes; later failures are reported by
/// oss_resumable_prefix_download_wait()
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_start(
    client: *mut oss_resumable_client,
    request: *const oss_resumable_prefix_request,
    out: *mut *mut oss_resumable_prefix_download,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let request = prefix_request::read(request)?;
            let client = oss_resumable_client::hold(client)?;
            // Nothing is started without memory for its handle.
            let handle = Counted::with(|| {
                Ok::<_, Failure>(oss_resumable_prefix_download {
                    download: client.inner().start_prefix(&request)?,
                    next: Next::default(),
                    birthplace: Birthplace::here(),
                })
            })?;
            if out.is_null() {
                free(handle);
            } else {
                *out = handle.into_raw();
            }
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Waits until a prefix download has ended.
///
/// Thread-safe; may be called again, also after the end: each success gives a new result, each failure a new error. Must not
/// be called inside a callback that runs on one of the library's threads.
///
/// @param download not NULL
/// @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
/// @param out receives the result, to be freed with oss_resumable_prefix_result_free(); written on ::OSS_RESUMABLE_OK and
/// ::OSS_RESUMABLE_OBJECTS_FAILED; may be NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return as oss_resumable_download_prefix(); ::OSS_RESUMABLE_WAIT_TIMEOUT when the time-out expired first, in which case no
/// output is written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_wait(
    download: *mut oss_resumable_prefix_download,
    timeout_ms: i64,
    out: *mut *mut oss_resumable_prefix_result,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let download = oss_resumable_prefix_download::hold(download)?;
            scope::may_wait()?;
            let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            match download.download.wait(timeout) {
                None => Ok(OSS_RESUMABLE_WAIT_TIMEOUT),
                Some(ended) => give(out, ended?),
            }
        })
    }
}

/// Makes a call that has no error object.
///
/// # Safety
/// `download` is NULL or live.
unsafe fn with(
    download: *mut oss_resumable_prefix_download,
    call: impl FnOnce(&PrefixDownload) -> Result<()>,
) -> oss_resumable_code {
    // SAFETY: this function's contract.
    unsafe {
        guard::without_error(|| {
            call(&oss_resumable_prefix_download::hold(download)?.download)?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Reads the status of a prefix download. Never waits for the network or the disk.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @param snapshot not NULL, with its `struct_size` set; filled up to that size
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_status(
    download: *mut oss_resumable_prefix_download,
    snapshot: *mut oss_resumable_prefix_status,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download, and a struct as long as it says.
    unsafe { with(download, |download| sized::write(snapshot, (&download.status()).into())) }
}

/// Pauses the downloads of all objects until oss_resumable_prefix_download_resume() is called; see oss_resumable_download_pause(). A
/// listing that has begun is completed. Returns immediately.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_pause(
    download: *mut oss_resumable_prefix_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        with(download, |download| {
            download.pause();
            Ok(())
        })
    }
}

/// Ends oss_resumable_prefix_download_pause().
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_resume(
    download: *mut oss_resumable_prefix_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        with(download, |download| {
            download.resume();
            Ok(())
        })
    }
}

/// Cancels a prefix download, which then ends with ::OSS_RESUMABLE_ERR_CANCELLED. Returns immediately. What is complete stays,
/// and checkpoints are kept.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_cancel(
    download: *mut oss_resumable_prefix_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        with(download, |download| {
            download.cancel();
            Ok(())
        })
    }
}

/// Frees a prefix download. If it is running, cancels it and waits for its end; checkpoints are kept.
///
/// Any thread may call it, once, before or after its client is freed. When called inside a callback it returns immediately,
/// and the handle is freed after the callback. In a forked child it does nothing.
///
/// @param download a prefix download, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_download_free(
    download: *mut oss_resumable_prefix_download,
) {
    guard::plain((), || {
        // SAFETY: the caller passes NULL or a live download that it does not use again.
        if let Some(download) = unsafe { oss_resumable_prefix_download::take(download) } {
            free(download);
        }
    });
}

fn free(download: Counted<oss_resumable_prefix_download>) {
    // A call that waits, which a callback frees, ends too.
    download.download.cancel();
    scope::after_callbacks(download);
}
