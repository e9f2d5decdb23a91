//! A life as it is played: the world, its processes, and what happens next.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::sdk_record::SdkRecord;
use crate::model::digest::Algorithms;
use crate::model::error::Result;
use crate::model::extent::Extent;
use crate::model::outcome::Outcome;
use crate::model::request::DownloadRequest;
use crate::transfer::event::Event;
use crate::transfer::shared::PausedBy;

use super::content::{Bytes, Content};
use super::disk::{Disk, HashingId, ProofId};
use super::invariants::wanted;
use super::net::Net;
use super::network::Step;
use super::plan::{Digest, End, Expects, Moment, Plan, RunPlan, SdkPlan, Start};
use super::process::{Body, Process};
use super::random::Random;
use super::request::request_of;
use super::schedule::Schedule;
use super::service::{ERROR_DOCUMENT, Service};
use super::story::Story;

/// The bytes at the target before the first run.
pub const OLD: Content = Content(500);

/// The bytes with which a wrong expectation goes on.
const NOTHING: Content = Content(501);

/// What happens.
pub enum Happening {
    /// A run starts.
    Start(usize),
    /// A wait of a process ends.
    Wake(usize, u64),
    /// A process gets an event.
    Deliver(usize, Event),
    /// A step of a request.
    Step(u64, Step),
    Proof(usize, ProofId),
    Hashing(usize, HashingId),
    ProviderAnswers(usize),
    /// What the plan says about the end of a process.
    End(usize),
    /// What other programs do to the files of a process: the nth thing in its plan.
    Meanwhile(usize, usize),
    /// Who has a file of a process locked is gone.
    Leaves(usize),
    /// The nth pause of a process begins, or ends.
    Pause(usize, usize, bool),
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Names the promise.
    pub promise: &'static str,
    pub what: String,
}

/// A life being played.
pub struct Universe {
    pub plan: Plan,
    /// The beginning of the world.
    pub base: Instant,
    schedule: RefCell<Schedule<Happening>>,
    pub service: RefCell<Service>,
    pub net: RefCell<Net>,
    pub disk: Disk,
    pub processes: RefCell<Vec<Rc<Process>>>,
    /// Their coroutines.
    pub bodies: RefCell<Vec<Option<Body>>>,
    pub story: Option<Arc<Story>>,
    violation: RefCell<Option<Violation>>,
    first_etag: String,
}

/// How a life went.
pub struct Played {
    pub violation: Option<Violation>,
    pub story: Vec<String>,
    pub happenings: u64,
    /// How its runs ended.
    pub ends: Vec<String>,
    /// The same of each run, in figures.
    pub runs: Vec<Figures>,
}

/// What can be counted of a run.
#[derive(Clone, Debug)]
pub struct Figures {
    pub started: Duration,
    pub ended: Duration,
    /// When its number of requests in flight changed, and to what.
    pub connections: Vec<(Duration, u32)>,
    /// When it sent requests.
    pub requests: Vec<Duration>,
    /// Bytes that it received.
    pub received: u64,
}

/// Plays a life. `tells`: its story is kept.
pub fn play(plan: &Plan, tells: bool) -> Played {
    let universe = Rc::new(Universe::new(plan.clone(), tells));
    let happenings = universe.run();
    universe.put_away();
    Played {
        violation: universe.violation.take(),
        story: universe.story.as_ref().map(|story| story.take()).unwrap_or_default(),
        happenings,
        ends: universe.processes.borrow().iter().map(|process| process.end()).collect(),
        runs: universe.processes.borrow().iter().map(|process| process.figures()).collect(),
    }
}

