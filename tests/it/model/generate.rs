//! Random plans: interesting values are drawn often.

use proptest::prelude::*;
use proptest::sample::select;

use super::plan::*;
use crate::fixture::{MIB, PART};

/// Any plan.
pub fn plans() -> impl Strategy<Value = Plan> {
    (request(), sizes())
        .prop_flat_map(|(request, size)| {
            (
                Just(request),
                object(size),
                ranges(size),
                prop::bool::weighted(0.3),
                prop::option::weighted(0.08, sdk()),
                prop::collection::vec(run(size), 1..=3),
            )
        })
        .prop_map(|(request, object, range, old_target, sdk, runs)| {
            let request = RequestPlan { range, ..request };
            // Without a checkpoint directory the library ignores the SDK's record.
            let sdk = sdk.filter(|_| request.checkpoint != CheckpointPlan::Off);
            Plan { object, request, old_target, sdk, runs }
        })
}

fn request() -> impl Strategy<Value = RequestPlan> {
    let part_size = select(vec![PART, PART, PART, PART + 1, 150_000, 262_144, MIB, 8 * MIB]);
    let checkpoint = prop_oneof![
        1 => Just(CheckpointPlan::Off),
        4 => Just(CheckpointPlan::BesideTarget),
        2 => Just(CheckpointPlan::Elsewhere),
    ];
    let condition = prop_oneof![
        16 => Just(Condition::None),
        2 => Just(Condition::IfFirst),
        1 => Just(Condition::IfAnother),
        1 => Just(Condition::IfNotFirst),
    ];
    let switches = (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    (part_size, 1u32..=5, checkpoint, condition, switches).prop_map(
        |(part_size, thread_num, checkpoint, condition, switches)| {
            let (verify_crc, flush, replaces, verify_before_rename, preallocate) = switches;
            RequestPlan {
                part_size,
                thread_num,
                range: None,
                checkpoint,
                condition,
                verify_crc,
                flush,
                replaces,
                verify_before_rename,
                preallocate,
            }
        },
    )
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => select(vec![0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART - 1, 350_003, 524_288]),
        4 => 0..MIB,
        5 => select(vec![1_000_003, 3 * MIB / 2, 2 * MIB + 1, 1_300_021]),
        1 => MIB..LARGEST,
    ]
}

fn object(size: u64) -> impl Strategy<Value = ObjectPlan> {
    let zeros = prop_oneof![
        4 => Just((0, 0)),
        1 => (0..=size, 0..=size),
        1 => Just((size / 2, size)),
    ];
    (zeros, prop::bool::weighted(0.85), prop::bool::weighted(0.92)).prop_map(
        move |(zeros, sends_crc, sends_etag)| ObjectPlan { size, zeros, sends_crc, sends_etag },
    )
}

/// Whole, a part of it, to its end, past its end, outside of it, and no range at all.
fn ranges(size: u64) -> impl Strategy<Value = Option<(i64, i64)>> {
    let size = size as i64;
    prop_oneof![
        12 => Just(None),
        2 => Just(Some((0, -1))),
        4 => (0..=size, 0..=size).prop_map(|(a, b)| Some((a.min(b), a.max(b)))),
        2 => (0..=size).prop_map(|start| Some((start, -1))),
        1 => (0..=size).prop_map(move |start| Some((start, size + 5000))),
        1 => Just(Some((size, -1))),
        1 => select(vec![Some((-1, 5)), Some((9, 3)), Some((0, -2))]),
    ]
}

fn sdk() -> impl Strategy<Value = SdkPlan> {
    (2u64..5, prop::bool::weighted(0.4)).prop_map(|(every, stale)| SdkPlan { every, stale })
}

fn run(size: u64) -> impl Strategy<Value = RunPlan> {
    let damage = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec(damage(), 1..=2),
    ];
    let between = prop::option::weighted(0.08, replacement(size));
    let during = prop::option::weighted(0.1, (1u64..6, replacement(size)));
    let faults = prop_oneof![
        2 => Just(Vec::new()),
        5 => prop::collection::vec(planned_fault(size), 1..=3),
    ];
    (damage, between, during, faults, ending(size)).prop_map(
        |(damage, between, during, faults, ending)| RunPlan {
            damage,
            between,
            during,
            faults,
            ending,
        },
    )
}

