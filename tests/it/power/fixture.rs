//! A server, and a directory in which a download is recorded and the power is lost.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{AccessKey, Checkpoint, Client, ClientOptions, Credentials, DownloadRequest};
use oss_resumable::{Error, Outcome, Overwrite, WriteMode};
use tempfile::TempDir;

use super::disk::{Disk, Files, Order};
use super::recording::{self, Event, FileId, REPORTED};
use crate::fixture::{
    BUCKET, Fixture, ID, KEY, PART, SECRET, directory_in_memory, directory_on_disk,
};

pub const TARGET: &str = "files/file.bin";
pub const TEMP: &str = "files/file.bin.temp";
pub const CHECKPOINTS: &str = "checkpoints";

/// How a download differs from the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Plain,
    NoCheckpoint,
    /// The bytes of [`RANGE`].
    Ranged,
    /// An existing target is not replaced.
    Sparing,
    Preallocated,
    /// On a disk, because only that can be written directly.
    Direct,
    Unflushed,
}

impl Variant {
    const ALL: [Variant; 7] = [
        Variant::Plain,
        Variant::NoCheckpoint,
        Variant::Ranged,
        Variant::Sparing,
        Variant::Preallocated,
        Variant::Direct,
        Variant::Unflushed,
    ];

    /// The request for a download into `root`.
    fn request(self, root: &Path) -> DownloadRequest {
        let mut request = DownloadRequest::new(BUCKET, KEY)
            .file_path(root.join(TARGET))
            .checkpoint_dir(root.join(CHECKPOINTS))
            .part_size(PART);
        match self {
            Variant::Plain => {}
            Variant::NoCheckpoint => request.checkpoint = Checkpoint::Off,
            Variant::Ranged => request = request.range(RANGE.start as i64, RANGE.end as i64 - 1),
            Variant::Sparing => request.overwrite = Overwrite::Fail,
            Variant::Preallocated => {
                request.preallocate = true;
                request.verify_before_rename = true;
                request.set_modified_time = true;
            }
            Variant::Direct => request.write_mode = WriteMode::Direct,
            Variant::Unflushed => request.flush = false,
        }
        request
    }
}

/// Bytes of a reply before its connection breaks.
const BROKEN_OFF: u64 = 60_000;
/// Neither end is at the boundary of a part.
pub const RANGE: std::ops::Range<u64> = 1_000..3 * PART + 77;

#[test]
#[ignore = "runs in a child process, whose file calls are recorded"]
fn child() {
    let variable = |name: &str| std::env::var(name).expect("run by the other tests");
    let options = ClientOptions::new(variable("TEST_ENDPOINT"))
        .region("cn-hangzhou")
        .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
    let name = variable("TEST_VARIANT");
    let variant = Variant::ALL.into_iter().find(|variant| format!("{variant:?}") == name);
    let request = variant.expect("a variant").request(Path::new(&variable("TRACE_ROOT")));
    match Client::new(options).and_then(|client| client.download(&request)) {
        Ok(_) => println!("{REPORTED}"),
        Err(error) => println!("refused {error}"),
    }
}

/// A recorded download.
pub struct Recording {
    /// The files before it, with their names.
    files: Vec<(String, FileId, Vec<u8>)>,
    events: Vec<Event>,
}

impl Recording {
    /// The disk before the first call and after each.
    pub fn moments(&self, order: Order) -> Vec<Moment> {
        let mut disk = Disk::new(order, &self.files);
        let mut reported = false;
        let mut moments = vec![Moment { order, calls: 0, disk: disk.clone(), reported }];
        for (event, calls) in self.events.iter().zip(1..) {
            disk.apply(event);
            reported |= matches!(event, Event::Report);
            moments.push(Moment { order, calls, disk: disk.clone(), reported });
        }
        moments
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether success was reported.
    pub fn reports(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Report))
    }

    /// The files before the download.
    pub fn before(&self) -> Files {
        self.files.iter().map(|(name, _, bytes)| (name.clone(), bytes.clone())).collect()
    }
}

/// A moment at which the power can be lost.
pub struct Moment {
    pub order: Order,
    /// Number of calls made before it.
    pub calls: usize,
    pub disk: Disk,
    /// Success had been reported.
    pub reported: bool,
}

pub struct PowerFixture {
    pub base: Fixture,
    /// In memory if possible and allowed: the disk is a model, and every run flushes.
    _dir: TempDir,
    root: PathBuf,
    pub variant: Variant,
    client: Client,
}

impl PowerFixture {
    /// With an object of a few parts for which the service sends no checksum: only the library's verification of the
    /// disk shows which bytes are right.
    pub fn new(variant: Variant) -> Self {
        let config = Config { send_crc: false, ..Config::default() };
        Self::with(variant, config, Object::pattern(4 * PART + 4_321, 7))
    }

