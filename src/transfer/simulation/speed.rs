//! How fast downloads are that find their number of connections, compared with those that have the best fixed number.

use std::time::Duration;

use super::plan::*;
use super::universe::{Figures, Played, play};

const MB: u64 = 1_000_000;
/// The most that finding the number may cost.
const MOST_TIME: f64 = 1.1;
/// By then the number is found.
const SETTLED: Duration = Duration::from_secs(5);
/// The fewest connections with which a download takes at most this longer than the shortest time are the best number.
const AS_FAST: f64 = 1.01;
/// Numbers that are tried.
const NUMBERS: [u32; 12] = [1, 2, 3, 4, 5, 6, 8, 12, 16, 32, 50, 64];

/// An object and a path of 100 MB/s to it; one connection has `rate`.
fn path(round_trip: u64, rate: u64) -> Plan {
    let mut plan = Plan::quiet(1);
    plan.object.size = 4000 * MB;
    plan.most_happenings = 2_000_000;
    plan.path.round_trip = Duration::from_millis(round_trip);
    plan.path.rate = rate * MB;
    plan.path.link = Some(100 * MB);
    plan.path.burst = Duration::from_millis(40);
    plan.runs[0].request.part_size = 8 << 20;
    plan
}

/// Downloads with up to this number of connections, or with just as many.
fn download(plan: &Plan, thread_num: u32, auto_concurrency: bool) -> Figures {
    let mut plan = plan.clone();
    for run in &mut plan.runs {
        (run.request.thread_num, run.request.auto_concurrency) = (thread_num, auto_concurrency);
    }
    let Played { violation, mut runs, ends, .. } = play(&plan, false);
    assert_eq!(violation, None);
    assert!(ends.iter().all(|end| end == "ObjectCrc"), "{ends:?}");
    runs.pop().expect("a run")
}

/// The best fixed number and its time.
fn best(plan: &Plan) -> (u32, f64) {
    let is_long = std::env::var("TEST_EFFORT").is_ok_and(|effort| effort == "long");
    let numbers = if is_long { (1..=64).collect() } else { NUMBERS.to_vec() };
    let mut shortest = f64::INFINITY;
    let mut times = Vec::new();
    for number in numbers.into_iter().rev() {
        let alone = plan.object.size as f64 / (plan.path.rate * u64::from(number)) as f64;
        if alone > shortest * AS_FAST {
            // It cannot be among the best.
            continue;
        }
        let time = download(plan, number, false).seconds();
        shortest = shortest.min(time);
        times.push((number, time));
    }
    let as_fast = times.into_iter().filter(|(_, time)| *time <= shortest * AS_FAST);
    as_fast.min_by_key(|(number, _)| *number).expect("a time")
}

impl Figures {
    fn seconds(&self) -> f64 {
        (self.ended - self.started).as_secs_f64()
    }

    /// The most connections at once within a time.
    fn most_within(&self, from: Duration, until: Duration) -> u32 {
        let within = self.connections.iter().filter(|(at, _)| (from..until).contains(at));
        let before = self.connections.iter().rfind(|(at, _)| *at < from);
        within.chain(before).map(|(_, number)| *number).max().unwrap_or_default()
    }

    /// The most connections in each two seconds after the number was found, without the last seconds, in which there is
    /// not enough left for all of them.
    fn settled(&self) -> Vec<u32> {
        let seconds = (SETTLED.as_secs()..self.ended.as_secs().saturating_sub(4)).step_by(2);
        let from = seconds.map(Duration::from_secs);
        from.map(|from| self.most_within(from, from + Duration::from_secs(2))).collect()
    }
}

/// What must hold of every path.
fn check(plan: &Plan, name: &str) {
    let (number, time) = best(plan);
    let figures = download(plan, 64, true);
    let took = figures.seconds() / time;
    let most = figures.most_within(Duration::ZERO, Duration::MAX);
    // The benchmark reads this line.
    println!("auto_concurrency, {name}: {took:.3}");
    println!("{name}: the best number is {number}, up to {most} connections were used");
    assert!(took <= MOST_TIME, "{name}: {took:.3} of the time with {number} connections");
    assert!(most <= (number * 3).div_ceil(2), "{name}: up to {most} instead of {number}");
    // One more now and then is a try.
    let settled = figures.settled();
    let (least, usual) = (settled.iter().min().copied(), median(&settled));
    let tried = usual + (usual / 8).max(1);
    assert!(least >= Some(usual - usual / 8), "{name}: not stable: {settled:?}");
    assert!(settled.iter().all(|n| *n <= tried), "{name}: not stable: {settled:?}");
    let tries = settled.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(tries <= 2 + settled.len() / 5, "{name}: to and fro: {settled:?}");
}

