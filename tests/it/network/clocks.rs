//! Clocks that are wrong by hours: the host's, the service's, and the times in its replies.

use local_oss::{Config, Fault, Matcher};
use oss_resumable::{ErrorKind, SignatureVersion};

use crate::fixture::{BUCKET, KEY, MIB, PART};
use crate::preload;
use crate::program;

use super::{fixture, fixture_of, fixture_with_fault, header, status};

const SIZE: u64 = MIB;
const HOURS: [i64; 6] = [1, -1, 9, -9, 24 * 400, -24 * 400];

#[test]
fn a_host_whose_clock_is_wrong_by_hours_downloads_by_the_services_clock() {
    let library = preload::compiled("clock");
    for hours in HOURS {
        let fixture = fixture(SIZE);
        let mut command = program::program(&fixture, fixture.dir(), [BUCKET, KEY, "file.bin", "."]);
        command.env("LD_PRELOAD", &library).env("CLOCK_AHEAD", (hours * 3600).to_string());
        let output = program::running(&mut command).output().expect("its end");
        assert!(output.status.success(), "{hours} hours: {}", program::error_output(&output));
        fixture.assert_range(0..SIZE);
        assert_eq!(fixture.files(), ["file.bin"]);
        let statuses: Vec<_> = fixture.server.requests().iter().map(|r| r.status).collect();
        // Without the first reply the test would not prove anything.
        assert_eq!(statuses[..2], [Some(403), Some(206)], "{hours} hours");
    }
}

#[test]
fn the_time_in_the_error_takes_precedence_over_the_date_of_a_proxy() {
    for hours in HOURS {
        for date in [Some("Thu, 01 Jan 1970 00:00:00 GMT"), Some("yesterday"), None] {
            let config = Config { clock_offset: hours * 3600, ..Config::default() };
            let fixture = fixture_of(config, PART);
            fixture.server.inject(header("Date", date));
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            assert_eq!(outcome.statistics.retries_auth, 1, "{hours} hours, {date:?}");
        }
    }
}

#[test]
fn an_error_without_a_time_is_corrected_by_its_date() {
    let skewed = status(403, "RequestTimeTooSkewed");
    let fixture = fixture_with_fault(SIZE, Matcher::any().nth(1), skewed);
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.retries_auth, 1);
}

#[test]
fn a_clock_that_jumps_during_the_download_is_followed() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = fixture(SIZE);
        fixture.server.inject(Fault::CloseAfter(50_000));
        fixture.server.inject_when(Matcher::any().from(3).times(4), Fault::SkewedClock(7200));
        fixture.server.inject_when(Matcher::any().from(7).times(4), Fault::SkewedClock(-7200));
        let client = fixture.client_with(|options| options.signature = signature);
        let outcome = fixture.assert_downloads(&client, &fixture.single());
        assert_eq!(outcome.statistics.retries_auth, 3, "ahead, behind, right again");
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    }
}

#[test]
fn a_service_that_rejects_every_time_is_an_error_after_few_requests() {
    for from in [1, 2] {
        let skewed = status(403, "RequestTimeTooSkewed");
        let fixture = fixture_with_fault(SIZE, Matcher::any().from(from), skewed);
        let request = fixture.request();
        let kind = ErrorKind::Service;
        let error =
            fixture.assert_refuses(&fixture.client(), &request, kind, "RequestTimeTooSkewed");
        assert_eq!(error.status(), 403);
        // Three attempts of each connection at most.
        assert!(fixture.server.requests().len() <= 1 + 9, "{}", fixture.server.requests().len());
        fixture.assert_recovers(&request);
    }
}
