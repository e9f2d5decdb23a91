//! Size-first structs of any size and content. AddressSanitizer detects reads and writes beyond the given
//! size.
#![no_main]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::mem;
use std::ptr;
use std::slice;

use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::c_request::oss_download_object_request;
use oss_resumable::fuzzing::client_options::oss_resumable_client_options;
use oss_resumable::fuzzing::sized::{self, SizeFirst};
use oss_resumable::fuzzing::status::{oss_resumable_statistics, oss_resumable_status};

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    match which % 4 {
        0 => check::<oss_download_object_request>(rest),
        1 => check::<oss_resumable_client_options>(rest),
        2 => check::<oss_resumable_status>(rest),
        _ => check::<oss_resumable_statistics>(rest),
    }
});

/// A caller's struct on the heap, exactly as long as its size field says.
struct Callers {
    bytes: *mut u8,
    layout: Layout,
}

impl Callers {
    /// The struct that `content` describes, and its size: its first field, if that is valid.
    fn new(content: &[u8]) -> Option<(Self, usize)> {
        let claimed = usize::from_le_bytes(content.get(..8)?.try_into().ok()?);
        let is_refused_unread = claimed > 1 << 14;
        let size =
            if claimed <= content.len() || is_refused_unread { claimed } else { content.len() };
        let allocated = if is_refused_unread { 8 } else { size.max(8) };
        let layout = Layout::from_size_align(allocated, 8).expect("a layout");
        // SAFETY: the layout is not empty.
        let bytes = unsafe { alloc_zeroed(layout) };
        assert!(!bytes.is_null());
        let callers = Callers { bytes, layout };
        let given = content.get(..allocated)?;
        // SAFETY: `allocated` bytes are writable, and there are at least eight.
        unsafe {
            ptr::copy_nonoverlapping(given.as_ptr(), bytes, allocated);
            bytes.cast::<usize>().write(size);
        }
        Some((callers, size))
    }

    fn content(&self) -> &[u8] {
        // SAFETY: allocated with this length and zeroed.
        unsafe { slice::from_raw_parts(self.bytes, self.layout.size()) }
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.bytes, self.layout) };
    }
}

fn check<T: SizeFirst>(content: &[u8]) {
    let Some((callers, size)) = Callers::new(content) else { return };
    let known = mem::size_of::<T>();
    let is_size = (8..=1 << 14).contains(&size) && size % mem::align_of::<T>() == 0;
    let tail_is_zero = || callers.content()[known.min(size)..size].iter().all(|byte| *byte == 0);

    // SAFETY: as many bytes are readable as the struct's size says, or the size is one that is refused.
    let read = unsafe { sized::read(callers.bytes.cast::<T>()) };
    match &read {
        Ok(copy) => {
            assert!(is_size && tail_is_zero(), "size {size}");
            // SAFETY: the structs have no padding.
            let copied = unsafe { slice::from_raw_parts(ptr::from_ref(copy).cast::<u8>(), known) };
            let (given, added) = copied.split_at(size.min(known));
            assert_eq!(given, &callers.content()[..given.len()], "the caller's fields");
            assert!(added.iter().all(|byte| *byte == 0), "fields the caller lacks are zero");
        }
        Err(_) => assert!(!is_size || !tail_is_zero(), "size {size} is refused without reason"),
    }

    if let Ok(value) = read {
        // SAFETY: as many bytes are writable as the struct's size says.
        unsafe { sized::write(callers.bytes.cast::<T>(), value) }
            .expect("its size was right before");
        // SAFETY: as above.
        let again = unsafe { sized::read(callers.bytes.cast::<T>()) };
        assert!(again.is_ok() && tail_is_zero(), "what is written can be read");
    }
}
