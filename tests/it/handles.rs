//! Clients and running downloads: concurrency, waiting, progress and the end; and presigned URLs.

use std::time::{Duration, Instant};

use curl::easy::Easy;
use local_oss::{Auth, Config, Fault, Key, Matcher, Object};
use oss_resumable::{AccessKey, DownloadRequest, ErrorKind, Phase, SignatureVersion, Status};

use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, PART, SECRET};

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A fixture in which nothing arrives after the first part.
fn stalled() -> Fixture {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
    fixture
}

#[test]
fn shutting_down_a_client_ends_its_downloads_and_refuses_new_ones() {
    let fixture = stalled();
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    while download.status().bytes_done < PART {
        std::thread::yield_now();
    }
    let started = Instant::now();
    client.shutdown();
    assert!(started.elapsed() < millis(1000), "{:?}", started.elapsed());
    let ended = download.wait(Some(Duration::ZERO)).expect("it has ended");
    assert_eq!(ended.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    assert!(fixture.journal().is_some() && fixture.temp().exists());
    let error = client.download(&fixture.request()).expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    client.shutdown();
}

#[test]
fn waiting_can_be_limited_and_repeated() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let download = fixture.client().start(&fixture.request()).expect("start");
    let started = Instant::now();
    assert!(download.wait(Some(millis(50))).is_none());
    assert!(started.elapsed() >= millis(50) && started.elapsed() < millis(250));
    for _ in 0..2 {
        let outcome = download.wait(None).expect("no limit").expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, MIB);
    }
    assert_eq!(download.status().phase, Phase::Succeeded);
}

#[test]
fn several_threads_may_wait_for_one_download() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let download = fixture.client().start(&fixture.request()).expect("start");
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(|| download.wait(None))).collect();
        for thread in waiting {
            let ended = thread.join().expect("join").expect("no limit");
            assert_eq!(ended.expect("download").file_size, MIB);
        }
    });
}

#[test]
fn dropping_a_handle_cancels_and_the_next_run_resumes() {
    let fixture = stalled();
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    while download.status().bytes_done < PART {
        std::thread::yield_now();
    }
    let started = Instant::now();
    drop(download);
    assert!(started.elapsed() < millis(1000), "{:?}", started.elapsed());
    fixture.server.clear_faults();
    let outcome = client.download(&fixture.request()).expect("nothing is locked");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART);
}

#[test]
fn a_download_continues_after_the_client_is_dropped() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    drop(client);
    fixture.assert_whole(&download.wait(None).expect("no limit").expect("download"));
}

#[test]
fn a_second_download_to_the_same_file_is_busy_at_once_and_changes_nothing() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let client = fixture.client();
    let first = client.start(&fixture.request()).expect("start");
    while first.status().bytes_done == 0 {
        std::thread::yield_now();
    }
    let started = Instant::now();
    let error = client.download(&fixture.request()).expect_err("busy");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
    assert!(started.elapsed() < millis(300), "{:?}", started.elapsed());
    fixture.assert_whole(&first.wait(None).expect("no limit").expect("unharmed"));
}

#[test]
fn sixty_four_downloads_run_at_once_on_one_client() {
    let fixture = Fixture::new(1);
    let size = |n: u64| 2 * PART + n * 1000;
    for n in 0..64 {
        fixture.server.put(BUCKET, &format!("many/{n}.bin"), Object::pattern(size(n), n));
    }
    let client = fixture.client_with(|options| options.max_active_downloads = 64);
    let file = |n: u64| fixture.dir().join(format!("{n}.bin"));
    let start = |n: u64| {
        let request = DownloadRequest::new(BUCKET, format!("many/{n}.bin"));
        let request = request.file_path(file(n)).checkpoint_dir(fixture.dir()).part_size(PART);
        client.start(&request).expect("start")
    };
    let downloads: Vec<_> = (0..64).map(start).collect();
    for (n, download) in (0..).zip(&downloads) {
        download.wait(None).expect("no limit").expect("download");
        let expected = fixture.server.object_bytes(BUCKET, &format!("many/{n}.bin"), 0..size(n));
        assert!(std::fs::read(file(n)).expect("file") == expected.expect("object"), "file {n}");
    }
    assert_eq!(fixture.files().len(), 64, "no temporary file and no checkpoint is left");
}

/// Every status of a download, and when it was reported.
fn watch(fixture: &Fixture) -> Vec<(Instant, Status)> {
    let mut seen = Vec::new();
    let result = fixture.client().download_with(&fixture.request(), &mut |status| {
        seen.push((Instant::now(), status.clone()));
        true
    });
    fixture.assert_whole(&result.expect("download"));
    seen
}

