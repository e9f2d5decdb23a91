//! `oss_resumable_client_options`.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::callbacks::{
    self, OSS_RESUMABLE_LOG_DEBUG, OSS_RESUMABLE_LOG_ERROR, OSS_RESUMABLE_LOG_INFO,
    OSS_RESUMABLE_LOG_WARN, UserData, oss_resumable_credentials_provider, oss_resumable_log,
    oss_resumable_retry_decision, oss_resumable_user_data_free,
};
use super::counted::Counted;
use super::encryption::{self, oss_resumable_decryption_key, oss_resumable_key_unwrapper};
use super::failure::{Failure, Result};
use super::sized::{self, size_first};
use super::switches::{self, limit, switch};
use super::text::optional;
use super::trace::{self, oss_resumable_trace};
use crate::model::credentials::Credentials;
use crate::model::options::{
    AddressStyle, ClientOptions, DEFAULT_MAX_ACTIVE_DOWNLOADS, DEFAULT_MAX_CONNECTIONS, LogLevel,
    Proxy, ProxyScheme, SignatureVersion,
};

/// `signature_version`: HMAC-SHA1.
pub const OSS_RESUMABLE_SIGNATURE_V1: i32 = 1;
/// `signature_version`: `OSS4-HMAC-SHA256`, the default.
pub const OSS_RESUMABLE_SIGNATURE_V4: i32 = 4;

/// `address_style`: `https://bucket.endpoint/key`; for IP addresses and `localhost`, as ::OSS_RESUMABLE_ADDRESS_PATH.
pub const OSS_RESUMABLE_ADDRESS_AUTO: i32 = 0;
/// `address_style`: `https://endpoint/bucket/key`.
pub const OSS_RESUMABLE_ADDRESS_PATH: i32 = 1;
/// `address_style`: the endpoint is a custom domain bound to the bucket, `https://endpoint/key`.
pub const OSS_RESUMABLE_ADDRESS_CNAME: i32 = 2;

/// `proxy_scheme`: the connection to the proxy is not encrypted; `https` endpoints are reached through a tunnel
/// (`CONNECT`).
pub const OSS_RESUMABLE_PROXY_HTTP: i32 = 0;
/// `proxy_scheme`: the connection to the proxy uses TLS. Its certificate is always verified against the system's
/// certificate authorities: `ca_file`, `ca_path` and `verify_tls` apply to the service's certificate only.
pub const OSS_RESUMABLE_PROXY_HTTPS: i32 = 1;

/// `max_active_downloads`: the default.
pub const OSS_RESUMABLE_DEFAULT_MAX_ACTIVE_DOWNLOADS: u32 = 16;
/// `max_connections`: the default.
pub const OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS: u32 = 64;

const _: () = assert!(
    OSS_RESUMABLE_DEFAULT_MAX_ACTIVE_DOWNLOADS == DEFAULT_MAX_ACTIVE_DOWNLOADS
        && OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS == DEFAULT_MAX_CONNECTIONS
);

