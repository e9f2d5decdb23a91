//! Processes that start the same download into the same file.

use std::time::Duration;

use super::plan::{End, FaultKind, Moment, Plan, RequestFault, RequestPlan, RunPlan, Start, Which};
use super::universe::{Played, play};

const PROCESSES: usize = 8;

/// A plan in which they start within some milliseconds of each other.
fn company(seed: u64) -> Plan {
    let mut plan = Plan::quiet(seed);
    let run = |_| RunPlan {
        start: Start::With(Duration::from_millis(seed % 40)),
        request: RequestPlan { waits: true, ..RequestPlan::default() },
        ..RunPlan::quiet()
    };
    plan.runs = (0..PROCESSES).map(run).collect();
    plan
}

/// Bytes that all runs have received.
fn received(played: &Played) -> u64 {
    played.runs.iter().map(|run| run.received).sum()
}

#[test]
fn one_of_eight_processes_fetches_the_object_and_all_succeed() {
    for seed in 0..40 {
        let plan = company(seed);
        let played = play(&plan, false);
        assert_eq!(played.violation, None, "seed {seed}");
        let resumed = played.ends.iter().filter(|end| *end == "ObjectCrc, resumed").count();
        assert_eq!(resumed, PROCESSES - 1, "seed {seed}: {:?}", played.ends);
        assert_eq!(received(&played), plan.object.size, "seed {seed}");
    }
}

#[test]
fn when_the_one_that_fetches_is_killed_at_any_call_another_goes_on_from_its_bytes() {
    for call in 0..60 {
        let mut plan = company(call);
        plan.runs[0].end = Some(End::Kill(Moment::Call(call)));
        let played = play(&plan, false);
        assert_eq!(played.violation, None, "call {call}");
        let killed = played.ends.iter().filter(|end| end.starts_with("killed")).count();
        let succeeded = played.ends.iter().filter(|end| end.starts_with("ObjectCrc")).count();
        assert_eq!(killed + succeeded, PROCESSES, "call {call}: {:?}", played.ends);
        // What is not recorded yet is younger than a second, and fewer than the grain of each connection.
        let request = &plan.runs[0].request;
        let most = u64::from(request.thread_num) * (request.part_size + plan.path.rate / 10);
        let twice = received(&played) - plan.object.size;
        assert!(twice <= most, "call {call}: {twice} bytes came twice, {most} at most");
    }
}

#[test]
fn a_run_is_not_busy_because_of_one_that_has_died() {
    let mut plan = Plan::quiet(1);
    let start = Start::With(Duration::from_millis(1));
    plan.runs.push(RunPlan { start, ..RunPlan::quiet() });
    // The second one finds no files. When its reply comes, the first one has created them and died.
    plan.runs[0].end = Some(End::Kill(Moment::After(Duration::from_secs(1))));
    let kind = FaultKind::SlowHead(Duration::from_secs(2));
    plan.faults.push(RequestFault { which: Which::Number(1), kind });
    let played = play(&plan, true);
    assert_eq!(played.violation, None, "{}", played.story.join("\n"));
    assert_eq!(played.ends, ["killed, bytes recorded", "ObjectCrc, resumed"]);
}
