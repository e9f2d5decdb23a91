//! Serves one connection from its first request to its end.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::address::{Address, locate};
use crate::fault::{AppliedFaults, FaultTable, Instead, Plan, Replacement, RequestFacts};
use crate::log::{LoggedRequest, RequestLog};
use crate::net::{Connection, Next, deliver};
use crate::request::{Request, RequestReader};
use crate::service::Service;

/// State shared by the connections of a server.
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) faults: Mutex<FaultTable>,
    pub(crate) log: RequestLog,
}

/// Serves a connection until one side ends it.
pub(crate) fn serve(shared: &Arc<Shared>, mut connection: Connection) {
    let mut reader = RequestReader::default();
    // An unreadable request ends the connection, like the end of input.
    while let Ok(Some(request)) = reader.next(&mut connection) {
        match shared.handle(&mut connection, &request) {
            Next::KeepAlive => {}
            Next::Close => return connection.close(),
            Next::Abandon => return,
            Next::Reset => return connection.reset(),
        }
    }
}

impl Shared {
    fn handle(&self, connection: &mut Connection, request: &Request) -> Next {
        let host = request.header("host").unwrap_or_default();
        let address = locate(host, &request.path, &self.service.config().custom_domains);
        let place = self.log.begin(request, &address, connection.id());
        // The admissions are held until the reply is complete.
        let AppliedFaults { faults, admissions: _admissions } =
            self.apply_faults(connection, request, &address);
        let mut plan = Plan::of(faults);
        self.replace(&address, plan.replacement.take());
        let (status, bytes, next) = match plan.instead {
            Some(instead) => (None, 0, do_instead(connection, instead)),
            None => self.reply(connection, request, &address, &plan),
        };
        // The client may have the whole reply, and may have sent another request, before a slow thread looks at the clock.
        let finished = connection.wrote_at().filter(|_| next == Next::KeepAlive);
        let entry = self.log.finish(place, status, bytes, finished.unwrap_or_else(Instant::now));
        if let Some(entry) = entry.filter(|_| self.service.config().log_to_stderr) {
            // Standard error may be closed.
            let _ = writeln!(std::io::stderr(), "{}", line(&entry));
        }
        let asked = request.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        if asked && next == Next::KeepAlive { Next::Close } else { next }
    }

    fn apply_faults(
        &self,
        connection: &Connection,
        request: &Request,
        address: &Address,
    ) -> AppliedFaults {
        let facts = RequestFacts {
            method: &request.method,
            key: &address.key,
            range: request.header("range"),
            connection: connection.id(),
        };
        self.faults.lock().apply(&facts, Instant::now())
    }

    fn replace(&self, address: &Address, replacement: Option<Replacement>) {
        let (store, now) = (&self.service.store, self.now());
        match replacement {
            None => {}
            Some(Replacement::Successor) => store.put_successor(&address.bucket, &address.key, now),
            Some(Replacement::Growth(bytes)) => {
                // An object that cannot grow is served unchanged.
                let _ = store.append(&address.bucket, &address.key, bytes, now);
            }
            Some(Replacement::Object(object)) => {
                store.put(&address.bucket, &address.key, *object, now);
            }
        }
    }

    fn reply(
        &self,
        connection: &mut Connection,
        request: &Request,
        address: &Address,
        plan: &Plan,
    ) -> (Option<u16>, u64, Next) {
        let mut reply = self.service.answer(request, address, &plan.overrides);
        plan.edit(&mut reply);
        let delivered = deliver(connection, &reply, &plan.delivery, request.is_head());
        (Some(reply.status), delivered.body_bytes, delivered.next)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.service.clock.now()
    }
}

fn do_instead(connection: &mut Connection, instead: Instead) -> Next {
    match instead {
        Instead::Close => Next::Close,
        Instead::Reset => Next::Reset,
        Instead::Silence => {
            connection.stall();
            Next::Close
        }
        Instead::NotHttp => {
            // An error means that the client has disconnected.
            let _ = connection.write_all(b"\x15\x03\x01\x00\x02\x02\x50SSH-2.0-not-http\r\n\r\n");
            Next::Close
        }
    }
}

/// `conn 3  206  8388608 bytes  0.412 s  GET /bucket/key  bytes=0-8388607`
fn line(entry: &LoggedRequest) -> String {
    let status = entry.status.map_or("---".to_owned(), |status| status.to_string());
    let time = entry.finished.map_or(0.0, |end| end.duration_since(entry.received).as_secs_f64());
    format!(
        "conn {}  {status}  {} bytes  {time:.3} s  {} {}  {}",
        entry.connection,
        entry.body_bytes,
        entry.method,
        // Without the query: presigned URLs are secrets.
        entry.target.split('?').next().unwrap_or_default(),
        entry.range.as_deref().unwrap_or_default(),
    )
}