#[test]
fn progress_never_goes_back_and_ends_at_the_total() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let seen = watch(&fixture);
    assert!(seen.len() > 4, "{} calls", seen.len());
    for pair in seen.windows(2) {
        let (before, after) = (&pair[0].1, &pair[1].1);
        assert!(before.bytes_done <= after.bytes_done);
        assert!(before.statistics.requests <= after.statistics.requests);
        assert!(before.statistics.elapsed <= after.statistics.elapsed);
        assert!(before.bytes_total.is_none() || before.bytes_total == after.bytes_total);
    }
    assert!(seen.iter().all(|(_, status)| status.active_connections <= 3));
    assert!(seen.iter().any(|(_, status)| status.active_connections == 3));
    let last = seen.last().map(|(_, s)| (s.phase, s.bytes_done, s.bytes_total));
    assert_eq!(last, Some((Phase::Succeeded, 2 * MIB, Some(2 * MIB))));
}

#[test]
fn progress_is_reported_every_200_ms_even_without_new_bytes() {
    let fixture = Fixture::new(2 * MIB);
    // One stall for each connection, until the idle time-out of a second.
    fixture.server.inject_when(Matcher::any().from(2).times(3), Fault::StallAfter(1000));
    let seen = watch(&fixture);
    let total = seen.last().map(|(at, _)| *at - seen[0].0).unwrap_or_default();
    assert!(total > millis(900), "the stall of a second must show: {total:?}");
    let pauses = seen.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let late: Vec<_> = pauses.filter(|pause| *pause > millis(200)).collect();
    // One may be late because the machine is busy.
    assert!(late.len() <= 1, "{late:?}");
}

#[test]
fn a_progress_callback_that_cancels_is_called_with_the_final_status() {
    let fixture = stalled();
    let mut last = None;
    let result = fixture.client().download_with(&fixture.request(), &mut |status| {
        last = Some(status.phase);
        status.bytes_done < PART
    });
    assert_eq!(result.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    assert_eq!(last, Some(Phase::Failed));
}

#[test]
fn before_the_first_reply_the_total_is_unknown() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::NoReply);
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&fixture.request()).expect("start");
    while fixture.server.requests().is_empty() {
        std::thread::yield_now();
    }
    let status = download.status();
    assert_eq!((status.phase, status.bytes_total), (Phase::Starting, None));
    assert_eq!((status.bytes_done, status.active_connections), (0, 1));
}

/// GETs a URL without any headers; returns status and body.
fn get(url: &str) -> (u32, Vec<u8>) {
    let mut body = Vec::new();
    let mut easy = Easy::new();
    easy.url(url).expect("url");
    easy.path_as_is(true).expect("path");
    let mut transfer = easy.transfer();
    let write = |data: &[u8]| {
        body.extend_from_slice(data);
        Ok(data.len())
    };
    transfer.write_function(write).expect("callback");
    transfer.perform().expect("perform");
    drop(transfer);
    (easy.response_code().expect("status"), body)
}

#[test]
fn a_presigned_url_lets_anybody_get_the_object_until_it_expires() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(PART);
        let client = fixture.client_with(|options| options.signature = signature);
        let key = AccessKey::new(ID, SECRET, None);
        let url =
            client.presign(&fixture.request(), &key, Duration::from_secs(60)).expect("presign");
        let expected = fixture.server.object_bytes(BUCKET, KEY, 0..PART).expect("object");
        assert!(get(&url) == (200, expected), "{signature:?}");
        assert!(!url.contains(SECRET));
        fixture.server.set_clock_offset(120);
        assert_eq!(get(&url).0, 403, "{signature:?}: it has expired");
    }
}

#[test]
fn a_presigned_url_contains_overrides_version_and_token() {
    let token = "CAIS+token/of=STS";
    let auth = Auth::Keys(vec![Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some(token.to_owned()),
        expires: None,
    }]);
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let config = Config { versioning: true, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(100, 7));
        fixture.server.set_auth(auth.clone());
        let old = fixture.server.object(BUCKET, KEY).expect("object");
        // What the server makes of an object with `x-oss-process`.
        let mut expected = fixture.server.object_bytes(BUCKET, KEY, 0..100).expect("object");
        expected.reverse();
        fixture.server.replace(BUCKET, KEY);
        let request = fixture.request_with(|request| {
            request.version_id = Some(old.version_id().to_owned());
            request.response_headers.content_type = Some("text/plain; a=b".to_owned());
            request.extra_query = vec![("x-oss-process".to_owned(), "a/b c".to_owned())];
        });
        let key = AccessKey::new(ID, SECRET, Some(token.to_owned()));
        let client = fixture.client_with(|options| options.signature = signature);
        let url = client.presign(&request, &key, Duration::from_secs(60)).expect("presign");
        assert!(get(&url) == (200, expected), "{signature:?}");
    }
}