fn replacement(size: u64) -> impl Strategy<Value = Replacement> {
    prop_oneof![
        4 => Just(Replacement::SameSize),
        1 => Just(Replacement::Size(size / 2)),
        1 => Just(Replacement::Size((size + 4097).min(LARGEST))),
        1 => Just(Replacement::Size(0)),
        1 => Just(Replacement::Deleted),
    ]
}

fn planned_fault(size: u64) -> impl Strategy<Value = PlannedFault> {
    let times = prop_oneof![6 => Just(1u64), 2 => Just(2), 1 => Just(3), 1 => 4u64..9];
    (1u64..7, times, flaw(size)).prop_map(|(from, times, flaw)| {
        // Each costs the time after which a silent connection is given up.
        let times = if flaw.is_silent() { times.min(2) } else { times };
        PlannedFault { from, times, flaw }
    })
}

fn flaw(size: u64) -> impl Strategy<Value = Flaw> {
    use Flaw::*;
    let bytes = prop_oneof![select(vec![0, 1, PART - 1, PART, PART + 1]), 0..size.max(1)];
    let broken = (bytes, 0..8u8).prop_map(|(bytes, how)| match how {
        0 | 1 => ResetAfter(bytes),
        2 => ShortBody(bytes.max(1)),
        3 => LongBody(bytes.max(1)),
        _ => CloseAfter(bytes),
    });
    prop_oneof![
        8 => broken,
        3 => select(vec![CloseBeforeHeaders, ResetBeforeHeaders, NotHttp]),
        1 => prop_oneof![
            Just(NoReply),
            (0..size.max(1)).prop_map(StallAfter),
            (0..size.max(1)).prop_map(HalfCloseAfter)
        ],
        3 => select(vec![Busy(500), Busy(503), Busy(429), ProxyPage(502)]),
        3 => select(vec![WrongContentRange, NoContentRange, IgnoreRange, Gzip, Chunked]),
        2 => select(vec![NoContentLength, ProxyPage(200), ProxyPage(206)]),
        2 => (1..=size.max(1)).prop_map(OtherBytes),
        4 => select(vec![WrongEtag, NoEtag, WrongCrc, NoCrc]),
        2 => (0..size.max(1)).prop_map(FlipByte),
        2 => select(vec![Refused(403), Refused(404), Refused(412), Refused(416), Refused(400)]),
        2 => select(vec![CloseConnection, SlowHeaders]),
    ]
}

fn ending(size: u64) -> impl Strategy<Value = Ending> {
    let bytes = 0..size.max(1);
    prop_oneof![
        8 => Just(Ending::ToTheEnd),
        3 => bytes.clone().prop_map(Ending::CancelAfter),
        3 => (bytes, prop::bool::weighted(0.1))
            .prop_map(|(bytes, settled)| Ending::SnapshotAfter { bytes, settled }),
        1 => prop_oneof![
            (0u64..150_000).prop_map(|n| Ending::KilledAfter { microseconds: n, slowly: true }),
            (0u64..8_000).prop_map(|n| Ending::KilledAfter { microseconds: n, slowly: false }),
        ],
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage::*;
    prop_oneof![
        2 => any::<u16>().prop_map(TempCut),
        1 => (1u32..300_000).prop_map(TempLengthened),
        4 => any::<u16>().prop_map(TempFlipped),
        2 => any::<(u16, u16)>().prop_map(|(a, b)| TempZeroed(a.min(b), a.max(b))),
        1 => Just(TempDeleted),
        1 => any::<u16>().prop_map(JournalCut),
        1 => (any::<u16>(), 0u8..8).prop_map(|(at, bit)| JournalFlipped(at, bit)),
        3 => (any::<u16>(), 0u8..8).prop_map(|(at, bit)| RecordFlipped(at, bit)),
        1 => Just(JournalDeleted),
        1 => Just(JournalOfBefore),
        2 => Just(RecordsOfBefore),
    ]
}
