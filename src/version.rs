//! Which library this is, and with which others it runs.

/// The versions of this library and of the libraries that it uses, such as `0.1.0 libcurl/7.88.1 OpenSSL/3.0.19`.
pub fn version() -> String {
    let curl = curl::Version::get();
    let tls = curl.ssl_version().unwrap_or("no TLS");
    format!("{} libcurl/{} {tls}", env!("CARGO_PKG_VERSION"), curl.version())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_names_the_libraries() {
        let version = super::version();
        assert!(version.starts_with(concat!(env!("CARGO_PKG_VERSION"), " libcurl/")), "{version}");
        assert!(version.contains("OpenSSL/"), "{version}");
    }
}
