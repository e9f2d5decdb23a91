//! A transfer thread: one libcurl multi loop that runs any number of fetches.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use curl::easy::Easy2;
use curl::multi::{Easy2Handle, Multi, MultiWaker};

use crate::model::error::Error;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{self, bounded};
use crate::sync::inbox::{Receiver, Sender, inbox};
use crate::sync::{Mutex, thread};
use crate::sys;
use crate::sys::exit::{ExitBarrier, ExitGuard};
use crate::sys::panic::catch;
use crate::sys::thread::Joined;

use crate::transfer::connection_budget::ConnectionBudget;
use crate::transfer::event::{EndReason, Event, FetchEnd, UsedConnection};
use crate::transfer::policy::reply_check::Flaw;
use crate::transfer::worker_waker::WorkerWaker;

use super::fetch::Fetch;
use super::wire::Wire;
use crate::transfer::disk::intake::Intake;

/// Interval of the checks for time-outs and slow connections.
const TICK: Duration = Duration::from_millis(100);
/// libcurl's codes for a reply that is not HTTP, is out of order or has an unknown encoding, and the old and the new
/// code for a head that is too long.
const UNREADABLE: [curl_sys::CURLcode; 5] = [
    curl_sys::CURLE_UNSUPPORTED_PROTOCOL,
    curl_sys::CURLE_FTP_WEIRD_SERVER_REPLY,
    curl_sys::CURLE_BAD_CONTENT_ENCODING,
    curl_sys::CURLE_OUT_OF_MEMORY,
    CURLE_TOO_LARGE,
];
/// Not defined in curl-sys.
const CURLE_TOO_LARGE: curl_sys::CURLcode = 100;
/// Longest sleep of an idle loop that is not woken. Shorter than the limits of a download's time without a byte, because
/// a loop may miss a command if the system lacks memory to wake it …
const IDLE: Duration = Duration::from_secs(5);
/// … this often in a row.
const WAKE_ATTEMPTS: u32 = 3;

/// A command for a worker.
pub enum Command {
    Start {
        wire: Box<Wire>,
        fetch: Box<Fetch>,
        events: Sender<Event>,
    },
    /// Accepts the reply to a first request.
    Proceed {
        fetch: u64,
        intake: Box<Intake>,
    },
    Abort {
        fetch: u64,
    },
    /// Closes all connections if no fetch is running.
    CloseIdle,
    Stop,
}

/// Wakes a multi loop, whose multi handle may be replaced.
struct LoopSleep {
    multi: Mutex<MultiWaker>,
    /// It has been woken since its last turn began, and need not be woken again: waking takes system calls.
    woken: AtomicBool,
}

impl LoopSleep {
    fn of(multi: &Multi) -> Self {
        LoopSleep { multi: Mutex::new(multi.waker()), woken: AtomicBool::new(false) }
    }

    /// Ends the loop's sleep, or its next one; `false` if it could not be woken.
    fn end(&self) -> bool {
        if self.woken.swap(true, Ordering::AcqRel) {
            return true;
        }
        let multi = self.multi.lock();
        let woken = (0..WAKE_ATTEMPTS).any(|_| multi.wakeup().is_ok());
        if !woken {
            self.woken.store(false, Ordering::Release);
        }
        woken
    }

    /// The loop is about to look at everything for which it is woken.
    fn begin_turn(&self) {
        // Reads the flag, too: what was done before it was set is visible from here on.
        self.woken.swap(false, Ordering::AcqRel);
    }

    /// Wakes `multi` from now on. Nobody uses the former handle any more when this returns.
    fn follow(&self, multi: &Multi) {
        *self.multi.lock() = multi.waker();
        self.woken.store(false, Ordering::Release);
    }
}

impl Wake for LoopSleep {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A loop that has ended needs no waking.
        let _ = self.end();
    }
}

/// How many connections a worker keeps open: its part of the client's, or those in use if they are more.
pub struct PoolSize {
    connections: Arc<ConnectionBudget>,
    /// Number of the client's workers.
    workers: u32,
    /// What libcurl was told last.
    told: usize,
}

impl PoolSize {
    pub fn new(connections: Arc<ConnectionBudget>, workers: usize) -> Self {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
        PoolSize { connections, workers, told: 0 }
    }

    /// Tells libcurl if the number has changed. A connection that becomes idle beyond it is closed.
    fn update(&mut self, multi: &mut Multi, in_use: usize) {
        let part = self.connections.limit().div_ceil(self.workers);
        let size = usize::try_from(part).unwrap_or(usize::MAX).max(in_use);
        if size != self.told {
            // Without it libcurl keeps four times as many as are in use.
            let _ = multi.set_max_connects(size);
            self.told = size;
        }
    }
}

