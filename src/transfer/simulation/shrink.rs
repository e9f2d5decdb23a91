//! Makes the plan of a life that breaks a promise as simple as it can be while that promise is still broken.

use std::time::{Duration, Instant};

use super::disk::DiskPlan;
use super::plan::{ClientPlan, ObjectPlan, PathPlan, Plan, RequestPlan, ServicePlan, Start, Which};
use super::universe::{Violation, play};

/// Time for it.
const AT_MOST: Duration = Duration::from_secs(20);

/// The simplest plan found that breaks the same promise in the same way.
pub fn shrink(plan: &Plan, violation: &Violation) -> Plan {
    let way = |violation: &Violation| {
        let word = violation.what.split([' ', ':']).next().unwrap_or_default().to_owned();
        (violation.promise, word)
    };
    let wanted = way(violation);
    let mut plan = plan.clone();
    let begun = Instant::now();
    loop {
        let mut simpler = candidates(&plan).into_iter().filter(|candidate| {
            let in_time = begun.elapsed() < AT_MOST;
            let violation = in_time.then(|| play(candidate, false).violation).flatten();
            violation.is_some_and(|violation| way(&violation) == wanted)
        });
        match simpler.next() {
            Some(found) => plan = found,
            None => return plan,
        }
    }
}

/// Plans that are a little simpler, those first that take much away.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut found = Vec::new();
    let mut try_with = |change: &dyn Fn(&mut Plan)| {
        let mut simpler = plan.clone();
        change(&mut simpler);
        if format!("{simpler:?}") != format!("{plan:?}") {
            found.push(simpler);
        }
    };
    for run in 0..plan.runs.len().saturating_sub(1) {
        try_with(&|plan| _ = plan.runs.remove(run));
    }
    if plan.runs.len() > 1 {
        try_with(&|plan| _ = plan.runs.pop());
    }
    for fault in 0..plan.faults.len() {
        try_with(&|plan| _ = plan.faults.remove(fault));
    }
    for change in 0..plan.changes.len() {
        try_with(&|plan| _ = plan.changes.remove(change));
    }
    try_with(&|plan| plan.service = ServicePlan::default());
    try_with(&|plan| plan.path = PathPlan::default());
    try_with(&|plan| plan.disk = DiskPlan::default());
    try_with(&|plan| plan.object = Plan::quiet(0).object);
    try_with(&|plan| plan.old_target = None);
    try_with(&|plan| plan.sdk = None);
    simpler_runs(plan, &mut try_with);
    simpler_service(plan, &mut try_with);
    simpler_path(&mut try_with);
    simpler_disk(plan, &mut try_with);
    simpler_faults(plan, &mut try_with);
    found
}

type TryWith<'a> = dyn FnMut(&dyn Fn(&mut Plan)) + 'a;

fn simpler_runs(plan: &Plan, try_with: &mut TryWith<'_>) {
    for run in 0..plan.runs.len() {
        try_with(&|plan| plan.runs[run].end = None);
        for damage in 0..plan.runs[run].damage.len() {
            try_with(&|plan| _ = plan.runs[run].damage.remove(damage));
        }
        try_with(&|plan| plan.runs[run].meanwhile.clear());
        try_with(&|plan| plan.runs[run].pauses.clear());
        for pause in 0..plan.runs[run].pauses.len() {
            try_with(&|plan| _ = plan.runs[run].pauses.remove(pause));
        }
        try_with(&|plan| plan.runs[run].occupied = None);
        try_with(&|plan| plan.runs[run].power_fails = false);
        try_with(&|plan| plan.runs[run].start = Start::After(Duration::from_secs(1)));
        try_with(&|plan| plan.runs[run].request = RequestPlan::default());
        try_with(&|plan| plan.runs[run].client = ClientPlan::default());
    }
    let requests: [fn(&mut RequestPlan, RequestPlan); 16] = [
        |request, simple| request.part_size = simple.part_size,
        |request, simple| request.thread_num = simple.thread_num,
        |request, _| request.thread_num = 1,
        |request, simple| request.checkpoint = simple.checkpoint,
        |request, _| request.range = None,
        |request, _| request.processed = None,
        |request, _| request.condition = None,
        |request, simple| (request.flush, request.preallocate) = (simple.flush, simple.preallocate),
        |request, simple| request.verify_before_rename = simple.verify_before_rename,
        |request, simple| {
            (request.keep_target, request.check_space) = (simple.keep_target, simple.check_space);
            request.set_modified_time = simple.set_modified_time;
        },
        |request, _| request.deadline = None,
        |request, _| (request.max_bandwidth, request.traffic_limit) = (0, 0),
        |request, simple| request.order = simple.order,
        |request, _| request.expects = None,
        |request, simple| request.if_different = simple.if_different,
        |request, simple| request.waits = simple.waits,
    ];
    for change in requests {
        try_with(&|plan| {
            let all = plan.runs.iter_mut();
            all.for_each(|run| change(&mut run.request, RequestPlan::default()));
        });
    }
    let clients: [fn(&mut ClientPlan, ClientPlan); 5] = [
        |client, simple| client.max_attempts = simple.max_attempts,
        |client, simple| client.verify_crc = simple.verify_crc,
        |client, simple| client.credentials = simple.credentials,
        |client, simple| client.retry = simple.retry,
        |client, simple| (client.skew, client.correct_clock) = (simple.skew, simple.correct_clock),
    ];
    for change in clients {
        try_with(&|plan| {
            let all = plan.runs.iter_mut();
            all.for_each(|run| change(&mut run.client, ClientPlan::default()));
        });
    }
}

