//! The directory of the download and what is below it. No symbolic link below it is followed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::manifest::format::FileState;
use super::mapping;
use crate::model::error::{Error, ErrorKind, Result};
use crate::sys;

/// A directory below which paths are looked up.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    descriptor: OwnedFd,
    /// The directory that was used last: keys come in order.
    last: Option<(String, OwnedFd)>,
    /// Directories in which others were created.
    changed: BTreeSet<String>,
}

impl Tree {
    /// Opens the directory at `root`, an absolute path without links.
    pub fn open(root: &Path) -> Result<Self> {
        let descriptor = rustix::fs::open(root, directory_flags(), Mode::empty())
            .map_err(|error| Error::io("open the directory", root, &error.into()))?;
        Ok(Tree { root: root.to_owned(), descriptor, last: None, changed: BTreeSet::new() })
    }

    /// The path of a file.
    pub fn path(&self, relative: &str) -> PathBuf {
        if relative.is_empty() { self.root.clone() } else { self.root.join(relative) }
    }

    /// The state of a regular file; `None` if nothing is there. `UnsafePath` for a link.
    pub fn look(&mut self, relative: &str) -> Result<Option<FileState>> {
        let path = self.path(relative);
        let Some(directory) = self.directory(mapping::parent(relative), false)? else {
            return Ok(None);
        };
        let found = match rustix::fs::statat(directory, name(relative), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            other => {
                other.map_err(|error| Error::io("read the metadata of", &path, &error.into()))?
            }
        };
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(Some(of_stat(&found))),
            FileType::Symlink => Err(link(&path)),
            _ => Err(Error::validation(format!(
                "'{}' exists and is not a regular file",
                path.display()
            ))),
        }
    }

    /// Opens a regular file for reading; `None` if nothing is there.
    pub fn open_file(&mut self, relative: &str) -> Result<Option<File>> {
        if self.look(relative)?.is_none() {
            return Ok(None);
        }
        let path = self.path(relative);
        let Some(directory) = self.directory(mapping::parent(relative), false)? else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(directory, name(relative), flags, Mode::empty());
        let file = File::from(opened.map_err(|error| Error::io("open", &path, &error.into()))?);
        Ok(Some(file))
    }

    /// Creates a directory and those above it, as far as they are missing.
    pub fn make_directory(&mut self, relative: &str) -> Result<()> {
        self.directory(relative, true).map(|_| ())
    }

    /// Writes the entries of created directories to the disk.
    pub fn flush(&mut self) -> Result<()> {
        for relative in std::mem::take(&mut self.changed) {
            let path = self.path(&relative);
            let failed = |error: io::Error| Error::io("flush the directory", &path, &error);
            if let Some(directory) = sys::file::open_directory(&path).map_err(failed)? {
                sys::file::flush_directory(&directory).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// A directory below the root, which is created if it is missing and `make` is set.
    fn directory(&mut self, relative: &str, make: bool) -> Result<Option<&OwnedFd>> {
        if relative.is_empty() {
            return Ok(Some(&self.descriptor));
        }
        let is_last = self.last.as_ref().is_some_and(|(last, _)| last == relative);
        if !is_last {
            let Some(found) = self.walk(relative, make)? else { return Ok(None) };
            self.last = Some((relative.to_owned(), found));
        }
        Ok(self.last.as_ref().map(|(_, directory)| directory))
    }

    fn walk(&mut self, relative: &str, make: bool) -> Result<Option<OwnedFd>> {
        let root = self.root.clone();
        let mut above: Option<OwnedFd> = None;
        let mut end = 0;
        for segment in relative.split('/') {
            let parent = relative.get(..end).unwrap_or_default().trim_end_matches('/');
            end += segment.len() + 1;
            let at = above.as_ref().unwrap_or(&self.descriptor);
            let path = || root.join(relative.get(..end - 1).unwrap_or_default());
            if make {
                match rustix::fs::mkdirat(at, segment, Mode::from_raw_mode(0o777)) {
                    Ok(()) => {
                        self.changed.insert(parent.to_owned());
                    }
                    Err(Errno::EXIST) => {}
                    Err(error) => {
                        return Err(Error::io("create the directory", &path(), &error.into()));
                    }
                }
            }
            let next = match rustix::fs::openat(at, segment, directory_flags(), Mode::empty()) {
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(error @ (Errno::NOTDIR | Errno::LOOP)) => {
                    let found = rustix::fs::statat(at, segment, AtFlags::SYMLINK_NOFOLLOW);
                    let is_link = found.is_ok_and(|found| {
                        FileType::from_raw_mode(found.st_mode) == FileType::Symlink
                    });
                    return Err(match is_link {
                        true => link(&path()),
                        false => Error::io("use as a directory", &path(), &error.into()),
                    });
                }
                Err(error) => return Err(Error::io("open the directory", &path(), &error.into())),
                Ok(next) => next,
            };
            above = Some(next);
        }
        Ok(above)
    }
}

/// The state of an open file.
pub fn state_of(file: &File) -> io::Result<FileState> {
    let found = file.metadata()?;
    let nanoseconds = u32::try_from(found.mtime_nsec()).unwrap_or_default();
    Ok(FileState { size: found.size(), inode: found.ino(), modified: (found.mtime(), nanoseconds) })
}

// The types of the fields differ from system to system.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
fn of_stat(found: &Stat) -> FileState {
    FileState {
        size: u64::try_from(found.st_size).unwrap_or_default(),
        inode: found.st_ino as u64,
        modified: (found.st_mtime as i64, u32::try_from(found.st_mtime_nsec).unwrap_or_default()),
    }
}

fn directory_flags() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn name(relative: &str) -> &str {
    relative.rsplit('/').next().unwrap_or_default()
}

/// A path below the directory leads through a link.
pub fn link(path: &Path) -> Error {
    let message = format!(
        "'{}' is a symbolic link, which might lead out of the directory; links in the directory of a prefix download are not followed",
        path.display()
    );
    Error::new(ErrorKind::Validation, "UnsafePath", message).with_path(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn scratch() -> (tempfile::TempDir, Tree) {
        let dir = tempfile::tempdir().expect("directory");
        let root = fs::canonicalize(dir.path()).expect("canonical");
        (dir, Tree::open(&root).expect("open"))
    }

    #[test]
    fn directories_are_created_and_files_found_in_them() {
        let (dir, mut tree) = scratch();
        assert_eq!(tree.look("a/b/file").expect("look"), None);
        tree.make_directory("a/b").expect("make");
        tree.make_directory("a/b").expect("again");
        tree.make_directory("").expect("the root is there");
        fs::write(dir.path().join("a/b/file"), "12345").expect("write");
        let found = tree.look("a/b/file").expect("look").expect("there");
        let file = tree.open_file("a/b/file").expect("open").expect("there");
        assert_eq!((found.size, state_of(&file).expect("state")), (5, found));
        assert_eq!(tree.look("a/b/other").expect("look"), None);
        assert_eq!(tree.changed, BTreeSet::from([String::new(), "a".to_owned()]));
        tree.flush().expect("flush");
    }

    #[test]
    fn links_below_the_directory_are_refused_wherever_they_are_and_lead() {
        let (dir, mut tree) = scratch();
        let outside = tempfile::tempdir().expect("directory");
        fs::write(outside.path().join("file"), "").expect("write");
        fs::create_dir(dir.path().join("inside")).expect("directory");
        symlink(outside.path(), dir.path().join("out")).expect("link");
        symlink("inside", dir.path().join("in")).expect("link");
        symlink(outside.path().join("file"), dir.path().join("inside/file")).expect("link");
        symlink("nowhere", dir.path().join("broken")).expect("link");
        for path in ["out/file", "in/file", "inside/file", "broken", "broken/file", "out"] {
            let error = tree.look(path).expect_err(path);
            assert_eq!(error.code(), "UnsafePath", "{path}: {error}");
            assert!(tree.open_file(path).is_err());
        }
        for path in ["out", "out/new", "in/new", "broken"] {
            assert_eq!(tree.make_directory(path).expect_err(path).code(), "UnsafePath", "{path}");
        }
        assert_eq!(fs::read_dir(outside.path()).expect("list").count(), 1);
    }

    #[test]
    fn what_is_in_the_way_is_an_error() {
        let (dir, mut tree) = scratch();
        fs::write(dir.path().join("file"), "").expect("write");
        fs::create_dir(dir.path().join("directory")).expect("directory");
        assert_eq!(tree.make_directory("file/below").expect_err("file").code(), "LocalIoError");
        assert_eq!(tree.look("file/below").expect_err("file").code(), "LocalIoError");
        assert_eq!(tree.look("directory").expect_err("directory").code(), "ValidateError");
    }
}
