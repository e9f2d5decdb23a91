//! A simulated process: the driver runs in a coroutine, which waits for events in virtual time and can be killed.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::model::error::Result;
use crate::model::outcome::{Outcome, Phase};
use crate::model::request::DownloadRequest;
use crate::oss::decryption_keys::DecryptionKeys;
use crate::sync::channel;
use crate::sync::inbox::{Receiver, inbox};
use crate::transfer::bandwidth::Bandwidth;
use crate::transfer::connection_budget::{ConnectionBudget, ConnectionShare};
use crate::transfer::driver::drive;
use crate::transfer::event::Event;
use crate::transfer::host_calls::Answer;
use crate::transfer::shared::Shared;
use crate::transfer::world::{Chance, Clock, Inbox, World};

use super::credentials::Credentials;

use super::disk::ProcessId;
use super::flight::Connection;
use super::network::dead;
use super::plan::{ClientPlan, End, Moment, RunPlan};
use super::random::Random;
use super::request::options_of;
use super::traces::Traces;
use super::universe::{Figures, Happening, Universe};
use super::url::use_url;
use super::watch::Watch;

/// Size of a stack, which is reserved and used as needed.
const STACK: usize = 1024 * 1024;

thread_local! {
    /// Stacks of processes that have ended.
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// A process.
pub struct Process {
    pub index: usize,
    pub plan: RunPlan,
    pub request: DownloadRequest,
    pub client: ClientPlan,
    pub shared: Arc<Shared>,
    pub bandwidth: Arc<Bandwidth>,
    pub decryption_keys: DecryptionKeys,
    pub disk_id: ProcessId,
    /// The process that has a file of the download locked.
    pub occupant: Option<ProcessId>,
    pub started: Duration,
    pub ended: Cell<Option<Duration>>,
    /// `None` while it runs, and if it was killed.
    pub result: RefCell<Option<Result<Outcome>>>,
    pub credentials: RefCell<Credentials>,
    /// Takes the answer of its URL provider.
    pub url_answer: RefCell<Option<channel::Sender<Answer<String>>>>,
    /// Connections that can be used again.
    pub idle: RefCell<Vec<Connection>>,
    /// The connections of its client, and its share of them until it ends.
    pub budget: Arc<ConnectionBudget>,
    pub share: RefCell<Option<ConnectionShare>>,
    /// Milliseconds by which its clock is ahead of the service's.
    pub clock_error: Cell<i64>,
    pub watch: RefCell<Watch>,
    pub traces: Traces,
    inbox: Receiver<Event>,
    chance: RefCell<Random>,
    calls: Cell<u64>,
    wait: Cell<Wait>,
    /// Number of the current wait.
    waits: Cell<u64>,
    mourned: Cell<bool>,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// It runs, or has ended.
    None,
    /// It is busy until a time.
    Busy,
    /// It waits for an event.
    Event,
    /// It waits for an event that has come, and which it will notice soon.
    Noticing,
}

/// The coroutine of a process.
pub type Body = Coroutine<(), (), Result<Outcome>>;

impl Process {
    pub fn new(universe: &Universe, index: usize, run: usize) -> Self {
        let plan = universe.plan.runs[run].clone();
        let client = plan.client;
        let mut request = universe.request_of(&plan);
        let (events, inbox) = inbox();
        let now = universe.now();
        let credentials = match universe.plan.url {
            None => Credentials::new(client.credentials, now),
            Some(_) => Credentials::of_url(client.credentials, now),
        };
        if universe.plan.url.is_some() {
            use_url(&mut request, &credentials);
        }
        let started = universe.base + now;
        let former = universe.processes.borrow().last().cloned();
        let former = former.filter(|_| plan.same_client);
        let budget = former.map_or_else(
            || Arc::new(ConnectionBudget::new(client.max_connections)),
            |former| former.budget.clone(),
        );
        let share = budget.join(events.clone());
        let disk_id = universe.disk.start_process();
        if let Some(End::Kill(Moment::DiskStep(step)) | End::PowerLoss(Moment::DiskStep(step))) =
            plan.end
        {
            universe.disk.kill_at_step(disk_id, step);
        }
        Process {
            index,
            shared: Arc::new(Shared::new(events, request.max_bandwidth, started)),
            bandwidth: Arc::new(Bandwidth::new(client.max_bandwidth)),
            decryption_keys: DecryptionKeys::new(&[]).unwrap_or_default(),
            disk_id,
            occupant: plan.occupied.map(|what| {
                let occupant = universe.disk.start_process();
                universe.disk.occupy(occupant, &request, what);
                occupant
            }),
            started: now,
            ended: Cell::new(None),
            result: RefCell::new(None),
            credentials: RefCell::new(credentials),
            url_answer: RefCell::default(),
            idle: RefCell::default(),
            budget,
            share: RefCell::new(Some(share)),
            clock_error: Cell::new(client.skew * 1000),
            watch: RefCell::new(Watch::new(request.most_connections(), now)),
            traces: Traces::default(),
            inbox,
            chance: RefCell::new(Random::new(universe.plan.seed).fork(1000 + index as u64)),
            calls: Cell::new(0),
            wait: Cell::new(Wait::None),
            waits: Cell::new(0),
            mourned: Cell::new(false),
            plan,
            request,
            client,
        }
    }

    /// Whether the faults of the world have ended for it.
    pub fn is_clean(&self) -> bool {
        self.plan.clean
    }

    pub fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Whether a path is that of a temporary file of its target.
    pub fn owns(&self, path: &OsStr) -> bool {
        let target = format!("/files/{}.", self.plan.request.target);
        path.to_string_lossy().starts_with(&target)
    }

    /// How it has ended, for a census.
    pub fn end(&self) -> String {
        match &*self.result.borrow() {
            None if self.watch.borrow().leaves => "killed, bytes recorded".to_owned(),
            None => "killed".to_owned(),
            Some(Err(error)) => error.code().to_owned(),
            Some(Ok(outcome)) if outcome.statistics.bytes_reused > 0 => {
                format!("{:?}, resumed", outcome.proof)
            }
            Some(Ok(outcome)) => format!("{:?}", outcome.proof),
        }
    }

    /// What can be counted of it.
    pub fn figures(&self) -> Figures {
        let watch = self.watch.borrow();
        Figures {
            started: self.started,
            ended: self.ended.get().unwrap_or_default(),
            connections: watch.connections.clone(),
            requests: watch.sent.clone(),
            received: self.shared.counters.bytes_from_network.get(),
        }
    }

    /// Whether it is in the world.
    pub fn is_unmourned(&self) -> bool {
        !self.mourned.get() && !self.has_ended()
    }

    /// The bytes of an object of `size` bytes that it wants; inverted if there are none of them.
    pub fn wanted(&self, size: u64) -> Range<u64> {
        wanted_range(&self.request, size)
    }

    fn killed_by_call(&self) -> bool {
        let call = self.calls.replace(self.calls.get() + 1);
        match self.plan.end {
            Some(End::Kill(Moment::Call(nth)) | End::PowerLoss(Moment::Call(nth))) => nth == call,
            _ => false,
        }
    }

    /// Makes its coroutine, which has not run yet.
    pub fn body(self: &Rc<Self>, universe: &Rc<Universe>) -> Body {
        let stack = STACKS.with_borrow_mut(Vec::pop);
        let stack = stack.unwrap_or_else(|| DefaultStack::new(STACK).expect("memory for a stack"));
        let (universe, process) = (universe.clone(), self.clone());
        Coroutine::with_stack(stack, move |yielder, ()| {
            let inside = Inside { universe: &universe, process: &process, yielder };
            let storage = universe.disk.storage(process.disk_id, &process.request);
            let world = World {
                clock: &inside,
                chance: &inside,
                inbox: &inside,
                network: &inside,
                storage: &storage,
            };
            let options = options_of(&process.client, &universe, process.index);
            let options = options.trace(process.traces.sink());
            drive(world, &options, &process.request, &process.shared)
        })
    }

    /// An event has been sent; returns whether it has to be woken.
    fn has_news(&self) -> bool {
        let waits = self.wait.get() == Wait::Event;
        if waits {
            self.wait.set(Wait::Noticing);
        }
        waits
    }
}

impl Universe {
    /// Lets a process run until it waits. Its coroutine is put back, unless it has ended.
    pub fn resume(self: &Rc<Self>, process: &Rc<Process>) {
        let body = self.bodies.borrow_mut()[process.index].take();
        let Some(mut body) = body else { return };
        process.wait.set(Wait::None);
        if process.request.waits_if_busy()
            && matches!(process.shared.status().phase, Phase::Queued | Phase::Paused)
            && self.disk.open_file(process.disk_id).is_none()
            && !self.disk.is_in_use(&process.request)
        {
            // It waited for another run, and starts with what that has left.
            self.run_starts(process);
        }
        let resumed = body.resume(());
        self.check_readable(process, matches!(resumed, CoroutineResult::Return(_)));
        match resumed {
            CoroutineResult::Yield(()) => {
                self.bodies.borrow_mut()[process.index] = Some(body);
            }
            CoroutineResult::Return(result) => {
                STACKS.with_borrow_mut(|stacks| stacks.push(body.into_stack()));
                self.returned(process, result);
            }
        }
        if let Some((proof, time)) = self.disk.proof_due(process.disk_id) {
            let at = self.now() + self.disk.lag(process.disk_id) + time;
            self.plan_at(at, Happening::Proof(process.index, proof));
        }
        self.plan_hashing(process, self.disk.lag(process.disk_id));
    }

    /// The wait `number` of a process ends.
    pub fn wake(self: &Rc<Self>, process: &Rc<Process>, number: u64) {
        if process.waits.get() == number && process.wait.get() != Wait::None {
            self.resume(process);
        }
    }

    /// Sends an event to a process.
    pub fn deliver(&self, process: &Process, event: Event) {
        if self.disk.is_dead(process.disk_id) || process.has_ended() {
            return;
        }
        let _ = process.shared.events().send(event);
        self.notify(process);
    }

    /// Lets a process notice that an event has been sent to it.
    pub fn notify(&self, process: &Process) {
        if process.has_news() {
            let at = self.now() + self.plan.path.latency;
            self.plan_at(at, Happening::Wake(process.index, process.waits.get()));
        }
    }

    /// A process gives its connections back to its client.
    pub fn leaves_client(&self, process: &Process) {
        drop(process.share.take());
        self.notify_sharers(process);
    }

    /// Lets the downloads of a client notice that their shares have changed.
    pub fn notify_sharers(&self, process: &Process) {
        for other in self.processes.borrow().iter() {
            if other.plan.same_client || process.plan.same_client {
                let shares = Arc::ptr_eq(&other.budget, &process.budget) && !other.inbox.is_empty();
                if shares && other.index != process.index {
                    self.notify(other);
                }
            }
        }
    }

    /// Kills a process. If it is not the one that runs, it ends when the world goes on.
    pub fn kill(&self, process: &Process) {
        self.disk.kill(process.disk_id);
        self.mourn(process);
    }

    /// Removes what a dead process had in the world.
    pub fn mourn(&self, process: &Process) {
        if process.mourned.replace(true) || process.has_ended() {
            return;
        }
        self.tell(process, || "is killed".to_owned());
        // It does not look at anything before it ends.
        process.shared.cancel();
        self.net.borrow_mut().vanish(process.index);
        process.idle.borrow_mut().clear();
        self.leaves_client(process);
        self.plan_at(self.now(), Happening::Wake(process.index, process.waits.get()));
        if let Some(End::PowerLoss(_)) = process.plan.end {
            self.disk.power_loss();
        }
    }
}

/// The interfaces of a process, as the driver in its coroutine sees them.
pub struct Inside<'a> {
    pub universe: &'a Rc<Universe>,
    pub process: &'a Rc<Process>,
    yielder: &'a Yielder<(), ()>,
}

