//! Memory for what the C boundary itself keeps or gives away. Running out of it is an error here; in the rest of the
//! library it ends the process, as in any Rust program.
//!
//! Nothing else in `capi` allocates; `out_of_memory.rs` checks that, and lets each of these allocations fail.

use std::alloc::{self, Layout};
use std::ffi::CString;
use std::fmt::{self, Write};

/// There is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// Moves a value to the heap.
pub fn boxed<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    const { assert!(size_of::<T>() > 0, "nothing to allocate") };
    // SAFETY: the size is not zero.
    let place = attempt(|| unsafe { alloc::alloc(Layout::new::<T>()) }).cast::<T>();
    if place.is_null() {
        return Err(OutOfMemory);
    }
    // SAFETY: new memory with the layout of `T`, from the allocator that `Box` returns it to.
    unsafe {
        place.write(value);
        Ok(Box::from_raw(place))
    }
}

/// An empty list with room for `capacity` elements.
pub fn list<T>(capacity: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut list = Vec::new();
    attempt(|| list.try_reserve_exact(capacity)).map_err(|_| OutOfMemory)?;
    Ok(list)
}

/// The list of what `copy` makes of each element.
pub fn mapped<T, U, E: From<OutOfMemory>>(
    elements: &[T],
    mut copy: impl FnMut(&T) -> Result<U, E>,
) -> Result<Vec<U>, E> {
    let mut copies = list(elements.len())?;
    for element in elements {
        copies.push(copy(element)?);
    }
    Ok(copies)
}

/// A copy of a text.
pub fn text(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = Text(String::new());
    copy.write_str(text).map_err(|_| OutOfMemory)?;
    Ok(copy.0)
}

/// As `format!`.
pub fn format(arguments: fmt::Arguments<'_>) -> Result<String, OutOfMemory> {
    let mut text = Text(String::new());
    text.write_fmt(arguments).map_err(|_| OutOfMemory)?;
    Ok(text.0)
}

/// A copy of a text for C. NUL bytes are omitted, because C strings cannot hold them.
pub fn c_string(text: impl AsRef<[u8]>) -> Result<CString, OutOfMemory> {
    let kept = || text.as_ref().iter().copied().filter(|&byte| byte != 0);
    // With the exact length, because what is left over would have to be given back in another allocation.
    let mut bytes = list(kept().count() + 1)?;
    bytes.extend(kept());
    bytes.push(0);
    // SAFETY: the only NUL is the last byte.
    Ok(unsafe { CString::from_vec_with_nul_unchecked(bytes) })
}

/// A text to which can be written as far as there is memory.
struct Text(String);

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        attempt(|| self.0.try_reserve(part.len())).map_err(|_| fmt::Error)?;
        self.0.push_str(part);
        Ok(())
    }
}

/// Asks the allocator. In tests it may be told to refuse.
fn attempt<T>(allocate: impl FnOnce() -> T) -> T {
    #[cfg(test)]
    let _marked = super::out_of_memory::allocator::Marked::enter();
    allocate()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_byte_inside_a_string_is_left_out() {
        assert_eq!(c_string("a\0b").expect("memory").as_c_str(), c"ab");
        assert_eq!(c_string("").expect("memory").as_c_str(), c"");
    }

    #[test]
    fn what_cannot_be_allocated_is_an_error() {
        assert_eq!(list::<u64>(usize::MAX).expect_err("too long"), OutOfMemory);
        let failed = mapped(&[1, 2], |&n| if n == 1 { Ok(n) } else { Err(OutOfMemory) });
        assert_eq!(failed, Err(OutOfMemory));
    }

    #[test]
    fn a_text_is_formatted_as_by_the_standard_library() {
        let (name, value) = ("field", -7);
        let text = format(format_args!("{name} is {value:>4}")).expect("memory");
        assert_eq!(text, "field is   -7");
    }
}