/// The handle of a running worker. Dropping it stops and joins the thread.
pub struct Worker {
    commands: Sender<Command>,
    wake: WorkerWaker,
    join: Option<Joined>,
}

impl Worker {
    /// Starts the thread; `index` identifies the worker within its client.
    pub fn start(index: usize, pool: PoolSize) -> Result<Self, Error> {
        let (commands, inbox) = inbox();
        let (ready, started) = bounded(1);
        let join = sys::thread::spawn("oss-transfer", move || serve(&inbox, &ready, pool))
            .map_err(|error| Error::internal(format!("cannot start a transfer thread: {error}")))?;
        // A thread without a multi handle has panicked.
        let waker = started.recv().unwrap_or_else(|_| Err(no_multi_handle()))?;
        Ok(Worker { commands, wake: WorkerWaker::new(index, waker), join: Some(join) })
    }

    pub fn waker(&self) -> &WorkerWaker {
        &self.wake
    }

    /// Sends a command; returns `false` if the thread has ended.
    pub fn tell(&self, command: Command) -> bool {
        let told = self.commands.send(command).is_ok();
        self.wake.wake();
        told
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tell(Command::Stop);
        if let Some(join) = self.join.take() {
            // The last owner may be this thread itself; then it ends on its own.
            if join.id() != thread::current().id() {
                let _ = join.join();
            }
        }
    }
}

fn no_multi_handle() -> Error {
    Error::internal(
        "cannot start a transfer thread: libcurl could not open what wakes it; this process or the system may have too \
         many open files",
    )
}

fn serve(inbox: &Receiver<Command>, ready: &channel::Sender<Result<Waker, Error>>, pool: PoolSize) {
    let guard = match sys::exit::guard() {
        Ok(guard) => guard,
        Err(exiting) => {
            let _ = ready.send(Err(exiting));
            return;
        }
    };
    let multi = new_multi();
    let sleep = Arc::new(LoopSleep::of(&multi));
    // Older versions of libcurl create the handle even if they have no sockets for waking it.
    if !sleep.end() {
        let _ = ready.send(Err(no_multi_handle()));
        return drop(multi);
    }
    if ready.send(Ok(Waker::from(sleep.clone()))).is_err() {
        return drop(multi);
    }
    drop(guard);
    let running = HashMap::new();
    let mut multi_loop = Loop { multi, sleep, running, pool, next_token: 1, stopping: false };
    let barrier = ExitBarrier::here();
    let error = match catch(|| multi_loop.run(inbox, barrier)) {
        // The loop's libcurl handles are freed before the guard is released.
        Ok(Some(_exit_guard)) => return drop(multi_loop),
        Ok(None) => {
            let exiting = sys::exit::exiting();
            multi_loop.abandon(&exiting);
            exiting
        }
        // The drivers must receive a defect as an error, or they would wait for ever.
        Err(defect) => {
            let error = Error::from(defect);
            multi_loop.fail_all(&error, barrier.enter());
            error
        }
    };
    refuse_all(inbox, &error);
}

/// Panics if libcurl cannot create a handle.
fn new_multi() -> Multi {
    let multi = Multi::new();
    sys::curl::quick_cleanup(&multi);
    multi
}

/// Ends every new fetch with `error` until the worker is stopped.
fn refuse_all(inbox: &Receiver<Command>, error: &Error) {
    while let Ok(command) = inbox.recv() {
        match command {
            Command::Start { fetch, events, .. } => fail(&events, fetch.id, error.clone()),
            Command::Stop => return,
            Command::Proceed { .. } | Command::Abort { .. } | Command::CloseIdle => {}
        }
    }
}

struct Running {
    handle: Easy2Handle<Fetch>,
    id: u64,
    events: Sender<Event>,
    idle_timeout: Option<Duration>,
}

struct Loop {
    multi: Multi,
    sleep: Arc<LoopSleep>,
    /// By libcurl token.
    running: HashMap<usize, Running>,
    pool: PoolSize,
    next_token: usize,
    stopping: bool,
}

