//! `http` and `https` URLs, parsed strictly. Pure.
//!
//! Path and query are kept as they were given, because a signature may cover them: dot segments are not removed, and
//! nothing is decoded. Only characters that no URL may contain are percent-encoded, as a browser does. The host must be
//! a name or an address without any character that one parser could understand in another way than the next one:
//! headers of the user are sent or withheld by comparing hosts.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Longest URL, in bytes.
pub const MAX_URL: usize = 16 * 1024;
/// Longest host name, in bytes.
const MAX_HOST: usize = 255;

/// Characters that a URL must not contain, besides those that are not ASCII. `%` stays: what follows it is encoded
/// already.
const FORBIDDEN: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// An absolute `http` or `https` URL without user info and fragment. `Debug` and `Display` leave out the query, which
/// may contain a signature.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress {
    text: String,
    /// End of the scheme, the host and the port.
    origin: usize,
    /// End of the path.
    path: usize,
}

/// Why a text is not a usable URL. It contains nothing of the text that could be a secret.
pub type Reason = Cow<'static, str>;

impl WebAddress {
    /// Parses an absolute URL. Blanks around it are ignored, and a fragment is dropped.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let text = trimmed(text)?;
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) if is_http(scheme) => (scheme.to_ascii_lowercase(), rest),
            Some((scheme, _)) if scheme.len() <= 10 => {
                return Err(format!("its scheme is '{scheme}', not http or https").into());
            }
            _ => return Err("it does not begin with http:// or https://".into()),
        };
        let rest = rest.strip_prefix("//").ok_or("there is no // after its scheme")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let origin = format!("{scheme}://{}", host_and_port(authority, scheme == "https")?);
        Self::assemble(origin, rest)
    }

    /// The URL to which a reply from this one redirects with `Location: reference`, as RFC 3986 resolves it. The
    /// fragment of either is dropped.
    pub fn resolve(&self, reference: &str) -> Result<Self, Reason> {
        let reference = trimmed(reference)?;
        if split_scheme(reference).is_some() {
            return Self::parse(reference);
        }
        let scheme = if self.is_https() { "https:" } else { "http:" };
        if reference.starts_with("//") {
            return Self::parse(&format!("{scheme}{reference}"));
        }
        let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
        let path = match path.strip_prefix('/') {
            Some(_) => without_dots(path),
            None if path.is_empty() => self.path().to_owned(),
            None => {
                let directory = self.path().rfind('/').map_or("/", |end| &self.path()[..=end]);
                without_dots(&format!("{directory}{path}"))
            }
        };
        let query = if reference.is_empty() { self.query_with_mark() } else { query };
        Self::assemble(self.origin().to_owned(), &format!("{path}{query}"))
    }

    fn assemble(origin: String, rest: &str) -> Result<Self, Reason> {
        let end = origin.len();
        let slash = if rest.starts_with('/') { "" } else { "/" };
        let text = format!("{origin}{slash}{}", utf8_percent_encode(rest, FORBIDDEN));
        if text.len() > MAX_URL {
            return Err(too_long());
        }
        let path = text.find('?').unwrap_or(text.len());
        Ok(WebAddress { text, origin: end, path })
    }

    /// The whole URL. It may contain a secret.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Scheme, host and port: `https://host:port`, in lower case, without the port if it is the scheme's.
    pub fn origin(&self) -> &str {
        self.text.get(..self.origin).unwrap_or_default()
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, host)| host)
    }

    /// The path, percent-encoded; it begins with `/`.
    pub fn path(&self) -> &str {
        self.text.get(self.origin..self.path).unwrap_or_default()
    }

    /// The decoded path; `None` if it is not UTF-8.
    pub fn decoded_path(&self) -> Option<String> {
        percent_decode_str(self.path()).decode_utf8().ok().map(Cow::into_owned)
    }

    /// What distinguishes a download from others in its checkpoint: `//host:port/path`, without the scheme and the
    /// query. No object key begins with `/`.
    pub fn identity(&self) -> String {
        format!("//{}{}", self.host(), self.path())
    }

    /// The value of a query parameter, decoded; names are compared without regard to case.
    pub fn parameter(&self, wanted: &str) -> Option<String> {
        let query = self.query_with_mark().strip_prefix('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        percent_decode_str(value).decode_utf8().ok().map(Cow::into_owned)
    }

    fn query_with_mark(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.get(..self.path).unwrap_or_default())
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text without blanks around it and without its fragment.
fn trimmed(text: &str) -> Result<&str, Reason> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if text.len() > MAX_URL {
        return Err(too_long());
    }
    if text.chars().any(char::is_control) {
        return Err("it contains control characters".into());
    }
    Ok(text.split('#').next().unwrap_or_default())
}

fn too_long() -> Reason {
    format!("it is longer than {MAX_URL} bytes").into()
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some((scheme, rest))
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn host_and_port(authority: &str, https: bool) -> Result<String, Reason> {
    if authority.contains('@') {
        return Err("it contains a user name or a password; send them in an extra header".into());
    }
    let (host, port) = match authority.rfind(':').filter(|_| !authority.ends_with(']')) {
        Some(colon) => (&authority[..colon], &authority[colon + 1..]),
        None => (authority, ""),
    };
    let host = host.to_ascii_lowercase();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().all(is_name) && host.bytes().any(|b| b != b'.'),
    };
    if !is_host || host.len() > MAX_HOST {
        return Err(
            "its host is not a name or an address (names that are not ASCII need the form xn--…)"
                .into(),
        );
    }
    let usual = if https { 443 } else { 80 };
    match port {
        "" => Ok(host),
        _ if !port.bytes().all(|b| b.is_ascii_digit()) => Err("its port is not a number".into()),
        _ => match port.parse::<u16>() {
            Ok(0) | Err(_) => Err("its port is not between 1 and 65535".into()),
            Ok(port) if port == usual => Ok(host),
            Ok(port) => Ok(format!("{host}:{port}")),
        },
    }
}

/// An absolute path without `.` and `..` segments (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;
