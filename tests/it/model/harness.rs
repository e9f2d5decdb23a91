//! Executes a plan: a server, a directory, and one run after the other, each compared with the reference.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use local_oss::{Auth, Config, Fault, Matcher, Object, RuleId, Server};
use oss_resumable::{Client, Download, Error, Outcome, Statistics};

use super::files::{Files, Leftovers, at_one_moment, put_back, read_all};
use super::plan::*;
use super::reference::{Ended, Observed, Recorded, World};
use super::request::Site;
use super::{killed, sdk};
use crate::fixture::{BUCKET, ID, KEY, SECRET, directory_in_memory};

/// Idle time-out of a connection: short if a run has to wait for it, otherwise longer than any machine is busy.
const SHORT_SILENCE: Duration = Duration::from_millis(700);
const LONG_SILENCE: Duration = Duration::from_secs(60);
/// Longer than any run takes.
const LIMIT: Duration = Duration::from_secs(120);
/// After this time all received bytes are recorded: a second and a margin.
const SETTLED: Duration = Duration::from_millis(1200);
/// Longest wait for the progress of a run that is to be interrupted.
const PROGRESS_LIMIT: Duration = Duration::from_secs(1);

/// Executes the plan; the error is the first difference from the reference.
pub fn play(plan: &Plan) -> Result<(), String> {
    let mut case = Case::new(plan);
    let last = RunPlan {
        damage: Vec::new(),
        between: None,
        during: None,
        faults: Vec::new(),
        ending: Ending::ToTheEnd,
    };
    for (n, run) in plan.runs.iter().chain([&last]).enumerate() {
        case.run(run).map_err(|why| format!("run {}: {why}", n + 1))?;
    }
    Ok(())
}

struct Case<'p> {
    plan: &'p Plan,
    server: Server,
    site: Site,
    directory: tempfile::TempDir,
    world: World<'p>,
    /// The files after the last run and after the one before it.
    left: [Leftovers; 2],
    /// The path of the journal, once there was one.
    journal: Option<PathBuf>,
}

/// The active faults of a run.
struct Rules {
    faults: Vec<RuleId>,
    replacement: Option<RuleId>,
}

impl<'p> Case<'p> {
    fn new(plan: &'p Plan) -> Self {
        let server = Server::start(Config {
            auth: Auth::key(ID, SECRET),
            send_crc: plan.object.sends_crc,
            send_etag: plan.object.sends_etag,
            ..Config::default()
        });
        let server = server.expect("server");
        let first = object(plan, 0, plan.object.size);
        let first_etag = server.put(BUCKET, KEY, first).etag().to_owned();
        let directory = directory_in_memory();
        let site = Site {
            endpoint: server.endpoint(),
            directory: directory.path().to_owned(),
            first_etag,
        };
        site.prepare();
        let world = World::new(plan);
        if let Some(old) = &world.target {
            fs::write(site.target(), old).expect("write");
        }
        let case =
            Case { plan, server, site, directory, world, left: Default::default(), journal: None };
        case.leave_like_the_sdk();
        case
    }

    fn leave_like_the_sdk(&self) {
        let directory = self.site.checkpoint_dir(&self.plan.request);
        let Some((plan, directory)) = self.plan.sdk.zip(directory) else { return };
        // The number of no other object of the case.
        let generation = if plan.stale { 12 } else { 0 };
        let bytes = content(&self.plan.object, generation, self.plan.object.size);
        let target = self.site.target();
        let part_size = self.plan.request.part_size;
        if let Some((record, temp)) = sdk::stopped(&target, &bytes, part_size, plan.every) {
            fs::write(directory.join(sdk::record_name(&target)), record).expect("write");
            fs::write(self.site.temp(), temp).expect("write");
        }
    }

    fn run(&mut self, run: &RunPlan) -> Result<(), String> {
        let sound = self.damage(run);
        if let Some(replacement) = run.between {
            self.put(replacement);
        }
        let before = Recorded { bytes: self.recorded(), sound };
        let first = self.world.now;
        let rules = self.set_up(run);
        let (ended, statistics) = self.play_run(run)?;
        self.wait_for_silence();
        let hits = rules.faults.iter().map(|rule| self.server.fault_hits(*rule)).collect();
        let replaced = rules.replacement.is_some_and(|rule| self.server.fault_hits(rule) > 0);
        self.server.clear_faults();
        if let Some((_, replacement)) = run.during.filter(|_| replaced) {
            self.world.replace(replacement);
        }
        let mut files = read_all(self.directory.path());
        let target = files.remove(&self.site.target());
        self.remember(&files);
        let after = Recorded { bytes: self.recorded(), sound: None };
        let left = files.keys().map(|path| path.display().to_string()).collect();
        let seen = Observed { ended, hits, replaced, target, left, statistics, before, after };
        self.world.check_run(run, first, &seen)
    }

