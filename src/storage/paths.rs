//! The paths of a download's files, determined before any file is touched.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::existing_file::FileVersion;
use super::link;
use super::rights::Rights;
use super::temp_file::{TempFile, already_exists, with_random_suffix};
use super::temp_name;
use crate::model::error::{Error, Result};
use crate::model::request::{Checkpoint, DownloadRequest, Overwrite};
use crate::sys;

/// Longest path in bytes, without the terminating zero.
const PATH_MAX: usize = 4095;
const TOO_LONG: &str =
    "is too long: most file systems allow 255 bytes for a name, and Linux 4095 for a path";

/// The paths of one download. All are absolute.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The file that is created or replaced: neither it nor its directory is a symbolic link. Links are followed once,
    /// when the download starts; a link that is created here later is replaced.
    pub target: PathBuf,
    /// `file_path` is a symbolic link, which is kept, and `target` is the file it leads to.
    pub through_link: bool,
    /// Path of the temporary file, in the target's directory.
    pub temp: PathBuf,
    /// Whether this machine's locks and page cache cover every process that can access the file. Otherwise `temp` has a
    /// random suffix, and the whole file is read back before it is trusted.
    pub trusted: bool,
    /// Directory of the checkpoint; `None`: no checkpoint.
    pub checkpoint_dir: Option<PathBuf>,
    /// The file at `target` when the paths were resolved.
    pub target_version: Option<FileVersion>,
}

impl Paths {
    /// The path of a temporary file whose `name` a checkpoint recorded; `None` for a name that does not belong to this
    /// target.
    pub fn recorded_temp(&self, name: &OsStr) -> Option<PathBuf> {
        let target = self.target.file_name()?;
        temp_name::belongs_to(target, name).then(|| self.temp.with_file_name(name))
    }

    /// Creates the temporary file, or empties an existing one. Its path is [`Paths::temp`], with a random suffix where
    /// the file system has no locks.
    pub fn create_temp(&self) -> Result<TempFile> {
        let create = if self.trusted { TempFile::create } else { TempFile::create_new };
        create(&self.temp, self.target_rights()?)
    }

    /// Whether the file `temp` of an earlier run may be used: not if someone may have it open to whom the current target,
    /// or without one a new file, denies that.
    pub fn may_use(&self, temp: &TempFile) -> Result<bool> {
        temp.may_replace(self.target_rights()?.as_ref())
    }

    /// Protects `temp`, the file of an earlier run, from other runs, even where the file system has no locks, and from
    /// users who may not read the current target. `Busy` if another run was faster.
    pub fn claim(&self, temp: TempFile) -> Result<TempFile> {
        let mut temp = match temp.is_locked() {
            true => temp,
            false if !self.trusted => temp.claim(&self.temp)?,
            false => {
                let path = with_random_suffix(&self.temp).map_err(|error| {
                    Error::io("choose another name for the temporary file", &self.temp, &error)
                })?;
                temp.claim(&path)?
            }
        };
        temp.protect(self.target_rights()?)?;
        Ok(temp)
    }

    fn target_rights(&self) -> Result<Option<Rights>> {
        Rights::of(&self.target)
            .map_err(|error| Error::io("read the metadata of", &self.target, &error))
    }
}

/// Determines and checks the paths of `request`. Reads the file system, changes nothing.
///
/// `ValidateError` for a path that cannot be a file, a directory that does not exist, a target that is neither absent
/// nor a regular file nor a link to one of these, and a link that [`link::follow`] refuses; `FileAlreadyExists` if the
/// target must not be replaced.
pub fn resolve(request: &DownloadRequest) -> Result<Paths> {
    let given = match &request.file_path {
        Some(path) => path.clone(),
        None => PathBuf::from(request.default_file_name()?.into_owned()),
    };
    let name = file_name(&given)?;
    let parent = match given.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let directory = existing_directory(parent, "the directory of file_path")?;
    let named = directory.join(name);
    let target = link::follow(&named)?;
    let through_link = target != named;
    let target_version = check_target(&named, &target, request.overwrite)?;

    let directory = target.parent().unwrap_or(Path::new("/"));
    let checkpoint_dir = match &request.checkpoint {
        Checkpoint::Off => None,
        Checkpoint::BesideTarget => Some(directory.to_owned()),
        Checkpoint::Directory(path) => Some(existing_directory(path, "checkpoint_dir")?),
    };
    let (temp, trusted) = temp_path(directory, target.file_name().unwrap_or_default())?;
    Ok(Paths { target, through_link, temp, trusted, checkpoint_dir, target_version })
}

