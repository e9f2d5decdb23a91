//! The path of an object's file: its key behind the base of the prefix, if that is safe. Pure.

use std::fmt;

/// The directory of the manifest, which no key may use.
pub const MANIFEST_DIRECTORY: &str = ".oss-resumable";

/// What the file system allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest file name in bytes.
    pub name: usize,
    /// Longest path below the directory in bytes.
    pub path: usize,
}

/// What is created for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File,
    /// The key is a directory marker: it ends in `/`, or is the base itself.
    Directory,
}

/// Why no file is created for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// `a//b`, `/a`
    EmptySegment,
    /// `.` or `..`
    DotSegment,
    /// A backslash anywhere.
    Backslash,
    /// A control character anywhere.
    ControlCharacter,
    /// A segment that is no file name because of its length.
    LongName,
    /// A path that is too long.
    LongPath,
    /// The manifest's directory.
    Reserved,
    /// An object with bytes whose key ends in `/`.
    MarkerWithContent,
}

/// The part of a prefix that is not in the paths: up to its last `/`, and with it.
pub fn base(prefix: &str) -> &str {
    let end = prefix.rfind('/').map_or(0, |slash| slash + 1);
    prefix.get(..end).unwrap_or_default()
}

/// What is created for `relative`, a key of an object of `size` bytes without its base. The path of a file is `relative`
/// itself, and that of a directory `relative` without its last `/`.
pub fn target(relative: &str, size: u64, limits: Limits) -> Result<Target, Unsafe> {
    // Of every character, before the path is taken apart.
    if relative.contains('\\') {
        return Err(Unsafe::Backslash);
    }
    if relative.chars().any(char::is_control) {
        return Err(Unsafe::ControlCharacter);
    }
    let (path, target) = match relative.strip_suffix('/') {
        Some(path) => (path, Target::Directory),
        None if relative.is_empty() => (relative, Target::Directory),
        None => (relative, Target::File),
    };
    if target == Target::Directory && size > 0 {
        return Err(Unsafe::MarkerWithContent);
    }
    if relative.is_empty() {
        return Ok(target);
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err(Unsafe::EmptySegment),
            "." | ".." => return Err(Unsafe::DotSegment),
            _ if segment.len() > limits.name => return Err(Unsafe::LongName),
            _ => {}
        }
    }
    if path.len() > limits.path {
        return Err(Unsafe::LongPath);
    }
    // Also where the file system does not distinguish upper and lower case.
    if path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(MANIFEST_DIRECTORY)) {
        return Err(Unsafe::Reserved);
    }
    Ok(target)
}

/// The directory of a path; empty if that is the directory of the download.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsafe::EmptySegment => "has an empty segment, so that it is no path",
            Unsafe::DotSegment => "has a segment '.' or '..', which may lead to another file",
            Unsafe::Backslash => "contains a backslash, which other systems take for a separator",
            Unsafe::ControlCharacter => "contains a control character",
            Unsafe::LongName => "has a segment that is too long for a file name",
            Unsafe::LongPath => "is too long for a path in this directory",
            Unsafe::Reserved => {
                "begins with '.oss-resumable', the directory of the download's own files"
            }
            Unsafe::MarkerWithContent => {
                "ends in '/', so that it names a directory, but the object has content"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    const LIMITS: Limits = Limits { name: 255, path: 4000 };

    fn file(relative: &str) -> Result<Target, Unsafe> {
        target(relative, 1, LIMITS)
    }

    #[test]
    fn a_key_is_the_path_of_its_file() {
        for key in
            ["a", "a/b", "...", "..a/b..", "a b/ö", ".hidden/x", "-", "~", "a/.oss-resumable"]
        {
            assert_eq!(file(key), Ok(Target::File), "{key}");
        }
    }

    #[test]
    fn a_key_that_ends_in_a_slash_and_the_base_itself_are_directories() {
        for key in ["", "a/", "a/b/"] {
            assert_eq!(target(key, 0, LIMITS), Ok(Target::Directory), "{key}");
            assert_eq!(target(key, 1, LIMITS), Err(Unsafe::MarkerWithContent), "{key}");
        }
    }

    #[test]
    fn keys_that_might_lead_elsewhere_are_refused() {
        use Unsafe::{
            Backslash, ControlCharacter, DotSegment, EmptySegment, LongName, LongPath, Reserved,
        };
        let long = "x".repeat(256);
        let deep = ["x".repeat(200).as_str(); 20].join("/") + "/y";
        for (key, why) in [
            ("/etc/passwd", EmptySegment),
            ("a//b", EmptySegment),
            ("..", DotSegment),
            ("../a", DotSegment),
            ("a/../b", DotSegment),
            ("a/./b", DotSegment),
            ("a/..", DotSegment),
            ("..\\a", Backslash),
            ("a\\b", Backslash),
            ("a\0b", ControlCharacter),
            ("a\nb", ControlCharacter),
            ("a\u{9b}b", ControlCharacter),
            (&long, LongName),
            (&deep, LongPath),
            (".oss-resumable", Reserved),
            (".oss-resumable/manifest", Reserved),
            (".OSS-Resumable/manifest", Reserved),
        ] {
            assert_eq!(file(key), Err(why), "{key}");
        }
        for marker in ["/", "//", "a//", "../"] {
            assert!(target(marker, 0, LIMITS).is_err(), "{marker}");
        }
    }

    #[test]
    fn the_base_ends_at_the_last_slash_of_the_prefix() {
        for (prefix, expected) in
            [("", ""), ("a", ""), ("a/", "a/"), ("a/b", "a/"), ("a/b/", "a/b/")]
        {
            assert_eq!(base(prefix), expected);
        }
        assert_eq!((parent("a/b/c"), parent("a")), ("a/b", ""));
    }

    fn key() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec!["a", "b", "/", "/", ".", "..", "\\", "\0", "é", " "]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_path_stays_below_the_directory_and_says_where_it_is(key in key(), size in 0u64..2) {
            if let Ok(target) = target(&key, size, LIMITS) {
                let path = key.strip_suffix('/').unwrap_or(&key);
                let plain = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
                prop_assert!(plain, "{}", key);
                // No two spellings of one path: it is the one that its components give.
                let again: std::path::PathBuf = Path::new(path).components().collect();
                prop_assert_eq!(again.to_str(), Some(path));
                prop_assert_eq!(target == Target::Directory, key.is_empty() || key.ends_with('/'));
                prop_assert!(target == Target::File || size == 0);
            }
        }
    }
}
