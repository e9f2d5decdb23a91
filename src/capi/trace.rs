//! Traces of requests.

use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::net::SocketAddr;
use std::ptr;
use std::time::Instant;

use super::allocation::c_string;
use super::callbacks::UserData;
use super::scope;
use crate::model::trace::{RequestEnd, RequestTrace};

/// oss_resumable_trace_record: the request has brought everything that was asked for.
pub const OSS_RESUMABLE_END_COMPLETE: i32 = 1;
/// oss_resumable_trace_record: it has brought everything up to the byte from which an idle connection has taken over.
pub const OSS_RESUMABLE_END_SHARED: i32 = 2;
/// oss_resumable_trace_record: it was stopped because it was much slower than the others; another request continues at
/// its byte.
pub const OSS_RESUMABLE_END_SLOW: i32 = 3;
/// oss_resumable_trace_record: it was stopped because the download was paused.
pub const OSS_RESUMABLE_END_PAUSED: i32 = 4;
/// oss_resumable_trace_record: it was stopped because its connection was needed for another download of the client.
pub const OSS_RESUMABLE_END_YIELDED: i32 = 5;
/// oss_resumable_trace_record: it was stopped because nobody needs it any more: the download has ended or starts over, or
/// the bytes were there.
pub const OSS_RESUMABLE_END_STOPPED: i32 = 6;
/// oss_resumable_trace_record: the service answered with a status that brings no bytes of the object.
pub const OSS_RESUMABLE_END_REFUSED: i32 = 7;
/// oss_resumable_trace_record: the reply was not the one that was asked for, or unreadable.
pub const OSS_RESUMABLE_END_UNUSABLE: i32 = 8;
/// oss_resumable_trace_record: no connection could be made, it broke, or the body was short; see `curl_code`.
pub const OSS_RESUMABLE_END_BROKEN: i32 = 9;
/// oss_resumable_trace_record: nothing arrived for `idle_timeout_ms`.
pub const OSS_RESUMABLE_END_STALLED: i32 = 10;
/// oss_resumable_trace_record: something failed on this machine, such as a write to the file.
pub const OSS_RESUMABLE_END_FAILED: i32 = 11;

/// One HTTP request that has ended, passed to an ::oss_resumable_trace. The requests of one `slot` follow each other in
/// time, so that the slots of a download are the lines of a timeline of its connections. Times are in microseconds since
/// the call of oss_resumable_client_new(), by a clock that is never set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_trace_record {
    /// Size of this struct, set by the library. Fields beyond this size are not present.
    pub struct_size: usize,
    /// `tag` of the request that started the download.
    pub tag: u64,
    /// The connection of the download that the request had: 0 … `thread_num` − 1.
    pub slot: u32,
    /// Why it ended: one of the `OSS_RESUMABLE_END_…` values. Accept those that you do not know.
    pub end: i32,
    /// When it was handed to a transfer thread.
    pub start_us: i64,
    /// When its new connection was ready, the TLS handshake included; −1 if it had an open one or got none.
    pub connected_us: i64,
    /// When the first byte of the reply arrived; −1 without a reply.
    pub first_byte_us: i64,
    /// When the download noticed the end: what was received is stored.
    pub end_us: i64,
    /// First byte of the object that was asked for.
    pub range_start: i64,
    /// Last byte that was asked for; −1 if the request had no range or one without an end.
    pub range_end: i64,
    /// Bytes of the object that were received, without those that another connection has taken over.
    pub bytes: u64,
    /// HTTP status of the reply; 0 without one.
    pub status: i32,
    /// With ::OSS_RESUMABLE_END_BROKEN: libcurl's `CURLcode`; otherwise 0.
    pub curl_code: i32,
    /// Address and port to which the connection was made, the proxy's if there is one, such as `203.0.113.7:443` or
    /// `[2001:db8::7]:443`; NULL without a connection. Valid during the call.
    pub peer: *const c_char,
    /// `x-oss-request-id` of the reply; NULL without one, and without memory for it. Valid during the call.
    pub request_id: *const c_char,
    /// Port of this machine from which the connection was made, 0 without one. Together with `peer` it tells which
    /// requests had the same connection.
    pub local_port: u32,
    /// 1 if the connection had been opened for an earlier request, of this or another download of the client, otherwise
    /// 0.
    pub is_reused: i32,
    /// 1 for HEAD, 0 for GET.
    pub is_head: i32,
    /// 0.
    pub reserved: u32,
}

