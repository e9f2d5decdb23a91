//! One client's connection, plain or TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use openssl::ssl::{SslAcceptor, SslStream};
use rustix::net::sockopt::set_socket_linger;

use super::control::{Control, WaitEnd};
use super::outgoing::unacknowledged;
use super::pace::{Link, Pacer};

/// Longest time that a reset waits until the client's host has received earlier bytes: it would discard them.
const RESET_WAIT_LIMIT: Duration = Duration::from_secs(5);
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// A connection with a rate limit that can be broken and observed.
pub(crate) struct Connection {
    id: u64,
    socket: Arc<TcpStream>,
    stream: Stream,
    control: Arc<Control>,
    pacer: Pacer,
    /// Body bytes of all replies so far.
    pub(super) body_bytes: u64,
    wrote_at: Option<Instant>,
}

enum Stream {
    Plain(Shared),
    Tls(Box<SslStream<Shared>>),
}

/// A shared socket that can be read and written.
struct Shared(Arc<TcpStream>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection {
    /// Opens the server's side, after `opening_time` for TCP and again for TLS.
    pub(crate) fn open(
        id: u64,
        socket: Arc<TcpStream>,
        acceptor: Option<&SslAcceptor>,
        control: Arc<Control>,
        opening_time: Duration,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        pause(&control, &socket, opening_time)?;
        let shared = Shared(socket.clone());
        let stream = match acceptor {
            None => Stream::Plain(shared),
            Some(acceptor) => {
                pause(&control, &socket, opening_time)?;
                let accepted = acceptor.accept(shared);
                let stream = accepted.map_err(|_| io::Error::other("the TLS handshake failed"))?;
                Stream::Tls(Box::new(stream))
            }
        };
        Ok(Connection {
            id,
            socket,
            stream,
            control,
            pacer: Pacer::default(),
            body_bytes: 0,
            wrote_at: None,
        })
    }

    /// When the last write began.
    pub(crate) fn wrote_at(&self) -> Option<Instant> {
        self.wrote_at
    }

    /// The number of the connection, from 1.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Waits; fails if the client disconnects or the server stops meanwhile.
    pub(super) fn pause(&self, time: Duration) -> io::Result<()> {
        pause(&self.control, &self.socket, time)
    }

    /// Waits until `bytes` may be sent at `rate` bytes per second.
    pub(super) fn pace(&mut self, bytes: usize, rate: u64) -> io::Result<()> {
        let delay = self.pacer.delay(bytes, rate, Instant::now());
        self.pause(delay)
    }

    /// Waits until `bytes` may be sent over `link`.
    pub(super) fn pace_link(&self, bytes: usize, link: &Link) -> io::Result<()> {
        self.pause(link.delay(bytes, Instant::now()))
    }

    /// Waits until the client disconnects or the server stops.
    pub(crate) fn stall(&self) {
        self.control.wait(&self.socket, None);
    }

    /// Shuts down the server's direction; the client's stays open.
    pub(super) fn half_close(&mut self) {
        self.send_close_notify();
        // An error means that the connection has ended.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Closes the connection properly.
    pub(crate) fn close(mut self) {
        self.send_close_notify();
    }

    /// Resets the connection (RST).
    pub(crate) fn reset(self) {
        let end = Instant::now() + RESET_WAIT_LIMIT;
        while unacknowledged(&self.socket).is_ok_and(|bytes| bytes > 0) && Instant::now() < end {
            if self.pause(CHECK_INTERVAL).is_err() {
                break;
            }
        }
        // If it fails, the drop closes the connection normally, which a test of resets detects.
        let _ = set_socket_linger(&*self.socket, Some(Duration::ZERO));
    }

    fn send_close_notify(&mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            // The client may have disconnected.
            let _ = stream.shutdown();
        }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wrote_at = Some(Instant::now());
        match &mut self.stream {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pause(control: &Control, socket: &TcpStream, time: Duration) -> io::Result<()> {
    if time.is_zero() {
        return Ok(());
    }
    match control.wait(socket, Some(time)) {
        WaitEnd::Elapsed => Ok(()),
        WaitEnd::ClientGone | WaitEnd::Stopping => Err(ErrorKind::ConnectionAborted.into()),
    }
}
