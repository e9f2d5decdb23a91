//! Asks the host's key unwrapper for content keys, each time on a thread of its own.

use std::sync::Arc;

use crate::model::encryption::{ContentKey, KeyUnwrapper, WrappedKey};
use crate::model::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::thread;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;

use super::event::Event;

/// A key, or the reason why there is none.
pub type Answer = std::result::Result<ContentKey, String>;

/// The unwrapper of one client, and the threads that call it.
#[derive(Default)]
pub struct KeyUnwrapping {
    unwrapper: Option<Arc<dyn KeyUnwrapper>>,
    asking: Mutex<Vec<Asking>>,
}

struct Asking {
    answered: Arc<AtomicBool>,
    thread: Joined,
}

impl KeyUnwrapping {
    pub fn new(unwrapper: Option<Arc<dyn KeyUnwrapper>>) -> Self {
        KeyUnwrapping { unwrapper, asking: Mutex::default() }
    }

    /// Whether there is no unwrapper.
    pub fn is_off(&self) -> bool {
        self.unwrapper.is_none()
    }

    /// Starts to ask for a key; `waiter` is woken when the answer has arrived. `None` without an unwrapper.
    pub fn ask(
        &self,
        wrapped: WrappedKey,
        waiter: &Sender<Event>,
    ) -> Result<Option<Receiver<Answer>>> {
        let Some(unwrapper) = self.unwrapper.clone() else { return Ok(None) };
        let (answer, answers) = bounded(1);
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
        let mut asking = self.asking.lock();
        let (ended, mut running): (Vec<_>, Vec<_>) = std::mem::take(&mut *asking)
            .into_iter()
            .partition(|asking: &Asking| asking.answered.load(Ordering::Acquire));
        running.push(Asking { answered, thread });
        *asking = running;
        drop(asking);
        join(ended);
        Ok(Some(answers))
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
        if thread.thread().id() != here {
            // Its answer has been sent.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::unbounded;
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    fn wrapped() -> WrappedKey {
        WrappedKey::new(("bucket", "key"), "KMS/ALICLOUD", (None, Vec::new()), (b"key", b"iv"))
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
        let (waiter, woken) = unbounded();
        let ask = || unwrapping.ask(wrapped(), &waiter).expect("a thread").expect("an unwrapper");
        let (first, second) = (ask(), ask());
        drop(first);
        while asked.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        assert!(second.try_recv().is_err() && woken.try_recv().is_err());
        for _ in 0..2 {
            let_answer.send(()).expect("it waits");
            woken.recv_timeout(Duration::from_secs(5)).expect("whoever waits is woken");
        }
        assert!(second.try_recv().expect("the answer").is_ok());
        let third = ask();
        drop(let_answer);
        unwrapping.shut_down();
        assert_eq!(third.try_recv().expect("it has answered"), Err("nobody lets it answer".into()));
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
        let (waiter, _woken) = unbounded();
        let answers = unwrapping.ask(wrapped(), &waiter).expect("a thread").expect("an unwrapper");
        let answer = answers.recv_timeout(Duration::from_secs(5)).expect("an answer");
        assert!(answer.expect_err("no key").contains("panicked"));
        assert!(KeyUnwrapping::default().ask(wrapped(), &waiter).expect("nothing").is_none());
    }
}
