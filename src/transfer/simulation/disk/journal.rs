//! The journal, in the real format.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::checkpoint::format::{Header, JournalId, MAX_HEADER, RECORD, Records, Replay};
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::transfer::world::JournalFile;

use super::ProcessId;
use super::files::{Data, Inode, JournalBytes, Lock};
use super::plan::Call;
use super::state::{OpenFile, Shared, State};

/// The journal of a running download.
pub struct SimJournal {
    file: OpenFile,
    path: PathBuf,
    records: Records,
    /// Bytes that are known to be written; the next append overwrites an incomplete one.
    len: usize,
}

impl SimJournal {
    /// Writes a new journal at `path` and replaces `previous`, which is locked, atomically; without it, `Busy` if there
    /// is a journal.
    pub fn start(
        shared: &Shared,
        process: ProcessId,
        path: &Path,
        previous: Option<&OpenFile>,
        contents: (&Header, &[Extent]),
    ) -> Result<Self> {
        let journal = Self::put(shared, process, path, previous, contents)?;
        journal.flush_directory().inspect_err(|_| {
            if previous.is_none() {
                let _ = discard(&journal.file, path);
            }
        })?;
        Ok(journal)
    }

    /// As [`SimJournal::start`], but the journal's name may not be on the disk afterwards.
    fn put(
        shared: &Shared,
        process: ProcessId,
        path: &Path,
        previous: Option<&OpenFile>,
        (header, extents): (&Header, &[Extent]),
    ) -> Result<Self> {
        let id = {
            let random = &mut shared.lock().random;
            let [low, high] = [random.next(), random.next()];
            (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
        };
        let mut bytes = header
            .encode(&id)
            .ok_or_else(|| Error::internal("the checkpoint's header does not fit in 64 KiB"))?;
        let records = Records::of(&id);
        records.encode(extents, &mut bytes);
        let len = bytes.len();

        let opened = create_unfinished(&mut shared.lock(), process, path)?;
        let file = OpenFile::new(shared, process, opened);
        let mut state = shared.lock();
        let previous = previous.map(|previous| previous.inode);
        let placed = fill(&mut state, &file, bytes)
            .and_then(|()| put_in_place(&mut state, &file, path, previous));
        if let Err(error) = placed {
            let _ = state.unlink(process, Call::RemoveJournal, &unfinished(path), file.inode);
            // `file` locks the disk when it is dropped.
            drop(state);
            return Err(refused("write", path, &error));
        }
        state.note(process, || format!("a journal is started with {extents:?}"));
        drop(state);
        Ok(SimJournal { file, path: path.to_owned(), records, len })
    }

    fn flush_directory(&self) -> Result<()> {
        let mut state = self.file.state();
        let flushed = state.step(self.file.process, Call::FlushJournalDirectory);
        flushed.map_err(|error| refused("write", &self.path, &error.into()))?;
        state.files.flush_names(self.path.parent());
        Ok(())
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn create_unfinished(
    state: &mut State,
    process: ProcessId,
    journal: &Path,
) -> Result<(Inode, Option<Lock>)> {
    let path = unfinished(journal);
    let failed = |error: io::Error| refused("write", &path, &error);
    let new = |state: &mut State| {
        let data = Data::Journal(JournalBytes::default());
        state.create(process, Call::CreateJournal, path.as_os_str(), data)
    };
    match new(state) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other.map_err(failed),
    }
    if let Some((inode, _)) =
        state.open(process, Call::OpenJournal, path.as_os_str()).map_err(failed)?
    {
        let unlinked = state.unlink(process, Call::RemoveJournal, &path, inode);
        state.files.file_mut(inode).lock = None;
        unlinked.map_err(failed)?;
    }
    new(state).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::busy(journal),
        _ => failed(error),
    })
}

/// Writes the bytes of a new journal and flushes them.
fn fill(state: &mut State, file: &OpenFile, bytes: Vec<u8>) -> io::Result<()> {
    let len = bytes.len();
    write(state, file, Call::WriteJournal, 0, &bytes)?;
    state.step(file.process, Call::FlushJournal)?;
    if let Some(journal) = state.files.journal_mut(file.inode) {
        journal.durable = len;
    }
    Ok(())
}