/// Options of a client. Only `struct_size` and `endpoint` are required, and a client that only downloads from URLs needs
/// no `endpoint`; zero in any other field selects its default.
/// Strings are UTF-8 and copied by oss_resumable_client_new().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_client_options {
    /// `sizeof(oss_resumable_client_options)`.
    pub struct_size: usize,
    /// `[http[s]://]host[:port]`; `https://` when no scheme is given. NULL: the client only downloads from
    /// URLs, and a request for a bucket is ::OSS_RESUMABLE_ERR_VALIDATION.
    pub endpoint: *const c_char,
    /// Region id such as `cn-hangzhou`. NULL: taken from the endpoint. V4 signatures need it.
    pub region: *const c_char,
    /// Access key id; set it together with `access_key_secret`. When both are NULL, credentials come from the provider
    /// if there is one, otherwise from the environment variables `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and
    /// `OSS_SESSION_TOKEN`, which are read when a download starts. Leading and trailing blanks and line ends of their
    /// values are ignored.
    pub access_key_id: *const c_char,
    /// Access key secret.
    pub access_key_secret: *const c_char,
    /// Security token of temporary credentials, or NULL.
    pub security_token: *const c_char,
    /// Supplies and renews temporary credentials, or NULL. Cannot be combined with `access_key_id`.
    pub credentials_provider: oss_resumable_credentials_provider,
    /// Decides whether failed attempts are retried, or NULL for the library's own policy.
    pub retry_decision: oss_resumable_retry_decision,
    /// Receives log lines, or NULL.
    pub log: oss_resumable_log,
    /// Passed to the three callbacks above.
    pub user_data: *mut c_void,
    /// Frees `user_data`, or NULL.
    pub user_data_free: oss_resumable_user_data_free,
    /// File of trusted CA certificates (PEM), used instead of the system's, or NULL.
    pub ca_file: *const c_char,
    /// Directory of trusted CA certificates, used in addition to the file, or NULL. `openssl rehash` gives the files the
    /// names that they need.
    pub ca_path: *const c_char,
    /// Value of the `User-Agent` header, or NULL for the library's own.
    pub user_agent: *const c_char,
    /// Longest time for name lookup, connection and TLS handshake together, in milliseconds. 0: 5000; −1: no limit.
    pub connect_timeout_ms: i64,
    /// Longest time without receiving a byte on a connection, in milliseconds. 0: 10000; −1: no limit.
    pub idle_timeout_ms: i64,
    /// Longest time spent on attempts before a download receives its first byte, in milliseconds. 0: 10000;
    /// −1: no limit.
    pub first_byte_limit_ms: i64,
    /// After the first byte: longest time without a new one, over all connections and retries, in
    /// milliseconds. 0: 120000; −1: no limit.
    pub no_progress_limit_ms: i64,
    /// Maximum number of attempts before a download has received its first byte, and afterwards for replies that are
    /// unusable or refuse the credentials. 1: no retry at any time. 0: 3.
    pub max_attempts: u32,
    /// Largest number of transfer threads, which serve all connections of the client. 0: one for each processor, at
    /// most 4.
    pub max_workers: u32,
    /// 0 or ::OSS_RESUMABLE_SIGNATURE_V4: V4; ::OSS_RESUMABLE_SIGNATURE_V1: V1.
    pub signature_version: i32,
    /// One of the `OSS_RESUMABLE_ADDRESS_…` values.
    pub address_style: i32,
    /// Send requests without a signature: default (off), on or off. On cannot be combined with credentials.
    pub anonymous: i32,
    /// Verify the server's certificate and name: default (on), on or off.
    pub verify_tls: i32,
    /// Compare the whole object's CRC-64 with the service's: default (on), on or off. Off disables only this check, and
    /// with it what nothing else can prove: downloads of objects that grow meanwhile, and from services that refuse the
    /// ETag they send.
    pub verify_crc: i32,
    /// Correct the time used in signatures when the service reports that the clock is wrong: default (on), on or off.
    pub correct_clock: i32,
    /// Most verbose `OSS_RESUMABLE_LOG_…` level passed to `log`. 0: ::OSS_RESUMABLE_LOG_INFO.
    pub log_level: i32,
    /// Must be zero.
    pub reserved: u32,
    /// Proxy for all requests: a host name or address. NULL: the environment variables `http_proxy`, `https_proxy` and
    /// `all_proxy` apply. In both cases, hosts listed in the environment variable `no_proxy` are reached directly.
    pub proxy_host: *const c_char,
    /// User name for the proxy, or NULL.
    pub proxy_user: *const c_char,
    /// Password for the proxy, or NULL.
    pub proxy_password: *const c_char,
    /// Local network interface, host name or address from which connections are made, or NULL.
    pub network_interface: *const c_char,
    /// Bandwidth limit in body bytes per second, over all downloads and connections of the client. 0: no limit. See
    /// oss_resumable_client_set_bandwidth().
    pub max_bandwidth: u64,
    /// Port of the proxy, at most 65535. 0: libcurl's default, 1080 for HTTP and 443 for HTTPS.
    pub proxy_port: u32,
    /// One of the `OSS_RESUMABLE_PROXY_…` values.
    pub proxy_scheme: i32,
    /// Longest time for which the service may throttle a download (503, 429, `Retry-After`) while no byte arrives, in
    /// milliseconds. Throttled requests do not count as failed attempts. 0: 60000; −1: no limit.
    pub throttle_limit_ms: i64,
    /// Keys for objects that were encrypted on the client side, or NULL. No two may have the same `matdesc`.
    pub decryption_keys: *const oss_resumable_decryption_key,
    /// Number of elements of `decryption_keys`.
    pub decryption_keys_count: usize,
    /// Unwraps the content keys of encrypted objects for which no decryption key is, or NULL.
    pub key_unwrapper: oss_resumable_key_unwrapper,
    /// Passed to `key_unwrapper`.
    pub key_unwrapper_user_data: *mut c_void,
    /// Frees `key_unwrapper_user_data`, or NULL.
    pub key_unwrapper_user_data_free: oss_resumable_user_data_free,
    /// Largest number of downloads that run at once. 0: ::OSS_RESUMABLE_DEFAULT_MAX_ACTIVE_DOWNLOADS. Further downloads wait in a queue, where they have no thread
    /// and no connection. They start by `priority` of their requests, then in the order of their calls. No more downloads
    /// run than `max_connections` allows.
    pub max_active_downloads: u32,
    /// Largest number of requests in flight, over all downloads of the client, each on a connection of its own. 0:
    /// ::OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS.
    /// Running downloads share the connections evenly; those that one cannot use go to the others. About as many idle
    /// connections may stay open for later requests. See oss_resumable_client_set_max_connections().
    pub max_connections: u32,
    /// Receives a record of each request, or NULL: no records are made.
    pub trace: oss_resumable_trace,
    /// Passed to `trace`.
    pub trace_user_data: *mut c_void,
    /// Frees `trace_user_data`, or NULL.
    pub trace_user_data_free: oss_resumable_user_data_free,
}
size_first!(oss_resumable_client_options);

