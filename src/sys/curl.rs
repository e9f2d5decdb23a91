//! libcurl options and information that the `curl` crate lacks, each safe to call.

use std::ffi::{c_char, c_long};
use std::ptr;

use curl::easy::Easy2;
use curl::multi::{Easy2Handle, Multi};

/// `CURLMOPT_QUICK_EXIT` (libcurl 8.21): do not wait for the threads of name lookups when a multi handle is freed.
const CURLMOPT_QUICK_EXIT: curl_sys::CURLMoption = curl_sys::CURLOPTTYPE_LONG + 21;
/// `CURLOPT_QUICK_EXIT` (libcurl 7.87): do not wait for the thread of a name lookup when a handle is removed.
const CURLOPT_QUICK_EXIT: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_LONG + 322;

/// Lets a handle be removed immediately while its name lookup is still running.
pub fn quick_exit<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives, and the option takes a long. An older libcurl returns
    // CURLE_UNKNOWN_OPTION; then a removal may be slow.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), CURLOPT_QUICK_EXIT, 1 as c_long);
    }
}

/// Lets a multi handle be freed immediately while name lookups of removed handles are still running.
pub fn quick_cleanup(multi: &Multi) {
    // SAFETY: the handle is valid while `multi` lives, and the option takes a long. An older libcurl returns
    // CURLM_UNKNOWN_OPTION, and does not wait.
    unsafe {
        curl_sys::curl_multi_setopt(multi.raw(), CURLMOPT_QUICK_EXIT, 1 as c_long);
    }
}

/// Unsets the built-in CA directory: OpenSSL would keep its certificates once for each connection.
pub fn no_ca_directory<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives; a null string resets the option.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), curl_sys::CURLOPT_CAPATH, ptr::null::<c_char>());
    }
}

/// Unsets the built-in CA file: a handshake fails if it does not exist.
pub fn no_ca_file<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives; a null string resets the option.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), curl_sys::CURLOPT_CAINFO, ptr::null::<c_char>());
    }
}

/// Pauses the reception of a body; `unpause_write` ends that. Does nothing for a transfer that has ended.
pub fn pause_receiving<H>(handle: &Easy2Handle<H>) {
    // SAFETY: the handle is valid while `handle` lives, and this is not one of its callbacks.
    unsafe {
        curl_sys::curl_easy_pause(handle.raw(), curl_sys::CURLPAUSE_RECV);
    }
}

/// The number of connections that the transfer opened.
pub fn connections_opened<H>(handle: &Easy2Handle<H>) -> u64 {
    let mut count: c_long = 0;
    // SAFETY: the handle is valid while `handle` lives, and this call writes one long.
    let code = unsafe {
        curl_sys::curl_easy_getinfo(
            handle.raw(),
            curl_sys::CURLINFO_NUM_CONNECTS,
            &mut count as *mut c_long,
        )
    };
    if code == curl_sys::CURLE_OK { u64::try_from(count).unwrap_or(0) } else { 0 }
}