impl Inside<'_> {
    /// Begins a call. An error if the process is dead; nothing that it does has an effect any more.
    pub fn enter(&self) -> Result<()> {
        if self.process.killed_by_call() {
            self.universe.kill(self.process);
        }
        if !self.universe.disk.is_dead(self.process.disk_id) {
            return Ok(());
        }
        self.universe.mourn(self.process);
        Err(dead())
    }

    /// The time of the process.
    pub fn time(&self) -> Duration {
        self.universe.now() + self.universe.disk.lag(self.process.disk_id)
    }

    /// Waits; `until` is when the wait ends at the latest. Returns whether the process is still alive.
    fn wait(&self, wait: Wait, until: Option<Duration>) -> bool {
        let process = self.process;
        process.waits.set(process.waits.get() + 1);
        process.wait.set(wait);
        if let Some(until) = until {
            self.universe.plan_at(until, Happening::Wake(process.index, process.waits.get()));
        }
        self.yielder.suspend(());
        !self.universe.disk.is_dead(process.disk_id)
    }

    fn receive(&self, until: Option<Duration>) -> Option<Event> {
        self.enter().ok()?;
        let lag = self.universe.disk.take_lag(self.process.disk_id);
        if !lag.is_zero() {
            self.universe.is_busy(self.process, lag);
            if !self.wait(Wait::Busy, Some(self.universe.now() + lag)) {
                return None;
            }
        }
        let event = self.take_event();
        if event.is_some() || until.is_some_and(|until| until <= self.universe.now()) {
            return event;
        }
        if self.wait(Wait::Event, until) { self.take_event() } else { None }
    }

    fn take_event(&self) -> Option<Event> {
        let event = self.process.inbox.try_recv().ok();
        let event = event.or_else(|| self.universe.disk.stopped_proof(self.process.disk_id))?;
        self.received(&event);
        Some(event)
    }
}

impl Clock for Inside<'_> {
    fn now(&self) -> Instant {
        self.universe.base + self.time()
    }
}

impl Chance for Inside<'_> {
    fn draw(&self) -> f64 {
        self.process.chance.borrow_mut().fraction()
    }
}

impl Inbox for Inside<'_> {
    fn recv_until(&self, until: Instant) -> Option<Event> {
        self.receive(Some(until.saturating_duration_since(self.universe.base)))
    }

    fn recv(&self) -> Option<Event> {
        self.receive(None)
    }

    fn try_recv(&self) -> Option<Event> {
        self.enter().ok()?;
        self.take_event()
    }
}

/// The bytes of an object of `size` bytes that a request wants.
pub fn wanted_range(request: &DownloadRequest, size: u64) -> Range<u64> {
    let Some(range) = request.range else { return 0..size };
    let end = u64::try_from(range.end).map_or(size, |last| size.min(last.saturating_add(1)));
    u64::try_from(range.start).unwrap_or_default()..end
}
