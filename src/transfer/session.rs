//! What all downloads and listings of one client share: endpoint, credentials and threads.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::credentials::AccessKey;
use crate::model::error::{Error, Result};
use crate::model::options::{ClientOptions, LogLevel, SignatureVersion, max_connections};
use crate::model::request::DownloadRequest;
use crate::oss::address::{self, Address};
use crate::oss::decryption_keys::DecryptionKeys;
use crate::oss::endpoint::Endpoint;
use crate::oss::get_object::{self, Composed, Conditions};
use crate::oss::sign::{self, SigningContext, Unsigned};
use crate::oss::validate;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::bandwidth::Bandwidth;
use super::connection::wire::ConnectionSettings;
use super::connection::worker::{PoolSize, Worker};
use super::connection_budget::ConnectionBudget;
use super::credentials_cache::{CachedKey, CredentialsCache};
use super::disk::writer_threads::WriterThreads;
use super::host_calls::HostCalls;
use super::key_unwrapping::KeyUnwrapping;
use super::list_control::Listings;

/// Most transfer threads by default; one loop is enough for several Gbit/s.
const DEFAULT_MAX_WORKERS: usize = 4;

/// The shared part of a client.
pub struct Session {
    pub options: ClientOptions,
    pub credentials: Arc<CredentialsCache>,
    pub decryption_keys: DecryptionKeys,
    pub key_unwrapping: KeyUnwrapping,
    /// The calls of the downloads' URL providers.
    pub url_calls: HostCalls,
    pub connection: Arc<ConnectionSettings>,
    pub writer_threads: Arc<WriterThreads>,
    /// The limit for all downloads together.
    pub bandwidth: Arc<Bandwidth>,
    /// The connections for all downloads together.
    pub connections: Arc<ConnectionBudget>,
    /// The listings that ask for a page.
    pub listings: Listings,
    /// `None`: all requests have a URL.
    endpoint: Option<Endpoint>,
    region: Mutex<Option<String>>,
    /// Correction of this machine's clock, in milliseconds.
    clock_offset: AtomicI64,
    next_fetch: AtomicU64,
    workers: Mutex<Workers>,
    max_workers: usize,
}

#[derive(Default)]
struct Workers {
    running: Vec<Arc<Worker>>,
    /// The system refused to start another one. It is not asked again: a connection must keep its worker.
    refused: bool,
}

impl Session {
    /// Validates the options; starts no thread.
    pub fn new(mut options: ClientOptions) -> Result<Self> {
        validate::options(&options)?;
        // Moved, not copied: no copy of a key may remain here after it is replaced.
        let credentials = std::mem::take(&mut options.credentials);
        let key_unwrapping = KeyUnwrapping::new(options.key_unwrapper.take());
        let decryption_keys = DecryptionKeys::new(&std::mem::take(&mut options.decryption_keys))?;
        let endpoint = match options.endpoint.as_str() {
            "" => None,
            endpoint => Some(Endpoint::parse(endpoint)?),
        };
        let own_region = || endpoint.as_ref().and_then(Endpoint::region);
        let region = options.region.clone().or_else(own_region);
        let user_agent = options.user_agent.clone().unwrap_or_else(default_user_agent);
        let connection = ConnectionSettings {
            connect_timeout: options.connect_timeout,
            idle_timeout: options.idle_timeout,
            verify_tls: options.verify_tls,
            ca_file: options.ca_file.clone(),
            ca_path: options.ca_path.clone(),
            proxy: options.proxy.clone(),
            network_interface: options.network_interface.clone(),
            user_agent,
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let max_workers = match options.max_workers {
            0 => processors.min(DEFAULT_MAX_WORKERS),
            count => usize::try_from(count).unwrap_or(DEFAULT_MAX_WORKERS),
        };
        Ok(Session {
            credentials: Arc::new(CredentialsCache::new(credentials)),
            decryption_keys,
            key_unwrapping,
            url_calls: HostCalls::default(),
            connection: Arc::new(connection),
            writer_threads: Arc::new(WriterThreads::new()),
            bandwidth: Arc::new(Bandwidth::new(options.max_bandwidth)),
            connections: Arc::new(ConnectionBudget::new(max_connections(options.max_connections))),
            listings: Listings::default(),
            endpoint,
            region: Mutex::new(region),
            clock_offset: AtomicI64::new(0),
            next_fetch: AtomicU64::new(1),
            workers: Mutex::default(),
            max_workers,
            options,
        })
    }

    /// Uses `region` for signatures from now on.
    pub fn set_region(&self, region: &str) -> Result<()> {
        validate::region(region)?;
        *self.region.lock() = Some(region.to_owned());
        Ok(())
    }

    /// The worker for connection number `slot`; started if it is not running yet. If the system does not start it, the
    /// connection shares one that runs.
    pub fn worker(&self, slot: usize) -> Result<Arc<Worker>> {
        let mut workers = self.workers.lock();
        let mut refusal = None;
        let index = slot % self.max_workers;
        while workers.running.len() <= index && !workers.refused {
            let pool = PoolSize::new(self.connections.clone(), self.max_workers);
            match Worker::start(workers.running.len(), pool) {
                Ok(worker) => workers.running.push(Arc::new(worker)),
                Err(error) if workers.running.is_empty() => return Err(error),
                Err(error) => {
                    workers.refused = true;
                    refusal = Some(error);
                }
            }
        }
        let worker = workers.running[index % workers.running.len()].clone();
        drop(workers);
        let sink = self.options.log.as_ref().filter(|_| LogLevel::Warn <= self.options.log_level);
        if let (Some(error), Some(sink)) = (refusal, sink) {
            sink(LogLevel::Warn, &format!("{error}; the running ones do its work"));
        }
        Ok(worker)
    }

    /// The workers that have been started.
    pub fn running_workers(&self) -> Vec<Arc<Worker>> {
        self.workers.lock().running.clone()
    }

    /// Ends the listings, and then the threads. All downloads must have ended.
    pub fn shut_down(&self) {
        self.listings.close();
        let workers = std::mem::take(&mut self.workers.lock().running);
        drop(workers);
        self.writer_threads.shut_down();
        self.credentials.shut_down();
        self.key_unwrapping.shut_down();
        self.url_calls.shut_down();
    }

    pub fn next_fetch(&self) -> u64 {
        self.next_fetch.fetch_add(1, Ordering::Relaxed)
    }

    /// The service's time, as far as it is known.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.clock_offset.load(Ordering::Relaxed));
        let here = Timestamp::now();
        here.checked_add(offset).unwrap_or(here)
    }

