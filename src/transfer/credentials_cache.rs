//! The client's credentials cache: keeps the current key and asks the provider for new ones.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::model::credentials::{AccessKey, Credentials, CredentialsProvider};
use crate::model::error::{Error, ErrorKind};
use crate::oss::service_error::host_reason;
use crate::oss::validate;
use crate::sync::Mutex;
use crate::sync::inbox::Sender;
use crate::sync::thread;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;

use super::environment_key;
use super::event::Event;

/// Temporary keys are renewed this long before they expire …
const RENEW_BEFORE: Duration = Duration::from_secs(30);
/// … but a provider that returns nearly expired keys is not called more often than this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A key to sign one request with.
#[derive(Clone, Debug)]
pub struct CachedKey {
    /// `None`: anonymous, the request is not signed.
    pub key: Option<Arc<AccessKey>>,
    /// Distinguishes this key from later ones.
    pub serial: u64,
}

/// The credentials cache of one client.
#[derive(Default)]
pub struct CredentialsCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    source: Credentials,
    current: Option<Arc<AccessKey>>,
    serial: u64,
    /// The provider is being called.
    asking: bool,
    asked_at: Option<Instant>,
    /// The thread of the current or last call of the provider.
    thread: Option<Joined>,
    /// Threads in which former providers were being called when they were replaced; the calls may take long.
    former: Vec<Joined>,
    /// The provider's last error, if it returned no key.
    failure: Option<String>,
    waiting: Vec<Sender<Event>>,
}

impl CredentialsCache {
    pub fn new(source: Credentials) -> Self {
        let cache = CredentialsCache::default();
        cache.replace(source);
        cache
    }

    /// Uses `source` from now on.
    pub fn replace(&self, source: Credentials) {
        let mut state = self.state.lock();
        state.current = match &source {
            Credentials::Static(key) => Some(Arc::new(key.clone())),
            _ => None,
        };
        let former = std::mem::replace(&mut state.source, source);
        state.serial += 1;
        state.failure = None;
        if std::mem::take(&mut state.asking) {
            let running = state.thread.take();
            state.former.extend(running);
        }
        state.asked_at = None;
        state.wake_waiting();
        // The former provider may call back while it is dropped.
        drop(state);
        drop(former);
    }

    /// Whether requests are signed at all.
    pub fn signs(&self) -> bool {
        !matches!(self.state.lock().source, Credentials::Anonymous)
    }

    /// Reads the environment again, if that is the source: once per download, on the caller's thread.
    pub fn refresh_environment(&self) -> Result<(), Error> {
        if !matches!(self.state.lock().source, Credentials::Environment) {
            return Ok(());
        }
        let key = environment_key::from_environment()?;
        let mut state = self.state.lock();
        if matches!(state.source, Credentials::Environment) {
            state.current = Some(Arc::new(key));
            state.serial += 1;
        }
        Ok(())
    }

    /// A key for the next request. `None`: the provider is being called, and `waiter` receives a wake event when it
    /// returns.
    pub fn issue(self: &Arc<Self>, waiter: &Sender<Event>) -> Result<Option<CachedKey>, Error> {
        let mut state = self.state.lock();
        let provider = match &state.source {
            Credentials::Anonymous => {
                return Ok(Some(CachedKey { key: None, serial: state.serial }));
            }
            Credentials::Provider(provider) => provider.clone(),
            Credentials::Environment | Credentials::Static(_) => {
                let key = state.current.clone();
                return match key {
                    Some(_) => Ok(Some(CachedKey { key, serial: state.serial })),
                    None => Err(Error::validation("no access key is set")),
                };
            }
        };
        if let Some(key) = state.current.clone() {
            let due = state.renewal_due(&key);
            let usable = !due || !is_expired(&key);
            if due && usable && !state.asking {
                // An early renewal for later requests. Even if it fails, this key is valid until it expires.
                let _ = self.ask(&mut state, provider.clone());
            }
            if usable {
                return Ok(Some(CachedKey { key: Some(key), serial: state.serial }));
            }
        }
        if let Some(message) = state.failure.take() {
            return Err(Error::new(
                ErrorKind::Service,
                "CredentialsError",
                format!("the credentials provider returned no access key: {message}"),
            ));
        }
        if !state.asking {
            self.ask(&mut state, provider)?;
        }
        if !state.waiting.iter().any(|known| known.same_channel(waiter)) {
            state.waiting.push(waiter.clone());
        }
        Ok(None)
    }

