//! Snapshots and figures of downloads.

use std::ffi::c_char;

use super::sized::size_first;
use super::text;
use crate::model::outcome::{Phase, Statistics, Status};
use crate::model::temp_path::TempPath;

/// oss_resumable_status: validating, locking, waiting for the first reply.
pub const OSS_RESUMABLE_PHASE_STARTING: i32 = 1;
/// oss_resumable_status: fetching bytes and verifying those of an earlier run, or those of an existing file
/// (::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT).
pub const OSS_RESUMABLE_PHASE_TRANSFERRING: i32 = 2;
/// oss_resumable_status: comparing checksums, flushing, renaming.
pub const OSS_RESUMABLE_PHASE_FINISHING: i32 = 3;
/// oss_resumable_status: ended successfully; the file is at its path.
pub const OSS_RESUMABLE_PHASE_SUCCEEDED: i32 = 4;
/// oss_resumable_status: ended with an error.
pub const OSS_RESUMABLE_PHASE_FAILED: i32 = 5;
/// oss_resumable_status: paused by oss_resumable_download_pause() or oss_resumable_client_pause(), in the queue or
/// later: no connection is open and nothing is read or written, until the download is resumed or cancelled.
pub const OSS_RESUMABLE_PHASE_PAUSED: i32 = 6;
/// oss_resumable_status: waiting in the client's queue until fewer than `max_active_downloads` run, or until another run
/// has ended (::OSS_RESUMABLE_BUSY_WAIT).
pub const OSS_RESUMABLE_PHASE_QUEUED: i32 = 7;

/// The statistics of an ended download. Filled in by oss_resumable_result_stats(); set `struct_size` first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_statistics {
    /// `sizeof(oss_resumable_statistics)`, set by the caller.
    pub struct_size: usize,
    /// Body bytes received from the network.
    pub bytes_from_network: u64,
    /// Bytes of an earlier run that were verified and kept.
    pub bytes_reused: u64,
    /// Bytes, received or recorded, that were discarded and fetched again.
    pub bytes_discarded: u64,
    /// HTTP requests sent.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Requests repeated because a connection could not be established.
    pub retries_connect: u64,
    /// Requests repeated because a connection broke or a body was incomplete.
    pub retries_broken: u64,
    /// Requests repeated because no byte arrived in time.
    pub retries_timeout: u64,
    /// Requests repeated because the service answered 5xx or 429.
    pub retries_service: u64,
    /// Requests repeated because credentials had expired or the clock was wrong.
    pub retries_auth: u64,
    /// Requests repeated because the object had changed or a reply was unusable.
    pub retries_reply: u64,
    /// Time from the call that started the download to its end, in milliseconds, including the time in the queue.
    pub elapsed_ms: u64,
    /// Time for which the service asked this download to wait (503, 429, `Retry-After`) or delayed its replies
    /// (`x-oss-qos-delay-time`), in milliseconds, summed over all connections.
    pub throttled_ms: u64,
}
size_first!(oss_resumable_statistics);

