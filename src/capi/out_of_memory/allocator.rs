//! The allocator of the unit tests. It lets chosen allocations of the C boundary fail, and knows which are still alive.
//!
//! Only the allocations of `allocation.rs` are marked as the boundary's, and only those of a thread between [`start`] and
//! [`stop`] are counted and may fail, so that other tests do not notice.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

#[global_allocator]
static ALLOCATOR: FailingAllocator = FailingAllocator;

/// The addresses of marked allocations that are alive; 0 is a free entry. More entries than any test needs.
static ALIVE: [AtomicUsize; 1024] = [const { AtomicUsize::new(0) }; 1024];
/// Entries from here on have never been used.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Held by the test that uses this allocator: only one at a time, because [`ALIVE`] is there once.
pub struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>);

impl Turn {
    pub fn wait() -> Self {
        static TURNS: Mutex<()> = Mutex::new(());
        Turn(TURNS.lock())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        stop();
        ALIVE.iter().for_each(|entry| entry.store(0, Ordering::SeqCst));
        USED.store(0, Ordering::SeqCst);
    }
}

thread_local! {
    /// Whether the boundary is allocating.
    static IS_MARKED: Cell<bool> = const { Cell::new(false) };
    static WATCH: Cell<Option<Watch>> = const { Cell::new(None) };
}

/// What happens to the allocations of a thread.
#[derive(Clone, Copy)]
struct Watch {
    /// The marked allocations that fail, by number.
    fails: Fails,
    seen: Seen,
}

/// Which of the boundary's allocations fail; the first has number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    Never,
    /// This one, as when other threads need much memory for a moment.
    Only(u32),
    /// This one and all later ones.
    From(u32),
}

/// What was allocated on a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// By the boundary, failed ones included.
    pub marked: u32,
    /// Of them, failed.
    pub failed: u32,
    /// By anything else.
    pub others: u32,
}

/// While this value exists, the allocations of its thread are the boundary's.
pub struct Marked;

impl Marked {
    pub fn enter() -> Self {
        IS_MARKED.set(true);
        Marked
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        IS_MARKED.set(false);
    }
}

/// Starts to count the allocations of this thread, and lets some fail.
pub fn start(_turn: &Turn, fails: Fails) {
    WATCH.set(Some(Watch { fails, seen: Seen::default() }));
}

/// Lets no more allocations of this thread fail; they are still counted.
pub fn relent() {
    WATCH.set(WATCH.get().map(|watch| Watch { fails: Fails::Never, ..watch }));
}

/// What was allocated on this thread since [`start`].
pub fn seen() -> Seen {
    WATCH.get().map_or(Seen::default(), |watch| watch.seen)
}

/// Ends what [`start`] began.
pub fn stop() -> Seen {
    let seen = seen();
    WATCH.set(None);
    seen
}

/// The number of counted allocations of the boundary that are alive, whichever thread made them.
pub fn alive() -> usize {
    let used = USED.load(Ordering::SeqCst).min(ALIVE.len());
    ALIVE[..used].iter().filter(|entry| entry.load(Ordering::SeqCst) != 0).count()
}

/// What to do about an allocation.
enum Verdict {
    Refuse,
    Remember,
    Ignore,
}

fn judge() -> Verdict {
    let Some(mut watch) = WATCH.get() else { return Verdict::Ignore };
    if !IS_MARKED.get() {
        watch.seen.others += 1;
        WATCH.set(Some(watch));
        return Verdict::Ignore;
    }
    watch.seen.marked += 1;
    let fails = match watch.fails {
        Fails::Never => false,
        Fails::Only(number) => watch.seen.marked == number,
        Fails::From(number) => watch.seen.marked >= number,
    };
    watch.seen.failed += u32::from(fails);
    WATCH.set(Some(watch));
    if fails { Verdict::Refuse } else { Verdict::Remember }
}

fn allocate(with: impl FnOnce() -> *mut u8) -> *mut u8 {
    match judge() {
        Verdict::Refuse => ptr::null_mut(),
        Verdict::Remember => remember(with()),
        Verdict::Ignore => with(),
    }
}

fn remember(place: *mut u8) -> *mut u8 {
    let free = ALIVE.iter().position(|entry| {
        entry.compare_exchange(0, place.addr(), Ordering::SeqCst, Ordering::SeqCst).is_ok()
    });
    // Without a free entry the table looks full, and the tests fail.
    USED.fetch_max(free.map_or(ALIVE.len(), |entry| entry + 1), Ordering::SeqCst);
    place
}

/// Whether the address was remembered. Must be called before another thread can get the same address.
fn forget(place: *mut u8) -> bool {
    let used = USED.load(Ordering::SeqCst).min(ALIVE.len());
    ALIVE[..used].iter().any(|entry| {
        entry.load(Ordering::Relaxed) == place.addr()
            && entry.compare_exchange(place.addr(), 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    })
}

struct FailingAllocator;

// SAFETY: every block is the system allocator's. Nothing here allocates, and the thread-local values have no destructors.
unsafe impl GlobalAlloc for FailingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        allocate(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        allocate(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        forget(place);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let verdict = judge();
        if matches!(verdict, Verdict::Refuse) {
            return ptr::null_mut();
        }
        let was_remembered = forget(place);
        // SAFETY: the caller's contract is the same.
        let moved = unsafe { System.realloc(place, layout, size) };
        let kept = if moved.is_null() { place } else { moved };
        if was_remembered || matches!(verdict, Verdict::Remember) {
            remember(kept);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::allocation::{self, OutOfMemory};

    #[test]
    fn exactly_the_chosen_allocations_fail() {
        let turn = Turn::wait();
        let three = || [1, 2, 3].map(|_| allocation::list::<u64>(9).is_ok());
        for (fails, succeeded) in [
            (Fails::Never, [true, true, true]),
            (Fails::Only(2), [true, false, true]),
            (Fails::From(2), [true, false, false]),
        ] {
            start(&turn, fails);
            let outcome = three();
            let seen = stop();
            assert_eq!(outcome, succeeded, "{fails:?}");
            assert_eq!((seen.marked, seen.others), (3, 0));
        }
        assert_eq!(three(), [true; 3]);
    }

    #[test]
    fn allocations_of_others_are_counted_and_succeed() {
        let turn = Turn::wait();
        start(&turn, Fails::From(1));
        let other = std::hint::black_box(vec![1_u8; 100]);
        let refused = allocation::text("refused");
        let seen = stop();
        assert_eq!((other.len(), refused), (100, Err(OutOfMemory)));
        assert_eq!(seen, Seen { marked: 1, failed: 1, others: 1 });
    }

    #[test]
    fn what_is_alive_is_known_until_any_thread_frees_it() {
        let turn = Turn::wait();
        start(&turn, Fails::Never);
        let (mut text, list) = (allocation::text("a").expect("a"), allocation::list::<u8>(9));
        stop();
        assert_eq!(alive(), 2);
        text.push_str("more than fits without another allocation");
        std::thread::spawn(move || drop(list)).join().expect("join");
        assert_eq!(alive(), 1);
        drop(text);
        assert_eq!(alive(), 0);
    }
}
