//! The cost of broken connections.

use local_oss::{Config, Fault, Object};

use crate::effort::figure;
use crate::fixture::{Fixture, MIB};

use super::tls;

const SIZE: u64 = 96 * MIB;
const RESET_EVERY: u64 = 5_000_000;
/// Bytes per second and connection. The server's log counts the bytes that it passes to the network; without a limit, a
/// reset would discard those in the kernel's queue.
const RATE: u64 = 20_000_000;

fn assert_wastes_little(config: Config) {
    let fixture = Fixture::with(config, Object::pattern(SIZE, 7));
    fixture.server.inject(Fault::ResetConnectionAfter(RESET_EVERY));
    fixture.server.inject(Fault::RateLimit(RATE));
    let outcome = fixture.client().download(&fixture.request()).expect("each run makes progress");
    fixture.assert_whole(&outcome);
    let sent: u64 = fixture.requests_after(0).iter().map(|request| request.body_bytes).sum();
    let wasted = sent - SIZE;
    assert!(wasted * 100 <= SIZE, "{wasted} bytes of {SIZE} were sent twice");
    // Work that moves from one connection to another may cost some bytes; a reset costs none.
    let received = outcome.statistics.bytes_from_network;
    assert!((received - SIZE) * 100 <= SIZE, "{received} bytes were received of {SIZE}");
    assert!(outcome.statistics.connections >= SIZE / RESET_EVERY, "{:?}", outcome.statistics);
}

#[test]
fn connections_that_are_reset_every_5_mb_send_almost_nothing_twice() {
    assert_wastes_little(Config::default());
    figure("≤ 1 % fetched twice");
}

#[test]
fn tls_connections_that_are_reset_every_5_mb_send_almost_nothing_twice() {
    assert_wastes_little(tls());
    figure("≤ 1 % fetched twice");
}
