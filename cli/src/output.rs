//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a message with the program's name to standard error. What is not printable is escaped, and a failed write is
/// ignored: there is nobody left to tell.
pub fn complain(message: &str) {
    note(&format!("oss-resumable: {message}"));
}

/// Writes a line to standard error.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(line));
}

/// Replaces control characters, which a key or a message of a server may contain, by escapes.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Standard output, line by line. The first failed write is kept and the rest is not written: downloads go on although
/// nobody reads about them.
#[derive(Default)]
pub struct Lines {
    failure: Option<io::Error>,
}

impl Lines {
    pub fn write(&mut self, line: impl Display) {
        if self.failure.is_none() {
            self.failure = writeln!(io::stdout().lock(), "{line}").err();
        }
    }

    /// Whether nobody reads any more.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Tells of a failed write; a reader that has left on purpose, such as `head`, is none.
    pub fn finish(self) -> Result<(), String> {
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("cannot write to standard output: {error}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_rest_is_left() {
        assert_eq!(printable("a\x1b[31m\nb\u{9b}名"), "a\\u{1b}[31m\\nb\\u{9b}名");
    }
}
