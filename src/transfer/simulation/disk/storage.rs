//! The files of one download.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::checkpoint::journal::JournalLocation;
use crate::checkpoint::sdk_record::SdkRecord;
use crate::model::digest::Algorithms;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::model::request::{ByteRange, Checkpoint, DownloadRequest};
use crate::storage::existing_file::FileVersion;
use crate::storage::paths::Paths;
use crate::transfer::world::{
    EarlierFile, Hashing, JournalFile, Proof, Storage, TargetFile, TemporaryFile,
};

use super::ProcessId;
use super::files::{ByteFile, Data};
use super::hashing;
use super::journal::{SimJournal, decode, discard, refused};
use super::plan::Call;
use super::proof;
use super::state::{OpenFile, Shared, State};
use super::target::{self, SimTarget};
use super::temp::SimFile;

/// The files of one download by one process.
pub struct SimStorage {
    shared: Shared,
    process: ProcessId,
    request: DownloadRequest,
    paths: Paths,
    journal_path: Option<PathBuf>,
    /// That of an earlier run, locked.
    journal: RefCell<Option<OpenFile>>,
    /// That of an earlier run, locked, and its path.
    temp: RefCell<Option<(OpenFile, PathBuf)>>,
    found_sdk_record: Cell<bool>,
}

impl SimStorage {
    pub fn new(shared: &Shared, process: ProcessId, request: &DownloadRequest) -> Self {
        let mut paths = paths(request);
        let mut state = shared.lock();
        paths.trusted = state.plan.trusted;
        paths.target_version = target::version(&state, &paths.target);
        if !paths.trusted {
            paths.temp = with_random_suffix(&mut state, &paths);
        }
        SimStorage {
            shared: shared.clone(),
            process,
            request: request.clone(),
            journal_path: journal_path(request),
            paths,
            journal: RefCell::new(None),
            temp: RefCell::new(None),
            found_sdk_record: Cell::new(false),
        }
    }

    fn is_of_this_download(&self, header: &Header) -> bool {
        let or_whole = |range: Option<ByteRange>| range.unwrap_or(ByteRange { start: 0, end: -1 });
        (header.bucket.clone(), header.key.clone()) == self.request.identity()
            && header.version_id == self.request.version_id
            && or_whole(header.requested) == or_whole(self.request.range)
            && header.destination == self.paths.target
    }

    /// Looks at the rights of the target, which decide who may use the temporary file.
    fn look_at_target(&self) -> Result<()> {
        let looked = self.shared.lock().step(self.process, Call::Look);
        looked.map_err(|e| Error::io("read the metadata of", &self.paths.target, &e.into()))
    }

    fn create_new(&self, path: &Path) -> Result<Arc<dyn TemporaryFile>> {
        let data = Data::Bytes(ByteFile::default());
        let mut state = self.shared.lock();
        let created = state.create(self.process, Call::CreateTemp, path.as_os_str(), data);
        drop(state);
        let opened = created.map_err(|error| temp_refused("create", path, &error))?;
        let file = OpenFile::new(&self.shared, self.process, opened);
        Ok(Arc::new(SimFile::new(file, path.to_owned(), 0)))
    }

    /// The temporary file that the process has open.
    fn open_file(&self, file: &dyn TemporaryFile) -> Result<SimFile> {
        let open = self.shared.lock().process(self.process).temp.upgrade();
        let open = open.map(SimFile::of).filter(|open| open.name() == file.name());
        open.ok_or_else(|| Error::internal("a file is to be read that is not open"))
    }

    fn create_with_suffix(&self) -> Result<Arc<dyn TemporaryFile>> {
        let path = with_random_suffix(&mut self.shared.lock(), &self.paths);
        self.create_new(&path)
    }

    /// Renames the file to a name that no other run knows.
    fn claim_without_lock(&self, file: &OpenFile, former: &Path, path: &Path) -> Result<()> {
        let mut state = self.shared.lock();
        let renamed = state.step(self.process, Call::ClaimTemp).map_err(io::Error::from);
        renamed.map_err(|error| temp_refused("rename", former, &error))?;
        if state.files.find(former.as_os_str()).is_none() {
            return Err(Error::busy(former));
        }
        state.files.rename(former.as_os_str(), path.as_os_str());
        let in_place = state.is_in_place(self.process, path, file.inode);
        match in_place.map_err(|error| temp_refused("rename", former, &error))? {
            true => Ok(()),
            false => Err(Error::busy(former)),
        }
    }
}

impl Storage for SimStorage {
    fn target(&self) -> &Path {
        &self.paths.target
    }

    fn target_exists(&self) -> bool {
        let mut state = self.shared.lock();
        state.step(self.process, Call::Look).is_ok()
            && state.files.find(self.paths.target.as_os_str()).is_some()
    }

