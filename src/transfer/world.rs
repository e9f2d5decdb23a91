//! The interfaces through which a driver reaches everything outside its own memory: the clock, chance, its inbox, the
//! network and the disk.
//!
//! `transfer/system` implements them with the system's clock, with threads, libcurl and files. The tests implement them
//! with a simulator (`transfer/simulation`), in which time is virtual and every fault comes from a seed. A call returns
//! at once unless its documentation says that it waits for the disk; only [`Inbox::recv`] and [`Inbox::recv_until`]
//! wait for an event.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use rustix::io::Errno;

use crate::checkpoint::format::Header;
use crate::checkpoint::sdk_record::SdkRecord;
use crate::model::digest::{Algorithms, Digests};
use crate::model::encryption::{ContentKey, WrappedKey};
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::model::request::{DownloadRequest, WriteMode};
use crate::model::source_url::SharedUrlProvider;
use crate::model::web_address::WebAddress;
use crate::oss::decryption_keys::DecryptionKeys;
use crate::oss::get_object::Composed;
use crate::storage::existing_file::FileVersion;
use crate::storage::temp_file::FinishOptions;

use super::connection::reply_stage::ReplyStage;
use super::connection::span::Span;
use super::connection_budget::Allowance;
use super::credentials_cache::CachedKey;
use super::disk::write_target::WriteAt;
use super::event::Event;
use super::host_calls::Asked;

/// Size of the buffer with which a file is read back, in bytes.
pub const READ_SIZE: usize = 1024 * 1024;

/// The world of one driver.
#[derive(Clone, Copy)]
pub struct World<'w> {
    pub clock: &'w dyn Clock,
    pub chance: &'w dyn Chance,
    pub inbox: &'w dyn Inbox,
    pub network: &'w dyn Network,
    pub storage: &'w dyn Storage,
}

/// Monotonic time.
pub trait Clock {
    fn now(&self) -> Instant;
}

/// Random numbers, good enough to spread the retries of many clients.
pub trait Chance {
    /// Uniform in 0..1.
    fn draw(&self) -> f64;
}

/// The events of one download, in the order in which each sender sent them.
pub trait Inbox {
    /// Waits for an event, at most until `until`; `None` if none has come by then.
    fn recv_until(&self, until: Instant) -> Option<Event>;

    /// Waits for an event; `None` if none can come any more.
    fn recv(&self) -> Option<Event>;

    /// An event that has come.
    fn try_recv(&self) -> Option<Event>;
}

/// A request that can be sent.
pub struct NewRequest {
    /// HEAD instead of GET.
    pub head: bool,
    /// Where it is sent, as it is and without a signature; `None`: to the request's object.
    pub address: Option<WebAddress>,
    /// Headers and query, without those of the signature.
    pub composed: Composed,
    /// What the reply must be before its body is used.
    pub stage: ReplyStage,
    /// The bytes that the body brings. The network claims them, and the driver may cut off their end meanwhile.
    pub span: Arc<Span>,
    /// Where they are written; `None` until [`Network::proceed`].
    pub destination: Option<Destination>,
}

/// Where the bytes of a request are written.
pub struct Destination {
    pub file: Arc<dyn TemporaryFile>,
    /// The object's byte at the file's offset 0.
    pub base: u64,
    /// Length from which stored bytes are reported.
    pub grain: u64,
    /// Decrypts the bytes; `None` if they are saved as they are.
    pub content_key: Option<Arc<ContentKey>>,
}

/// The service and the way to it. A request is known by the number that [`Network::start`] returned; its end is
/// reported by exactly one [`Event::Ended`], after everything that it stored.
pub trait Network {
    /// A key for the next request; `None`: the provider is being called, and [`Event::Wake`] comes when it returns.
    fn credentials(&self) -> Result<Option<CachedKey>>;

    /// The service has refused the key `serial` as expired. Whether there may be another one.
    fn credentials_expired(&self, serial: u64) -> bool;