    /// Applies the run's damage. If anything was changed, returns the bytes that may still be used.
    fn damage(&self, run: &RunPlan) -> Option<u64> {
        let [last, before] = &self.left;
        let damage = |left: Leftovers, damage: &Damage| left.damaged(*damage, before);
        let damaged = run.damage.iter().fold(last.clone(), damage);
        if damaged == *last {
            return None;
        }
        write_or_remove(&self.site.temp(), damaged.temp.as_deref());
        if let Some(path) = &self.journal {
            write_or_remove(path, damaged.journal.as_deref());
        }
        let start = self.plan.request.range.map_or(0, |(start, _)| start.max(0) as u64);
        // What was written before an earlier damage undoes that damage.
        let undoes = run.damage.contains(&Damage::RecordsOfBefore) && last.has_header_of(before);
        if undoes || run.damage.contains(&Damage::JournalOfBefore) {
            return Some(u64::MAX);
        }
        Some(last.sound(&damaged, start))
    }

    fn put(&mut self, replacement: Replacement) {
        match self.world.replace(replacement) {
            None => drop(self.server.remove(BUCKET, KEY)),
            Some((generation, size)) => {
                self.server.put(BUCKET, KEY, object(self.plan, generation, size));
            }
        }
    }

    fn set_up(&self, run: &RunPlan) -> Rules {
        match run.ending {
            Ending::CancelAfter(bytes) | Ending::SnapshotAfter { bytes, .. } => {
                self.server.inject(Fault::StallAfter(bytes));
            }
            Ending::KilledAfter { slowly: true, .. } => {
                // The whole object takes longer than the longest wait.
                let rate = self.plan.object.size * 6 / u64::from(self.plan.request.thread_num);
                self.server.inject(Fault::RateLimit(rate.max(1)));
            }
            _ => {}
        }
        let faults = run.faults.iter().map(|planned_fault| {
            let matcher = Matcher::any().from(planned_fault.from).times(planned_fault.times);
            self.server.inject_when(matcher, fault(planned_fault.flaw))
        });
        let faults = faults.collect();
        let replacement = run.during.map(|(request, replacement)| {
            let next = self.world.next(replacement);
            let object = next.map_or_else(Object::delete_marker, |(generation, size)| {
                object(self.plan, generation, size)
            });
            let fault = Fault::ReplaceObject(Box::new(object));
            self.server.inject_when(Matcher::any().nth(request), fault)
        });
        Rules { faults, replacement }
    }

    fn play_run(&self, run: &RunPlan) -> Result<(Ended, Statistics), String> {
        let request = &self.plan.request;
        if let Ending::KilledAfter { microseconds, .. } = run.ending {
            let requests = self.server.requests().len();
            let at_work = || self.server.requests().len() > requests;
            let after = Duration::from_micros(microseconds);
            killed::start_and_kill(&self.site, request, at_work, after);
            return Ok((Ended::Killed, Statistics::default()));
        }
        let is_silent = run.faults.iter().any(|planned_fault| planned_fault.flaw.is_silent());
        let silence = if is_silent { SHORT_SILENCE } else { LONG_SILENCE };
        let client = Client::new(self.site.options(request, silence)).expect("client");
        let download = match client.start(&self.site.request(request)) {
            Ok(download) => download,
            Err(error) => return Ok((failed(&error), Statistics::default())),
        };
        let result = match run.ending {
            Ending::CancelAfter(bytes) => {
                if !came_so_far(&download, bytes) {
                    download.cancel();
                }
                download.wait(Some(LIMIT))
            }
            Ending::SnapshotAfter { bytes, settled } => {
                if let Some(files) = self.snapshot(&download, bytes, settled) {
                    download.cancel();
                    // It continues for a moment; nobody observes it.
                    download.wait(Some(LIMIT)).ok_or("the run does not end")?.ok();
                    drop((download, client));
                    put_back(self.directory.path(), &files);
                    return Ok((Ended::Killed, Statistics::default()));
                }
                download.wait(Some(LIMIT))
            }
            _ => download.wait(Some(LIMIT)),
        };
        let ended = match result.ok_or("the run does not end")? {
            Ok(outcome) => done(&outcome),
            Err(error) => failed(&error),
        };
        Ok((ended, download.status().statistics))
    }

    /// The files that would be left if the process were killed now; `None` if the run has ended.
    fn snapshot(&self, download: &Download, bytes: u64, settled: bool) -> Option<Files> {
        if came_so_far(download, bytes) {
            return None;
        }
        if settled && download.wait(Some(SETTLED)).is_some() {
            return None;
        }
        let files = at_one_moment(self.directory.path());
        download.wait(Some(Duration::ZERO)).is_none().then_some(files)
    }

