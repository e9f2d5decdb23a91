//! Where the requests of a download from a URL are sent: to the URL itself, to an address to which it redirects, or to a
//! newer URL when it has expired. Pure.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::model::web_address::{Reason, WebAddress};
use crate::oss::service_error::ServiceError;
use crate::oss::source_url;

/// Most redirects in a row.
const MAX_REDIRECTS: usize = 5;

/// The addresses of one download.
pub struct Link {
    /// The URL of the request, with which the user gave the extra headers.
    first: WebAddress,
    /// That URL, or the last one from the provider.
    given: WebAddress,
    /// Where requests are sent: `given`, or the address to which it redirects.
    current: WebAddress,
    /// Distinguishes `current` from earlier addresses.
    serial: u64,
    /// The addresses that redirected since one of them last had the object.
    hops: Vec<WebAddress>,
    has_provider: bool,
    /// `given`, or an address to which it redirected, has had the object.
    worked: bool,
    /// A redirect was asked for anew because its address refused a request, and no address has had the object since.
    returned: bool,
    /// The provider has to be asked.
    is_wanted: bool,
    /// The last URL from the provider had expired when it came, so this machine's clock does not show when to ask again.
    is_clock_wrong: bool,
}

impl Link {
    pub fn new(url: WebAddress, has_provider: bool) -> Self {
        Link {
            given: url.clone(),
            current: url.clone(),
            first: url,
            serial: 0,
            hops: Vec::new(),
            has_provider,
            worked: false,
            returned: false,
            is_wanted: false,
            is_clock_wrong: false,
        }
    }

    /// Where the next request is sent.
    pub fn address(&self) -> &WebAddress {
        &self.current
    }

    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Whether an extra header may be sent there.
    pub fn may_send(&self, header: &str) -> bool {
        self.current.origin() == self.first.origin() || source_url::may_leave_host(header)
    }

    /// Whether the provider has to be asked before the next request.
    pub fn wants_new(&mut self, now: Timestamp) -> bool {
        let is_due = || source_url::expiry(&self.given).is_some_and(|at| at <= now);
        self.is_wanted |= self.has_provider && !self.is_clock_wrong && is_due();
        self.is_wanted
    }

    /// Uses a URL from the provider.
    pub fn renew(&mut self, url: &str, now: Timestamp) -> Result<(), Reason> {
        let url = WebAddress::parse(url)?;
        if self.first.is_https() && !url.is_https() {
            return Err("it is http, and the URL of the request is https".into());
        }
        self.is_clock_wrong = source_url::expiry(&url).is_some_and(|at| at <= now);
        self.given = url;
        (self.worked, self.is_wanted) = (false, false);
        self.return_to_given();
        self.returned = false;
        Ok(())
    }

    /// A request of `serial` was redirected to `location`.
    pub fn redirect(&mut self, serial: u64, location: Option<&str>) -> Result<(), Reason> {
        if serial != self.serial {
            return Ok(());
        }
        let location = location.ok_or("it has no Location")?;
        let target = self
            .current
            .resolve(location)
            .map_err(|why| -> Reason { format!("its Location is not usable: {why}").into() })?;
        if self.current.is_https() && !target.is_https() {
            return Err("it leads from https to http".into());
        }
        self.hops.push(self.current.clone());
        if self.hops.contains(&target) {
            return Err("it leads in a circle".into());
        }
        if self.hops.len() > MAX_REDIRECTS {
            return Err(format!("it is more than the {MAX_REDIRECTS}th in a row").into());
        }
        self.go_to(target);
        Ok(())
    }

    /// The reply to a request of `serial` had the object.
    pub fn works(&mut self, serial: u64) {
        if serial == self.serial {
            self.hops.clear();
            (self.worked, self.returned) = (true, false);
        }
    }