    /// Reports that the service refused the key `serial` as expired. Returns whether the next
    /// [`CredentialsCache::issue`] may return another key.
    pub fn expired(&self, serial: u64) -> bool {
        let mut state = self.state.lock();
        if state.serial != serial {
            return true;
        }
        if !matches!(state.source, Credentials::Provider(_)) {
            return false;
        }
        state.current = None;
        true
    }

    /// Waits for calls of providers to return, except for one that is the caller.
    pub fn shut_down(&self) {
        let (thread, former) = {
            let mut state = self.state.lock();
            (state.thread.take(), std::mem::take(&mut state.former))
        };
        let here = thread::current().id();
        for asking in former.into_iter().chain(thread).filter(|asking| asking.id() != here) {
            // Its result is in the state.
            let _ = asking.join();
        }
    }

    fn ask(
        self: &Arc<Self>,
        state: &mut State,
        provider: Arc<dyn CredentialsProvider>,
    ) -> Result<(), Error> {
        if let Some(answered) = state.thread.take() {
            // It has stored its result and released this lock; only the thread has to end.
            let _ = answered.join();
        }
        let cache = self.clone();
        let serial = state.serial;
        let thread = sys::thread::spawn("oss-credentials", move || {
            // The provider is dropped here too: one that was replaced meanwhile may call back from its destructor.
            let answer = catch(move || provider.fetch())
                .unwrap_or_else(|_| Err("the provider panicked".to_owned()))
                .and_then(usable);
            cache.answered(serial, answer);
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        state.thread = Some(thread);
        state.asking = true;
        state.asked_at = Some(Instant::now());
        Ok(())
    }

    fn answered(&self, serial: u64, answer: Result<AccessKey, String>) {
        let mut state = self.state.lock();
        // The credentials may have been replaced during the call.
        if state.serial != serial {
            return;
        }
        state.asking = false;
        match answer {
            Ok(key) => {
                state.current = Some(Arc::new(key));
                state.serial += 1;
                state.failure = None;
            }
            // An early renewal failed: it can be tried again before the key expires.
            Err(_) if state.current.as_deref().is_some_and(|key| !is_expired(key)) => {}
            Err(message) => {
                state.current = None;
                state.failure = Some(host_reason(&message));
            }
        }
        state.wake_waiting();
    }
}

impl State {
    fn renewal_due(&self, key: &AccessKey) -> bool {
        let soon = key.expires.is_some_and(|at| SystemTime::now() + RENEW_BEFORE >= at);
        soon && self.asked_at.is_none_or(|at| at.elapsed() >= ASK_AGAIN_AFTER)
    }

    fn wake_waiting(&mut self) {
        for waiter in self.waiting.drain(..) {
            let _ = waiter.send(Event::Wake);
        }
    }
}

/// The key, if it can be sent: a line end in it would begin another header.
fn usable(key: AccessKey) -> Result<AccessKey, String> {
    validate::access_key(&key).map_err(|error| error.message().to_owned())?;
    Ok(key)
}

fn is_expired(key: &AccessKey) -> bool {
    key.expires.is_some_and(|at| SystemTime::now() >= at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use crate::sync::channel::{self, unbounded};
    use crate::sync::inbox::inbox;

    struct Counting(AtomicU32);

    impl CredentialsProvider for Counting {
        fn fetch(&self) -> Result<AccessKey, String> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(AccessKey::new("first", "secret", None)),
                1 => Err("the role\nis gone\r\n".to_owned()),
                _ => Ok(AccessKey::new("third", "secret", None)),
            }
        }
    }

    fn issue(cache: &Arc<CredentialsCache>) -> Result<CachedKey, Error> {
        let (sender, receiver) = inbox();
        loop {
            if let Some(issued) = cache.issue(&sender)? {
                return Ok(issued);
            }
            let woken = receiver.recv_deadline(Instant::now() + Duration::from_secs(5));
            assert!(woken.is_ok(), "a waiter is always woken");
        }
    }

    #[test]
    fn a_provider_is_called_once_and_again_after_its_key_was_refused() {
        let provider = Arc::new(Counting(AtomicU32::new(0)));
        let cache = Arc::new(CredentialsCache::new(Credentials::Provider(provider.clone())));
        let first = issue(&cache).expect("a key");
        let again = issue(&cache).expect("the same key");
        assert_eq!(first.serial, again.serial);
        assert_eq!(provider.0.load(Ordering::SeqCst), 1);

        assert!(cache.expired(first.serial));
        let error = issue(&cache).expect_err("the provider has none");
        assert_eq!(error.code(), "CredentialsError");
        assert!(error.message().contains("the role is gone"));
        assert_eq!(issue(&cache).expect("a key").key.expect("signed").id, "third");
    }

    /// Returns when the test allows it, and its destructor is slow.
    struct Slow {
        answers: channel::Receiver<AccessKey>,
        going: channel::Sender<()>,
        gone: Arc<AtomicBool>,
    }

    impl CredentialsProvider for Slow {
        fn fetch(&self) -> Result<AccessKey, String> {
            self.answers.recv().map_err(|_| "nobody answers".to_owned())
        }
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.going.send(());
            std::thread::sleep(Duration::from_millis(300));
            self.gone.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_new_provider_is_called_while_the_former_blocks_and_shutdown_waits_for_both() {
        let (answer, answers) = unbounded();
        let (going, goes) = unbounded();
        let gone = Arc::new(AtomicBool::new(false));
        let slow = Slow { answers, going, gone: gone.clone() };
        let cache = Arc::new(CredentialsCache::new(Credentials::Provider(Arc::new(slow))));
        let (waiter, woken) = inbox();
        for _ in 0..3 {
            assert!(cache.issue(&waiter).expect("asked").is_none());
        }
        let next = Counting(AtomicU32::new(0));
        cache.replace(Credentials::Provider(Arc::new(next)));
        woken.try_recv().expect("the waiter is woken");
        assert!(woken.try_recv().is_err(), "once, however often it asked");
        assert_eq!(issue(&cache).expect("a key").key.expect("signed").id, "first");

        answer.send(AccessKey::new("late", "secret", None)).expect("it still waits");
        goes.recv_timeout(Duration::from_secs(5)).expect("it has answered");
        cache.shut_down();
        assert!(gone.load(Ordering::SeqCst), "the thread still holds the provider");
        assert_eq!(issue(&cache).expect("a key").key.expect("signed").id, "first");
    }

    /// Returns a key that expires soon, then an error, then a permanent key.
    struct Temporary(AtomicU32);

    impl CredentialsProvider for Temporary {
        fn fetch(&self) -> Result<AccessKey, String> {
            let mut key = AccessKey::new("soon-gone", "secret", None);
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    key.expires = Some(SystemTime::now() + RENEW_BEFORE / 2);
                    Ok(key)
                }
                1 => Err("try again later".to_owned()),
                _ => Ok(AccessKey::new("lasting", "secret", None)),
            }
        }
    }