    /// How many requests may be in flight, if `wanted` could be used and `in_use` are in flight. [`Event::Wake`] comes
    /// when the answer changes.
    fn connections(&self, wanted: u32, in_use: u32) -> Allowance;

    /// Signs a request with `key` and sends it on connection `slot`.
    fn start(&self, slot: usize, request: NewRequest, key: &CachedKey) -> Result<u64>;

    /// Accepts the first reply of a request, whose body has waited since [`Event::FirstReply`]. Its first byte is the
    /// object's byte `start`.
    fn proceed(&self, slot: usize, fetch: u64, start: u64, destination: Destination) -> Result<()>;

    /// Stops a request. Bytes that have been received are still stored and reported before its end.
    fn abort(&self, slot: usize, fetch: u64);

    /// Closes connections that no request uses, unless another download of the client may use them soon.
    fn close_idle_connections(&self);

    /// The service's time, as far as it is known.
    fn service_time(&self) -> Timestamp;

    /// Corrects the clock with which requests are signed.
    fn set_service_time(&self, time: Timestamp);

    /// The service's host, for messages.
    fn host(&self) -> &str;

    /// The client's keys for encrypted objects.
    fn decryption_keys(&self) -> &DecryptionKeys;

    /// Whether [`Network::unwrap_key`] can ask anybody.
    fn has_key_unwrapper(&self) -> bool;

    /// Starts to ask the host for a content key; [`Event::Wake`] comes with the answer.
    fn unwrap_key(&self, wrapped: WrappedKey) -> Result<Asked<ContentKey>>;

    /// Starts to ask `provider` for a new URL; [`Event::Wake`] comes with the answer.
    fn ask_for_url(&self, provider: &SharedUrlProvider) -> Result<Asked<String>>;
}

/// What an earlier run left as its temporary file.
pub enum EarlierFile {
    /// Nothing.
    Absent,
    /// A file that users may have open who may not read or write the target. It must not be used.
    Exposed { message: String },
    /// A file of `len` bytes, now locked; [`Storage::claim_temp`] returns it.
    Found { len: u64 },
}

/// The files of one download: its target, temporary file, journal and the C++ SDK's record. All calls wait for the
/// disk.
///
/// Locks that a call takes are held until the storage, or the file or journal that it returned, is dropped.
pub trait Storage {
    /// Path of the target, absolute.
    fn target(&self) -> &Path;

    /// Whether something exists at the target's path.
    fn target_exists(&self) -> bool;

    /// The file at the target's path; `None` if there is none, or if it cannot be looked at.
    fn target_version(&self) -> Option<FileVersion>;

    /// The file that was there when the download was started.
    fn first_target_version(&self) -> Option<FileVersion>;

    /// Opens the file at the target's path for reading; `None` if there is none. It is not locked.
    fn open_target(&self) -> Result<Option<Box<dyn TargetFile>>>;

    /// Path that a new temporary file gets, for messages.
    fn temp_path(&self) -> &Path;

    /// Whether locks and the page cache cover every process that can write the files.
    fn is_trusted(&self) -> bool;

    /// Whether `name`, from a journal, can be the temporary file of this target.
    fn owns_temp_name(&self, name: &OsStr) -> Result<bool>;

    /// Locks and reads the journal of an earlier run: `None` if there is none, or if it is not one of this download.
    /// `Busy` if another run uses it.
    fn lock_journal(&self) -> Result<Option<(Header, Vec<Extent>)>>;

    /// Whether the download keeps a journal.
    fn keeps_journal(&self) -> bool;

    /// Whether a journal that is locked or can be has come since [`Storage::lock_journal`] found none.
    fn has_new_journal(&self) -> bool;

    /// Writes a new journal in place of the one that is locked; `Busy` if another run has created one meanwhile. Header
    /// and extents are on the disk afterwards.
    fn start_journal(&self, header: &Header, extents: &[Extent]) -> Result<Box<dyn JournalFile>>;

