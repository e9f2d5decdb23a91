//! The keys of one process, as `credentials_cache.rs` gives them out, and the provider that it asks.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::error::{Error, ErrorKind};
use crate::model::request::DownloadRequest;
use crate::transfer::credentials_cache::CachedKey;

use super::plan::{CredentialsPlan, ProviderPlan};
use super::url;

const RENEW_BEFORE: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

pub struct Credentials {
    plan: CredentialsPlan,
    /// When each key expires, by its serial; the service knows them all.
    expiries: BTreeMap<u64, Duration>,
    serial: u64,
    has_key: bool,
    asking: bool,
    asked_at: Option<Duration>,
    calls: u64,
    failed: bool,
}

/// What became of a question for a key.
pub enum Issued {
    Key(CachedKey),
    Failed(Error),
    /// The answer is awaited.
    Awaited,
}

impl Credentials {
    pub fn new(plan: CredentialsPlan, now: Duration) -> Self {
        let mut expiries = BTreeMap::new();
        if let CredentialsPlan::Expiring(lifetime) = plan {
            expiries.insert(1, now + lifetime);
        }
        Credentials {
            plan,
            expiries,
            serial: 1,
            has_key: !matches!(plan, CredentialsPlan::Provider(_)),
            asking: false,
            asked_at: None,
            calls: 0,
            failed: false,
        }
    }

    /// Those of a URL: the first one is there and expires as those of a provider do.
    pub fn of_url(plan: CredentialsPlan, now: Duration) -> Self {
        let mut credentials = Credentials::new(plan, now);
        if let CredentialsPlan::Provider(provider) = plan {
            credentials.expiries.insert(1, now + provider.lifetime);
        }
        credentials
    }

    pub fn plan(&self) -> CredentialsPlan {
        self.plan
    }

    pub fn expiry(&self, serial: u64) -> Option<Duration> {
        self.expiries.get(&serial).copied()
    }

    /// The provider of URLs is asked.
    pub fn ask_for_url(&mut self, now: Duration, ask: impl FnOnce(Option<Duration>)) {
        if let CredentialsPlan::Provider(provider) = self.plan {
            self.ask(provider, now, ask);
        }
    }

    /// Its answer, after [`Credentials::answered`].
    pub fn newest_url(&mut self, request: &DownloadRequest) -> Result<String, String> {
        match std::mem::take(&mut self.failed) {
            true => Err("simulated".to_owned()),
            false => Ok(url::newer(self, self.serial, request)),
        }
    }

    /// Whether the service refuses a key.
    pub fn is_expired(&self, serial: u64, now: Duration) -> bool {
        self.expiries.get(&serial).is_some_and(|at| *at <= now)
    }

    /// A key for the next request. `ask` is called if the provider has to be asked.
    pub fn issue(&mut self, now: Duration, ask: impl FnOnce(Option<Duration>)) -> Issued {
        let key = CachedKey { key: None, serial: self.serial };
        let CredentialsPlan::Provider(provider) = self.plan else { return Issued::Key(key) };
        if self.has_key {
            let expiry = self.expiries.get(&self.serial).filter(|_| provider.announces);
            let due = expiry.is_some_and(|at| now + RENEW_BEFORE >= *at)
                && self.asked_at.is_none_or(|at| now.saturating_sub(at) >= ASK_AGAIN_AFTER);
            let usable = !due || expiry.is_none_or(|at| now < *at);
            if usable {
                if due && !self.asking {
                    self.ask(provider, now, ask);
                }
                return Issued::Key(key);
            }
        }
        if std::mem::take(&mut self.failed) {
            return Issued::Failed(Error::new(
                ErrorKind::Service,
                "CredentialsError",
                "the credentials provider returned no access key: simulated",
            ));
        }
        if !self.asking {
            self.ask(provider, now, ask);
        }
        Issued::Awaited
    }

    fn ask(&mut self, provider: ProviderPlan, now: Duration, ask: impl FnOnce(Option<Duration>)) {
        self.asking = true;
        self.asked_at = Some(now);
        let answers = provider.hangs_at != Some(self.calls);
        ask(answers.then_some(provider.takes));
    }

    /// The provider answers.
    pub fn answered(&mut self, now: Duration) {
        let CredentialsPlan::Provider(provider) = self.plan else { return };
        let call = self.calls;
        (self.asking, self.calls) = (false, call + 1);
        if provider.fails_every.is_none_or(|n| !(call + 1).is_multiple_of(n.max(1))) {
            self.serial += 1;
            self.expiries.insert(self.serial, now + provider.lifetime);
            (self.has_key, self.failed) = (true, false);
        } else if !self.has_key || self.is_expired(self.serial, now) {
            (self.has_key, self.failed) = (false, true);
        }
    }

    /// The service has refused a key as expired; whether there may be another one.
    pub fn refused(&mut self, serial: u64) -> bool {
        if serial != self.serial {
            return true;
        }
        let may_ask = matches!(self.plan, CredentialsPlan::Provider(_));
        self.has_key &= !may_ask;
        may_ask
    }
}
