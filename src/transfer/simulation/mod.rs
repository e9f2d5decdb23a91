//! A simulated world, in which the driver is tested: one thread, virtual time, and everything from one seed.

mod content;
mod credentials;
mod disk;
mod flight;
mod intake;
mod network;
mod plan;
mod process;
mod random;
mod schedule;
mod service;
mod story;
mod universe;

use plan::Plan;
use universe::play;

#[test]
fn a_quiet_life_succeeds() {
    let plan = Plan::quiet(1);
    let played = play(&plan, true);
    println!("{}", played.story.join("\n"));
    assert_eq!(played.violation, None);
}