    /// A request of `serial` was refused. Whether the next one may succeed, because it goes to another address.
    pub fn refused(&mut self, serial: u64, refusal: &ServiceError, now: Timestamp) -> bool {
        if serial != self.serial || self.is_wanted {
            return true;
        }
        let is_redirected = self.current != self.given;
        if is_redirected && !self.returned && matches!(refusal.status, 400 | 401 | 403 | 404 | 410)
        {
            self.return_to_given();
            return true;
        }
        let lapsed = self.has_expired(refusal, now) || (refusal.status == 403 && self.worked);
        self.is_wanted = self.has_provider && lapsed;
        self.is_wanted
    }

    /// Whether a refusal says that the URL has expired.
    pub fn has_expired(&self, refusal: &ServiceError, now: Timestamp) -> bool {
        source_url::has_expired(refusal, self.expiry(), now)
    }

    /// When the URL expires, if it says so.
    pub fn expiry(&self) -> Option<Timestamp> {
        source_url::expiry(&self.given)
    }

    fn return_to_given(&mut self) {
        self.hops.clear();
        self.returned = true;
        self.go_to(self.given.clone());
    }

    fn go_to(&mut self, address: WebAddress) {
        self.current = address;
        self.serial += 1;
    }
}

/// Whether a status redirects a GET to another address.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The advice for a refusal of a URL that has expired.
pub fn lapsed(expiry: Option<Timestamp>) -> Cow<'static, str> {
    match expiry {
        Some(at) => format!(
            "The URL expired at {at}: make a new one, or set url_provider, which is asked for one."
        )
        .into(),
        None => "The URL has expired: make a new one, or set url_provider, which is asked for one."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oss::reply::ReplyHead;
    use crate::oss::service_error;
    use proptest::prelude::*;

    const NOW: i64 = 1_700_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).expect("a time")
    }

    fn link(url: &str, has_provider: bool) -> Link {
        Link::new(WebAddress::parse(url).expect("a URL"), has_provider)
    }

    fn refusal(status: u16, message: &str) -> ServiceError {
        let mut head = ReplyHead::default();
        head.push_line(format!("HTTP/1.1 {status} X").as_bytes());
        let body = format!("<Error><Code>X</Code><Message>{message}</Message></Error>");
        service_error::parse(&head, body.as_bytes())
    }

    /// Follows a redirect of the current address.
    fn follow(link: &mut Link, location: &str) -> Result<(), Reason> {
        link.redirect(link.serial(), Some(location))
    }

    #[test]
    fn redirects_are_followed_five_times_until_an_address_has_the_object() {
        let mut link = link("http://a/0", false);
        for round in 0..3 {
            for hop in 1..=5 {
                follow(&mut link, &format!("/{round}/{hop}")).expect("followed");
                assert_eq!(link.address().as_str(), format!("http://a/{round}/{hop}"));
            }
            link.works(link.serial());
        }
        for hop in 1..=5 {
            follow(&mut link, &format!("/{hop}")).expect("followed");
        }
        assert!(follow(&mut link, "/6").expect_err("too many").contains("5th"));
    }

    #[test]
    fn a_circle_an_unusable_location_and_a_way_from_https_to_http_are_refused() {
        let start = || link("https://a/x", false);
        assert!(follow(&mut start(), "").expect_err("itself").contains("circle"));
        let mut circle = start();
        follow(&mut circle, "/y").expect("followed");
        assert!(follow(&mut circle, "/x").expect_err("a circle").contains("circle"));
        assert!(follow(&mut start(), "http://a/x").expect_err("not encrypted").contains("http"));
        for location in ["ftp://a/x", "//user@a/x", "https://", &"x".repeat(20_000)] {
            assert!(follow(&mut start(), location).is_err(), "{location}");
        }
        assert!(start().redirect(0, None).is_err());
        let mut upgraded = link("http://a/x", false);
        follow(&mut upgraded, "https://a/x").expect("followed");
        assert!(follow(&mut upgraded, "http://a/y").is_err());
    }

    #[test]
    fn headers_that_may_be_credentials_stay_with_the_first_origin() {
        let mut link = link("http://a/x", false);
        let sends = |link: &Link| (link.may_send("X-Token"), link.may_send("Accept"));
        assert_eq!(sends(&link), (true, true));
        follow(&mut link, "/y").expect("followed");
        assert_eq!(sends(&link), (true, true));
        for elsewhere in ["https://a/z", "https://b/", "https://b:81/"] {
            follow(&mut link, elsewhere).expect("followed");
            assert_eq!(sends(&link), (false, true), "{elsewhere}");
        }
    }

    #[test]
    fn an_address_that_a_redirect_gave_is_asked_for_again_once_when_it_stops_working() {
        let mut link = link("http://a/x", false);
        for _ in 0..3 {
            follow(&mut link, "http://b/1").expect("followed");
            link.works(link.serial());
            assert!(link.refused(link.serial(), &refusal(403, "no"), now()));
            assert_eq!(link.address().as_str(), "http://a/x");
            follow(&mut link, "http://b/2").expect("followed");
            link.works(link.serial());
            let before = link.serial();
            assert!(link.refused(before, &refusal(403, "no"), now()));
            assert!(link.refused(before, &refusal(403, "no"), now()), "an earlier request");
        }
        follow(&mut link, "http://b/3").expect("followed");
        assert!(!link.refused(link.serial(), &refusal(403, "no"), now()));
    }

    #[test]
    fn a_provider_is_asked_when_the_url_has_expired_or_no_longer_works() {
        let asks = |works: bool, status, message| {
            let mut link = link("http://a/x", true);
            if works {
                link.works(0);
            }
            let again = link.refused(0, &refusal(status, message), now());
            assert_eq!(again, link.wants_new(now()));
            again
        };
        assert!(asks(false, 403, "Request has expired."));
        assert!(asks(true, 403, "no"));
        assert!(!asks(false, 403, "no"));
        assert!(!asks(true, 404, "no"));
        let mut alone = link("http://a/x", false);
        assert!(!alone.refused(0, &refusal(403, "Request has expired."), now()));
    }

    #[test]
    fn a_provider_is_asked_before_a_url_is_sent_that_has_expired_unless_the_clock_is_wrong() {
        let url = |at: i64| format!("http://a/x?Expires={at}&Signature=s");
        let mut fresh = link(&url(NOW + 1), true);
        assert!(!fresh.wants_new(now()));
        let mut old = link(&url(NOW), true);
        assert!(old.wants_new(now()) && old.refused(0, &refusal(403, "no"), now()));
        old.renew(&url(NOW - 1), now()).expect("used");
        assert!(!old.wants_new(now()), "it would be asked for ever");
        assert!(old.refused(old.serial(), &refusal(403, "no"), now()) && old.wants_new(now()));
        old.renew(&url(NOW + 1), now()).expect("used");
        assert!(!old.wants_new(now()));
        assert!(!link(&url(NOW), false).wants_new(now()), "without a provider the server decides");
    }

    #[test]
    fn a_new_url_may_be_on_another_host_but_not_http_after_https() {
        let mut link = link("https://a/x", true);
        follow(&mut link, "https://b/x").expect("followed");
        for unusable in ["http://a/x", "x", "https://user@a/"] {
            assert!(link.renew(unusable, now()).is_err());
        }
        let before = link.serial();
        link.renew("https://c/y?z", now()).expect("used");
        assert_eq!(link.address().as_str(), "https://c/y?z");
        assert!(link.serial() > before && !link.may_send("Authorization"));
    }

    proptest! {
        /// Without a byte of the object, redirects and refusals come to an end.
        #[test]
        fn an_address_without_the_object_is_given_up(replies in prop::collection::vec(any::<u8>(), 40)) {
            let mut link = link("http://a/start", false);
            let mut sent = 0;
            for (number, reply) in replies.into_iter().enumerate() {
                sent += 1;
                let goes_on = match reply % 3 {
                    0 => link.refused(link.serial(), &refusal(403, "expired"), now()),
                    1 => follow(&mut link, &format!("http://b/{}", reply / 64)).is_ok(),
                    _ => follow(&mut link, &format!("http://b/new/{number}")).is_ok(),
                };
                if !goes_on {
                    break;
                }
            }
            prop_assert!(sent <= 2 * (MAX_REDIRECTS + 2), "{} requests", sent);
        }
    }
}
