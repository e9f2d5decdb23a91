//! The access key in the environment variables `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`.

use std::ffi::OsString;

use zeroize::Zeroizing;

use crate::model::credentials::AccessKey;
use crate::model::error::{Error, Result};

const ID: &str = "OSS_ACCESS_KEY_ID";
const SECRET: &str = "OSS_ACCESS_KEY_SECRET";
const TOKEN: &str = "OSS_SESSION_TOKEN";

/// Reads the key. Surrounding blanks and line ends are not part of a value: files mounted by secret stores, and `export
/// ID="$(cat …)"` in some shells, end in them. An empty token counts as absent.
///
/// `ValidateError` names the variable that is wrong and never shows its value.
pub fn from_environment() -> Result<AccessKey> {
    from_variables(|name| std::env::var_os(name))
}

fn from_variables(read: impl Fn(&str) -> Option<OsString>) -> Result<AccessKey> {
    let value = |name: &str| read(name).map(|raw| trimmed(name, raw)).transpose();
    let required = |name: &str| match value(name)? {
        Some(value) if !value.is_empty() => Ok(value),
        found => Err(Error::validation(format!(
            "no credentials: the environment variable {name} is {}; set {ID} and {SECRET}, or give the client an access key",
            if found.is_some() { "empty" } else { "not set" }
        ))),
    };
    let id = required(ID)?;
    let secret = required(SECRET)?;
    let token = value(TOKEN)?.filter(|token| !token.is_empty());
    Ok(AccessKey { id: id.to_string(), secret, token, expires: None })
}

/// The trimmed value of the variable `name`, if it is valid: id and token are sent in headers, and secrets of OSS
/// consist of characters that could be.
fn trimmed(name: &str, raw: OsString) -> Result<Zeroizing<String>> {
    let wrong = |what: &str| {
        Err(Error::validation(format!("the environment variable {name} {what}; set it again")))
    };
    let raw = match raw.into_string() {
        Ok(text) => Zeroizing::new(text),
        Err(_) => return wrong("is not valid UTF-8"),
    };
    let value = raw.trim_matches(|c: char| c.is_ascii_whitespace());
    match value.chars().find(|c| !c.is_ascii_graphic()) {
        None => Ok(Zeroizing::new(value.to_owned())),
        Some(c) if c.is_whitespace() => wrong("contains a blank or a line end inside its value"),
        Some(c) if c.is_control() => wrong("contains a control character"),
        Some(_) => wrong("contains a character that is not ASCII"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::ErrorKind;
    use crate::oss::validate;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    fn key(id: &[u8], secret: &[u8], token: Option<&[u8]>) -> Result<AccessKey> {
        from_variables(|name| {
            let bytes = match name {
                ID => Some(id),
                SECRET => Some(secret),
                _ => token,
            };
            bytes.map(|bytes| OsString::from_vec(bytes.to_vec()))
        })
    }

    /// Asserts that the error names `name`, contains `what` and shows no value.
    fn refused(result: Result<AccessKey>, name: &str, what: &str) {
        let error = result.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Validation);
        let message = error.message();
        assert!(message.contains(&format!("{name} {what}")), "{message}");
        assert!(!message.contains("VALUE"), "{message}");
    }

    #[test]
    fn the_error_names_a_missing_or_empty_variable() {
        refused(from_variables(|_| None), ID, "is not set");
        refused(from_variables(|name| (name == ID).then(|| "VALUE".into())), SECRET, "is not set");
        refused(from_variables(|name| (name == SECRET).then(|| "VALUE".into())), ID, "is not set");
        for empty in ["", "\n", " \t\r\n "] {
            refused(key(empty.as_bytes(), b"VALUE", None), ID, "is empty");
            refused(key(b"VALUE", empty.as_bytes(), None), SECRET, "is empty");
            let found = key(b"id", b"secret", Some(empty.as_bytes())).expect("a key");
            assert_eq!(found.token, None, "an empty token counts as absent");
        }
    }

    #[test]
    fn the_error_for_an_invalid_value_names_the_variable_and_not_the_value() {
        for (value, what) in [
            (b"VALUE VALUE".as_slice(), "contains a blank"),
            (b"VALUE\nVALUE\n", "contains a blank or a line end"),
            ("VALUE\u{a0}".as_bytes(), "contains a blank"),
            (b"VALUE\x07", "contains a control"),
            (b"\x7fVALUE", "contains a control"),
            ("\u{feff}VALUE".as_bytes(), "contains a character that is not ASCII"),
            (b"VALUE\xff", "is not valid UTF-8"),
        ] {
            refused(key(value, b"VALUE", None), ID, what);
            refused(key(b"VALUE", value, None), SECRET, what);
            refused(key(b"VALUE", b"VALUE", Some(value)), TOKEN, what);
        }
    }

    proptest! {
        #[test]
        fn blanks_and_line_ends_around_a_value_are_ignored(
            before in "[ \t\r\n]{0,3}", after in "[ \t\r\n]{0,3}", value in "[!-~]{1,40}"
        ) {
            let around = format!("{before}{value}{after}");
            let bytes = around.as_bytes();
            let found = key(bytes, bytes, Some(bytes)).expect("a key");
            prop_assert_eq!(&found.id, &value);
            prop_assert_eq!(found.secret.as_str(), &value);
            prop_assert_eq!(found.token.as_ref().map(|token| token.as_str()), Some(value.as_str()));
            prop_assert!(validate::access_key(&found).is_ok());
        }
    }
}