/// The status of a running or ended download at one moment. The counters never decrease, except `bytes_done`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_status {
    /// `sizeof(oss_resumable_status)`, set by the caller; set by the library in a callback.
    pub struct_size: usize,
    /// Bytes of the file received so far, including those of an earlier run. Decreases when bytes turn out to be wrong.
    pub bytes_done: u64,
    /// Size of the finished file in bytes; −1 until the service's first reply, and until the end if a processed object
    /// (`x-oss-process`) comes without its length.
    pub bytes_total: i64,
    /// One of the `OSS_RESUMABLE_PHASE_…` values.
    pub phase: i32,
    /// Connections that are transferring now.
    pub active_connections: u32,
    /// Body bytes received from the network.
    pub bytes_from_network: u64,
    /// Bytes of an earlier run that were verified and kept.
    pub bytes_reused: u64,
    /// Bytes, received or recorded, that were discarded and fetched again.
    pub bytes_discarded: u64,
    /// HTTP requests sent.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Repeated requests, for any reason.
    pub retries: u64,
    /// Time since the start, in milliseconds; constant after the end.
    pub elapsed_ms: u64,
    /// Body bytes per second received from the network over about the last two seconds; 0 after the end.
    pub bytes_per_second: u64,
    /// Time in milliseconds until the last byte arrives if the rate stays as it is; −1 while `bytes_total` is unknown or
    /// nothing arrives, and after a failure.
    pub eta_ms: i64,
    /// Requests repeated because a connection could not be established.
    pub retries_connect: u64,
    /// Requests repeated because a connection broke or a body was incomplete.
    pub retries_broken: u64,
    /// Requests repeated because no byte arrived in time.
    pub retries_timeout: u64,
    /// Requests repeated because the service answered 5xx or 429.
    pub retries_service: u64,
    /// Requests repeated because credentials had expired or the clock was wrong.
    pub retries_auth: u64,
    /// Requests repeated because the object had changed or a reply was unusable.
    pub retries_reply: u64,
    /// Place in the queue of the client, 1 for the download that starts next; 0: it is not queued.
    pub queue_position: u64,
    /// Number of bytes from the start of the file that are in the temporary file, so that a program can read them while
    /// the download runs: written by this run, or by an earlier one and verified. It grows at least once a second while
    /// the first missing bytes arrive; with ::OSS_RESUMABLE_ORDER_SEQUENTIAL these are fetched first.
    /// The bytes are those that the service sent, but nothing has compared them with the object's CRC-64 yet: only
    /// success proves them. Where the service cannot tell one state of the object from another, because the object may
    /// grow or the service refuses its own ETag, they may even be of two. The number decreases if bytes turn out to be
    /// useless, and each time `contiguous_resets` increases. It stays as it is after the end.
    pub contiguous_bytes: u64,
    /// Number of times that `contiguous_bytes` has decreased: the object had changed, a stream broke that cannot be
    /// resumed, or a checksum was wrong. What was read before must be read again. Bytes that were read between two
    /// statuses with the same number are those to which the first one refers.
    pub contiguous_resets: u64,
    /// Absolute path of the temporary file, in the bytes of the file system. NULL until there is one and after success,
    /// when the file is at `file_path`; one that was opened before is that file. After a failure without a checkpoint it
    /// has been removed. Do not write to the file and do not lock it.
    /// The string is valid until the download's handle is freed; in the callback of oss_resumable_download_object(),
    /// until that function returns.
    pub temp_path: *const c_char,
}
size_first!(oss_resumable_status);

impl From<&Statistics> for oss_resumable_statistics {
    fn from(figures: &Statistics) -> Self {
        oss_resumable_statistics {
            struct_size: size_of::<Self>(),
            bytes_from_network: figures.bytes_from_network,
            bytes_reused: figures.bytes_reused,
            bytes_discarded: figures.bytes_discarded,
            requests: figures.requests,
            connections: figures.connections,
            retries_connect: figures.retries_connect,
            retries_broken: figures.retries_broken,
            retries_timeout: figures.retries_timeout,
            retries_service: figures.retries_service,
            retries_auth: figures.retries_auth,
            retries_reply: figures.retries_reply,
            elapsed_ms: milliseconds(figures),
            throttled_ms: figures.throttled_ms,
        }
    }
}

