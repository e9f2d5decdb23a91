//! Disabled requests: running downloads end, others do not start, until they are enabled.

use std::time::Duration;

use local_oss::Fault;
use oss_resumable::ErrorKind;

use crate::lab::{Lab, MIB, PART, wait_for_progress};

#[test]
fn disabling_ends_running_downloads_with_the_sdk_s_code_and_keeps_their_checkpoints() {
    let lab = Lab::new(8 * MIB);
    lab.server.inject(Fault::RateLimit(MIB));
    let client = lab.client();
    let download = client.start(&lab.request()).expect("start");
    wait_for_progress(&download, PART);
    client.disable_requests().expect("own process");
    let error = download.wait(Some(Duration::from_secs(10))).expect("soon").expect_err("disabled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    assert!(lab.journal().is_some() && lab.temp().exists());

    let asked = lab.server.requests().len();
    let error = client.download(&lab.request()).expect_err("still disabled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    assert_eq!(lab.server.requests().len(), asked, "nothing is sent");

    lab.server.clear_faults();
    client.enable_requests().expect("own process");
    let outcome = client.download(&lab.request()).expect("enabled again");
    lab.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART, "it goes on where it was");
}

#[test]
fn a_client_that_is_disabled_before_its_first_download_starts_none() {
    let lab = Lab::new(MIB);
    let client = lab.client();
    client.disable_requests().expect("own process");
    assert_eq!(
        client.start(&lab.request()).map(drop).expect_err("disabled").kind(),
        ErrorKind::Disabled
    );
    assert!(lab.server.requests().is_empty());
    assert_eq!(lab.files(), [""; 0]);
}
