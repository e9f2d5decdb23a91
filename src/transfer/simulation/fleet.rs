//! Many processes that share a service which refuses what is too much for it.

use std::time::Duration;

use super::plan::*;
use super::universe::{Figures, Played, play};

const MB: u64 = 1_000_000;
const PROCESSES: u64 = 200;
/// What the service accepts: requests and bytes per second.
const REQUESTS: u64 = 2000;
const BANDWIDTH: u64 = 125 * MB;

/// The fleet. Its connections could bring 48 times of what the service gives.
fn fleet(size: u64, outages: &[Outage]) -> Plan {
    let mut plan = Plan::quiet(7);
    plan.object.size = size;
    plan.most_happenings = 5_000_000;
    plan.path.round_trip = Duration::from_millis(20);
    plan.path.rate = 10 * MB;
    plan.service.requests_per_second = Some(REQUESTS);
    plan.service.bandwidth = Some(BANDWIDTH);
    plan.service.refuses_traffic = true;
    plan.service.outages = outages.to_vec();
    let run = |target| {
        let start = Start::With(Duration::from_millis(2));
        let request = RequestPlan { target, part_size: 8 << 20, ..RequestPlan::default() };
        RunPlan { start, request, ..RunPlan::quiet() }
    };
    plan.runs = (0..PROCESSES as usize).map(run).collect();
    plan
}

fn all_succeed(plan: &Plan) -> Vec<Figures> {
    let Played { violation, ends, runs, .. } = play(plan, false);
    assert_eq!(violation, None);
    let failed: Vec<_> = ends.iter().filter(|end| *end != "ObjectCrc").collect();
    assert!(failed.is_empty(), "{failed:?}");
    runs
}

/// Time that all downloads take, as a multiple of that of a service without a pause that is busy all the time.
fn time(runs: &[Figures], size: u64, paused: f64) -> f64 {
    let last = runs.iter().map(|run| run.ended).max().expect("some").as_secs_f64();
    last / ((PROCESSES * size) as f64 / BANDWIDTH as f64 + paused)
}

/// The most requests in a tenth of a second of this time.
fn most_requests(runs: &[Figures], from: u64, until: u64) -> usize {
    let mut sent: Vec<u128> =
        runs.iter().flat_map(|run| &run.requests).map(|at| at.as_millis()).collect();
    sent.sort_unstable();
    let within = |start: u128| {
        let end = start + 100;
        sent.partition_point(|at| *at < end) - sent.partition_point(|at| *at < start)
    };
    (u128::from(from) * 1000..u128::from(until) * 1000)
        .step_by(10)
        .map(within)
        .max()
        .unwrap_or_default()
}

#[test]
fn two_hundred_processes_use_all_that_a_service_gives() {
    let size = 30 * MB;
    let runs = all_succeed(&fleet(size, &[]));
    let time = time(&runs, size, 0.0);
    let requests: usize = runs.iter().map(|run| run.requests.len()).sum();
    println!("{time:.3} of the ideal time, {requests} requests");
    assert!(time <= 1.1, "{time:.3} of the ideal time");
}

#[test]
fn two_hundred_processes_do_not_come_back_at_once_after_a_pause_of_the_service() {
    let size = 30 * MB;
    let (from, until) = (Duration::from_secs(10), Duration::from_secs(15));
    let outage = Outage { from, until, kind: OutageKind::Busy };
    let runs = all_succeed(&fleet(size, &[outage]));
    let time = time(&runs, size, 5.0);
    let (during, after) = (most_requests(&runs, 11, 15), most_requests(&runs, 15, 30));
    println!(
        "{time:.3} of the ideal time; requests in 0.1 s: {during} in the pause, {after} after it"
    );
    assert!(time <= 1.1, "{time:.3} of the ideal time");
    let rate = usize::try_from(REQUESTS / 10).expect("few");
    assert!(after <= rate / 2, "{after} requests in 0.1 s; the service accepts {rate}");
}
