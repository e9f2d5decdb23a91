//! Percent-encoding as OSS requires it: everything but RFC 3986's unreserved characters is escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// Escapes a query name or value.
pub fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Escapes a path, keeping `/`.
pub fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    #[test]
    fn unreserved_characters_stay_and_all_others_are_escaped() {
        assert_eq!(component("aZ09-._~"), "aZ09-._~");
        assert_eq!(component("a b+c/d*%\u{e9}"), "a%20b%2Bc%2Fd%2A%25%C3%A9");
        assert_eq!(path("dir/a b!'()"), "dir/a%20b%21%27%28%29");
    }

    proptest! {
        #[test]
        fn unescaping_gives_the_text_back(text in any::<String>()) {
            for escaped in [component(&text), path(&text)] {
                prop_assert!(escaped.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert_eq!(percent_decode_str(&escaped).decode_utf8().unwrap(), text.as_str());
            }
        }
    }
}
