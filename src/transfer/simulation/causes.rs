//! What explains an error: something in the plan of the life that the documentation names as its cause.

use std::time::Duration;

use crate::model::error::Error;

use super::disk::Reason;
use super::plan::{CredentialsPlan, End, EtagKind, FaultKind, OutageKind, Plan, Processed, Shape};
use super::process::Process;
use super::universe::Universe;

/// Time that a run may need to notice that another one has ended.
const JUST_NOW: Duration = Duration::from_millis(100);

/// Whether the plan explains the error.
pub fn explain(universe: &Universe, process: &Process, error: &Error) -> bool {
    let plan = &universe.plan;
    let hit = |is: &dyn Fn(&FaultKind) -> bool| process.watch.borrow().hits.iter().any(is);
    let service = &plan.service;
    let disk = &plan.disk;
    let disk_fails = !disk.failures.is_empty();
    let changes = !plan.changes.is_empty();
    let shape = |fault: &FaultKind| matches!(fault, FaultKind::Shape(_));
    let refusal = |fault: &FaultKind| match fault {
        FaultKind::Refusal(refusal) => {
            refusal.code == Some(error.code()) || i64::from(refusal.status) == error.status()
        }
        _ => false,
    };
    let breaks = |fault: &FaultKind| is_of_transport(*fault);
    let network = hit(&breaks)
        || plan.path.dying.is_some()
        || service.outages.iter().any(|outage| outage.kind != OutageKind::Busy)
        || is_slow(process, plan)
        // While the disk keeps the connections waiting no byte arrives, which is what the time limits count.
        || !disk.stalls.is_empty();
    let throttles = service.requests_per_second.is_some()
        || service.active_requests.is_some()
        || service.outages.iter().any(|outage| outage.kind == OutageKind::Busy);
    let damage = plan.runs.iter().any(|run| !run.damage.is_empty() || !run.meanwhile.is_empty());
    let flips = plan.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Flip(_)));
    // Two runs write to one file.
    let shares = (!disk.locks || !disk.trusted) && universe.others_of_target(process);
    match error.code() {
        "Busy" => {
            let has_locks = disk.locks && disk.trusted;
            // Without locks, a file that has vanished counts as taken by another run.
            let vanishes = !(process.plan.meanwhile.is_empty() || has_locks);
            let others = match has_locks {
                true => was_in_use(universe, process),
                false => universe.others_of_target(process),
            };
            let others = process.plan.occupied.is_some() || others || vanishes;
            others && !(process.request.waits_if_busy() && has_locks)
        }
        "InvalidArgument" if process.plan.request.processed == Some(Processed::Error) => true,
        "Cancelled" => matches!(process.plan.end, Some(End::Cancel(_))),
        "DeadlineExceeded" => process.request.deadline.is_some(),
        "DiskFull" => {
            let full = |reason| matches!(reason, Reason::Full | Reason::Quota);
            disk.capacity.is_some() || disk.failures.iter().any(|failure| full(failure.reason))
        }
        "LocalIoError" => disk_fails || damage,
        "FlushError" => disk_fails,
        "RenameError" => disk_fails || damage || shares,
        "FileAlreadyExists" if damage => true,
        "FileAlreadyExists" => process.plan.request.keep_target,
        "CrcCheckError" => {
            flips
                || service.symlink
                || plan.faults.iter().any(|fault| shape(&fault.kind))
                || changes
        }
        "DigestMismatch" => {
            let is_wrong = process.plan.request.expects.is_some_and(|expects| !expects.right);
            is_wrong
                || flips
                || service.symlink
                || plan.faults.iter().any(|fault| shape(&fault.kind))
                || changes
        }
        // The other run may write other bytes.
        "DiskCorruption" => {
            let differs = changes || plan.faults.iter().any(|fault| shape(&fault.kind));
            let corrupts = !disk.corrupt_writes.is_empty() || disk_fails || damage;
            corrupts || (shares && (differs || flips))
        }
        "InvalidReply" => {
            hit(&shape) || hit(&|fault| *fault == FaultKind::HeadCut) || service.ignores_ranges
        }
        "ObjectChanged" => {
            changes
                || service.refuses_etag
                || hit(&shape)
                || hit(&|fault| has_status(fault, &[412, 416]))
        }
        "ConnectionBroken" => {
            network
                || throttles
                || hit(&|fault| matches!(fault, FaultKind::Refusal(_)))
                || hit(&shape)
        }
        "InvalidRange" => {
            process.plan.request.range.is_some() || changes || hit(&refusal) || hit(&shape)
        }
        "PreconditionFailed" => {
            let condition = process.plan.request.condition.is_some();
            condition
                || service.refuses_etag
                || changes
                || hit(&refusal)
                || hit(&shape)
                || plan.object.etag == EtagKind::Weak
        }
        "ServerError:304" | "NotModified" => {
            process.plan.request.condition.is_some() || hit(&refusal)
        }
        "NoSuchKey" => changes || hit(&refusal),
        "CredentialsError" => matches!(process.client.credentials, CredentialsPlan::Provider(_)),
        "UrlProviderError" => {
            plan.url.is_some() && matches!(process.client.credentials, CredentialsPlan::Provider(_))
        }
        "AccessDenied" if plan.url.is_some() => {
            let redirects = plan.url.is_some_and(|url| url.redirects.is_some());
            redirects || process.client.credentials != CredentialsPlan::Static || hit(&refusal)
        }
        "SecurityTokenExpired" => {
            process.client.credentials != CredentialsPlan::Static || hit(&refusal)
        }
        "RequestTimeTooSkewed" => process.client.skew != 0 || hit(&refusal),
        code if code.starts_with("ClientError:200") => network || hit(&shape),
        "ServiceUnavailable"
        | "QpsLimitExceeded"
        | "DownloadTrafficRateLimitExceeded"
        | "ActiveRequestLimitExceeded"
        | "SlowDown" => throttles || hit(&refusal),
        // Also with a wrong bit in its code.
        _ if process.plan.request.processed == Some(Processed::Error) => {
            flips || !disk.corrupt_writes.is_empty() || hit(&refusal)
        }
        _ => hit(&refusal),
    }
}