    #[test]
    fn a_valid_key_is_kept_after_a_failed_renewal() {
        let provider = Arc::new(Temporary(AtomicU32::new(0)));
        let cache = Arc::new(CredentialsCache::new(Credentials::Provider(provider.clone())));
        let id = || issue(&cache).expect("a key").key.expect("signed").id.clone();
        let settle = || {
            let started = Instant::now();
            while cache.state.lock().asking {
                assert!(started.elapsed() < Duration::from_secs(5), "no answer");
                std::thread::yield_now();
            }
        };
        assert_eq!(id(), "soon-gone");
        cache.state.lock().asked_at = None;
        assert_eq!(id(), "soon-gone", "a renewal is nothing to wait for");
        settle();
        assert_eq!(provider.0.load(Ordering::SeqCst), 2, "it was asked for another");
        assert_eq!(id(), "soon-gone", "the failed renewal keeps the key");
        assert_eq!(provider.0.load(Ordering::SeqCst), 2, "and is not repeated at once");

        cache.state.lock().asked_at = None;
        assert_eq!(id(), "soon-gone");
        settle();
        assert_eq!(id(), "lasting");
    }

    #[test]
    fn a_refused_static_key_is_final_until_it_is_replaced() {
        let key = |id: &str| Credentials::Static(AccessKey::new(id, "secret", None));
        let cache = Arc::new(CredentialsCache::new(key("old")));
        let old = issue(&cache).expect("a key");
        assert!(!cache.expired(old.serial));
        cache.replace(key("new"));
        assert!(cache.expired(old.serial));
        assert_eq!(issue(&cache).expect("a key").key.expect("signed").id, "new");
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