    /// Removes the journal that is locked, if there is one.
    fn discard_journal(&self) -> Result<()>;

    /// Finds the C++ SDK's record of this download; `None` if there is none that can be used. It is remembered for
    /// [`Storage::remove_sdk_record`] in any case.
    fn find_sdk_record(&self, request: &DownloadRequest) -> Result<Option<SdkRecord>>;

    /// Removes the C++ SDK's record durably, if there is one.
    fn remove_sdk_record(&self) -> Result<()>;

    /// Opens and locks what an earlier run left as its temporary file, under the name that its journal `recorded` or
    /// else under the usual one. `Busy` if another run uses it.
    fn open_temp(&self, recorded: Option<&OsStr>) -> Result<EarlierFile>;

    /// The file that [`Storage::open_temp`] found, now protected from other runs. `Busy` if one of them was faster.
    fn claim_temp(&self) -> Result<Arc<dyn TemporaryFile>>;

    /// Creates the temporary file, or empties one that another run left meanwhile.
    fn create_temp(&self) -> Result<Arc<dyn TemporaryFile>>;

    /// Releases the locks of the files of an earlier run that were opened and not claimed.
    fn release(&self);

    /// Starts to compare `extents` with the file, whose first byte is the object's byte `base`. Each one is reported
    /// with [`Event::Proved`] or [`Event::Damaged`], and the end with [`Event::ProofEnded`].
    fn start_proof(
        &self,
        file: Arc<dyn TemporaryFile>,
        base: u64,
        extents: Vec<Extent>,
        content_key: Option<Arc<ContentKey>>,
    ) -> Result<Box<dyn Proof>>;

    /// Starts to hash `file`, of which no byte is known to be complete yet.
    fn start_hashing(
        &self,
        file: Arc<dyn TemporaryFile>,
        algorithms: Algorithms,
    ) -> Result<Box<dyn Hashing>>;
}

/// A file at the target's path, open for reading.
pub trait TargetFile {
    fn version(&self) -> Result<FileVersion>;

    /// Waits until the file and its name are on the disk; later reads show what is there, as far as the system allows.
    fn flush(&self) -> Result<()>;

    /// Sets the modification time, unless the file has it.
    fn set_modified(&self, time: SystemTime) -> Result<()>;

    /// Reads and hashes the first `len` bytes; `None` if there are fewer or the disk cannot read them. `buffer` must not
    /// be empty. `between` is called before each block is read, and at the end, with the number of bytes that have been
    /// read; it may wait, and its error ends the reading.
    fn hash(
        &self,
        len: u64,
        content_key: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut(u64) -> Result<()>,
        buffer: &mut [u8],
    ) -> Result<Option<Hashed>>;
}

/// What an existing file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The CRC-64 of its bytes as the service stores them: if a content key decrypted them, they are encrypted again.
    pub stored_crc64: u64,
    /// The digests of its bytes as they are.
    pub digests: Digests,
}

/// A running comparison. Dropping it stops it and waits for its end.
pub trait Proof {
    /// Stops reading after the current block; reports that have been sent are not taken back.
    fn pause(&self);

    /// Goes on at the next block.
    fn resume(&self);
}

/// A running computation of a file's digests, which reads each byte once and in order. Dropping it stops it and waits
/// for its end.
pub trait Hashing {
    /// The file's bytes before `end` are complete, and do not change any more.
    fn extend(&self, end: u64);

    /// So is the whole file. [`Event::Hashed`] comes when it is hashed, not before this call.
    fn finish(&self);

    /// Stops reading after the current block.
    fn pause(&self);

    /// Goes on at the next block.
    fn resume(&self);
}

/// What reading a file back has shown.
pub struct ReadBack {
    /// Extents that are not in the file.
    pub damaged: Vec<Extent>,
    /// The digests of the whole file, if nothing is damaged.
    pub digests: Option<Digests>,
}