    fn target_version(&self) -> Option<FileVersion> {
        let mut state = self.shared.lock();
        state.step(self.process, Call::Look).ok()?;
        target::version(&state, &self.paths.target)
    }

    fn first_target_version(&self) -> Option<FileVersion> {
        self.paths.target_version
    }

    fn open_target(&self) -> Result<Option<Box<dyn TargetFile>>> {
        let path = &self.paths.target;
        let mut state = self.shared.lock();
        let opened = state.step(self.process, Call::Look);
        opened.map_err(|error| Error::io("open", path, &error.into()))?;
        let inode = state.files.find(path.as_os_str());
        Ok(inode.map(|inode| -> Box<dyn TargetFile> {
            Box::new(SimTarget::new(&self.shared, self.process, inode, path))
        }))
    }

    fn temp_path(&self) -> &Path {
        &self.paths.temp
    }

    fn is_trusted(&self) -> bool {
        self.paths.trusted
    }

    fn owns_temp_name(&self, name: &OsStr) -> Result<bool> {
        Ok(self.paths.recorded_temp(name).is_some())
    }

    fn lock_journal(&self) -> Result<Option<(Header, Vec<Extent>)>> {
        let Some(path) = &self.journal_path else { return Ok(None) };
        let opened = self.shared.lock().open(self.process, Call::OpenJournal, path.as_os_str());
        let Some(opened) = opened.map_err(|error| refused("open", path, &error))? else {
            return Ok(None);
        };
        let file = OpenFile::new(&self.shared, self.process, opened);
        let state = file.state();
        let contents = state.files.journal(file.inode).and_then(|found| decode(&found.bytes));
        drop(state);
        *self.journal.borrow_mut() = Some(file);
        let ours = contents.filter(|(header, ..)| self.is_of_this_download(header));
        Ok(ours.map(|(header, _, extents)| (header, extents)))
    }

    fn keeps_journal(&self) -> bool {
        self.journal_path.is_some()
    }

    fn has_new_journal(&self) -> bool {
        let path = self.journal_path.as_ref().filter(|_| self.journal.borrow().is_none());
        let state = self.shared.lock();
        state.plan.locks && path.is_some_and(|path| state.files.find(path.as_os_str()).is_some())
    }

    fn start_journal(&self, header: &Header, extents: &[Extent]) -> Result<Box<dyn JournalFile>> {
        let Some(path) = &self.journal_path else {
            return Err(Error::internal("this download has no checkpoint"));
        };
        let previous = self.journal.borrow_mut().take();
        let contents = (header, extents);
        let started =
            SimJournal::start(&self.shared, self.process, path, previous.as_ref(), contents)?;
        Ok(Box::new(started))
    }

    fn discard_journal(&self) -> Result<()> {
        let (Some(path), Some(file)) = (&self.journal_path, self.journal.borrow_mut().take())
        else {
            return Ok(());
        };
        discard(&file, path)
    }

    fn find_sdk_record(&self, request: &DownloadRequest) -> Result<Option<SdkRecord>> {
        let Some(path) = sdk_record_path(request).filter(|_| self.paths.trusted) else {
            return Ok(None);
        };
        let mut state = self.shared.lock();
        let found = state.step(self.process, Call::FindSdkRecord);
        let inode = state.files.find(path.as_os_str());
        self.found_sdk_record.set(inode.is_some());
        found.map_err(|e| Error::io("read the OSS C++ SDK's checkpoint", &path, &e.into()))?;
        let Some(inode) = inode else { return Ok(None) };
        match &state.files.file(inode).data {
            Data::SdkRecord(record) => Ok(record.clone()),
            _ => Ok(None),
        }
    }

    fn remove_sdk_record(&self) -> Result<()> {
        let Some(path) = sdk_record_path(&self.request).filter(|_| self.found_sdk_record.take())
        else {
            return Ok(());
        };
        let failed = |error| Error::io("remove the OSS C++ SDK's checkpoint", &path, &error);
        let mut state = self.shared.lock();
        let removed = state.step(self.process, Call::RemoveSdkRecord);
        removed.map_err(|refused| failed(refused.into()))?;
        if state.files.find(path.as_os_str()).is_none() {
            return Ok(());
        }
        state.files.unlink(path.as_os_str());
        let flushed = state.step(self.process, Call::FlushJournalDirectory);
        flushed.map_err(|refused| failed(refused.into()))?;
        state.files.flush_names(path.parent());
        Ok(())
    }

