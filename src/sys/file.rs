//! System calls on files that the standard library lacks.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, CWD, FallocateFlags, Mode, OFlags, RenameFlags};

/// Opens a regular file for reading; `None` if there is none. Symbolic links are not followed.
pub fn open_for_reading(path: &Path) -> io::Result<Option<File>> {
    // O_NONBLOCK: the file may be a pipe, whose open would wait for a writer.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    match file.metadata()?.is_file() {
        true => Ok(Some(file)),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// A symbolic link.
pub struct Link {
    /// The link's content.
    pub text: PathBuf,
    /// The user id of its owner.
    pub owner: u32,
}

/// Reads the symbolic link at `path`; `None` if there is no link.
pub fn read_link(path: &Path) -> io::Result<Option<Link>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {}
        Ok(_) => return Ok(None),
        Err(error) => {
            use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
            let nothing = [NotFound, NotADirectory, InvalidFilename, InvalidInput];
            return if nothing.contains(&error.kind()) { Ok(None) } else { Err(error) };
        }
    }
    // One descriptor, so that owner and text are those of one link, even if it is replaced meanwhile.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = rustix::fs::open(path, flags, Mode::empty())?;
    let owner = rustix::fs::fstat(&link)?.st_uid;
    let text = rustix::fs::readlinkat(&link, "", Vec::new())?;
    Ok(Some(Link { text: OsString::from_vec(text.into_bytes()).into(), owner }))
}

/// The user id that determines this process's file permissions.
pub fn effective_user() -> u32 {
    // SAFETY: the call takes no argument and cannot fail.
    unsafe { libc::geteuid() }
}

/// Sets the permission bits of a file. Does nothing on a file system without them, or for a file of another user.
pub fn change_mode(file: &File, mode: u32) -> io::Result<()> {
    use libc::{EACCES, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EROFS};
    const REFUSED: [i32; 6] = [EPERM, EACCES, EOPNOTSUPP, ENOSYS, EINVAL, EROFS];
    match uninterrupted(|| file.set_permissions(fs::Permissions::from_mode(mode))) {
        Err(error) if error.raw_os_error().is_some_and(|number| REFUSED.contains(&number)) => {
            Ok(())
        }
        other => other,
    }
}

/// Changes the owner of a file, its group, or both.
pub fn change_owner(file: &File, user: Option<u32>, group: Option<u32>) -> io::Result<()> {
    uninterrupted(|| std::os::unix::fs::fchown(file, user, group))
}

fn uninterrupted(call: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The permission bits that this process's new files do not get; `None` if unknown. umask(2) would change the umask for
/// a moment, for all threads.
pub fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}

/// Renames `from` to `to` atomically unless `to` exists (`AlreadyExists`).
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            link_new(from, to)
        }
        other => other.map_err(io::Error::from),
    }
}

/// [`rename_new`] for file systems without `RENAME_NOREPLACE`: a hard link is created only if the name is free.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // No hard links either (some FUSE file systems): a check before the rename is the best alternative.
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Opens a directory for [`flush_directory`]; `None` if it may not be read and so cannot be flushed.
pub fn open_directory(directory: &Path) -> io::Result<Option<File>> {
    let options = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(directory);
    match options {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        other => other.map(Some),
    }
}

/// Writes a directory's entries to the disk. Does nothing on file systems that do not support it.
pub fn flush_directory(directory: &File) -> io::Result<()> {
    match directory.sync_all() {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP)) => {
            Ok(())
        }
        other => other,
    }
}

/// Asks the kernel to start writing a run of the file to the disk, and does not wait.
///
/// Errors are left to the final flush: without its WAIT flags this call neither waits for the write nor consumes the
/// error that a later `fdatasync` has to report.
pub fn start_writeback(file: &File, offset: u64, len: u64) {
    let (Ok(offset), Ok(len)) = (offset.try_into(), len.try_into()) else { return };
    // SAFETY: the descriptor is open for as long as `file` is borrowed; no memory is passed.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE);
    }
}

