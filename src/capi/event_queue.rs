//! Event queues.

use std::os::fd::AsRawFd;
use std::time::Duration;

use super::codes::{OSS_RESUMABLE_OK, OSS_RESUMABLE_WAIT_TIMEOUT, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::event::oss_resumable_event;
use super::guard;
use super::handle::{Birthplace, Handle};
use super::scope;
use super::sized;
use crate::event_queue::EventQueue;

/// Collects the events of any number of downloads, of one or several clients, so that one thread can follow them all.
///
/// `event_queue` and `tag` of a request add the queue to a download. Each download that has been started successfully
/// then reports ::OSS_RESUMABLE_EVENT_STARTED when it begins to work, ::OSS_RESUMABLE_EVENT_PROGRESS while its status
/// changes, ::OSS_RESUMABLE_EVENT_PAUSED when a pause is complete, and ::OSS_RESUMABLE_EVENT_ENDED exactly once, as its
/// last event and after its result can be read: also if it is cancelled, and if its handle is freed while it runs. A
/// download that is cancelled before it begins to work reports its end only. Downloads by
/// oss_resumable_download_object() report as well. Events may come before oss_resumable_download_start() returns; a call
/// that fails to start a download causes none. Events of one download come in this order; starts, pauses and ends of all
/// downloads come in the order in which they happen.
///
/// `event_queue` and `tag` of ::oss_resumable_prefix_request do the same for a prefix download, which reports as one
/// download: its objects report nothing of their own. One queue may serve both.
///
/// Starts, pauses and ends are kept until they are read. Progress is not: an event shows the status at the time when it is read,
/// so a slow reader gets fewer of them. No thread serves a queue.
///
/// Thread-safe: several threads may read, and each event goes to one of them. oss_resumable_event_queue_free() must be
/// the last call, but downloads that refer to the queue may still run.
pub struct oss_resumable_event_queue {
    queue: EventQueue,
    birthplace: Birthplace,
}

impl Handle for oss_resumable_event_queue {
    const NAME: &'static str = "oss_resumable_event_queue";

    fn birthplace(&self) -> Birthplace {
        self.birthplace
    }
}

impl oss_resumable_event_queue {
    /// The Rust queue.
    pub fn inner(&self) -> &EventQueue {
        &self.queue
    }
}

/// Creates an event queue.
///
/// Thread-safe.
///
/// @param out receives the queue, to be freed with oss_resumable_event_queue_free(); written on success only; NULL: no
/// queue is created
/// @param err receives an error to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_IO if the process has no file descriptor left;
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_event_queue_new(
    out: *mut *mut oss_resumable_event_queue,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let queue = EventQueue::new()?;
            guard::output(out, || {
                Ok(oss_resumable_event_queue { queue, birthplace: Birthplace::here() }.give()?)
            })?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Takes the next event from a queue; waits for one if there is none.
///
/// Without a limit it waits also while no download reports to the queue, since another thread may start one.
///
/// Thread-safe. Inside a callback on one of the library's threads, only with a time-out of 0.
///
/// @param queue not NULL
/// @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
/// @param event not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not
/// written
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_WAIT_TIMEOUT when no event came in time; ::OSS_RESUMABLE_ERR_VALIDATION
/// for a wrong argument, in which case no event is taken; ::OSS_RESUMABLE_ERR_CANCELLED when the queue is freed
/// meanwhile, and in an exit handler that runs after the library has stopped waiting for its threads;
/// ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_event_queue_next(
    queue: *mut oss_resumable_event_queue,
    timeout_ms: i64,
    event: *mut oss_resumable_event,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live queue, and a struct as long as it says.
    unsafe {
        guard::without_error(|| {
            let handle = oss_resumable_event_queue::hold(queue)?;
            // Before an event is taken that could then not be given.
            sized::check(event)?;
            if timeout_ms != 0 {
                scope::may_wait()?;
            }
            let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            let Some(next) = handle.queue.next(timeout)? else {
                return Ok(OSS_RESUMABLE_WAIT_TIMEOUT);
            };
            sized::write(event, (&next).into())?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Returns a file descriptor for poll(2), epoll(7) and event loops such as libuv's and asyncio's, which is readable while
/// events wait and stays so until they have been read (level-triggered).
///
/// While downloads run, it may become readable without an event, at most ten times a second, so that
/// oss_resumable_event_queue_next() looks at their progress. When it is readable, call that function with a time-out of
/// 0 until it returns ::OSS_RESUMABLE_WAIT_TIMEOUT, or once for each wake-up.
///
/// The descriptor is the same for each call, and has the close-on-exec flag. The queue owns it and closes it when it is
/// freed; remove it from the event loop before. Do not read from it and do not close it.
///
/// Thread-safe.
///
/// @param queue a queue, or NULL
/// @return the descriptor; −1 for NULL and in a forked child
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_event_queue_fd(
    queue: *mut oss_resumable_event_queue,
) -> i32 {
    guard::plain(-1, || {
        // SAFETY: the caller passes NULL or a live queue.
        let Ok(handle) = (unsafe { oss_resumable_event_queue::hold(queue) }) else { return -1 };
        handle.queue.fd().map_or(-1, |fd| fd.as_raw_fd())
    })
}

/// Frees a queue and the events that wait in it. Downloads that refer to it continue, and their events are discarded.
///
/// Any thread may call it, once, before or after the downloads and clients are freed, also inside callbacks. Returns
/// immediately. In a forked child it does nothing.
///
/// @param queue a queue, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_event_queue_free(queue: *mut oss_resumable_event_queue) {
    guard::plain((), || {
        // SAFETY: the caller passes NULL or a live queue that it does not use again.
        if let Some(handle) = unsafe { Handle::take(queue) } {
            // A call on another thread may hold the handle and wait.
            handle.queue.close();
        }
    });
}