    fn open_temp(&self, recorded: Option<&OsStr>) -> Result<EarlierFile> {
        let path = recorded.and_then(|name| self.paths.recorded_temp(name));
        let path = path.unwrap_or_else(|| self.paths.temp.clone());
        let opened = self.shared.lock().open(self.process, Call::OpenTemp, path.as_os_str());
        let opened = opened.map_err(|error| temp_refused("open", &path, &error))?;
        let Some(opened) = opened else { return Ok(EarlierFile::Absent) };
        let file = OpenFile::new(&self.shared, self.process, opened);
        self.look_at_target()?;
        let mut state = self.shared.lock();
        if state.files.bytes(file.inode).exposed {
            if path != self.paths.temp {
                let _ = state.unlink(self.process, Call::RemoveTemp, &path, file.inode);
            }
            drop(state);
            let message = format!("'{}' is not used: others may have it open", path.display());
            return Ok(EarlierFile::Exposed { message });
        }
        let len = state.files.bytes(file.inode).current.len();
        drop(state);
        *self.temp.borrow_mut() = Some((file, path));
        Ok(EarlierFile::Found { len })
    }

    fn claim_temp(&self) -> Result<Arc<dyn TemporaryFile>> {
        let Some((file, former)) = self.temp.borrow_mut().take() else {
            return Err(Error::internal("no temporary file was found"));
        };
        let path = match (file.is_locked(), self.paths.trusted) {
            (true, _) => former.clone(),
            (false, false) => self.paths.temp.clone(),
            (false, true) => with_random_suffix(&mut self.shared.lock(), &self.paths),
        };
        if !file.is_locked() {
            self.claim_without_lock(&file, &former, &path)?;
        }
        self.look_at_target()?;
        let reached = file.state().files.bytes(file.inode).current.len();
        Ok(Arc::new(SimFile::new(file, path, reached)))
    }

    fn create_temp(&self) -> Result<Arc<dyn TemporaryFile>> {
        self.look_at_target()?;
        let path = &self.paths.temp;
        if !self.paths.trusted {
            return self.create_new(path);
        }
        let opened = self.shared.lock().open(self.process, Call::OpenTemp, path.as_os_str());
        let Some(opened) = opened.map_err(|error| temp_refused("create", path, &error))? else {
            let made = self.create_new(path)?;
            if made.is_locked() {
                return Ok(made);
            }
            made.remove()?;
            return self.create_with_suffix();
        };
        let file = OpenFile::new(&self.shared, self.process, opened);
        if !file.is_locked() {
            return self.create_with_suffix();
        }
        let mut state = self.shared.lock();
        let found = state.files.bytes(file.inode);
        let (exposed, len) = (found.exposed, found.current.len());
        if exposed {
            let _ = state.unlink(self.process, Call::RemoveTemp, path, file.inode);
        }
        drop(state);
        if exposed {
            return self.create_with_suffix();
        }
        let file = SimFile::new(file, path.clone(), len);
        file.clear()?;
        Ok(Arc::new(file))
    }

    fn release(&self) {
        drop((self.journal.take(), self.temp.take()));
        self.found_sdk_record.set(false);
    }

    fn start_proof(
        &self,
        file: Arc<dyn TemporaryFile>,
        base: u64,
        extents: Vec<Extent>,
        _: Option<Arc<ContentKey>>,
    ) -> Result<Box<dyn Proof>> {
        Ok(proof::start(&self.shared, self.open_file(&*file)?, base, extents))
    }

    fn start_hashing(
        &self,
        file: Arc<dyn TemporaryFile>,
        algorithms: Algorithms,
    ) -> Result<Box<dyn Hashing>> {
        Ok(hashing::start(&self.shared, self.open_file(&*file)?, algorithms))
    }
}

/// The paths of a download on a trusted disk.
pub fn paths(request: &DownloadRequest) -> Paths {
    let target = request.file_path.clone().unwrap_or_default();
    let directory = target.parent().unwrap_or(Path::new("/"));
    let mut temp = target.clone().into_os_string();
    temp.push(".temp");
    Paths {
        temp: PathBuf::from(temp),
        through_link: false,
        trusted: true,
        checkpoint_dir: match &request.checkpoint {
            Checkpoint::Off => None,
            Checkpoint::BesideTarget => Some(directory.to_owned()),
            Checkpoint::Directory(directory) => Some(directory.clone()),
        },
        target_version: None,
        target,
    }
}

/// The path of a download's journal; `None` if it has none.
pub fn journal_path(request: &DownloadRequest) -> Option<PathBuf> {
    JournalLocation::of(request, &paths(request)).map(|location| location.path().to_owned())
}

/// The path of the C++ SDK's record of a download. Its name is not that which the SDK gives it.
pub fn sdk_record_path(request: &DownloadRequest) -> Option<PathBuf> {
    let DownloadRequest { bucket, key, version_id, file_path, .. } = request;
    let name = format!("sdk {bucket} {key} {version_id:?} {file_path:?}").replace('/', "%");
    Some(paths(request).checkpoint_dir?.join(name))
}

fn with_random_suffix(state: &mut State, paths: &Paths) -> PathBuf {
    let mut name = paths.target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.temp", state.random.next()));
    paths.temp.with_file_name(name)
}

fn temp_refused(action: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => Error::busy(path),
        _ => Error::io(&format!("{action} the temporary file"), path, error),
    }
}
