//! The process's identity, without a system call each time it is asked for.

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// At least one byte; the kernel maps a page.
const SIZE: usize = size_of::<AtomicU32>();

/// The id of this process, also in a forked child. glibc no longer keeps it, and each call of the C API compares it.
pub fn id() -> u32 {
    let Some(kept) = kept() else { return process::id() };
    match kept.load(Ordering::Relaxed) {
        0 => {
            let id = process::id();
            kept.store(id, Ordering::Relaxed);
            id
        }
        id => id,
    }
}

/// Where the id is kept; `None` if the kernel offers no such memory. No thread waits for another one here, which a
/// forked child may lack.
fn kept() -> Option<&'static AtomicU32> {
    static KEPT: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static CANNOT: AtomicBool = AtomicBool::new(false);
    let mut page = KEPT.load(Ordering::Acquire);
    if page.is_null() && !CANNOT.load(Ordering::Relaxed) {
        let Some(new) = map_wiped_on_fork() else {
            CANNOT.store(true, Ordering::Relaxed);
            return None;
        };
        page = match KEPT.compare_exchange(page, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(faster) => {
                unmap(new);
                faster
            }
        };
    }
    // SAFETY: null, or a page that holds an aligned, initialized number and is never unmapped.
    unsafe { page.as_ref() }
}

/// Maps a page that holds 0, and 0 again in each forked child (`MADV_WIPEONFORK`, Linux 4.14).
fn map_wiped_on_fork() -> Option<*mut AtomicU32> {
    let (access, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping, at an address of the kernel's choice, overlaps no other memory.
    let page =
        unsafe { mmap_anonymous(ptr::null_mut(), SIZE, access, private) }.ok()?.cast::<AtomicU32>();
    // SAFETY: the page was mapped above and holds nothing yet.
    match unsafe { madvise(page.cast(), SIZE, Advice::LinuxWipeOnFork) } {
        Ok(()) => Some(page),
        Err(_) => {
            unmap(page);
            None
        }
    }
}

/// Unmaps a page of [`map_wiped_on_fork`] that nobody else knows.
fn unmap(page: *mut AtomicU32) {
    // SAFETY: mapped with this size, and nothing refers to it. An error leaves one page mapped.
    let _ = unsafe { munmap(page.cast(), SIZE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_has_its_own_id() {
        assert_eq!(id(), process::id());
        // SAFETY: the child only compares two numbers and exits without running destructors.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let is_own = id() == process::id() && id() == process::id();
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(!is_own)) };
        }
        let mut status = -1;
        // SAFETY: `child` is a child of this process that nobody else waits for.
        let waited = unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!((waited, status), (child, 0));
        assert_eq!(id(), process::id());
    }

    #[test]
    fn the_kernel_offers_memory_that_is_wiped_on_fork() {
        assert!(kept().is_some());
    }
}
