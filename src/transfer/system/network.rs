//! The network of a client: requests are signed and handed to its transfer threads.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::encryption::{ContentKey, WrappedKey};
use crate::model::error::{Error, Result};
use crate::model::request::DownloadRequest;
use crate::model::source_url::SharedUrlProvider;
use crate::oss::content_cipher::ContentCipher;
use crate::oss::decryption_keys::DecryptionKeys;
use crate::sys;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::connection::fetch::Fetch;
use crate::transfer::connection::held_body::BodyHolder;
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::connection::span::Span;
use crate::transfer::connection::wire::Wire;
use crate::transfer::connection::worker::{Command, Worker};
use crate::transfer::connection_budget::{Allowance, ConnectionShare};
use crate::transfer::credentials_cache::CachedKey;
use crate::transfer::disk::buffers::BUFFER_SIZE;
use crate::transfer::disk::intake::Intake;
use crate::transfer::disk::write_target::WriteTarget;
use crate::transfer::event::EndReason;
use crate::transfer::host_calls::Asked;
use crate::transfer::session::Session;
use crate::transfer::shared::Shared;
use crate::transfer::world::{Destination, Network, NewRequest};

/// Up to this number of connections each may have a large buffer.
const FEW_CONNECTIONS: u32 = 8;
/// Total size of the receive buffers of a download's connections, in bytes: a large buffer receives more with one
/// system call. TLS records have 16 KiB and gain nothing from more than the smallest buffer; bytes read in advance
/// would exceed a bandwidth limit.
const RECEIVE_BUFFERS: usize = 8 * 1024 * 1024;
const MIN_RECEIVE_BUFFER: usize = 64 * 1024;
/// Receive buffer of a first request for no more than [`RECEIVE_BUFFERS`] bytes, which may bring a small object. libcurl
/// allocates it for each request. From 64 KiB on, glibc's `free` returns memory to the system, and the pages of the next
/// one have to be cleared first.
const FIRST_RECEIVE_BUFFER: usize = 60 * 1024;
/// Size of a write if there are many connections.
const SMALL_GATHER: usize = 512 * 1024;

/// The requests of one download over the connections of its client.
pub struct ClientNetwork<'a> {
    session: &'a Session,
    request: &'a DownloadRequest,
    shared: &'a Arc<Shared>,
    share: ConnectionShare,
    /// Where workers leave the body of the first reply.
    holder: Arc<BodyHolder>,
}

impl<'a> ClientNetwork<'a> {
    pub fn new(
        session: &'a Session,
        request: &'a DownloadRequest,
        shared: &'a Arc<Shared>,
    ) -> Self {
        let share = session.connections.join(shared.events().clone());
        let holder = Arc::new(BodyHolder::new(session.writer_threads.buffers().clone()));
        ClientNetwork { session, request, shared, share, holder }
    }

    /// Stores the bytes of fetch `fetch`, the first of which is the object's byte `start`.
    fn intake(
        &self,
        fetch: u64,
        worker: &Worker,
        start: u64,
        destination: Destination,
    ) -> Result<Intake> {
        let Destination { file, base, grain, content_key } = destination;
        let cipher = content_key.map(|key| ContentCipher::at(&key, start)).transpose()?;
        let few = self.request.most_connections() <= FEW_CONNECTIONS;
        let intake = Intake::new(
            fetch,
            Arc::new(WriteTarget::new(file, base, self.shared.events().clone())),
            self.session.writer_threads.clone(),
            worker.waker().clone(),
            start,
            if few { BUFFER_SIZE } else { SMALL_GATHER },
            grain,
        );
        Ok(intake.decrypting(cipher))
    }

    /// Whether bytes may have to wait for a bandwidth limit.
    fn is_limited(&self) -> bool {
        self.session.bandwidth.is_limited() || self.shared.bandwidth.is_limited()
    }

    fn receive_buffer(&self, stage: &ReplyStage, span: &Span, is_https: bool) -> usize {
        let bytes = span.remaining();
        let is_short = bytes.end - bytes.start <= RECEIVE_BUFFERS as u64;
        if matches!(stage, ReplyStage::FirstReply) && is_short {
            return FIRST_RECEIVE_BUFFER;
        }
        if is_https || self.is_limited() {
            return MIN_RECEIVE_BUFFER;
        }
        let connections =
            usize::try_from(self.request.most_connections()).unwrap_or(usize::MAX).max(2);
        (RECEIVE_BUFFERS / connections).max(MIN_RECEIVE_BUFFER)
    }
}