/// Whether bytes cannot be read because the disk has lost them.
pub fn is_unreadable(error: &Error) -> bool {
    error.errno() == Some(Errno::IO.raw_os_error())
}

/// The journal of a running download.
pub trait JournalFile {
    /// Appends records of extents whose bytes have been written. Not flushed.
    fn append(&mut self, extents: &[Extent]) -> Result<()>;

    /// Replaces this journal with a new one. If that fails this one is removed, because it is no longer true, and the
    /// reason is in the Ok. An error means that it is still there.
    fn rewrite(
        self: Box<Self>,
        header: &Header,
        extents: &[Extent],
    ) -> Result<std::result::Result<Box<dyn JournalFile>, Error>>;

    /// Removes the journal.
    fn remove(self: Box<Self>) -> Result<()>;
}

/// The temporary file of a download, locked against other runs. Offsets are those of the file.
pub trait TemporaryFile: WriteAt {
    /// Its name, for the journal.
    fn name(&self) -> &OsStr;

    /// Whether it is locked against other runs.
    fn is_locked(&self) -> bool;

    /// Empties the file.
    fn clear(&self) -> Result<()>;

    /// Truncates the file, or extends it with a hole.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Whether the file was ever shorter than this run had made it.
    fn was_cut(&self) -> Result<bool>;

    /// `DiskFull` if the file cannot become `final_len` bytes long.
    fn check_space(&self, final_len: u64) -> Result<()>;

    /// Reserves disk blocks for `len` bytes, where the file system can.
    fn preallocate(&self, len: u64) -> Result<()>;

    /// Chooses how the bytes get to the disk, before they are written, for a file of `len` bytes if that is known.
    /// Returns what the log should say.
    fn choose_write_mode(&self, _mode: WriteMode, _len: Option<u64>) -> Option<String> {
        None
    }

    /// What the log should say if the chosen write mode was given up since.
    fn late_refusal(&self) -> Option<String> {
        None
    }

    /// Starts to write a run of bytes to the disk.
    fn start_writeback(&self, range: Range<u64>);

    /// Reads some bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Whether the file, whose first byte is the object's byte `base`, contains the extent. The checksum is that of the
    /// bytes as the service stores them: if `content_key` decrypted them, they are encrypted again. `buffer` must not
    /// be empty; with an [`AlignedBuffer`](crate::storage::aligned::AlignedBuffer), the page cache may be bypassed.
    /// `between` is called before each block is read and may wait; its error ends the comparison.
    fn holds(
        &self,
        extent: &Extent,
        base: u64,
        content_key: Option<&ContentKey>,
        between: &mut dyn FnMut() -> Result<()>,
        buffer: &mut [u8],
    ) -> Result<bool>;

    /// Reads up to `wanted` bytes at `offset`, past the page cache if the file is written so and the buffer is an
    /// [`AlignedBuffer`](crate::storage::aligned::AlignedBuffer). Returns where they are in `buffer`; nothing at the end
    /// of the file.
    fn read_block(&self, buffer: &mut [u8], offset: u64, wanted: usize) -> Result<Range<usize>>;

    /// Reads the whole file, which consists of `extents`, in their order: compares each as [`TemporaryFile::holds`], and
    /// computes digests meanwhile.
    fn read_back(
        &self,
        extents: &[Extent],
        base: u64,
        content_key: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut() -> Result<()>,
    ) -> Result<ReadBack>;

    /// Lets later reads show what is on the disk, as far as the system allows: not what only the page cache has because
    /// the disk has refused it.
    fn drop_cache(&self);

    /// No write begins from now on; those that are asked for fail. Waits for one that has begun.
    fn stop_writes(&self);

    /// Lets other runs use the file, also while this process still has it open. To be called last.
    fn unlock(&self);

    /// Flushes the file if asked to, and renames it to the target atomically.
    fn finish(&self, target: &Path, options: &FinishOptions) -> Result<()>;

    /// Removes the file.
    fn remove(&self) -> Result<()>;
}
