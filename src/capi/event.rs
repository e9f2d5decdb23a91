//! What an event queue reports.

use super::codes::{self, OSS_RESUMABLE_OBJECTS_FAILED, OSS_RESUMABLE_OK, oss_resumable_code};
use super::sized::size_first;
use super::status::oss_resumable_status;
use crate::model::events::{DownloadEvent, EventKind};

/// oss_resumable_event: the download has begun to work.
pub const OSS_RESUMABLE_EVENT_STARTED: i32 = 1;
/// oss_resumable_event: the status of the download has changed. Changes are merged: at most ten of these a second for
/// each download.
pub const OSS_RESUMABLE_EVENT_PROGRESS: i32 = 2;
/// oss_resumable_event: the download has been paused: its connections are closed and what they brought is recorded.
/// Pauses that follow one another before the event is read are merged.
pub const OSS_RESUMABLE_EVENT_PAUSED: i32 = 3;
/// oss_resumable_event: the download has ended. The last event of each download.
pub const OSS_RESUMABLE_EVENT_ENDED: i32 = 4;

/// One event, filled in by oss_resumable_event_queue_next(); set `struct_size` first. It refers to nothing that would
/// have to be freed.
///
/// The values of a prefix download are put together from those of its objects:
/// - `phase` is ::OSS_RESUMABLE_PHASE_STARTING while the objects are listed, then ::OSS_RESUMABLE_PHASE_TRANSFERRING until
///   the end, or ::OSS_RESUMABLE_PHASE_PAUSED when a pause by oss_resumable_prefix_download_pause() is complete.
/// - `bytes_done` is that of ::oss_resumable_prefix_status, and `bytes_total` is `bytes_listed` as soon as the listing is
///   complete, before that −1. The two differ at the end if objects have failed or were replaced after they were listed.
/// - `active_connections` and `bytes_per_second` are sums over all objects; `elapsed_ms` is the time since the call that
///   started it.
/// - `contiguous_bytes` and `contiguous_resets` are 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_event {
    /// `sizeof(oss_resumable_event)`, set by the caller.
    pub struct_size: usize,
    /// `tag` of the request, or of the ::oss_resumable_prefix_request.
    pub tag: u64,
    /// One of the `OSS_RESUMABLE_EVENT_…` values. Ignore those that you do not know.
    pub kind: i32,
    /// With ::OSS_RESUMABLE_EVENT_ENDED: ::OSS_RESUMABLE_OK if the download succeeded, otherwise the code of the failure.
    /// oss_resumable_download_wait() then returns the same code at once, and the result or the error. So does
    /// oss_resumable_prefix_download_wait(); ::OSS_RESUMABLE_OBJECTS_FAILED is a success with a result. With other kinds
    /// 0.
    pub code: oss_resumable_code,
    /// As in ::oss_resumable_status, when the event was read; with ::OSS_RESUMABLE_EVENT_ENDED, at the end.
    pub bytes_done: u64,
    /// As in ::oss_resumable_status.
    pub bytes_total: i64,
    /// As in ::oss_resumable_status.
    pub phase: i32,
    /// As in ::oss_resumable_status.
    pub active_connections: u32,
    /// As in ::oss_resumable_status.
    pub bytes_per_second: u64,
    /// As in ::oss_resumable_status.
    pub eta_ms: i64,
    /// As in ::oss_resumable_status.
    pub elapsed_ms: u64,
    /// As in ::oss_resumable_status. The path of the temporary file is not here, because nothing would own the string:
    /// oss_resumable_download_status() has it.
    pub contiguous_bytes: u64,
    /// As in ::oss_resumable_status.
    pub contiguous_resets: u64,
}
size_first!(oss_resumable_event);