/// Copies the caller's options; the data of its callbacks lives on in what is returned.
///
/// # Safety
/// `source` is NULL or points to `struct_size` readable bytes whose strings are NULL or NUL-terminated.
pub unsafe fn read(
    source: *const oss_resumable_client_options,
) -> Result<(ClientOptions, Counted<UserData>)> {
    // SAFETY: this function's contract.
    let c = unsafe { sized::read(source) }?;
    // First of all, so that the data is freed whatever else is wrong.
    let user_data = UserData::new(c.user_data, c.user_data_free);
    let unwrapper_data = UserData::new(c.key_unwrapper_user_data, c.key_unwrapper_user_data_free);
    let trace_data = UserData::new(c.trace_user_data, c.trace_user_data_free);
    let user_data = Counted::new(user_data)?;
    switches::reserved(c.reserved, "reserved")?;
    // SAFETY: the strings are NULL or NUL-terminated by this function's contract.
    let endpoint = unsafe { optional(c.endpoint, "endpoint") }?;
    if endpoint.as_deref() == Some("") {
        return Err(Failure::validation(format_args!(
            "endpoint is empty; NULL means that there is none"
        )));
    }
    let mut options = ClientOptions::new(endpoint.unwrap_or_default());
    // SAFETY: as above.
    unsafe {
        options.region = optional(c.region, "region")?;
        options.ca_file = optional(c.ca_file, "ca_file")?.map(PathBuf::from);
        options.ca_path = optional(c.ca_path, "ca_path")?.map(PathBuf::from);
        options.user_agent = optional(c.user_agent, "user_agent")?;
        options.network_interface = optional(c.network_interface, "network_interface")?;
        options.proxy = proxy(&c)?;
        options.credentials = credentials(&c, &user_data)?;
        options.decryption_keys =
            encryption::decryption_keys(c.decryption_keys, c.decryption_keys_count)?;
    }
    numbers(&c, &mut options)?;
    if let Some(unwrapper) = encryption::key_unwrapper(c.key_unwrapper, unwrapper_data) {
        options = options.key_unwrapper(unwrapper);
    }
    if let Some(sink) = callbacks::log_sink(c.log, &user_data) {
        options = options.log(sink);
    }
    if let Some(sink) = trace::trace_sink(c.trace, trace_data) {
        options = options.trace(sink);
    }
    if let Some(decision) = callbacks::retry_decision(c.retry_decision, &user_data) {
        options = options.retry(decision);
    }
    Ok((options, user_data))
}

