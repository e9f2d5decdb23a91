//! A running server: the listener, its threads, and the API for tests.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::config::{Auth, Config};
use crate::fault::{Fault, FaultTable, Matcher, RuleId};
use crate::log::{LoggedRequest, RequestLog};
use crate::net::{Connection, Control, Port};
use crate::object::{Generation, Object};
use crate::service::Service;
use crate::session::{Shared, serve};
use crate::store::Lookup;
use crate::tls::Identity;

/// A server on 127.0.0.1. Stops, and joins its threads, when dropped.
pub struct Server {
    inner: Arc<Inner>,
    port: Port,
    run: Mutex<Option<Run>>,
}

struct Inner {
    shared: Arc<Shared>,
    identity: Option<Identity>,
    connections: AtomicU64,
    active: AtomicU64,
    most_active: AtomicU64,
}

/// The threads between a start and a stop.
struct Run {
    control: Arc<Control>,
    acceptor: JoinHandle<()>,
}

impl Server {
    /// Starts a server without objects.
    pub fn start(config: Config) -> io::Result<Self> {
        let identity = config.tls.map(|kind| Identity::new(kind, &config.tls_names)).transpose()?;
        let port = config.port;
        let shared = Shared {
            service: Service::new(config),
            faults: Mutex::new(FaultTable::default()),
            log: RequestLog::default(),
        };
        let inner = Arc::new(Inner {
            shared: Arc::new(shared),
            identity,
            connections: AtomicU64::new(0),
            active: AtomicU64::new(0),
            most_active: AtomicU64::new(0),
        });
        let port = Port::reserve(port)?;
        let run = Run::start(&inner, &port)?;
        Ok(Server { inner, port, run: Mutex::new(Some(run)) })
    }

    /// Closes the port and every connection; objects, faults and the log are kept.
    pub fn stop(&self) {
        if let Some(run) = self.run.lock().take() {
            run.stop();
        }
    }

    /// Stops if running, and starts on the same port.
    pub fn restart(&self) -> io::Result<()> {
        let mut run = self.run.lock();
        if let Some(old) = run.take() {
            old.stop();
        }
        *run = Some(Run::start(&self.inner, &self.port)?);
        Ok(())
    }

