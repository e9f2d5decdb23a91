//! Downloads cancelled at random moments, in every possible method.

use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use local_oss::{Fault, Object};
use oss_resumable::{Client, DownloadRequest, Error, ErrorKind};

use crate::effort::{Chance, cases, figure};
use crate::fixture::{BUCKET, Fixture, MIB};
use crate::traffic::{sent, total};

const CANCELS: usize = 20;
const AT_ONCE: usize = 3;
const SIZE: u64 = 12 * MIB;
/// Longest time from a cancel to the end. It takes milliseconds; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(2);

/// How a download is cancelled.
#[derive(Clone, Copy, Debug)]
enum CancelMethod {
    Cancel,
    Progress,
    Drop,
    Shutdown,
}

/// One random cancelled run.
#[derive(Debug)]
struct Cancelled {
    method: CancelMethod,
    after: Duration,
}

/// Starts a run and cancels it; returns how long the cancel took, and how the run ended if that is known.
fn cancel(
    client: &Client,
    request: &DownloadRequest,
    run: &Cancelled,
) -> (Duration, Option<Error>) {
    let download = client.start(request).expect("start");
    if matches!(run.method, CancelMethod::Progress) {
        let started = Instant::now();
        let mut asked = None;
        let ended = download.wait_with(None, &mut |_| {
            let goes_on = started.elapsed() < run.after;
            asked = asked.or((!goes_on).then(Instant::now));
            goes_on
        });
        let took = asked.expect("it was cancelled").elapsed();
        return (took, Some(ended.expect("an end").expect_err("cancelled")));
    }
    std::thread::sleep(run.after);
    let asked = Instant::now();
    match run.method {
        CancelMethod::Cancel | CancelMethod::Progress => download.cancel(),
        CancelMethod::Shutdown => client.shutdown(),
        CancelMethod::Drop => {
            drop(download);
            return (asked.elapsed(), None);
        }
    }
    let ended = download.wait(Some(SOON)).expect("it ends soon");
    (asked.elapsed(), Some(ended.expect_err("cancelled")))
}

/// A download that is cancelled [`CANCELS`] times and then runs to its end.
fn cancel_again_and_again(part_size: u64, connections: u32, runs: &[Cancelled]) {
    let fixture = Fixture::new(SIZE);
    // More time than all runs take together.
    fixture.server.inject(Fault::RateLimit(SIZE / u64::from(connections) / 5));
    let request = fixture.request_with(|request| {
        request.part_size = part_size;
        request.thread_num = connections;
    });
    let mut kept = 0;
    for run in runs {
        let client = fixture.client();
        let (took, error) = cancel(&client, &request, run);
        assert!(took < SOON, "{took:?} after {run:?}");
        if let Some(error) = error {
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error} after {run:?}");
        }
        let checkpoint = fixture.client().inspect_checkpoint(&request).expect("inspect");
        let recorded = checkpoint.map_or(0, |checkpoint| checkpoint.bytes_recorded);
        assert!(recorded >= kept, "{recorded} of {kept} bytes are left after {run:?}");
        kept = recorded;
        assert!(!fixture.target().exists());
    }
    let came = total(&fixture.requests_after(0).iter().map(sent).collect::<Vec<_>>());
    println!("{came} bytes arrived on {connections} connections, {kept} of them were kept");
    // All bytes but those in the socket buffers, which may be many on a busy machine.
    assert!(kept > came / 2, "{kept} of {came} bytes were kept");
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&request).expect("download");
    assert_eq!(outcome.statistics.bytes_reused, kept);
    fixture.assert_whole(&outcome);
}

#[test]
fn a_download_cancelled_at_200_random_moments_ends_soon_and_keeps_its_bytes() {
    let downloads = cases(10, 100) as usize;
    let mut chance = Chance::new();
    let draw = |_| {
        let part_size = *chance.pick(&[102_400, MIB, 8 * MIB]);
        let connections = *chance.pick(&[1, 3, 16]);
        let mut runs = Vec::new();
        for _ in 0..CANCELS {
            let method = *chance.pick(&[
                CancelMethod::Cancel,
                CancelMethod::Progress,
                CancelMethod::Drop,
                CancelMethod::Shutdown,
            ]);
            let after = Duration::from_secs_f64(0.2 * chance.fraction().powi(2));
            runs.push(Cancelled { method, after });
        }
        (part_size, connections, runs)
    };
    let plans = Mutex::new((0..downloads).map(draw).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((part_size, connections, runs)) =
                    { plans.lock().expect("plans").pop() }
                {
                    cancel_again_and_again(part_size, connections, &runs);
                }
            });
        }
    });
    figure(&format!("{} cancels", downloads * CANCELS));
}

#[test]
fn a_client_shut_down_while_downloads_run_keeps_all_their_checkpoints() {
    const DOWNLOADS: u64 = 16;
    const EACH: u64 = 2 * MIB;
    let fixture = Fixture::new(1);
    let request = |n: u64| {
        let key = format!("many/{n}.bin");
        fixture.server.put(BUCKET, &key, Object::pattern(EACH, n));
        let file = fixture.dir().join(format!("{n}.bin"));
        fixture.request_with(|request| {
            request.key = key;
            request.file_path = Some(file);
        })
    };
    let requests: Vec<_> = (0..DOWNLOADS).map(request).collect();
    fixture.server.inject(Fault::RateLimit(EACH / 12));
    let client = fixture.client();
    let downloads: Vec<_> = requests.iter().map(|r| client.start(r).expect("start")).collect();
    while downloads.iter().any(|download| download.status().bytes_done == 0) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Instant::now();
    client.shutdown();
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    let mut recorded = Vec::new();
    for (download, request) in downloads.iter().zip(&requests) {
        let ended = download.wait(Some(Duration::ZERO)).expect("it has ended");
        assert_eq!(ended.expect_err("cancelled").kind(), ErrorKind::Cancelled);
        let checkpoint = fixture.client().inspect_checkpoint(request).expect("inspect");
        recorded.push(checkpoint.expect("a checkpoint").bytes_recorded);
    }
    fixture.server.clear_faults();
    let client = fixture.client();
    for (n, (request, recorded)) in requests.iter().zip(recorded).enumerate() {
        let outcome = client.download(request).expect("download");
        assert_eq!(outcome.statistics.bytes_reused, recorded, "download {n}");
        let expected = fixture.server.object_bytes(BUCKET, &request.key, 0..EACH).expect("object");
        assert!(fs::read(outcome.file_path).expect("file") == expected, "download {n}");
    }
    assert_eq!(fixture.files().len() as u64, DOWNLOADS, "no checkpoint is left");
}