impl Universe {
    fn new(plan: Plan, tells: bool) -> Self {
        let service = Service::new(&plan.service, plan.object, &plan.changes);
        let first = service.generations.first().and_then(|generation| generation.etag.clone());
        let disk = Disk::new(plan.disk.clone(), Random::new(plan.seed).fork(1), tells);
        let request = plan.runs.first().map(|run| request_of(&run.request, ""));
        if let (Some(size), Some(request)) = (plan.old_target, &request) {
            disk.put_target(request, &[OLD.piece(0..size)]);
        }
        if let (Some(sdk), Some(request)) = (plan.sdk, &request) {
            leave_sdk_files(&disk, request, sdk, plan.object.size);
        }
        disk.spell(ERROR_DOCUMENT.0, ERROR_DOCUMENT.1.as_bytes().to_vec());
        Universe {
            // Instants before the beginning must exist.
            base: Instant::now() + Duration::from_secs(24 * 3600),
            schedule: RefCell::new(Schedule::new()),
            service: RefCell::new(service),
            net: RefCell::default(),
            disk,
            processes: RefCell::default(),
            bodies: RefCell::default(),
            story: tells.then(Arc::default),
            violation: RefCell::new(None),
            first_etag: first.unwrap_or_default().trim_matches('"').to_owned(),
            plan,
        }
    }

    pub fn now(&self) -> Duration {
        self.schedule.borrow().now()
    }

    pub fn plan_at(&self, at: Duration, happening: Happening) {
        self.schedule.borrow_mut().at(at, happening);
    }

    /// The ETag of the object at first, without quotes.
    pub fn first_etag(&self) -> &str {
        &self.first_etag
    }

    pub fn process(&self, index: usize) -> Rc<Process> {
        self.processes.borrow()[index].clone()
    }

    /// The request of a run. The last run of a life asks for something that the object has.
    pub fn request_of(&self, run: &RunPlan) -> DownloadRequest {
        let mut request = request_of(&run.request, self.first_etag());
        let size = self.service.borrow().current().map_or(0, |generation| generation.size);
        if run.clean
            && let Some(range) = request.range
            && (u64::try_from(range.start).is_ok_and(|start| start >= size)
                || (0..range.start).contains(&range.end))
        {
            request.range = None;
        }
        if let Some(expects) = run.request.expects {
            self.expect(&mut request, expects);
        }
        request
    }

    /// Lets a request expect a digest of the object as it is now.
    fn expect(&self, request: &mut DownloadRequest, expects: Expects) {
        let service = self.service.borrow();
        let Some(generation) = service.generations.last() else { return };
        let (content, range) = wanted(request, generation);
        let len = range.end.saturating_sub(range.start);
        let mut bytes = Bytes::from(content.piece(range.start..range.start + len));
        if !expects.right {
            bytes.push(NOTHING.piece(0..1));
        }
        let is = |digest| expects.digest == digest || expects.digest == Digest::All;
        let digests = bytes.digests(Algorithms {
            sha256: is(Digest::Sha256),
            md5: is(Digest::Md5),
            crc64: is(Digest::Crc64),
        });
        request.expected_sha256 = digests.sha256;
        request.expected_md5 = digests.md5;
        request.expected_crc64 = digests.crc64;
    }

    /// Plans the next step of a process's hashing, after `lag`.
    pub fn plan_hashing(&self, process: &Process, lag: Duration) {
        if let Some((hashing, time)) = self.disk.hashing_due(process.disk_id) {
            let at = self.now() + lag + time;
            self.plan_at(at, Happening::Hashing(process.index, hashing));
        }
    }

