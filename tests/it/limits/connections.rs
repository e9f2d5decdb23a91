//! The connections of a client and their division among its downloads.

use std::time::Duration;

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{Client, Download, Phase};

use super::{end, request, start, until};
use crate::fixture::{BUCKET, Fixture, MIB};

/// The objects, each of `size` bytes, sent at `rate` bytes a second on each connection.
fn fixture(keys: &[&str], size: u64, rate: u64) -> Fixture {
    let fixture = Fixture::new(1);
    for (seed, key) in (0..).zip(keys) {
        fixture.server.put(BUCKET, key, Object::pattern(size, seed));
    }
    fixture.server.inject(Fault::RateLimit(rate));
    fixture
}

fn client(fixture: &Fixture, connections: u32) -> Client {
    fixture.client_with(|options| options.max_connections = connections)
}

fn start_all(fixture: &Fixture, client: &Client, keys: &[&str], connections: u32) -> Vec<Download> {
    keys.iter().map(|key| start(client, &request(fixture, key).thread_num(connections))).collect()
}

fn active(download: &Download) -> u32 {
    download.status().active_connections
}

fn all_active(downloads: &[Download]) -> Vec<u32> {
    downloads.iter().map(active).collect()
}

fn assert_file(fixture: &Fixture, key: &str) {
    let size = fixture.server.object(BUCKET, key).expect("object").size();
    let expected = fixture.server.object_bytes(BUCKET, key, 0..size).expect("object");
    assert!(std::fs::read(fixture.dir().join(key)).expect("file") == expected, "{key}");
}

#[test]
fn downloads_share_the_connections_evenly_and_never_have_more() {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    let fixture = fixture(&KEYS, 100 * MIB, MIB);
    let client = client(&fixture, 6);
    let downloads = start_all(&fixture, &client, &KEYS, 8);
    until("each has two", || {
        let counts = all_active(&downloads);
        // Each count is that of another moment; one connection may have moved meanwhile.
        assert!(counts.iter().sum::<u32>() <= 7, "{counts:?}");
        counts == [2, 2, 2]
    });
    downloads[0].cancel();
    until("the others have its connections", || all_active(&downloads) == [0, 3, 3]);
    // Connections that are kept open for later requests count too.
    let most = fixture.server.max_active_connections();
    assert!(most <= 12, "{most} connections were open");
}

#[test]
fn what_one_download_cannot_use_goes_to_the_others() {
    let fixture = fixture(&["large"], 48 * MIB, 2 * MIB);
    fixture.server.put(BUCKET, "small", Object::pattern(100_000, 7));
    fixture.server.inject_when(Matcher::any().key("small"), Fault::RateLimit(100_000));
    let client = client(&fixture, 6);
    let small = start(&client, &request(&fixture, "small").thread_num(8));
    let large = start(&client, &request(&fixture, "large").thread_num(8));
    until("the large one has what the small one leaves", || active(&large) == 5);
    assert_eq!(active(&small), 1);
    end(&small).expect("download");
    until("the large one has all", || active(&large) == 6);
    end(&large).expect("download");
    assert_file(&fixture, "large");
}

#[test]
fn a_newcomer_gets_a_connection_although_all_are_in_use() {
    let fixture = fixture(&["old", "new"], 10 * MIB, MIB);
    let client = client(&fixture, 4);
    let old = start(&client, &request(&fixture, "old").thread_num(4));
    until("it uses all connections", || active(&old) == 4);
    let new = start(&client, &request(&fixture, "new").thread_num(4));
    until("the newcomer receives", || new.status().bytes_done > 0);
    assert!(old.status().phase == Phase::Transferring);
    until("they are even", || active(&old) == 2 && active(&new) == 2);
    for (download, key) in [(old, "old"), (new, "new")] {
        let statistics = end(&download).expect("download").statistics;
        assert_file(&fixture, key);
        // Bytes on their way when a request was ended.
        assert!(statistics.bytes_discarded == 0, "{statistics:?}");
    }
    let sent: u64 = fixture.server.requests().iter().map(|request| request.body_bytes).sum();
    assert!(sent < 20 * MIB + 4 * MIB, "{sent} bytes were sent for 20 MiB");
}