    /// The port, the same after a restart.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> String {
        let scheme = if self.inner.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port())
    }

    /// The CA certificate that signed the server's certificate, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&[u8]> {
        self.inner.identity.as_ref().map(Identity::ca_pem)
    }

    /// The same in a temporary file, made at the first call, that lives as long as the server. Panics if it cannot be
    /// written.
    pub fn ca_file(&self) -> Option<&Path> {
        self.inner.identity.as_ref().map(Identity::ca_file)
    }

    /// Makes an empty bucket; putting an object does it too. Every bucket also has the keys
    /// `generated/<size>[-seed<number>][.<extension>]`.
    pub fn create_bucket(&self, bucket: &str) {
        self.shared().service.store.create_bucket(bucket);
    }

    /// Also serves the files below `folder` from `bucket`, under their relative paths.
    pub fn serve_folder(&self, bucket: &str, folder: impl Into<PathBuf>) {
        self.shared().service.store.serve_folder(bucket, folder.into());
    }

    /// Stores an object, replacing the current one. Replies in progress continue with the old one.
    pub fn put(&self, bucket: &str, key: &str, object: Object) -> Arc<Generation> {
        self.shared().service.store.put(bucket, key, object, self.shared().now())
    }

    /// Replaces an object with another generation: same size, other bytes.
    pub fn replace(&self, bucket: &str, key: &str) {
        self.shared().service.store.put_successor(bucket, key, self.shared().now());
    }

    /// Appends `bytes` to an object, like AppendObject: the existing bytes stay, and size, ETag, CRC-64 and
    /// `Last-Modified` change. The object becomes `Appendable` if it was not. A pattern continues as the
    /// longer pattern of its seed; other bytes are followed by `Pattern::new(bytes, 0)`. `None` if there is
    /// no object, or one that cannot grow: a file, link or delete marker.
    pub fn append(&self, bucket: &str, key: &str, bytes: u64) -> Option<Arc<Generation>> {
        self.shared().service.store.append(bucket, key, bytes, self.shared().now())
    }

    /// Removes an object with all its versions; returns `false` if there was none.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        self.shared().service.store.remove(bucket, key)
    }

    /// The current object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Arc<Generation>> {
        match self.shared().service.store.find(bucket, key, None, self.shared().now()) {
            Lookup::Found(generation) => Some(generation),
            _ => None,
        }
    }

    /// The bytes `range` of the current object, for comparison.
    pub fn object_bytes(
        &self,
        bucket: &str,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> io::Result<Vec<u8>> {
        let object = self.object(bucket, key).ok_or(io::ErrorKind::NotFound)?;
        object.read(range.start, range.end)
    }

    /// Applies a fault to every request.
    pub fn inject(&self, fault: Fault) -> RuleId {
        self.inject_when(Matcher::any(), fault)
    }

    /// Applies a fault to the requests that `matcher` selects; its counts begin now.
    pub fn inject_when(&self, matcher: Matcher, fault: Fault) -> RuleId {
        self.shared().faults.lock().add(matcher, fault)
    }

    /// How often a fault was applied; 0 once it is cleared.
    pub fn fault_hits(&self, id: RuleId) -> u64 {
        self.shared().faults.lock().hits(id)
    }

    /// Clears all faults.
    pub fn clear_faults(&self) {
        self.shared().faults.lock().clear();
    }

    /// Changes which signatures are accepted.
    pub fn set_auth(&self, auth: Auth) {
        *self.shared().service.auth.write() = auth;
    }

    /// Sets the server's clock ahead of the system's by this many seconds.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared().service.clock.set_offset(seconds);
    }

    /// Sets the server's clock, which continues from there.
    pub fn set_clock(&self, time: SystemTime) {
        self.shared().service.clock.set(time);
    }

    /// Every request since the start, in order.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared().log.entries()
    }

    /// Number of connections accepted since the start.
    pub fn connections(&self) -> u64 {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// Number of open connections.
    pub fn active_connections(&self) -> u64 {
        self.inner.active.load(Ordering::SeqCst)
    }

    /// Largest number of connections that were open at the same time.
    pub fn max_active_connections(&self) -> u64 {
        self.inner.most_active.load(Ordering::SeqCst)
    }

    fn shared(&self) -> &Shared {
        &self.inner.shared
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Run {
    fn start(inner: &Arc<Inner>, port: &Port) -> io::Result<Self> {
        let listener = port.listen()?;
        // Otherwise a client that disconnects between poll and accept would block the stop.
        listener.set_nonblocking(true)?;
        let control = Arc::new(Control::new()?);
        let acceptor =
            Acceptor { inner: inner.clone(), control: control.clone(), open: Vec::new() };
        let acceptor = Builder::new()
            .name("local-oss-accept".to_owned())
            .spawn(move || acceptor.run(listener))?;
        Ok(Run { control, acceptor })
    }

    fn stop(self) {
        self.control.stop();
        // The panic hook has reported a panic of the acceptor.
        let _ = self.acceptor.join();
    }
}

/// Accepts connections, and joins their threads at the end.
struct Acceptor {
    inner: Arc<Inner>,
    control: Arc<Control>,
    open: Vec<(JoinHandle<()>, Weak<TcpStream>)>,
}

impl Acceptor {
    fn run(mut self, listener: TcpListener) {
        while !self.control.is_stopping() {
            if self.control.wait_for_client(&listener).is_err() {
                break;
            }
            if let Ok((socket, _)) = listener.accept() {
                self.open.retain(|(thread, _)| !thread.is_finished());
                // If no thread can be started, the client sees a closed connection.
                let _ = self.serve(socket);
            }
        }
        drop(listener);
        for (thread, socket) in self.open {
            if let Some(socket) = socket.upgrade() {
                // It may be closed already.
                let _ = socket.shutdown(Shutdown::Both);
            }
            let _ = thread.join();
        }
    }

    fn serve(&mut self, socket: TcpStream) -> io::Result<()> {
        socket.set_nonblocking(false)?;
        let socket = Arc::new(socket);
        let watched = Arc::downgrade(&socket);
        let active = Active::count(&self.inner);
        let (inner, control) = (self.inner.clone(), self.control.clone());
        let thread = Builder::new().name("local-oss".to_owned()).spawn(move || {
            // Moves the whole value: otherwise only its id would move, and the count would end now.
            let active = active;
            let shared = &inner.shared;
            let opening_time = shared.faults.lock().opening_time(active.id);
            let acceptor = inner.identity.as_ref().map(|identity| &identity.acceptor);
            // The client reports a failed handshake.
            if let Ok(connection) =
                Connection::open(active.id, socket, acceptor, control, opening_time)
            {
                serve(shared, connection);
            }
        })?;
        self.open.push((thread, watched));
        Ok(())
    }
}

/// Counts a connection as open until it is dropped.
struct Active {
    inner: Arc<Inner>,
    id: u64,
}

impl Active {
    fn count(inner: &Arc<Inner>) -> Self {
        let active = inner.active.fetch_add(1, Ordering::SeqCst) + 1;
        inner.most_active.fetch_max(active, Ordering::SeqCst);
        let id = inner.connections.fetch_add(1, Ordering::SeqCst) + 1;
        Active { inner: inner.clone(), id }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.inner.active.fetch_sub(1, Ordering::SeqCst);
    }
}
