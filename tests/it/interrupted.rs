//! Interrupted downloads, and the files that they leave.

use std::path::PathBuf;

use local_oss::{Fault, Matcher};
use oss_resumable::{Client, DownloadRequest, Error, Statistics};

use crate::fixture::Fixture;

/// The files of an interrupted download, to be damaged and restored.
#[derive(Clone)]
pub struct Leftovers {
    pub journal_path: PathBuf,
    pub journal: Vec<u8>,
    pub temp: Vec<u8>,
}

impl Fixture {
    /// A client that fails at the first error, without a retry.
    pub fn client_without_retries(&self) -> Client {
        self.client_with(|options| options.max_attempts = 1)
    }

    /// Runs `request` on one connection until it breaks for good, `bytes` into its second reply. The first reply
    /// contains one part.
    pub fn interrupt(&self, request: &DownloadRequest, bytes: u64) -> (Error, Statistics) {
        let rule = self.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(bytes));
        let request = request.clone().thread_num(1);
        let download = self.client_without_retries().start(&request).expect("start");
        let error = download.wait(None).expect("an end").expect_err("interrupted");
        assert_eq!(self.server.fault_hits(rule), 1, "{error}");
        self.server.clear_faults();
        (error, download.status().statistics)
    }

    /// The current files.
    pub fn leftovers(&self) -> Leftovers {
        let journal_path = self.journal().expect("a checkpoint");
        let journal = std::fs::read(&journal_path).expect("the checkpoint");
        let temp = std::fs::read(self.temp()).expect("the temporary file");
        Leftovers { journal_path, journal, temp }
    }

    /// Makes these the only files.
    pub fn put_back(&self, leftovers: &Leftovers) {
        for name in self.files() {
            let path = self.dir().join(name);
            let is_dir = path.symlink_metadata().expect("metadata").is_dir();
            let removed =
                if is_dir { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
            removed.expect("remove");
        }
        std::fs::write(&leftovers.journal_path, &leftovers.journal).expect("the checkpoint");
        std::fs::write(self.temp(), &leftovers.temp).expect("the temporary file");
    }
}
