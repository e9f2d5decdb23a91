//! libcurl settings and readings that the `curl` crate lacks, each safe to call.

use std::ffi::{c_char, c_long};
use std::ptr;

use curl::easy::Easy2;
use curl::multi::Easy2Handle;

/// `CURLOPT_QUICK_EXIT` (libcurl 7.87): do not wait for a name lookup's thread when a handle is removed.
const CURLOPT_QUICK_EXIT: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_LONG + 318;

/// Lets a handle go at once although its name is still being looked up.
pub fn quick_exit<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives, and the option takes a long. A libcurl that is too old
    // answers CURLE_UNKNOWN_OPTION, which costs a slow removal and nothing else.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), CURLOPT_QUICK_EXIT, 1 as c_long);
    }
}

/// Drops the built-in CA directory: OpenSSL would keep its certificates once for each connection.
pub fn no_ca_directory<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives; a null string resets the option.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), curl_sys::CURLOPT_CAPATH, ptr::null::<c_char>());
    }
}

/// Drops the built-in CA file: a handshake fails when it does not exist.
pub fn no_ca_file<H>(easy: &mut Easy2<H>) {
    // SAFETY: the handle is valid while `easy` lives; a null string resets the option.
    unsafe {
        curl_sys::curl_easy_setopt(easy.raw(), curl_sys::CURLOPT_CAINFO, ptr::null::<c_char>());
    }
}

/// How many connections the transfer had to open.
pub fn connections_opened<H>(handle: &Easy2Handle<H>) -> u64 {
    let mut count: c_long = 0;
    // SAFETY: the handle is valid while `handle` lives, and this reading writes one long.
    let code = unsafe {
        curl_sys::curl_easy_getinfo(
            handle.raw(),
            curl_sys::CURLINFO_NUM_CONNECTS,
            &mut count as *mut c_long,
        )
    };
    if code == curl_sys::CURLE_OK { u64::try_from(count).unwrap_or(0) } else { 0 }
}
