//! Sending a reply, complete or broken.

use std::io::{self, Write};
use std::time::Duration;

use super::connection::Connection;
use super::content::{Content, Gzip};
use super::pace::{Link, piece};
use crate::service::{Body, Reply, reason};

/// Size of the blocks that are sent.
const BLOCK: usize = 256 * 1024;

/// How a reply is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) round_trip: Duration,
    /// Sent instead of the reply's own status line.
    pub(crate) status_line: Option<String>,
    pub(crate) head: Head,
    pub(crate) rate: Option<u64>,
    pub(crate) link: Option<Link>,
    pub(crate) byte_pause: Option<Duration>,
    pub(crate) framing: Framing,
    pub(crate) gzip: bool,
    pub(crate) flips: Vec<u64>,
    pub(crate) garbage: bool,
    /// Bytes between the head and the body.
    pub(crate) garbage_before: u64,
    /// Added to `Content-Length`.
    pub(crate) length_off: i64,
    /// The reply is sent a second time, with other bytes.
    pub(crate) unrequested: bool,
    pub(crate) ending: Ending,
    pub(crate) close: bool,
}

/// How a head is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Head {
    #[default]
    AtOnce,
    /// With a pause after the status line.
    Paused(Duration),
    /// Byte by byte, with a pause before each.
    ByteByByte(Duration),
    /// Without end, with a pause before each line.
    Endless(Duration),
}

/// How the end of the body is indicated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    #[default]
    Length,
    Chunked,
    UntilClose,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Complete,
    /// This many bytes early, with a close.
    Missing(u64),
    /// This many bytes late.
    Extra(u64),
    /// After this many bytes, if the body is longer.
    After(u64, Cut),
    /// As `After` with a reset, counted over all bodies of the connection.
    ConnectionReset(u64),
}

/// How the connection is treated where a body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Reset,
    Close,
    /// Closed without close_notify.
    Abandon,
    Stall,
    HalfClose,
}

/// How the connection is treated after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    KeepAlive,
    Close,
    Abandon,
    Reset,
}

/// The result of sending a reply.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) body_bytes: u64,
    pub(crate) next: Next,
}

/// Sends `reply`, without its body if `head`.
pub(crate) fn deliver(
    connection: &mut Connection,
    reply: &Reply,
    delivery: &Delivery,
    head: bool,
) -> Delivered {
    let framing = match delivery.framing {
        Framing::Length if reply.chunked => Framing::Chunked,
        framing => framing,
    };
    let delivery = Delivery { framing, ..delivery.clone() };
    let mut body_bytes = 0;
    let next = send(connection, reply, &delivery, head, &mut body_bytes);
    // An error means that the client has disconnected or the server is stopping.
    Delivered { body_bytes, next: next.unwrap_or(Next::Close) }
}

fn send(
    connection: &mut Connection,
    reply: &Reply,
    delivery: &Delivery,
    head: bool,
    sent: &mut u64,
) -> io::Result<Next> {
    connection.pause(delivery.round_trip.saturating_add(reply.delay))?;
    send_head(connection, reply, delivery)?;
    let ends_with_close = delivery.close || delivery.framing == Framing::UntilClose;
    let usual = if ends_with_close { Next::Close } else { Next::KeepAlive };
    if head || matches!(reply.body, Body::None) {
        return Ok(usual);
    }
    let length = reply.body.length().unwrap_or(0);
    let (limit, cut) = limit(delivery.ending, length, connection.body_bytes);
    Sender { connection, reply, delivery, sent }.send(limit, cut.is_none())?;
    if delivery.unrequested {
        let again = Delivery { garbage: true, unrequested: false, ..delivery.clone() };
        return send(connection, reply, &again, head, sent);
    }
    Ok(match cut {
        None => usual,
        Some(Cut::Reset) => Next::Reset,
        Some(Cut::Close) => Next::Close,
        Some(Cut::Abandon) => Next::Abandon,
        Some(Cut::Stall) => {
            connection.stall();
            Next::Close
        }
        Some(Cut::HalfClose) => {
            connection.half_close();
            connection.stall();
            Next::Close
        }
    })
}

/// The number of bytes to send of a body of `length`, and what follows if that is not its end.
fn limit(ending: Ending, length: u64, sent_before: u64) -> (u64, Option<Cut>) {
    let after = |bytes: u64, cut| if bytes < length { (bytes, Some(cut)) } else { (length, None) };
    match ending {
        Ending::Complete => (length, None),
        Ending::Missing(bytes) => (length.saturating_sub(bytes), Some(Cut::Close)),
        Ending::Extra(bytes) => (length.saturating_add(bytes), Some(Cut::Close)),
        Ending::After(bytes, cut) => after(bytes, cut),
        Ending::ConnectionReset(bytes) => after(bytes.saturating_sub(sent_before), Cut::Reset),
    }
}

