//! Temporary keys that expire during a download, repeatedly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local_oss::{Auth, Fault, Key, Matcher};
use oss_resumable::{AccessKey, Client, Credentials, CredentialsProvider, ErrorKind, LogLevel};

use crate::fixture::{Fixture, MIB};

use super::{each, fixture, millis};

const SIZE: u64 = 2 * MIB;
/// More keys than any test here needs.
const KEYS: usize = 100;

fn key(n: usize) -> AccessKey {
    AccessKey::new(format!("STS.{n}"), format!("secret-{n}"), Some(format!("CAIStoken{n}")))
}

fn known(n: usize) -> Key {
    let AccessKey { id, secret, token, .. } = key(n);
    let token = token.map(|token| token.to_string());
    Key { id, secret: secret.to_string(), token, expires: None }
}

/// A fixture that knows all the keys and sends short replies, so that many are needed.
fn token_fixture() -> Fixture {
    let fixture = fixture(SIZE);
    fixture.server.set_auth(Auth::Keys((0..KEYS).map(known).collect()));
    fixture.server.inject(Fault::CloseAfter(150_000));
    fixture
}

/// Returns one key after the other, or what `answer` returns.
struct Provider<F> {
    asked: AtomicUsize,
    answer: F,
}

impl<F: Fn(usize) -> Result<AccessKey, String> + Send + Sync> CredentialsProvider for Provider<F> {
    fn fetch(&self) -> Result<AccessKey, String> {
        (self.answer)(self.asked.fetch_add(1, Ordering::SeqCst))
    }
}

fn provided<F>(answer: F) -> Arc<Provider<F>> {
    Arc::new(Provider { asked: AtomicUsize::new(0), answer })
}

fn client_of<F>(fixture: &Fixture, provider: &Arc<Provider<F>>) -> Client
where
    F: Fn(usize) -> Result<AccessKey, String> + Send + Sync + 'static,
{
    let credentials = Credentials::Provider(provider.clone());
    fixture.client_with(|options| options.credentials = credentials)
}

#[test]
fn tokens_that_expire_at_every_kth_request_are_renewed_by_the_provider() {
    each(2..=6, |k| {
        let fixture = token_fixture();
        fixture.server.inject_when(Matcher::any().every(*k), Fault::ExpiredToken);
        let provider = provided(|n| Ok(key(n)));
        let outcome = fixture.assert_downloads(&client_of(&fixture, &provider), &fixture.single());
        assert!(provider.asked.load(Ordering::SeqCst) >= 2);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE, "no byte is fetched twice");
        assert!(outcome.statistics.retries_auth >= 1);
    });
}

#[test]
fn a_token_that_expires_at_any_request_is_replaced_by_set_credentials() {
    each(1..=6, |k| {
        let fixture = token_fixture();
        fixture.server.inject_when(Matcher::any().from(*k).times(1), Fault::ExpiredToken);
        // The host observes each request and sets a newer key before the reply is sent.
        let slot: Arc<parking_lot::Mutex<Option<Client>>> = Arc::default();
        let (seen, requests) = (slot.clone(), Arc::new(AtomicUsize::new(0)));
        let client = fixture.client_with(|options| {
            options.credentials = Credentials::Static(key(0));
            options.log_level = LogLevel::Debug;
            options.log = Some(Arc::new(move |level, _: &str| {
                let n = requests.fetch_add(usize::from(level == LogLevel::Debug), Ordering::SeqCst);
                if let Some(client) = seen.lock().as_ref().filter(|_| level == LogLevel::Debug) {
                    client.set_credentials(Credentials::Static(key(n + 1))).expect("set");
                }
            }));
        });
        *slot.lock() = Some(client.clone());
        let outcome = fixture.assert_downloads(&client, &fixture.request());
        slot.lock().take();
        assert_eq!(outcome.statistics.retries_auth, 1, "expired at request {k}");
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    });
}

#[test]
fn a_slow_provider_delays_only_new_requests() {
    let fixture = token_fixture();
    fixture.server.inject_when(Matcher::any().nth(4), Fault::ExpiredToken);
    let provider = provided(|n| {
        std::thread::sleep(if n == 0 { Duration::ZERO } else { millis(700) });
        Ok(key(n))
    });
    let outcome = fixture.assert_downloads(&client_of(&fixture, &provider), &fixture.request());
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2, "once for each key");
    assert!(outcome.statistics.elapsed >= millis(700));
}

#[test]
fn a_provider_that_has_no_key_once_is_called_again() {
    let fixture = token_fixture();
    fixture.server.inject_when(Matcher::any().nth(4), Fault::ExpiredToken);
    let provider = provided(|n| match n {
        1 => Err("the role's service is busy".to_owned()),
        n => Ok(key(n)),
    });
    fixture.assert_downloads(&client_of(&fixture, &provider), &fixture.request());
    assert_eq!(provider.asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_provider_that_has_no_key_any_more_is_an_error_that_keeps_the_received_bytes() {
    let fixture = token_fixture();
    fixture.server.inject_when(Matcher::any().from(4), Fault::ExpiredToken);
    let provider =
        provided(|n| if n == 0 { Ok(key(n)) } else { Err("the role is gone".to_owned()) });
    let client = client_of(&fixture, &provider);
    let request = fixture.request();
    let error = client.download(&request).expect_err("no key");
    assert_eq!(error.code(), "CredentialsError", "{error}");
    assert!(error.message().contains("the role is gone"), "{error}");
    fixture.assert_old_file(&request);
    fixture.server.clear_faults();
    client.set_credentials(Credentials::Static(key(9))).expect("set");
    let outcome = fixture.assert_downloads(&client, &request);
    assert!(outcome.statistics.bytes_reused > 0);
}

#[test]
fn keys_that_are_refused_repeatedly_are_an_error_after_few_requests() {
    for from in [1, 4] {
        let fixture = token_fixture();
        fixture.server.inject_when(Matcher::any().from(from), Fault::ExpiredToken);
        let provider = provided(|n| Ok(key(n)));
        let client = client_of(&fixture, &provider);
        let request = fixture.request();
        let kind = ErrorKind::Service;
        fixture.assert_refuses(&client, &request, kind, "SecurityTokenExpired");
        // Three attempts of each connection at most.
        assert!(fixture.server.requests().len() <= from as usize + 9);
    }
}
