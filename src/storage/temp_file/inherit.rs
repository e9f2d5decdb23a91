//! Gives the temporary file the rights of the file that it replaces, and never wider ones before that.

use std::io;

use super::TempFile;
use crate::model::error::Result;
use crate::storage::rights::{OWNER_READS_AND_WRITES, Rights};
use crate::sys;

/// Mode with which a new file is created; the umask is applied to it.
const NEW_FILE: u32 = 0o666;

/// Mode with which a temporary file is created that is to replace a file with these rights, if there is one.
pub fn first_mode(replaced: Option<&Rights>) -> u32 {
    replaced.map_or(NEW_FILE, |_| OWNER_READS_AND_WRITES)
}

impl TempFile {
    /// Closes this file to everyone who has no access to the file that it is to replace, which has the rights
    /// `replaced`. Must be called before anything is written.
    pub fn protect(&mut self, replaced: Option<Rights>) -> Result<()> {
        self.replaced = replaced;
        if let Some(old) = &replaced {
            self.adapt_mode(old).map_err(|error| self.failed("set the permissions of", &error))?;
        }
        Ok(())
    }

    /// Whether this file, which existed before this run, may be used to replace a file with the rights `replaced`: see
    /// [`Rights::admit`].
    pub fn may_replace(&self, replaced: Option<&Rights>) -> Result<bool> {
        let Some(old) = replaced else { return Ok(true) };
        let here =
            self.file.metadata().map_err(|error| self.failed("read the metadata of", &error))?;
        Ok(old.admit(&Rights::from(&here), sys::file::effective_user()))
    }

    /// Gives this file, which will replace a file with the rights `old`, that owner, group and mode, if this process
    /// may. Until the rename the owner can still read and write it, for a later run; returns the mode for
    /// [`TempFile::settle`].
    pub(super) fn inherit(&self, old: &Rights) -> io::Result<u32> {
        // Before the change of the group, to which the present bits may grant too much.
        self.adapt_mode(old)?;
        let here = Rights::from(&self.file.metadata()?);
        if (here.uid, here.gid) != (old.uid, old.gid) {
            // If neither works, the mode compensates for it. Any owner may give a file to a group of which they are a
            // member.
            let given = sys::file::change_owner(&self.file, Some(old.uid), Some(old.gid));
            if given.is_err() && here.gid != old.gid {
                let _ = sys::file::change_owner(&self.file, None, Some(old.gid));
            }
        }
        self.adapt_mode(old)
    }

    /// Sets the permission bits of `old` as far as they are suitable for this file's group, and lets the owner read and
    /// write. Returns the mode without this addition.
    fn adapt_mode(&self, old: &Rights) -> io::Result<u32> {
        let here = Rights::from(&self.file.metadata()?);
        let wanted = old.mode_with_group(here.gid);
        self.change_mode(&here, wanted | OWNER_READS_AND_WRITES)?;
        Ok(wanted)
    }

    /// Gives a file that an earlier run left the mode of a new file. That run may have set the mode of a target that no
    /// longer exists.
    pub(super) fn publish(&self) -> io::Result<()> {
        if !self.was_there {
            return Ok(());
        }
        let here = Rights::from(&self.file.metadata()?);
        sys::file::umask().map_or(Ok(()), |umask| self.change_mode(&here, NEW_FILE & !umask))
    }

    fn change_mode(&self, here: &Rights, mode: u32) -> io::Result<()> {
        if here.mode == mode { Ok(()) } else { sys::file::change_mode(&self.file, mode) }
    }

    /// After the rename: takes from the owner what only the temporary file needed.
    pub(super) fn settle(&self, mode: u32) {
        if mode & OWNER_READS_AND_WRITES != OWNER_READS_AND_WRITES {
            // The file is complete and in its place, and only its owner has more access than he should.
            let _ = sys::file::change_mode(&self.file, mode);
        }
    }
}