/// Receives a record for each request that was started, when it has ended and before the download ends. Runs on threads
/// of the client, possibly on several at once, for one download one after another.
///
/// `record` is valid during the call. The callback must not block for long, because the download waits for it, must not
/// start downloads or wait for them, and must not throw: a C++ exception that leaves it ends the program.
pub type oss_resumable_trace =
    Option<unsafe extern "C" fn(record: *const oss_resumable_trace_record, user_data: *mut c_void)>;

/// A sink of traces that calls `function`; `None` without one. Its times begin now.
pub fn trace_sink(
    function: oss_resumable_trace,
    user_data: UserData,
) -> Option<impl Fn(RequestTrace) + Send + Sync + 'static> {
    let function = function?;
    let clock_start = Instant::now();
    Some(move |trace: RequestTrace| {
        let peer = trace.peer.map(Address::of);
        let request_id = trace.request_id.as_deref().and_then(|id| c_string(id).ok());
        let record = oss_resumable_trace_record {
            peer: peer.as_ref().map_or(ptr::null(), |address| address.text().as_ptr()),
            request_id: request_id.as_deref().map_or(ptr::null(), CStr::as_ptr),
            ..record(&trace, clock_start)
        };
        // SAFETY: the caller's function; record and strings outlive the call.
        scope::callback(|| unsafe { function(&raw const record, user_data.pointer()) });
    })
}

/// The record without its strings.
fn record(trace: &RequestTrace, clock_start: Instant) -> oss_resumable_trace_record {
    let microseconds = |at: Instant| {
        i64::try_from(at.saturating_duration_since(clock_start).as_micros()).unwrap_or(i64::MAX)
    };
    let or_never = |at: Option<Instant>| at.map_or(-1, microseconds);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    oss_resumable_trace_record {
        struct_size: size_of::<oss_resumable_trace_record>(),
        tag: trace.tag,
        slot: trace.slot,
        end: end(trace.end),
        start_us: microseconds(trace.started),
        connected_us: or_never(trace.connected),
        first_byte_us: or_never(trace.first_byte),
        end_us: microseconds(trace.ended),
        range_start: signed(trace.range_start),
        range_end: trace.range_end.map_or(-1, signed),
        bytes: trace.bytes,
        status: i32::from(trace.status),
        curl_code: i32::try_from(trace.curl_code).unwrap_or(i32::MAX),
        peer: ptr::null(),
        request_id: ptr::null(),
        local_port: u32::from(trace.local_port),
        is_reused: i32::from(trace.is_reused),
        is_head: i32::from(trace.is_head),
        reserved: 0,
    }
}

fn end(end: RequestEnd) -> i32 {
    match end {
        RequestEnd::Complete => OSS_RESUMABLE_END_COMPLETE,
        RequestEnd::Shared => OSS_RESUMABLE_END_SHARED,
        RequestEnd::Slow => OSS_RESUMABLE_END_SLOW,
        RequestEnd::Paused => OSS_RESUMABLE_END_PAUSED,
        RequestEnd::Yielded => OSS_RESUMABLE_END_YIELDED,
        RequestEnd::Stopped => OSS_RESUMABLE_END_STOPPED,
        RequestEnd::Refused => OSS_RESUMABLE_END_REFUSED,
        RequestEnd::Unusable => OSS_RESUMABLE_END_UNUSABLE,
        RequestEnd::Broken => OSS_RESUMABLE_END_BROKEN,
        RequestEnd::Stalled => OSS_RESUMABLE_END_STALLED,
        RequestEnd::Failed => OSS_RESUMABLE_END_FAILED,
    }
}

