//! Keys that expire, and where keys may appear.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use local_oss::{Auth, Fault, Key, Matcher};
use oss_resumable::{
    AccessKey, Client, Credentials, CredentialsProvider, Download, LogLevel, SignatureVersion,
};
use parking_lot::Mutex;

use crate::fixture::{Fixture, ID, MIB, PART, SECRET, wait_for_progress};

const SIZE: u64 = 2 * MIB;
const TOKENS: [&str; 2] = ["CAISfirstToken", "CAISsecondToken"];

/// Temporary key number `n`.
fn key(n: usize) -> AccessKey {
    AccessKey::new(format!("STS.{n}"), format!("sts secret {n}"), Some(TOKENS[n].to_owned()))
}

/// The server's record of it.
fn known(n: usize, expires: Option<SystemTime>) -> Key {
    let key = key(n);
    Key { id: key.id, secret: key.secret.to_string(), token: Some(TOKENS[n].to_owned()), expires }
}

/// A server that accepts both keys and sends short and slow replies, so that many are needed.
fn fixture() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.set_auth(Auth::Keys(vec![known(0, None), known(1, None)]));
    fixture.server.inject(Fault::CloseAfter(200_000));
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    fixture
}

/// From now on the first key is refused as expired; the second is still valid.
fn expire_first(fixture: &Fixture, download: &Download) {
    wait_for_progress(download, PART);
    let keys = vec![known(0, Some(SystemTime::UNIX_EPOCH)), known(1, None)];
    fixture.server.set_auth(Auth::Keys(keys));
}

/// Returns one key after the other.
struct Rotating(AtomicUsize);

impl CredentialsProvider for Rotating {
    fn fetch(&self) -> Result<AccessKey, String> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            n @ (0 | 1) => Ok(key(n)),
            _ => Err("asked too often".to_owned()),
        }
    }
}

#[test]
fn a_key_that_expires_during_the_download_is_renewed_by_the_provider() {
    let fixture = fixture();
    let provider = Arc::new(Rotating(AtomicUsize::new(0)));
    let credentials = Credentials::Provider(provider.clone());
    let client = fixture.client_with(|options| options.credentials = credentials);
    let download = client.start(&fixture.request()).expect("start");
    expire_first(&fixture, &download);
    let outcome = download.wait(None).expect("no limit").expect("renewed");
    fixture.assert_whole(&outcome);
    assert_eq!(provider.0.load(Ordering::SeqCst), 2, "asked once for each key");
    assert!(outcome.statistics.retries_auth >= 1);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE, "no byte is fetched twice");
}

#[test]
fn a_key_that_is_replaced_during_the_download_is_used_at_once() {
    let fixture = fixture();
    let client = fixture.client_with(|options| options.credentials = Credentials::Static(key(0)));
    let download = client.start(&fixture.request()).expect("start");
    client.set_credentials(Credentials::Static(key(1))).expect("set");
    expire_first(&fixture, &download);
    let outcome = download.wait(None).expect("no limit").expect("replaced");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn a_static_key_that_expires_during_the_download_is_the_error_and_a_new_one_resumes() {
    let fixture = fixture();
    let client = fixture.client_with(|options| options.credentials = Credentials::Static(key(0)));
    let download = client.start(&fixture.request()).expect("start");
    expire_first(&fixture, &download);
    let error = download.wait(None).expect("no limit").expect_err("expired");
    assert_eq!((error.status(), error.code()), (403, "SecurityTokenExpired"));
    client.set_credentials(Credentials::Static(key(1))).expect("set");
    let outcome = client.download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART);
}

#[test]
fn a_provider_of_nearly_expired_keys_is_not_called_for_each_request() {
    struct Soon(AtomicUsize);
    impl CredentialsProvider for Soon {
        fn fetch(&self) -> Result<AccessKey, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let expires = Some(SystemTime::now() + Duration::from_secs(5));
            Ok(AccessKey { expires, ..key(0) })
        }
    }
    let fixture = fixture();
    let provider = Arc::new(Soon(AtomicUsize::new(0)));
    let credentials = Credentials::Provider(provider.clone());
    let client = fixture.client_with(|options| options.credentials = credentials);
    fixture.assert_whole(&client.download(&fixture.request()).expect("download"));
    assert!(fixture.server.requests().len() > 5);
    assert_eq!(provider.0.load(Ordering::SeqCst), 1);
}

