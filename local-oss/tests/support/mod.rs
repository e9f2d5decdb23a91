//! A raw HTTP client that shows the received bytes, well-formed or not.

// Each test program uses a different part of it.
#![allow(dead_code)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use local_oss::{Config, Server};

pub const BUCKET: &str = "examplebucket";

/// A server with default behaviour.
pub fn server() -> Server {
    Server::start(Config::default()).unwrap()
}

/// How the bytes of a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that the framing announced was received.
    Complete,
    /// The server closed its side.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing was received for some time.
    Silence,
}

/// A received reply.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The OSS `Code` of the error in the body.
    pub fn code(&self) -> String {
        element(&self.text(), "Code")
    }
}

/// Content of the first XML element with that name.
pub fn element(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let content = xml.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
    content.map(|(content, _)| content.to_owned()).unwrap_or_default()
}

/// One connection.
pub struct Client {
    pub socket: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub fn new(server: &Server) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Client { socket, received: Vec::new() }
    }

    /// Sets how long the client waits for bytes.
    pub fn read_timeout(self, time: Duration) -> Self {
        self.socket.set_read_timeout(Some(time)).unwrap();
        self
    }

    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: 127.0.0.1\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.socket.write_all(head.as_bytes()).unwrap();
    }

    pub fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", target, headers);
        self.reply(false)
    }

    pub fn head(&mut self, target: &str) -> Reply {
        self.send("HEAD", target, &[]);
        self.reply(true)
    }

    pub fn get_range(&mut self, target: &str, range: &str) -> Reply {
        self.get(target, &[("Range", range)])
    }

    /// Reads one reply according to its framing; panics if there is no head.
    pub fn reply(&mut self, head: bool) -> Reply {
        let text = self.head_text().unwrap_or_else(|(end, bytes)| {
            panic!("no head but {end:?} after {}", String::from_utf8_lossy(&bytes))
        });
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.filter_map(|line| line.split_once(": "));
        let headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut reply = Reply { status, headers, body: Vec::new(), end: End::Complete };
        if head || status == 304 {
            return reply;
        }
        if reply.header("transfer-encoding") == Some("chunked") {
            self.chunked(&mut reply);
        } else if let Some(length) = reply.header("content-length") {
            let length = length.parse().unwrap();
            reply.end = self.fill(length);
            reply.body = self.received.drain(..length.min(self.received.len())).collect();
        } else {
            (reply.end, reply.body) = self.rest();
        }
        reply
    }

    /// Everything until the connection ends.
    pub fn rest(&mut self) -> (End, Vec<u8>) {
        let end = self.fill(usize::MAX);
        (end, std::mem::take(&mut self.received))
    }

    /// Whether the server closed or reset the connection without sending more.
    pub fn is_ended(&mut self) -> bool {
        let (end, bytes) = self.rest();
        bytes.is_empty() && matches!(end, End::Closed | End::Reset)
    }

    fn head_text(&mut self) -> Result<String, (End, Vec<u8>)> {
        loop {
            let end = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return Ok(String::from_utf8(head).unwrap().trim_end().to_owned());
            }
            let end = self.fill(self.received.len() + 1);
            if end != End::Complete {
                return Err((end, std::mem::take(&mut self.received)));
            }
        }
    }

    fn chunked(&mut self, reply: &mut Reply) {
        loop {
            let Some(line) = self.received.windows(2).position(|bytes| bytes == b"\r\n") else {
                reply.end = self.fill(self.received.len() + 1);
                if reply.end != End::Complete {
                    return;
                }
                continue;
            };
            let size: Vec<u8> = self.received.drain(..line + 2).collect();
            let size = String::from_utf8(size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            reply.end = self.fill(size + 2);
            let chunk: Vec<u8> = self.received.drain(..size + 2).collect();
            reply.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return;
            }
        }
    }

    /// Reads until `length` bytes are buffered or the stream ends.
    fn fill(&mut self, length: usize) -> End {
        let mut block = vec![0; 64 * 1024];
        while self.received.len() < length {
            match self.socket.read(&mut block) {
                Ok(0) => return End::Closed,
                Ok(count) => self.received.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return End::Reset,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return End::Silence;
                }
                Err(error) => panic!("{error}"),
            }
        }
        End::Complete
    }
}

/// Sends one GET on a connection of its own.
pub fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    Client::new(server).get(target, headers)
}

/// Waits until `done`, at most two seconds.
pub fn eventually(mut done: impl FnMut() -> bool) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        done()
    })
}