/// Closes the file and returns the error: network file systems report some failed writes only then.
pub fn close(file: File) -> io::Result<()> {
    let descriptor = file.into_raw_fd();
    // SAFETY: `into_raw_fd` made this function the descriptor's only owner; it is closed once and not used again.
    match unsafe { libc::close(descriptor) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reserves disk blocks for the first `len` bytes and extends the file to that length. If it fails, nothing is reserved
/// beyond the end that the file had.
pub fn allocate(file: &File, len: u64) -> io::Result<()> {
    let before = file.metadata()?.len();
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                // ext4 keeps the blocks that it has found before the disk was full.
                let _ = file.set_len(before);
                return Err(error.into());
            }
        }
    }
}

/// Drops what the page cache has of the file, without what is still to be written.
pub fn drop_cache(file: &File) {
    // Only advice: if the system does not follow it, reads show what the cache has.
    let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
}

/// Bytes that this process may still write to the file's file system; `None` if unknown.
pub fn free_space(file: &File) -> io::Result<Option<u64>> {
    let stat = rustix::fs::fstatvfs(file)?;
    Ok((stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// Properties of a directory's file system.
pub struct FileSystem {
    /// On this machine's own disk or in its memory: locks and the page cache cover every process that can write there.
    pub local: bool,
    /// Longest file name in bytes.
    pub name_max: usize,
}

/// Describes the file system of `path`.
pub fn file_system(path: &Path) -> io::Result<FileSystem> {
    let stat = rustix::fs::statfs(path)?;
    let name_max = usize::try_from(stat.f_namelen).ok().filter(|&len| len > 0).unwrap_or(255);
    // The kernel's magic numbers have 32 bits; the field is wider and signed.
    Ok(FileSystem { local: LOCAL.contains(&(stat.f_type as u32)), name_max })
}

/// `f_type` of file systems known to be local. Others are treated as shared, which costs time; the opposite mistake
/// could corrupt the file.
const LOCAL: [u32; 18] = [
    0x0000_EF53, // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // Btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0xF2F5_2010, // F2FS
    0x2FC1_2FC1, // ZFS
    0xCA45_1A4E, // bcachefs
    0x794C_7630, // overlayfs
    0x0000_F15F, // eCryptfs
    0x3153_464A, // JFS
    0x5265_4973, // ReiserFS
    0x0000_3434, // NILFS2
    0x2405_1905, // UBIFS
    0x0000_4D44, // FAT
    0x2011_BAB0, // exFAT
    0x7366_746E, // NTFS (ntfs3)
    0x0000_482B, // HFS+
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("list");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_rename_without_replacement_leaves_both_files_if_the_target_exists() {
        for rename in [rename_new, link_new] {
            let dir = tempfile::tempdir().expect("directory");
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            fs::write(&from, "new").expect("write");
            fs::write(&to, "old").expect("write");
            let refused = rename(&from, &to).expect_err("must not replace");
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(names(dir.path()), ["from", "to"]);
            assert_eq!(fs::read(&to).expect("read"), b"old");

            fs::remove_file(&to).expect("remove");
            rename(&from, &to).expect("rename");
            assert_eq!(names(dir.path()), ["to"]);
            assert_eq!(fs::read(&to).expect("read"), b"new");
        }
    }

    #[test]
    fn only_regular_files_are_opened_for_reading() {
        let dir = tempfile::tempdir().expect("directory");
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        assert!(open_for_reading(&file).expect("absent").is_none());
        fs::write(&file, "").expect("write");
        assert!(open_for_reading(&file).expect("open").is_some());
        std::os::unix::fs::symlink(&file, &link).expect("link");
        assert!(open_for_reading(&link).is_err());
        assert!(open_for_reading(dir.path()).is_err());
    }

    #[test]
    fn closing_a_duplicate_leaves_the_file_open() {
        let mut file = tempfile::tempfile().expect("file");
        close(file.try_clone().expect("duplicate")).expect("close");
        file.write_all(b"still open").expect("write");
    }

    #[test]
    fn proc_is_not_a_trusted_file_system_and_names_have_a_limit() {
        let proc = file_system(Path::new("/proc")).expect("statfs");
        assert!(!proc.local);
        assert!(proc.name_max >= 14);
        assert!(file_system(Path::new("/no/such/place")).is_err());
    }

    #[test]
    fn a_directory_can_be_flushed_and_a_file_is_refused_as_one() {
        let dir = tempfile::tempdir().expect("directory");
        let opened = open_directory(dir.path()).expect("open").expect("it may be read");
        flush_directory(&opened).expect("flush");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("write");
        assert!(open_directory(&file).is_err());
    }
}