impl From<&Status> for oss_resumable_status {
    fn from(status: &Status) -> Self {
        let figures = &status.statistics;
        let total = status.bytes_total.map(|total| i64::try_from(total).unwrap_or(i64::MAX));
        oss_resumable_status {
            struct_size: size_of::<Self>(),
            bytes_done: status.bytes_done,
            bytes_total: total.unwrap_or(-1),
            phase: phase(status.phase),
            active_connections: status.active_connections,
            bytes_from_network: figures.bytes_from_network,
            bytes_reused: figures.bytes_reused,
            bytes_discarded: figures.bytes_discarded,
            requests: figures.requests,
            connections: figures.connections,
            retries: retries(figures),
            elapsed_ms: milliseconds(figures),
            bytes_per_second: status.bytes_per_second,
            eta_ms: eta_ms(status),
            retries_connect: figures.retries_connect,
            retries_broken: figures.retries_broken,
            retries_timeout: figures.retries_timeout,
            retries_service: figures.retries_service,
            retries_auth: figures.retries_auth,
            retries_reply: figures.retries_reply,
            queue_position: status.queue_position.map_or(0, |place| place as u64),
            contiguous_bytes: status.contiguous_bytes,
            contiguous_resets: status.contiguous_resets,
            // The download keeps the path for as long as it is there.
            temp_path: text::borrowed(status.temp_path.as_ref().map(TempPath::as_c_str)),
        }
    }
}

/// −1 if it is unknown.
fn eta_ms(status: &Status) -> i64 {
    status.eta.map_or(-1, |eta| i64::try_from(eta.as_millis()).unwrap_or(i64::MAX))
}

fn phase(phase: Phase) -> i32 {
    match phase {
        Phase::Queued => OSS_RESUMABLE_PHASE_QUEUED,
        Phase::Starting => OSS_RESUMABLE_PHASE_STARTING,
        Phase::Transferring => OSS_RESUMABLE_PHASE_TRANSFERRING,
        Phase::Finishing => OSS_RESUMABLE_PHASE_FINISHING,
        Phase::Succeeded => OSS_RESUMABLE_PHASE_SUCCEEDED,
        Phase::Failed => OSS_RESUMABLE_PHASE_FAILED,
        Phase::Paused => OSS_RESUMABLE_PHASE_PAUSED,
    }
}

fn retries(figures: &Statistics) -> u64 {
    [
        figures.retries_connect,
        figures.retries_broken,
        figures.retries_timeout,
        figures.retries_service,
        figures.retries_auth,
        figures.retries_reply,
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

fn milliseconds(figures: &Statistics) -> u64 {
    u64::try_from(figures.elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn a_status_carries_each_figure_in_its_own_field() {
        let statistics = Statistics {
            bytes_from_network: 1,
            bytes_reused: 2,
            bytes_discarded: 3,
            requests: 4,
            connections: 5,
            retries_connect: 10,
            retries_broken: 11,
            retries_timeout: 12,
            retries_service: 13,
            retries_auth: 14,
            retries_reply: 15,
            elapsed: Duration::from_millis(6),
            ..Statistics::default()
        };
        let temp_path = TempPath::new(Path::new("/a/b.temp"));
        let status = oss_resumable_status::from(&Status {
            phase: Phase::Transferring,
            bytes_done: 7,
            bytes_total: None,
            active_connections: 8,
            bytes_per_second: 9,
            eta: None,
            queue_position: Some(16),
            statistics,
            contiguous_bytes: 17,
            contiguous_resets: 18,
            temp_path: temp_path.clone(),
        });
        // SAFETY: `temp_path` still holds the string.
        assert_eq!(unsafe { CStr::from_ptr(status.temp_path) }, c"/a/b.temp");
        let figures = [
            status.bytes_from_network,
            status.bytes_reused,
            status.bytes_discarded,
            status.requests,
            status.connections,
            status.elapsed_ms,
            status.bytes_done,
            u64::from(status.active_connections),
            status.bytes_per_second,
            status.retries_connect,
            status.retries_broken,
            status.retries_timeout,
            status.retries_service,
            status.retries_auth,
            status.retries_reply,
            status.queue_position,
            status.contiguous_bytes,
            status.contiguous_resets,
        ];
        assert_eq!(figures, std::array::from_fn(|index| index as u64 + 1));
        assert_eq!((status.bytes_total, status.eta_ms), (-1, -1));
        assert_eq!((status.retries, status.phase), (10 + 11 + 12 + 13 + 14 + 15, 2));
    }
}
