//! The URLs of a simulated life: `http://oss.simulated/key?n=<serial>`, and the addresses to which they redirect, which
//! also have the time of the redirect, `to`, in milliseconds.

use std::sync::Arc;
use std::time::Duration;

use crate::model::request::DownloadRequest;
use crate::model::web_address::WebAddress;
use crate::transfer::world::NewRequest;

use super::credentials::Credentials;
use super::plan::{CredentialsPlan, UrlPlan};
use super::service::{Asked, Service};

/// Lets a request name the first URL of `credentials` in place of the bucket and the key.
pub fn use_url(request: &mut DownloadRequest, credentials: &Credentials) {
    (request.bucket, request.key) = (String::new(), String::new());
    // They would have to be in the URL.
    request.traffic_limit = 0;
    let query = std::mem::take(&mut request.extra_query);
    let processed = query.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    request.url = Some((url(credentials, 1) + &String::clone(&processed)).into());
    if matches!(credentials.plan(), CredentialsPlan::Provider(_)) {
        // It is asked through the world.
        request.url_provider = Some(Arc::new(|| Err("simulated".to_owned())));
    }
}

/// The URL number `serial`. It says when it expires, if the provider's URLs do.
fn url(credentials: &Credentials, serial: u64) -> String {
    let mut url = format!("http://oss.simulated/key?n={serial}");
    if let CredentialsPlan::Provider(provider) = credentials.plan()
        && let Some(at) = credentials.expiry(serial).filter(|_| provider.announces)
    {
        let at = Service::time(at).as_second();
        url.push_str(&format!("&Expires={at}&Signature=s"));
    }
    url
}

/// The URL number `serial` of the object that `request` wants.
pub fn newer(credentials: &Credentials, serial: u64, request: &DownloadRequest) -> String {
    let processed = request.address().and_then(|first| first.parameter("x-oss-process"));
    let processed = processed.map(|value| format!("&x-oss-process={value}"));
    url(credentials, serial) + &processed.unwrap_or_default()
}

/// What a request to an address of a URL asks for beside its headers.
pub fn visited(
    plan: UrlPlan,
    request: &NewRequest,
    credentials: &Credentials,
    now: Duration,
    clean: bool,
) -> Asked {
    let Some(address) = &request.address else { return Asked::default() };
    let number = |name| address.parameter(name)?.parse::<u64>().ok();
    let serial = number("n").unwrap_or_default();
    let redirected = number("to").map(Duration::from_millis);
    let lasts = |issued: Duration| plan.redirects.is_none_or(|valid| now < issued + valid);
    Asked {
        expired: !clean
            && (credentials.is_expired(serial, now) || redirected.is_some_and(|at| !lasts(at))),
        location: plan.redirects.filter(|_| redirected.is_none()).map(|_| location(address, now)),
        reads_past_end: plan.oss_ranges,
        ..Asked::default()
    }
}

fn location(address: &WebAddress, now: Duration) -> String {
    format!("{}&to={}", address.as_str(), now.as_millis())
}
