//! The client's credentials: who holds them, who asks for new ones, and who waits for the answer.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::model::credentials::{AccessKey, Credentials, CredentialsProvider};
use crate::model::error::{Error, ErrorKind};
use crate::oss::validate;
use crate::sync::Mutex;
use crate::sync::channel::Sender;
use crate::sync::thread;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;

use super::environment_key;
use super::event::Event;

/// Temporary keys are renewed this long before they expire …
const RENEW_BEFORE: Duration = Duration::from_secs(30);
/// … but a provider that hands out nearly expired keys is not asked more often than this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A key to sign one request with.
#[derive(Clone, Debug)]
pub struct CachedKey {
    /// None: anonymous, the request is not signed.
    pub key: Option<Arc<AccessKey>>,
    /// Tells this key from later ones.
    pub serial: u64,
}

/// The credentials of one client.
#[derive(Default)]
pub struct CredentialsCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    source: Credentials,
    held: Option<Arc<AccessKey>>,
    serial: u64,
    /// The provider is being asked.
    asking: bool,
    asked_at: Option<Instant>,
    /// On which the provider is asked, or was the last time.
    thread: Option<Joined>,
    /// On which former providers were asked when they were replaced: they may take their time.
    former: Vec<Joined>,
    /// What the provider answered last, if it had no key.
    failure: Option<String>,
    waiting: Vec<Sender<Event>>,
}

impl CredentialsCache {
    pub fn new(source: Credentials) -> Self {
        let authority = CredentialsCache::default();
        authority.replace(source);
        authority
    }

