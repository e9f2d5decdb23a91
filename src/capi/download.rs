//! Downloads: in one call, or as a handle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::callbacks::Progress;
use super::client::oss_resumable_client;
use super::codes::{OSS_RESUMABLE_OK, OSS_RESUMABLE_WAIT_TIMEOUT, oss_resumable_code};
use super::counted::Counted;
use super::error_object::oss_resumable_error;
use super::failure::Failure;
use super::guard;
use super::handle::{Birthplace, Handle};
use super::request::{self, oss_download_object_request};
use super::result::oss_resumable_result;
use super::scope::{self, Next, Release};
use super::sized;
use super::status::oss_resumable_status;
use crate::download::Download;
use crate::model::error;
use crate::model::outcome::{Outcome, Status};

/// One transfer, running or ended.
///
/// Thread-safe: several threads may wait for it, query it or cancel it at the same time; oss_resumable_download_free()
/// must be the last call. It may outlive the handle of its client.
pub struct oss_resumable_download {
    download: Download,
    progress: Progress,
    // Set by a `_free` inside a callback, so that a wait in progress ends.
    closing: AtomicBool,
    next: Next,
    birthplace: Birthplace,
}

impl Handle for oss_resumable_download {
    const NAME: &'static str = "oss_resumable_download";

    fn birthplace(&self) -> Birthplace {
        self.birthplace
    }
}

impl Release for oss_resumable_download {
    fn next(&self) -> &Next {
        &self.next
    }
}

impl oss_resumable_download {
    fn wait(&self, timeout: Option<Duration>) -> Option<error::Result<Outcome>> {
        if !self.progress.is_wanted() {
            return self.download.wait(timeout);
        }
        self.download.wait_with(timeout, &mut |status: &Status| {
            self.progress.show(&status.into()) && !self.closing.load(Ordering::Acquire)
        })
    }
}

/// Downloads an object to a file: resumes an earlier run if possible, fetches the missing bytes, verifies the file and
/// renames it to its target. Returns when that is done or has failed. Success means that the file is byte for byte the
/// object.
///
/// Thread-safe; several downloads may run at once. `progress` of the request runs on this thread. Must not be called
/// inside a callback that runs on one of the library's threads.
///
/// On failure the file at `file_path` is unchanged, with the exception described at `flush`. The checkpoint, if there is
/// one, is kept so that the next call can resume, except after ::OSS_RESUMABLE_ERR_OBJECT_CHANGED and the error codes
/// `CrcCheckError`, `DiskCorruption` and `FlushError`. After ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY the download may have ended
/// without memory for its result or its error: if it has succeeded, the file is there, complete and verified. With
/// oss_resumable_download_start() and oss_resumable_download_wait(), nothing is lost.
///
/// @param client not NULL
/// @param request not NULL; everything is copied
/// @param out receives the result, to be freed with oss_resumable_result_free(); written on success only; may be
/// NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_object(
    client: *mut oss_resumable_client,
    request: *const oss_download_object_request,
    out: *mut *mut oss_resumable_result,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let (request, progress) = request::read(request)?;
            let client = oss_resumable_client::hold(client)?;
            scope::may_wait()?;
            let outcome = if progress.is_wanted() {
                client.inner().download_with(&request, &mut |status: &Status| {
                    progress.show(&status.into()) && !client.is_closing()
                })?
            } else {
                client.inner().download(&request)?
            };
            guard::output(out, || oss_resumable_result::give(outcome))?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Starts a download as oss_resumable_download_object() does, and returns immediately with a handle to it. If the client