fn send_head(connection: &mut Connection, reply: &Reply, delivery: &Delivery) -> io::Result<()> {
    let status_line = match &delivery.status_line {
        Some(text) => format!("{text}\r\n"),
        None => format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)),
    };
    let mut fields = String::new();
    let mut field = |name: &str, value: &str| fields.push_str(&format!("{name}: {value}\r\n"));
    for (name, value) in &reply.headers {
        field(name, value);
    }
    match (reply.body.length(), delivery.framing) {
        (Some(length), Framing::Length) => {
            let declared = length.saturating_add_signed(delivery.length_off);
            field("Content-Length", &declared.to_string());
        }
        (Some(_), Framing::Chunked) => field("Transfer-Encoding", "chunked"),
        (Some(_), Framing::UntilClose) | (None, _) => {}
    }
    let closes = delivery.close || delivery.framing == Framing::UntilClose;
    field("Connection", if closes { "close" } else { "keep-alive" });
    fields.push_str("\r\n");
    write_head(connection, &status_line, &fields, delivery.head)
}

fn write_head(
    connection: &mut Connection,
    status_line: &str,
    fields: &str,
    head: Head,
) -> io::Result<()> {
    match head {
        Head::AtOnce => connection.write_all([status_line, fields].concat().as_bytes()),
        Head::Paused(pause) => {
            connection.write_all(status_line.as_bytes())?;
            connection.pause(pause)?;
            connection.write_all(fields.as_bytes())
        }
        Head::ByteByByte(pause) => {
            write_slowly(connection, [status_line, fields].concat().as_bytes(), pause)
        }
        Head::Endless(pause) => {
            connection.write_all(status_line.as_bytes())?;
            loop {
                connection.pause(pause)?;
                connection.write_all(b"x-oss-meta-filler: and so on\r\n")?;
            }
        }
    }
}

/// Sends byte by byte.
fn write_slowly(connection: &mut Connection, bytes: &[u8], pause: Duration) -> io::Result<()> {
    bytes.chunks(1).try_for_each(|byte| {
        connection.pause(pause)?;
        connection.write_all(byte)
    })
}

/// Sends one body.
struct Sender<'a> {
    connection: &'a mut Connection,
    reply: &'a Reply,
    delivery: &'a Delivery,
    sent: &'a mut u64,
}

impl Sender<'_> {
    /// Sends `limit` bytes; with `whole`, ends the coding of the body properly.
    fn send(&mut self, limit: u64, whole: bool) -> io::Result<()> {
        let delivery = self.delivery;
        let rate = [delivery.rate, self.reply.rate].into_iter().flatten().min();
        let slowest = rate.into_iter().chain(delivery.link.as_ref().map(Link::rate)).min();
        let mut size = slowest.map_or(BLOCK, |rate| piece(rate, BLOCK));
        let mut gzip = delivery.gzip.then(Gzip::new);
        if gzip.is_some() {
            self.write_framed(&Gzip::HEADER)?;
            size = size.min(Gzip::BLOCK);
        }
        let mut content = Content::open(&self.reply.body, &delivery.flips, delivery.garbage)?
            .after_garbage(delivery.garbage_before);
        let mut block = vec![0; size.min(usize::try_from(limit).unwrap_or(size))];
        let mut coded = Vec::new();
        let mut left = limit;
        while left > 0 {
            let length = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let bytes = &mut block[..length];
            content.read(bytes)?;
            if let Some(rate) = rate {
                self.connection.pace(length, rate)?;
            }
            if let Some(link) = &delivery.link {
                self.connection.pace_link(length, link)?;
            }
            match &mut gzip {
                None => self.write_framed(bytes)?,
                Some(gzip) => {
                    coded.clear();
                    gzip.block(bytes, &mut coded);
                    self.write_framed(&coded)?;
                }
            }
            left -= length as u64;
            *self.sent += length as u64;
            self.connection.body_bytes += length as u64;
        }
        if whole {
            self.finish(gzip)?;
        }
        Ok(())
    }

    fn finish(&mut self, gzip: Option<Gzip>) -> io::Result<()> {
        if let Some(gzip) = gzip {
            self.write_framed(&gzip.end())?;
        }
        match self.delivery.framing {
            Framing::Chunked => self.write(b"0\r\n\r\n"),
            Framing::Length | Framing::UntilClose => Ok(()),
        }
    }

    fn write_framed(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.delivery.framing != Framing::Chunked {
            return self.write(bytes);
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(pause) = self.delivery.byte_pause else { return self.connection.write_all(bytes) };
        write_slowly(self.connection, bytes, pause)
    }
}
