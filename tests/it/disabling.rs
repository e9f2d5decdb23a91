//! Disabled requests: running downloads end and others do not start until requests are enabled again.

use std::time::Duration;

use local_oss::Fault;
use oss_resumable::ErrorKind;

use crate::fixture::{Fixture, MIB, PART, wait_for_progress};

#[test]
fn disabling_ends_running_downloads_with_the_sdk_s_code_and_keeps_their_checkpoints() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, PART);
    client.disable_requests().expect("own process");
    let error = download.wait(Some(Duration::from_secs(10))).expect("soon").expect_err("disabled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    assert!(fixture.journal().is_some() && fixture.temp().exists());

    let asked = fixture.server.requests().len();
    let error = client.download(&fixture.request()).expect_err("still disabled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    assert_eq!(fixture.server.requests().len(), asked, "nothing is sent");

    fixture.server.clear_faults();
    client.enable_requests().expect("own process");
    let outcome = client.download(&fixture.request()).expect("enabled again");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART, "it resumes where it was");
}

#[test]
fn a_client_that_is_disabled_before_its_first_download_starts_none() {
    let fixture = Fixture::new(MIB);
    let client = fixture.client();
    client.disable_requests().expect("own process");
    assert_eq!(
        client.start(&fixture.request()).map(drop).expect_err("disabled").kind(),
        ErrorKind::Disabled
    );
    assert!(fixture.server.requests().is_empty());
    assert_eq!(fixture.files(), [""; 0]);
}
