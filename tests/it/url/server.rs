//! A server that answers as a test says, one request a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, wanted: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    }

    /// First and last byte of `Range`, cut to an object of `size` bytes.
    pub fn range(&self, size: usize) -> Option<(usize, usize)> {
        let (first, last) = self.header("Range")?.strip_prefix("bytes=")?.split_once('-')?;
        let last = last.parse().unwrap_or(usize::MAX).min(size.saturating_sub(1));
        Some((first.parse().ok()?, last))
    }
}

/// A head without its blank line, and a body.
pub struct Reply {
    pub head: String,
    pub body: Vec<u8>,
    /// Close the connection after so many bytes of the body.
    pub cut: Option<usize>,
}

impl Reply {
    /// A reply with this status and these header lines.
    pub fn new(status: &str, headers: &[&str], body: impl Into<Vec<u8>>) -> Self {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        Reply { head: format!("HTTP/1.1 {status}\r\n{lines}"), body: body.into(), cut: None }
    }

    /// The whole object, with its length.
    pub fn whole(object: &[u8], headers: &[&str]) -> Self {
        let reply = Reply::new("200 OK", headers, object);
        reply.with(&format!("Content-Length: {}", object.len()))
    }

    /// The bytes of the object that the request asked for.
    pub fn part(object: &[u8], request: &Request, headers: &[&str]) -> Self {
        let Some((first, last)) = request.range(object.len()) else {
            return Reply::whole(object, headers);
        };
        if first >= object.len() {
            let total = format!("Content-Range: bytes */{}", object.len());
            return Reply::new("416 Range Not Satisfiable", &[&total, "Content-Length: 0"], "");
        }
        let body = &object[first..=last];
        Reply::new("206 Partial Content", headers, body)
            .with(&format!("Content-Range: bytes {first}-{last}/{}", object.len()))
            .with(&format!("Content-Length: {}", body.len()))
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        let location = format!("Location: {location}");
        Reply::new(&format!("{status} Elsewhere"), &[&location, "Content-Length: 0"], "")
    }

    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.head.push_str(&format!("{line}\r\n"));
        self
    }

    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }
}

/// A server on 127.0.0.1; ends when dropped.
pub struct Scripted {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    ends: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Answers each request with `answer`; its number counts from 0.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("address").port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let ends: Arc<AtomicBool> = Arc::default();
        let (log, end) = (requests.clone(), ends.clone());
        let answer = Arc::new(answer);
        let acceptor = std::thread::spawn(move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                let (stream, log) = (stream.expect("connection"), log.clone());
                let answer = answer.clone();
                serving.push(std::thread::spawn(move || serve(&stream, &log, &*answer)));
            }
            for thread in serving {
                thread.join().expect("a request was answered");
            }
        });
        Scripted { port, requests, ends, acceptor: Some(acceptor) }
    }

    /// Serves `object` as a good server does, with these headers.
    pub fn serving(object: Vec<u8>, headers: &'static [&'static str]) -> Self {
        Scripted::start(move |_, request| Reply::part(&object, request, headers))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the acceptor; if that has ended already, nothing has to be woken.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let joined = acceptor.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the server failed");
        }
    }
}

/// A client that goes away is no error.
fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
) {
    let Some(request) = read(stream) else { return };
    let number = {
        let mut log = log.lock();
        log.push(request.clone());
        log.len() - 1
    };
    let reply = answer(number, &request);
    let head = format!("{}Connection: close\r\n\r\n", reply.head);
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    let mut stream = stream;
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
        // Until the client has read everything, a close could discard what was sent.
        let _ = stream.take(1).read_to_end(&mut Vec::new());
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let target = words.nth(1)?;
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    Some(Request { target, headers })
}
