//! Which certificates are trusted, and which failed handshakes mean that the server's is not. Pure.

/// OpenSSL's numbers of the libraries whose errors may be the network's: system calls, streams, the protocol itself.
const NETWORK: [u32; 3] = [2, 32, 20];
/// Marks an error of the operating system's.
const SYSTEM: u32 = 1 << 31;

/// Whether the certificate was refused. libcurl has a code for that, but goes by the oldest error in OpenSSL's queue:
/// where the signature of another CA of the same name does not fit, it reports a failed handshake in general, with an
/// error that was met on the way, such as `error:06880006:asn1 encoding routines::EVP lib`.
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

/// Which of libcurl's own places of trusted certificates stay in force.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The bundle, one file.
    pub file: bool,
    pub directory: bool,
}

impl BuiltIn {
    /// `given_file` and `given_directory` tell whether the user gave one; `bundle`, whether libcurl's is there, if it
    /// has one. A bundle that is missing would fail every handshake, whatever else is trusted; beside one, OpenSSL would
    /// keep the certificates of the directory once for each connection.
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
    fn an_error_of_the_signature_s_check_is_told_from_one_of_the_network() {
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
    fn a_missing_bundle_does_not_stand_in_the_way_of_a_directory() {
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