/// The texts of a download's result, and of the files that it leaves.
fn said_and_written(fixture: &Fixture, client: &Client) -> impl Iterator<Item = String> + use<> {
    let download = client.start(&fixture.request()).expect("start");
    let end = match download.wait(None).expect("no limit") {
        Ok(outcome) => format!("{outcome:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    let status = format!("{:?}", download.status());
    let checkpoint = format!("{:?}", client.inspect_checkpoint(&fixture.request()));
    let files = fixture.files().into_iter().map({
        let directory = fixture.dir().to_owned();
        move |name| {
            String::from_utf8_lossy(&std::fs::read(directory.join(name)).expect("read"))
                .into_owned()
        }
    });
    [end, status, checkpoint].into_iter().chain(files)
}

/// Everything that a client outputs and every request of the server's log, for successful and failed downloads.
fn heard(signature: SignatureVersion, level: LogLevel) -> (Vec<(LogLevel, String)>, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut hidden = vec![SECRET.to_owned(), TOKENS[0].to_owned(), "sts secret 0".to_owned()];
    for fault in [
        None,
        Some(Fault::CloseAfter(50_000)),
        Some(Fault::CloseBeforeHeaders),
        Some(Fault::ExpiredToken),
        Some(Fault::GarbageBody),
        Some(Fault::Redirect("http://elsewhere/?Signature=abc".to_owned())),
        Some(Fault::Html(502)),
        Some(Fault::SkewedClock(7200)),
        Some(Fault::IgnoreRange),
    ] {
        let fixture = Fixture::new(4 * PART);
        fixture.server.set_auth(Auth::Keys(vec![known(0, None)]));
        if let Some(fault) = fault {
            fixture.server.inject_when(Matcher::any().from(2), fault);
        }
        let sink = lines.clone();
        let client = fixture.client_with(|options| {
            options.signature = signature;
            options.credentials = Credentials::Static(key(0));
            options.log = Some(Arc::new(move |level, line: &str| {
                sink.lock().push((level, line.to_owned()));
            }));
            options.log_level = level;
            options.no_progress_limit = Some(Duration::from_millis(300));
        });
        // The log writes to `lines` meanwhile.
        let said: Vec<_> = said_and_written(&fixture, &client).collect();
        lines.lock().extend(said.into_iter().map(|line| (LogLevel::Error, line)));
        for request in fixture.server.requests() {
            let authorization = request.header("Authorization").expect("signed");
            let signature = authorization.rsplit([':', '=', ',']).find(|part| part.len() > 8);
            hidden.push(signature.expect("a signature").to_owned());
        }
    }
    let lines = lines.lock().clone();
    (lines, hidden)
}

#[test]
fn no_output_or_file_contains_a_secret_a_token_or_a_signature() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let (lines, hidden) = heard(signature, LogLevel::Debug);
        assert!(lines.len() > 30 && hidden.len() > 10, "{} lines", lines.len());
        for (_, line) in &lines {
            for word in hidden.iter().map(String::as_str).chain(["Signature=", "Authorization"]) {
                assert!(!line.contains(word), "{line}");
            }
        }
    }
}

#[test]
fn the_log_contains_lines_of_the_configured_level_and_above() {
    let (all, _) = heard(SignatureVersion::V4, LogLevel::Debug);
    for level in [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug] {
        assert!(all.iter().any(|(l, _)| *l == level), "{level:?}");
    }
    let (few, _) = heard(SignatureVersion::V4, LogLevel::Warn);
    assert!(few.iter().any(|(level, _)| *level == LogLevel::Warn));
    assert!(few.iter().all(|(level, _)| *level <= LogLevel::Warn));
}

#[test]
fn debug_output_hides_keys() {
    let fixture = Fixture::new(1);
    let shown = format!("{:?} {:?}", fixture.options(), AccessKey::new(ID, SECRET, None));
    assert!(!shown.contains(SECRET) && !shown.contains(ID), "{shown}");
}
