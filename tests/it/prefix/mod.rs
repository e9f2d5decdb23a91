//! Downloads of all objects with a prefix: where their files are, what a later run fetches, and what goes wrong.

mod again;
mod damage;
mod encrypted;
mod ending;
mod events;
mod files;
mod hostile;
mod killed;
mod options;
mod replaced;

use std::path::{Path, PathBuf};

use local_oss::{LoggedRequest, Object};
use oss_resumable::{ObjectResult, PrefixCounts, PrefixOutcome, PrefixRequest, Result};

use crate::fixture::{BUCKET, Fixture, KEY, PART};

/// A server and a directory for the files.
struct Scene {
    fixture: Fixture,
}

impl Scene {
    /// With objects of these keys and sizes.
    fn new(objects: &[(&str, u64)]) -> Self {
        let fixture = Fixture::new(1);
        fixture.server.remove(BUCKET, KEY);
        std::fs::create_dir(fixture.dir().join("out")).expect("directory");
        let scene = Scene { fixture };
        for (key, size) in objects {
            scene.put(key, *size);
        }
        scene
    }

    /// Stores an object whose content depends on its key and size.
    fn put(&self, key: &str, size: u64) {
        let seed = key.bytes().fold(size, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        self.fixture.server.put(BUCKET, key, Object::pattern(size, seed));
    }

    fn dir(&self) -> PathBuf {
        self.fixture.dir().join("out")
    }

    fn request(&self, prefix: &str) -> PrefixRequest {
        let mut request = PrefixRequest::new(BUCKET, prefix, self.dir());
        request.objects.part_size = PART;
        request
    }

    fn download(&self, prefix: &str) -> Result<PrefixOutcome> {
        self.fixture.client().download_prefix(&self.request(prefix))
    }

    /// Downloads; every object must be there afterwards.
    fn complete(&self, prefix: &str) -> PrefixCounts {
        let outcome = self.download(prefix).expect("download");
        assert_eq!(failures(&outcome), [] as [(String, String); 0]);
        assert!(outcome.is_complete());
        outcome.counts()
    }

    /// Asserts that a file is an object.
    fn assert_file(&self, path: &str, key: &str) {
        let size = self.fixture.server.object(BUCKET, key).expect("object").size();
        let expected = self.fixture.server.object_bytes(BUCKET, key, 0..size).expect("bytes");
        let found = std::fs::read(self.dir().join(path)).expect(path);
        assert!(found == expected, "{path}: {} bytes, not {}", found.len(), expected.len());
    }

    /// The files and directories below the directory, without the manifest; directories end in `/`.
    fn tree(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.dir(), "", &mut found);
        found.retain(|path| !path.starts_with(".oss-resumable"));
        found.sort();
        found
    }

    /// What the library keeps for itself.
    fn own_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.dir().join(".oss-resumable"), "", &mut found);
        found
    }

    /// The requests for objects since the first `count` requests.
    fn object_requests(&self, count: usize) -> Vec<LoggedRequest> {
        let requests = self.fixture.server.requests().split_off(count);
        requests.into_iter().filter(|request| !request.key.is_empty()).collect()
    }

    /// What `run` returns, with the requests for objects that it causes.
    fn counted<T>(&self, run: impl FnOnce() -> T) -> (T, Vec<LoggedRequest>) {
        let before = self.fixture.server.requests().len();
        let done = run();
        (done, self.object_requests(before))
    }
}

fn collect(directory: &Path, above: &str, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries {
        let entry = entry.expect("entry");
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("type").is_dir() {
            found.push(format!("{path}/"));
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// The keys of objects that failed, with their codes.
fn failures(outcome: &PrefixOutcome) -> Vec<(String, String)> {
    outcome.failures().map(|(object, error)| (object.key, error.code().to_owned())).collect()
}

/// The word for what became of each object.
fn results(outcome: &PrefixOutcome) -> Vec<(String, &'static str)> {
    let word = |result: &ObjectResult<'_>| match result {
        ObjectResult::Fetched => "fetched",
        ObjectResult::Unchanged => "unchanged",
        ObjectResult::Directory => "directory",
        ObjectResult::Failed(_) => "failed",
        other => panic!("{other:?}"),
    };
    outcome.objects().map(|object| (object.key, word(&object.result))).collect()
}

fn body_bytes(requests: &[LoggedRequest]) -> u64 {
    requests.iter().filter(|request| request.method == "GET").map(|r| r.body_bytes).sum()
}
