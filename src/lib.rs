//! Resumable, verified downloads of large objects from Alibaba Cloud OSS.

#[cfg(feature = "capi")]
mod capi;
mod checkpoint;
mod client;
mod client_state;
mod download;
mod event_queue;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod listing;
mod model;
mod oss;
mod prefix;
mod storage;
mod sync;
mod sys;
mod transfer;
mod version;

pub use checkpoint::manage::CheckpointInfo;
pub use client::Client;
pub use download::Download;
pub use event_queue::EventQueue;
pub use listing::{ListCanceller, Listing};
pub use model::crc64::crc64;
pub use model::credentials::{AccessKey, Credentials, CredentialsProvider};
pub use model::digest::{Crc64, Md5, Sha256};
pub use model::encryption::{ContentKey, DecryptionKey, KeyUnwrapper, WrappedKey};
pub use model::error::{Error, ErrorKind, Result};
pub use model::events::{DownloadEvent, EventKind};
pub use model::listing::{ListEntry, ListRequest, ListedObject, MAX_LIST_KEYS};
pub use model::options::{
    AddressStyle, ClientOptions, DEFAULT_MAX_ACTIVE_DOWNLOADS, DEFAULT_MAX_CONNECTIONS,
    FailedAttempt, LogLevel, LogSink, Proxy, ProxyScheme, RetryDecision, RetryVerdict,
    SignatureVersion,
};
pub use model::outcome::{Outcome, Phase, Proof, Statistics, Status};
pub use model::prefix::{PrefixCounts, PrefixPhase, PrefixRequest, PrefixStatus};
pub use model::request::{
    ByteRange, Checkpoint, DEFAULT_AUTO_CONNECTIONS, DEFAULT_PART_SIZE, DEFAULT_THREAD_NUM,
    DownloadRequest, MAX_PART_SIZE, MAX_THREAD_NUM, MIN_PART_SIZE, Order, Overwrite,
    ResponseHeaders, WhenBusy, WriteMode,
};
pub use model::source_url::{SharedUrlProvider, SourceUrl, UrlProvider};
pub use model::temp_path::TempPath;
pub use model::trace::{RequestEnd, RequestTrace, TraceSink};
pub use prefix::{ActiveObject, ObjectResult, PrefixDownload, PrefixObject, PrefixOutcome};
pub use version::version;
