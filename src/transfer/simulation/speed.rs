//! How fast downloads are that find their number of connections, compared with fixed numbers.

use std::time::Duration;

use super::plan::*;
use super::universe::{Figures, Played, play};

const MB: u64 = 1_000_000;

#[derive(Clone)]
struct Path {
    name: String,
    plan: Plan,
}

fn path(name: impl Into<String>, round_trip: u64, rate: u64) -> Path {
    let mut plan = Plan::quiet(1);
    plan.object.size = 6000 * MB;
    plan.most_happenings = 2_000_000;
    plan.path.round_trip = Duration::from_millis(round_trip);
    plan.path.rate = rate * MB;
    plan.path.link = Some(100 * MB);
    plan.path.burst = Duration::from_millis(20);
    plan.runs[0].request.part_size = 8 << 20;
    Path { name: name.into(), plan }
}

fn paths() -> Vec<Path> {
    let mut paths = Vec::new();
    for round_trip in [10, 40, 200] {
        for rate in [2, 20, 100] {
            paths.push(path(format!("{round_trip} ms, {rate} MB/s"), round_trip, rate));
        }
    }
    let mut throttled = path("throttled", 40, 20);
    throttled.plan.service.active_requests = Some(4);
    let mut slowed = path("slowed", 40, 20);
    slowed.plan.service.bandwidth = Some(50 * MB);
    let mut uneven = path("uneven", 40, 20);
    uneven.plan.path.uneven = Some((3, 10));
    paths.extend([throttled, slowed, uneven]);
    paths
}

fn run(path: &Path, threads: u32, auto: bool) -> (f64, Figures) {
    let mut plan = path.plan.clone();
    plan.runs[0].request.thread_num = threads;
    plan.runs[0].request.auto_concurrency = auto;
    let Played { violation, runs, ends, happenings, .. } = play(&plan, false);
    assert_eq!(violation, None);
    assert_eq!(ends, ["ObjectCrc"], "{happenings}");
    ((runs[0].ended - runs[0].started).as_secs_f64(), runs[0].clone())
}

#[test]
fn explore() {
    for path in paths() {
        if std::env::var("ONLY").is_ok_and(|only| !path.name.contains(&only)) {
            continue;
        }
        let grid: Vec<u32> = if std::env::var("ALL").is_ok() { (1..=64).collect() } else { vec![1, 2, 3, 4, 5, 6, 50, 64] };
        let fixed: Vec<(u32, f64)> = grid.iter().map(|n| (*n, run(&path, *n, false).0)).collect();
        let best = fixed.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let (took, figures) = run(&path, 64, true);
        println!("{}: best {best:?}, auto {took:.2} = {:.3}", path.name, took / best.1);
        println!("   {:?}", fixed.iter().map(|(n, t)| format!("{n}:{t:.1}")).collect::<Vec<_>>());
        let most = figures.connections.iter().map(|(_, n)| *n).max().unwrap();
        let mut last = 0;
        let mut text = String::new();
        for (at, n) in thin(&figures.connections) {
            if n != last {
                text.push_str(&format!("{:.2}:{n} ", at.as_secs_f64()));
                last = n;
            }
        }
        let cut: String = text.chars().take(1500).collect();
        println!("   most {most}, requests {}, {cut}", figures.requests.len());
    }
}

/// The most in each half second.
fn thin(series: &[(Duration, u32)]) -> Vec<(Duration, u32)> {
    let mut thin: Vec<(Duration, u32)> = Vec::new();
    for (at, n) in series {
        let slot = Duration::from_millis(at.as_millis() as u64 / 500 * 500);
        match thin.last_mut() {
            Some((last, most)) if *last == slot => *most = (*most).max(*n),
            _ => thin.push((slot, *n)),
        }
    }
    thin
}