    /// Corrects this client's clock to the service's time.
    pub fn set_clock(&self, service_time: Timestamp) {
        let offset = service_time.as_millisecond() - Timestamp::now().as_millisecond();
        self.clock_offset.store(offset, Ordering::Relaxed);
    }

    /// The URL of an object (bucket and key; the bucket itself if the key is empty) with `composed`'s query, and all
    /// headers, signed with `issued`.
    pub fn sign(
        &self,
        method: &str,
        object: (&str, &str),
        composed: Composed,
        issued: &CachedKey,
    ) -> Result<(String, Vec<(String, String)>)> {
        let address = self.address(object)?;
        let url = address::with_query(&address.url, &composed.query);
        let mut added = Vec::new();
        if let Some(key) = &issued.key {
            let region = self.region.lock().clone().unwrap_or_default();
            let context = self.signing(key, &region);
            added = sign::sign(&context, &unsigned(method, object, &composed))?;
        }
        Ok((url, [composed.headers, added].concat()))
    }

    /// A URL with which anybody can download `request`'s object until it expires. It contains no conditions.
    pub fn presign(
        &self,
        method: &str,
        request: &DownloadRequest,
        key: &AccessKey,
        expires: Duration,
    ) -> Result<String> {
        let composed = get_object::compose(request, None, Conditions::None);
        let object = (request.bucket.as_str(), request.key.as_str());
        let address = self.address(object)?;
        let region = self.region.lock().clone().unwrap_or_default();
        let context = self.signing(key, &region);
        let query = sign::presign(&context, &unsigned(method, object, &composed), expires)?;
        Ok(address::with_query(&address.url, &query))
    }

    fn address(&self, (bucket, key): (&str, &str)) -> Result<Address> {
        address::object_address(self.require_endpoint()?, self.options.address_style, bucket, key)
    }

    fn signing<'a>(&self, key: &'a AccessKey, region: &'a str) -> SigningContext<'a> {
        SigningContext { version: self.options.signature, key, region, time: self.now() }
    }

    /// The service's host, for messages.
    pub fn host(&self) -> &str {
        self.endpoint.as_ref().map_or("", Endpoint::host)
    }

    fn require_endpoint(&self) -> Result<&Endpoint> {
        self.endpoint.as_ref().ok_or_else(|| {
            Error::validation(
                "the client has no endpoint, so it can only download from a URL: set the endpoint, or the request's url",
            )
        })
    }

    /// Checks what requests for a bucket need: an endpoint, and for V4 signatures a region, without which nothing can be
    /// signed.
    pub fn require_service(&self) -> Result<()> {
        self.require_endpoint()?;
        self.require_region()
    }

    fn require_region(&self) -> Result<()> {
        let needed = self.options.signature == SignatureVersion::V4 && self.credentials.signs();
        if needed && self.region.lock().is_none() {
            return Err(Error::validation(
                "the region is not set and the endpoint does not contain it; V4 signatures need it, for example cn-hangzhou",
            ));
        }
        Ok(())
    }
}

fn unsigned<'a>(
    method: &'a str,
    (bucket, key): (&'a str, &'a str),
    composed: &'a Composed,
) -> Unsigned<'a> {
    Unsigned {
        method,
        bucket,
        key,
        query: &composed.query,
        headers: &composed.headers,
        additional_headers: &[],
    }
}

fn default_user_agent() -> String {
    format!(
        "oss-resumable/{} libcurl/{}",
        env!("CARGO_PKG_VERSION"),
        curl::Version::get().version()
    )
}
