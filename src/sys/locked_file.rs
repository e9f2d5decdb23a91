//! A file that one process at a time may use.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Largest number of times that a file is found replaced after it was opened, or locked, before it counts as busy …
const MAX_REPLACED: u32 = 16;
/// … with this delay after each: a few milliseconds in all, enough for a run that is ending to release it.
const LETTING_GO: Duration = Duration::from_millis(1);

/// A regular file, open for reading and writing, with the system's lock on it: another process, or another `LockedFile`
/// of this one, gets `WouldBlock`. Symbolic links are not followed.
///
/// The file was at its path after it was locked; [`LockedFile::is_in_place`] tells whether it still is.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    /// Device and inode, which never change while the file is open.
    id: (u64, u64),
    path: PathBuf,
    locked: bool,
}

impl LockedFile {
    /// Opens the file at `path`; `None` if there is none.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..MAX_REPLACED {
            let file = match options().open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            let found = file.metadata()?;
            if !found.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
            }
            let opened = match Self::lock(file, &found, path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Its owner may be about to release it: it has already renamed the file, or is ending.
                    thread::sleep(LETTING_GO);
                    continue;
                }
                other => other?,
            };
            // Its former owner may have renamed or removed it before the lock was granted.
            if opened.is_in_place()? {
                return Ok(Some(opened));
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether there is a file at `path` that is locked. A lock that is about to be released does not count.
    pub fn is_locked_elsewhere(path: &Path) -> io::Result<bool> {
        for _ in 0..MAX_REPLACED {
            let file = match options().write(false).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                other => other?,
            };
            if !file.metadata()?.is_file() {
                return Ok(false);
            }
            // Several may look at the same time. The lock ends when the file is closed.
            match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) => thread::sleep(LETTING_GO),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Creates the file at `path` with the permission bits `mode`, reduced by the umask; `AlreadyExists` if there is
    /// one.
    pub fn create_new(path: &Path, mode: u32) -> io::Result<Self> {
        let file = options().create_new(true).mode(mode).open(path)?;
        let locked = file.metadata().and_then(|found| Self::lock(file, &found, path));
        let made = locked.and_then(|made| match made.is_in_place()? {
            true => Ok(made),
            // Another process took the new file for an abandoned one before it was locked.
            false => Err(io::ErrorKind::WouldBlock.into()),
        });
        made.inspect_err(|error| {
            // Nobody else uses the file; why it cannot be used matters more than an error of its removal.
            if error.kind() != io::ErrorKind::WouldBlock {
                let _ = fs::remove_file(path);
            }
        })
    }

    /// Opens the file at `path` or creates it like [`LockedFile::create_new`]; the flag is true if it was created.
    pub fn open_or_create(path: &Path, mode: u32) -> io::Result<(Self, bool)> {
        for _ in 0..MAX_REPLACED {
            match Self::create_new(path, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|made| (made, true)),
            }
            if let Some(opened) = Self::open(path)? {
                return Ok((opened, false));
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn lock(file: File, found: &Metadata, path: &Path) -> io::Result<Self> {
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
        Ok(LockedFile { file, id: id(found), path: path.to_owned(), locked })
    }

    /// Whether the file is locked; `false` if the file system does not support locks.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The path at which the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to this file.
    pub fn is_in_place(&self) -> io::Result<bool> {
        let there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        Ok(id(&there) == self.id)
    }

    /// Removes the file from its path, unless another file is there now.
    pub fn unlink(&self) -> io::Result<()> {
        if self.is_in_place()? { fs::remove_file(&self.path) } else { Ok(()) }
    }

    /// Releases the lock although the file stays open.
    pub fn unlock(&self) {
        if self.locked {
            // It fails only for a descriptor that is not open.
            let _ = self.file.unlock();
        }
    }

    /// Records that the file, still open and locked, has been renamed to `path`.
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
        // Closing is not enough: a child that the host forked may share the descriptor and with it the lock.
        self.unlock();
    }
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // O_NONBLOCK: the file may be a device whose open blocks.
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
    fn a_second_opener_gets_would_block_until_the_first_has_closed_the_file() {
        let (_dir, path) = scratch();
        let (first, made) = LockedFile::open_or_create(&path, 0o666).expect("create");
        assert!(made && first.is_locked());
        assert_eq!(refusal(LockedFile::open(&path)), io::ErrorKind::WouldBlock);
        assert_eq!(refusal(LockedFile::open_or_create(&path, 0o666)), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(!LockedFile::open_or_create(&path, 0o666).expect("open").1);
    }

    #[test]
    fn a_lock_can_be_seen_without_taking_it() {
        let (_dir, path) = scratch();
        let is_locked = || LockedFile::is_locked_elsewhere(&path).expect("look");
        assert!(!is_locked(), "there is no file");
        let (first, _) = LockedFile::open_or_create(&path, 0o666).expect("create");
        assert!(is_locked());
        drop(first);
        assert!(!is_locked());
        assert!(LockedFile::open(&path).expect("open").is_some());
    }

    #[test]
    fn opening_waits_for_an_owner_that_is_about_to_release_the_file() {
        let (_dir, path) = scratch();
        // On a busy machine single attempts may come too late.
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
    fn the_lock_ends_with_its_owner_even_if_a_descriptor_was_inherited() {
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
    fn planted_links_and_files_that_are_not_regular_are_refused() {
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
    fn a_file_replaced_while_locked_is_detected_and_its_replacement_not_touched() {
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
