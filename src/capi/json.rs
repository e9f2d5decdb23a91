//! JSON texts that objects give away. Each is made when it is first asked for, and belongs to its object.

use std::ffi::{CStr, CString};
use std::io::{self, Write};
use std::sync::OnceLock;

use super::allocation::{self, c_string};

/// The text in `cache`, made by `write` if there is none; `None` if there is no memory for it. `write` is called twice,
/// and must write the same each time.
pub fn cached(
    cache: &OnceLock<CString>,
    write: impl Fn(&mut dyn Write) -> serde_json::Result<()>,
) -> Option<&CStr> {
    if cache.get().is_none() {
        let mut length = Length(0);
        write(&mut length).ok()?;
        let mut text = allocation::list(length.0).ok()?;
        write(&mut text).ok()?;
        // Another thread may have been faster.
        let _ = cache.set(c_string(text).ok()?);
    }
    cache.get().map(CString::as_c_str)
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