    pub fn with(variant: Variant, config: Config, object: Object) -> Self {
        let base = Fixture::with(config, object);
        // The tests are not about time-outs, and the machine may be busy.
        let client = base.client_with(|options| {
            options.connect_timeout = Some(Duration::from_secs(30));
            options.idle_timeout = Some(Duration::from_secs(30));
        });
        let dir = match variant {
            Variant::Direct => directory_on_disk(),
            _ => directory_in_memory(),
        };
        // A long name makes the checkpoint's header longer than one sector.
        let root = dir
            .path()
            .canonicalize()
            .expect("path")
            .join("long".repeat(60))
            .join("path".repeat(60));
        for directory in ["files", CHECKPOINTS] {
            fs::create_dir_all(root.join(directory)).expect("directory");
        }
        PowerFixture { base, root, variant, client, _dir: dir }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bytes that the target must have.
    pub fn wanted(&self) -> Vec<u8> {
        let size = self.base.server.object(BUCKET, KEY).expect("object").size();
        let range = if self.variant == Variant::Ranged { RANGE } else { 0..size };
        self.base.server.object_bytes(BUCKET, KEY, range).expect("bytes")
    }

    /// All current files.
    pub fn files(&self) -> Files {
        self.paths().into_iter().map(|(name, path)| (name, fs::read(path).expect("read"))).collect()
    }

    fn paths(&self) -> BTreeMap<String, PathBuf> {
        let mut paths = BTreeMap::new();
        for directory in ["files", CHECKPOINTS] {
            for entry in fs::read_dir(self.root.join(directory)).expect("list") {
                let path = entry.expect("entry").path();
                let name = path.strip_prefix(&self.root).expect("below the root");
                paths.insert(name.to_str().expect("UTF-8").to_owned(), path);
            }
        }
        paths
    }

    /// Makes these the only files.
    pub fn put(&self, files: &Files) {
        for path in self.paths().into_values() {
            fs::remove_file(path).expect("remove");
        }
        for (name, bytes) in files {
            fs::write(self.root.join(name), bytes).expect("write");
        }
    }

    /// Records a download that succeeds, in a process of its own.
    pub fn record(&self) -> Recording {
        let recording = self.record_any();
        assert!(recording.reports(), "the download failed");
        recording
    }

    /// Records a download that fails.
    pub fn record_failure(&self) -> Recording {
        let recording = self.record_any();
        assert!(!recording.reports(), "the download succeeded");
        recording
    }

    fn record_any(&self) -> Recording {
        let mut inodes = HashMap::new();
        let mut files = Vec::new();
        for (id, (name, path)) in self.paths().into_iter().enumerate() {
            inodes.insert(fs::metadata(&path).expect("metadata").ino(), id);
            files.push((name, id, fs::read(path).expect("read")));
        }
        let log = self.base.dir().join("log");
        let ran = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--ignored", "--nocapture", "power::fixture::child"])
            .env("LD_PRELOAD", recording::recorder())
            .env("TRACE_ROOT", &self.root)
            .env("TRACE_LOG", &log)
            .env("TEST_ENDPOINT", self.base.server.endpoint())
            .env("TEST_VARIANT", format!("{:?}", self.variant))
            .output()
            .expect("run");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        let events = recording::read(&fs::read(&log).expect("the log"), inodes);
        fs::remove_file(log).expect("remove");
        let recording = Recording { files, events };
        self.check(&recording);
        recording
    }

    /// Checks the recording against the directory, so that a call unknown to the recorder is detected.
    fn check(&self, recording: &Recording) {
        let moments = recording.moments(Order::Any);
        let explained = moments.last().expect("a moment").disk.now() == self.files();
        assert!(explained, "the recorded calls do not explain the files: {:#?}", recording.events);
    }

    /// Interrupts a download that has a checkpoint of some extents.
    pub fn interrupt(&self) {
        let server = &self.base.server;
        server.inject_when(Matcher::any().times(3), Fault::CloseAfter(BROKEN_OFF));
        let denied =
            Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None };
        server.inject_when(Matcher::any().from(4), denied);
        assert_eq!(self.run().expect_err("denied").code(), "AccessDenied");
        server.clear_faults();
        assert_eq!(self.files().len(), 2, "a temporary file and a checkpoint");
    }

    /// Records a download whose first connections break, so that it writes and records more often.
    pub fn record_with_breaks(&self) -> Recording {
        self.base.server.inject_when(Matcher::any().times(3), Fault::CloseAfter(BROKEN_OFF));
        let recording = self.record();
        self.base.server.clear_faults();
        recording
    }

    /// A later run of the same download. Its flush is not under test and would take most of the time.
    pub fn run(&self) -> Result<Outcome, Error> {
        let mut request = self.variant.request(&self.root);
        request.flush = false;
        self.client.download(&request)
    }
}
