//! HTTP requests as read from a connection.

use std::io::{self, ErrorKind, Read};

use percent_encoding::percent_decode_str;

/// Longest request head, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// Longest request body that is read (and discarded), in bytes.
const BODY_LIMIT: u64 = 1024 * 1024;

/// The head of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As sent.
    pub(crate) target: String,
    /// Unescaped, without the query.
    pub(crate) path: String,
    /// Unescaped names and values, in the order sent.
    pub(crate) query: Vec<(String, String)>,
    /// Names as sent, values trimmed.
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    /// The value of the first header with that name, ignoring case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of the first query parameter with that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if !version.starts_with("HTTP/1.") || words.next().is_some() {
            return None;
        }
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        });
        let (path, query) = split_target(target);
        Some(Request {
            method: method.to_owned(),
            target: target.to_owned(),
            path: unescape(path),
            query: parse_query(query),
            headers: headers.collect::<Option<_>>()?,
        })
    }
}

/// Path and query; scheme and authority of a proxy request are dropped.
fn split_target(target: &str) -> (&str, &str) {
    let origin = match target.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => {
            rest.find('/').map_or("/", |slash| &rest[slash..])
        }
        _ => target,
    };
    origin.split_once('?').unwrap_or((origin, ""))
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            // OSS document on error 0002-00000040: a bare plus sign means a space.
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(&name.replace('+', " ")), unescape(&value.replace('+', " ")))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Reads requests from a connection and keeps excess bytes for the next one.
#[derive(Default)]
pub(crate) struct RequestReader {
    buffered: Vec<u8>,
}

impl RequestReader {
    /// The next request; `None` if the client closed the connection.
    pub(crate) fn next(&mut self, stream: &mut impl Read) -> io::Result<Option<Request>> {
        let Some(length) = self.read_head(stream)? else { return Ok(None) };
        let head: Vec<u8> = self.buffered.drain(..length).collect();
        let text = String::from_utf8_lossy(&head);
        let request = Request::parse(text.trim_end_matches("\r\n"));
        let request = request.ok_or_else(|| invalid("not an HTTP/1.x request"))?;
        self.skip_body(stream, &request)?;
        Ok(Some(request))
    }

    /// Buffers up to the empty line; returns the length of the head including that line.
    fn read_head(&mut self, stream: &mut impl Read) -> io::Result<Option<usize>> {
        let mut block = [0; 4096];
        loop {
            let end = self.buffered.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                return Ok(Some(end + 4));
            }
            if self.buffered.len() > HEAD_LIMIT {
                return Err(invalid("the request head is too long"));
            }
            match stream.read(&mut block) {
                Ok(0) => return Ok(None),
                Ok(count) => self.buffered.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn skip_body(&mut self, stream: &mut impl Read, request: &Request) -> io::Result<()> {
        let length = request.header("content-length").map_or(Ok(0), str::parse::<u64>);
        let length = length.ok().filter(|length| *length <= BODY_LIMIT);
        let length = length.ok_or_else(|| invalid("the request body is too long"))?;
        let buffered = length.min(self.buffered.len() as u64);
        self.buffered.drain(..buffered as usize);
        io::copy(&mut stream.take(length - buffered), &mut io::sink())?;
        Ok(())
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(bytes: &[u8]) -> Vec<Request> {
        let (mut reader, mut input) = (RequestReader::default(), bytes);
        std::iter::from_fn(|| reader.next(&mut input).ok().flatten()).collect()
    }

    #[test]
    fn a_request_is_unescaped_and_its_headers_are_found_in_any_spelling() {
        let requests = read_all(
            b"GET /b/a%20b+c?x=1%2B2+3&y HTTP/1.1\r\nHost: h\r\nRANGE:  bytes=0-1 \r\n\r\n",
        );
        let request = &requests[0];
        assert_eq!(request.path, "/b/a b+c");
        assert_eq!(request.parameter("x"), Some("1+2 3"));
        assert_eq!(request.parameter("y"), Some(""));
        assert_eq!(request.header("range"), Some("bytes=0-1"));
    }

    #[test]
    fn consecutive_requests_are_separated_and_bodies_skipped() {
        let requests = read_all(
            b"GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyzHEAD http://h/b HTTP/1.1\r\n\r\nGET /c HT",
        );
        let seen: Vec<_> = requests.iter().map(|r| (r.method.as_str(), r.path.as_str())).collect();
        assert_eq!(seen, [("GET", "/a"), ("HEAD", "/b")]);
    }

    proptest! {
        #[test]
        fn no_input_causes_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read_all(&bytes);
            let text = format!("GET {} HTTP/1.1\r\n\r\n", String::from_utf8_lossy(&bytes));
            read_all(text.as_bytes());
        }
    }
}
