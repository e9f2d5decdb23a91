//! The address of the next request of a download from a URL: redirects are followed, and the host's provider is asked
//! for a new URL when the one that it gave has expired.

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::model::request::DownloadRequest;
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::{ServiceError, host_reason};
use crate::transfer::credentials_cache::CachedKey;
use crate::transfer::host_calls::{Answers, Asked};
use crate::transfer::policy::link::{Link, is_redirect};
use crate::transfer::world::NewRequest;

use super::Driver;
use super::in_flight::InFlight;

/// The URL of a download.
pub struct Source {
    pub link: Link,
    /// The provider has been asked.
    asking: Option<Answers<String>>,
}

impl Source {
    /// The source of a request with a URL.
    pub fn of(request: &DownloadRequest) -> Option<Self> {
        let link = Link::new(request.address()?, request.url_provider.is_some());
        Some(Source { link, asking: None })
    }
}

impl Driver<'_> {
    /// A key or a URL for the next request; `None`: the provider is being asked, and an event arrives when it answers.
    pub(super) fn leave_to_send(&mut self) -> Result<Option<CachedKey>> {
        let Some(source) = &mut self.source else { return self.world.network.credentials() };
        let now = self.world.network.service_time();
        if source.link.wants_new(now) {
            let Some(answers) = &source.asking else { return self.ask_for_url().map(|()| None) };
            let Some(answer) = answers.get() else { return Ok(None) };
            source.asking = None;
            let renewed = answer.and_then(|url| {
                let used = source.link.renew(&url, now);
                used.map_err(|why| format!("its URL is not usable: {why}"))
            });
            renewed.map_err(|why| url_provider_error(&host_reason(&why)))?;
            self.log(LogLevel::Info, || "the URL provider gave a new URL".to_owned());
        }
        let serial = self.source.as_ref().map_or(0, |source| source.link.serial());
        Ok(Some(CachedKey { key: None, serial }))
    }

    fn ask_for_url(&mut self) -> Result<()> {
        let Some(provider) = &self.request.url_provider else {
            return Err(Error::internal("there is nobody to ask for a new URL"));
        };
        self.log(LogLevel::Info, || "the URL has expired; asking the URL provider".to_owned());
        let answers = match self.world.network.ask_for_url(provider)? {
            Asked::Awaits(answers) => answers,
            Asked::TooOften(calls) => {
                let why = format!("{calls} earlier calls have not been answered");
                return Err(url_provider_error(&why));
            }
            Asked::Nobody => return Err(Error::internal("nobody was asked for a new URL")),
        };
        if let Some(source) = &mut self.source {
            source.asking = Some(answers);
        }
        Ok(())
    }

    /// Sends `request` to the current address, with the extra headers that it may have.
    pub(super) fn direct(&self, request: &mut NewRequest) {
        let Some(Source { link, .. }) = &self.source else { return };
        request.address = Some(link.address().clone());
        let extra = &self.request.extra_headers;
        let is_extra = |name: &str| extra.iter().any(|(extra, _)| extra == name);
        request.composed.headers.retain(|(name, _)| !is_extra(name) || link.may_send(name));
    }

    /// Follows a redirect of a URL; returns whether the reply was one.
    pub(super) fn follow_redirect(
        &mut self,
        in_flight: &InFlight,
        head: &ReplyHead,
    ) -> Result<bool> {
        let Some(source) = self.source.as_mut().filter(|_| is_redirect(head.status)) else {
            return Ok(false);
        };
        if let Err(why) = source.link.redirect(in_flight.serial, head.get("Location")) {
            let status = head.status;
            let message = format!(
                "{} redirects (HTTP {status}), which was not followed: {why}",
                self.object()
            );
            return Err(Error::new(ErrorKind::Service, "RedirectError", message)
                .with_status(i64::from(status)));
        }
        let origin = source.link.address().origin().to_owned();
        self.log(LogLevel::Info, || format!("redirected to {origin}"));
        Ok(true)
    }

    /// Whether another address may accept what the one of a request has refused; `None` for a download without a URL.
    pub(super) fn may_try_elsewhere(
        &mut self,
        refusal: &ServiceError,
        serial: u64,
    ) -> Option<bool> {
        let now = refusal.server_time.unwrap_or_else(|| self.world.network.service_time());
        Some(self.source.as_mut()?.link.refused(serial, refusal, now))
    }

    /// A reply of the address `serial`, or of the current one, had the object.
    pub(super) fn note_link_works(&mut self, serial: Option<u64>) {
        if let Some(Source { link, .. }) = &mut self.source {
            link.works(serial.unwrap_or(link.serial()));
        }
    }

    /// The host to which requests are sent, for messages.
    pub(super) fn host(&self) -> &str {
        match &self.source {
            Some(source) => source.link.address().host(),
            None => self.world.network.host(),
        }
    }
}

fn url_provider_error(why: &str) -> Error {
    Error::new(
        ErrorKind::Service,
        "UrlProviderError",
        format!("the URL provider returned no URL: {why}"),
    )
}