    /// Adds a line to the story.
    pub fn tell(&self, process: &Process, line: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            story.add(process.index, &line());
        }
    }

    /// A promise was not kept. Only the first one is remembered: others may follow from it.
    pub fn violated(&self, promise: &'static str, what: impl FnOnce() -> String) {
        let mut violation = self.violation.borrow_mut();
        if violation.is_none() {
            *violation = Some(Violation { promise, what: what() });
        }
    }

    pub fn deliver_at(&self, at: Duration, process: &Process, event: Event) {
        if at <= self.now() {
            self.deliver(process, event);
        } else {
            self.plan_at(at, Happening::Deliver(process.index, event));
        }
    }

    /// Plays the life to its end; returns how much happened.
    fn run(self: &Rc<Self>) -> u64 {
        self.plan_at(Duration::ZERO, Happening::Start(0));
        let (mut happenings, mut received_halfway) = (0, 0);
        while self.violation.borrow().is_none() && !self.is_over() {
            let next = self.schedule.borrow_mut().next();
            let Some(next) = next else {
                self.violated("every life ends", || "nobody can wake those who wait".to_owned());
                break;
            };
            happenings += 1;
            if happenings == self.plan.most_happenings / 2 {
                received_halfway = self.received();
            }
            if happenings > self.plan.most_happenings {
                // A large object over connections that die soon takes long, but it ends.
                if self.received() == received_halfway {
                    self.violated("every life ends", || format!("{:?} have passed", self.now()));
                }
                break;
            }
            if let Some(story) = &self.story {
                story.set_time(self.now());
            }
            self.happen(next);
            self.tell_of_disk();
        }
        happenings
    }

    /// Bytes that all runs have received.
    fn received(&self) -> u64 {
        let processes = self.processes.borrow();
        processes.iter().map(|process| process.shared.counters.bytes_from_network.get()).sum()
    }

    fn is_over(&self) -> bool {
        let processes = self.processes.borrow();
        processes.len() == self.plan.runs.len() && processes.iter().all(|p| p.has_ended())
    }

    fn happen(self: &Rc<Self>, happening: Happening) {
        match happening {
            Happening::Start(run) => self.start_run(run),
            Happening::Wake(process, wait) => self.wake(&self.process(process), wait),
            Happening::Deliver(process, event) => self.deliver(&self.process(process), event),
            Happening::Step(request, step) => self.step(request, step),
            Happening::Proof(process, proof) => {
                let process = self.process(process);
                if let Some(event) = self.disk.proof_step(proof) {
                    self.deliver(&process, event);
                }
                if let Some((proof, time)) = self.disk.proof_due(process.disk_id) {
                    self.plan_at(self.now() + time, Happening::Proof(process.index, proof));
                }
            }
            Happening::Hashing(process, hashing) => {
                let process = self.process(process);
                if let Some(event) = self.disk.hashing_step(hashing) {
                    self.deliver(&process, event);
                }
                self.plan_hashing(&process, Duration::ZERO);
            }
            Happening::ProviderAnswers(process) => {
                let process = self.process(process);
                process.credentials.borrow_mut().answered(self.now());
                if let Some(answer) = process.url_answer.take() {
                    let newest = process.credentials.borrow_mut().newest_url(&process.request);
                    // Nobody waits for it if the download has ended.
                    let _ = answer.send(newest);
                }
                self.deliver(&process, Event::Wake);
            }
            Happening::Meanwhile(process, nth) => {
                let process = self.process(process);
                if let Some((_, damage)) = process.plan.meanwhile.get(nth)
                    && !process.has_ended()
                {
                    self.tell(&process, || format!("suffers {damage:?}"));
                    self.disk.damage(&process.request, damage);
                    self.suffers(&process, damage);
                }
            }
            Happening::Pause(process, nth, begins) => {
                let process = self.process(process);
                let by = if nth % 2 == 0 { PausedBy::Handle } else { PausedBy::Client };
                self.tell(&process, || format!("pause {nth} begins: {begins}"));
                match begins {
                    true => process.shared.pause(by),
                    false => process.shared.resume(by),
                }
                self.notify(&process);
            }
            Happening::Leaves(process) => {
                let process = self.process(process);
                if let Some(occupant) = process.occupant.filter(|_| !process.has_ended()) {
                    self.tell(&process, || "its files are free".to_owned());
                    self.disk.kill(occupant);
                }
            }
            Happening::End(process) => {
                let process = self.process(process);
                match process.plan.end {
                    Some(End::Cancel(_)) if !process.has_ended() => {
                        self.tell(&process, || "is cancelled".to_owned());
                        process.shared.cancel();
                        self.notify(&process);
                    }
                    Some(End::Kill(_) | End::PowerLoss(_)) => self.kill(&process),
                    _ => {}
                }
            }
        }
        self.bury_the_dead();
    }

    /// Notices processes that a step of the disk has killed.
    pub fn bury_the_dead(&self) {
        for process in self.processes.borrow().iter() {
            if process.is_unmourned() && self.disk.is_dead(process.disk_id) {
                self.mourn(process);
            }
        }
    }

    fn start_run(self: &Rc<Self>, run: usize) {
        let plan = &self.plan.runs[run];
        if plan.clean {
            self.disk.end_faults();
            self.service.borrow_mut().settle(self.now());
        }
        let request = self.request_of(plan);
        if plan.power_fails {
            self.power_fails();
        }
        plan.damage.iter().for_each(|damage| self.disk.damage(&request, damage));
        let index = self.processes.borrow().len();
        let process = Rc::new(Process::new(self, index, run));
        self.run_starts(&process);
        self.tell(&process, || format!("starts: {:?}", plan.request));
        let body = process.body(self);
        self.processes.borrow_mut().push(process.clone());
        self.bodies.borrow_mut().push(Some(body));
        let now = self.now();
        if let Some(
            End::Cancel(after)
            | End::Kill(Moment::After(after))
            | End::PowerLoss(Moment::After(after)),
        ) = plan.end
        {
            self.plan_at(now + after, Happening::End(index));
        }
        if process.occupant.is_some() && process.request.waits_if_busy() {
            self.plan_at(now + plan.occupied_for, Happening::Leaves(index));
        }
        for (nth, (after, _)) in plan.meanwhile.iter().enumerate() {
            self.plan_at(now + *after, Happening::Meanwhile(index, nth));
        }
        for (nth, (after, pause)) in plan.pauses.iter().enumerate() {
            self.plan_at(now + *after, Happening::Pause(index, nth, true));
            self.plan_at(now + *after + *pause, Happening::Pause(index, nth, false));
        }
        if let Some(Start::With(after)) = self.plan.runs.get(run + 1).map(|next| next.start) {
            self.plan_at(now + after, Happening::Start(run + 1));
        }
        self.resume(&process);
    }

    /// The driver of a process has returned.
    pub fn returned(self: &Rc<Self>, process: &Rc<Process>, result: Result<Outcome>) {
        process.ended.set(Some(self.now()));
        if self.disk.is_dead(process.disk_id) {
            self.tell(process, || "is gone".to_owned());
        } else {
            self.tell(process, || match &result {
                Ok(outcome) => format!("succeeds: {:?}", outcome.proof),
                Err(error) => format!("fails: {error}"),
            });
            *process.result.borrow_mut() = Some(result);
            self.check_requests(process);
            // Whatever it still has in the world goes with it.
            self.disk.kill(process.disk_id);
            self.net.borrow_mut().vanish(process.index);
        }
        self.leaves_client(process);
        if let Some(occupant) = process.occupant {
            self.disk.kill(occupant);
        }
        self.run_ended(process);
        self.start_next();
    }

    fn start_next(&self) {
        let processes = self.processes.borrow();
        let next = self.plan.runs.get(processes.len());
        if processes.iter().all(|process| process.has_ended())
            && let Some(Start::After(pause)) = next.map(|next| next.start)
        {
            self.plan_at(self.now() + pause, Happening::Start(processes.len()));
        }
    }

    /// Ends the coroutines that are left.
    fn put_away(self: &Rc<Self>) {
        let processes = self.processes.borrow().clone();
        for process in processes.iter().filter(|process| !process.has_ended()) {
            self.kill(process);
        }
        for process in &processes {
            while !process.has_ended() {
                self.resume(process);
            }
        }
    }

    fn tell_of_disk(&self) {
        let Some(story) = &self.story else { return };
        for (id, line) in self.disk.take_lines() {
            let processes = self.processes.borrow();
            let process = processes.iter().find(|process| process.disk_id == id);
            story.add(process.map_or(usize::MAX, |process| process.index), &line);
        }
    }
}

/// Leaves what the C++ SDK leaves of a download that was interrupted: every second part.
fn leave_sdk_files(disk: &Disk, request: &DownloadRequest, sdk: SdkPlan, size: u64) {
    let content = if sdk == SdkPlan::OfAnotherObject { OLD } else { Content(1) };
    let part = (size / 7).max(1);
    let parts = (0..size).step_by(usize::try_from(part).unwrap_or(1)).step_by(2);
    let extents: Vec<Extent> = parts
        .map(|offset| {
            let len = part.min(size - offset);
            Extent { offset, len, crc: content.crc(offset..offset + len) }
        })
        .collect();
    let written = if sdk == SdkPlan::WithoutBytes { Content::ZEROS } else { content };
    disk.put_temp(request, &[written.piece(0..size)]);
    let record = (sdk != SdkPlan::Unusable).then_some(SdkRecord { size, extents });
    disk.put_sdk_record(request, record);
}