impl Loop {
    /// Runs until it is stopped and returns the last guard, or until the process is exiting.
    fn run(&mut self, inbox: &Receiver<Command>, barrier: ExitBarrier) -> Option<ExitGuard> {
        let mut next_tick = Instant::now() + TICK;
        loop {
            let guard = barrier.enter()?;
            self.sleep.begin_turn();
            while let Ok(command) = inbox.try_recv() {
                self.execute(command);
            }
            if self.stopping && self.running.is_empty() {
                return Some(guard);
            }
            self.pool.update(&mut self.multi, self.running.len());
            // After an error of the multi handle itself, transfers do not end; the time-outs handle that.
            let _ = self.multi.perform();
            self.collect();
            self.announce_held();
            let now = Instant::now();
            self.resume_paused(now);
            if now >= next_tick {
                self.tick(now);
                next_tick = now + TICK;
            }
            let sleep = if self.running.is_empty() { IDLE } else { self.rest(now, next_tick) };
            drop(guard);
            let _ = self.multi.poll(&mut [], sleep);
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Start { wire, fetch, events } => self.start(&wire, *fetch, events),
            Command::Proceed { fetch, intake } => {
                if let Some((token, running)) = self.find(fetch) {
                    if running.handle.get_mut().proceed(*intake) {
                        unpause(&running.handle);
                    } else {
                        self.end(token, stopped());
                    }
                }
            }
            Command::Abort { fetch } => {
                if let Some((token, _)) = self.find(fetch) {
                    self.end(token, EndReason::Aborted);
                }
            }
            Command::CloseIdle if self.running.is_empty() => self.close_idle(),
            Command::CloseIdle => {}
            Command::Stop => {
                self.stopping = true;
                for token in self.running.keys().copied().collect::<Vec<_>>() {
                    self.end(token, EndReason::Aborted);
                }
            }
        }
    }

    /// libcurl closes the connections of its pool only together with the multi handle. They stay open if the system has
    /// no files for another handle.
    fn close_idle(&mut self) {
        let Ok(multi) = catch(new_multi) else { return };
        if LoopSleep::of(&multi).end() {
            self.sleep.follow(&multi);
            self.multi = multi;
            self.pool.told = 0;
        }
    }

    fn find(&mut self, fetch: u64) -> Option<(usize, &mut Running)> {
        self.running.iter_mut().find(|(_, running)| running.id == fetch).map(|(t, r)| (*t, r))
    }

    fn start(&mut self, wire: &Wire, fetch: Fetch, events: Sender<Event>) {
        let (id, idle_timeout) = (fetch.id, wire.connection.idle_timeout);
        match self.add(wire, fetch) {
            Ok((token, handle)) => {
                self.running.insert(token, Running { handle, id, events, idle_timeout });
            }
            Err(why) => {
                fail(&events, id, Error::internal(format!("libcurl refused the request: {why}")))
            }
        }
    }

    /// Adds a request to libcurl; returns its token and its handle.
    fn add(&mut self, wire: &Wire, fetch: Fetch) -> Result<(usize, Easy2Handle<Fetch>), String> {
        let mut easy = Easy2::new(fetch);
        wire.configure(&mut easy).map_err(|error| error.to_string())?;
        let mut handle = self.multi.add2(easy).map_err(|error| error.to_string())?;
        let token = self.next_token;
        self.next_token += 1;
        if let Err(error) = handle.set_token(token) {
            let _ = self.multi.remove2(handle);
            return Err(error.to_string());
        }
        Ok((token, handle))
    }

    /// Removes finished transfers.
    fn collect(&mut self) {
        let mut done: Vec<(usize, EndReason)> = Vec::new();
        self.multi.messages(|message| {
            let Ok(token) = message.token() else { return };
            let ending = match self.running.get(&token).and_then(|r| message.result_for2(&r.handle))
            {
                Some(Ok(())) => EndReason::Complete,
                Some(Err(error)) => end_reason(&self.running[&token], &error),
                None => return,
            };
            done.push((token, ending));
        });
        for (token, ending) in done {
            self.end(token, ending);
        }
    }

    /// Lets the driver see first replies whose small body has not come at once.
    fn announce_held(&mut self) {
        for running in self.running.values_mut() {
            if running.handle.get_ref().is_holding() {
                running.handle.get_mut().announce();
                sys::curl::pause_receiving(&running.handle);
            }
        }
    }

    fn resume_paused(&mut self, now: Instant) {
        for running in self.running.values_mut() {
            if running.handle.get_ref().should_resume(now) {
                unpause(&running.handle);
            }
        }
    }

    /// Time until the next tick, or until a bandwidth limit lets a connection continue.
    fn rest(&self, now: Instant, next_tick: Instant) -> Duration {
        let turns = self.running.values().filter_map(|r| r.handle.get_ref().turn(now));
        turns.chain([next_tick]).min().map_or(TICK, |at| at.saturating_duration_since(now))
    }

