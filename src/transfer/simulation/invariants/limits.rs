//! What must hold of time.

use std::time::Duration;

use crate::model::error::Error;
use crate::transfer::simulation::plan::{End, RetryPlan};
use crate::transfer::simulation::process::Process;
use crate::transfer::simulation::universe::Universe;

/// How early: bytes may come while the requests of a download that has failed are stopped.
const EARLY: Duration = Duration::from_secs(2);
/// How late a limit may be noticed.
const SLACK: Duration = Duration::from_secs(2);
/// Longest delay that a service is granted, with the jitter that is added to it, and that of a back-off.
const LONGEST_DELAY: Duration = Duration::from_secs(80);

impl Universe {
    /// An error that says that nothing came for some time is right about that, and counts no pause.
    pub(super) fn check_stall(&self, process: &Process, error: &Error) {
        let client = &process.client;
        let says = |name: &str| error.message().contains(name);
        let limit = match () {
            () if says("(first_byte_limit)") => client.first_byte_limit,
            () if says("(no_progress_limit)") => client.no_progress_limit,
            () => None,
        };
        let watch = process.watch.borrow();
        // A callback may ask for a shorter pause than the service.
        let paused_until = match client.retry {
            RetryPlan::After(..) => Duration::ZERO,
            _ => watch.not_before,
        };
        let since = watch.last_byte.max(paused_until);
        if let Some(limit) = limit
            && self.now() + EARLY < since + limit
        {
            self.violated("a stall is one", || format!("since {since:?}: {error}"));
        }
    }

    /// Every run ends within the documented limits.
    pub(super) fn check_time(&self, process: &Process) {
        let promise = "every run ends within its limits";
        let now = process.ended.get().unwrap_or_default();
        let mut watch = process.watch.borrow_mut();
        let slow_disk = SLACK + watch.busy + self.longest_writes();
        if let Some(deadline) = process.request.deadline {
            let end = process.started + deadline + slow_disk;
            if now > end {
                self.violated(promise, || format!("its deadline has passed: {now:?}, {end:?}"));
            }
        }
        if let Some(End::Cancel(after)) = process.plan.end
            && now > process.started + after + slow_disk
        {
            self.violated(promise, || format!("it was cancelled long ago: {now:?}"));
        }
        watch.longest_wait = watch.longest_wait.max(now.saturating_sub(watch.progress));
        let client = &process.client;
        let limits = [client.first_byte_limit, client.no_progress_limit, client.throttle_limit];
        let [Some(first), Some(later), Some(throttled)] = limits else { return };
        let callback = match client.retry {
            RetryPlan::After(wait, attempts) => wait * attempts,
            _ => Duration::ZERO,
        };
        let most = first.max(later) + throttled + LONGEST_DELAY + callback + slow_disk;
        if watch.longest_wait > most {
            let waited = watch.longest_wait;
            self.violated(promise, || format!("nothing came for {waited:?}, {most:?} is enough"));
        }
    }

    /// Time that writes may be queued after everything else.
    pub(super) fn longest_writes(&self) -> Duration {
        let disk = &self.plan.disk;
        let stalls: Duration = disk.stalls.iter().map(|stall| stall.time).sum();
        let writes = match disk.bytes_per_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(8.0 * 1024.0 * 1024.0 / rate as f64) * 16,
        };
        stalls + writes + disk.call_time * 200 + disk.flush_time * 4
    }
}
