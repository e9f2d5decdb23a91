//! A download in a process of its own, which the tests here stop, interrupt and kill.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use oss_resumable::{
    AccessKey, ByteRange, Checkpoint, Client, ClientOptions, Credentials, DownloadRequest, Phase,
};
use serde::{Deserialize, Serialize};

use super::raw;
use crate::lab::{BUCKET, ID, KEY, Lab, PART, SECRET};

const JOB: &str = "TEST_JOB";
/// What begins the line in which a process says how its download ended.
const ENDED: &str = "ended: ";
/// What begins the line in which it says how many SIGINTs it caught.
const CAUGHT: &str = "caught: ";

/// A download, and what else its process does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub endpoint: String,
    pub target: PathBuf,
    pub checkpoint_dir: PathBuf,
    pub part_size: u64,
    pub thread_num: u32,
    /// First and last byte.
    pub range: Option<(i64, i64)>,
    pub version_id: Option<String>,
    pub flush: bool,
    pub idle_timeout: Duration,
    /// How long nothing may come, at the beginning and later.
    pub patience: Duration,
    pub trouble: Option<Trouble>,
}

/// What a process does to itself while it downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Kills itself so long after the last byte has come, when only the end is to be done.
    DieAtTheEnd(Duration),
    /// Has a handler of its own for SIGINT, and tells how many it caught.
    CatchInterrupts,
    /// Cancels when its handler has caught a SIGINT.
    CancelOnInterrupt,
}

impl Job {
    /// The download that [`Lab::request`] is.
    pub fn new(lab: &Lab) -> Self {
        Job {
            endpoint: lab.server.endpoint(),
            target: lab.target(),
            checkpoint_dir: lab.dir().to_owned(),
            part_size: PART,
            thread_num: 3,
            range: None,
            version_id: None,
            flush: false,
            idle_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(60),
            trouble: None,
        }
    }

    /// Starts the process.
    pub fn start(&self) -> Process {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "--ignored", "--nocapture", "process::job::job"])
            .env(JOB, serde_json::to_string(self).expect("JSON"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        Process { child, output }
    }

    fn client(&self) -> Client {
        let mut options = ClientOptions::new(&self.endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        options.idle_timeout = Some(self.idle_timeout);
        options.first_byte_limit = Some(self.patience);
        options.no_progress_limit = Some(self.patience);
        Client::new(options).expect("client")
    }

    fn request(&self) -> DownloadRequest {
        let mut request = DownloadRequest::new(BUCKET, KEY);
        request.file_path = Some(self.target.clone());
        request.checkpoint = Checkpoint::Directory(self.checkpoint_dir.clone());
        request.part_size = self.part_size;
        request.thread_num = self.thread_num;
        request.range = self.range.map(|(start, end)| ByteRange { start, end });
        request.version_id.clone_from(&self.version_id);
        request.flush = self.flush;
        request
    }
}

#[test]
#[ignore = "runs in a process of its own, which the other tests here start"]
fn job() {
    let job = std::env::var(JOB).expect("run by the other tests");
    let job: Job = serde_json::from_str(&job).expect("a job");
    if matches!(job.trouble, Some(Trouble::CatchInterrupts | Trouble::CancelOnInterrupt)) {
        raw::catch_interrupts();
    }
    let download = job.client().start(&job.request()).expect("start");
    if let Some(Trouble::DieAtTheEnd(delay)) = job.trouble {
        while matches!(download.status().phase, Phase::Starting | Phase::Transferring) {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(delay);
        raw::kill_this_process();
    }
    let cancels = job.trouble == Some(Trouble::CancelOnInterrupt);
    let ended = download.wait_with(None, &mut |_| !(cancels && raw::interrupts() > 0));
    println!("{CAUGHT}{}", raw::interrupts());
    match ended.expect("an end") {
        Ok(outcome) => println!("{ENDED}{}", outcome.statistics.bytes_reused),
        Err(error) => println!("{ENDED}{error}"),
    }
}

/// A running [`Job`]; killed when dropped.
pub struct Process {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// The process.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Ends it with SIGKILL; false when it had ended by itself.
    pub fn kill(mut self) -> bool {
        let alive = self.child.try_wait().expect("its state").is_none();
        self.child.kill().and_then(|()| self.child.wait()).expect("kill");
        alive
    }

    /// How it ended.
    pub fn status(mut self) -> ExitStatus {
        self.child.wait().expect("an end")
    }

    /// Waits for the end of its download, which must be a good one: how many bytes of earlier runs it kept.
    pub fn reused(self) -> u64 {
        let report = self.report();
        report.ended.parse().unwrap_or_else(|_| panic!("it ended: {}", report.ended))
    }

    /// Waits for its end, which must be one of its own will, and what it said.
    pub fn report(mut self) -> Report {
        let mut report = Report::default();
        for line in self.output.by_ref().map_while(Result::ok) {
            if let Some(ended) = line.strip_prefix(ENDED) {
                report.ended = ended.to_owned();
            } else if let Some(count) = line.strip_prefix(CAUGHT) {
                report.interrupts = count.parse().expect("a count");
            }
        }
        let status = self.status();
        assert!(status.success(), "{status}");
        report
    }
}

/// What a process said at its end.
#[derive(Debug, Default)]
pub struct Report {
    /// The bytes of earlier runs that it kept, or the error.
    pub ended: String,
    /// SIGINTs that its own handler caught.
    pub interrupts: u32,
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no killing.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
