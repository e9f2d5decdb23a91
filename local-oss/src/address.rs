//! The bucket and the key of a request.

use std::net::IpAddr;

/// Bucket (empty if the request names none) and key, unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// Determines bucket and key from the `Host` header and the unescaped path.
///
/// OSS document "OSS domain names": `bucket.oss-region.aliyuncs.com/key`, or a custom domain bound to the
/// bucket. The SDKs use path style for IP addresses (`IsPathStyle` of the C++ SDK). The real service refuses
/// it for its own domains (`SecondLevelDomainForbidden`); here it is accepted for them and for `localhost`.
pub(crate) fn locate(host: &str, path: &str, custom_domains: &[(String, String)]) -> Address {
    let path = path.strip_prefix('/').unwrap_or(path);
    let host = without_port(host).to_ascii_lowercase();
    let bound = custom_domains.iter().find(|(domain, _)| domain.eq_ignore_ascii_case(&host));
    let bucket = bound.map(|(_, bucket)| bucket.as_str()).or_else(|| bucket_of_host(&host));
    let (bucket, key) =
        bucket.map_or_else(|| path.split_once('/').unwrap_or((path, "")), |b| (b, path));
    Address { bucket: bucket.to_owned(), key: key.to_owned() }
}

/// The labels before the service's own domain.
fn bucket_of_host(host: &str) -> Option<&str> {
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
        return None;
    }
    let service = if host.ends_with(".aliyuncs.com") {
        host.rfind(".oss-")?
    } else {
        host.strip_suffix(".localhost").map(str::len)?
    };
    host.get(..service)
}

fn without_port(host: &str) -> &str {
    let after_ipv6 = host.rfind(']').unwrap_or(0);
    match host.rfind(':') {
        Some(colon) if colon > after_ipv6 => &host[..colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn located(host: &str, path: &str) -> (String, String) {
        let domains = [("dl.example.com".to_owned(), "bound".to_owned())];
        let address = locate(host, path, &domains);
        (address.bucket, address.key)
    }

    fn pair(bucket: &str, key: &str) -> (String, String) {
        (bucket.to_owned(), key.to_owned())
    }

    #[test]
    fn ip_addresses_and_localhost_are_path_style() {
        for host in ["127.0.0.1:80", "127.0.0.1", "[::1]:8080", "localhost:1", ""] {
            assert_eq!(located(host, "/b/k/l"), pair("b", "k/l"), "{host}");
        }
        assert_eq!(located("127.0.0.1", "/b"), pair("b", ""));
        assert_eq!(located("127.0.0.1", "/"), pair("", ""));
    }

    #[test]
    fn service_domains_contain_the_bucket() {
        assert_eq!(located("b.localhost:80", "/k/l"), pair("b", "k/l"));
        assert_eq!(located("b.oss-cn-hangzhou.aliyuncs.com", "/k"), pair("b", "k"));
        assert_eq!(located("oss-cn-hangzhou.aliyuncs.com", "/b/k"), pair("b", "k"));
    }

    #[test]
    fn a_custom_domain_is_bound_to_its_bucket() {
        assert_eq!(located("DL.example.com:443", "/b/k"), pair("bound", "b/k"));
    }

    proptest! {
        #[test]
        fn no_host_or_path_causes_a_panic(host in ".*", path in ".*") {
            locate(&host, &path, &[]);
        }
    }
}
