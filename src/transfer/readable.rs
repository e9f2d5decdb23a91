//! What another program may read of a file while it is being downloaded.

use crate::model::temp_path::TempPath;

/// The readable part of a temporary file.
#[derive(Clone, Debug, Default)]
pub struct Readable {
    /// `None` until there is a file. Then it stays the same, because C programs have borrowed it.
    pub temp_path: Option<TempPath>,
    /// Bytes from the start of the file that are stored.
    pub bytes: u64,
    /// Number of times that `bytes` has decreased.
    pub resets: u64,
}

impl Readable {
    /// Sets the number of bytes.
    pub fn set(&mut self, bytes: u64) {
        self.resets += u64::from(bytes < self.bytes);
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decrease_is_counted_even_if_nobody_has_seen_it() {
        let mut readable = Readable::default();
        for (bytes, resets) in [(0, 0), (7, 0), (7, 0), (3, 1), (9, 1), (0, 2), (0, 2)] {
            readable.set(bytes);
            assert_eq!((readable.bytes, readable.resets), (bytes, resets));
        }
    }
}
