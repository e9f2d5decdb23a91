//! What the library tells about each HTTP request: written as JSON lines, and kept for the timeline.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use oss_resumable::RequestTrace;
use serde::Serialize;

use crate::timeline::Timeline;

/// Takes the traces of all requests.
pub struct Recorder {
    begun: Instant,
    names: Arc<[String]>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Option<BufWriter<File>>,
    failure: Option<String>,
    timeline: Option<Timeline>,
}

impl Recorder {
    /// Creates the file of the trace. `names` are those of the jobs, which the tags of the requests count.
    pub fn new(trace: Option<&Path>, timeline: bool, names: Arc<[String]>) -> Result<Self, String> {
        let create = |path: &Path| {
            File::create(path).map_err(|why| format!("cannot create '{}': {why}", path.display()))
        };
        let state = State {
            trace: trace.map(create).transpose()?.map(BufWriter::new),
            failure: None,
            timeline: timeline.then(Timeline::default),
        };
        Ok(Recorder { begun: Instant::now(), names, state: Mutex::new(state) })
    }

    /// Called on threads of the library.
    pub fn record(&self, trace: &RequestTrace) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timeline) = &mut state.timeline {
            timeline.add(trace, self.begun);
        }
        let name = usize::try_from(trace.tag).ok().and_then(|tag| self.names.get(tag));
        let line = Line::new(trace, self.begun, name.map_or("", String::as_str));
        if let Some(file) = &mut state.trace {
            let written = serde_json::to_writer(&mut *file, &line)
                .map_err(Into::into)
                .and_then(|()| file.write_all(b"\n"));
            if let Err(error) = written {
                (state.trace, state.failure) = (None, Some(error.to_string()));
            }
        }
    }

    /// Completes the trace, and returns what the timeline needs.
    pub fn finish(&self) -> Result<Option<Timeline>, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = state.trace.as_mut().map_or(Ok(()), Write::flush);
        match state.failure.take().or(flushed.err().map(|error| error.to_string())) {
            Some(why) => Err(format!("cannot write the trace: {why}")),
            None => Ok(state.timeline.take()),
        }
    }
}

/// One request; `docs/command.md` describes the fields.
#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    slot: u32,
    method: &'static str,
    range_start: u64,
    range_end: Option<u64>,
    start_us: u64,
    connected_us: Option<u64>,
    first_byte_us: Option<u64>,
    end_us: u64,
    bytes: u64,
    status: u16,
    peer: Option<String>,
    local_port: u16,
    reused_connection: bool,
    end: &'static str,
    curl_code: u32,
    request_id: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn new(trace: &'a RequestTrace, begun: Instant, source: &'a str) -> Self {
        let micros = |at: Instant| {
            u64::try_from(at.saturating_duration_since(begun).as_micros()).unwrap_or(u64::MAX)
        };
        Line {
            source,
            slot: trace.slot,
            method: if trace.is_head { "HEAD" } else { "GET" },
            range_start: trace.range_start,
            range_end: trace.range_end,
            start_us: micros(trace.started),
            connected_us: trace.connected.map(micros),
            first_byte_us: trace.first_byte.map(micros),
            end_us: micros(trace.ended),
            bytes: trace.bytes,
            status: trace.status,
            peer: trace.peer.map(|peer| peer.to_string()),
            local_port: trace.local_port,
            reused_connection: trace.is_reused,
            end: trace.end.as_str(),
            curl_code: trace.curl_code,
            request_id: trace.request_id.as_deref(),
        }
    }
}
