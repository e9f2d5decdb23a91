//! Asks the host's key unwrapper for content keys, each time on a thread of its own.

use std::sync::Arc;

use crate::model::encryption::{ContentKey, KeyUnwrapper, WrappedKey};
use crate::model::error::Result;
use crate::sync::inbox::Sender;

use super::event::Event;
use super::host_calls::{Asked, HostCalls};

/// The unwrapper of one client, and the threads that call it.
#[derive(Default)]
pub struct KeyUnwrapping {
    unwrapper: Option<Arc<dyn KeyUnwrapper>>,
    calls: HostCalls,
}

impl KeyUnwrapping {
    pub fn new(unwrapper: Option<Arc<dyn KeyUnwrapper>>) -> Self {
        KeyUnwrapping { unwrapper, calls: HostCalls::default() }
    }

    /// Whether there is no unwrapper.
    pub fn is_off(&self) -> bool {
        self.unwrapper.is_none()
    }

    /// Starts to ask for a key; `waiter` is woken when the answer has arrived.
    pub fn ask(&self, wrapped: WrappedKey, waiter: &Sender<Event>) -> Result<Asked<ContentKey>> {
        let Some(unwrapper) = self.unwrapper.clone() else { return Ok(Asked::Nobody) };
        self.calls.ask("oss-unwrap", waiter, "the key unwrapper panicked", move || {
            unwrapper.unwrap_key(&wrapped)
        })
    }

    /// Waits for the threads. Downloads must have ended.
    pub fn shut_down(&self) {
        self.calls.shut_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::Receiver;
    use crate::sync::channel::unbounded;
    use crate::sync::inbox::inbox;
    use crate::transfer::host_calls::{Answer, Answers, MAX_ABANDONED};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    fn wrapped() -> WrappedKey {
        WrappedKey::new(("bucket", "key"), "KMS/ALICLOUD", (None, Vec::new()), (b"key", b"iv"))
    }

    fn asked_by(unwrapping: &KeyUnwrapping, waiter: &Sender<Event>) -> Answers<ContentKey> {
        match unwrapping.ask(wrapped(), waiter).expect("a thread") {
            Asked::Awaits(answers) => answers,
            _ => panic!("an unwrapper that may be asked"),
        }
    }

    /// Answers when it may.
    struct Slow {
        may_answer: Receiver<()>,
        asked: Arc<AtomicU32>,
    }

    impl KeyUnwrapper for Slow {
        fn unwrap_key(&self, wrapped: &WrappedKey) -> Answer<ContentKey> {
            assert_eq!(wrapped.wrap_algorithm, "KMS/ALICLOUD");
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.may_answer.recv().map_err(|_| "nobody lets it answer".to_owned())?;
            ContentKey::new(&[1; 32], &[2; 16]).map_err(|error| error.message().to_owned())
        }
    }

    #[test]
    fn several_are_asked_for_at_once_and_all_threads_are_waited_for_at_the_end() {
        let (let_answer, may_answer) = unbounded();
        let asked = Arc::new(AtomicU32::new(0));
        let unwrapping =
            KeyUnwrapping::new(Some(Arc::new(Slow { may_answer, asked: asked.clone() })));
        let (waiter, woken) = inbox();
        let ask = || asked_by(&unwrapping, &waiter);
        let (first, second) = (ask(), ask());
        drop(first);
        while asked.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        assert!(second.get().is_none() && woken.try_recv().is_err());
        for _ in 0..2 {
            let_answer.send(()).expect("it waits");
            woken
                .recv_deadline(Instant::now() + Duration::from_secs(5))
                .expect("whoever waits is woken");
        }
        assert!(second.get().expect("the answer").is_ok());
        let third = ask();
        drop(let_answer);
        unwrapping.shut_down();
        assert_eq!(third.get().expect("it has answered"), Err("nobody lets it answer".into()));
    }

    #[test]
    fn calls_that_nobody_waits_for_are_limited_until_they_are_answered() {
        let (let_answer, may_answer) = unbounded();
        let asked = Arc::new(AtomicU32::new(0));
        let unwrapping =
            KeyUnwrapping::new(Some(Arc::new(Slow { may_answer, asked: asked.clone() })));
        let (waiter, _woken) = inbox();
        let awaited: Vec<_> = (0..3).map(|_| asked_by(&unwrapping, &waiter)).collect();
        for _ in 0..MAX_ABANDONED {
            drop(asked_by(&unwrapping, &waiter));
        }
        let refused = unwrapping.ask(wrapped(), &waiter).expect("no thread is needed");
        assert!(matches!(refused, Asked::TooOften(MAX_ABANDONED)));
        drop(let_answer);
        while !unwrapping.calls.are_answered() {
            std::thread::yield_now();
        }
        assert!(awaited.iter().all(|answers| answers.get().is_some()));
        drop(asked_by(&unwrapping, &waiter));
        unwrapping.shut_down();
        assert_eq!(asked.load(Ordering::SeqCst) as usize, 3 + MAX_ABANDONED + 1);
    }

    #[test]
    fn a_panic_is_an_answer() {
        struct Panicking;
        impl KeyUnwrapper for Panicking {
            fn unwrap_key(&self, _: &WrappedKey) -> Answer<ContentKey> {
                panic!("no key")
            }
        }
        let unwrapping = KeyUnwrapping::new(Some(Arc::new(Panicking)));
        let (waiter, _woken) = inbox();
        let answers = asked_by(&unwrapping, &waiter);
        unwrapping.shut_down();
        let answer = answers.get().expect("an answer");
        assert!(answer.expect_err("no key").contains("panicked"));
        let nobody = KeyUnwrapping::default().ask(wrapped(), &waiter).expect("nothing");
        assert!(matches!(nobody, Asked::Nobody));
    }
}
