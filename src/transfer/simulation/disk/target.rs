//! A file at the target's path, open for reading.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::io::Errno;

use crate::model::digest::Algorithms;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::storage::existing_file::FileVersion;
use crate::transfer::world::{Hashed, TargetFile};

use super::ProcessId;
use super::files::Inode;
use super::plan::Call;
use super::state::{Shared, State};

pub struct SimTarget {
    shared: Shared,
    process: ProcessId,
    inode: Inode,
    path: PathBuf,
}

impl SimTarget {
    pub fn new(shared: &Shared, process: ProcessId, inode: Inode, path: &Path) -> Self {
        SimTarget { shared: shared.clone(), process, inode, path: path.to_owned() }
    }

    fn step(&self, call: Call, action: &str) -> Result<()> {
        let made = self.shared.lock().step(self.process, call).map_err(io::Error::from);
        made.map_err(|error| Error::io(action, &self.path, &error))
    }
}

/// The file at `path`. Nobody sees when a file of this disk is changed, only that it has another length.
pub fn version(state: &State, path: &Path) -> Option<FileVersion> {
    state.files.find(path.as_os_str()).map(|inode| version_of(state, inode))
}

fn version_of(state: &State, inode: Inode) -> FileVersion {
    let size = state.files.bytes(inode).current.len();
    FileVersion { device: 0, file: inode as u64, size, changed: (0, 0) }
}

impl TargetFile for SimTarget {
    fn version(&self) -> Result<FileVersion> {
        self.step(Call::Look, "read the size of")?;
        Ok(version_of(&self.shared.lock(), self.inode))
    }

    fn flush(&self) -> Result<()> {
        let flushed = self.step(Call::Flush, "flush");
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let file = state.files.bytes_mut(self.inode);
        match flushed {
            Ok(()) => file.flush(),
            Err(error) => {
                if !state.processes[self.process.0].dead {
                    file.fail_flush(&mut state.random);
                }
                return Err(error);
            }
        }
        file.drop_cache();
        drop(guard);
        self.step(Call::OpenDirectory, "open the directory of")?;
        self.step(Call::FlushDirectory, "flush the directory of")?;
        self.shared.lock().files.flush_names(self.path.parent());
        Ok(())
    }

    fn set_modified(&self, _: SystemTime) -> Result<()> {
        self.step(Call::SetModified, "set the modification time of")
    }

    /// Symbols are compared as the service stores them, with and without a content key.
    fn hash(
        &self,
        len: u64,
        _: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut(u64) -> Result<()>,
        _: &mut [u8],
    ) -> Result<Option<Hashed>> {
        between(0)?;
        let mut state = self.shared.lock();
        match state.step(self.process, Call::Read).map_err(io::Error::from) {
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                return Ok(None);
            }
            other => other.map_err(|error| Error::io("read", &self.path, &error))?,
        }
        let time = state.transfer_time(len);
        state.process(self.process).lag += time;
        let bytes = state.files.bytes(self.inode).current.bytes(0..len);
        drop(state);
        between(bytes.len())?;
        let hashed = || Hashed { stored_crc64: bytes.crc(), digests: bytes.digests(algorithms) };
        Ok((bytes.len() == len).then(hashed))
    }
}