/// The text of an address, which needs no memory.
struct Address([u8; Address::LONGEST]);

impl Address {
    /// An IPv6 address in brackets with a scope, a colon, a port and a NUL have less.
    const LONGEST: usize = 80;

    fn of(address: SocketAddr) -> Self {
        let mut text = [0; Self::LONGEST];
        let (_nul, mut room) = text.split_last_mut().unwrap_or((&mut 0, &mut []));
        // A text that did not fit would be cut.
        let _ = write!(room, "{address}");
        Address(text)
    }

    fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::ffi::CString;
    use std::time::Duration;

    fn trace(started: Instant) -> RequestTrace {
        let after = |micros| started + Duration::from_micros(micros);
        RequestTrace {
            tag: 1,
            slot: 2,
            is_head: true,
            range_start: 3,
            range_end: Some(4),
            started: after(5),
            connected: Some(after(6)),
            first_byte: Some(after(7)),
            ended: after(8),
            bytes: 9,
            status: 206,
            peer: Some(([203, 0, 113, 7], 443).into()),
            local_port: 10,
            is_reused: true,
            end: RequestEnd::Broken,
            curl_code: 56,
            request_id: Some("id".to_owned()),
        }
    }

    #[test]
    fn a_record_carries_each_value_in_its_own_field() {
        let start = Instant::now();
        let full = record(&trace(start), start);
        assert_eq!((full.tag, full.slot, full.end), (1, 2, OSS_RESUMABLE_END_BROKEN));
        assert_eq!((full.start_us, full.connected_us), (5, 6));
        assert_eq!((full.first_byte_us, full.end_us), (7, 8));
        assert_eq!((full.range_start, full.range_end, full.bytes), (3, 4, 9));
        assert_eq!((full.status, full.curl_code, full.local_port), (206, 56, 10));
        assert_eq!((full.is_reused, full.is_head, full.reserved), (1, 1, 0));
        let mut empty = trace(start);
        (empty.range_end, empty.connected, empty.first_byte) = (None, None, None);
        (empty.is_head, empty.is_reused) = (false, false);
        let empty = record(&empty, start);
        assert_eq!((empty.range_end, empty.connected_us, empty.first_byte_us), (-1, -1, -1));
        assert_eq!((empty.is_reused, empty.is_head), (0, 0));
    }

    #[test]
    fn the_strings_of_a_record_are_there_during_the_call_and_absent_ones_null() {
        unsafe extern "C" fn note(record: *const oss_resumable_trace_record, seen: *mut c_void) {
            let text = |text: *const c_char| {
                // SAFETY: NULL or a string of the library.
                (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
            };
            // SAFETY: the library's record and the test's list, both live.
            unsafe {
                let seen = &*seen.cast::<RefCell<Vec<[Option<CString>; 2]>>>();
                seen.borrow_mut().push([text((*record).peer), text((*record).request_id)]);
            }
        }
        let seen = RefCell::new(Vec::<[Option<CString>; 2]>::new());
        let data = UserData::new(ptr::from_ref(&seen).cast_mut().cast(), None);
        let sink = trace_sink(Some(note), data).expect("a function");
        let mut shown = trace(Instant::now());
        sink(shown.clone());
        shown.peer = Some("[2001:db8::7]:443".parse().expect("an address"));
        sink(shown.clone());
        (shown.peer, shown.request_id) = (None, None);
        sink(shown);
        let [id, first, second] = ["id", "203.0.113.7:443", "[2001:db8::7]:443"]
            .map(|text| Some(CString::new(text).expect("no NUL")));
        assert_eq!(*seen.borrow(), [[first, id.clone()], [second, id], [None, None]]);
    }

    #[test]
    fn the_longest_address_fits() {
        let address = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535";
        let text = Address::of(address.parse().expect("an address"));
        let again: SocketAddr = text.text().to_str().expect("UTF-8").parse().expect("an address");
        assert_eq!(again, address.parse().expect("an address"));
    }
}