unsafe fn proxy(c: &oss_resumable_client_options) -> Result<Option<Proxy>> {
    let scheme = match c.proxy_scheme {
        OSS_RESUMABLE_PROXY_HTTP => ProxyScheme::Http,
        OSS_RESUMABLE_PROXY_HTTPS => ProxyScheme::Https,
        other => return Err(switches::unknown("proxy_scheme", other)),
    };
    // SAFETY: the strings are NULL or NUL-terminated by the contract of `read`.
    let (host, user, password) = unsafe {
        (
            optional(c.proxy_host, "proxy_host")?,
            optional(c.proxy_user, "proxy_user")?,
            optional(c.proxy_password, "proxy_password")?.map(Zeroizing::new),
        )
    };
    let port = u16::try_from(c.proxy_port).map_err(|_| {
        Failure::validation(format_args!("proxy_port is {}; it is at most 65535", c.proxy_port))
    })?;
    let Some(host) = host else {
        if scheme != ProxyScheme::Http || port != 0 || user.is_some() || password.is_some() {
            return Err(Failure::validation(format_args!(
                "proxy settings are present, but proxy_host is not set"
            )));
        }
        return Ok(None);
    };
    let mut proxy = Proxy::new(host, port);
    proxy.scheme = scheme;
    proxy.user = user;
    proxy.password = password;
    Ok(Some(proxy))
}

unsafe fn credentials(
    c: &oss_resumable_client_options,
    user_data: &Counted<UserData>,
) -> Result<Credentials> {
    let anonymous = switch(c.anonymous, false, "anonymous")?;
    let provider = callbacks::credentials_provider(c.credentials_provider, user_data);
    let has_key =
        ![c.access_key_id, c.access_key_secret, c.security_token].iter().all(|text| text.is_null());
    match (anonymous, provider, has_key) {
        (false, None, false) => Ok(Credentials::Environment),
        (true, None, false) => Ok(Credentials::Anonymous),
        (false, Some(provider), false) => Ok(Credentials::provider(provider)),
        (false, None, true) => {
            let (id, secret, token) = (c.access_key_id, c.access_key_secret, c.security_token);
            // SAFETY: NULL or NUL-terminated by the contract of `read`.
            Ok(Credentials::Static(unsafe { callbacks::access_key(id, secret, token) }?))
        }
        _ => Err(Failure::validation(format_args!(
            "anonymous, access_key_id and credentials_provider are mutually exclusive; set only one of them"
        ))),
    }
}

