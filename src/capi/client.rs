//! Clients.

use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};

use super::callbacks::{self, UserData};
use super::client_options::{self, oss_resumable_client_options};
use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::counted::Counted;
use super::error_object::oss_resumable_error;
use super::guard;
use super::handle::{Birthplace, Handle};
use super::scope::{self, Next, Release};
use super::text;
use crate::client::Client;
use crate::model::credentials::Credentials;

/// Endpoint, region, credentials, connection settings, and the threads that serve downloads.
///
/// Thread-safe: any number of threads may use one client at the same time; oss_resumable_client_free() must be the last
/// call. Create one client and share it. Its threads start with the first download and are joined when it is freed.
pub struct oss_resumable_client {
    client: Client,
    birthplace: Birthplace,
    closing: AtomicBool,
    next: Next,
    // Freed with the handle even when no callback uses it.
    _user_data: Counted<UserData>,
}

impl Handle for oss_resumable_client {
    const NAME: &'static str = "oss_resumable_client";

    fn birthplace(&self) -> Birthplace {
        self.birthplace
    }
}

impl Release for oss_resumable_client {
    fn next(&self) -> &Next {
        &self.next
    }

    fn release(&self) {
        self.client.shutdown();
    }
}

impl oss_resumable_client {
    /// The Rust client.
    pub fn inner(&self) -> &Client {
        &self.client
    }

    /// Whether it was freed inside a callback that has not ended yet.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Creates a client. Validates the options; starts no thread and sends nothing.
///
/// Thread-safe. `user_data_free` of the options is called when the client and its downloads have been freed, or before
/// this function returns when it fails.
///
/// @param options not NULL; everything is copied
/// @param out receives the client, to be freed with oss_resumable_client_free(); written on success only; NULL: the
/// options are validated and no client is created
/// @param err receives an error to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_new(
    options: *const oss_resumable_client_options,
    out: *mut *mut oss_resumable_client,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes valid options and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let (options, user_data) = client_options::read(options)?;
            let handle = oss_resumable_client {
                client: Client::new(options)?,
                birthplace: Birthplace::here(),
                closing: AtomicBool::new(false),
                next: Next::default(),
                _user_data: user_data,
            };
            guard::output(out, || Ok(handle.give()?))?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Replaces the region for requests signed from now on, including those of running downloads.
///
/// Thread-safe.
///
/// @param client not NULL
/// @param region region id such as `cn-hangzhou`; not NULL; copied
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_set_region(
    client: *mut oss_resumable_client,
    region: *const c_char,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a string, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let client = oss_resumable_client::hold(client)?;
            client.inner().set_region(&text::required(region, "region")?)?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Replaces the credentials, whatever their kind, for requests signed from now on, including those of running
/// downloads.
///
/// Thread-safe.
///
/// @param client not NULL
/// @param access_key_id not NULL; copied
/// @param access_key_secret not NULL; copied
/// @param security_token the token of temporary credentials, or NULL; copied
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_set_credentials(
    client: *mut oss_resumable_client,
    access_key_id: *const c_char,
    access_key_secret: *const c_char,
    security_token: *const c_char,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, strings, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let client = oss_resumable_client::hold(client)?;
            let key = callbacks::access_key(access_key_id, access_key_secret, security_token)?;
            client.inner().set_credentials(Credentials::Static(key))?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Sets the bandwidth limit of a client, over all its downloads, running ones included, from now on. The limits of
/// individual downloads apply as well.
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param bytes_per_second body bytes per second over all connections; 0: no limit
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_set_bandwidth(
    client: *mut oss_resumable_client,
    bytes_per_second: u64,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            oss_resumable_client::hold(client)?.inner().set_bandwidth(bytes_per_second)?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Sets the largest number of requests in flight, over all downloads of a client, from now on. If there are more, the
/// client ends the slowest ones at once and continues at their bytes later. If there are fewer connections than running
/// downloads, the newest of these wait until others have ended; they are not stalled meanwhile. A request that cannot be
/// continued, because the service sends the object as one stream, is not ended.
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param connections as `max_connections` of oss_resumable_client_options; 0: the default
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_set_max_connections(
    client: *mut oss_resumable_client,
    connections: u32,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            Handle::hold(client)?.inner().set_max_connections(connections)?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Pauses the downloads of a client, and those that are started from now on, until oss_resumable_client_resume() is
/// called. Returns immediately. oss_resumable_download_pause() describes what a pause does. A download runs when neither
/// it nor its client is paused. No queued download starts meanwhile.
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_pause(
    client: *mut oss_resumable_client,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            Handle::hold(client)?.inner().pause()?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Ends oss_resumable_client_pause(). Downloads that have been paused individually stay paused.
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_resume(
    client: *mut oss_resumable_client,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            Handle::hold(client)?.inner().resume()?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Ends a client's downloads, running and queued, with ::OSS_RESUMABLE_ERR_DISABLED and refuses new ones until
/// oss_resumable_client_enable_requests() is called. Checkpoints are kept. Listings end in the same way when they need a
/// page. Returns immediately; running downloads end
/// shortly afterwards.
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_disable_requests(
    client: *mut oss_resumable_client,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            oss_resumable_client::hold(client)?.inner().disable_requests()?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Allows downloads and listings of a client again after oss_resumable_client_disable_requests().
///
/// Thread-safe; callable inside callbacks.
///
/// @param client not NULL
/// @param err receives an error; written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_enable_requests(
    client: *mut oss_resumable_client,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            oss_resumable_client::hold(client)?.inner().enable_requests()?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Cancels the client's downloads and listings, waits for its threads to end, and frees it. Checkpoints are kept.
///
/// Handles of its downloads and listings stay valid and must be freed separately, before or after this call; the downloads have
/// ended. Any thread may call it, once. When called inside a callback it returns immediately, and the client is freed
/// after the callback. In a forked child it does nothing, and the memory of the client is not released.
///
/// @param client a client, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_client_free(client: *mut oss_resumable_client) {
    guard::plain((), || {
        // SAFETY: the caller passes NULL or a live client that it does not use again.
        if let Some(client) = unsafe { oss_resumable_client::take(client) } {
            client.closing.store(true, Ordering::Release);
            scope::after_callbacks(client);
        }
    });
}
