//! Where the service and the key come from.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use local_oss::{Auth, Key};

use crate::fixture::{Ended, Fixture, ID, KEY, NAME, SECRET, SOURCE};

fn profile(fixture: &Fixture) -> String {
    format!(
        "[default]\nregion=cn-hangzhou\nendpoint={}\naccessKeyID={ID}\naccess_key_secret={SECRET}\n\n\
         [profile broken]\nsource_profile=default\naccess-key-id=another\naccess-key-secret=S3cretOfBroken\n",
        fixture.server.endpoint()
    )
}

#[test]
fn the_profile_of_ossutil_is_enough() {
    let fixture = Fixture::new(1000);
    fixture.write(".ossutilconfig", &profile(&fixture));
    Ended::of(&mut fixture.bare(&["get", SOURCE])).success();
    fixture.assert_is(NAME, KEY);
}

#[test]
fn the_environment_comes_before_the_profile_and_flags_before_the_environment() {
    let fixture = Fixture::new(1000);
    fixture.write("config", &profile(&fixture));
    let mut with_profile =
        fixture.bare(&["get", SOURCE, "--config-file", "config", "--profile", "broken"]);
    let ended = Ended::of(&mut with_profile);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("InvalidAccessKeyId"), "{}", ended.stderr);
    // The key of the environment replaces that of the profile, whose endpoint stays.
    with_profile.env("OSS_ACCESS_KEY_ID", ID).env("OSS_ACCESS_KEY_SECRET", SECRET);
    Ended::of(&mut with_profile).success();

    let mut wrong = fixture.command(&["get", SOURCE]);
    wrong.env("OSS_ENDPOINT", "http://127.0.0.1:1");
    assert_eq!(Ended::of(&mut wrong).code, Some(1));
    let endpoint = fixture.server.endpoint();
    let mut right = fixture.command(&["get", SOURCE, "--endpoint", &endpoint]);
    right.env("OSS_ENDPOINT", "http://127.0.0.1:1");
    Ended::of(&mut right).success();
}

#[test]
fn the_file_and_the_profile_can_be_named_in_the_environment() {
    let fixture = Fixture::new(1000);
    let config = fixture.write("config", &profile(&fixture).replace("[default]", "[profile good]"));
    let mut command = fixture.bare(&["get", SOURCE]);
    command.env("OSSUTIL_CONFIG_FILE", config).env("OSSUTIL_PROFILE", "good");
    Ended::of(&mut command).success();
    command.env("OSSUTIL_PROFILE", "absent");
    Ended::of(&mut command).assert_usage("has no profile 'absent'");
}

#[test]
fn a_temporary_key_has_its_token_from_the_place_of_the_key() {
    let fixture = Fixture::new(1000);
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some("CAIS+token".to_owned()),
        expires: None,
    };
    fixture.server.set_auth(Auth::Keys(vec![key]));
    let mut command = fixture.command(&["get", SOURCE]);
    command.env("OSS_SESSION_TOKEN", "CAIS+token");
    Ended::of(&mut command).success();
    let text = profile(&fixture).replace("\n\n[", "\nmode=StsToken\nsts-token=CAIS+token\n\n[");
    fixture.write(".ossutilconfig", &text);
    Ended::of(&mut fixture.bare(&["get", SOURCE])).success();
}

#[test]
fn public_objects_need_no_key() {
    let fixture = Fixture::new(1000);
    fixture.server.set_auth(Auth::Anonymous);
    let endpoint = fixture.server.endpoint();
    let flags = ["--anonymous", "--endpoint", endpoint.as_str(), "--region", "cn-hangzhou"];
    Ended::of(fixture.bare(&["get", SOURCE]).args(flags)).success();
    assert!(fixture.server.requests().iter().all(|r| r.header("Authorization").is_none()));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let fixture = Fixture::new(1000);
    let refused = |arguments: &[&str], message: &str| {
        Ended::of(&mut fixture.bare(arguments)).assert_usage(message);
    };
    refused(&["get", SOURCE], "no endpoint is known");
    refused(&["get", SOURCE, "--region", "cn-hangzhou"], "no access key is known");
    refused(&["get", SOURCE, "--config-file", "absent"], "cannot read 'absent'");
    fixture.write(".ossutilconfig", "[default]\nS3cret without a sign\n");
    refused(&["get", SOURCE], "line 2 of '");
    fixture.write(".ossutilconfig", "[default]\nregion=r\nmode=EcsRamRole\n");
    refused(&["get", SOURCE], "mode");
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn an_argument_that_is_not_unicode_is_a_usage_error() {
    let fixture = Fixture::new(1);
    let mut command = fixture.command(&["get", "--no-such-option"]);
    Ended::of(command.arg(OsStr::from_bytes(b"\xff"))).assert_usage("--no-such-option");
}