    /// Uses `source` from now on.
    pub fn replace(&self, source: Credentials) {
        let mut state = self.state.lock();
        state.held = match &source {
            Credentials::Static(key) => Some(Arc::new(key.clone())),
            _ => None,
        };
        let former = std::mem::replace(&mut state.source, source);
        state.serial += 1;
        state.failure = None;
        if std::mem::take(&mut state.asking) {
            let hanging = state.thread.take();
            state.former.extend(hanging);
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

    /// Reads the environment again, if that is the source: once for each download, on the caller's thread.
    pub fn refresh_environment(&self) -> Result<(), Error> {
        if !matches!(self.state.lock().source, Credentials::Environment) {
            return Ok(());
        }
        let key = environment_key::from_environment()?;
        let mut state = self.state.lock();
        if matches!(state.source, Credentials::Environment) {
            state.held = Some(Arc::new(key));
            state.serial += 1;
        }
        Ok(())
    }

    /// A key for the next request. None: the provider is being asked, and `waiter` is woken when it has answered.
    pub fn issue(self: &Arc<Self>, waiter: &Sender<Event>) -> Result<Option<CachedKey>, Error> {
        let mut state = self.state.lock();
        let provider = match &state.source {
            Credentials::Anonymous => {
                return Ok(Some(CachedKey { key: None, serial: state.serial }));
            }
            Credentials::Provider(provider) => provider.clone(),
            Credentials::Environment | Credentials::Static(_) => {
                let key = state.held.clone();
                return match key {
                    Some(_) => Ok(Some(CachedKey { key, serial: state.serial })),
                    None => Err(Error::validation("no access key is set")),
                };
            }
        };
        if let Some(key) = state.held.clone() {
            let due = state.renewal_due(&key);
            let usable = !due || !is_expired(&key);
            if due && usable && !state.asking {
                // Renewed early, for later requests. Whatever comes of it, this key is good until it expires.
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

    /// The service refused the key `serial` as expired. True when the next [`CredentialsCache::issue`] can bring another one.
    pub fn expired(&self, serial: u64) -> bool {
        let mut state = self.state.lock();
        if state.serial != serial {
            return true;
        }
        if !matches!(state.source, Credentials::Provider(_)) {
            return false;
        }
        state.held = None;
        true
    }

    /// Waits for providers that are being asked, unless it is the provider that calls.
    pub fn shut_down(&self) {
        let (thread, former) = {
            let mut state = self.state.lock();
            (state.thread.take(), std::mem::take(&mut state.former))
        };
        let here = thread::current().id();
        for asking in former.into_iter().chain(thread).filter(|asking| asking.thread().id() != here)
        {
            // What it had to say is in the state.
            let _ = asking.join();
        }
    }

    fn ask(
        self: &Arc<Self>,
        state: &mut State,
        provider: Arc<dyn CredentialsProvider>,
    ) -> Result<(), Error> {
        if let Some(answered) = state.thread.take() {
            // It has answered, let this lock go, and only has to end.
            let _ = answered.join();
        }
        let authority = self.clone();
        let serial = state.serial;
        let thread = sys::thread::spawn("oss-credentials", move || {
            // Dropped in there too: a provider that was replaced meanwhile may call back as it goes.
            let answer = catch(move || provider.fetch())
                .unwrap_or_else(|_| Err("the provider panicked".to_owned()))
                .and_then(usable);
            authority.answered(serial, answer);
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        state.thread = Some(thread);
        state.asking = true;
        state.asked_at = Some(Instant::now());
        Ok(())
    }

    fn answered(&self, serial: u64, answer: Result<AccessKey, String>) {
        let mut state = self.state.lock();
        // The credentials may have been replaced while the provider was thinking.
        if state.serial != serial {
            return;
        }
        state.asking = false;
        match answer {
            Ok(key) => {
                state.held = Some(Arc::new(key));
                state.serial += 1;
                state.failure = None;
            }
            // An early renewal that failed: there is time for another.
            Err(_) if state.held.as_deref().is_some_and(|key| !is_expired(key)) => {}
            Err(message) => {
                state.held = None;
                state.failure = Some(message);
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
    use crate::sync::channel::{Receiver, unbounded};

    struct Counting(AtomicU32);

    impl CredentialsProvider for Counting {
        fn fetch(&self) -> Result<AccessKey, String> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(AccessKey::new("first", "secret", None)),
                1 => Err("the role is gone".to_owned()),
                _ => Ok(AccessKey::new("third", "secret", None)),
            }
        }
    }

    fn issue(authority: &Arc<CredentialsCache>) -> Result<CachedKey, Error> {
        let (sender, receiver) = unbounded();
        loop {
            if let Some(issued) = authority.issue(&sender)? {
                return Ok(issued);
            }
            let woken = receiver.recv_timeout(Duration::from_secs(5));
            assert!(woken.is_ok(), "a waiter is always woken");
        }
    }

    #[test]
    fn a_provider_is_asked_once_and_again_when_its_key_was_refused() {
        let provider = Arc::new(Counting(AtomicU32::new(0)));
        let authority = Arc::new(CredentialsCache::new(Credentials::Provider(provider.clone())));
        let first = issue(&authority).expect("a key");
        let again = issue(&authority).expect("the same key");
        assert_eq!(first.serial, again.serial);
        assert_eq!(provider.0.load(Ordering::SeqCst), 1);

        assert!(authority.expired(first.serial));
        let error = issue(&authority).expect_err("the provider has none");
        assert_eq!(error.code(), "CredentialsError");
        assert!(error.message().contains("the role is gone"));
        assert_eq!(issue(&authority).expect("a key").key.expect("signed").id, "third");
    }

    /// Answers when the test says so, and is slow to go.
    struct Slow {
        answers: Receiver<AccessKey>,
        going: Sender<()>,
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
    fn a_new_provider_is_asked_while_the_former_hangs_and_both_are_waited_for() {
        let (answer, answers) = unbounded();
        let (going, goes) = unbounded();
        let gone = Arc::new(AtomicBool::new(false));
        let slow = Slow { answers, going, gone: gone.clone() };
        let authority = Arc::new(CredentialsCache::new(Credentials::Provider(Arc::new(slow))));
        let (waiter, woken) = unbounded();
        for _ in 0..3 {
            assert!(authority.issue(&waiter).expect("asked").is_none());
        }
        let next = Counting(AtomicU32::new(0));
        authority.replace(Credentials::Provider(Arc::new(next)));
        woken.try_recv().expect("who waited is told");
        assert!(woken.try_recv().is_err(), "once, however often it asked");
        assert_eq!(issue(&authority).expect("a key").key.expect("signed").id, "first");

        answer.send(AccessKey::new("late", "secret", None)).expect("it still waits");
        goes.recv_timeout(Duration::from_secs(5)).expect("it has answered");
        authority.shut_down();
        assert!(gone.load(Ordering::SeqCst), "the thread still held the provider");
        assert_eq!(issue(&authority).expect("a key").key.expect("signed").id, "first");
    }

    /// First a key that expires soon, then none, then one for good.
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
    fn a_key_that_is_valid_outlives_a_failed_renewal() {
        let provider = Arc::new(Temporary(AtomicU32::new(0)));
        let authority = Arc::new(CredentialsCache::new(Credentials::Provider(provider.clone())));
        let id = || issue(&authority).expect("a key").key.expect("signed").id.clone();
        let settle = || {
            let started = Instant::now();
            while authority.state.lock().asking {
                assert!(started.elapsed() < Duration::from_secs(5), "no answer");
                std::thread::yield_now();
            }
        };
        assert_eq!(id(), "soon-gone");
        authority.state.lock().asked_at = None;
        assert_eq!(id(), "soon-gone", "a renewal is nothing to wait for");
        settle();
        assert_eq!(provider.0.load(Ordering::SeqCst), 2, "it was asked for another");
        assert_eq!(id(), "soon-gone", "the failed renewal takes nothing away");
        assert_eq!(provider.0.load(Ordering::SeqCst), 2, "and is not repeated at once");

        authority.state.lock().asked_at = None;
        assert_eq!(id(), "soon-gone");
        settle();
        assert_eq!(id(), "lasting");
    }

    #[test]
    fn a_refused_static_key_is_final_until_it_is_replaced() {
        let key = |id: &str| Credentials::Static(AccessKey::new(id, "secret", None));
        let authority = Arc::new(CredentialsCache::new(key("old")));
        let old = issue(&authority).expect("a key");
        assert!(!authority.expired(old.serial));
        authority.replace(key("new"));
        assert!(authority.expired(old.serial));
        assert_eq!(issue(&authority).expect("a key").key.expect("signed").id, "new");
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
