//! Asks the host's key unwrapper for content keys, each time on a thread of its own.

use std::sync::Arc;

use crate::model::encryption::{ContentKey, KeyUnwrapper, WrappedKey};
use crate::model::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, bounded};
use crate::sync::inbox::Sender;
use crate::sync::thread;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;

use super::event::Event;

/// Most calls without an answer whose downloads have ended. Each one occupies a thread.
const MAX_ABANDONED: usize = 64;

/// A key, or the reason why there is none.
pub type Answer = std::result::Result<ContentKey, String>;

/// The unwrapper of one client, and the threads that call it.
#[derive(Default)]
pub struct KeyUnwrapping {
    unwrapper: Option<Arc<dyn KeyUnwrapper>>,
    asking: Mutex<Vec<Asking>>,
}

/// A call of the unwrapper.
struct Asking {
    answered: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    thread: Joined,
}

impl Asking {
    /// Whether it has not been answered, and nobody waits for the answer.
    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire) && !self.answered.load(Ordering::Acquire)
    }
}

/// What became of a question.
pub enum Asked {
    /// There is no unwrapper.
    Nobody,
    /// This many earlier calls, whose downloads have ended, have not been answered; the unwrapper was not called.
    TooOften(usize),
    Awaits(Answers),
}

/// Receives the answer. Dropped when nobody waits for it any more.
pub struct Answers {
    receiver: Receiver<Answer>,
    abandoned: Arc<AtomicBool>,
}

impl Answers {
    /// The answer, if it has arrived.
    pub fn get(&self) -> Option<Answer> {
        self.receiver.try_recv().ok()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Release);
    }
}

impl KeyUnwrapping {
    pub fn new(unwrapper: Option<Arc<dyn KeyUnwrapper>>) -> Self {
        KeyUnwrapping { unwrapper, asking: Mutex::default() }
    }

    /// Whether there is no unwrapper.
    pub fn is_off(&self) -> bool {
        self.unwrapper.is_none()
    }

    /// Starts to ask for a key; `waiter` is woken when the answer has arrived.
    pub fn ask(&self, wrapped: WrappedKey, waiter: &Sender<Event>) -> Result<Asked> {
        let Some(unwrapper) = self.unwrapper.clone() else { return Ok(Asked::Nobody) };
        self.join_answered();
        let mut asking = self.asking.lock();
        let abandoned = asking.iter().filter(|asking| asking.is_abandoned()).count();
        if abandoned >= MAX_ABANDONED {
            return Ok(Asked::TooOften(abandoned));
        }
        let (answer, receiver) = bounded(1);
        let waiter = waiter.clone();
        let answered = Arc::new(AtomicBool::new(false));
        let done = answered.clone();
        let thread = sys::thread::spawn("oss-unwrap", move || {
            let unwrapped = catch(move || unwrapper.unwrap_key(&wrapped));
            let unwrapped =
                unwrapped.unwrap_or_else(|_| Err("the key unwrapper panicked".to_owned()));
            // If the download has ended, nobody receives these, and the key is wiped here.
            let _ = answer.send(unwrapped);
            let _ = waiter.send(Event::Wake);
            done.store(true, Ordering::Release);
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        let abandoned = Arc::new(AtomicBool::new(false));
        asking.push(Asking { answered, abandoned: abandoned.clone(), thread });
        Ok(Asked::Awaits(Answers { receiver, abandoned }))
    }

    fn join_answered(&self) {
        let mut asking = self.asking.lock();
        let (ended, running): (Vec<_>, Vec<_>) = std::mem::take(&mut *asking)
            .into_iter()
            .partition(|asking: &Asking| asking.answered.load(Ordering::Acquire));
        *asking = running;
        drop(asking);
        join(ended);
    }

    /// Waits for the threads. Downloads must have ended.
    pub fn shut_down(&self) {
        let asking = std::mem::take(&mut *self.asking.lock());
        join(asking);
    }
}

/// Joins all threads but this one.
fn join(asking: Vec<Asking>) {
    let here = thread::current().id();
    for Asking { thread, .. } in asking {
        if thread.id() != here {
            // Its answer has been sent.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::unbounded;
    use crate::sync::inbox::inbox;
    use std::sync::atomic::AtomicU32;
    use std::time::{Duration, Instant};

    fn wrapped() -> WrappedKey {
        WrappedKey::new(("bucket", "key"), "KMS/ALICLOUD", (None, Vec::new()), (b"key", b"iv"))
    }

    fn asked_by(unwrapping: &KeyUnwrapping, waiter: &Sender<Event>) -> Answers {
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
        fn unwrap_key(&self, wrapped: &WrappedKey) -> Answer {
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
        while !unwrapping.asking.lock().iter().all(|a| a.answered.load(Ordering::Acquire)) {
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
            fn unwrap_key(&self, _: &WrappedKey) -> Answer {
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