fn median(numbers: &[u32]) -> u32 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[test]
fn connections_of_2_mb_a_second_are_as_many_as_fill_the_path() {
    [10, 40, 200].into_iter().for_each(|ms| check(&path(ms, 2), &format!("{ms} ms, 2 MB/s")));
}

#[test]
fn connections_of_20_mb_a_second_are_as_many_as_fill_the_path() {
    [10, 40, 200].into_iter().for_each(|ms| check(&path(ms, 20), &format!("{ms} ms, 20 MB/s")));
}

#[test]
fn a_path_that_one_connection_fills_gets_no_second_one_for_long() {
    [10, 40, 200].into_iter().for_each(|ms| check(&path(ms, 100), &format!("{ms} ms, 100 MB/s")));
}

#[test]
fn a_service_that_refuses_more_connections_gets_as_many_as_it_accepts() {
    let mut plan = path(40, 20);
    plan.service.active_requests = Some(4);
    check(&plan, "throttled");
}

#[test]
fn a_service_that_delays_its_replies_gets_no_more_connections() {
    let mut plan = path(40, 20);
    plan.service.bandwidth = Some(50 * MB);
    check(&plan, "slowed");
}

#[test]
fn connections_of_which_some_are_slow_fill_the_path() {
    let mut plan = path(40, 20);
    plan.path.uneven = Some((3, 10));
    check(&plan, "uneven");
}

#[test]
fn connections_that_start_slowly_fill_the_path() {
    for (ms, rate) in [(40, 2), (40, 20), (200, 20)] {
        let mut plan = path(ms, rate);
        plan.path.slow_start = true;
        let (number, time) = best(&plan);
        let figures = download(&plan, 64, true);
        let (took, most) = (figures.seconds() / time, figures.settled());
        println!("{ms} ms, {rate} MB/s, slow start: {took:.3} of the time with {number}; {most:?}");
        assert!(took <= 1.15, "{ms} ms, {rate} MB/s: {took:.3} of the time with {number}");
        let most = figures.most_within(Duration::ZERO, Duration::MAX);
        assert!(most <= number * 2, "{ms} ms, {rate} MB/s: up to {most} instead of {number}");
    }
}

#[test]
fn sixteen_downloads_share_their_client_fairly_and_are_as_fast_as_with_the_best_division() {
    for rate in [2, 20] {
        let mut plan = path(40, rate);
        plan.object.size = 250 * MB;
        let run = |target| RunPlan {
            start: Start::With(Duration::from_millis(2)),
            request: RequestPlan { target, ..plan.runs[0].request },
            same_client: target > 0,
            ..RunPlan::quiet()
        };
        plan.runs = (0..16).map(run).collect();
        let all = |thread_num, auto_concurrency| {
            let mut plan = plan.clone();
            for run in &mut plan.runs {
                let request = &mut run.request;
                (request.thread_num, request.auto_concurrency) = (thread_num, auto_concurrency);
            }
            let Played { violation, runs, ends, .. } = play(&plan, false);
            assert_eq!(violation, None);
            assert!(ends.iter().all(|end| end == "ObjectCrc"), "{ends:?}");
            runs
        };
        let last = |runs: &[Figures]| runs.iter().map(|run| run.ended).max().expect("some");
        let fixed = [1, 2, 3, 4, 8].map(|number| last(&all(number, false))).into_iter().min();
        let fixed = fixed.expect("some").as_secs_f64();
        let runs = all(64, true);
        let took = last(&runs).as_secs_f64() / fixed;
        let first = runs.iter().map(|run| run.ended).min().expect("some");
        let first = first.as_secs_f64() / last(&runs).as_secs_f64();
        println!("{rate} MB/s: {took:.3} of the time; the first ends after {first:.3} of it");
        assert!(took <= MOST_TIME, "{rate} MB/s: {took:.3} of the time of the best division");
        assert!(first >= 0.75, "{rate} MB/s: the first ends after {first:.3} of the time");
    }
}
