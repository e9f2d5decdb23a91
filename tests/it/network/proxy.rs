//! A proxy that breaks connections at any byte that the server sends: in a TLS handshake, in the head of a reply, in
//! its body.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use oss_resumable::Client;
use parking_lot::Mutex;
use rustix::net::sockopt::set_socket_linger;

use crate::fixture::Fixture;

/// How the proxy treats a connection.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// It is forwarded.
    Forward,
    /// This many bytes of the server's are forwarded, then it breaks.
    Cut(u64, How),
    /// These bytes are sent instead of the server's, and then it ends.
    Replace(Vec<u8>, How),
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// RST.
    Reset,
    /// FIN, in both directions.
    Close,
    /// FIN from the server's side; the client may go on sending.
    HalfClose,
    /// Nothing more arrives.
    Stall,
}

/// A running proxy in front of a fixture's server; ends when dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    server: u16,
    treatment: Box<dyn Fn(u64) -> Treatment + Send + Sync>,
    connections: AtomicU64,
    stopping: AtomicBool,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Proxy {
    /// `treatment` decides how each connection is treated; they are numbered from 1.
    pub fn new(
        fixture: &Fixture,
        treatment: impl Fn(u64) -> Treatment + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen");
        let port = listener.local_addr().expect("address").port();
        let shared = Arc::new(Shared {
            server: fixture.server.port(),
            treatment: Box::new(treatment),
            connections: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            open: Mutex::new(Vec::new()),
        });
        let accepting = shared.clone();
        let acceptor = std::thread::spawn(move || accepting.accept(&listener));
        Proxy { port, shared, acceptor: Some(acceptor) }
    }

    /// Treats one connection differently and forwards all others.
    pub fn for_one(fixture: &Fixture, connection: u64, treatment: Treatment) -> Self {
        Self::new(
            fixture,
            move |n| if n == connection { treatment.clone() } else { Treatment::Forward },
        )
    }

    /// Number of connections so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// A client of the fixture that uses this proxy.
    pub fn client(&self, fixture: &Fixture) -> Client {
        self.client_with_idle_timeout(fixture, Duration::from_secs(10))
    }

    /// The same with another idle time-out for connections and handshakes.
    pub fn client_with_idle_timeout(&self, fixture: &Fixture, idle_timeout: Duration) -> Client {
        fixture.client_with(|options| {
            let scheme = options.endpoint.split(':').next().unwrap_or_default();
            options.endpoint = format!("{scheme}://127.0.0.1:{}", self.port);
            options.idle_timeout = Some(idle_timeout);
            options.connect_timeout = Some(idle_timeout);
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor; it is running, so the port is open.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the proxy's acceptor");
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        while let Ok((client, _)) = listener.accept() {
            if self.stopping.load(Ordering::SeqCst) {
                break;
            }
            let (shared, client) = (self.clone(), self.watched(client));
            threads.push(std::thread::spawn(move || shared.carry(client)));
        }
        for socket in self.open.lock().iter().filter_map(Weak::upgrade) {
            // It may have ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        for thread in threads {
            thread.join().expect("a connection of the proxy");
        }
    }

    fn watched(&self, socket: TcpStream) -> Arc<TcpStream> {
        let socket = Arc::new(socket);
        self.open.lock().push(Arc::downgrade(&socket));
        socket
    }

    fn carry(&self, client: Arc<TcpStream>) {
        let treatment = (self.treatment)(self.connections.fetch_add(1, Ordering::SeqCst) + 1);
        let (limit, how) = match treatment {
            Treatment::Forward => (u64::MAX, How::Close),
            Treatment::Cut(after, how) => (after, how),
            Treatment::Replace(bytes, how) => {
                // The request, or TLS's hello, is read first. A write to a client that has left fails.
                let _ = (&*client).read(&mut [0; 4096]);
                let _ = (&*client).write_all(&bytes);
                return end(&client, how);
            }
        };
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server)) else { return };
        let server = self.watched(server);
        let upwards = {
            let (client, server) = (client.clone(), server.clone());
            std::thread::spawn(move || {
                pass(&client, &server, u64::MAX);
                let _ = server.shutdown(Shutdown::Write);
            })
        };
        pass(&server, &client, limit);
        let _ = server.shutdown(Shutdown::Both);
        end(&client, how);
        // Ends the other direction without sending anything to the client.
        let _ = client.shutdown(Shutdown::Read);
        upwards.join().expect("the client's direction");
    }
}

/// Forwards at most `limit` bytes.
fn pass(mut from: &TcpStream, mut to: &TcpStream, mut limit: u64) {
    let mut block = vec![0; 64 * 1024];
    while limit > 0 {
        let most = block.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        let count = from.read(&mut block[..most]).unwrap_or(0);
        if count == 0 || to.write_all(&block[..count]).is_err() {
            return;
        }
        limit -= count as u64;
    }
}

/// Breaks a connection; `Reset` takes effect when the last owner drops the socket.
fn end(client: &TcpStream, how: How) {
    match how {
        How::Reset => set_socket_linger(client, Some(Duration::ZERO)).expect("linger"),
        How::Close => drop(client.shutdown(Shutdown::Both)),
        How::HalfClose | How::Stall => {
            if how == How::HalfClose {
                let _ = client.shutdown(Shutdown::Write);
            }
            // Until the client gives up, or the proxy ends.
            while (&*client).read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
        }
    }
}