fn simpler_service(plan: &Plan, try_with: &mut TryWith<'_>) {
    try_with(&|plan| plan.url = None);
    try_with(&|plan| plan.url.iter_mut().for_each(|url| url.redirects = None));
    try_with(&|plan| plan.url.iter_mut().for_each(|url| url.oss_ranges = false));
    for outage in 0..plan.service.outages.len() {
        try_with(&|plan| _ = plan.service.outages.remove(outage));
    }
    let changes: [fn(&mut ServicePlan, ServicePlan); 6] = [
        |service, simple| service.ignores_ranges = simple.ignores_ranges,
        |service, simple| service.refuses_etag = simple.refuses_etag,
        |service, simple| service.symlink = simple.symlink,
        |service, simple| service.think = simple.think,
        |service, simple| service.asks = simple.asks,
        |service, simple| {
            service.requests_per_second = simple.requests_per_second;
            service.active_requests = simple.active_requests;
            service.bandwidth = simple.bandwidth;
        },
    ];
    for change in changes {
        try_with(&|plan| change(&mut plan.service, ServicePlan::default()));
    }
    let changes: [fn(&mut ObjectPlan, ObjectPlan); 5] = [
        |object, simple| object.appendable = simple.appendable,
        |object, simple| object.sends_crc = simple.sends_crc,
        |object, simple| object.etag = simple.etag,
        |object, simple| object.size = simple.size,
        |object, _| object.size /= 2,
    ];
    for change in changes {
        try_with(&|plan| change(&mut plan.object, Plan::quiet(0).object));
    }
}

fn simpler_path(try_with: &mut TryWith<'_>) {
    let changes: [fn(&mut PathPlan, PathPlan); 7] = [
        |path, simple| path.round_trip = simple.round_trip,
        |path, simple| path.rate = simple.rate,
        |path, simple| path.tls = simple.tls,
        |path, _| path.uneven = None,
        |path, _| path.link = None,
        |path, _| path.dying = None,
        |path, _| path.latency = Duration::ZERO,
    ];
    for change in changes {
        try_with(&|plan| change(&mut plan.path, PathPlan::default()));
    }
}

fn simpler_disk(plan: &Plan, try_with: &mut TryWith<'_>) {
    for failure in 0..plan.disk.failures.len() {
        try_with(&|plan| _ = plan.disk.failures.remove(failure));
        try_with(&|plan| plan.disk.failures[failure].times = 1);
    }
    let changes: [fn(&mut DiskPlan); 6] = [
        |disk| (disk.trusted, disk.locks) = (true, true),
        |disk| disk.capacity = None,
        |disk| (disk.call_time, disk.flush_time) = (Duration::ZERO, Duration::ZERO),
        |disk| disk.bytes_per_second = 0,
        |disk| disk.stalls.clear(),
        |disk| disk.corrupt_writes.clear(),
    ];
    for change in changes {
        try_with(&|plan| change(&mut plan.disk));
    }
}

fn simpler_faults(plan: &Plan, try_with: &mut TryWith<'_>) {
    for index in 0..plan.faults.len() {
        let numbers = match plan.faults[index].which {
            Which::Number(_) => continue,
            Which::Between(first, last) => first..last.min(first + 8) + 1,
            Which::Every(_, first) => first..first + 8,
            Which::PerMille(_) => 0..12,
        };
        for number in numbers {
            try_with(&|plan| plan.faults[index].which = Which::Number(number));
        }
    }
}
