//! Resolution of a target that is a symbolic link.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::model::error::{Error, Result};
use crate::sys;

/// Largest number of links that are followed, as in the kernel.
const MAX_LINKS: usize = 40;
const LOOP: &str = "contains a loop of symbolic links, or more than 40 of them";

/// Mode bits of a directory in which everybody may create files but only owners may remove them.
const STICKY_WORLD_WRITABLE: u32 = 0o1002;

/// Resolves `path`, an absolute path whose directory is free of links, to a path that is not a link: that of an
/// existing file or of a name in an existing directory. Its directory is free of links too.
///
/// `ValidateError` for links that form a loop, that do not end at a file name or that lead to a directory that does not
/// exist, and for a link that the kernel's `protected_symlinks` rule would not follow, whether or not that is on:
/// anybody may have created it.
pub fn follow(path: &Path) -> Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..=MAX_LINKS {
        let failed = |error: io::Error| Error::io("read the metadata of", &at, &error);
        let Some(link) = sys::file::read_link(&at).map_err(failed)? else { return Ok(at) };
        let directory = at.parent().unwrap_or(Path::new("/"));
        let metadata = fs::metadata(directory).map_err(failed)?;
        if !may_follow(link.owner, sys::file::effective_user(), metadata.mode(), metadata.uid()) {
            return Err(refused(
                path,
                &format!(
                    "is not followed: the symbolic link '{}' belongs to another user and is in a directory that every user may write to",
                    at.display()
                ),
            ));
        }
        at = next(path, directory, &link.text)?;
    }
    Err(refused(path, LOOP))
}

/// The kernel's rule for links in directories such as /tmp: they must belong to the user who follows them or to the
/// owner of the directory.
fn may_follow(owner: u32, user: u32, directory_mode: u32, directory_owner: u32) -> bool {
    owner == user
        || directory_mode & STICKY_WORLD_WRITABLE != STICKY_WORLD_WRITABLE
        || owner == directory_owner
}

/// The target of a link in `directory` with the content `text`, without links in the directory's path.
fn next(path: &Path, directory: &Path, text: &Path) -> Result<PathBuf> {
    let bytes = text.as_os_str().as_bytes();
    let start = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (parent, name) = bytes.split_at(start);
    if matches!(name, b"" | b"." | b"..") {
        return Err(refused(path, "is a symbolic link to something that is not a regular file"));
    }
    let parent = directory.join(OsStr::from_bytes(parent));
    match fs::canonicalize(&parent) {
        Ok(parent) if parent.is_dir() => Ok(parent.join(OsStr::from_bytes(name))),
        Err(error) if is_loop(&error) => Err(refused(path, LOOP)),
        Err(error) if !is_missing(&error) => {
            Err(Error::io("read the metadata of", &parent, &error))
        }
        _ => Err(refused(
            path,
            &format!(
                "is a symbolic link to '{}', and the directory '{}' does not exist",
                text.display(),
                parent.display()
            ),
        )),
    }
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::validation(format!("file_path '{}' {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Scratch {
        _dir: tempfile::TempDir,
        path: PathBuf,
    }

    impl Scratch {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("directory");
            let path = fs::canonicalize(dir.path()).expect("canonical");
            fs::create_dir(path.join("sub")).expect("directory");
            Scratch { _dir: dir, path }
        }

        fn link(&self, name: &str, text: impl AsRef<Path>) {
            symlink(text, self.path.join(name)).expect("link");
        }

        fn follow(&self, name: &str) -> Result<PathBuf> {
            follow(&self.path.join(name))
        }

        fn leads(&self, from: &str, to: &str) {
            assert_eq!(self.follow(from).expect(from), self.path.join(to), "{from}");
        }

        fn refused(&self, name: &str, why: &str) {
            let error = self.follow(name).expect_err(why);
            assert_eq!(error.code(), "ValidateError");
            assert!(error.message().contains(why), "{why}: {error}");
        }
    }

    #[test]
    fn a_path_that_is_not_a_link_resolves_to_itself() {
        let scratch = Scratch::new();
        for name in ["absent", "sub", "sub/absent"] {
            scratch.leads(name, name);
        }
    }

    #[test]
    fn a_link_leads_to_a_file_or_to_a_name_in_a_directory_that_exists() {
        let scratch = Scratch::new();
        fs::write(scratch.path.join("sub/file"), "").expect("write");
        scratch.link("absolute", scratch.path.join("sub/file"));
        scratch.link("relative", "sub/file");
        scratch.link("winding", "sub/../sub/.//new");
        scratch.link("beside", "new");
        scratch.link("to-sub", "sub");
        scratch.link("through", "to-sub/file");
        scratch.link("sub/up", "../beside");
        scratch.link("chain", "through");
        scratch.link("long-chain", "sub/up");
        for (from, to) in [
            ("absolute", "sub/file"),
            ("relative", "sub/file"),
            ("winding", "sub/new"),
            ("beside", "new"),
            ("through", "sub/file"),
            ("sub/up", "new"),
            ("chain", "sub/file"),
            ("long-chain", "new"),
        ] {
            scratch.leads(from, to);
        }
    }

    #[test]
    fn forty_links_are_followed_and_no_more() {
        let scratch = Scratch::new();
        for n in 1..=41 {
            scratch.link(&format!("{n}"), format!("{}", n - 1));
        }
        scratch.leads("40", "0");
        scratch.refused("41", "more than 40");
        scratch.link("loop", "loop");
        scratch.link("there", "back");
        scratch.link("back", "there");
        scratch.link("by-loop", "loop/file");
        for name in ["loop", "there", "back", "by-loop"] {
            scratch.refused(name, "a loop");
        }
    }

    #[test]
    fn links_that_do_not_end_at_a_file_name_are_refused() {
        let scratch = Scratch::new();
        fs::write(scratch.path.join("file"), "").expect("write");
        for (name, text) in [("a", "sub/"), ("b", "."), ("c", "sub/.."), ("d", "/")] {
            scratch.link(name, text);
            scratch.refused(name, "not a regular file");
        }
        for (name, text) in [("e", "none/file"), ("f", "file/file"), ("g", "../none/x/file")] {
            scratch.link(name, text);
            scratch.refused(name, "does not exist");
        }
    }

    #[test]
    fn in_a_shared_directory_only_links_of_the_user_or_of_its_owner_are_followed() {
        let (user, other, third) = (1000, 1001, 1002);
        for mode in [0o040755, 0o040777, 0o041775, 0o040770] {
            assert!(may_follow(other, user, mode, third), "{mode:o}");
        }
        for mode in [0o041777, 0o041002, 0o041773] {
            assert!(!may_follow(other, user, mode, third), "{mode:o}");
            assert!(!may_follow(other, 0, mode, third), "{mode:o}: for root neither");
            assert!(may_follow(user, user, mode, third), "{mode:o}");
            assert!(may_follow(other, user, mode, other), "{mode:o}");
        }
    }
}