/// The last segment of a path, which must be a file name: "dir/" does not name a file.
fn file_name(path: &Path) -> Result<&OsStr> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&0) {
        return Err(Error::validation("file_path contains a NUL byte"));
    }
    match bytes.rsplit(|&byte| byte == b'/').next().unwrap_or_default() {
        b"" | b"." | b".." => {
            Err(Error::validation(format!("file_path '{}' does not name a file", path.display())))
        }
        name => Ok(OsStr::from_bytes(name)),
    }
}

/// The directory's absolute path without symbolic links, so that two spellings of one directory compare equal.
fn existing_directory(path: &Path, what: &str) -> Result<PathBuf> {
    let refused = |why: &str| Err(Error::validation(format!("{what} '{}' {why}", path.display())));
    match fs::canonicalize(path).and_then(|found| Ok((fs::metadata(&found)?.is_dir(), found))) {
        Ok((true, found)) => Ok(found),
        Ok((false, _)) => refused("is not a directory"),
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => refused(TOO_LONG),
        Err(error) if impossible_path(&error) => refused("does not exist"),
        Err(error) => Err(Error::io(&format!("read the metadata of {what}"), path, &error)),
    }
}

/// Checks the file at `target`, to which the caller's path `named` leads; `None` if there is none.
fn check_target(named: &Path, target: &Path, overwrite: Overwrite) -> Result<Option<FileVersion>> {
    let refused =
        |why: &str| Err(Error::validation(format!("file_path '{}' {why}", named.display())));
    let no_file = || match named == target {
        true => refused("exists and is not a regular file"),
        false => refused("is a symbolic link to something that is not a regular file"),
    };
    let version = match fs::symlink_metadata(target) {
        Ok(found) if !found.is_file() => return no_file(),
        Ok(found) => FileVersion::of(&found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Links in /proc may lead to objects without a name, such as a pipe.
            let nameless = named != target && fs::metadata(named).is_ok();
            return if nameless && !target.exists() { no_file() } else { Ok(None) };
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return refused(TOO_LONG),
        Err(error) if impossible_path(&error) => return refused("is not a valid path"),
        Err(error) => return Err(Error::io("read the metadata of", target, &error)),
    };
    match overwrite {
        Overwrite::Replace | Overwrite::IfDifferent => Ok(Some(version)),
        Overwrite::Fail => Err(already_exists(target)),
    }
}

/// Whether the error means that no such path can exist, and not that its metadata could not be read.
fn impossible_path(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
        || error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Length in bytes of the longest path below `directory`, an absolute path.
pub fn room_in(directory: &Path) -> usize {
    PATH_MAX.saturating_sub(directory.as_os_str().len() + 1)
}

fn temp_path(directory: &Path, name: &OsStr) -> Result<(PathBuf, bool)> {
    let looked = |error: io::Error| Error::io("read the file system of", directory, &error);
    let file_system = sys::file::file_system(directory).map_err(looked)?;
    let room = room_in(directory);
    let fixed = temp_name::fixed(name, file_system.name_max.min(room));
    if file_system.local {
        return Ok((directory.join(fixed), true));
    }
    let suffix = sys::random::suffix()
        .map_err(|e| Error::io("choose a temporary name beside", directory, &e))?;
    Ok((directory.join(temp_name::with_suffix(&fixed, suffix)), false))
}

#[cfg(test)]
mod tests;