fn put_in_place(
    state: &mut State,
    file: &OpenFile,
    path: &Path,
    previous: Option<Inode>,
) -> io::Result<()> {
    let replaces = match previous {
        Some(previous) => state.is_in_place(file.process, path, previous)?,
        None => false,
    };
    state.step(file.process, Call::RenameJournal)?;
    if !replaces && state.files.find(path.as_os_str()).is_some() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    state.files.rename(unfinished(path).as_os_str(), path.as_os_str());
    Ok(())
}

/// Writes `bytes` at `at` in a journal; a part of them if the step fails or the disk is full.
fn write(
    state: &mut State,
    file: &OpenFile,
    call: Call,
    at: usize,
    bytes: &[u8],
) -> io::Result<()> {
    let step = state.step(file.process, call).map_err(|refused| {
        let torn = if refused.torn { state.random.below(bytes.len() as u64 + 1) } else { 0 };
        (torn as usize, io::Error::from(refused))
    });
    let free = state.free();
    let Some(journal) = state.files.journal_mut(file.inode) else {
        return Err(io::Error::other("not a journal"));
    };
    let room = journal.bytes.len() - at.min(journal.bytes.len());
    let missing = bytes.len().saturating_sub(room) as u64;
    let result = step.and_then(|()| match free {
        Some(free) if free < missing => Err((room + free as usize, Errno::NOSPC.into())),
        _ => Ok(()),
    });
    let written = result.as_ref().err().map_or(bytes.len(), |(written, _)| *written);
    let end = at + written.min(bytes.len());
    if journal.bytes.len() < end {
        journal.bytes.resize(end, 0);
    }
    journal.bytes[at..end].copy_from_slice(&bytes[..end - at]);
    result.map_err(|(_, error)| error)
}

impl JournalFile for SimJournal {
    fn append(&mut self, extents: &[Extent]) -> Result<()> {
        let mut bytes = Vec::new();
        self.records.encode(extents, &mut bytes);
        let mut state = self.file.state();
        let written = write(&mut state, &self.file, Call::AppendJournal, self.len, &bytes);
        written.map_err(|error| refused("append to", &self.path, &error))?;
        state.note(self.file.process, || format!("the journal records {extents:?}"));
        self.len += bytes.len();
        Ok(())
    }

    fn rewrite(
        self: Box<Self>,
        header: &Header,
        extents: &[Extent],
    ) -> Result<std::result::Result<Box<dyn JournalFile>, Error>> {
        let (shared, process) = (self.file.shared().clone(), self.file.process);
        let contents = (header, extents);
        let journal = match Self::put(&shared, process, &self.path, Some(&self.file), contents) {
            Ok(journal) => journal,
            Err(error) => {
                discard(&self.file, &self.path)?;
                return Ok(Err(error));
            }
        };
        if let Err(error) = journal.flush_directory() {
            discard(&journal.file, &journal.path)?;
            return Ok(Err(error));
        }
        Ok(Ok(Box::new(journal)))
    }

    fn remove(self: Box<Self>) -> Result<()> {
        discard(&self.file, &self.path)
    }
}

/// Removes a journal that is locked.
pub fn discard(file: &OpenFile, path: &Path) -> Result<()> {
    let mut state = file.state();
    let removed = state.unlink(file.process, Call::RemoveJournal, path, file.inode);
    removed.map_err(|error| refused("remove", path, &error))
}

/// The header, the id and the extents of a journal; `None` if it is damaged.
pub fn decode(bytes: &[u8]) -> Option<(Header, JournalId, Vec<Extent>)> {
    let (header, id, len) = Header::decode(bytes.get(..MAX_HEADER).unwrap_or(bytes))?;
    let mut replay = Replay::new(&header, &id);
    let records = bytes.get(len..).unwrap_or_default();
    let mut records = records.chunks_exact(RECORD).filter_map(|record| record.try_into().ok());
    while records.next().is_some_and(|record| replay.push(record)) {}
    Some((header, id, replay.into_extents()))
}

pub fn refused(action: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => Error::busy(path),
        _ => Error::io(&format!("{action} the checkpoint"), path, error),
    }
}