    fn tick(&mut self, now: Instant) {
        let mut ended: Vec<(usize, EndReason)> = Vec::new();
        for (token, running) in &mut self.running {
            if let Err(ending) = running.handle.get_mut().tick(now) {
                ended.push((*token, ending));
            } else if stalled(running, now) {
                ended.push((*token, EndReason::Stalled));
            }
        }
        for (token, ending) in ended {
            self.end(token, ending);
        }
    }

    fn end(&mut self, token: usize, ending: EndReason) {
        let Some(Running { handle, id, events, .. }) = self.running.remove(&token) else { return };
        let connections = sys::curl::connections_opened(&handle);
        match self.multi.remove2(handle) {
            Ok(mut easy) => {
                let used = easy.get_ref().is_traced().then(|| used_connection(&easy, connections));
                easy.get_mut().finish(ending, connections, used.flatten());
            }
            Err(error) => {
                fail(&events, id, Error::internal(format!("libcurl lost a transfer: {error}")))
            }
        }
    }

    /// Stores the received bytes and ends every fetch with `error`, without calling libcurl: its handles are leaked.
    fn abandon(self, error: &Error) {
        std::mem::forget(self.multi);
        for (_, mut running) in self.running {
            running.handle.get_mut().finish(EndReason::Fault(error.clone()), 0, None);
            std::mem::forget(running.handle);
        }
    }

    /// Ends every fetch with `error` and, with a guard, frees the libcurl handles.
    fn fail_all(self, error: &Error, guard: Option<ExitGuard>) {
        for running in self.running.values() {
            fail(&running.events, running.id, error.clone());
        }
        match guard {
            Some(_exit_guard) => drop(self),
            None => std::mem::forget(self),
        }
    }
}

fn stalled(running: &Running, now: Instant) -> bool {
    let fetch = running.handle.get_ref();
    let Some(limit) = running.idle_timeout else { return false };
    if fetch.waits_locally() {
        return false;
    }
    // libcurl's connect time-out covers the time until the request has been sent.
    fetch.idle_time(now, sent_after(running)).is_some_and(|idle_time| idle_time > limit)
}

/// The connection of a request that has ended and opened so many of them; `None` if it had none.
fn used_connection(easy: &Easy2<Fetch>, opened: u64) -> Option<UsedConnection> {
    let address: IpAddr = easy.primary_ip().ok()??.parse().ok()?;
    let ready = easy.pretransfer_time().ok().filter(|ready| opened > 0 && !ready.is_zero());
    Some(UsedConnection {
        peer: SocketAddr::new(address, easy.primary_port().ok()?),
        local_port: easy.local_port().ok()?,
        is_reused: opened == 0,
        ready,
    })
}

/// The time from the start until the request had been sent; `None` if it has not.
fn sent_after(running: &Running) -> Option<Duration> {
    running.handle.pretransfer_time().ok().filter(|sent| !sent.is_zero())
}

/// The meaning of a libcurl error. Before the request has been sent, the same codes mean that libcurl lacks a protocol
/// or that a proxy did not answer as one.
fn end_reason(running: &Running, error: &curl::Error) -> EndReason {
    let message = described(error);
    if UNREADABLE.contains(&error.code()) && sent_after(running).is_some() {
        EndReason::Unusable(Flaw::Unreadable(message))
    } else {
        EndReason::Broken { curl_code: error.code(), message }
    }
}

/// libcurl's description of the error, unless it quotes a proxy URL from the environment, which may contain a password.
fn described(error: &curl::Error) -> String {
    let words = error.extra_description().filter(|words| !words.is_empty() && !words.contains('@'));
    words.unwrap_or(error.description()).to_owned()
}

/// The end of a transfer that the fetch has stopped; the fetch knows why.
fn stopped() -> EndReason {
    let message = "a callback stopped the transfer".to_owned();
    EndReason::Broken { curl_code: curl_sys::CURLE_WRITE_ERROR, message }
}

fn unpause(handle: &Easy2Handle<Fetch>) {
    // Fails for a transfer that has ended meanwhile; the next round removes it.
    let _ = handle.unpause_write();
}

fn fail(events: &Sender<Event>, fetch: u64, error: Error) {
    let ending = EndReason::Fault(error);
    let _ = events.send(Event::Ended(Box::new(FetchEnd::without_reply(fetch, ending))));
}
