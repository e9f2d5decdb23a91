//! Redirections: credentials and requests go nowhere but to the endpoint.

use local_oss::{Fault, Matcher};
use oss_resumable::{ErrorKind, SignatureVersion};

use crate::lab::{BUCKET, KEY, Lab, MIB};

use super::{header, lab, status};

const SIZE: u64 = MIB;

fn redirect(lab: &Lab, matcher: &Matcher, number: u16, location: &str) {
    lab.server.inject_when(matcher.clone(), status(number, "Moved"));
    lab.server.inject_when(matcher.clone(), header("Location", Some(location)));
}

#[test]
fn no_redirection_is_followed_and_nothing_arrives_where_it_points() {
    let elsewhere = Lab::new(SIZE);
    let there = format!("{}/{BUCKET}/{KEY}?Signature=hush", elsewhere.server.endpoint());
    for signature in [SignatureVersion::V4, SignatureVersion::V1] {
        for number in [300, 301, 302, 303, 305, 307, 308] {
            for matcher in [Matcher::any(), Matcher::any().from(2)] {
                let lab = lab(SIZE);
                redirect(&lab, &matcher, number, &there);
                let client = lab.client_with(|options| options.signature = signature);
                let request = lab.request();
                let error = lab.assert_refuses(&client, &request, ErrorKind::Service, "Moved");
                assert_eq!(error.status(), i64::from(number));
                let target = elsewhere.server.endpoint();
                assert!(error.message().contains(&target), "the place is told: {error}");
                assert!(!error.message().contains("hush"), "{error}");
                assert!(lab.server.requests().len() <= 1 + 3, "{number}");
                lab.assert_recovers(&request);
            }
        }
    }
    assert_eq!(elsewhere.server.connections(), 0, "nobody even connected");
}

#[test]
fn a_redirection_to_itself_is_not_followed_either() {
    let lab = lab(SIZE);
    let here = format!("{}/{BUCKET}/{KEY}", lab.server.endpoint());
    redirect(&lab, &Matcher::any(), 302, &here);
    let request = lab.request();
    lab.assert_refuses(&lab.client(), &request, ErrorKind::Service, "Moved");
    assert_eq!(lab.server.requests().len(), 1);
}

#[test]
fn a_location_beside_a_good_reply_is_nobody_s_business() {
    let elsewhere = Lab::new(SIZE);
    let lab = lab(SIZE);
    lab.server.inject(header("Location", Some(&elsewhere.server.endpoint())));
    lab.server.inject(Fault::CloseAfter(300_000));
    lab.assert_downloads(&lab.client(), &lab.request());
    assert_eq!(elsewhere.server.connections(), 0);
}
