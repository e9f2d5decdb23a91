//! No query and no user info of a URL appears anywhere but in the request line.

use std::sync::Arc;
use std::time::Duration;

use local_oss::Fault;
use oss_resumable::{
    Client, DownloadRequest, Error, LogLevel, Outcome, RequestTrace, SignatureVersion,
};
use parking_lot::Mutex;

use crate::fixture::{Fixture, MIB};

use super::server::{Reply, Scripted};
use super::{SIGNATURES, client_with, presigned, provider};

/// Everything that a client says of its downloads.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Said {
    fn add(&self, text: &str) {
        let mut said = self.0.lock();
        said.push_str(text);
        said.push('\n');
    }

    fn client(&self) -> Client {
        let (logged, traced) = (self.clone(), self.clone());
        client_with(move |options| {
            options.log_level = LogLevel::Debug;
            options.log = Some(Arc::new(move |_, line: &str| logged.add(line)));
            options.trace =
                Some(Arc::new(move |trace: RequestTrace| traced.add(&format!("{trace:?}"))));
            options.max_attempts = 2;
        })
    }

    /// Adds what the download says, and the files that it leaves.
    fn download(&self, fixture: &Fixture, request: &DownloadRequest) -> Result<Outcome, Error> {
        self.add(&format!("{request:?}"));
        let result = self.client().download(request);
        match &result {
            Ok(outcome) => self.add(&format!("{outcome:?} {}", outcome.to_json())),
            Err(error) => self.add(&format!("{error} {error:?}")),
        }
        for name in fixture.files() {
            self.add(&name);
            let path = fixture.dir().join(name);
            if path != fixture.target() && path != fixture.temp() {
                self.add(&String::from_utf8_lossy(&std::fs::read(path).expect("a file")));
            }
        }
        let known = self.client().inspect_checkpoint(request);
        self.add(&format!("{known:?}"));
        result
    }

    fn assert_silent_about(&self, secrets: &[&str]) {
        let said = self.0.lock();
        assert!(!said.is_empty());
        for secret in secrets {
            assert!(!said.contains(secret), "'{secret}' appears in {said}");
        }
    }
}

#[test]
fn a_signature_appears_in_no_log_error_result_trace_or_checkpoint() {
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(MIB);
        let said = Said::default();
        let url = presigned(&fixture, version, Duration::from_secs(3600));
        let request = fixture.request_for(&url);
        said.download(&fixture, &request).expect("download");
        // An interrupted one, one that is refused, one that finds nobody, and one that has expired.
        fixture.server.inject(Fault::CloseAfter(60_000));
        let _ = said.download(&fixture, &request.clone().thread_num(1));
        fixture.server.clear_faults();
        said.download(&fixture, &request).expect("resume");
        fixture.server.inject(Fault::CloseBeforeHeaders);
        said.download(&fixture, &request).expect_err("nothing");
        fixture.server.clear_faults();
        fixture.server.inject(Fault::Html(403));
        said.download(&fixture, &request).expect_err("refused");
        fixture.server.clear_faults();
        let changed = fixture.request_for(url.clone() + "0");
        said.download(&fixture, &changed).expect_err("another signature");
        fixture.server.set_clock_offset(7200);
        let renewed = request.clone().url_provider(provider([url.clone(), "x?SECRET".to_owned()]));
        said.download(&fixture, &renewed).expect_err("expired");
        said.download(&fixture, &request).expect_err("expired");
        fixture.server.stop();
        said.download(&fixture, &request).expect_err("nobody");
        let query = url.split_once('?').expect("a query").1;
        let values = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1));
        let values: Vec<&str> = values.filter(|value| value.len() > 6).collect();
        said.assert_silent_about(&values);
        said.assert_silent_about(&SIGNATURES);
        said.assert_silent_about(&["SECRET"]);
    }
}

#[test]
fn the_query_of_a_redirect_s_address_appears_nowhere() {
    let fixture = Fixture::new(MIB);
    let said = Said::default();
    let url = presigned(&fixture, SignatureVersion::V4, Duration::from_secs(3600));
    let target = url.clone();
    let first = Scripted::start(move |_, _| Reply::redirect(302, &target));
    let request = fixture.request_for(first.url("/x?token=SECRET"));
    said.download(&fixture, &request).expect("download");
    fixture.server.inject(Fault::Html(403));
    said.download(&fixture, &request).expect_err("refused");
    for location in ["http://u:SECRET@h/?SECRET", "ftp://SECRET", "http://h:SECRET/"] {
        let astray = Scripted::start(move |_, _| Reply::redirect(302, location));
        let request = fixture.request_for(astray.url("/x?SECRET"));
        said.download(&fixture, &request).expect_err("astray");
    }
    said.assert_silent_about(&["SECRET", "x-oss-signature"]);
}

#[test]
fn user_info_and_the_query_of_a_url_that_is_refused_appear_nowhere() {
    let fixture = Fixture::new(1);
    let said = Said::default();
    for url in [
        "https://user:SECRET@host/x?SECRET",
        "ftp://SECRET",
        "SECRET",
        "http://SECRET SECRET/?SECRET",
        "https://host/a/..?SECRET",
        "https://host:SECRET/",
    ] {
        let mut request = fixture.request_for(url);
        request.file_path = None;
        said.add(&format!("{request:?}"));
        let error = said.client().download(&request).expect_err(url);
        said.add(&format!("{error} {error:?}"));
    }
    said.assert_silent_about(&["SECRET", "user:"]);
}
