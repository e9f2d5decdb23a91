//! A simulated world, in which the driver is tested: one thread, virtual time, and everything from one seed.

mod causes;
mod content;
mod credentials;
mod disk;
mod draw;
mod flight;
mod intake;
mod invariants;
mod network;
mod plan;
mod process;
mod random;
mod schedule;
mod service;
mod story;
mod universe;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use plan::Plan;
use universe::play;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn lives_keep_every_promise() {
    if let Some(seed) = variable("SIMULATED_SEED") {
        let plan = Plan::of(seed);
        println!("{plan:#?}");
        let played = play(&plan, true);
        println!("{}\n{:?}", played.story.join("\n"), played.violation);
        return;
    }
    let lives = variable("SIMULATED_LIVES").unwrap_or(20_000);
    let first = variable("FIRST_SEED").unwrap_or(0);
    let next = AtomicU64::new(first);
    let happenings = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + lives {
                        break;
                    }
                    let played = play(&Plan::of(seed), false);
                    happenings.fetch_add(played.happenings, Ordering::Relaxed);
                    if let Some(violation) = played.violation {
                        println!("seed {seed}: {}: {}", violation.promise, violation.what);
                    }
                }
            });
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let happened = happenings.load(Ordering::Relaxed);
    println!("{lives} lives, {} happenings a life, {} lives a second", happened / lives, lives as f64 / took);
}
