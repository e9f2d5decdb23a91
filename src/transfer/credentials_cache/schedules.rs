//! Drivers request keys while the provider is called, keys are refused and credentials are replaced, under many
//! schedules.

use super::*;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::inbox::{Receiver, inbox};
use crate::sync::scheduled::explore;

/// Returns numbered keys and detects concurrent calls.
#[derive(Default)]
struct Numbering {
    asked: AtomicUsize,
    inside: AtomicUsize,
}

impl CredentialsProvider for Numbering {
    fn fetch(&self) -> Result<AccessKey, String> {
        assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "asked once at a time");
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(AccessKey::new(format!("key-{number}"), "secret", None))
    }
}

fn with_provider() -> (Arc<CredentialsCache>, Arc<Numbering>) {
    let provider = Arc::<Numbering>::default();
    (Arc::new(CredentialsCache::new(Credentials::Provider(provider.clone()))), provider)
}

fn fixed(id: &str) -> Credentials {
    Credentials::Static(AccessKey::new(id, "secret", None))
}

/// Gets a key as a driver does: sleeps until it is woken. Returns the key's id and serial.
fn issue(cache: &Arc<CredentialsCache>) -> (String, u64) {
    let (waiter, woken): (_, Receiver<Event>) = inbox();
    loop {
        if let Some(issued) = cache.issue(&waiter).expect("the provider has one") {
            return (issued.key.expect("signed").id.clone(), issued.serial);
        }
        woken.recv().expect("the waiter is woken");
    }
}

#[test]
fn a_provider_is_called_once_for_many_drivers_and_all_are_woken() {
    explore(|| {
        let (cache, provider) = with_provider();
        let drivers: Vec<_> = (0..3)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || issue(&cache))
            })
            .collect();
        for driver in drivers {
            assert_eq!(driver.join().expect("driver").0, "key-0");
        }
        cache.shut_down();
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_key_refused_to_many_is_renewed_once() {
    explore(|| {
        let (cache, provider) = with_provider();
        let (_, refused) = issue(&cache);
        let drivers: Vec<_> = (0..2)
            .map(|_| {
                let cache = cache.clone();
                thread::spawn(move || {
                    assert!(cache.expired(refused));
                    issue(&cache)
                })
            })
            .collect();
        for driver in drivers {
            assert_eq!(driver.join().expect("driver").0, "key-1");
        }
        cache.shut_down();
        assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn credentials_that_are_replaced_during_a_call_of_the_provider_stay_replaced() {
    explore(|| {
        let (cache, _provider) = with_provider();
        let driver = {
            let cache = cache.clone();
            thread::spawn(move || issue(&cache).0)
        };
        cache.replace(fixed("new"));
        assert_eq!(issue(&cache).0, "new", "as soon as they are set");
        let id = driver.join().expect("the waiter is woken");
        assert!(id == "new" || id == "key-0", "{id}");
        cache.shut_down();
        assert_eq!(issue(&cache).0, "new", "the former provider's answer is ignored");
    });
}

#[test]
fn after_a_shutdown_the_provider_is_dropped() {
    explore(|| {
        let (cache, provider) = with_provider();
        let (waiter, _woken) = inbox();
        let first = cache.issue(&waiter).expect("asks");
        if first.is_none() {
            thread::yield_now();
        }
        // A second driver may call the provider again if the first key was refused meanwhile.
        if let Some(issued) = cache.issue(&waiter).expect("answers") {
            assert!(cache.expired(issued.serial));
            let _ = cache.issue(&waiter).expect("asks again");
        }
        cache.shut_down();
        assert_eq!(Arc::strong_count(&cache), 1, "no thread is left behind");
        drop(cache);
        assert_eq!(Arc::strong_count(&provider), 1, "the host has it back");
    });
}