fn numbers(c: &oss_resumable_client_options, options: &mut ClientOptions) -> Result<()> {
    let o = options;
    o.connect_timeout = limit(c.connect_timeout_ms, o.connect_timeout, "connect_timeout_ms")?;
    o.idle_timeout = limit(c.idle_timeout_ms, o.idle_timeout, "idle_timeout_ms")?;
    o.first_byte_limit = limit(c.first_byte_limit_ms, o.first_byte_limit, "first_byte_limit_ms")?;
    o.no_progress_limit =
        limit(c.no_progress_limit_ms, o.no_progress_limit, "no_progress_limit_ms")?;
    o.throttle_limit = limit(c.throttle_limit_ms, o.throttle_limit, "throttle_limit_ms")?;
    if c.max_attempts != 0 {
        o.max_attempts = c.max_attempts;
    }
    o.max_workers = c.max_workers;
    o.max_bandwidth = c.max_bandwidth;
    o.max_active_downloads = c.max_active_downloads;
    o.max_connections = c.max_connections;
    o.verify_tls = switch(c.verify_tls, o.verify_tls, "verify_tls")?;
    o.verify_crc = switch(c.verify_crc, o.verify_crc, "verify_crc")?;
    o.correct_clock = switch(c.correct_clock, o.correct_clock, "correct_clock")?;
    o.signature = match c.signature_version {
        0 | OSS_RESUMABLE_SIGNATURE_V4 => SignatureVersion::V4,
        OSS_RESUMABLE_SIGNATURE_V1 => SignatureVersion::V1,
        other => return Err(switches::unknown("signature_version", other)),
    };
    o.address_style = match c.address_style {
        OSS_RESUMABLE_ADDRESS_AUTO => AddressStyle::Auto,
        OSS_RESUMABLE_ADDRESS_PATH => AddressStyle::Path,
        OSS_RESUMABLE_ADDRESS_CNAME => AddressStyle::Cname,
        other => return Err(switches::unknown("address_style", other)),
    };
    o.log_level = match c.log_level {
        OSS_RESUMABLE_LOG_ERROR => LogLevel::Error,
        OSS_RESUMABLE_LOG_WARN => LogLevel::Warn,
        0 | OSS_RESUMABLE_LOG_INFO => LogLevel::Info,
        OSS_RESUMABLE_LOG_DEBUG => LogLevel::Debug,
        other => return Err(switches::unknown("log_level", other)),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem;
    use std::time::Duration;

    fn zeroed() -> oss_resumable_client_options {
        // SAFETY: all zero is valid by the contract of `SizeFirst`.
        let mut options: oss_resumable_client_options = unsafe { mem::zeroed() };
        options.struct_size = size_of::<oss_resumable_client_options>();
        options.endpoint = c"oss-cn-hangzhou.aliyuncs.com".as_ptr();
        options
    }

    fn refused(change: impl FnOnce(&mut oss_resumable_client_options)) -> String {
        let mut options = zeroed();
        change(&mut options);
        // SAFETY: a live local with literals for strings.
        let error = unsafe { read(&raw const options) }.map(|_| ()).expect_err("refused");
        error.message().to_owned()
    }

    #[test]
    fn zero_is_every_default() {
        let c = zeroed();
        // SAFETY: a live local with literals for strings.
        let (options, _) = unsafe { read(&raw const c) }.expect("options");
        let default = ClientOptions::new("oss-cn-hangzhou.aliyuncs.com");
        assert_eq!(format!("{options:?}"), format!("{default:?}"));
        assert_eq!(options.connect_timeout, default.connect_timeout);
        assert_eq!(options.no_progress_limit, default.no_progress_limit);
        assert_eq!(options.throttle_limit, default.throttle_limit);
        assert_eq!(options.max_attempts, default.max_attempts);
        assert!(options.verify_tls && options.verify_crc && options.correct_clock);
        assert_eq!(options.signature, SignatureVersion::V4);
        assert!(options.log.is_none() && options.retry.is_none());
        assert!(options.proxy.is_none() && options.network_interface.is_none());
        assert_eq!(options.max_bandwidth, 0);
        assert_eq!((options.max_active_downloads, options.max_connections), (0, 0));
        assert!(options.decryption_keys.is_empty() && options.key_unwrapper.is_none());
        assert!(options.trace.is_none());
    }

    #[test]
    fn each_field_reaches_its_option() {
        let mut c = zeroed();
        c.region = c"cn-hangzhou".as_ptr();
        (c.ca_file, c.ca_path, c.user_agent) = (c"/f".as_ptr(), c"/p".as_ptr(), c"agent".as_ptr());
        (c.connect_timeout_ms, c.idle_timeout_ms) = (1, 2);
        (c.first_byte_limit_ms, c.no_progress_limit_ms) = (3, -1);
        c.throttle_limit_ms = 9;
        (c.max_attempts, c.max_workers) = (4, 5);
        (c.signature_version, c.address_style) =
            (OSS_RESUMABLE_SIGNATURE_V1, OSS_RESUMABLE_ADDRESS_CNAME);
        (c.anonymous, c.verify_tls, c.verify_crc, c.correct_clock, c.log_level) = (1, 2, 2, 2, 4);
        (c.proxy_host, c.proxy_port) = (c"proxy".as_ptr(), 3128);
        (c.proxy_user, c.proxy_password) = (c"user".as_ptr(), c"hush".as_ptr());
        (c.proxy_scheme, c.max_bandwidth) = (OSS_RESUMABLE_PROXY_HTTPS, 6);
        c.network_interface = c"lo".as_ptr();
        let keys = [oss_resumable_decryption_key { pem: c"PEM".as_ptr(), matdesc: c"{}".as_ptr() }];
        (c.decryption_keys, c.decryption_keys_count) = (keys.as_ptr(), 1);
        c.key_unwrapper = Some(ignore);
        c.trace = Some(ignore_record);
        (c.max_active_downloads, c.max_connections) = (7, 8);
        // SAFETY: a live local with literals for strings.
        let (o, _) = unsafe { read(&raw const c) }.expect("options");
        assert_eq!(o.region.as_deref(), Some("cn-hangzhou"));
        assert_eq!(o.ca_file, Some(PathBuf::from("/f")));
        assert_eq!(o.ca_path, Some(PathBuf::from("/p")));
        assert_eq!(o.user_agent.as_deref(), Some("agent"));
        assert_eq!(o.connect_timeout, Some(Duration::from_millis(1)));
        assert_eq!(o.idle_timeout, Some(Duration::from_millis(2)));
        assert_eq!(o.first_byte_limit, Some(Duration::from_millis(3)));
        assert_eq!(o.no_progress_limit, None);
        assert_eq!(o.throttle_limit, Some(Duration::from_millis(9)));
        assert_eq!((o.max_attempts, o.max_workers), (4, 5));
        assert_eq!(o.signature, SignatureVersion::V1);
        assert_eq!(o.address_style, AddressStyle::Cname);
        assert!(matches!(o.credentials, Credentials::Anonymous));
        assert!(!o.verify_tls && !o.verify_crc && !o.correct_clock);
        assert_eq!(o.log_level, LogLevel::Debug);
        let proxy = o.proxy.expect("proxy");
        assert_eq!(
            (proxy.scheme, proxy.host.as_str(), proxy.port),
            (ProxyScheme::Https, "proxy", 3128)
        );
        assert_eq!(proxy.user.as_deref(), Some("user"));
        assert_eq!(proxy.password.as_ref().map(|p| p.as_str()), Some("hush"));
        assert_eq!((o.network_interface.as_deref(), o.max_bandwidth), (Some("lo"), 6));
        let [key] = &o.decryption_keys[..] else { panic!("one key") };
        assert_eq!((key.pem.as_str(), key.matdesc.as_deref()), ("PEM", Some("{}")));
        assert!(o.key_unwrapper.is_some() && o.trace.is_some());
        assert_eq!((o.max_active_downloads, o.max_connections), (7, 8));
    }

    unsafe extern "C" fn ignore_record(
        _: *const super::trace::oss_resumable_trace_record,
        _: *mut c_void,
    ) {
    }

    unsafe extern "C" fn ignore(
        _: *mut super::encryption::oss_resumable_content_key_sink,
        _: *const super::encryption::oss_resumable_wrapped_key,
        _: *mut c_void,
    ) {
    }

    #[test]
    fn values_that_a_field_does_not_have_are_refused_by_the_fields_name() {
        assert!(refused(|c| c.endpoint = c"".as_ptr()).contains("endpoint"));
        assert!(refused(|c| c.verify_tls = 3).contains("verify_tls"));
        assert!(refused(|c| c.signature_version = 2).contains("signature_version"));
        assert!(refused(|c| c.address_style = 9).contains("address_style"));
        assert!(refused(|c| c.log_level = -1).contains("log_level"));
        assert!(refused(|c| c.idle_timeout_ms = -2).contains("idle_timeout_ms"));
        assert!(refused(|c| c.proxy_scheme = 2).contains("proxy_scheme"));
        assert!(refused(|c| c.proxy_port = 65_536).contains("proxy_port"));
        assert!(refused(|c| c.proxy_user = c"user".as_ptr()).contains("proxy_host"));
        assert!(refused(|c| c.proxy_scheme = OSS_RESUMABLE_PROXY_HTTPS).contains("proxy_host"));
        assert!(refused(|c| c.reserved = 1).contains("reserved"));
        assert!(refused(|c| c.decryption_keys_count = 1).contains("decryption_keys"));
    }

    #[test]
    fn half_a_key_and_contradicting_credentials_are_refused() {
        assert!(refused(|c| c.access_key_id = c"id".as_ptr()).contains("access_key_secret"));
        assert!(refused(|c| c.security_token = c"t".as_ptr()).contains("access_key_id"));
        let contradiction = refused(|c| {
            c.anonymous = 1;
            c.access_key_id = c"id".as_ptr();
            c.access_key_secret = c"secret".as_ptr();
        });
        assert!(contradiction.contains("mutually exclusive"), "{contradiction}");
    }
}