/// runs as many downloads as it may (`max_active_downloads`), the download is queued: it has no thread, its phase is
/// ::OSS_RESUMABLE_PHASE_QUEUED, and it can be cancelled and freed as any other.
///
/// ::OSS_RESUMABLE_ERR_BUSY if this process has a download to the same file, running or queued, and for a download that
/// is queued also if another process works on its files. Otherwise oss_resumable_download_wait() reports it if another
/// process does when the download starts. With ::OSS_RESUMABLE_BUSY_WAIT in `when_busy` of the request the download waits
/// instead; it is queued while it waits for one of this process.
///
/// Thread-safe. `progress` of the request runs only inside oss_resumable_download_wait(). `user_data_free` of the
/// request is called when the handle is freed, or before this function returns when it fails.
///
/// @param client not NULL
/// @param request not NULL; everything is copied
/// @param out receives the handle, to be freed with oss_resumable_download_free(); written on success only; NULL: the
/// download is cancelled immediately
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes; later failures are reported by
/// oss_resumable_download_wait()
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_start(
    client: *mut oss_resumable_client,
    request: *const oss_download_object_request,
    out: *mut *mut oss_resumable_download,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let (request, progress) = request::read(request)?;
            let client = oss_resumable_client::hold(client)?;
            // Nothing is started without memory for its handle.
            let handle = Counted::with(|| {
                Ok::<_, Failure>(oss_resumable_download {
                    download: client.inner().start(&request)?,
                    progress,
                    closing: AtomicBool::new(false),
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

/// Waits until a download has ended.
///
/// Thread-safe; may be called again, also after the end: each success returns a new result, each failure a new error.
/// After ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY, for which the download is not the reason, another call returns how it ended.
/// `progress` of the request runs on this thread. Must not be called inside a callback that runs on one of the
/// library's threads.
///
/// @param download not NULL
/// @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
/// @param out receives the result, to be freed with oss_resumable_result_free(); written on success only; may be
/// NULL
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK when the download succeeded; ::OSS_RESUMABLE_WAIT_TIMEOUT when the time-out expired
/// first, in which case no output is written; otherwise the code of the failure
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_wait(
    download: *mut oss_resumable_download,
    timeout_ms: i64,
    out: *mut *mut oss_resumable_result,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let download = oss_resumable_download::hold(download)?;
            scope::may_wait()?;
            let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            match download.wait(timeout) {
                None => Ok(OSS_RESUMABLE_WAIT_TIMEOUT),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(outcome)) => {
                    guard::output(out, || oss_resumable_result::give(outcome))?;
                    Ok(OSS_RESUMABLE_OK)
                }
            }
        })
    }
}

/// Reads the status of a download. Never waits for the network or the disk.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @param snapshot not NULL, with its `struct_size` set; filled up to that size
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_status(
    download: *mut oss_resumable_download,
    snapshot: *mut oss_resumable_status,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download, and a struct as long as it says.
    unsafe {
        guard::without_error(|| {
            let download = oss_resumable_download::hold(download)?;
            sized::write(snapshot, (&download.download.status()).into())?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Cancels a download, which then ends with ::OSS_RESUMABLE_ERR_CANCELLED. Returns immediately. The download ends within
/// 100 ms, whatever it waits for, or as soon as the disk has done the one call that is running; a queued download has
/// ended when the call returns. The checkpoint, if there is one, is kept. Has no effect on a download that has ended.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_cancel(
    download: *mut oss_resumable_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        guard::without_error(|| {
            oss_resumable_download::hold(download)?.download.cancel();
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Pauses a download until oss_resumable_download_resume() is called. Returns immediately. Has no effect on a download
/// that is paused or has ended.
///
/// Within a second its connections are closed and what they brought is stored and recorded; then the phase is
/// ::OSS_RESUMABLE_PHASE_PAUSED. Connections that it no longer used stay open while other downloads of the client may
/// use them. The files stay locked. A request without a reply is sent again after the pause, and a
/// verification of the file goes on where it stopped. A flush and a rename that have begun are completed. An object that
/// is fetched in one stream, because it is processed or because the service ignores ranges or sends no ETag, starts over
/// after the pause. The time paused counts against no limit but `deadline_ms`. oss_resumable_download_wait() goes on
/// waiting, and oss_resumable_download_cancel() works at once.
///
/// A queued download is paused at once, and returns to its place in the queue when it is resumed. One that has started
/// still counts as one of the client's active downloads, but gives its connections to the others.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_pause(
    download: *mut oss_resumable_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        guard::without_error(|| {
            oss_resumable_download::hold(download)?.download.pause();
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Ends oss_resumable_download_pause(): the download goes on at its byte, unless its client is paused. Credentials that
/// have expired meanwhile are asked for anew. Returns immediately.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_resume(
    download: *mut oss_resumable_download,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        guard::without_error(|| {
            oss_resumable_download::hold(download)?.download.resume();
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Sets the bandwidth limit of a download, over all its connections, from now on. The limit of its client applies as
/// well.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @param bytes_per_second body bytes per second; 0: no limit
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_set_bandwidth(
    download: *mut oss_resumable_download,
    bytes_per_second: u64,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        guard::without_error(|| {
            oss_resumable_download::hold(download)?.download.set_bandwidth(bytes_per_second);
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Changes the priority of a download, which counts while it is queued: among the downloads of its new priority, its place
/// is that of its call. Has no effect on a download that has started.
///
/// Thread-safe; callable inside callbacks.
///
/// @param download not NULL
/// @param priority as `priority` of oss_download_object_request
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_set_priority(
    download: *mut oss_resumable_download,
    priority: i32,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live download.
    unsafe {
        guard::without_error(|| {
            oss_resumable_download::hold(download)?.download.set_priority(priority);
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Frees a download's handle. A running download is cancelled first, and the call waits for its end; its checkpoint is
/// kept.
///
/// Any thread may call it, once, before or after its client is freed. When called inside a callback it returns
/// immediately, and the handle is freed after the callback. In a forked child it does nothing.
///
/// @param download a download, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_download_free(download: *mut oss_resumable_download) {
    guard::plain((), || {
        // SAFETY: the caller passes NULL or a live download that it does not use again.
        if let Some(download) = unsafe { oss_resumable_download::take(download) } {
            free(download);
        }
    });
}

fn free(download: Counted<oss_resumable_download>) {
    download.closing.store(true, Ordering::Release);
    download.download.cancel();
    scope::after_callbacks(download);
}
