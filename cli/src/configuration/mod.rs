//! Which service is asked, and with which key: flags before the environment before the profile.

mod profile;

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use oss_resumable::{AccessKey, AddressStyle, ClientOptions, Credentials, SignatureVersion};

use crate::arguments::{Addressing, ConnectionArguments};
use profile::{Profile, Profiles};

/// Values of the environment by their names; an empty one counts as not set.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

const KEY_ID: &str = "OSS_ACCESS_KEY_ID";
const KEY_SECRET: &str = "OSS_ACCESS_KEY_SECRET";
const DEFAULT_PROFILE: &str = "default";
const DEFAULT_FILE: &str = ".ossutilconfig";

/// Options of a client that only downloads from URLs.
pub fn url_options(flags: &ConnectionArguments) -> ClientOptions {
    with_common(flags, ClientOptions::for_urls())
}

/// Options of a client for these flags, the process's environment and the profile. Fails with a message without
/// secrets.
pub fn client_options(flags: &ConnectionArguments) -> Result<ClientOptions, String> {
    let environment = |name: &str| {
        let value = env::var(name).ok()?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    };
    let profile = read_profile(flags, &environment)?;
    options(flags, &environment, &profile)
}

fn read_profile(flags: &ConnectionArguments, environment: Environment) -> Result<Profile, String> {
    let named_file =
        flags.config_file.clone().or_else(|| environment("OSSUTIL_CONFIG_FILE").map(PathBuf::from));
    let named_profile = flags.profile.clone().or_else(|| environment("OSSUTIL_PROFILE"));
    let Some(path) = named_file
        .clone()
        .or_else(|| environment("HOME").map(|home| PathBuf::from(home).join(DEFAULT_FILE)))
    else {
        return Ok(Profile::new());
    };
    let shown = path.display();
    let profiles = match fs::read_to_string(&path) {
        Ok(text) => Profiles::parse(&text)
            .map_err(|line| format!("line {line} of '{shown}' is not understood"))?,
        Err(error) if error.kind() == ErrorKind::NotFound && named_file.is_none() => {
            Profiles::default()
        }
        Err(error) => return Err(format!("cannot read '{shown}': {error}")),
    };
    let name = named_profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    match profiles.find(name) {
        None if named_profile.is_some() => Err(format!("'{shown}' has no profile '{name}'")),
        found => Ok(found.unwrap_or_default()),
    }
}

fn options(
    flags: &ConnectionArguments,
    environment: Environment,
    profile: &Profile,
) -> Result<ClientOptions, String> {
    let from_profile = |name: &str| profile.get(name).filter(|value| !value.is_empty()).cloned();
    let region = flags
        .region
        .clone()
        .or_else(|| environment("OSS_REGION"))
        .or_else(|| from_profile("region"));
    let endpoint = flags
        .endpoint
        .clone()
        .or_else(|| environment("OSS_ENDPOINT"))
        .or_else(|| from_profile("endpoint"))
        .or_else(|| region.as_ref().map(|region| format!("https://oss-{region}.aliyuncs.com")))
        .ok_or(
            "no endpoint is known: give --endpoint or --region, or set OSS_ENDPOINT or OSS_REGION",
        )?;
    let mut options = ClientOptions::new(endpoint);
    options.region = region;
    options.credentials = credentials(flags, environment, profile)?;
    options.address_style = address_style(flags, profile)?;
    options.signature = match from_profile("signversion").as_deref() {
        None | Some("v4") => SignatureVersion::V4,
        Some("v1") => SignatureVersion::V1,
        Some(_) => return Err("the profile's sign-version is neither v1 nor v4".to_owned()),
    };
    Ok(with_common(flags, options))
}

fn with_common(flags: &ConnectionArguments, mut options: ClientOptions) -> ClientOptions {
    options.ca_file.clone_from(&flags.ca_file);
    options.user_agent = Some(format!("oss-resumable/{}", env!("CARGO_PKG_VERSION")));
    options
}

/// The key, its secret and its token come from one place.
fn credentials(
    flags: &ConnectionArguments,
    environment: Environment,
    profile: &Profile,
) -> Result<Credentials, String> {
    if flags.anonymous {
        return Ok(Credentials::Anonymous);
    }
    // With only one of the two the library says which one is missing.
    if environment(KEY_ID).is_some() || environment(KEY_SECRET).is_some() {
        return Ok(Credentials::Environment);
    }
    let value = |name: &str| profile.get(name).filter(|value| !value.is_empty()).cloned();
    match value("mode").map(|mode| mode.to_ascii_lowercase()).as_deref() {
        None | Some("ak" | "ststoken") => {}
        Some("anonymous") => return Ok(Credentials::Anonymous),
        Some(_) => {
            return Err(format!(
                "the profile's mode is none of AK, StsToken and Anonymous, which this command knows; set {KEY_ID} and {KEY_SECRET}"
            ));
        }
    }
    match (value("accesskeyid"), value("accesskeysecret")) {
        (Some(id), Some(secret)) => {
            Ok(Credentials::Static(AccessKey::new(id, secret, value("ststoken"))))
        }
        (None, None) => Err(format!(
            "no access key is known: set {KEY_ID} and {KEY_SECRET}, write them into ~/{DEFAULT_FILE}, or give --anonymous for public objects"
        )),
        _ => Err("the profile has only one of access-key-id and access-key-secret".to_owned()),
    }
}

fn address_style(flags: &ConnectionArguments, profile: &Profile) -> Result<AddressStyle, String> {
    if let Some(style) = flags.addressing_style {
        return Ok(match style {
            Addressing::Virtual => AddressStyle::Auto,
            Addressing::Path => AddressStyle::Path,
            Addressing::Cname => AddressStyle::Cname,
        });
    }
    match profile.get("addressingstyle").map(|style| style.to_ascii_lowercase()).as_deref() {
        None | Some("" | "virtual") => Ok(AddressStyle::Auto),
        Some("path") => Ok(AddressStyle::Path),
        Some("cname") => Ok(AddressStyle::Cname),
        Some(_) => {
            Err("the profile's addressing-style is none of virtual, path and cname".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