/// Whether another run used the target just now.
fn was_in_use(universe: &Universe, process: &Process) -> bool {
    let now = universe.now();
    universe.processes.borrow().iter().any(|other| {
        other.index != process.index
            && other.request.file_path == process.request.file_path
            && other.ended.get().is_none_or(|ended| ended + JUST_NOW >= now)
    })
}

/// Whether the time limits are so short that the path alone exceeds them.
fn is_slow(process: &Process, plan: &Plan) -> bool {
    let client = &process.client;
    let short = Duration::from_secs(9);
    let limits = [client.idle_timeout, client.no_progress_limit, client.first_byte_limit];
    limits.into_iter().flatten().any(|limit| limit < short)
        || plan
            .faults
            .iter()
            .any(|fault| matches!(fault.kind, FaultKind::SlowHead(_) | FaultKind::Delayed(_)))
}

fn is_of_transport(fault: FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::NoName
            | FaultKind::ConnectionRefused
            | FaultKind::ConnectTimeout
            | FaultKind::Handshake
            | FaultKind::NoReply
            | FaultKind::HeadCut
            | FaultKind::Silent
            | FaultKind::SlowHead(_)
            | FaultKind::Reset(_)
            | FaultKind::Short(_)
            | FaultKind::Stall(_)
            | FaultKind::Shape(Shape::Garbage | Shape::NoLength | Shape::WrongLength)
    )
}

fn has_status(fault: &FaultKind, statuses: &[u16]) -> bool {
    matches!(fault, FaultKind::Refusal(refusal) if statuses.contains(&refusal.status))
}
