use super::*;

fn profile(values: &[(&str, &str)]) -> Profile {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn full_profile() -> Profile {
    profile(&[
        ("endpoint", "http://profile"),
        ("region", "profile-1"),
        ("accesskeyid", "profile-id"),
        ("accesskeysecret", "profile-secret"),
        ("ststoken", "profile-token"),
        ("addressingstyle", "path"),
        ("signversion", "v1"),
    ])
}

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "OSS_ENDPOINT" => "http://environment",
        "OSS_REGION" => "environment-1",
        "OSS_ACCESS_KEY_ID" => "environment-id",
        _ => return None,
    };
    Some(value.to_owned())
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn flags_come_before_the_environment_before_the_profile() {
    let flags = ConnectionArguments {
        endpoint: Some("http://flag".to_owned()),
        addressing_style: Some(Addressing::Cname),
        ..ConnectionArguments::default()
    };
    let found = options(&flags, &environment, &full_profile()).expect("all");
    assert_eq!(found.endpoint, "http://flag");
    assert_eq!(found.region.as_deref(), Some("environment-1"));
    assert_eq!(found.address_style, AddressStyle::Cname);
    assert!(matches!(found.credentials, Credentials::Environment));

    let found = options(&ConnectionArguments::default(), &environment, &full_profile());
    assert_eq!(found.expect("environment").endpoint, "http://environment");

    let found = options(&ConnectionArguments::default(), &nothing, &full_profile());
    let found = found.expect("profile");
    assert_eq!(found.endpoint, "http://profile");
    assert_eq!(found.region.as_deref(), Some("profile-1"));
    assert_eq!(found.address_style, AddressStyle::Path);
    assert_eq!(found.signature, SignatureVersion::V1);
    let Credentials::Static(key) = found.credentials else { panic!("the key of the profile") };
    assert_eq!((key.id.as_str(), key.secret.as_str()), ("profile-id", "profile-secret"));
    assert_eq!(key.token.as_deref().map(String::as_str), Some("profile-token"));
}

#[test]
fn a_region_alone_names_its_public_endpoint() {
    let values = [("region", "cn-beijing"), ("mode", "Anonymous")];
    let found = options(&ConnectionArguments::default(), &nothing, &profile(&values));
    assert_eq!(found.expect("region").endpoint, "https://oss-cn-beijing.aliyuncs.com");
}

#[test]
fn anonymous_is_a_flag_and_a_mode_of_a_profile() {
    let flags = ConnectionArguments { anonymous: true, ..ConnectionArguments::default() };
    let found = options(&flags, &environment, &full_profile()).expect("flag");
    assert!(matches!(found.credentials, Credentials::Anonymous));
}

#[test]
fn what_is_missing_is_named_and_no_secret_is() {
    let refused = |values: &[(&str, &str)]| {
        let found = options(&ConnectionArguments::default(), &nothing, &profile(values));
        found.map(|_| ()).expect_err("refused")
    };
    assert!(refused(&[]).contains("OSS_ENDPOINT"));
    assert!(refused(&[("region", "r")]).contains("OSS_ACCESS_KEY_ID"));
    for wrong in ["accesskeysecret", "mode", "signversion", "addressingstyle"] {
        let mut values = vec![("region", "r"), (wrong, "S3cret")];
        if wrong != "mode" && wrong != "accesskeysecret" {
            values.push(("mode", "anonymous"));
        }
        let message = refused(&values);
        assert!(message.contains("profile") && !message.contains("S3cret"), "{message}");
    }
}
