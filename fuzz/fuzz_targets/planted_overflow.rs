//! A defect that must be found, to show that fuzzing finds defects: after four specific bytes, which are
//! found only with the guidance of coverage, one byte is read beyond a buffer, which only AddressSanitizer
//! detects.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let wanted = b"bug!";
    for (count, byte) in wanted.iter().enumerate() {
        if input.get(count) != Some(byte) {
            return;
        }
    }
    let buffer = vec![0u8; 16].into_boxed_slice();
    // SAFETY: none; this is the defect.
    black_box(unsafe { *black_box(buffer.as_ptr()).add(16) });
});