impl From<&DownloadEvent> for oss_resumable_event {
    fn from(event: &DownloadEvent) -> Self {
        let (kind, code) = match event.kind {
            EventKind::Started => (OSS_RESUMABLE_EVENT_STARTED, OSS_RESUMABLE_OK),
            EventKind::Progress => (OSS_RESUMABLE_EVENT_PROGRESS, OSS_RESUMABLE_OK),
            EventKind::Paused => (OSS_RESUMABLE_EVENT_PAUSED, OSS_RESUMABLE_OK),
            EventKind::Ended(Ok(())) => (OSS_RESUMABLE_EVENT_ENDED, success(event)),
            EventKind::Ended(Err(kind)) => (OSS_RESUMABLE_EVENT_ENDED, codes::from_kind(kind)),
        };
        let status = oss_resumable_status::from(&event.status);
        oss_resumable_event {
            struct_size: size_of::<Self>(),
            tag: event.tag,
            kind,
            code,
            bytes_done: status.bytes_done,
            bytes_total: status.bytes_total,
            phase: status.phase,
            active_connections: status.active_connections,
            bytes_per_second: status.bytes_per_second,
            eta_ms: status.eta_ms,
            elapsed_ms: status.elapsed_ms,
            contiguous_bytes: status.contiguous_bytes,
            contiguous_resets: status.contiguous_resets,
        }
    }
}

/// The code of a download that has succeeded.
fn success(event: &DownloadEvent) -> oss_resumable_code {
    match &event.prefix {
        Some(prefix) if prefix.counts.failed > 0 => OSS_RESUMABLE_OBJECTS_FAILED,
        _ => OSS_RESUMABLE_OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes::OSS_RESUMABLE_ERR_BUSY;
    use crate::model::error::ErrorKind;
    use crate::model::outcome::{Phase, Statistics, Status};
    use crate::model::prefix::PrefixStatus;
    use std::time::Duration;

    fn status() -> Status {
        let statistics = Statistics { elapsed: Duration::from_millis(1), ..Statistics::default() };
        Status {
            phase: Phase::Transferring,
            bytes_done: 2,
            bytes_total: Some(3),
            active_connections: 4,
            queue_position: None,
            bytes_per_second: 5,
            eta: Some(Duration::from_millis(6)),
            statistics,
            contiguous_bytes: 8,
            contiguous_resets: 9,
            temp_path: None,
        }
    }

    #[test]
    fn an_event_carries_each_value_in_its_own_field() {
        let status = status();
        for (kind, expected) in [
            (EventKind::Started, (OSS_RESUMABLE_EVENT_STARTED, 0)),
            (EventKind::Progress, (OSS_RESUMABLE_EVENT_PROGRESS, 0)),
            (EventKind::Paused, (OSS_RESUMABLE_EVENT_PAUSED, 0)),
            (EventKind::Ended(Ok(())), (OSS_RESUMABLE_EVENT_ENDED, 0)),
            (
                EventKind::Ended(Err(ErrorKind::Busy)),
                (OSS_RESUMABLE_EVENT_ENDED, OSS_RESUMABLE_ERR_BUSY),
            ),
        ] {
            let status = status.clone();
            let event =
                oss_resumable_event::from(&DownloadEvent { tag: 7, kind, status, prefix: None });
            assert_eq!((event.kind, event.code), expected);
            assert_eq!((event.tag, event.elapsed_ms, event.bytes_done), (7, 1, 2));
            assert_eq!((event.bytes_total, event.active_connections), (3, 4));
            assert_eq!((event.bytes_per_second, event.eta_ms, event.phase), (5, 6, 2));
            assert_eq!((event.contiguous_bytes, event.contiguous_resets), (8, 9));
        }
    }

    #[test]
    fn the_end_of_a_prefix_download_tells_whether_objects_have_failed() {
        for (failed, code) in [(0, OSS_RESUMABLE_OK), (1, OSS_RESUMABLE_OBJECTS_FAILED)] {
            let mut prefix = PrefixStatus::default();
            prefix.counts.failed = failed;
            let ended = |result| {
                oss_resumable_event::from(&DownloadEvent {
                    tag: 0,
                    kind: EventKind::Ended(result),
                    status: status(),
                    prefix: Some(prefix.clone()),
                })
                .code
            };
            assert_eq!(ended(Ok(())), code);
            assert_eq!(ended(Err(ErrorKind::Busy)), OSS_RESUMABLE_ERR_BUSY);
        }
    }
}