#[test]
fn the_number_of_connections_may_be_cut_and_raised_during_a_download() {
    let fixture = fixture(&["a"], 48 * MIB, 2 * MIB);
    let client = client(&fixture, 6);
    let download = start(&client, &request(&fixture, "a").thread_num(6));
    until("it uses all connections", || active(&download) == 6);
    client.set_max_connections(2).expect("own process");
    until("it uses two", || active(&download) == 2);
    until("the others are closed", || fixture.server.active_connections() == 2);
    let before = download.status().bytes_done;
    until("it goes on", || download.status().bytes_done > before);
    assert!(active(&download) <= 2);
    client.set_max_connections(4).expect("own process");
    until("it uses four", || active(&download) == 4);
    client.set_max_connections(0).expect("own process");
    until("it uses all again", || active(&download) == 6);
    end(&download).expect("download");
    assert_file(&fixture, "a");
}

#[test]
fn with_fewer_connections_than_downloads_some_wait_and_are_not_stalled() {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    let fixture = fixture(&KEYS, 2 * MIB, MIB);
    let client = fixture.client_with(|options| {
        options.max_connections = 3;
        options.no_progress_limit = Some(Duration::from_secs(1));
    });
    let downloads = start_all(&fixture, &client, &KEYS, 1);
    until("all receive", || downloads.iter().all(|download| download.status().bytes_done > 0));
    client.set_max_connections(1).expect("own process");
    until("one has a connection", || all_active(&downloads).iter().sum::<u32>() == 1);
    // The last one waits for longer than a download may be silent.
    for (download, key) in downloads.iter().zip(KEYS) {
        end(download).expect("download");
        assert_file(&fixture, key);
    }
    assert!(downloads[2].status().statistics.elapsed > Duration::from_secs(3));
}

#[test]
fn a_stream_that_cannot_be_continued_is_not_ended() {
    let fixture = fixture(&["a", "b"], 2 * MIB, MIB);
    fixture.server.inject(Fault::NoEtag);
    let client = client(&fixture, 2);
    let downloads = start_all(&fixture, &client, &["a", "b"], 3);
    until("both receive", || downloads.iter().all(|download| download.status().bytes_done > 0));
    client.set_max_connections(1).expect("own process");
    for (download, key) in downloads.iter().zip(["a", "b"]) {
        end(download).expect("download");
        assert_file(&fixture, key);
    }
    // A first request for the part and one for the stream each.
    assert!(fixture.server.requests().len() <= 4);
}

#[test]
fn a_cancel_ends_a_download_that_waits_for_a_connection() {
    let fixture = fixture(&["a", "b"], 20 * MIB, MIB);
    let client = client(&fixture, 2);
    let downloads = start_all(&fixture, &client, &["a", "b"], 1);
    until("both receive", || downloads.iter().all(|download| download.status().bytes_done > 0));
    client.set_max_connections(1).expect("own process");
    until("one waits", || all_active(&downloads).iter().sum::<u32>() == 1);
    let waiting = downloads.iter().find(|download| active(download) == 0).expect("one of them");
    waiting.cancel();
    assert_eq!(end(waiting).expect_err("cancelled").code(), "Cancelled");
}

#[test]
fn idle_connections_that_are_kept_open_are_limited_too() {
    let fixture = Fixture::new(1);
    let keys: Vec<_> = (0..40).map(|n| format!("{n}")).collect();
    for key in &keys {
        fixture.server.put(BUCKET, key, Object::pattern(1000, 7));
    }
    fixture.server.inject(Fault::RoundTrip(Duration::from_millis(50)));
    let client = fixture.client_with(|options| {
        options.max_active_downloads = 40;
        options.max_workers = 1;
    });
    let run = || {
        let all: Vec<_> = keys.iter().map(|key| start(&client, &request(&fixture, key))).collect();
        all.iter().for_each(|download| drop(end(download).expect("download")));
    };
    run();
    assert_eq!(fixture.server.active_connections(), 40, "all are kept");
    client.set_max_connections(4).expect("own process");
    run();
    until("the others are closed", || fixture.server.active_connections() <= 4);
    assert_eq!(fixture.server.connections(), 40, "the others were used again");
}
