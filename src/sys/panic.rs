//! Converts panics to values without printing them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::thread;

use crate::model::error::Error;

/// A caught panic: a defect of this library.
///
/// It contains the location in the source and not the panic's message, which may quote data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    location: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a defect of liboss_resumable ended this operation at {}; the process is unharmed; \
             please report it",
            self.location
        )
    }
}

impl From<Defect> for Error {
    fn from(defect: Defect) -> Self {
        Error::internal(defect.to_string())
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body`; a panic in it becomes a [`Defect`] and is not printed.
///
/// The process's panic hook stays in force for every other panic: this library's hook calls it. A hook that the host
/// sets later replaces both as usual.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Defect> {
    chain_hook();
    let _scope = CatchScope::enter();
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        discard(payload);
        let location = LOCATION.try_with(RefCell::take).unwrap_or_default();
        Defect {
            location: if location.is_empty() { "an unknown location".to_owned() } else { location },
        }
    })
}

struct CatchScope;

impl CatchScope {
    fn enter() -> Self {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_add(1)));
        CatchScope
    }
}

impl Drop for CatchScope {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

fn chain_hook() {
    static CHAINED: Once = Once::new();
    // The hook cannot be changed while this thread unwinds.
    if !CHAINED.is_completed() && !thread::panicking() {
        CHAINED.call_once(|| {
            let former = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let catch = DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false);
                if catch { remember(info) } else { former(info) }
            }));
        });
    }
}

fn remember(info: &PanicHookInfo<'_>) {
    let Some(location) = info.location() else { return };
    let _ = LOCATION.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = format!("{}:{}", location.file(), location.line());
        }
    });
}

/// Drops a panic's payload, whose own destructor may panic too.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_passes_through() {
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn a_panic_becomes_a_defect_with_its_location_and_without_its_message() {
        let text = catch(|| panic!("secret data")).expect_err("defect").to_string();
        assert!(text.contains("src/sys/panic.rs:"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn scopes_nest() {
        let inner = catch(|| (catch(|| panic!("inner")).is_err(), 3));
        assert_eq!(inner, Ok((true, 3)));
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn a_payload_whose_destructor_panics_is_caught() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert!(catch(|| panic::panic_any(Bomb)).is_err());
    }

    #[test]
    fn catch_works_while_the_thread_unwinds() {
        struct OnDrop;
        impl Drop for OnDrop {
            fn drop(&mut self) {
                assert!(catch(|| panic!("inside a destructor")).is_err());
            }
        }
        let outcome = catch(|| {
            let _guard = OnDrop;
            panic!("outside");
        });
        assert!(outcome.is_err());
    }
}