    /// Waits until the server has seen the end of all connections: no fault applies after that.
    fn wait_for_silence(&self) {
        let give_up_at = Instant::now() + LIMIT;
        while self.server.active_connections() > 0 {
            assert!(Instant::now() < give_up_at, "a connection is never closed");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Bytes that the checkpoint records of the current object. A run killed after its rename leaves a record without a
    /// file.
    fn recorded(&self) -> u64 {
        if !self.site.temp().exists() {
            return 0;
        }
        let client = Client::new(self.site.options(&self.plan.request, LONG_SILENCE));
        let request = self.site.request(&self.plan.request);
        let info = client.expect("client").inspect_checkpoint(&request).ok().flatten();
        let object = self.server.object(BUCKET, KEY);
        info.zip(object)
            .filter(|(info, object)| {
                info.etag == object.etag() && info.object_size == object.size()
            })
            .map_or(0, |(info, _)| info.bytes_recorded)
    }

    fn remember(&mut self, files: &Files) {
        let is_journal = |path: &&PathBuf| path.extension().is_some_and(|e| e == "oss-resumable");
        self.journal = files.keys().find(is_journal).cloned().or(self.journal.take());
        let now = Leftovers {
            temp: files.get(&self.site.temp()).cloned(),
            journal: self.journal.as_ref().and_then(|path| files.get(path)).cloned(),
        };
        let [last, _] = std::mem::take(&mut self.left);
        self.left = [now, last];
    }
}

fn write_or_remove(path: &Path, bytes: Option<&[u8]>) {
    let done = match bytes {
        Some(bytes) => fs::write(path, bytes),
        None => fs::remove_file(path),
    };
    let is_done = |e: &io::Error| bytes.is_none() && e.kind() == io::ErrorKind::NotFound;
    assert!(done.as_ref().map_or_else(is_done, |()| true), "{}: {done:?}", path.display());
}

/// Waits until this many bytes have arrived, or for a limited time; returns whether the run has ended.
fn came_so_far(download: &Download, bytes: u64) -> bool {
    let give_up_at = Instant::now() + PROGRESS_LIMIT;
    while download.status().statistics.bytes_from_network < bytes && Instant::now() < give_up_at {
        if download.wait(Some(Duration::from_micros(300))).is_some() {
            return true;
        }
    }
    download.wait(Some(Duration::ZERO)).is_some()
}

fn object(plan: &Plan, generation: usize, size: u64) -> Object {
    // Not derived from the bytes, which may be the same.
    let etag = format!("{:032X}", generation + 1);
    Object::bytes(content(&plan.object, generation, size)).etag(etag)
}

fn done(outcome: &Outcome) -> Ended {
    Ended::Done {
        proof: outcome.proof,
        file_size: outcome.file_size,
        object_size: outcome.object_size,
        crcs_agree: outcome.object_crc64 == Some(outcome.crc64),
    }
}

fn failed(error: &Error) -> Ended {
    Ended::Failed {
        kind: error.kind(),
        code: error.code().to_owned(),
        message: error.message().to_owned(),
    }
}

fn fault(flaw: Flaw) -> Fault {
    let refused = |status: u16, code: &str| {
        let code = code.to_owned();
        Fault::Status { status, code, retry_after: None }
    };
    match flaw {
        Flaw::CloseBeforeHeaders => Fault::CloseBeforeHeaders,
        Flaw::ResetBeforeHeaders => Fault::ResetBeforeHeaders,
        Flaw::NotHttp => Fault::NotHttp,
        Flaw::NoReply => Fault::NoReply,
        Flaw::CloseAfter(bytes) => Fault::CloseAfter(bytes),
        Flaw::ResetAfter(bytes) => Fault::ResetAfter(bytes),
        Flaw::StallAfter(bytes) => Fault::StallAfter(bytes),
        Flaw::HalfCloseAfter(bytes) => Fault::HalfCloseAfter(bytes),
        Flaw::ShortBody(bytes) => Fault::ShortBody(bytes),
        Flaw::LongBody(bytes) => Fault::LongBody(bytes),
        Flaw::Busy(status) => refused(status, "Busy"),
        Flaw::ProxyPage(status) => Fault::Html(status),
        Flaw::WrongContentRange => Fault::WrongContentRange,
        Flaw::NoContentRange => Fault::Header { name: "Content-Range".to_owned(), value: None },
        Flaw::OtherBytes(distance) => Fault::OtherBytes(distance),
        Flaw::IgnoreRange => Fault::IgnoreRange,
        Flaw::Gzip => Fault::Gzip,
        Flaw::Chunked => Fault::Chunked,
        Flaw::NoContentLength => Fault::NoContentLength,
        Flaw::WrongEtag => Fault::WrongEtag,
        Flaw::NoEtag => Fault::NoEtag,
        Flaw::WrongCrc => Fault::WrongCrc,
        Flaw::NoCrc => Fault::NoCrc,
        Flaw::FlipByte(offset) => Fault::FlipByte(offset),
        Flaw::Refused(status) => refused(status, "Refused"),
        Flaw::CloseConnection => Fault::CloseConnection,
        Flaw::SlowHeaders => Fault::SlowHeaders(Duration::from_millis(5)),
    }
}
