//! The path of a temporary file.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The absolute path of a download's temporary file. Derefs to [`Path`]; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct TempPath(Arc<CStr>);

impl TempPath {
    /// `None` for a path with a NUL byte, which no file has.
    pub(crate) fn new(path: &Path) -> Option<Self> {
        let text = CString::new(path.as_os_str().as_bytes()).ok()?;
        Some(TempPath(text.into()))
    }

    /// As a string for C, which lives as long as any clone of this.
    pub(crate) fn as_c_str(&self) -> &CStr {
        &self.0
    }
}

impl Deref for TempPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.0.to_bytes()))
    }
}

impl AsRef<Path> for TempPath {
    fn as_ref(&self) -> &Path {
        self
    }
}

impl fmt::Debug for TempPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Path::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_path_in_rust_and_in_c() {
        let path = Path::new(OsStr::from_bytes(b"/a/\xff.temp"));
        let held = TempPath::new(path).expect("a path");
        assert_eq!((&*held, held.as_ref()), (path, path));
        assert_eq!(held.as_c_str(), c"/a/\xff.temp");
        assert!(TempPath::new(Path::new("/a\0b")).is_none());
    }
}
