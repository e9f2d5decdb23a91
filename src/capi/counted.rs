//! A shared value: `Arc` without weak references, whose allocation may fail.

use std::mem::{self, ManuallyDrop, MaybeUninit, offset_of};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::allocation::{self, OutOfMemory};

/// One of several owners of a value, which is dropped with the last one.
pub struct Counted<T: ?Sized>(NonNull<Inner<T>>);

/// A value and the number of its owners.
#[repr(C)]
pub struct Inner<T: ?Sized> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners on several threads share the value, and the last one drops it on its own thread.
unsafe impl<T: ?Sized + Send + Sync> Send for Counted<T> {}
// SAFETY: as above; a shared owner can be cloned.
unsafe impl<T: ?Sized + Send + Sync> Sync for Counted<T> {}

impl<T> Counted<T> {
    /// The first owner of a value.
    pub fn new(value: T) -> Result<Self, OutOfMemory> {
        Self::with(|| Ok(value))
    }

    /// The first owner of the value that `make` returns. The memory is allocated before `make` is called, so that what it
    /// starts has a place.
    pub fn with<E: From<OutOfMemory>>(make: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        let place = allocation::boxed(MaybeUninit::<Inner<T>>::uninit())?;
        let inner = Inner { owners: AtomicUsize::new(1), value: make()? };
        Ok(Counted(NonNull::from(Box::leak(Box::write(place, inner)))))
    }

    /// Gives one owner away as a pointer to the value.
    pub fn into_raw(self) -> *mut T {
        let inner = self.0.as_ptr();
        mem::forget(self);
        // SAFETY: within a live object.
        unsafe { &raw mut (*inner).value }
    }

    /// Takes back an owner that was given away.
    ///
    /// # Safety
    /// `value` comes from [`Counted::into_raw`], and one owner is taken back for each that was given away or added.
    pub unsafe fn from_raw(value: *const T) -> Self {
        // SAFETY: the value is in an `Inner`, which is not NULL.
        unsafe {
            let inner = value.byte_sub(offset_of!(Inner<T>, value)).cast::<Inner<T>>();
            Counted(NonNull::new_unchecked(inner.cast_mut()))
        }
    }

    /// Another owner of a value whose owner was given away.
    ///
    /// # Safety
    /// `value` comes from [`Counted::into_raw`], and its owner has not been taken back.
    pub unsafe fn another(value: *const T) -> Self {
        // SAFETY: as this function's contract says; the owner that was given away stays so.
        unsafe { Counted::clone(&ManuallyDrop::new(Self::from_raw(value))) }
    }
}

impl<T: ?Sized> Counted<T> {
    /// Gives one owner away, so that its type can be converted: `T` to a trait object.
    pub fn into_inner(self) -> NonNull<Inner<T>> {
        let inner = self.0;
        mem::forget(self);
        inner
    }

    /// Takes back an owner that was given away.
    ///
    /// # Safety
    /// `inner` comes from [`Counted::into_inner`] and is taken back once.
    pub unsafe fn from_inner(inner: NonNull<Inner<T>>) -> Self {
        Counted(inner)
    }

    #[cfg(test)]
    pub fn owners(&self) -> usize {
        // SAFETY: alive as long as there is an owner.
        unsafe { self.0.as_ref() }.owners.load(Ordering::SeqCst)
    }
}

impl<T: ?Sized> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: alive as long as there is an owner.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T: ?Sized> Clone for Counted<T> {
    fn clone(&self) -> Self {
        // SAFETY: alive as long as there is an owner. As in `Arc`: who has an owner needs no order to add another.
        unsafe { self.0.as_ref() }.owners.fetch_add(1, Ordering::Relaxed);
        Counted(self.0)
    }
}

impl<T: ?Sized> Drop for Counted<T> {
    fn drop(&mut self) {
        // SAFETY: alive as long as there is an owner. What each owner did happens before the last one drops the value.
        if unsafe { self.0.as_ref() }.owners.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: it was a `Box`, and no owner is left.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::AtomicBool;

    struct Flag<'a>(&'a AtomicBool, #[allow(dead_code)] u128);

    impl Drop for Flag<'_> {
        fn drop(&mut self) {
            assert!(!self.0.swap(true, Ordering::SeqCst), "dropped twice");
        }
    }

    #[test]
    fn the_last_owner_drops_the_value() {
        let dropped = AtomicBool::new(false);
        let first = Counted::new(Flag(&dropped, 7)).expect("memory");
        let raw = Counted::clone(&first).into_raw();
        // SAFETY: given away above, taken back once.
        let (another, second) = unsafe { (Counted::another(raw), Counted::from_raw(raw)) };
        assert_eq!((first.owners(), second.1), (3, 7));
        drop((first, another));
        assert!(!dropped.load(Ordering::SeqCst));
        drop(second);
        assert!(dropped.load(Ordering::SeqCst));
    }

    #[test]
    fn the_value_of_a_trait_object_is_dropped_as_what_it_is() {
        let dropped = AtomicBool::new(false);
        let inner: NonNull<Inner<dyn Send>> =
            Counted::new(Flag(&dropped, 0)).expect("memory").into_inner();
        // SAFETY: given away above, taken back once.
        drop(unsafe { Counted::from_inner(inner) });
        assert!(dropped.load(Ordering::SeqCst));
    }

    #[test]
    fn threads_may_share_and_drop_a_value() {
        let dropped = AtomicBool::new(false);
        let first = Counted::new(Flag(&dropped, 0)).expect("memory");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mine = Counted::clone(&first);
                scope.spawn(move || (0..1000).for_each(|_| drop(Counted::clone(&mine))));
            }
        });
        assert_eq!(first.owners(), 1);
    }

    #[test]
    fn what_cannot_be_made_leaves_nothing() {
        let asked = Cell::new(false);
        let failed = Counted::<u64>::with(|| {
            asked.set(true);
            Err(OutOfMemory)
        });
        assert!(failed.is_err() && asked.get());
    }
}
