//! Structs that begin with their size. The caller's may be shorter or longer than this library's.

use std::mem::{self, MaybeUninit};
use std::ptr;

use super::failure::{Failure, Result};

/// A larger `struct_size` is assumed to be uninitialised.
const MAX_STRUCT_SIZE: usize = 16 * 1024;

/// A struct of the C API.
///
/// # Safety
/// Implementors are `repr(C)` without padding, begin with `struct_size: usize`, and hold only integers, raw
/// pointers and nullable function pointers, so that every byte pattern with all bits zero is valid.
pub unsafe trait SizeFirst: Copy {
    /// The struct's name in the header.
    const NAME: &'static str;
    /// Writes `struct_size`.
    fn set_size(&mut self, size: usize);
}

/// Implements [`SizeFirst`] for a struct that meets its requirements.
macro_rules! size_first {
    ($name:ident) => {
        // SAFETY: `layout.rs` compares each field's offset with a C compiler's and finds no padding; the fields'
        // types are integers, raw pointers and `Option<fn>`.
        unsafe impl $crate::capi::sized::SizeFirst for $name {
            const NAME: &'static str = stringify!($name);
            fn set_size(&mut self, size: usize) {
                self.struct_size = size;
            }
        }
    };
}
pub(super) use size_first;

/// Copies a caller's struct. Fields beyond its size are zero.
///
/// # Safety
/// `source` is NULL or points to `struct_size` readable bytes.
pub unsafe fn read<T: SizeFirst>(source: *const T) -> Result<T> {
    // SAFETY: this function's contract.
    let size = unsafe { checked_size(source) }?;
    let known = mem::size_of::<T>();
    let bytes = source.cast::<u8>();
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `size` bytes are readable and `known` bytes are writable; a fresh local cannot overlap.
    unsafe { ptr::copy_nonoverlapping(bytes, copy.as_mut_ptr().cast(), size.min(known)) };
    for index in known..size {
        // SAFETY: `index` is below `size`.
        if unsafe { bytes.add(index).read() } != 0 {
            return Err(Failure::validation(format_args!(
                "{} has a field set that this version of the library does not know \
                 (struct_size {size}, known {known})",
                T::NAME
            )));
        }
    }
    // SAFETY: zeroed, then partly overwritten by the caller's fields; sizes are multiples of the alignment, so
    // no field is cut, and any value of a whole field is valid by the trait's contract.
    Ok(unsafe { copy.assume_init() })
}

/// Fills a caller's struct up to its size. Fields that this library does not know become zero.
///
/// # Safety
/// `target` is NULL or points to `struct_size` writable bytes.
pub unsafe fn write<T: SizeFirst>(target: *mut T, mut value: T) -> Result<()> {
    // SAFETY: this function's contract.
    let size = unsafe { checked_size(target) }?;
    let known = mem::size_of::<T>();
    value.set_size(size);
    // SAFETY: `size` bytes are writable, and the copied part is no longer than either side.
    unsafe {
        let bytes = target.cast::<u8>();
        ptr::copy_nonoverlapping(ptr::from_ref(&value).cast::<u8>(), bytes, size.min(known));
        if size > known {
            ptr::write_bytes(bytes.add(known), 0, size - known);
        }
    }
    Ok(())
}

/// Refuses a struct that [`write`] would refuse.
///
/// # Safety
/// As [`write`].
pub unsafe fn check<T: SizeFirst>(target: *const T) -> Result<()> {
    // SAFETY: this function's contract.
    unsafe { checked_size(target) }.map(|_| ())
}

unsafe fn checked_size<T: SizeFirst>(place: *const T) -> Result<usize> {
    let name = T::NAME;
    if place.is_null() {
        return Err(Failure::validation(format_args!("the {name} is NULL")));
    }
    if !place.is_aligned() {
        return Err(Failure::validation(format_args!("the {name} is not aligned")));
    }
    // SAFETY: not NULL, aligned, and the first field is always there.
    let size = unsafe { place.cast::<usize>().read() };
    let smallest = mem::size_of::<usize>();
    if size < smallest || size > MAX_STRUCT_SIZE || size % mem::align_of::<T>() != 0 {
        return Err(Failure::validation(format_args!(
            "struct_size of the {name} is {size}; set it to sizeof({name}) before the call"
        )));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    struct pair {
        struct_size: usize,
        first: u64,
        second: u64,
    }
    size_first!(pair);

    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct newer {
        known: pair,
        tail: u64,
    }

    fn read_newer(size: usize, tail: u64) -> Result<pair> {
        let known = pair { struct_size: size, first: 1, second: 2 };
        let source = newer { known, tail };
        // SAFETY: `newer` begins with `pair` and is as long as every size used here.
        unsafe { read(ptr::from_ref(&source).cast::<pair>()) }
    }

    #[test]
    fn an_equal_struct_is_copied() {
        assert_eq!(read_newer(24, 9).expect("read").second, 2);
    }

    #[test]
    fn a_shorter_struct_is_extended_with_zeros() {
        let copy = read_newer(16, 9).expect("read");
        assert_eq!((copy.first, copy.second), (1, 0));
    }

    #[test]
    fn a_longer_struct_is_accepted_only_when_its_tail_is_zero() {
        assert_eq!(read_newer(32, 0).expect("read").second, 2);
        let error = read_newer(32, 1 << 40).expect_err("refused");
        assert!(error.message().contains("does not know"), "{error:?}");
    }

    #[test]
    fn a_size_that_cannot_be_one_is_refused() {
        for size in [0, 7, 12, usize::MAX, MAX_STRUCT_SIZE + 8] {
            assert!(read_newer(size, 0).is_err(), "{size}");
        }
    }

    #[test]
    fn output_is_written_up_to_the_callers_size_and_the_rest_zeroed() {
        let value = pair { struct_size: 0, first: 1, second: 2 };
        let dirty = pair { struct_size: 32, first: 9, second: 9 };
        let mut longer = newer { known: dirty, tail: 9 };
        // SAFETY: `newer` is 32 bytes long.
        unsafe { write(ptr::from_mut(&mut longer).cast::<pair>(), value) }.expect("write");
        assert_eq!((longer.known, longer.tail), (pair { struct_size: 32, ..value }, 0));

        let mut shorter = pair { struct_size: 16, first: 9, second: 9 };
        // SAFETY: 16 bytes are within the struct.
        unsafe { write(&raw mut shorter, value) }.expect("write");
        assert_eq!(shorter, pair { struct_size: 16, first: 1, second: 9 });
    }

    #[test]
    fn null_and_misaligned_pointers_are_refused() {
        let source = [pair::default(); 2];
        let odd = ptr::from_ref(&source).cast::<u8>().wrapping_add(1).cast::<pair>();
        // SAFETY: both are refused before anything is read.
        unsafe {
            assert!(read::<pair>(ptr::null()).is_err());
            assert!(read(odd).is_err());
        }
    }
}
