//! Redirections: credentials and requests are sent only to the endpoint.

use local_oss::{Fault, Matcher};
use oss_resumable::{ErrorKind, SignatureVersion};

use crate::fixture::{BUCKET, Fixture, KEY, MIB};

use super::{fixture, header, status};

const SIZE: u64 = MIB;

fn redirect(fixture: &Fixture, matcher: &Matcher, number: u16, location: &str) {
    fixture.server.inject_when(matcher.clone(), status(number, "Moved"));
    fixture.server.inject_when(matcher.clone(), header("Location", Some(location)));
}

#[test]
fn no_redirection_is_followed_and_nothing_is_sent_to_its_target() {
    let elsewhere = Fixture::new(SIZE);
    let there = format!("{}/{BUCKET}/{KEY}?Signature=hush", elsewhere.server.endpoint());
    for signature in [SignatureVersion::V4, SignatureVersion::V1] {
        for number in [300, 301, 302, 303, 305, 307, 308] {
            for matcher in [Matcher::any(), Matcher::any().from(2)] {
                let fixture = fixture(SIZE);
                redirect(&fixture, &matcher, number, &there);
                let client = fixture.client_with(|options| options.signature = signature);
                let request = fixture.request();
                let error = fixture.assert_refuses(&client, &request, ErrorKind::Service, "Moved");
                assert_eq!(error.status(), i64::from(number));
                let target = elsewhere.server.endpoint();
                assert!(error.message().contains(&target), "the error names the target: {error}");
                assert!(!error.message().contains("hush"), "{error}");
                assert!(fixture.server.requests().len() <= 1 + 3, "{number}");
                fixture.assert_recovers(&request);
            }
        }
    }
    assert_eq!(elsewhere.server.connections(), 0, "nobody even connected");
}

#[test]
fn a_redirection_to_itself_is_not_followed_either() {
    let fixture = fixture(SIZE);
    let here = format!("{}/{BUCKET}/{KEY}", fixture.server.endpoint());
    redirect(&fixture, &Matcher::any(), 302, &here);
    let request = fixture.request();
    fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Service, "Moved");
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn a_location_in_a_successful_reply_is_ignored() {
    let elsewhere = Fixture::new(SIZE);
    let fixture = fixture(SIZE);
    fixture.server.inject(header("Location", Some(&elsewhere.server.endpoint())));
    fixture.server.inject(Fault::CloseAfter(300_000));
    fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(elsewhere.server.connections(), 0);
}
