//! The libcurl options of a request: URL, headers, and how the connection is made.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use curl::easy::{Easy2, HttpVersion, List};

use crate::model::options::{Proxy, ProxyScheme};
use crate::sys;

use crate::transfer::policy::certificate::BuiltIn;

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// The settings of a client's connections.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    pub connect_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
    pub verify_tls: bool,
    pub ca_file: Option<PathBuf>,
    pub ca_path: Option<PathBuf>,
    pub proxy: Option<Proxy>,
    pub network_interface: Option<String>,
    pub user_agent: String,
}

/// One request, ready for libcurl.
pub struct Wire {
    pub url: String,
    /// HEAD instead of GET.
    pub head: bool,
    pub headers: Vec<(String, String)>,
    /// Receive buffer, in bytes.
    pub receive_buffer: usize,
    pub connection: Arc<ConnectionSettings>,
}

impl Wire {
    /// Sets all options on `easy`.
    pub fn configure<H>(&self, easy: &mut Easy2<H>) -> Result<(), curl::Error> {
        let connection = &self.connection;
        easy.url(&self.url)?;
        easy.path_as_is(true)?;
        easy.nobody(self.head)?;
        let mut headers = List::new();
        for (name, value) in &self.headers {
            // "Name;" is libcurl's syntax for a header without a value.
            headers.append(&if value.is_empty() {
                format!("{name};")
            } else {
                format!("{name}: {value}")
            })?;
        }
        easy.http_headers(headers)?;
        // Over HTTP/2 all spans would share one connection.
        easy.http_version(HttpVersion::V11)?;
        easy.useragent(&connection.user_agent)?;
        easy.buffer_size(self.receive_buffer)?;
        easy.tcp_nodelay(true)?;
        easy.tcp_keepalive(true)?;
        // Without a value libcurl would use its own 300 s; it rejects values above a day.
        easy.connect_timeout(connection.connect_timeout.unwrap_or(A_DAY).min(A_DAY))?;
        easy.ssl_verify_peer(connection.verify_tls)?;
        easy.ssl_verify_host(connection.verify_tls)?;
        if self.url.starts_with("https:") {
            trust(easy, connection)?;
        }
        if let Some(proxy) = &connection.proxy {
            use_proxy(easy, proxy)?;
        }
        if let Some(interface) = &connection.network_interface {
            easy.interface(interface)?;
        }
        sys::curl::quick_exit(easy);
        Ok(())
    }
}

fn use_proxy<H>(easy: &mut Easy2<H>, proxy: &Proxy) -> Result<(), curl::Error> {
    easy.proxy(&proxy_url(proxy))?;
    if proxy.port != 0 {
        easy.proxy_port(proxy.port)?;
    }
    if let Some(user) = &proxy.user {
        easy.proxy_username(user)?;
    }
    if let Some(password) = &proxy.password {
        easy.proxy_password(password)?;
    }
    Ok(())
}

fn proxy_url(proxy: &Proxy) -> String {
    let scheme = match proxy.scheme {
        ProxyScheme::Http => "http",
        ProxyScheme::Https => "https",
    };
    let host = &proxy.host;
    // An IPv6 address needs brackets, because a colon also precedes the port.
    match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("{scheme}://[{host}]"),
        Err(_) => format!("{scheme}://{host}"),
    }
}

fn trust<H>(easy: &mut Easy2<H>, connection: &ConnectionSettings) -> Result<(), curl::Error> {
    let (file, directory) = (connection.ca_file.as_ref(), connection.ca_path.as_ref());
    let bundle = built_in_bundle();
    let built_in = BuiltIn::beside(file.is_some(), directory.is_some(), bundle);
    match file {
        Some(file) => easy.cainfo(file)?,
        None if built_in.file => {}
        None => sys::curl::no_ca_file(easy),
    }
    match directory {
        Some(directory) => easy.capath(directory)?,
        None if built_in.directory => {}
        None => sys::curl::no_ca_directory(easy),
    }
    Ok(())
}

/// Whether the bundle of the system's authorities exists that libcurl was built with, if it has one.
#[cfg(not(feature = "static-curl"))]
fn built_in_bundle() -> Option<bool> {
    curl::Version::get().cainfo().map(|file| std::path::Path::new(file).is_file())
}

/// The libcurl that is bundled has none: the crate `curl` sets the bundle and the directory that openssl-probe finds.
#[cfg(feature = "static-curl")]
fn built_in_bundle() -> Option<bool> {
    static BUNDLE: std::sync::LazyLock<Option<bool>> =
        std::sync::LazyLock::new(|| openssl_probe::probe().cert_file.map(|_| true));
    *BUNDLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_be_a_name_or_an_address_of_either_kind() {
        for (host, url) in [
            ("proxy.example.com", "http://proxy.example.com"),
            ("192.0.2.1", "http://192.0.2.1"),
            ("2001:db8::1", "http://[2001:db8::1]"),
            ("[2001:db8::1]", "http://[2001:db8::1]"),
        ] {
            assert_eq!(proxy_url(&Proxy::new(host, 3128)), url);
        }
    }
}
