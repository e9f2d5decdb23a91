//! A file that one process at a time may work on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Times a file may be replaced between being opened and being locked, or be found locked, before its holder counts
/// as busy …
const MAX_REPLACED: u32 = 16;
/// … after this time for each: all in all a few milliseconds, in which a run that ends lets go.
const LETTING_GO: Duration = Duration::from_millis(1);

/// A regular file, open for reading and writing, with the system's lock on it: another process, or another
/// `LockedFile` of this one, gets `WouldBlock`. Symbolic links are not followed.
///
/// The file was at its path after it was locked; [`LockedFile::is_in_place`] tells whether it still is.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    path: PathBuf,
    locked: bool,
}

impl LockedFile {
    /// Opens the file at `path`; `None` when nothing is there.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..MAX_REPLACED {
            let file = match options().open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            if !file.metadata()?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
            }
            let opened = match Self::lock(file, path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Its holder may be about to let go: it has put the file in its place already, or is at its end.
                    thread::sleep(LETTING_GO);
                    continue;
                }
                other => other?,
            };
            // Its former holder may have renamed or removed it while we waited for the open.
            if opened.is_in_place()? {
                return Ok(Some(opened));
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Makes the file at `path` with the permission bits `mode` as far as the umask allows; `AlreadyExists` when
    /// something is there.
    pub fn create_new(path: &Path, mode: u32) -> io::Result<Self> {
        let file = options().create_new(true).mode(mode).open(path)?;
        let made = Self::lock(file, path).and_then(|made| match made.is_in_place()? {
            true => Ok(made),
            // Somebody took the file for an abandoned one in the moment before it was locked.
            false => Err(io::ErrorKind::WouldBlock.into()),
        });
        made.inspect_err(|error| {
            // Nobody else has the file, and nobody will ask for it; that it cannot be used matters more.
            if error.kind() != io::ErrorKind::WouldBlock {
                let _ = fs::remove_file(path);
            }
        })
    }

    /// Opens the file at `path` or makes it as [`LockedFile::create_new`] does; the flag tells whether it was made.
    pub fn open_or_create(path: &Path, mode: u32) -> io::Result<(Self, bool)> {
        for _ in 0..MAX_REPLACED {
            if let Some(opened) = Self::open(path)? {
                return Ok((opened, false));
            }
            match Self::create_new(path, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|made| (made, true)),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn lock(file: File, path: &Path) -> io::Result<Self> {
        let locked = loop {
            match file.try_lock() {
                Ok(()) => break true,
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(error)) => match error.raw_os_error() {
                    Some(libc::EINTR) => {}
                    Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP) => break false,
                    _ => return Err(error),
                },
            }
        };
        Ok(LockedFile { file, path: path.to_owned(), locked })
    }

    /// Whether the system granted a lock; `false` where the file system has none.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Where the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to this file.
    pub fn is_in_place(&self) -> io::Result<bool> {
        let there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        let here = self.file.metadata()?;
        Ok((there.dev(), there.ino()) == (here.dev(), here.ino()))
    }

    /// Removes the file from its path, unless another file is there by now.
    pub fn unlink(&self) -> io::Result<()> {
        if self.is_in_place()? { fs::remove_file(&self.path) } else { Ok(()) }
    }

    /// Records that the file, still open and locked, is at `path` now.
    pub fn moved_to(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing is not enough: a child the host forked may hold the same descriptor, and the lock with it.
        if self.locked {
            let _ = self.file.unlock();
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // O_NONBLOCK: what is there may turn out to be a device that waits when opened.
    options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("file");
        (dir, path)
    }

    fn refusal<T>(result: io::Result<T>) -> io::ErrorKind {
        result.err().expect("must be refused").kind()
    }

    #[test]
    fn a_second_opener_is_told_to_come_back_and_may_after_the_first_is_gone() {
        let (_dir, path) = scratch();
        let (first, made) = LockedFile::open_or_create(&path, 0o666).expect("create");
        assert!(made && first.is_locked());
        assert_eq!(refusal(LockedFile::open(&path)), io::ErrorKind::WouldBlock);
        assert_eq!(refusal(LockedFile::open_or_create(&path, 0o666)), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(!LockedFile::open_or_create(&path, 0o666).expect("open").1);
    }

    #[test]
    fn a_holder_that_is_about_to_let_go_is_waited_for() {
        let (_dir, path) = scratch();
        // A busy machine may let any one of them come too late.
        let opened = (0..20).filter(|_| {
            let (first, _) = LockedFile::open_or_create(&path, 0o666).expect("create");
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(3));
                    drop(first);
                });
                LockedFile::open(&path).is_ok()
            })
        });
        assert!(opened.count() > 0);
    }

    #[test]
    fn the_lock_ends_with_its_holder_even_when_a_descriptor_was_inherited() {
        let (_dir, path) = scratch();
        let (first, _) = LockedFile::open_or_create(&path, 0o666).expect("create");
        let inherited = first.try_clone().expect("duplicate");
        drop(first);
        assert!(LockedFile::open(&path).expect("open").is_some());
        drop(inherited);
    }

    #[test]
    fn nothing_there_is_not_an_error() {
        let (_dir, path) = scratch();
        assert!(LockedFile::open(&path).expect("open").is_none());
    }

    #[test]
    fn a_planted_link_and_what_is_no_regular_file_are_refused() {
        let (dir, path) = scratch();
        let donor = dir.path().join("donor");
        fs::write(&donor, "precious").expect("write");
        symlink(&donor, &path).expect("link");
        assert!(LockedFile::open(&path).is_err());
        assert_eq!(refusal(LockedFile::create_new(&path, 0o666)), io::ErrorKind::AlreadyExists);
        assert!(LockedFile::open_or_create(&path, 0o666).is_err());
        assert!(LockedFile::open(dir.path()).is_err());
        assert_eq!(fs::read(&donor).expect("read"), b"precious");
    }

    #[test]
    fn a_file_replaced_under_the_lock_is_noticed_and_its_successor_left_alone() {
        let (dir, path) = scratch();
        let (first, _) = LockedFile::open_or_create(&path, 0o666).expect("create");
        assert!(first.is_in_place().expect("stat"));
        let other = dir.path().join("other");
        fs::write(&other, "other").expect("write");
        fs::rename(&other, &path).expect("rename");
        assert!(!first.is_in_place().expect("stat"));
        first.unlink().expect("unlink");
        assert_eq!(fs::read(&path).expect("read"), b"other");
        fs::remove_file(&path).expect("remove");
        assert!(!first.is_in_place().expect("stat"));
    }
}
