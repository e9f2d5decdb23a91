//! One long download under everything that a program can do to it.

use local_oss::Object;
use oss_resumable::Phase;

use super::child::{Job, Report, Step};
use super::{cancel, pause, wait_until};
use crate::effort::{cases, figure};
use crate::fixture::{BUCKET, Fixture, KEY, MIB, wait_for_progress};
use crate::traffic::{merged, sent, total};

/// Bytes per second at first.
const LIMIT: u64 = 50_000_000;

#[test]
fn a_download_that_is_limited_paused_cancelled_and_resumed_elsewhere_adds_up() {
    let size = u64::from(cases(128, 1024)) * MIB;
    let fixture = Fixture::new(1);
    fixture.server.put(BUCKET, KEY, Object::pattern(size, 7));
    let mut request = Job::new(&fixture, Step::PauseWhileProving(0)).request();
    request.max_bandwidth = LIMIT;
    let client = fixture.client();
    let download = client.start(&request).expect("start");
    for pauses in 1..=3 {
        wait_for_progress(&download, size * pauses / 8);
        pause(&fixture, &download);
        let status = download.status();
        let recorded = client.inspect_checkpoint(&request).expect("inspect").expect("a checkpoint");
        let figures = status.statistics;
        assert_eq!(figures.bytes_from_network - figures.bytes_discarded, status.bytes_done);
        assert_eq!(recorded.bytes_recorded, status.bytes_done);
        download.resume();
    }
    wait_for_progress(&download, size / 2);
    download.set_bandwidth(2 * LIMIT);
    client.set_max_connections(2).expect("own process");
    wait_until("two connections are left", || download.status().active_connections == 2);
    wait_for_progress(&download, size * 3 / 4);
    cancel(&download);
    let first = download.status();
    assert_eq!(first.phase, Phase::Failed);
    drop(download);

    let report = Job::new(&fixture, Step::PauseWhileProving(0)).start().report();
    let Report { error, reused, fetched, .. } = report;
    assert_eq!(error, None);
    fixture.assert_range(0..size);
    assert_eq!(fixture.files(), ["file.bin"]);
    let figures = first.statistics;
    assert_eq!(reused, figures.bytes_from_network - figures.bytes_discarded);
    assert_eq!(reused, first.bytes_done);
    assert_eq!(reused + fetched, size);
    let sent: Vec<_> = fixture.requests_after(0).iter().map(sent).collect();
    assert_eq!(merged(sent.clone()), [0..size]);
    assert!(total(&sent) >= figures.bytes_from_network + fetched);
    figure(&format!("{} MiB", size / MIB));
}
