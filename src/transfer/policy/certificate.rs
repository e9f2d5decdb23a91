//! Which certificates are trusted, and which failed handshakes mean that the server's is not. Pure.

/// OpenSSL's numbers of the libraries whose errors may be caused by the network: system calls, streams, the protocol.
const NETWORK: [u32; 3] = [2, 32, 20];
/// The bit of an error of the operating system.
const SYSTEM: u32 = 1 << 31;

/// Whether the certificate was refused. libcurl has a code for that, but uses the oldest error in OpenSSL's queue: if
/// the signature of another CA of the same name does not match, it reports a general handshake failure with an earlier
/// error, such as `error:06880006:asn1 encoding routines::EVP lib`.
pub fn is_refused(curl_code: u32, message: &str) -> bool {
    match curl_code {
        curl_sys::CURLE_PEER_FAILED_VERIFICATION => true,
        curl_sys::CURLE_SSL_CONNECT_ERROR => openssl_error(message)
            .is_some_and(|error| error & SYSTEM == 0 && !NETWORK.contains(&(error >> 23 & 0xFF))),
        _ => false,
    }
}

/// The number in `error:0688000D:…`.
fn openssl_error(message: &str) -> Option<u32> {
    message.match_indices("error:").find_map(|(at, mark)| {
        let (number, _) = message.get(at + mark.len()..)?.split_once(':')?;
        u32::from_str_radix(number, 16).ok()
    })
}

/// Which of libcurl's built-in sources of trusted certificates stay in use.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The bundle, one file.
    pub file: bool,
    pub directory: bool,
}

impl BuiltIn {
    /// `given_file` and `given_directory` say whether the user set one; `bundle`, whether libcurl's exists, if it has
    /// one. A missing bundle would make every handshake fail, whatever else is trusted; with a bundle, OpenSSL would
    /// additionally keep the certificates of the directory once for each connection.
    pub fn beside(given_file: bool, given_directory: bool, bundle: Option<bool>) -> Self {
        BuiltIn {
            file: !given_file && bundle != Some(false),
            directory: !given_directory && !given_file && bundle != Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_error_is_distinguished_from_a_network_error() {
        let refused = |message| is_refused(curl_sys::CURLE_SSL_CONNECT_ERROR, message);
        for check in [
            "OpenSSL/3.0.19: error:06880006:asn1 encoding routines::EVP lib",
            "OpenSSL/3.0.19: error:0200008A:rsa routines::invalid padding",
            "TLS connect error: error:1C880004:Provider routines::RSA lib",
        ] {
            assert!(refused(check), "{check}");
        }
        for network in [
            "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
            "error:0A000126:SSL routines::unexpected eof while reading",
            "OpenSSL SSL_connect: Connection reset by peer in connection to oss:443",
            "error:80000068:system library::Connection reset by peer",
            "error:",
            "error:xyz:",
            "",
        ] {
            assert!(!refused(network), "{network}");
        }
        assert!(is_refused(curl_sys::CURLE_PEER_FAILED_VERIFICATION, ""));
        assert!(!is_refused(curl_sys::CURLE_RECV_ERROR, "error:06880006:asn1"));
    }

    #[test]
    fn a_missing_bundle_does_not_prevent_the_use_of_a_directory() {
        let kept = |file, directory| BuiltIn { file, directory };
        for given_directory in [false, true] {
            let missing = BuiltIn::beside(false, given_directory, Some(false));
            assert_eq!(missing, kept(false, !given_directory));
        }
        assert_eq!(BuiltIn::beside(false, true, Some(true)), kept(true, false));
        assert_eq!(BuiltIn::beside(false, false, Some(true)), kept(true, false));
        assert_eq!(BuiltIn::beside(false, false, None), kept(true, true));
        assert_eq!(BuiltIn::beside(true, false, Some(true)), kept(false, false));
        assert_eq!(BuiltIn::beside(true, true, Some(false)), kept(false, false));
    }
}
