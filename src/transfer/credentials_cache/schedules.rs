//! Drivers ask for keys while the provider answers, keys are refused and credentials replaced, in every order.

use super::*;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::channel::{Receiver, unbounded};
use crate::sync::scheduled::explore;

/// Hands out numbered keys, and notices when it is asked while it is asked.
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

/// A driver's way to a key: asleep until it is woken. The key's id and serial.
fn issue(authority: &Arc<CredentialsCache>) -> (String, u64) {
    let (waiter, woken): (_, Receiver<Event>) = unbounded();
    loop {
        if let Some(issued) = authority.issue(&waiter).expect("the provider has one") {
            return (issued.key.expect("signed").id.clone(), issued.serial);
        }
        woken.recv().expect("whoever waits is woken");
    }
}

#[test]
fn many_drivers_ask_a_provider_once_and_all_are_woken() {
    explore(|| {
        let (authority, provider) = with_provider();
        let drivers: Vec<_> = (0..3)
            .map(|_| {
                let authority = authority.clone();
                thread::spawn(move || issue(&authority))
            })
            .collect();
        for driver in drivers {
            assert_eq!(driver.join().expect("driver").0, "key-0");
        }
        authority.shut_down();
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_key_refused_to_many_is_renewed_once() {
    explore(|| {
        let (authority, provider) = with_provider();
        let (_, refused) = issue(&authority);
        let drivers: Vec<_> = (0..2)
            .map(|_| {
                let authority = authority.clone();
                thread::spawn(move || {
                    assert!(authority.expired(refused));
                    issue(&authority)
                })
            })
            .collect();
        for driver in drivers {
            assert_eq!(driver.join().expect("driver").0, "key-1");
        }
        authority.shut_down();
        assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn credentials_that_are_replaced_while_the_provider_is_asked_hold() {
    explore(|| {
        let (authority, _provider) = with_provider();
        let driver = {
            let authority = authority.clone();
            thread::spawn(move || issue(&authority).0)
        };
        authority.replace(fixed("new"));
        assert_eq!(issue(&authority).0, "new", "from the moment they are set");
        let id = driver.join().expect("whoever waited is woken");
        assert!(id == "new" || id == "key-0", "{id}");
        authority.shut_down();
        assert_eq!(issue(&authority).0, "new", "whatever the former provider answered");
    });
}

#[test]
fn after_shutting_down_nobody_holds_the_provider() {
    explore(|| {
        let (authority, provider) = with_provider();
        let (waiter, _woken) = unbounded();
        let first = authority.issue(&waiter).expect("asks");
        if first.is_none() {
            thread::yield_now();
        }
        // A second driver may ask again when the first key was refused meanwhile.
        if let Some(issued) = authority.issue(&waiter).expect("answers") {
            assert!(authority.expired(issued.serial));
            let _ = authority.issue(&waiter).expect("asks again");
        }
        authority.shut_down();
        assert_eq!(Arc::strong_count(&authority), 1, "no thread is left behind");
        drop(authority);
        assert_eq!(Arc::strong_count(&provider), 1, "the host has it back");
    });
}