impl Network for ClientNetwork<'_> {
    fn credentials(&self) -> Result<Option<CachedKey>> {
        self.session.credentials.issue(self.shared.events())
    }

    fn credentials_expired(&self, serial: u64) -> bool {
        self.session.credentials.expired(serial)
    }

    fn connections(&self, wanted: u32, in_use: u32) -> Allowance {
        self.share.adjust(wanted, in_use)
    }

    fn start(&self, slot: usize, request: NewRequest, key: &CachedKey) -> Result<u64> {
        let NewRequest { head, address, composed, stage, span, destination } = request;
        let (url, headers) = match address {
            Some(address) => (address.as_str().to_owned(), composed.headers),
            None => {
                let method = if head { "HEAD" } else { "GET" };
                let object = (self.request.bucket.as_str(), self.request.key.as_str());
                self.session.sign(method, object, composed, key)?
            }
        };
        let worker = self.session.worker(slot)?;
        let id = self.session.next_fetch();
        let intake =
            destination.map(|to| self.intake(id, &worker, span.start(), to)).transpose()?;
        let receive_buffer = self.receive_buffer(&stage, &span, url.starts_with("https:"));
        let events = self.shared.events().clone();
        let fetch = Fetch::new(
            id,
            stage,
            span,
            intake,
            events.clone(),
            self.shared.counters.clone(),
            RateLimiter::new(&self.session.bandwidth, &self.shared.bandwidth),
        )
        // A worker gives bytes their turn under a limit.
        .leaving_to((!self.is_limited()).then(|| self.holder.clone()))
        .traced(self.session.options.trace.is_some());
        let wire = Wire {
            head,
            headers,
            receive_buffer,
            url,
            connection: self.session.connection.clone(),
        };
        // A worker that panicked answers every fetch with its end; one that has ended does not.
        let start = Command::Start { wire: Box::new(wire), fetch: Box::new(fetch), events };
        match worker.tell(start) {
            true => Ok(id),
            false => Err(Error::internal("a transfer thread has ended")),
        }
    }

    fn proceed(&self, slot: usize, fetch: u64, start: u64, destination: Destination) -> Result<()> {
        let worker = self.session.worker(slot)?;
        let intake = self.intake(fetch, &worker, start, destination)?;
        if let Some(body) = self.holder.take(fetch) {
            match sys::exit::guard() {
                Ok(_exit_guard) => body.store(intake),
                Err(exiting) => body.end(EndReason::Fault(exiting)),
            }
            return Ok(());
        }
        worker.tell(Command::Proceed { fetch, intake: Box::new(intake) });
        Ok(())
    }

    fn abort(&self, slot: usize, fetch: u64) {
        if let Some(body) = self.holder.abort(fetch) {
            return body.end(EndReason::Aborted);
        }
        // The worker of a request that has started exists.
        if let Ok(worker) = self.session.worker(slot) {
            worker.tell(Command::Abort { fetch });
        }
    }

    fn close_idle_connections(&self) {
        for worker in self.session.running_workers() {
            worker.tell(Command::CloseIdle);
        }
    }

    fn service_time(&self) -> Timestamp {
        self.session.now()
    }

    fn set_service_time(&self, time: Timestamp) {
        self.session.set_clock(time);
    }

    fn host(&self) -> &str {
        self.session.host()
    }

    fn decryption_keys(&self) -> &DecryptionKeys {
        &self.session.decryption_keys
    }

    fn has_key_unwrapper(&self) -> bool {
        !self.session.key_unwrapping.is_off()
    }

    fn unwrap_key(&self, wrapped: WrappedKey) -> Result<Asked<ContentKey>> {
        self.session.key_unwrapping.ask(wrapped, self.shared.events())
    }

    fn ask_for_url(&self, provider: &SharedUrlProvider) -> Result<Asked<String>> {
        let provider = provider.clone();
        let panicked = "the URL provider panicked";
        self.session
            .url_calls
            .ask("oss-url", self.shared.events(), panicked, move || provider.fetch())
    }
}
